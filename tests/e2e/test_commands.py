"""Every command to every state of a session on a real Asterisk: the answer, the event, and what ``queue show`` says."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiomqtt
import pytest
import pytest_asyncio
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.mqtt.topics import encode_level
from tests.broker import Broker
from tests.conftest import VERSIONS
from tests.e2e.command_cells import LOGOUT, LUNCH, PAUSED, STARTS, Cell, Command
from tests.e2e.command_world import (
    DYNAMIC,
    MIXED,
    NEWCOMER,
    QUEUES,
    STATIC,
    TWIN,
    World,
    mixed_case,
    session_topic,
)
from tests.e2e.running import running
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import BASE

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=VERSIONS)
async def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The lab in each version, made once for all tests here."""
    directory = tmp_path_factory.mktemp(f"commands-{request.param}")
    limits = {queue.name: queue.wrapuptime for queue in QUEUES}
    with Broker(directory / "broker") as broker:
        async with (
            Asterisk(request.param, queues=pbx.queues_conf(QUEUES), keep_logs=directory / "asterisk") as asterisk,
            Driver(asterisk) as driver,
            running(asterisk, broker, directory, wrap_up=limits) as gateway,
        ):
            free = {True: list(STATIC), False: list(DYNAMIC)}
            yield World(request.param, asterisk, broker, driver, gateway, free)
            gateway.check_log()


async def start(world: World, state: str, queue: str, member: pbx.Member, *, static: bool) -> None:
    """Bring a session into a state for the first time."""
    if not static:
        await world.driver.add(queue, member)
    await world.until_shown(queue, member, state="READY")
    if state == "SESSION_ENDED":
        await world.driver.remove(queue, member)
    elif state == "BUSY_ON_CALL":
        await world.call(queue, talk=120)
    elif state in ("BUSY_WRAPUP", "manual wrap-up"):
        await world.call(queue, talk=0.6)
        await world.until_shown(queue, member, state="BUSY_WRAPUP")


async def again(world: World, state: str, queue: str, member: pbx.Member) -> None:
    """Bring a session back into the state, if it is not in it; return when all of that is told."""
    reason = PAUSED.get(state)
    if reason is not None:
        await world.driver.pause(member, queue=queue, reason=reason)
    elif state in ("READY", "BUSY_ON_CALL"):  # in a wrap-up it would be the wish to be READY
        await world.driver.unpause(member, queue=queue)
    await world.ask("bridge/request", {"request": "resync"})
    shown_state = "BUSY_WRAPUP" if state == "manual wrap-up" else state
    await world.until_shown(queue, member, state=shown_state)


async def play(world: World, state: str, cells: Sequence[Cell], *, static: bool) -> list[str]:
    """Give one session one command after another, each in the same state; return what is not as it should be."""
    queue, member = world.take(static=static)
    await start(world, state, queue, member, static=static)
    wrong = []
    for number, cell in enumerate(cells):
        await again(world, state, queue, member)
        wrong += await compare(world, cell, queue, member, mixed=number % 2 == 1)
    return [f"{state}, {'static' if static else 'dynamic'}: {each}" for each in wrong]


