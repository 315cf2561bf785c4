"""What the store asks of the disk, and what the disk gives."""

import json
import time
from collections.abc import Iterator
from statistics import median

from tests.bench.bench import BARE, Bench, bare_sync
from tests.bench.counted import INTO
from tests.bench.figures import Figure, figure
from tests.bench.load import THOUSAND


def disk(bench: Bench) -> Iterator[Figure]:
    """Transactions a second and their time, at a pace and in a flood; beside them a bare write to the same disk."""
    if not bench.full:
        return
    yield figure(BARE, "ms", [bare_sync(bench.directory) * 1e3 for _ in range(bench.turns)])
    into = bench.directory / "commits.json"
    for rate in (500, 5000, 0):
        commits, spent = [], []
        for _ in range(min(bench.turns, 3)):
            with bench.world(THOUSAND, module="tests.bench.counted", environment={INTO: str(into)}) as world:
                began = time.time()
                told = world.pace(rate, 4.0) if rate else world.flood("calls", bench.count(3000))
                world.stop_bridge()
            found = [took for at, took in json.loads(into.read_text("utf-8")) if began <= at <= began + told["seconds"]]
            commits.append(len(found) / told["seconds"])
            spent.append(median(found) * 1e3)
        at = f"at {rate:,} events/s" if rate else "in the flood"
        bench.note(f"disk {at}: {median(commits):.0f} transactions/s, {median(spent):.2f} ms each")
        yield figure(f"store {at}: transactions", "/s", commits)
        yield figure(f"store {at}: time of one", "ms", spent)
