"""Queues on a real Asterisk: every figure and every way out by hand, with the queue_log and without it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.checks import not_retained
from tests.e2e.running import Running, running, settled
from tests.lab import pbx, wire
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Caller, Driver
from tests.lab.gateway_process import current

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

QUEUES = (
    pbx.Queue("support", members=(pbx.ALICE,)),
    pbx.Queue("sales", timeout=30, options={"servicelevel": "2"}),
    pbx.Queue("keys", options={"context": "exits"}),
    pbx.Queue("deserted", options={"leavewhenempty": "yes"}),
    pbx.Queue("prepared", members=(pbx.BOB,), options={"membergosub": "prepare"}),
    pbx.Queue("last"),
    pbx.Queue("held"),
)
FIGURES = (
    "total_calls_queued",
    "current_calls_queued",
    "total_calls_abandoned",
    "total_calls_flowed_in",
    "total_calls_flowed_out",
    "final_disposition",
    "answered",
)
CAROL = pbx.Member("Carol", "a5")


@dataclass(slots=True)
class Place:
    """An Asterisk, and two gateways on it."""

    driver: Driver
    asterisk: Asterisk
    with_log: Running
    without_log: Running

    @property
    def gateways(self) -> tuple[Running, Running]:
        """Both."""
        return self.with_log, self.without_log


@pytest.fixture
async def place(asterisk_version: str, tmp_path: Path) -> AsyncIterator[Place]:
    """The queues of this module, and both gateways current."""
    async with AsyncExitStack() as stack:
        asterisk = await stack.enter_async_context(
            Asterisk(asterisk_version, queues=pbx.queues_conf(QUEUES), keep_logs=tmp_path / "asterisk")
        )
        driver = await stack.enter_async_context(Driver(asterisk))
        gateways = []
        for name in ("log", "no-log"):
            directory = tmp_path / name
            directory.mkdir()
            broker = stack.enter_context(Broker(directory / "broker"))
            changes = {} if name == "log" else {"asterisk": {"queue_log": ""}}
            gateway = running(asterisk, broker, directory, wrap_up={}, changes=changes)
            gateways.append(await stack.enter_async_context(gateway))
        yield Place(driver, asterisk, *gateways)
        for each in gateways:
            each.check_log()


def told(gateway: Running, queue: str) -> list[dict[str, Any]]:
    """The events of a queue, in the order of their telling; those that a kill has told twice, once."""
    return [content for topic, content in not_retained(gateway.messages) if topic == f"queue/{queue}/event"]


def of_caller(gateway: Running, caller: Caller) -> list[tuple[str, str]]:
    """What was told of a caller: queue and event."""
    return [
        (event["queue"]["queue"], event["event"])
        for queue in QUEUES
        for event in told(gateway, queue.name)
        if event["caller"] is not None and event["caller"]["uniqueid"] == caller.uniqueid
    ]


def shown(gateway: Running, queue: str) -> dict[str, Any]:
    """What a queue's topic shows."""
    payload: dict[str, Any] = gateway.subscriber.latest[f"queue/{queue}"].json
    return payload


def waits(driver: Driver, queue: str) -> list[tuple[float, float, str]]:
    """Each stay in a queue by Asterisk's own stamps: when it ended, how long it was, whose it was."""
    begun: dict[str, float] = {}
    stays = []
    both = driver.seen("QueueCallerJoin", Queue=queue) + driver.seen("QueueCallerLeave", Queue=queue)
    for message in sorted(both, key=lambda each: each.index):
        at, who = float(message["Timestamp"]), message["Uniqueid"]
        if message.event == "QueueCallerJoin":
            begun[who] = at
        else:
            stays.append((at, at - begun.pop(who), who))
    return stays


async def joined(place: Place, caller: Caller) -> None:
    """Wait until both gateways have told that a caller has joined a queue."""
    await place.driver.wait_for("QueueCallerJoin", Uniqueid=caller.uniqueid)
    for gateway in place.gateways:
        await gateway.subscriber.wait_for(
            lambda m: (
                m.topic.startswith("queue/")
                and m.topic.endswith("/event")
                and (m.json["event"], (m.json["caller"] or {}).get("uniqueid")) == ("JOINED", caller.uniqueid)
            )
        )


async def left(place: Place, caller: Caller, queue: str, *, since: int = 0) -> wire.Message:
    """Wait until a caller has left a queue."""
    return await place.driver.wait_for("QueueCallerLeave", since=since, Queue=queue, Uniqueid=caller.uniqueid)