async def compare(world: World, cell: Cell, queue: str, member: pbx.Member, *, mixed: bool) -> list[str]:
    """Give the command, and return what is not as it should be."""
    topic = mixed_case(queue, member) if mixed else session_topic(queue, member)
    # Plain text has no id to find its event by: what is told from here on is told for it, as nobody else does anything.
    place = len(world.gateway.messages)
    command = cell.command
    answer = await world.ask(f"{topic}/set", command)
    found: dict[str, object] = {
        "status": answer["status"],
        "code": answer["code"],
        "changed": answer["changed"],
        "state": answer["state"],
    }
    wanted: dict[str, object] = {
        "status": "ok" if cell.code is None else "error",
        "code": cell.code,
        "changed": cell.changed,
        "state": cell.state,
    }
    status = await world.driver.member(queue, member)
    await world.gateway.told_all()
    found["queue show"] = None if status is None else (status["Paused"] == "1", status["PausedReason"])
    wanted["queue show"] = cell.paused
    event_topic = f"{session_topic(queue, member)}/event"
    told = [m.json for m in world.gateway.messages[place:] if m.topic == event_topic]
    found["events"] = [(each["event"], each["cause"], each["command_id"]) for each in told]
    wanted["events"] = [] if cell.event is None else [(cell.event, "command", answer["id"])]
    if cell.code is None:
        shown = world.shown(queue, member)
        found["shown"], wanted["shown"] = (shown["state"], shown["pending_state"]), (cell.state, cell.pending)
    return [
        f"{cell.command}: {key} is {found[key]!r}, not {value!r}"
        for key, value in wanted.items()
        if found[key] != value
    ]


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
@pytest.mark.parametrize("state", list(STARTS))
async def test_every_command_to_every_state(world: World, state: str, *, static: bool) -> None:
    """The right answer, one event with the command's id where something is to be told, and the flag in Asterisk."""
    groups = STARTS[state](static=static)
    wrong = await asyncio.gather(*(play(world, state, cells, static=static) for cells in groups))
    assert [each for group in wrong for each in group] == []


@pytest.mark.parametrize("command", ["READY", LUNCH, "BUSY_WRAPUP", "BUSY_ON_CALL", "SESSION_ENDED"])
async def test_a_session_that_does_not_exist(world: World, command: Command) -> None:
    """UNKNOWN_SESSION, whatever is asked of it: a wrong queue, a wrong address, a wrong name."""
    stranger = pbx.Member("Stranger", MIXED.phone)
    for queue, member in (("one", MIXED), ("none", MIXED), ("mixed", TWIN), ("mixed", stranger)):
        answer = await world.ask(f"{session_topic(queue, member)}/set", command)
        assert (answer["code"], answer["changed"], answer["state"]) == ("UNKNOWN_SESSION", False, None)


async def test_an_agent_with_several_sessions(world: World) -> None:
    """Each session by its own action; ok only if all are; the queues say the same."""
    queues = ("one", "Two")
    for queue in queues:
        await world.driver.add(queue, TWIN)
        await world.until_shown(queue, TWIN, state="READY")
    topic = f"agent/{TWIN.name}/set"
    answer = await world.ask(topic, LUNCH)
    assert (answer["code"], answer["changed"], answer["state"]) == (None, True, "NOT_READY")
    assert sorted((each["group"], each["address"], each["state"]) for each in answer["sessions"]) == [
        ("Two", TWIN.interface, "NOT_READY"),
        ("one", TWIN.interface, "NOT_READY"),
    ]
    for queue in queues:
        status = await world.driver.member(queue, TWIN)
        assert status is not None
        assert (status["Paused"], status["PausedReason"]) == ("1", "lunch")
    assert len(await world.events(answer["id"])) == 2
    assert (await world.ask(topic, "READY"))["state"] == "READY"
    assert (await world.ask(topic, "BUSY_WRAPUP"))["code"] == "ILLEGAL_TRANSITION"

    caller = await world.call("one", talk=120)
    await world.until_shown("one", TWIN, state="BUSY_ON_CALL")
    answer = await world.ask(topic, "BUSY_WRAPUP")
    assert sorted((each["group"], each["code"], each["state"]) for each in answer["sessions"]) == [
        ("Two", None, "NOT_READY"),
        ("one", None, "BUSY_ON_CALL"),
    ]
    await world.driver.hang_up(caller.phone)
    await world.until_shown("one", TWIN, state="BUSY_WRAPUP", paused=(True, "wrapup"))
    await world.until_shown("Two", TWIN, state="NOT_READY", reason="wrapup")

    answer = await world.ask(topic, LOGOUT)
    assert (answer["code"], answer["state"]) == (None, "SESSION_ENDED")
    assert [await world.driver.member(queue, TWIN) for queue in queues] == [None, None]
    assert (await world.ask(topic, "READY"))["code"] == "UNKNOWN_AGENT"


