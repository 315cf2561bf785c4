"""A Home Assistant for all tests of a module, and the broker that it shares with the gateways."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.homeassistant.running import HomeAssistant, Watch
from tests.service.live import live, pbx


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One Mosquitto for all gateways of a module: each removes what it does not know."""
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@dataclass(frozen=True)
class FirstSight:
    """What a new Home Assistant saw when it was given the MQTT integration, with a gateway there already."""

    home_assistant: HomeAssistant
    devices: set[str]
    complaints: list[str]


@pytest.fixture(scope="module")
def first_sight(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstSight]:
    """A new Home Assistant, running."""
    made = HomeAssistant(tmp_path_factory.mktemp("home") / "config")

    async def look() -> set[str]:
        await made.start()
        async with pbx() as asterisk, live(broker, asterisk, home_assistant={"discovery": True}):
            await made.set_up(broker)
            async with made.watch() as watch:
                await watch.until_state("sensor.agent_alice_state", "READY")
                await watch.until_state("sensor.agent_bob_state", "READY")
                return set(await watch.until_devices(lambda there: len(there) >= 5))

    try:
        yield FirstSight(made, asyncio.run(look()), made.complaints())
    finally:
        made.stop()


@pytest.fixture
def home_assistant(first_sight: FirstSight) -> HomeAssistant:
    """The Home Assistant of the module."""
    return first_sight.home_assistant


@pytest.fixture
async def watch(home_assistant: HomeAssistant) -> AsyncIterator[Watch]:
    """A connection to it."""
    async with home_assistant.watch() as watching:
        yield watching


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk 22 with two queues."""
    async with pbx() as running:
        yield running
