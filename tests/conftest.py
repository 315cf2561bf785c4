"""Fixtures for every test: a private broker, and the lab's real Asterisk in both versions.

The roots of the lab are made before the first test begins, since that may take a minute and no test's time-out should
have to allow for it.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.broker import Broker
from tests.contract import validation
from tests.lab import pbx, roots
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import BASE, GatewayProcess, config_text
from tests.lab.subscriber import Subscriber
from tests.lab.tap import Tap

VERSIONS = tuple(roots.SUITES)
REQUIRE = "CTI_GATEWAY_LAB"  # set to "require" where a missing lab is a failure and not a skip

# How long an example takes says something about the machine alone.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make the lab's roots if any chosen test needs them, or say in one sentence why that cannot be."""
    needing = [item for item in session.items if item.get_closest_marker("lab")]
    if not needing or session.config.option.collectonly:
        return
    try:
        roots.ensure(VERSIONS)
    except roots.LabUnavailableError as error:
        if os.environ.get(REQUIRE) == "require":
            raise pytest.UsageError(str(error)) from error
        for item in needing:
            item.add_marker(pytest.mark.skip(reason=str(error)))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto of this test's own that lets everybody in and keeps its store over an orderly restart."""
    with Broker(tmp_path / "broker", persistence=True) as running:
        yield running


@pytest.fixture(params=VERSIONS)
def asterisk_version(request: pytest.FixtureRequest) -> str:
    """Each Asterisk version of the lab in turn, for tests that start instances of their own."""
    version: str = request.param
    return version


@pytest.fixture
async def asterisk(asterisk_version: str, tmp_path: Path) -> AsyncIterator[Asterisk]:
    """A fresh Asterisk, fully booted, with the queues of `tests.lab.pbx.QUEUES`; once for each version.

    Its logs are kept in the test's own folder.
    """
    async with Asterisk(asterisk_version, keep_logs=tmp_path / "asterisk") as running:
        yield running


@pytest.fixture
async def tap(asterisk: Asterisk, tmp_path: Path) -> AsyncIterator[Tap]:
    """A recorder on the test's Asterisk, already recording; the raw bytes go to ``ami.raw`` in the test's folder."""
    async with Tap(asterisk, tmp_path / "ami.raw") as recording:
        yield recording


@pytest.fixture
async def driver(asterisk: Asterisk) -> AsyncIterator[Driver]:
    """A connection to the test's Asterisk that may do everything."""
    async with Driver(asterisk) as driving:
        yield driving


@pytest.fixture
async def subscriber(broker: Broker) -> AsyncIterator[Subscriber]:
    """A subscriber of all that the lab's gateway publishes, there before the gateway is."""
    async with Subscriber(broker.port, BASE) as subscribed:
        yield subscribed


@pytest.fixture
async def gateway(
    asterisk: Asterisk, broker: Broker, subscriber: Subscriber, tmp_path: Path
) -> AsyncIterator[GatewayProcess]:
    """The gateway as a process between the two, its picture current, its wrap-ups those of `tests.lab.pbx.QUEUES`.

    All that was published is held against the schemas of the contract.
    """
    text = config_text(asterisk, broker.port, tmp_path / "gateway.db", wrap_up=pbx.wrap_up())
    async with GatewayProcess(text, tmp_path) as running:
        await running.current(subscriber)
        yield running
    validation.check(subscriber.messages)
