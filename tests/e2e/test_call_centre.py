"""A random call centre on a real Asterisk: every session and every figure is what the oracle says."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.checks import check_all
from tests.e2e.running import running, settled
from tests.lab import callcentre, oracle
from tests.lab.asterisk import Asterisk
from tests.lab.callcentre import CallCentre
from tests.lab.driver import Driver
from tests.lab.tap import Tap

SECONDS = float(os.environ.get("CTI_GATEWAY_CALL_CENTRE_SECONDS", "40"))
SEED = int(os.environ.get("CTI_GATEWAY_CALL_CENTRE_SEED", "1"))


@pytest.mark.lab
@pytest.mark.timeout(SECONDS + 120)
async def test_random_call_centre(
    asterisk_version: str, broker: Broker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Counts are exact, times within 25 ms a call, no step is forbidden, no hole or disorder in seq."""
    async with (
        Asterisk(asterisk_version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk") as asterisk,
        Tap(asterisk, tmp_path / "ami.raw") as tap,
        Driver(asterisk) as driver,
        running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP) as gateway,
    ):
        await CallCentre(driver, seed=SEED).run(SECONDS)
        await settled(gateway, quiet=max(callcentre.WRAP_UP.values()) + 1.5)
        await tap.snapshot()
        judgement = oracle.judge(tap.events, asterisk.queue_log.read_text(), callcentre.WRAP_UP)
        found = check_all(gateway.messages, judgement)
        gateway.check_log()
    for name, count in found.items():
        record_property(name, count)
    print(f"Asterisk {asterisk_version}, {SECONDS:g} s, seed {SEED}: {found}")
    assert found["calls"] > SECONDS / 2, "too little happened to prove anything"