async def test_an_agent_of_whom_one_session_is_static(world: World) -> None:
    """What can be logged out is, and the answer says which could not."""
    await world.driver.add("one", MIXED)
    await world.until_shown("one", MIXED, state="READY")
    answer = await world.ask(f"agent/{MIXED.name}/set", "SESSION_ENDED")
    assert (answer["status"], answer["code"], answer["changed"]) == ("error", "NOT_DYNAMIC", True)
    assert sorted((each["group"], each["status"], each["code"], each["state"]) for each in answer["sessions"]) == [
        ("mixed", "error", "NOT_DYNAMIC", "READY"),
        ("one", "ok", None, "SESSION_ENDED"),
    ]
    assert await world.driver.member("one", MIXED) is None
    assert await world.driver.member("mixed", MIXED) is not None


@pytest.mark.parametrize(
    ("given", "state", "seen"),
    [
        ({}, "READY", {"Paused": "0", "Penalty": "0", "StateInterface": NEWCOMER.interface}),
        ({"state": "READY", "penalty": 7}, "READY", {"Paused": "0", "Penalty": "7"}),
        ({"state": "NOT_READY"}, "NOT_READY", {"Paused": "1", "PausedReason": ""}),
        ({"state": "NOT_READY", "reason": "training"}, "NOT_READY", {"Paused": "1", "PausedReason": "training"}),
        ({"state_interface": NEWCOMER.state_interface}, "READY", {"StateInterface": NEWCOMER.state_interface}),
    ],
)
async def test_a_session_is_created(world: World, given: dict[str, Any], state: str, seen: dict[str, str]) -> None:
    """With everything that was given, by an agent that need not exist; told as NEW_SESSION with the command's id."""
    topic = f"agent/{encode_level(NEWCOMER.name)}/create_session"
    answer = await world.ask(topic, {"group": "THREE", "address": NEWCOMER.interface, **given})
    assert (answer["code"], answer["changed"], answer["state"]) == (None, True, state)
    told = await world.events(answer["id"])
    assert (told[0]["event"], told[0]["cause"]) == ("NEW_SESSION", "command")
    assert told[-1]["session"]["reason"] == given.get("reason")
    status = await world.driver.member("three", NEWCOMER)
    assert status is not None
    assert {key: status[key] for key in seen} == seen
    assert (status["Name"], status["Membership"]) == (NEWCOMER.name, "dynamic")

    for address in (NEWCOMER.interface, NEWCOMER.interface.upper()):
        again_ = await world.ask("agent/Else/create_session", {"group": "three", "address": address})
        assert (again_["code"], again_["changed"]) == ("SESSION_EXISTS", False)
        assert NEWCOMER.name in again_["message"]
    gone = await world.ask(f"{session_topic('three', NEWCOMER)}/set", LOGOUT)
    assert gone["state"] == "SESSION_ENDED"
    assert await world.driver.member("three", NEWCOMER) is None


async def test_sessions_that_cannot_be_created(world: World) -> None:
    """A queue that is not there, an address that the policy does not allow, a name that Asterisk would tear apart."""
    for group, address, code in (
        ("none", NEWCOMER.interface, "UNKNOWN_GROUP"),
        ("three", "Local/0900123456@outbound", "FORBIDDEN"),
        ("three", "Local/a1@agents/n|x", "BAD_PAYLOAD"),
    ):
        answer = await world.ask("agent/Else/create_session", {"group": group, "address": address})
        assert (answer["code"], answer["changed"], answer["state"]) == (code, False, None)
    assert "Else" not in await world.driver.command("queue show")


