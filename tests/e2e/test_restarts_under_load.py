"""Asterisk is stopped the gentle way, when it waits for its calls to end, and restarted the rude way, under load.

``CTI_GATEWAY_FAULTS=long`` in the environment tries it on every version.
"""

import asyncio
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import bridge_events, check_aftermath
from tests.e2e.load import SEED, versions, watched
from tests.e2e.running import running
from tests.lab import callcentre
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import current

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

WAITED_FOR = 3.0
"""Seconds that the calls have to end before they are ended: callers who wait would wait for long."""


@pytest.mark.parametrize("version", versions("22"))
async def test_stopped_and_restarted_under_load(version: str, broker: Broker, tmp_path: Path) -> None:
    """Calls count with their times, those it ended with itself too; who comes back goes on in the same session."""
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    async with (
        watched(asterisk, tmp_path) as lab,
        running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP) as gateway,
    ):
        lab.open()
        await asyncio.sleep(4)
        since = len(gateway.messages)
        stopping = asyncio.create_task(asterisk.cli("core stop gracefully"), name="core stop gracefully")
        await asyncio.sleep(1)
        await lab.close()
        try:
            async with asyncio.timeout(WAITED_FOR):
                await asterisk.ended()
        except TimeoutError:
            await asterisk.cli("channel request hangup all")
            await asterisk.ended()
        await stopping
        place = len(gateway.messages)
        await asterisk.start()
        await lab.tap.ready()
        await lab.driver.open()
        lab.open(seed=SEED + 1)
        await current(gateway.subscriber, since=place, within=40)
        await asyncio.sleep(3)

        place = len(gateway.messages)
        await asterisk.restart()
        await lab.close()
        await lab.tap.ready()
        await lab.driver.open()
        lab.open(seed=SEED + 2)
        await current(gateway.subscriber, since=place, within=40)
        await asyncio.sleep(3)
        judgement = await lab.finish(gateway)
        found = check_aftermath(gateway.messages, judgement, down=lab.down)
        gateway.check_log()
    told = bridge_events(gateway.messages, since)
    print(f"Asterisk {version}, stopped and restarted: {found}, {told}")
    assert told.count("ASTERISK_RESTARTED") == 2
    assert found["calls"] >= 10, "too little happened to prove anything"
