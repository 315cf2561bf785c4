"""A healthy call center, with its gateway running: the doctor finds nothing wrong, and nobody notices its visit."""

import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.running import Running, running, settled
from tests.lab import pbx, wire
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver

QUEUES = (
    pbx.Queue("support", wrapuptime=3, members=(pbx.ALICE, pbx.BOB)),
    pbx.Queue("sales", wrapuptime=2, members=(pbx.BOB, pbx.EVA)),
)
SLOWEST = 0.5
"""Seconds for an answer on another connection, on cores that others use too; a freeze would be of a second and more."""
VISITS = 3
"""So many may be slow for reasons of the machine's own; a doctor that froze Asterisk would do so each time."""

pytestmark = pytest.mark.lab


async def doctor(config: Path, *arguments: str) -> tuple[int, str]:
    """Run the command and return its exit status and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "doctor", "--config", str(config), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def longest_wait(asterisk: Asterisk, done: asyncio.Event) -> float:
    """Ask Asterisk for its queues again and again until *done*, and return the seconds of the slowest answer."""
    link = wire.Link()
    await link.open(asterisk.port, pbx.DRIVER.name, pbx.DRIVER.secret)
    longest = 0.0
    try:
        while not done.is_set():
            start = time.monotonic()
            await link.ask("QueueStatus")
            longest = max(longest, time.monotonic() - start)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await done.wait()
    finally:
        await link.close()
    return longest


async def test_nothing_is_wrong_and_nobody_is_disturbed(broker: Broker, tmp_path: Path) -> None:
    """With a good configuration the doctor ends with 0, and call center and gateway are as they were."""
    wrap_up = pbx.wrap_up(QUEUES)
    async with Asterisk("22", queues=pbx.queues_conf(QUEUES), keep_logs=tmp_path / "asterisk") as asterisk:
        async with running(asterisk, broker, tmp_path, wrap_up=wrap_up) as gateway, Driver(asterisk) as driver:
            await settled(gateway)
            before, since = await driver.ask("QueueStatus"), len(gateway.messages)
            for _ in range(VISITS):
                done = asyncio.Event()
                watching = asyncio.create_task(longest_wait(asterisk, done), name="watching")
                looking = asyncio.create_task(
                    doctor(gateway.gateway.config, "--asterisk-config", str(asterisk.home / "etc")), name="looking"
                )
                # A call that is going on meanwhile is what the events are seen by.
                caller = await driver.call("sales", ring=1.5, talk=1.0)
                status, output = await looking
                done.set()
                assert (status, "0 problems" in output) == (0, True), output
                await driver.completed(await driver.answered(caller))
                if (slowest := await watching) < SLOWEST:
                    break
            assert slowest < SLOWEST
            undisturbed(gateway, since, await all_told(gateway))
            after = await driver.ask("QueueStatus")
            assert [m.get("LastPause") for m in after] == [m.get("LastPause") for m in before]
            assert [m.get("Queue") for m in after] == [m.get("Queue") for m in before]
        gateway.check_log()
        assert "DOCTOR" in asterisk.queue_log.read_text()


async def all_told(gateway: Running) -> int:
    """The place in the messages behind all that had been published by now."""
    since = len(gateway.messages)
    await gateway.subscriber.publish("bridge/request", '{"request": "health", "id": "all told"}')
    answer = await gateway.subscriber.wait_for(lambda m: m.topic == "bridge/request/response", since=since)
    return gateway.messages.index(answer)


def undisturbed(gateway: Running, since: int, until: int) -> None:
    """No message tells of anything but the call, and every probe is empty and of the doctor's own names."""
    told = [m for m in gateway.messages[since:until] if "doctor" not in m.topic and m.topic != "bridge/request"]
    assert not [m for m in told if m.topic.startswith("bridge/event") or m.topic.endswith("/response")]
    happened = [m.topic for m in told if m.topic.endswith("/event") or m.topic.startswith("call/")]
    assert happened
    assert not [topic for topic in happened if not topic.startswith("agent/") and topic.split("/")[1] != "sales"]
    probes = [m for m in gateway.messages[since:until] if "doctor" in m.topic]
    assert probes
    assert {m.payload for m in probes} <= {b"", b"kept"}
    assert all(m.topic.startswith("bridge/doctor/") for m in probes if m.payload)
    assert [m.payload for m in probes if m.topic.startswith("bridge/doctor/")][-1] == b""