async def all_told(place: Place) -> None:
    """Wait until both gateways have nothing more to tell."""
    await place.driver.idle()
    await settle(place)


async def settle(place: Place) -> None:
    """Wait until both gateways are quiet."""
    await asyncio.gather(*map(settled, place.gateways))


def check_figures(gateway: Running, queue: str, expected: tuple[int, ...]) -> None:
    """The counts that a queue shows."""
    payload = shown(gateway, queue)
    assert {name: payload[name] for name in FIGURES} == dict(zip(FIGURES, expected, strict=True))


async def test_every_way_out(place: Place) -> None:
    """Answered, abandoned waiting and ringing, timed out, by key, empty, withdrawn, overflown: each as it was."""
    driver = place.driver
    answered = await driver.call("support", ring=0.3, talk=0.6, name="O'Brien", number="5550100")
    impatient = await driver.call("sales", patience=1.2)
    slow = await driver.call("sales", queue_timeout=1)
    presses = await driver.call("keys", afterwards=0.2)
    deserted = await driver.call("deserted", afterwards=0.2)
    prepared = await driver.call("prepared", ring=0.2, talk=0.6)
    overflown = await driver.call("sales", queue_timeout=1, then=("last", 1))
    withdrawn = await driver.call("held", afterwards=0.2)
    await driver.wait_for("QueueCallerJoin", Uniqueid=withdrawn.uniqueid)
    await driver.withdraw("held", withdrawn)
    await asyncio.gather(
        driver.wait_for("QueueCallerJoin", Queue="keys"),
        driver.answered(answered),
        left(place, deserted, "deserted"),
    )
    await driver.press(presses, "7")
    await left(place, presses, "keys")
    await driver.completed(await driver.answered(answered))
    ringing = await driver.call("support", ring=20)
    await driver.wait_for("AgentCalled", Uniqueid=ringing.uniqueid)
    await driver.hang_up(ringing.phone)
    await left(place, ringing, "support")
    await driver.answered(prepared)
    await left(place, overflown, "last")
    await driver.add("sales", CAROL)
    late = await driver.call("sales", ring=2.4, talk=0.6)
    soon = await driver.answered(late)
    await driver.completed(soon)
    quick = await driver.call("sales", ring=0.1, talk=0.6)
    await driver.completed(await driver.answered(quick))
    await all_told(place)

    stories = {
        answered: [("support", "JOINED"), ("support", "CONNECTED")],
        ringing: [("support", "JOINED"), ("support", "ABANDONED")],
        impatient: [("sales", "JOINED"), ("sales", "ABANDONED")],
        slow: [("sales", "JOINED"), ("sales", "TIMED_OUT")],
        presses: [("keys", "JOINED"), ("keys", "KEY")],
        deserted: [("deserted", "JOINED"), ("deserted", "EMPTY")],
        prepared: [("prepared", "JOINED"), ("prepared", "CONNECTED")],
        withdrawn: [("held", "JOINED"), ("held", "WITHDRAWN")],
        overflown: [("sales", "JOINED"), ("sales", "TIMED_OUT"), ("last", "JOINED"), ("last", "TIMED_OUT")],
        late: [("sales", "JOINED"), ("sales", "CONNECTED")],
        quick: [("sales", "JOINED"), ("sales", "CONNECTED")],
    }
    for caller, story in stories.items():
        assert of_caller(place.with_log, caller) == story
    for caller, queue in ((deserted, "deserted"), (withdrawn, "held")):
        stories[caller] = [(queue, "JOINED"), (queue, "TIMED_OUT")]  # AMI alone does not tell them apart
    for caller, story in stories.items():
        assert of_caller(place.without_log, caller) == story

    figures = {
        "support": (2, 0, 1, 0, 0, 0, 1),
        "sales": (5, 0, 1, 0, 2, 1, 2),
        "keys": (1, 0, 0, 0, 1, 0, 0),
        "deserted": (1, 0, 0, 0, 1, 1, 0),
        "prepared": (1, 0, 0, 0, 0, 0, 1),
        "last": (1, 0, 0, 1, 1, 1, 0),
    }
    check_queue(place.with_log, driver, "held", (1, 0, 0, 0, 1, 0, 0))
    check_queue(place.without_log, driver, "held", (1, 0, 0, 0, 1, 1, 0))
    for gateway in place.gateways:
        for queue, expected in figures.items():
            check_queue(gateway, driver, queue, expected)
        levels = {queue: shown(gateway, queue)["service_level"] for queue in figures}
        assert levels["sales"] == {"threshold": 2.0, "answered_in_time": 1, "percent": 50.0}
        assert levels["support"] == {"threshold": 20.0, "answered_in_time": 1, "percent": 100.0}
        assert levels["keys"] == {"threshold": 20.0, "answered_in_time": 0, "percent": 0.0}
        joined = told(gateway, "support")[1]["caller"]
        assert (joined["caller_number"], joined["caller_name"], joined["position"]) == ("5550100", "O'Brien", 1)
    assert [event["caller"]["key"] for event in told(place.with_log, "keys")[1:]] == [None, "7"]


