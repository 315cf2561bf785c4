"""What all scenarios share: where files go, how many turns, and who is told how far it is."""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.bench.floor import Floor
from tests.bench.world import World

BARE: Final = "disk: a bare synchronous write of 4 KiB"
SYNCS: Final = 100  # of which the median counts


@dataclass(frozen=True, slots=True)
class Bench:
    """How to measure.

    Attributes:
        directory: Where files go: the store's disk is part of what is measured.
        turns: How often each thing is measured.
        full: Whether the long ones are measured too.
        scale: Share of the work of a turn, for a quick look; 1 for figures to quote.
    """

    directory: Path
    turns: int = 5
    full: bool = False
    scale: float = 1.0

    def count(self, number: int) -> int:
        """*number* of things, scaled."""
        return max(1, round(number * self.scale))

    def note(self, text: str) -> None:
        """Tell how far it is."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    @contextmanager
    def world(self, floor: Floor, **arguments: Any) -> Iterator[World]:
        """A world of its own, whose files go with it."""
        directory = self.directory / "turn"
        shutil.rmtree(directory, ignore_errors=True)
        try:
            with World(floor, directory, **arguments) as world:
                yield world
        finally:
            shutil.rmtree(directory, ignore_errors=True)


class NotToldError(AssertionError):
    """Something was lost, or came in another order."""


def check_calls(report: Mapping[str, Any], calls: int, *, gateway: bool) -> None:
    """Every call is told, and everything in its order.

    Raises:
        NotToldError: If not.
    """
    counts = report["counts"]
    names = ["session BUSY", "call", "queue JOINED", "queue CONNECTED", "agent BUSY_ACD"]
    if not gateway:
        names = ["ami QueueCallerJoin", "ami AgentCalled", "ami AgentConnect", "ami AgentComplete"]
    wrong = {name: counts.get(name, 0) for name in names if counts.get(name, 0) != calls}
    if wrong or report["disorder"] or (gateway and report["calls_counted"] != calls):
        raise NotToldError(
            f"{calls} calls: {wrong}, out of order: {report['disorder']}, {report['calls_counted']} counted"
        )


def bare_sync(directory: Path) -> float:
    """Median seconds that it takes to append 4 KiB and have them on the disk."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "bare"
    took = []
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(SYNCS):
            began = time.perf_counter()
            os.write(file, bytes(4096))
            os.fdatasync(file)
            took.append(time.perf_counter() - began)
    finally:
        os.close(file)
        path.unlink()
    return median(took)