async def test_commands_to_one_interface_keep_their_order(world: World) -> None:
    """However fast they come and however they are addressed, they are done as they were sent, and each is answered."""
    queues = ("one", "Two")
    member = pbx.Member("Quick", "a30")
    for queue in queues:
        await world.driver.add(queue, member)
        await world.until_shown(queue, member, state="READY")
    place = len(world.gateway.messages)
    publish = world.gateway.subscriber.publish
    for number in range(15):
        await publish(
            f"agent/{member.name}/set", json.dumps({"state": "NOT_READY", "reason": f"r{number}", "id": 3 * number})
        )
        for offset, queue in enumerate(queues, start=1):
            payload = json.dumps({"state": "READY", "id": 3 * number + offset})
            await publish(f"{session_topic(queue, member)}/set", payload)

    def answers() -> list[Any]:
        return [m.json for m in world.gateway.messages[place:] if m.topic.endswith("/response")]

    await world.gateway.subscriber.wait_for(lambda _: len(answers()) == 45, since=place)
    assert sorted(each["id"] for each in answers()) == list(range(45))
    assert {each["code"] for each in answers()} == {None}
    await world.gateway.told_all()
    for offset, queue in enumerate(queues, start=1):
        topic = f"{session_topic(queue, member)}/event"
        told = [m.json["command_id"] for m in world.gateway.messages[place:] if m.topic == topic]
        assert told == [command for number in range(15) for command in (3 * number, 3 * number + offset)]
    await world.ask(f"agent/{member.name}/set", LOGOUT)


async def test_a_repeat_is_done_once(world: World) -> None:
    """The same bytes under the same id bring the same answer, and no second event."""
    topic = f"{session_topic('mixed', MIXED)}/set"
    payload = json.dumps({"state": "NOT_READY", "reason": "once", "id": "repeated"})
    first = await world.ask(topic, payload)
    await world.until_shown("mixed", MIXED, state="NOT_READY", reason="once")
    await world.driver.unpause(MIXED, queue="mixed")
    await world.until_shown("mixed", MIXED, state="READY")
    assert await world.ask(topic, payload) == first
    assert (await world.ask(topic, json.dumps({"state": "NOT_READY", "id": "repeated"})))["code"] == "BAD_PAYLOAD"
    assert len(await world.events("repeated")) == 1
    assert world.shown("mixed", MIXED)["state"] == "READY"


async def test_what_is_asked_of_the_gateway_itself(world: World) -> None:
    """A resync and a sign of health are answered, and nothing of a session is changed by them."""
    place = len(world.gateway.messages)
    for request in ("resync", "health"):
        answer = await world.ask("bridge/request", {"request": request})
        assert (answer["status"], answer["changed"], answer["state"]) == ("ok", False, None)
    await world.gateway.subscriber.wait_for(lambda m: m.topic == "bridge/health", since=place)
    await world.gateway.told_all()
    assert not [m for m in world.gateway.messages[place:] if m.topic.startswith("session/") and "event" in m.topic]


@pytest.mark.parametrize("version", [aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311])
async def test_clients_of_either_version(world: World, version: aiomqtt.ProtocolVersion) -> None:
    """MQTT 5 names where the answer goes and what comes with it; 3.1.1 finds it beside the command."""
    topic = f"{BASE}/{session_topic('mixed', MIXED)}/set"
    properties = None
    if version == aiomqtt.ProtocolVersion.V5:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic, properties.CorrelationData = "desk/7/answers", b"\x00\x01"
    async with aiomqtt.Client(world.broker.host, world.broker.port, protocol=version) as client:
        for topic_filter in ("desk/#", f"{topic}/response"):
            await client.subscribe(topic_filter, qos=1)
        for state in ("NOT_READY", "READY"):
            await client.publish(topic, state, qos=1, properties=properties)
            async with asyncio.timeout(10):
                message = await anext(aiter(client.messages))
            assert isinstance(message.payload, bytes)
            assert json.loads(message.payload)["state"] == state
            assert not message.retain
            if properties is None:
                assert str(message.topic) == f"{topic}/response"
            else:
                assert str(message.topic) == "desk/7/answers"
                assert getattr(message.properties, "CorrelationData", None) == b"\x00\x01"


async def test_every_command_was_answered_once(world: World) -> None:
    """In all of the above no id on any topic has more than one answer, but for the repeats."""
    await world.gateway.told_all()
    answers: dict[tuple[str, Any], int] = {}
    for message in world.gateway.messages:
        if message.topic.endswith("/response") and message.json["id"] not in (None, "repeated"):
            key = (message.topic, message.json["id"])
            answers[key] = answers.get(key, 0) + 1
    assert answers
    assert {key: count for key, count in answers.items() if count > 1} == {}