def check_queue(gateway: Running, driver: Driver, queue: str, expected: tuple[int, ...]) -> None:
    """Figures by hand, waits by Asterisk's stamps, events without a hole and at their exact times."""
    check_figures(gateway, queue, expected)
    payload, stays = shown(gateway, queue), waits(driver, queue)
    lengths = [length for _, length, _ in stays]
    assert payload["average_wait_time"] == pytest.approx(sum(lengths) / len(lengths), abs=0.0011)
    assert payload["longest_ever_wait_time"] == pytest.approx(max(lengths), abs=0.0011)
    assert payload["current_longest_wait_time"] == 0
    assert payload["callers_waiting"] == []
    events = told(gateway, queue)
    assert events[0]["event"] == "NEW_QUEUE"
    assert [event["event_value"] for event in events] == [0] + [None] * (len(events) - 1)
    assert [event["previous_seq"] for event in events[1:]] == [event["seq"] for event in events[:-1]]
    ends = sorted((event["caller"]["wait"], event["at"]) for event in events[1:] if event["event"] != "JOINED")
    assert [wait for wait, _ in ends] == pytest.approx(sorted(lengths), abs=0.0011)
    assert payload["seq"] == events[-1]["seq"]
    assert events[-1]["queue"]["total_calls_queued"] == payload["total_calls_queued"]


async def test_who_waits_is_shown(place: Place) -> None:
    """Callers by place, agents by state; a queue that a reload adds comes, one that it removes goes."""
    driver = place.driver
    callers = []
    for number in range(3):  # who comes first is not for a busy Asterisk to say
        callers.append(await driver.call("sales", number=f"555010{number}"))
        await driver.wait_for("QueueCallerJoin", Uniqueid=callers[-1].uniqueid)
    await driver.hang_up(callers[1].phone)
    await left(place, callers[1], "sales")
    await settle(place)
    for gateway in place.gateways:
        payload = shown(gateway, "sales")
        waiting = [(each["position"], each["caller_number"]) for each in payload["callers_waiting"]]
        assert waiting == [(1, "5550100"), (2, "5550102")]
        assert payload["current_calls_queued"] == 2
        assert payload["current_longest_wait_time"] > 0
        assert shown(gateway, "support")["agents"] == {"NOT_READY": 0, "READY": 1, "BUSY_ON_CALL": 0, "BUSY_WRAPUP": 0}
        group = gateway.subscriber.latest["group/support"].json
        assert (group["group"], group["queues"]) == ("support", ["support"])
        assert group["sessions"] == shown(gateway, "support")["agents"]
    place.asterisk.rewrite_queues(pbx.queues_conf([*QUEUES[:3], pbx.Queue("new", members=(pbx.EVA,))]))
    await place.asterisk.reload_queues()
    for gateway in place.gateways:
        await gateway.subscriber.publish("bridge/request", '{"request": "resync", "id": 1}')
        await gateway.subscriber.wait_for(lambda m: m.topic == "bridge/request/response" and m.json["id"] == 1)
    await settle(place)
    for gateway in place.gateways:
        assert [event["event"] for event in told(gateway, "new")] == ["NEW_QUEUE"]
        assert [event["event"] for event in told(gateway, "deserted")] == ["NEW_QUEUE", "QUEUE_REMOVED"]
        groups = [m.json for m in gateway.messages if m.topic == "group/last/event"]
        assert [(each["event"], each["event_value"]) for each in groups] == [("NEW_GROUP", 0), ("GROUP_REMOVED", 1)]
        assert gateway.subscriber.latest["queue/deserted"].payload == b""
        assert gateway.subscriber.latest["group/deserted"].payload == b""
        assert shown(gateway, "sales")["current_calls_queued"] == 2


