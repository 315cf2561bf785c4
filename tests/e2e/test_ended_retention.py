"""An ended session's retained message: stays for a time, then goes, also where nobody is left to remove it."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.checks import moment
from tests.e2e.running import running
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import BASE
from tests.lab.subscriber import Received, Subscriber

pytestmark = [pytest.mark.lab, pytest.mark.timeout(90)]

WRAP_UP = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
CAROL = pbx.Member("Carol", "a5")
RETENTION = 3  # seconds
CLOCK = 0.5  # seconds that Asterisk's clock may be read wrong, by how long an answer was on its way
LATE = 5.0  # seconds: the gateway looks now and then, and a busy machine takes its time
CHANGES = {"session": {"ended_retention": RETENTION}}


def topic_of(member: pbx.Member) -> str:
    """The member's session topic in queue ``empty``."""
    return f"session/empty/{member.name}/{member.interface.replace('/', '%2F')}"


def ends(message: Received) -> bool:
    """Whether it is the retained message of Carol's session, ended."""
    return message.topic == topic_of(CAROL) and bool(message.payload) and message.json["state"] == "SESSION_ENDED"


async def retained(broker: Broker) -> set[str]:
    """What a newcomer is given: the topics of all retained sessions, once the last retained message is there."""
    async with Subscriber(broker.port, BASE) as newcomer:
        await newcomer.publish("test/end", b"")
        await newcomer.wait_for(lambda m: m.topic == "test/end")
        return {m.topic for m in newcomer.messages if m.retained and m.payload}


async def test_it_stays_for_its_time_and_goes(
    asterisk: Asterisk, broker: Broker, driver: Driver, tmp_path: Path
) -> None:
    """The gateway removes it by an empty payload; with a successor on the topic it has gone already."""
    topic = topic_of(CAROL)
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP, changes=CHANGES) as gateway:
        await driver.add("empty", CAROL)
        await driver.remove("empty", CAROL)
        ended = await gateway.subscriber.wait_for(ends)
        assert topic in await retained(broker)
        gone = await gateway.subscriber.wait_for(lambda m: m.topic == topic and not m.payload)
        lasted = gone.arrived + time.time() - asyncio.get_running_loop().time() - moment(ended.json["session_end_time"])
        assert RETENTION - CLOCK < lasted < RETENTION + LATE
        assert topic not in await retained(broker)

        await driver.add("empty", CAROL)
        await driver.remove("empty", CAROL)
        place = len(gateway.messages)
        await driver.add("empty", CAROL)
        back = await gateway.subscriber.wait_for(
            lambda m: m.topic == topic and bool(m.payload) and m.json["session_end_time"] is None, since=place
        )
        # The successor's message must outlive the time at which that of the session before would have gone.
        place = len(gateway.messages)
        with pytest.raises(TimeoutError):
            await gateway.subscriber.wait_for(
                lambda m: m.topic == topic and not m.payload, since=place, within=RETENTION + 1.5
            )
        await gateway.told_all()
        assert all(m.payload for m in gateway.messages[place:] if m.topic == topic)
        assert back.json["state"] == "READY"
        assert topic in await retained(broker)


async def test_it_goes_though_the_gateway_is_gone(
    asterisk: Asterisk, broker: Broker, driver: Driver, tmp_path: Path
) -> None:
    """By MQTT 5 the broker forgets it by itself; and the next life of the gateway does not show it again."""
    topic = topic_of(CAROL)
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP, changes=CHANGES) as gateway:
        await driver.add("empty", CAROL)
        await driver.remove("empty", CAROL)
        await gateway.subscriber.wait_for(ends)
        await gateway.gateway.kill()
        async with Subscriber(broker.port, BASE) as watcher:
            watch = await watcher.wait_for(lambda m: m.topic == topic)
            assert watch.retained
        with pytest.raises(TimeoutError):
            await gateway.subscriber.wait_for(lambda m: m.topic == topic and not m.payload, within=RETENTION)
        async with asyncio.timeout(10):  # brokers reckon in whole seconds
            while topic in await retained(broker):  # noqa: ASYNC110 - no broker tells what it forgets
                await asyncio.sleep(0.3)
        place = len(gateway.messages)
        await gateway.gateway.start()
        await gateway.gateway.current(gateway.subscriber, since=place)
        await gateway.told_all()
        assert topic not in await retained(broker)
        gateway.check_log()
