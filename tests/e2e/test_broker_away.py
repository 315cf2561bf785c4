"""The broker is away for long under load: what that costs in memory, and what comes afterwards.

``CTI_GATEWAY_BROKER_AWAY_SECONDS=120`` in the environment makes it two minutes, and ``CTI_GATEWAY_STORM`` says how many
events a second there are beside those of the call centre.
"""

import asyncio
import itertools
import os
import time
from pathlib import Path
from typing import Final

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import bridge_events, gaps
from tests.e2e.checks import check_all
from tests.e2e.load import versions, watched
from tests.e2e.running import running
from tests.lab import callcentre, pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import BASE, current
from tests.lab.kept import last_kept
from tests.lab.memory import resident
from tests.lab.persistent import PersistentSubscriber
from tests.mqtt.recorder import eventually

AWAY: Final = float(os.environ.get("CTI_GATEWAY_BROKER_AWAY_SECONDS", "6"))
STORM: Final = float(os.environ.get("CTI_GATEWAY_STORM", "200"))

WARM: Final = 0.2
"""Share of the time before the measurement begins: what a process takes once."""

BOUND: Final = 200
"""Bytes of memory that an event may cost."""

MEASURED_FROM: Final = 10_000
"""Events from which on the growth of a process says something about a single one."""

RESTLESS: Final = tuple(pbx.Member(f"Restless {n}", f"a{n}") for n in range(21, 25))
"""Agents who are paused all the time and change the reason for it."""


@pytest.mark.lab
@pytest.mark.timeout(AWAY * 3 + 240)
@pytest.mark.parametrize("version", versions("22"))
async def test_away_under_load(version: str, broker: Broker, tmp_path: Path) -> None:
    """All events arrive afterwards in order, every figure is exact, and an event costs less memory than its bound."""
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    subscriber = PersistentSubscriber(broker.port, BASE, "wallboard 1")
    async with (
        watched(asterisk, tmp_path) as lab,
        running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, subscriber=subscriber) as gateway,
    ):
        lab.open()
        storm = asyncio.create_task(_storm(lab.driver), name="storm")
        await asyncio.sleep(2)
        since = len(gateway.messages)
        await asyncio.to_thread(broker.stop)
        await subscriber.stay()
        await subscriber.leave()
        await asyncio.sleep(AWAY * WARM)
        events, memory = last_kept(tmp_path / "gateway.db"), resident(gateway.gateway.pid)
        await asyncio.sleep(AWAY * (1 - WARM))
        await eventually(lambda: last_kept(tmp_path / "gateway.db") - events > AWAY * STORM / 4, seconds=60)
        events = last_kept(tmp_path / "gateway.db") - events
        grown = resident(gateway.gateway.pid) - memory
        await asyncio.to_thread(broker.start)
        back = time.monotonic()
        await subscriber.come()
        await current(subscriber, since=since, within=60)
        took = time.monotonic() - back
        storm.cancel()
        await asyncio.gather(storm, return_exceptions=True)
        judgement = await lab.finish(gateway)
        found = check_all(gateway.messages, judgement)
        after = resident(gateway.gateway.pid) - memory
        gateway.check_log()
    each = grown / max(1, events)
    print(
        f"Asterisk {version}, broker away for {AWAY:g} s: {events} events measured, {each:.0f} bytes of memory each"
        f" ({after // 1024} KiB more in the end than then); told {took:.1f} s after its return; {found}"
    )
    assert not gaps(gateway.messages[since:])
    assert bridge_events(gateway.messages, since) == []
    if events >= MEASURED_FROM:
        assert each < BOUND


async def _storm(driver: Driver) -> None:
    """Change reasons at the rate wanted, or as near to it as Asterisk answers."""
    for member in RESTLESS:
        await driver.add("third", member, paused=True)
    due = time.monotonic()
    for number, member in enumerate(itertools.cycle(RESTLESS)):
        await driver.pause(member, queue="third", reason=f"reason {number}")
        due = max(due + 1 / STORM, time.monotonic() - 1)
        await asyncio.sleep(due - time.monotonic())