async def unwatched(place: Place, *acts: Coroutine[Any, Any, None]) -> None:
    """Let something happen while both gateways are killed, and start them again."""
    for gateway in place.gateways:
        await gateway.gateway.kill()
    places = [len(gateway.messages) for gateway in place.gateways]
    for act in acts:
        await act
    for gateway in place.gateways:
        await gateway.gateway.start()
    for gateway, since in zip(place.gateways, places, strict=True):
        await current(gateway.subscriber, since=since)
    await settle(place)


async def test_what_nobody_watched(place: Place) -> None:
    """Both gateways are killed while callers wait: the log gives back who left how; without it nobody knows."""
    driver = place.driver
    first, second, stays = [await driver.call("sales", afterwards=0.2) for _ in range(3)]
    slow = await driver.call("last", queue_timeout=4, afterwards=0.2)
    for caller in (first, second, stays, slow):
        await joined(place, caller)
    overflown: list[Caller] = []

    async def act() -> None:
        await driver.hang_up(first.phone)
        await driver.withdraw("sales", second)
        overflown.append(await driver.call("sales", queue_timeout=1, then=("keys", None)))
        await driver.wait_for("QueueCallerJoin", Queue="keys", Uniqueid=overflown[0].uniqueid)
        await left(place, slow, "last")

    await unwatched(place, act())
    for gateway in place.gateways:
        for queue, waiting in (("sales", [stays]), ("keys", overflown), ("last", [])):
            callers = [each["uniqueid"] for each in shown(gateway, queue)["callers_waiting"]]
            assert callers == [each.uniqueid for each in waiting]
    check_figures(place.with_log, "sales", (4, 1, 1, 0, 2, 0, 0))
    check_figures(place.with_log, "keys", (1, 1, 0, 1, 0, 0, 0))
    check_figures(place.with_log, "last", (1, 0, 0, 0, 1, 1, 0))
    check_figures(place.without_log, "sales", (3, 1, 0, 0, 0, 0, 0))
    check_figures(place.without_log, "keys", (1, 1, 0, 0, 0, 0, 0))
    check_figures(place.without_log, "last", (1, 0, 0, 0, 0, 0, 0))
    assert of_caller(place.without_log, first) == [("sales", "JOINED")]
    assert of_caller(place.with_log, second) == [("sales", "JOINED"), ("sales", "WITHDRAWN")]
    path = [("sales", "JOINED"), ("sales", "TIMED_OUT"), ("keys", "JOINED")]
    assert of_caller(place.with_log, overflown[0]) == path
    check_recovered(place, "sales", ["ABANDONED", "JOINED", "TIMED_OUT", "WITHDRAWN"])
    check_recovered(place, "last", ["TIMED_OUT"])
    check_recovered(place, "keys", ["JOINED"])


def check_recovered(place: Place, queue: str, names: list[str]) -> None:
    """These events were read back, waits are right to about a second, and there is no hole in the stream."""
    events = told(place.with_log, queue)
    assert sorted(event["event"] for event in events if event["cause"] == "recovered") == names
    assert all(one["seq"] == other["previous_seq"] for one, other in pairwise(events))
    true = {who: length for _, length, who in waits(place.driver, queue)}
    ends = [event["caller"] for event in events[1:] if event["event"] != "JOINED"]
    assert {each["uniqueid"]: each["wait"] for each in ends} == pytest.approx(true, abs=1.1)


async def test_asterisk_ends_under_its_callers(place: Place) -> None:
    """Who waited is in no figure but the first, and told of no more; who comes then waits in the same queue."""
    caller = await place.driver.call("sales")
    await place.driver.wait_for("QueueCallerJoin", Uniqueid=caller.uniqueid)
    await settle(place)
    places = [len(gateway.messages) for gateway in place.gateways]
    await place.asterisk.kill()
    await place.asterisk.start()
    await place.driver.open()
    for gateway, since in zip(place.gateways, places, strict=True):
        await current(gateway.subscriber, since=since)
    again = await place.driver.call("sales")
    await place.driver.wait_for("QueueCallerJoin", Uniqueid=again.uniqueid)
    await settle(place)
    for gateway in place.gateways:
        check_figures(gateway, "sales", (2, 1, 0, 0, 0, 0, 0))
        assert of_caller(gateway, caller) == [("sales", "JOINED")]
        assert shown(gateway, "sales")["callers_waiting"][0]["uniqueid"] == again.uniqueid
