"""Realtime queues on a real Asterisk: members whose rows come, change and go, and of which no event tells."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.mqtt.topics import encode_level
from tests.broker import Broker
from tests.e2e.checks import check_order, check_steps, not_retained, told_sessions
from tests.e2e.running import Running, running, settled
from tests.lab import pbx
from tests.lab.driver import Driver
from tests.lab.gateway_process import Settings, current
from tests.lab.realtime import RealtimeAsterisk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

ANN, BEN, CLEO, DORA = (pbx.Member(name, f"a{n}") for n, name in enumerate(("Ann", "Ben", "Cleo", "Dora"), 1))
WRAP_UP: Final = {"live": 1}
QUIET: Final = 1.1  # seconds, longer than a wrap-up or two comparisons
CHANGES: Final[Settings] = {"asterisk": {"resync_interval": 0.3}}


def topic_of(member: pbx.Member) -> str:
    """The topic of a member's session."""
    return f"session/live/{encode_level(member.name)}/{encode_level(member.interface)}"


def shown(gateway: Running, member: pbx.Member) -> dict[str, Any]:
    """A member's session as it stands."""
    session: dict[str, Any] = gateway.subscriber.latest[topic_of(member)].json
    return session


def told(gateway: Running, member: pbx.Member) -> list[str]:
    """The names of a member's session events so far, but those that leave the state as it is."""
    topic = f"{topic_of(member)}/event"
    names = [content["event"] for topic_, content in not_retained(gateway.messages) if topic_ == topic]
    return [name for name in names if name != "UPDATE"]


