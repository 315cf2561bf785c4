"""Fixtures of the MQTT tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A running Mosquitto that forgets everything when it ends."""
    with Broker(tmp_path / "mosquitto") as running:
        yield running
