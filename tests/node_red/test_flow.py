"""The flow for Node-RED, in a real Node-RED beside a real broker and a gateway: what it shows and what it does."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import SAMPLES, Broker
from tests.lab.subscriber import Received
from tests.node_red.running import Editor, node_red
from tests.npm import NAMED
from tests.service.live import ALICE, Live, live, pbx
from tests.wallboard.chromium import chromium, ensure_chromium

pytestmark = pytest.mark.timeout(400)  # the packages are fetched on a machine's first run

FLOW = Path(__file__).parents[2] / "deploy" / "node-red" / "call-center.json"
LOCK = Path(__file__).parent / "package-lock.json"
USER, PASSWORD = "supervisor", "four"
IMPATIENT = 300  # milliseconds, where no answer comes
PATIENT = 60_000  # milliseconds, where one does, whatever else the machine has to do
SLOW = 60_000  # milliseconds for anything in the browser
AGENTS, SET = "/call-center/agents", "/call-center/set"


def flow() -> list[dict[str, Any]]:
    """The flow as it is shipped."""
    nodes: list[dict[str, Any]] = json.loads(FLOW.read_text(encoding="utf-8"))
    return nodes


def set_up(broker: Broker, patience: int = PATIENT) -> list[dict[str, Any]]:
    """The flow with what one fills in: the broker's address, user and password. And with another patience."""
    text = FLOW.read_text(encoding="utf-8")
    assert "}, 10000);" in text
    nodes: list[dict[str, Any]] = json.loads(text.replace("}, 10000);", f"}}, {patience});"))
    (config,) = (node for node in nodes if node["type"] == "mqtt-broker")
    config |= {"broker": broker.host, "port": broker.port, "credentials": {"user": USER, "password": PASSWORD}}
    return nodes


def named(name: str) -> str:
    """The id of a node."""
    (found,) = (node["id"] for node in flow() if node.get("name") == name and node["type"] != "comment")
    identifier: str = found
    return identifier


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Node-RED for all tests."""
    with node_red(tmp_path_factory.mktemp("node-red")) as running:
        yield running


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker with the sample's rights; who gives no name may do everything: the gateway, and the test."""
    acl = f"topic readwrite #\n{(SAMPLES / 'acl').read_text()}"
    settings = ("allow_anonymous true",)
    with Broker(tmp_path / "broker", users={USER: PASSWORD}, acl=acl, settings=settings) as running:
        yield running


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk 22 with two queues."""
    async with pbx() as running:
        yield running


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk) -> AsyncIterator[Live]:
    """A gateway between the two."""
    async with live(broker, asterisk) as running:
        yield running


@pytest.fixture
async def editor(address: str, broker: Broker, gateway: Live) -> AsyncIterator[Editor]:
    """Node-RED with the flow on this test's broker, from the moment it shows the agents."""
    assert gateway.client.latest
    async with Editor(address) as running:
        await running.deploy(set_up(broker))
        await running.until(AGENTS, lambda shown: len(shown["agents"]) == 2 and shown["standing"] == [])
        yield running
        await running.deploy([])  # while the broker is there: it would wait for two seconds to say good-bye


def alice(shown: Any) -> tuple[str, str | None]:
    """Her state and reason, as the flow shows them."""
    return next((each["state"], each["reason"]) for each in shown["agents"] if each["agent"] == "Alice")


async def test_pauses_and_unpauses_an_agent(editor: Editor, gateway: Live) -> None:
    """A command is answered when Asterisk has done it, and the agent is shown so."""
    status, answer = await editor.post(SET, {"agent": "Alice", "state": "NOT_READY", "reason": "lunch"})
    assert (status, answer["status"], answer["changed"]) == (200, "ok", True)
    paused = [fields for _, fields in gateway.asked("QueuePause")]
    assert {(each["Interface"], each["Paused"], each["Reason"]) for each in paused} == {(ALICE, "true", "lunch")}
    await editor.until(AGENTS, lambda shown: alice(shown) == ("NOT_READY", "lunch"))
    status, answer = await editor.post(SET, {"agent": "Alice", "node": "pbx1", "state": "READY"})
    assert (status, answer["status"]) == (200, "ok")
    await editor.until(AGENTS, lambda shown: alice(shown) == ("READY", None))


async def test_the_buttons_in_the_editor_do_it_too(editor: Editor, gateway: Live) -> None:
    """The inject nodes pause and unpause Alice for real."""
    for button, state in (("pause Alice for lunch", "NOT_READY"), ("unpause Alice", "READY")):
        since = len(gateway.client.messages)
        status, _ = await editor.post(f"/inject/{named(button)}")
        assert status == 200

        def shows(message: Received, state: str = state) -> bool:
            return message.topic == "agent/Alice" and message.json["state"] == state

        await gateway.client.wait_for(shows, since=since)


