"""Fixtures of the tests of the service layer."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from gateway.settings import ami_settings
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.service.live import Live, live, pbx
from tests.service.support import Bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A commander that is stopped in the end."""
    made = Bench()
    yield made
    await made.commander.stop()


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk 22 with two queues."""
    async with pbx() as running:
        yield running


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One Mosquitto for all gateways of a module: each removes what it does not know."""
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk) -> AsyncIterator[Live]:
    """A gateway between the two."""
    async with live(broker, asterisk) as running:
        yield running


@pytest.fixture
async def impatient(broker: Broker, asterisk: ScriptedAsterisk) -> AsyncIterator[Live]:
    """A gateway that soon gives up waiting for Asterisk's event, for tests in which none comes."""
    async with live(broker, asterisk, timeout=0.3) as running:
        yield running


@pytest.fixture
def no_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk is asked for its clock when that is doubted, and not every five seconds besides."""
    monkeypatch.setattr(
        "gateway.assembly.ami_settings", lambda config: replace(ami_settings(config), ping_interval=3600.0)
    )
