"""What the wallboard shows of a call center."""

import asyncio
import json
import time
from datetime import timedelta

import aiomqtt
import pytest
from playwright.async_api import Locator, expect

from tests.wallboard.center import Line, SimulatedCenter, Worker, a_busy_day
from tests.wallboard.conftest import OpenBoard
from tests.wallboard.seen import column, dialog, lasting, person, queue, standing

pytestmark = pytest.mark.asyncio(loop_scope="package")

TRIES = 5  # of which one is quick enough: what else runs on the machine makes a page slower, and never faster


async def test_shows_queues_agents_and_figures(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """It opens with the whole center: queues and what was counted, agents by state, with reasons and calls."""
    center = a_busy_day(client)
    await center.open()
    page = await open_board()
    support = queue(page, "Support")
    await expect(support.locator(".big dd").first).to_have_text("3")
    await expect(support.locator(".badge")).to_have_text("Too long")
    await expect(support.locator(".figures")).to_have_text("in 20 s76 %answered184abandoned12")
    await expect(column(page, "On a call").locator(".person")).to_have_count(12)
    await expect(column(page, "Not ready 4")).to_be_visible()
    await expect(person(page, "David Meyer").locator(".about")).to_have_text("back office")
    await expect(person(page, "Anna Berg").locator(".about")).to_have_text("Support")
    worker = center.workers["Anna Berg"]
    await expect(person(page, "Anna Berg").locator(".sums")).to_have_text(f"{worker.calls} calls · talk 2:30")
    await expect(page.locator(".totals dd").nth(4)).to_have_text("364")
    await expect(standing(page)).to_have_text("")


async def test_changes_within_a_second(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """What is told on the broker stands on the page within a second, and its time begins anew and ticks."""
    center = a_busy_day(client)
    await center.open()
    page = await open_board()
    await expect(column(page, "Ready").get_by_role("button", name="Ben Okafor")).to_be_visible()
    for _ in range(TRIES):
        await page.evaluate(
            """() => { window.seen = new Promise((resolve) => {
                const there = () => document.querySelector(".column.in-away").textContent.includes("Ben Okafor");
                const look = () => there() ? resolve(Date.now()) : requestAnimationFrame(look);
                look(); }); }"""
        )
        sent = time.time()
        await center.change("Ben Okafor", "NOT_READY", "lunch")
        if (took := await page.evaluate("window.seen") / 1000 - sent) < 1.0:
            break
        await center.change("Ben Okafor", "READY")
        await expect(column(page, "Ready").get_by_role("button", name="Ben Okafor")).to_be_visible()
    assert took < 1.0
    tile = person(page, "Ben Okafor")
    await expect(tile.locator(".about")).to_have_text("lunch")
    await is_right(tile, center, "Ben Okafor")
    shown = await tile.locator(".time").inner_text()
    await expect(tile.locator(".time")).not_to_have_text(shown)
    await is_right(tile, center, "Ben Okafor")


async def is_right(tile: Locator, center: SimulatedCenter, name: str) -> None:
    """Wait until the tile shows for how long the agent has been in its state, to three seconds."""
    async with asyncio.timeout(30):
        while True:
            shown = await lasting(tile)
            if 0 <= (center.now - center.workers[name].began).total_seconds() - shown < 3:
                return
            await asyncio.sleep(0.05)  # a page is asked, it does not tell


async def test_what_needs_eyes_comes_first(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """A queue in which somebody waits goes up; past its threshold it is "Too long" by the mere passing of time."""
    lines = [Line("Alpha"), Line("Beta", threshold=5.0), Line("Gamma", [timedelta(seconds=9)]), Line("Delta")]
    workers = [Worker("Ann", ["Alpha", "Beta"], "PJSIP/1"), Worker("Bob", ["Delta"], "PJSIP/2")]
    center = SimulatedCenter(client, "pbx1", lines, workers)
    await center.open()
    page = await open_board()
    names, badges = page.locator(".queue h3"), page.locator(".queue .badge")
    await expect(names).to_have_text(["Gamma", "Alpha", "Beta", "Delta"])
    await expect(badges).to_have_text(["Nobody there", "Clear", "Clear", "Clear"])
    await page.evaluate(
        """() => { window.story = [];
            const look = () => {
                const all = (place) => [...document.querySelectorAll(place)].map((each) => each.innerText);
                const now = JSON.stringify([all(".queue h3"), all(".queue .badge")]);
                if (now !== window.story.at(-1)) { window.story.push(now); } };
            look();
            new MutationObserver(look).observe(document, { childList: true, characterData: true, subtree: true }); }"""
    )
    await center.join("Beta")
    await expect(badges).to_have_text(["Nobody there", "Too long", "Clear", "Clear"])
    story = [json.loads(each) for each in await page.evaluate("window.story")]
    assert story[1:] == [
        [["Gamma", "Beta", "Alpha", "Delta"], ["Nobody there", badge, "Clear", "Clear"]]
        for badge in ("Waiting", "Too long")
    ]


async def test_who_leaves_is_gone(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """An agent whose session is over, or whose messages are removed, is on the board no more."""
    center = a_busy_day(client)
    await center.open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(24)
    await center.leave("Ben Okafor")
    await center.change("Anna Berg", "SESSION_ENDED")
    await expect(page.locator(".person")).to_have_count(22)
    await expect(person(page, "Anna Berg")).to_have_count(0)


async def test_a_wrong_clock_counts_for_nothing(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """Where the wall's clock and a gateway's differ, times are right as soon as some changes were told."""
    centers = [a_busy_day(client, "ahead"), a_busy_day(client, "behind")]
    for center, ahead in zip(centers, (timedelta(hours=2), timedelta(hours=-2)), strict=True):
        center.ahead = ahead
        await center.open()
    page = await open_board(height=3000)  # what stands below the edge of the screen does not tick
    await expect(page.locator(".person")).to_have_count(48)
    for center in centers:
        for state in ("BUSY_ON_CALL", "BUSY_WRAPUP", "READY"):
            await center.change("Ben Okafor", state)
    for center in centers:
        fresh = person(page, "Ben Okafor").filter(has_text=center.node)
        await is_right(fresh, center, "Ben Okafor")
        await is_right(person(page, "Vera Kovač").filter(has_text=center.node), center, "Vera Kovač")


async def test_names_are_text_and_nothing_else(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """A name with markup, percent signs or letters of any script stands on the page as it is."""
    names = [
        '<img src=x onerror="document.title=1">',
        "100 %41 a/b+c#d",
        "Łukasz Ώμέγα Юлия 李雷",
        "&amp; ; constructor",
        "__proto__",
    ]
    workers = [Worker(name, ["<b>bold</b>"], f"PJSIP/{index}") for index, name in enumerate(names)]
    await SimulatedCenter(client, "pbx/1 %", [Line("<b>bold</b>")], workers).open()
    page = await open_board()
    await expect(page.locator(".person")).to_have_count(len(names))
    assert sorted(await page.locator(".person .who").all_inner_texts()) == sorted(names)
    await expect(page.locator(".queue h3")).to_have_text("<b>bold</b>")
    await expect(page.locator(".top .name p")).to_have_text("pbx/1 %")
    assert await page.title() == "Call center"


async def test_one_page_shows_twenty_asterisks_or_one(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """It shows every Asterisk below the prefix, saying which is which; the address bar leaves one, or one queue."""
    for number in range(1, 21):
        lines = [Line("Support", answered=number)]
        await SimulatedCenter(client, f"pbx{number}", lines, [Worker("Ann", ["Support"], "PJSIP/1")]).open()
    page = await open_board()
    await expect(page.locator(".top .name p")).to_have_text("20 Asterisks")
    await expect(page.locator(".person")).to_have_count(20)
    await expect(page.locator(".queue h3").filter(has_text="pbx17")).to_have_count(1)
    one = await open_board(node="pbx7")
    await expect(one.locator(".top .name p")).to_have_text("pbx7")
    await expect(one.locator(".person")).to_have_count(1)
    await expect(one.locator(".totals")).to_have_count(0)


async def test_finds_an_agent_or_a_queue(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """The search field and the address bar leave what is looked for."""
    await a_busy_day(client).open()
    page = await open_board()
    await page.get_by_role("searchbox").fill("olga")
    await expect(page.locator(".person .who")).to_have_text(["Olga Petrova"])
    sales = await open_board(queue="Sales", show="queues")
    await expect(sales.locator(".queue h3")).to_have_text(["Sales"])
    await expect(sales.locator(".person")).to_have_count(0)


async def test_no_caller_is_shown_on_a_wall(open_board: OpenBoard, client: aiomqtt.Client) -> None:
    """Who calls, and who waits, is nowhere on a page on which nobody signed in."""
    await a_busy_day(client).open()
    page = await open_board()
    for name in ("Support", "Anna Berg"):
        opened = await dialog(page, name)
        await expect(opened).to_be_visible()
        assert "A. Caller" not in (text := await page.locator("body").inner_text())
        assert "+49" not in text
        await page.keyboard.press("Escape")