async def test_says_why_not(editor: Editor, gateway: Live) -> None:
    """What cannot be done is told with a status and a sentence, and Asterisk is asked for nothing."""
    elsewhere = {"Origin": "https://elsewhere.example"}
    for asked, headers, status, said in (
        ({"agent": "Carol", "state": "READY"}, {}, 404, "There is no such agent."),
        ({"agent": "Alice", "state": "BUSY_ON_CALL"}, {}, 409, None),
        (["Alice"], {}, 400, 'JSON with "agent" and "state" was expected.'),
        ({"agent": "Alice", "state": "READY"}, elsewhere, 403, "Another site's page may not do that."),
    ):
        answered, answer = await editor.post(SET, asked, **headers)
        assert (answered, answer["status"]) == (status, "error"), answer
        assert said is None or answer["message"] == said
    assert gateway.asked() == []


async def test_tells_what_is_not_current(address: str, broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """A gateway that is not there is told, a command to it is unanswered; without a broker nothing is shown."""
    async with Editor(address) as editor:
        async with live(broker, asterisk):
            await editor.deploy(set_up(broker, IMPATIENT))
            await editor.until(AGENTS, lambda shown: len(shown["agents"]) == 2)
        await editor.until(AGENTS, lambda shown: shown["standing"] == ["cti/pbx1: its gateway is not running."])
        status, answer = await editor.post(SET, {"agent": "Alice", "state": "READY"})
        assert (status, answer["message"].split(".")[0]) == (504, "No answer came")
        broker.stop()
        await editor.until(
            AGENTS, lambda shown: (shown["agents"], shown["standing"]) == ([], ["Nothing comes from the broker."])
        )


async def test_tells_that_a_message_was_missed(editor: Editor, gateway: Live) -> None:
    """A step in previous_seq is counted once; a repetition is no step."""
    await editor.post(SET, {"agent": "Alice", "state": "NOT_READY"})
    told = await gateway.client.wait_for(
        lambda m: m.topic == "session/sales/Alice/PJSIP%2F1001/event" and m.json["event"] == "NOT_READY"
    )
    event = told.json
    await gateway.client.publish(told.topic, told.payload)  # a repetition
    following = {**event, "seq": event["seq"] + 3, "previous_seq": event["seq"]}
    await gateway.client.publish(told.topic, json.dumps(following))
    later = {**event, "seq": event["seq"] + 9, "previous_seq": event["seq"] + 6}
    await gateway.client.publish(told.topic, json.dumps(later))
    shown = await editor.until(AGENTS, lambda found: found["missed"] > 0)
    assert shown["missed"] == 1


async def test_the_page_pauses_an_agent(editor: Editor, gateway: Live) -> None:
    """In a browser there is a line for each agent, with a button that pauses and says so."""
    ensure_chromium()
    async with chromium() as browser:
        page = await browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept("<b>lunch</b>")))
        await page.goto(f"{editor.address}/call-center")
        line = page.get_by_role("row").filter(has_text="Alice")
        await expect(line).to_contain_text("READY", timeout=SLOW)
        await line.get_by_role("button", name="Pause").click()
        await expect(page.locator("#answer")).to_have_text("Alice: done", timeout=SLOW)
        await expect(line).to_contain_text("NOT_READY<b>lunch</b>", timeout=SLOW)
        await line.get_by_role("button", name="Unpause").click()
        await expect(line.get_by_role("button", name="Pause", exact=True)).to_be_visible(timeout=SLOW)
        await expect(page.locator("#standing")).to_have_text("", timeout=SLOW)
        assert problems == []
    assert [fields["Paused"] for _, fields in gateway.asked("QueuePause")] == ["true", "true", "false", "false"]


def test_the_flow_is_whole() -> None:
    """Every wire leads to a node, everything that talks to a broker talks to the one, and no password is in it."""
    nodes = flow()
    known = {node["id"] for node in nodes}
    assert len(known) == len(nodes)
    for node in nodes:
        assert {target for wire in node.get("wires", []) for target in wire} <= known
        assert node.get("z", nodes[0]["id"]) == nodes[0]["id"]
        if node["type"].startswith("mqtt "):
            assert node["broker"] in known
            assert node["qos"] == "1"
    assert "credentials" not in FLOW.read_text(encoding="utf-8")


def test_lock_file_names_no_place() -> None:
    """Packages come from wherever npm is set up to take them, and each is held to its sum."""
    assert LOCK.name in NAMED
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    assert not [path for path, entry in packages.items() if "resolved" in entry]
    alone = {path: entry for path, entry in packages.items() if path and "inBundle" not in entry}
    assert not [path for path, entry in alone.items() if "integrity" not in entry]
