"""Rollover at midnight on a real Asterisk, seen by the gateway or slept through."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.checks import not_retained
from tests.e2e.running import Running, running, settled
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.subscriber import Received

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

WRAP_UP = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
CAROL = pbx.Member("Carol", "a5")
ERIN = pbx.Member("Erin", "a6")
DAY = 86_400


def zone_where_midnight_is_in(seconds: int) -> tuple[str, int]:
    """A time zone, by the rules of POSIX, and when it is midnight there, seconds since the epoch."""
    midnight = int(time.time()) + seconds
    west = midnight % DAY  # what the clock in Greenwich shows when it is midnight there
    if west > DAY // 2:
        west -= DAY
    sign, west = ("-" if west < 0 else ""), abs(west)
    return f"LAB{sign}{west // 3600:02}:{west // 60 % 60:02}:{west % 60:02}", midnight


def told(gateway: Running, agent: str) -> list[dict[str, Any]]:
    """The session events of an agent in queue ``empty``, in order."""
    return [content for topic, content in not_retained(gateway.messages) if is_of(topic, agent)]


def is_of(topic: str, agent: str) -> bool:
    """Whether the session events of an agent in queue ``empty`` are there."""
    return topic.startswith(f"session/empty/{agent}/") and topic.endswith("/event")


def is_told(message: Received, agent: str, event: str) -> bool:
    """Whether it is this session event of an agent in queue ``empty``."""
    return is_of(message.topic, agent) and message.json["event"] == event


def time_of_day(seconds: int) -> str:
    """As the contract writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize("watch", ["awake", "asleep"])
async def test_sessions_end_and_begin_at_midnight(
    asterisk: Asterisk, broker: Broker, driver: Driver, tmp_path: Path, watch: str
) -> None:
    """To the millisecond, with all figures; who is on a call is rolled over after it, by its end and its wrap-up's."""
    await driver.add("empty", CAROL)
    zone, midnight = zone_where_midnight_is_in(12)
    changes = {"session": {"rollover": "00:00"}}
    async with running(
        asterisk, broker, tmp_path, wrap_up=WRAP_UP, changes=changes, environment={"TZ": zone}
    ) as gateway:
        caller = await driver.call("empty", talk=midnight - time.time() + 1.5)
        talking = await driver.answered(caller)
        await driver.add("empty", ERIN)
        await driver.pause(ERIN, queue="empty", reason="lunch")
        if watch == "asleep":
            await gateway.subscriber.wait_for(lambda m: is_told(m, "Carol", "BUSY"))
            await gateway.subscriber.wait_for(lambda m: is_told(m, "Erin", "NOT_READY"))
            await gateway.gateway.kill()
        await driver.completed(talking)
        if watch == "asleep":
            await gateway.gateway.start()
        await gateway.subscriber.wait_for(
            lambda m: is_told(m, "Carol", "NEW_SESSION") and m.json["cause"] == "rollover"
        )
        await settled(gateway)

        at = time_of_day(midnight)
        erin = told(gateway, "Erin")
        ended, begun = erin[-2:]
        assert [(each["event"], each["cause"], each["at"]) for each in (ended, begun)] == [
            ("END", "rollover", at),
            ("NEW_SESSION", "rollover", at),
        ]
        assert (ended["session"]["session_end_time"], begun["session"]["session_start_time"]) == (at, at)
        assert ended["session"]["session_id"] != begun["session"]["session_id"]
        assert (begun["session"]["state"], begun["session"]["reason"]) == ("NOT_READY", "lunch")
        assert begun["session"]["complete"]

        carol = told(gateway, "Carol")
        names = [each["event"] for each in carol]
        assert names[-3:] == ["READY", "END", "NEW_SESSION"]
        after_wrap_up, ended, begun = carol[-3:]
        assert after_wrap_up["at"] == ended["at"] == begun["at"] > at
        assert (ended["session"]["number_of_calls"], begun["session"]["number_of_calls"]) == (1, 0)
        assert ended["session"]["total_wrap_up_time"] == WRAP_UP["empty"]
        assert begun["session"]["session_start_time"] == ended["session"]["session_end_time"]
        gateway.check_log()