async def until(gateway: Running, member: pbx.Member, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until a member's session stands so, and return it."""
    session: dict[str, Any] = await gateway.subscriber.shown(topic_of(member), matches)
    return session


async def command(gateway: Running, member: pbx.Member, **payload: str) -> dict[str, Any]:
    """Set a member's session; returns the answer."""
    topic, since = f"{topic_of(member)}/set", len(gateway.messages)
    await gateway.subscriber.publish(topic, json.dumps({"id": since, **payload}))
    answer = await gateway.subscriber.wait_for(lambda m: m.topic == f"{topic}/response", since=since)
    found: dict[str, Any] = answer.json
    return found


async def talk(driver: Driver) -> float:
    """One call from beginning to end; returns the seconds of its talk."""
    connect = await driver.answered(await driver.call("live", talk=0.6))
    complete = await driver.completed(connect)
    return (complete.time - connect.time) / 1e6


async def test_realtime_members(asterisk_version: str, broker: Broker, tmp_path: Path) -> None:
    """Rows are sessions, calls and pauses are theirs, and what changed while nobody watched is found."""
    asterisk = RealtimeAsterisk(asterisk_version, keep_logs=tmp_path / "asterisk")
    asterisk.prepare()
    asterisk.insert_queue(pbx.Queue("live", wrapuptime=1))
    for member in (ANN, BEN):
        asterisk.insert_member("live", member)
    async with (
        asterisk,
        Driver(asterisk) as driver,
        running(asterisk, broker, tmp_path, wrap_up=WRAP_UP, changes=CHANGES) as gateway,
    ):
        for member in (ANN, BEN):
            await until(gateway, member, lambda session: session["state"] == "READY")
        await _rows_come_change_and_go(gateway, asterisk)
        await _commands_and_a_call(gateway, asterisk, driver)
        await _unseen(gateway, asterisk, driver)
        await _restarted(gateway, asterisk, driver)
        for each in told_sessions(gateway.messages):
            check_steps(each)
        check_order(gateway.messages)
        gateway.check_log()


async def _rows_come_change_and_go(gateway: Running, asterisk: RealtimeAsterisk) -> None:
    """The comparison that is made at intervals finds them."""
    asterisk.insert_member("live", CLEO)
    asterisk.update_member("live", BEN, penalty=4, paused=True)
    await until(gateway, CLEO, lambda session: session["state"] == "READY")
    ben = await until(gateway, BEN, lambda session: session["state"] == "NOT_READY")
    assert (ben["reason"], ben["asterisk"]["penalty"]) == (None, 4)
    asterisk.update_member("live", BEN, penalty=4, paused=False)
    await until(gateway, BEN, lambda session: session["state"] == "READY")
    asterisk.delete_member("live", CLEO)
    await until(gateway, CLEO, lambda session: session["state"] == "SESSION_ENDED")
    assert (told(gateway, ANN), told(gateway, CLEO)) == (["NEW_SESSION"], ["NEW_SESSION", "END"])
    assert told(gateway, BEN) == ["NEW_SESSION", "NOT_READY", "READY"]


async def _commands_and_a_call(gateway: Running, asterisk: RealtimeAsterisk, driver: Driver) -> None:
    """A pause is written to the row, a logout is not possible, and an event says that the member is realtime."""
    answer = await command(gateway, BEN, state="NOT_READY", reason="lunch")
    assert (answer["code"], answer["changed"]) == (None, True)
    assert asterisk.is_paused("live", BEN)
    ben = await until(gateway, BEN, lambda session: session["state"] == "NOT_READY")
    assert (ben["reason"], ben["asterisk"]["membership"]) == ("lunch", "realtime")
    answer = await command(gateway, BEN, state="SESSION_ENDED")
    assert (answer["code"], answer["changed"]) == ("NOT_DYNAMIC", False)

    spent = await talk(driver)
    ann = await until(gateway, ANN, lambda session: session["number_of_calls"] == 1 and session["state"] == "READY")
    assert ann["total_talk_time"] == pytest.approx(spent, abs=0.025)
    assert (ann["total_wrap_up_time"], ann["asterisk"]["membership"]) == (1.0, "realtime")
    assert shown(gateway, BEN)["asterisk"]["membership"] == "realtime", "lists since then said static"


async def _unseen(gateway: Running, asterisk: RealtimeAsterisk, driver: Driver) -> None:
    """Who came and went while the gateway was away begins and ends once, whether or not the log tells of it."""
    since = len(gateway.messages)
    await gateway.gateway.kill()
    asterisk.delete_member("live", BEN)
    asterisk.insert_member("live", DORA)
    await talk(driver)  # a caller makes Asterisk read the rows
    await gateway.gateway.start()
    await current(gateway.subscriber, since=since)
    await until(gateway, BEN, lambda session: session["state"] == "SESSION_ENDED")
    await until(gateway, DORA, lambda session: session["state"] == "READY")
    await settled(gateway, quiet=QUIET)
    assert told(gateway, BEN)[-1] == "END"
    assert shown(gateway, ANN)["asterisk"]["membership"] == "realtime", "lists alone tell of her since the kill"
    assert told(gateway, ANN)[-1] == "READY"
    assert told(gateway, ANN).count("NEW_SESSION") == 1
    assert [name for name in told(gateway, DORA) if name in ("NEW_SESSION", "END")] == ["NEW_SESSION"]
    sessions = [shown(gateway, member) for member in (ANN, DORA)]
    assert sum(session["number_of_calls"] for session in sessions) == 2
    assert all(session["state"] == "READY" and session["complete"] for session in sessions), sessions


async def _restarted(gateway: Running, asterisk: RealtimeAsterisk, driver: Driver) -> None:
    """Members that Asterisk reads anew after a restart go on in their sessions."""
    before = {member.name: shown(gateway, member)["session_id"] for member in (ANN, DORA)}
    since = len(gateway.messages)
    await asterisk.restart()
    await current(gateway.subscriber, since=since)
    await driver.open()
    spent = await talk(driver)
    await settled(gateway, quiet=QUIET)
    assert {member.name: shown(gateway, member)["session_id"] for member in (ANN, DORA)} == before
    ends = [m.json for m in gateway.messages[since:] if m.topic.startswith("call/")]
    assert [each["talk_time"] for each in ends] == [pytest.approx(spent, abs=0.025)]
