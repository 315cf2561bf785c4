"""The wallboard says in words when what it shows is not current."""

import asyncio

import aiomqtt
import pytest
from playwright.async_api import expect

from tests.broker import Broker
from tests.wallboard.center import Line, SimulatedCenter, a_busy_day
from tests.wallboard.conftest import OpenBoard, WebBroker
from tests.wallboard.seen import lasting, person, standing

pytestmark = pytest.mark.asyncio(loop_scope="package")


def connect(broker: Broker) -> aiomqtt.Client:
    """A client that may do everything."""
    return aiomqtt.Client(broker.host, broker.port, protocol=aiomqtt.ProtocolVersion.V5)


async def test_says_that_the_link_to_asterisk_is_lost(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """While the link is down the page says so and why, times stand still, and it goes on when the link is back."""
    center = a_busy_day(client)
    await center.open()
    page = await open_board()
    await expect(standing(page)).to_have_text("")
    await center.tell_link("down", "Connection refused")
    await expect(standing(page)).to_contain_text("pbx1: no link to Asterisk since")
    await expect(standing(page)).to_contain_text("(Connection refused). What is shown of it is what was last known.")
    tile = person(page, "Ben Okafor")
    stood = await lasting(tile)
    await asyncio.sleep(2.2)  # that nothing moves, only time can show
    assert await lasting(tile) == stood
    await center.tell_link("resyncing")
    await expect(standing(page)).to_contain_text("being compared with Asterisk")
    await center.tell_link("up")
    await expect(standing(page)).to_have_text("")
    await expect(tile.locator(".time")).not_to_have_text(f"{stood // 60}:{stood % 60:02}")


async def test_says_that_the_gateway_is_away(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """A gateway that ended, or never said that it is there, is told; one that is back is current again."""
    center = a_busy_day(client)
    await center.open()
    page = await open_board()
    await expect(standing(page)).to_have_text("")
    await center.tell_state("offline")
    await expect(standing(page)).to_contain_text("pbx1: its gateway is not running.")
    await expect(page.locator(".person")).to_have_count(24)
    await center.tell_state("online")
    await expect(standing(page)).to_have_text("")
    await client.publish(center.topics.bridge_state, b"", qos=1, retain=True)
    await expect(standing(page)).to_contain_text("pbx1: its gateway is not running.")


async def test_outlives_a_restart_of_the_broker(open_board: OpenBoard, web: WebBroker) -> None:
    """Without the broker it says so and keeps what it knew; with it again it is current, without who left meanwhile."""
    async with connect(web.broker) as client:
        await a_busy_day(client).open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(24)
    web.broker.kill()  # with its store never written: it begins empty
    await expect(standing(page)).to_contain_text("No connection to the broker since")
    await expect(page.locator(".person")).to_have_count(24)
    web.broker.start()
    async with connect(web.broker) as client:
        day = a_busy_day(client)
        workers = [worker for name, worker in day.workers.items() if name != "Ben Okafor"]
        await SimulatedCenter(client, "pbx1", day.lines.values(), workers).open()
        await expect(standing(page)).to_have_text("")
        await expect(page.locator(".person")).to_have_count(23)
        await expect(person(page, "Ben Okafor")).to_have_count(0)


async def test_many_that_are_not_current_are_told_in_one(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """Where more than three of twenty Asterisks are not current, one paragraph names them; the board keeps its room."""
    centers = [SimulatedCenter(client, f"pbx{n}", [Line("Support")], []) for n in range(1, 21)]
    for center in centers:
        await center.open()
    page = await open_board()
    await expect(page.locator(".queue")).to_have_count(20)
    for center in centers[:3]:
        await center.tell_state("offline")
    await expect(standing(page).locator("p")).to_have_count(3)
    await centers[3].tell_link("down")
    await expect(standing(page)).to_have_text(
        "4 of 20 Asterisks are not current. What is shown of them is what was last known."
        " Gateway not running: pbx1, pbx2, pbx3. No link to Asterisk, or being compared with it: pbx4."
    )
    for center in centers:
        await center.tell_state("offline")
    await expect(standing(page)).to_contain_text("20 of 20 Asterisks are not current.")
    await expect(page.locator("main.all-stale")).to_have_count(1)


async def test_says_where_nobody_answers(open_board: OpenBoard) -> None:
    """At an address without a broker, and at one that is none, it says what is wrong."""
    page = await open_board(broker="ws://127.0.0.1:9")
    await expect(standing(page)).to_have_text("The broker at ws://127.0.0.1:9 does not answer; trying again.")
    page = await open_board(broker="nonsense")
    await expect(standing(page)).to_contain_text("The broker's address “nonsense” cannot be used")
