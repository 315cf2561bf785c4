"""What the gateway's lists cost: Asterisk, whoever else wants a queue meanwhile, and the gateway's own loop.

``CTI_GATEWAY_QUEUES=200`` in the environment makes it 10,000 members in 200 queues. ``-s`` shows the figures.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway import assembly
from gateway.clock import SystemClock
from gateway.config import GatewayConfig, load_config
from gateway.running import Gateway
from tests.broker import Broker
from tests.lab import bulk, gateway_process, pbx
from tests.lab.asterisk import Asterisk
from tests.lab.bulk import Delays, loop_delays, pausing, probing
from tests.lab.driver import Driver

QUEUES = int(os.environ.get("CTI_GATEWAY_QUEUES", "20"))
MEMBERS = 50
LOOK = 1.5
"""Seconds for which each thing is watched."""
LATE = 0.5
"""Seconds at most for which anybody waits, on a machine that has other things to do, too."""

pytestmark = [pytest.mark.lab, pytest.mark.timeout(QUEUES + 120)]


async def test_lists_hold_nobody_up_for_long(broker: Broker, tmp_path: Path) -> None:
    """While queues are listed one by one a pause waits hardly longer than without; all at once is what one avoids."""
    queues = bulk.queues(QUEUES, MEMBERS)
    middle = queues[QUEUES // 2]
    async with Asterisk("22", queues=pbx.queues_conf(queues)) as asterisk, Driver(asterisk) as driver:
        async with Driver(asterisk) as other:
            one, whole = Delays(), Delays()
            for queue in queues:
                await one.add(lambda name=queue.name: other.ask("QueueStatus", Queue=name))  # type: ignore[misc]
            await whole.add(lambda: other.ask("QueueStatus"))
            print(f"\n{QUEUES} queues of {MEMBERS} members: listing one took {one}; all at once {whole}")
            pause = pausing(driver, middle.members[0], middle.name)
            async with probing(pause) as idle:
                await asyncio.sleep(LOOK)
            print(f"a pause, nothing else going on: {idle}")
            async with probing(pause) as seen, asyncio.timeout(60):
                for _ in range(5):
                    await other.ask("QueueStatus")
            print(f"a pause while all are listed at once: {seen}")
        await _watch_the_gateway(asterisk, broker, tmp_path, driver, middle)


async def _watch_the_gateway(
    asterisk: Asterisk, broker: Broker, directory: Path, driver: Driver, queue: pbx.Queue
) -> None:
    """Run gateways in this process, so that their loop can be watched, and probe Asterisk meanwhile."""
    file = directory / "gateway.toml"
    file.write_text(gateway_process.config_text(asterisk, broker.port, directory / "gateway.db", wrap_up={}))
    file.chmod(0o600)
    config = load_config(file, {})
    loop = asyncio.get_running_loop()
    async with _current(config, "started for the first time"):
        await asyncio.sleep(LOOK)
    async with _current(config, "started again") as gateway:
        await asyncio.sleep(LOOK)
        begin = loop.time()
        async with loop_delays() as late:
            await gateway.upkeep.resync_now()
        print(f"a comparison took {loop.time() - begin:.2f} s; its loop was late: {late}")
        assert max(late.seconds) < LATE
        async with probing(pausing(driver, queue.members[0], queue.name)) as seen:
            await gateway.upkeep.resync_now()
        print(f"a pause while the gateway compares: {seen}")
        assert max(seen.seconds) < LATE


@asynccontextmanager
async def _current(config: GatewayConfig, how: str) -> AsyncIterator[Gateway]:
    """A gateway from when its picture is current; prints how long that took."""
    gateway = assembly.build(config, SystemClock())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    task = asyncio.create_task(gateway.run(stop), name="gateway under test")
    try:
        async with loop_delays() as late, asyncio.timeout(60):
            while not gateway.picture.current:
                assert not task.done()
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.02)  # what the last step took shows behind it
        print(f"a gateway {how} is current after {loop.time() - begin:.2f} s; its loop was late: {late}")
        yield gateway
    finally:
        stop.set()
        await task
