"""Persistent members on a real Asterisk: it restarts, and they are there again without a word."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.mqtt.topics import encode_level
from tests.broker import Broker
from tests.e2e.checks import check_order, check_steps, moment, told_sessions
from tests.e2e.running import Running, running
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import current

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

WRAP_UP: Final = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
CAROL, ERIN, GONE = (pbx.Member(name, f"a{n}") for n, name in enumerate(("Carol", "Erin", "Gone"), 5))
QUEUE_OF: Final = {CAROL: "empty", ERIN: "empty", GONE: "sales"}
CLOCK: Final = 0.5  # seconds that Asterisk's clock may be read wrong, by how long an answer was on its way


def topic_of(member: pbx.Member) -> str:
    """The topic of a member's session."""
    return f"session/{QUEUE_OF[member]}/{encode_level(member.name)}/{encode_level(member.interface)}"


async def shown(gateway: Running, member: pbx.Member, **wanted: object) -> dict[str, Any]:
    """Wait until a member's session is shown with these values, and return it."""
    session: dict[str, Any] = await gateway.subscriber.shown(
        topic_of(member), lambda session: wanted.items() <= session.items()
    )
    return session


def told(gateway: Running, member: pbx.Member, *, since: int = 0) -> list[dict[str, Any]]:
    """A member's session events from a place in the messages on."""
    return [m.json for m in gateway.messages[since:] if m.topic == f"{topic_of(member)}/event"]


async def until_told(gateway: Running, member: pbx.Member, event: str, *, since: int = 0) -> dict[str, Any]:
    """Wait for a session event of a member and return it; all events that happened before it have been told then."""
    found = await gateway.subscriber.wait_for(
        lambda m: m.topic == f"{topic_of(member)}/event" and m.json["event"] == event, since=since
    )
    event_: dict[str, Any] = found.json
    return event_


def forget(asterisk: Asterisk, queue: str) -> None:
    """Take the members of a queue out of the database of an Asterisk that does not run."""
    with closing(sqlite3.connect(asterisk.home / "db" / "astdb.sqlite3")) as database, database:
        taken = database.execute("DELETE FROM astdb WHERE key = ?", (f"/Queue/PersistentMembers/{queue}",)).rowcount
    assert taken == 1


@pytest.mark.parametrize(("asterisk_version", "queue_log"), [("16", "none"), ("22", "read")])
async def test_persistent_members(asterisk_version: str, broker: Broker, tmp_path: Path, queue_log: str) -> None:
    """Their sessions go on over restarts, with pause, reason and figures; who is not there again ended with the old."""
    queues = pbx.queues_conf(persistentmembers="yes")
    asterisk = Asterisk(asterisk_version, queues=queues, keep_logs=tmp_path / "asterisk")
    changes = {"asterisk": {"queue_log": ""}} if queue_log == "none" else {}
    async with (
        asterisk,
        Driver(asterisk) as driver,
        running(asterisk, broker, tmp_path, wrap_up=WRAP_UP, changes=changes, module="tests.e2e.hasty") as gateway,
    ):
        for member, queue in QUEUE_OF.items():
            await driver.add(queue, member, penalty=3)
        await driver.pause(CAROL, queue="empty", reason="lunch & tea")
        await until_told(gateway, CAROL, "NOT_READY")
        ids = {member: (await shown(gateway, member))["session_id"] for member in QUEUE_OF}

        since = len(gateway.messages)
        await asterisk.restart()
        await current(gateway.subscriber, since=since)
        await driver.open()
        connect = await driver.answered(await driver.call("empty", talk=0.6))
        assert connect["MemberName"] == "Erin"
        wrap_up = await until_told(gateway, ERIN, "WRAPUP", since=since)
        # Whatever the restart had brought would have been told before the call.
        assert [each["event"] for each in told(gateway, ERIN, since=since)] == ["BUSY", "WRAPUP"]
        assert told(gateway, CAROL, since=since) == told(gateway, GONE, since=since) == []
        assert {member: (await shown(gateway, member))["session_id"] for member in QUEUE_OF} == ids

        since = len(gateway.messages)
        await driver.close()
        await asterisk.kill()
        killed = time.time()
        forget(asterisk, QUEUE_OF[GONE])
        await asterisk.start()
        await current(gateway.subscriber, since=since)
        await until_told(gateway, GONE, "END", since=since)
        (end,) = told(gateway, GONE, since=since)
        assert (end["session"]["session_id"], end["cause"]) == (ids[GONE], "resync")
        assert moment(wrap_up["at"]) - CLOCK < moment(end["session"]["session_end_time"]) <= killed + CLOCK
        carol = await shown(gateway, CAROL, state="NOT_READY")
        erin = await shown(gateway, ERIN, state="READY", number_of_calls=1)
        for member, session in ((CAROL, carol), (ERIN, erin)):
            assert session["session_id"] == ids[member]
            assert session["asterisk"]["penalty"] == 3
        assert carol["reason"] == "lunch & tea"
        assert erin["total_wrap_up_time"] == WRAP_UP["empty"]
        assert told(gateway, CAROL, since=since) == []
        for each in told_sessions(gateway.messages):
            check_steps(each)
        check_order(gateway.messages)
        gateway.check_log()
