"""What breaks: the link in mid-event, Asterisk, the broker. What was seen stays true, what was not is told."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.checks import check_order, check_steps, moment, told_sessions
from tests.e2e.relay import Relay
from tests.e2e.running import Running, running, settled
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import BASE, current
from tests.lab.subscriber import Subscriber

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

WRAP_UP = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
CAROL = pbx.Member("Carol", "a5")


@pytest.fixture
async def relay(asterisk: Asterisk) -> AsyncIterator[Relay]:
    """A relay between the gateway and Asterisk."""
    async with Relay(asterisk.port) as relay:
        yield relay


@pytest.fixture
async def gateway(asterisk: Asterisk, relay: Relay, broker: Broker, tmp_path: Path) -> AsyncIterator[Running]:
    """The gateway, which reaches Asterisk through the relay, and has no queue_log."""
    changes = {"asterisk": {"port": relay.port, "queue_log": ""}}
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP, changes=changes) as process:
        yield process


@pytest.fixture
async def reader(asterisk: Asterisk, relay: Relay, broker: Broker, tmp_path: Path) -> AsyncIterator[Running]:
    """The same with the queue_log."""
    changes = {"asterisk": {"port": relay.port}}
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP, changes=changes) as process:
        yield process


def link(gateway: Running, since: int) -> list[tuple[str, bool]]:
    """What ``bridge/asterisk`` told since then."""
    return [(m.json["link"], m.json["current"]) for m in gateway.messages[since:] if m.topic == "bridge/asterisk"]


def session(gateway: Running, place: str) -> dict[str, Any]:
    """The present snapshot of a session."""
    shown: dict[str, Any] = gateway.subscriber.latest[f"session/{place}"].json
    return shown


CAROL_IN_EMPTY = "empty/Carol/Local%2Fa5@agents%2Fn"


async def test_the_link_is_cut_in_the_middle_of_an_event(gateway: Running, relay: Relay, driver: Driver) -> None:
    """The session goes on; a call that is still talked after the loss counts with its exact time; the rest is a gap."""
    await driver.add("empty", CAROL)
    caller = await driver.call("empty", talk=60.0)
    connect = await driver.answered(caller)
    since = len(gateway.messages)
    cut = asyncio.create_task(relay.cut_in(b"Event: QueueMemberPause"))
    await asyncio.sleep(0)
    await driver.pause(CAROL, queue="empty", reason="in the dark")
    await cut
    await gateway.subscriber.wait_for(lambda m: m.topic == "bridge/asterisk" and not m.json["current"], since=since)
    assert not (await _events_while(gateway, driver, relay)), "told of a picture that is not current"
    await current(gateway.subscriber, since=since)
    await driver.hang_up(caller.phone)
    complete = await driver.completed(connect)
    await settled(gateway, quiet=2.5)

    shown = session(gateway, CAROL_IN_EMPTY)
    assert shown["state"] == "NOT_READY"
    assert shown["reason"] == "in the dark"
    assert shown["number_of_calls"] == 1
    assert shown["total_talk_time"] == pytest.approx((complete.time - connect.time) / 1e6, abs=0.05)
    assert not shown["complete"]
    assert len(shown["gaps"]) == 1
    states = [state for state, _ in link(gateway, since)]
    assert states[0] == "down"
    assert states[-1] == "up"
    told = [each for each in told_sessions(gateway.messages) if each.place[0] == "empty"]
    assert len(told) == 1
    check_steps(told[0])
    paused = next(e for e in told[0].events if e["event"] == "UPDATE" and e["session"]["pending_state"] == "NOT_READY")
    assert paused["cause"] == "resync"
    check_order(gateway.messages)
    gateway.check_log()


async def _events_while(gateway: Running, driver: Driver, relay: Relay) -> list[str]:
    """Session events told while the link is down and things happen."""
    place = len(gateway.messages)
    await driver.pause(pbx.ALICE, reason="unseen")
    await driver.unpause(pbx.ALICE)
    await gateway.told_all()
    told = [m.topic for m in gateway.messages[place:] if m.topic.startswith("session/")]
    relay.mend()
    return told


async def test_a_call_that_ends_unseen(gateway: Running, relay: Relay, driver: Driver) -> None:
    """A call that ended while nobody saw it is over after the loss, and counts up to when it was last seen."""
    await driver.add("empty", CAROL)
    caller = await driver.call("empty", talk=60.0)
    caller_talks = await driver.answered(caller)
    since = len(gateway.messages)
    cut = asyncio.create_task(relay.cut_in(b"Event: QueueMemberPause"))
    await asyncio.sleep(0)
    await driver.pause(pbx.ALICE, reason="a moment")
    await cut
    seen_until = time.time()
    await asyncio.sleep(1)  # of talk that nobody sees
    await driver.hang_up(caller.phone)
    await driver.completed(caller_talks)
    await driver.idle()
    relay.mend()
    await current(gateway.subscriber, since=since)
    await settled(gateway, quiet=2.5)
    shown = session(gateway, CAROL_IN_EMPTY)
    assert shown["state"] == "READY"
    assert shown["number_of_calls"] == 1
    assert shown["total_talk_time"] < seen_until - caller_talks.time / 1e6 + 0.5
    assert not shown["complete"]
    record = next(m.json for m in gateway.messages if m.topic.startswith("call/"))
    assert record["cause"] == "resync"
    check_order(gateway.messages)
    gateway.check_log()


async def test_what_the_log_gives_back(reader: Running, relay: Relay, driver: Driver) -> None:
    """With the queue_log a call, a pause and a logout that nobody saw are told, and nothing is missing."""
    await driver.add("empty", CAROL)
    await settled(reader)
    since = len(reader.messages)
    cut = asyncio.create_task(relay.cut_in(b"Event: QueueMemberPause"))
    await asyncio.sleep(0)
    await driver.pause(pbx.ALICE, queue="support", reason="seen by the log alone")
    await cut
    connect = await driver.answered(await driver.call("empty", talk=2.0))
    complete = await driver.completed(connect)
    await driver.idle()
    await driver.pause(CAROL, queue="empty", reason="unseen")
    await asyncio.sleep(1.1)  # the log knows whole seconds
    await driver.remove("empty", CAROL)
    relay.mend()
    await current(reader.subscriber, since=since)
    await settled(reader, quiet=2.5)

    shown = session(reader, CAROL_IN_EMPTY)
    assert shown["state"] == "SESSION_ENDED"
    assert shown["complete"]
    assert shown["number_of_calls"] == 1
    assert shown["total_talk_time"] == pytest.approx((complete.time - connect.time) / 1e6, abs=1.0)
    carol = [m.json for m in reader.messages[since:] if m.topic == f"session/{CAROL_IN_EMPTY}/event"]
    assert carol[0]["event"] == "BUSY"
    assert [each["event"] for each in carol][-2:] == ["NOT_READY", "END"]
    assert {each["cause"] for each in carol if each["event"] in ("BUSY", "NOT_READY", "END")} == {"recovered"}
    alice = next(m.json for m in reader.messages[since:] if re.match("session/support/Alice/.*/event", m.topic))
    assert alice["session"]["reason"] == "seen by the log alone"
    gap = next(
        m.json for m in reader.messages[since:] if m.topic == "bridge/event" and m.json["event"] == "GAP_RECOVERED"
    )
    assert gap["complete"]
    for told in told_sessions(reader.messages):
        check_steps(told)
    check_order(reader.messages)
    reader.check_log()


async def test_asterisk_restarts(gateway: Running, asterisk: Asterisk, driver: Driver) -> None:
    """After ``core restart now`` members that come back go on in their sessions; the calls ended with the old one."""
    await driver.add("empty", CAROL)
    caller = await driver.call("sales", talk=60.0)
    await driver.answered(caller)
    other = await driver.call("empty", talk=60.0)
    await driver.answered(other)
    await settled(gateway)
    before = {topic: m.json["session_id"] for topic, m in gateway.subscriber.latest.items() if _is_session(topic)}
    since = len(gateway.messages)
    await asterisk.restart()
    await current(gateway.subscriber, since=since, within=60)
    await driver.open()
    await driver.add("empty", CAROL)
    await driver.completed(await driver.answered(await driver.call("empty", talk=0.6)))
    await settled(gateway, quiet=2.5)
    after = {topic: m.json["session_id"] for topic, m in gateway.subscriber.latest.items() if _is_session(topic)}
    assert after == before, "no session ended, Carol's neither, who came back within a minute"
    records = [m.json for m in gateway.messages[since:] if m.topic.startswith("call/")]
    assert len(records) == 3, "the two calls that Asterisk ended when it went, and the one after it"
    assert session(gateway, CAROL_IN_EMPTY)["number_of_calls"] == 2
    events = [m.json["event"] for m in gateway.messages[since:] if m.topic == "bridge/event"]
    assert events[:2] == ["LINK_LOST", "ASTERISK_RESTARTED"]
    for told in told_sessions(gateway.messages):
        check_steps(told)
    check_order(gateway.messages)
    gateway.check_log()


async def test_asterisk_is_killed(gateway: Running, relay: Relay, asterisk: Asterisk, driver: Driver) -> None:
    """An Asterisk that dies without a word ends its calls, as interrupted, at its last sign of life."""
    await driver.add("empty", CAROL)
    caller = await driver.call("empty", talk=60.0)
    connect = await driver.answered(caller)
    await settled(gateway)
    since = len(gateway.messages)
    await asterisk.kill()
    await driver.close()
    await asterisk.start()
    relay.retarget(asterisk.port)
    await current(gateway.subscriber, since=since, within=60)
    await settled(gateway, quiet=2.5)
    record = next(m.json for m in gateway.messages[since:] if m.topic.startswith("call/"))
    assert record["ended_by"] == "interrupted"
    assert record["talk_time"] <= moment(record["ended_at"]) - connect.time / 1e6 + 0.1
    shown = session(gateway, CAROL_IN_EMPTY)
    assert shown["number_of_calls"] == 1
    assert not shown["complete"]
    for told in told_sessions(gateway.messages):
        check_steps(told)
    check_order(gateway.messages)
    gateway.check_log()


def _is_session(topic: str) -> bool:
    return topic.startswith("session/") and not topic.endswith("/event")


async def test_the_broker_restarts(gateway: Running, broker: Broker, driver: Driver) -> None:
    """Every event of the outage arrives after it, in order, and everything retained is there again."""
    await driver.add("empty", CAROL)
    await settled(gateway)
    seen = len(gateway.messages)
    sessions = sorted(topic for topic in gateway.subscriber.latest if _is_session(topic))
    broker.kill()
    await driver.completed(await driver.answered(await driver.call("empty", talk=0.6)))
    await driver.pause(CAROL, reason="meanwhile")
    broker.start()
    async with Subscriber(broker.port, BASE) as subscriber:
        await current(subscriber, within=40)
        shown = await subscriber.shown(f"session/{CAROL_IN_EMPTY}", lambda shown: shown["reason"] == "meanwhile")
        for topic in sessions:
            await subscriber.shown(topic)
        assert sorted(topic for topic in subscriber.latest if _is_session(topic)) == sessions
        assert shown["number_of_calls"] == 1
        numbers = [m.json["seq"] for m in subscriber.messages if m.topic.endswith("/event")]
        last_before = max(m.json["seq"] for m in gateway.messages[:seen] if m.topic.endswith("/event"))
        assert [each for each in numbers if each > last_before] == sorted({*numbers} - set(range(last_before + 1)))
    gateway.check_log()


async def test_an_orderly_stop(gateway: Running, asterisk: Asterisk) -> None:
    """It says that the picture is not current, then ``offline``, and exits with 0."""
    since = len(gateway.messages)
    assert asterisk.pid
    assert await gateway.gateway.stop() == 0
    await gateway.subscriber.wait_for(lambda m: m.topic == "bridge/state" and m.payload == b"offline", since=since)
    told = [m.topic for m in gateway.messages[since:] if m.topic in ("bridge/asterisk", "bridge/state")]
    assert told == ["bridge/asterisk", "bridge/state"]
    assert link(gateway, since) == [("down", False)]
    gateway.check_log()
