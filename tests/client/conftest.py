"""Fixtures of the client's tests: a gateway between a scripted Asterisk and a real broker."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.service.live import Live, live, pbx


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk 22 with two queues."""
    async with pbx() as running:
        yield running


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto of the test's own, that keeps what is retained over its restarts."""
    with Broker(tmp_path / "mosquitto", persistence=True) as running:
        yield running


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk) -> AsyncIterator[Live]:
    """A gateway between the two."""
    async with live(broker, asterisk) as running:
        yield running
