"""The gateway is killed at the moments that matter, one after another, under load.

``CTI_GATEWAY_FAULTS=long`` in the environment tries it on every version.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import bridge_events, check_aftermath
from tests.e2e.load import versions, watched
from tests.e2e.running import Running, running
from tests.lab import callcentre
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import current
from tests.lab.subscriber import Received

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


@pytest.mark.parametrize("version", versions("16"))
async def test_killed_at_the_moments_that_matter(version: str, broker: Broker, tmp_path: Path) -> None:
    """In a call, in a wrap-up, twice in a resync, and between store and publish: nothing is lost, nothing doubled."""
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    async with (
        watched(asterisk, tmp_path) as lab,
        running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP) as gateway,
    ):
        lab.open()
        await asyncio.sleep(3)
        for kind in ("BUSY", "WRAPUP"):
            await _kill_at(gateway, partial(_is_event, kind))
            await current(gateway.subscriber, since=len(gateway.messages))
        await _kill_at(gateway, partial(_is_event, "BUSY"))
        await _kill_at(gateway, _is_resyncing)
        # The log is read back a second and a bit after the login; this kill falls into what follows it.
        await gateway.subscriber.wait_for(_is_resyncing, since=len(gateway.messages))
        await asyncio.sleep(1.32)
        await _kill(gateway)
        await current(gateway.subscriber, since=len(gateway.messages))

        await asyncio.sleep(1)
        broker.freeze()
        await asyncio.sleep(2)  # what happens is stored, and waits for a broker that takes nothing
        await gateway.gateway.kill()
        broker.thaw()
        await gateway.gateway.start()
        await current(gateway.subscriber, since=len(gateway.messages))
        await asyncio.sleep(2)
        judgement = await lab.finish(gateway)
        found = check_aftermath(gateway.messages, judgement)
        gateway.check_log()
    print(f"Asterisk {version}, killed at chosen moments: {found}, {bridge_events(gateway.messages)}")
    assert found["recovered"] >= 1, "too little happened to prove anything"


async def _kill_at(gateway: Running, matches: Callable[[Received], bool]) -> None:
    """Kill the gateway as soon as it tells something, and start it anew."""
    await gateway.subscriber.wait_for(matches, since=len(gateway.messages))
    await _kill(gateway)


async def _kill(gateway: Running) -> None:
    await gateway.gateway.kill()
    await gateway.gateway.start()


def _is_event(name: str, message: Received) -> bool:
    return message.topic.startswith("session/") and message.topic.endswith("/event") and message.json["event"] == name


def _is_resyncing(message: Received) -> bool:
    return message.topic == "bridge/asterisk" and message.json["link"] == "resyncing"
