"""The link to Asterisk is there and carries nothing: packets lost, a reader that stalls, an Asterisk that stands still.

``CTI_GATEWAY_FAULTS=long`` in the environment tries it all on every version, for longer.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import bridge_events, check_aftermath, gaps
from tests.e2e.load import LONG, versions, watched
from tests.e2e.running import Running, running
from tests.lab import callcentre
from tests.lab.gateway_process import current
from tests.lab.island import Island, IslandAsterisk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

NOTICED_WITHIN = 13.0
"""Seconds: a Ping every five, five to answer it, and some until it is heard on a busy machine."""

UNSEEN = 20.0 if LONG else 1.0
"""Seconds that the link stays dead after the gateway said so."""

HELD_UP = 3.0
"""Seconds that the gateway reads nothing and Asterisk waits for it."""

STALLED = 25.0
"""Seconds at most until Asterisk gives up a reader that takes nothing: its buffers fill, then its patience ends."""


@pytest.fixture
def island() -> Iterator[Island]:
    """A network namespace for Asterisk."""
    with Island() as island:
        yield island


def world(version: str, island: Island, directory: Path) -> IslandAsterisk:
    """An Asterisk on the island."""
    return IslandAsterisk(version, island, queues=callcentre.queues_conf(), keep_logs=directory / "asterisk")


async def lost(gateway: Running, *, since: int, within: float) -> None:
    """Wait until the gateway says that its picture is not current."""
    await gateway.subscriber.wait_for(
        lambda m: m.topic == "bridge/asterisk" and not m.json["current"], since=since, within=within
    )


@pytest.mark.parametrize("version", versions("22"))
async def test_packets_are_lost_without_a_word(version: str, island: Island, broker: Broker, tmp_path: Path) -> None:
    """The Pings that stay out tell it; nothing is told meanwhile; the log gives back what nobody saw."""
    changes = {"asterisk": {"host": island.tested.address_there}}
    async with (
        watched(world(version, island, tmp_path), tmp_path) as lab,
        running(lab.asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, changes=changes) as gateway,
    ):
        lab.open()
        await asyncio.sleep(3)
        since = len(gateway.messages)
        island.cut()
        await lost(gateway, since=since, within=NOTICED_WITHIN)
        place = len(gateway.messages)
        await asyncio.sleep(UNSEEN)
        await gateway.told_all()
        assert not [m.topic for m in gateway.messages[place:] if m.topic.startswith(("session/", "call/"))]
        island.mend()
        await current(gateway.subscriber, since=place, within=40)
        await asyncio.sleep(2)
        judgement = await lab.finish(gateway)
        found = check_aftermath(gateway.messages, judgement)
        gateway.check_log()
    print(f"Asterisk {version}, packets lost: {found}")
    told = bridge_events(gateway.messages, since)
    assert told == ["LINK_LOST", "GAP_RECOVERED", "LINK_REGAINED", "RESYNC_FINISHED"]
    assert found["recovered"] >= 3, "too little happened to prove anything"


@asynccontextmanager
async def _standing_still(pid: int) -> AsyncIterator[None]:
    """Stop a process where it is, and let it go on at the end."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("version", versions("22"))
async def test_a_reader_that_stalls(version: str, island: Island, broker: Broker, tmp_path: Path) -> None:
    """A long stall costs the link, as Asterisk's patience with a reader ends after 5 s; a short one costs nothing."""
    changes = {"asterisk": {"host": island.tested.address_there}}
    async with (
        watched(world(version, island, tmp_path), tmp_path) as lab,
        running(lab.asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, changes=changes) as gateway,
    ):
        lab.open(rate=4.0)  # the more there is to say, the sooner the buffers are full
        await asyncio.sleep(4)
        since = len(gateway.messages)
        async with _standing_still(gateway.gateway.pid), asyncio.timeout(STALLED):
            while island.connections():  # noqa: ASYNC110  nothing tells that Asterisk has given it up
                await asyncio.sleep(0.2)
        await lost(gateway, since=since, within=15)
        await current(gateway.subscriber, since=since, within=40)
        place = len(gateway.messages)
        await asyncio.sleep(2)
        async with _standing_still(gateway.gateway.pid):
            await asyncio.sleep(HELD_UP)
        await asyncio.sleep(2)
        judgement = await lab.finish(gateway)
        assert "LINK_LOST" not in bridge_events(gateway.messages, place)
        found = check_aftermath(gateway.messages, judgement)
        gateway.check_log()
    print(f"Asterisk {version}, a stalled reader: {found}, {gaps(gateway.messages)}")
    assert found["recovered"] >= 1, "too little happened to prove anything"


@pytest.mark.parametrize("version", versions("16"))
async def test_asterisk_stands_still(version: str, island: Island, broker: Broker, tmp_path: Path) -> None:
    """An Asterisk that does nothing for a while, and then goes on, has lost nothing and neither has the gateway."""
    changes = {"asterisk": {"host": island.tested.address_there}}
    async with (
        watched(world(version, island, tmp_path), tmp_path) as lab,
        running(lab.asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, changes=changes) as gateway,
    ):
        lab.open()
        await asyncio.sleep(4)
        since = len(gateway.messages)
        async with _standing_still(lab.asterisk.pid):
            await lost(gateway, since=since, within=NOTICED_WITHIN)
        await current(gateway.subscriber, since=len(gateway.messages), within=40)
        await asyncio.sleep(2)
        judgement = await lab.finish(gateway)
        found = check_aftermath(gateway.messages, judgement)
        gateway.check_log()
    print(f"Asterisk {version}, standing still: {found}, {gaps(gateway.messages)}")
