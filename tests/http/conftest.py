"""A gateway that serves its pages, between a scripted Asterisk and a real broker."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker, free_port
from tests.http.page import Pages
from tests.service.live import Live, live, pbx


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk 22 with two queues."""
    async with pbx() as running:
        yield running


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A Mosquitto."""
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def port() -> int:
    """A port for the pages."""
    return free_port()


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk, port: int) -> AsyncIterator[Live]:
    """A gateway between the two."""
    async with live(broker, asterisk, listen=f"127.0.0.1:{port}") as running:
        yield running


@pytest.fixture
async def pages(gateway: Live, port: int) -> AsyncIterator[Pages]:
    """What it serves."""
    assert gateway.gateway.http is not None
    async with aiohttp.ClientSession() as session:
        served = Pages(session, f"http://127.0.0.1:{port}")
        await served.until_served()
        yield served
