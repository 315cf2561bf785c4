"""A broker that is there and says nothing, under load: it never acknowledges, or answers nobody at all.

The gateway's patience is shortened (`tests.e2e.impatient`); ``CTI_GATEWAY_KEEP_ALIVE=15`` is the shipped one.
"""

import asyncio
import time
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import bridge_events, gaps
from tests.e2e.checks import check_all
from tests.e2e.impatient import KEEP_ALIVE
from tests.e2e.load import versions, watched
from tests.e2e.running import running
from tests.lab import callcentre
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import current
from tests.lab.kept import last_kept
from tests.lab.memory import resident
from tests.mqtt.proxy import Proxy
from tests.mqtt.recorder import eventually

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180 + 20 * KEEP_ALIVE)]

LOSSES = 3
"""Connections that the silence costs before it ends: as many as a message that is to blame for them may cost."""

SLACK = 4.0
"""Seconds that a drop and a new connection may take beyond two keep alives: a look now and then, the wait, the load."""

WINDOW = 100
"""Messages that may be under way."""

GROWTH = 8 * 1024 * 1024
"""Bytes of memory that the silence may cost in all."""


@pytest.mark.parametrize("version", versions("22"))
async def test_a_broker_that_never_acknowledges(version: str, broker: Broker, tmp_path: Path) -> None:
    """Two keep alives on, the connection is made anew; Asterisk is read meanwhile; then all comes, in order."""
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    async with (
        Proxy(broker) as proxy,
        watched(asterisk, tmp_path) as lab,
        running(
            asterisk,
            broker,
            tmp_path,
            wrap_up=callcentre.WRAP_UP,
            changes={"mqtt": {"port": proxy.port}},
            module="tests.e2e.impatient",
        ) as gateway,
    ):
        lab.open()
        await asyncio.sleep(3)
        since, memory = len(gateway.messages), resident(gateway.gateway.pid)
        kept = last_kept(tmp_path / "gateway.db")
        proxy.swallow_pubacks = True
        took = [await _until_connected(proxy, len(proxy.levels) + 1) for _ in range(LOSSES)]
        grown = resident(gateway.gateway.pid) - memory
        read = last_kept(tmp_path / "gateway.db") - kept
        proxy.swallow_pubacks = False
        await asyncio.sleep(2)
        judgement = await lab.finish(gateway)
        found = check_all(gateway.messages, judgement)
        gateway.check_log()
    times = ", ".join(f"{each:.1f} s" for each in took)
    print(f"Asterisk {version}: {found}; dropped after {times}; {read} events kept, {grown // 1024} KiB meanwhile")
    assert all(each <= 2 * KEEP_ALIVE * 1.25 + SLACK for each in took)
    # Of the first, a message may have waited before.
    assert all(each >= 2 * KEEP_ALIVE * 0.9 for each in took[1:])
    assert read > LOSSES * KEEP_ALIVE, "Asterisk was not read meanwhile"
    assert proxy.most_under_way <= WINDOW
    assert grown < GROWTH
    assert bridge_events(gateway.messages, since) == []
    assert not gaps(gateway.messages[since:])


@pytest.mark.parametrize("version", versions("22"))
async def test_a_broker_that_answers_nobody(version: str, broker: Broker, tmp_path: Path) -> None:
    """A broker that stands still, whose kernel takes connections for it, costs nothing but time."""
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    async with (
        watched(asterisk, tmp_path) as lab,
        running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, module="tests.e2e.impatient") as gateway,
    ):
        lab.open()
        await asyncio.sleep(2)
        since = len(gateway.messages)
        kept = last_kept(tmp_path / "gateway.db")
        broker.freeze()
        try:
            await asyncio.sleep(4 * KEEP_ALIVE + 4)  # the drop, and a CONNECT without its CONNACK
        finally:
            broker.thaw()
        read = last_kept(tmp_path / "gateway.db") - kept
        await current(gateway.subscriber, since=since)
        await asyncio.sleep(1)
        judgement = await lab.finish(gateway)
        found = check_all(gateway.messages, judgement)
        gateway.check_log()
    print(f"Asterisk {version}: {found}; {read} events kept meanwhile")
    assert read > LOSSES * KEEP_ALIVE, "Asterisk was not read meanwhile"
    assert "no connection" in gateway.log
    assert bridge_events(gateway.messages, since) == []


async def _until_connected(proxy: Proxy, connections: int) -> float:
    """Wait for the CONNECT of that number, and return the seconds it took."""
    began = time.monotonic()
    await eventually(lambda: len(proxy.levels) >= connections, 4 * KEEP_ALIVE + 20)
    return time.monotonic() - began
