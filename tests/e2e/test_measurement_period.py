"""The measurement periods of agents and queues on a real Asterisk: set by command, rolled by time, kept over a kill."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.running import Running, running, settled
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver

pytestmark = [pytest.mark.lab, pytest.mark.timeout(90)]

WRAP_UP = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
DAVE = "agent/Dave"
AUTO = "queue/auto"
PERIOD = 3  # seconds


async def put_period(gateway: Running, topic: str, seconds: object) -> dict[str, Any]:
    """Send the command, and return its answer."""
    since = len(gateway.messages)
    await gateway.subscriber.publish(f"{topic}/measurement_period", json.dumps({"seconds": seconds, "id": since}))
    answer = await gateway.subscriber.wait_for(
        lambda m: m.topic == f"{topic}/measurement_period/response" and m.json["id"] == since, since=since
    )
    found: dict[str, Any] = answer.json
    return found


def counted(gateway: Running) -> tuple[int, int]:
    """The calls that Dave and his queue show."""
    latest = gateway.subscriber.latest
    return latest[DAVE].json["number_of_acd_calls"], latest[AUTO].json["answered"]


def window(gateway: Running, topic: str) -> tuple[int, float, float]:
    """A measurement period as it is shown: seconds, from, to."""
    period = gateway.subscriber.latest[topic].json["measurement_period"]
    return period["seconds"], *(datetime.fromisoformat(period[key]).timestamp() for key in ("from", "to"))


async def handle_a_call(gateway: Running, driver: Driver) -> None:
    """Dave answers a caller, and wraps up."""
    await driver.completed(await driver.answered(await driver.call("auto", ring=0.1, talk=0.4)))
    await settled(gateway)


async def test_periods_are_set_and_roll(asterisk: Asterisk, broker: Broker, driver: Driver, tmp_path: Path) -> None:
    """The local day unless another is set; setting one resets; its windows follow each other without a hole."""
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP) as gateway:
        await handle_a_call(gateway, driver)
        assert counted(gateway) == (1, 1)
        for topic in (DAVE, AUTO):
            seconds, begin, end = window(gateway, topic)
            assert 23 * 3600 <= seconds == end - begin <= 25 * 3600
            local = datetime.fromtimestamp(begin).astimezone()
            assert (local.hour, local.minute, local.second) == (0, 0, 0)

        for topic in (DAVE, AUTO):
            answer = await put_period(gateway, topic, 3600)
            assert (answer["status"], answer["changed"]) == ("ok", True)
        await settled(gateway)
        assert counted(gateway) == (0, 0)
        assert {window(gateway, topic)[0] for topic in (DAVE, AUTO)} == {3600}
        await handle_a_call(gateway, driver)
        assert counted(gateway) == (1, 1)
        before = window(gateway, DAVE), window(gateway, AUTO)

        await gateway.gateway.kill()
        since = len(gateway.messages)
        await gateway.gateway.start()
        await gateway.gateway.current(gateway.subscriber, since=since)
        await settled(gateway)
        assert counted(gateway) == (1, 1)
        assert before == (window(gateway, DAVE), window(gateway, AUTO))

        for topic in (DAVE, AUTO):
            await put_period(gateway, topic, PERIOD)
        await gateway.told_all()
        first = {topic: window(gateway, topic)[1] for topic in (DAVE, AUTO)}
        since = len(gateway.messages)
        for topic in (DAVE, AUTO):
            await gateway.subscriber.wait_for(
                lambda m, topic=topic: (
                    m.topic == topic  # type: ignore[misc]
                    and datetime.fromisoformat(m.json["measurement_period"]["from"]).timestamp() > first[topic]
                ),
                since=since,
            )
            elapsed = window(gateway, topic)[1] - first[topic]
            assert elapsed % PERIOD == pytest.approx(0, abs=0.0011)
        gateway.check_log()


async def test_what_is_no_period(asterisk: Asterisk, broker: Broker, tmp_path: Path) -> None:
    """Zero is refused, and so is all that is no whole number of seconds; who is not there is told."""
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP) as gateway:
        for topic in (DAVE, AUTO):
            for seconds in (0, -1, 1.5, "60", True, None, 10**20):
                answer = await put_period(gateway, topic, seconds)
                assert (answer["code"], answer["changed"]) == ("BAD_PAYLOAD", False), seconds
                assert answer["message"]
        assert (await put_period(gateway, "agent/Nobody", 60))["code"] == "UNKNOWN_AGENT"
        assert (await put_period(gateway, "queue/nothing", 60))["code"] == "UNKNOWN_QUEUE"
