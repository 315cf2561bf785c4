"""The disk that the store is on runs full under load. ``CTI_GATEWAY_FULL_SECONDS=60`` makes that last a minute."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import bridge_events, check_aftermath, gaps
from tests.e2e.checks import check_all, not_retained
from tests.e2e.load import LONG, versions, watched
from tests.e2e.running import Running, running
from tests.lab import callcentre
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import current
from tests.lab.kept import last_kept
from tests.lab.small_disk import SmallDisk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

FULL = float(os.environ.get("CTI_GATEWAY_FULL_SECONDS", "4"))
"""Seconds for which the disk is full."""

STORE_FAILED = 3
"""Exit status of a gateway whose store cannot be used."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk for the store."""
    with SmallDisk(tmp_path / "disk") as disk:
        yield disk


@asynccontextmanager
async def nothing_told_that_is_not_kept(gateway: Running, store: Path) -> AsyncIterator[None]:
    """Look again and again whether the store has every ``seq`` that the subscriber has."""

    async def look() -> None:
        while True:
            told = _last_seq(gateway)
            assert told <= last_kept(store), "an event was told that the store does not have"
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look(), name="looking into the store")
    try:
        yield
        if looking.done():
            looking.result()
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def _last_seq(gateway: Running) -> int:
    return max((content["seq"] for _, content in not_retained(gateway.messages)), default=0)


async def _failing(gateway: Running, since: int) -> Any:
    """The health that says that the store cannot be written to."""
    message = await gateway.subscriber.wait_for(
        lambda m: m.topic == "bridge/health" and m.json["store_failure"] is not None, since=since
    )
    return message.json


@pytest.mark.parametrize("version", versions("22"))
async def test_a_full_disk_delays_and_loses_nothing(
    version: str, broker: Broker, disk: SmallDisk, tmp_path: Path
) -> None:
    """It is told; nothing is published that is not stored; with space again all comes, and every figure is exact."""
    store = disk.folder / "gateway.db"
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    async with (
        watched(asterisk, tmp_path) as lab,
        running(
            asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, changes={"store": {"path": str(store)}}
        ) as gateway,
        nothing_told_that_is_not_kept(gateway, store),
    ):
        lab.open()
        await asyncio.sleep(3)
        since = len(gateway.messages)
        disk.fill()
        failing = await _failing(gateway, since)
        await asyncio.sleep(FULL / 4)  # what was kept before may still be on its way
        before = _last_seq(gateway)
        await asyncio.sleep(FULL * 3 / 4)
        assert _last_seq(gateway) == before
        disk.free()
        await gateway.subscriber.wait_for(
            lambda m: m.topic == "bridge/event" and m.json["event"] == "STORE_RECOVERED", since=since
        )
        await asyncio.sleep(3)
        judgement = await lab.finish(gateway)
        found = check_all(gateway.messages, judgement)
        gateway.check_log()
    print(f"Asterisk {version}, disk full for {FULL:g} s: {found}")
    assert "no space left on the disk" in failing["store_failure"]
    assert bridge_events(gateway.messages, since) == ["STORE_FAILED", "STORE_RECOVERED"]
    assert not gaps(gateway.messages[since:])


@pytest.mark.parametrize("end", ["kill", "stop"] if LONG else ["kill"])
@pytest.mark.parametrize("version", versions("22"))
async def test_ended_and_started_on_a_full_disk(
    version: str, end: str, broker: Broker, disk: SmallDisk, tmp_path: Path
) -> None:
    """It refuses to start, says why and leaves the file alone; with space again the log gives back what was missed."""
    store = disk.folder / "gateway.db"
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    async with (
        watched(asterisk, tmp_path) as lab,
        running(
            asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, changes={"store": {"path": str(store)}}
        ) as gateway,
    ):
        lab.open()
        await asyncio.sleep(3)
        since = len(gateway.messages)
        disk.fill()
        await _failing(gateway, since)
        await asyncio.sleep(FULL / 2)
        await (gateway.gateway.kill() if end == "kill" else gateway.gateway.stop())
        before = store.read_bytes()
        await gateway.gateway.start()
        status = await gateway.gateway.ended()
        said = gateway.log.splitlines()[-1]
        after = store.read_bytes()
        disk.free()
        since = len(gateway.messages)
        await gateway.gateway.start()
        await current(gateway.subscriber, since=since)
        await asyncio.sleep(3)
        judgement = await lab.finish(gateway)
        found = check_aftermath(gateway.messages, judgement)
    print(f"Asterisk {version}, {end} on a full disk: {found}; then said: {said}")
    assert status == STORE_FAILED
    assert str(store) in said
    assert "no space left on the disk" in said
    assert before == after
    assert found["recovered"] > 0
