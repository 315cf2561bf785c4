"""A real Asterisk rotates its own log, by each of its strategies and under logrotate's hands."""

import asyncio
import gzip
from pathlib import Path

import pytest

from gateway.queue_log.follow import QueueLog
from gateway.queue_log.place import Place
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver

pytestmark = pytest.mark.lab


class Reasons:
    """Reads the log on, and keeps the reasons of pauses that it tells."""

    def __init__(self, path: Path) -> None:
        self._log = QueueLog(path)
        self._place: Place | None = None
        self.read: list[str] = []

    def poll(self) -> None:
        """Read what came; nothing is missing, and every line is one."""
        reading = self._log.poll(self._place)
        if reading is not None:
            with reading:
                entries = [entry for chunk in reading.chunks() for entry in chunk]
                assert reading.complete
                assert reading.garbage == 0
                self._place = reading.place
            self.read += [entry.text(0) for entry in entries if entry.event == "PAUSE"]


async def rotate(asterisk: Asterisk, how: str) -> None:
    """Rotate the log once."""
    log = asterisk.queue_log
    if how == "logrotate":
        await asyncio.to_thread(log.rename, log.with_name("queue_log.1"))
        await asterisk.cli("logger reload")
        await asyncio.to_thread(_compress, log.with_name("queue_log.1"))
    else:
        await asterisk.cli("logger rotate")


def _compress(path: Path) -> None:
    number = len(list(path.parent.glob("queue_log-*.gz")))
    path.with_name(f"queue_log-2026112{number}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


@pytest.mark.parametrize("how", ["sequential", "rotate", "timestamp", "none", "logrotate"])
async def test_every_line_of_a_real_asterisk_is_read_once(asterisk: Asterisk, driver: Driver, how: str) -> None:
    """Whoever reads at every line and whoever comes after all rotations read the same, and all of it."""
    strategy = "sequential" if how == "logrotate" else how
    (asterisk.home / "etc" / "logger.conf").write_text(f"[general]\nqueue_log = yes\nrotatestrategy = {strategy}\n")
    await asterisk.cli("logger reload")
    eager, lazy = Reasons(asterisk.queue_log), Reasons(asterisk.queue_log)
    wanted: list[str] = []
    for number in range(6):
        await driver.pause(pbx.ALICE, queue="support", reason=f"tea | {number}")
        wanted.append(f"tea | {number}")
        eager.poll()
        if number == 0:
            lazy.poll()
        if number % 2:
            if how == "timestamp":
                await asyncio.sleep(1.05)  # two rotations of one second would have one name
            await rotate(asterisk, how)
    eager.poll()
    lazy.poll()
    assert eager.read == lazy.read == wanted
