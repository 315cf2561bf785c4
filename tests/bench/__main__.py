"""The command: ``python -m tests.bench``."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench import disk, harness, load, size
from tests.bench.bench import Bench
from tests.bench.figures import Figure, as_json, table

SCENARIOS: Final[Mapping[str, Callable[[Bench], Iterator[Figure]]]] = {
    "harness": harness.harness,
    "throughput": load.throughput,
    "pauses": load.pauses,
    "noise": load.noise,
    "latency": load.latency,
    "start": size.start,
    "memory": size.memory,
    "event-cost": size.event_cost,
    "idle": size.idle,
    "disk": disk.disk,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table; returns 1 if a target is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures the gateway.")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--turns", type=int, default=5, help="how often each thing is measured (default: 5)")
    parser.add_argument(
        "--only", action="append", choices=SCENARIOS, help="measure this alone, in full; may be repeated"
    )
    parser.add_argument("--full", action="store_true", help="measure all that takes long, too")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the work of a turn, for a quick look")
    parser.add_argument("--directory", type=Path, help="where the store goes: its disk counts (default: temporary)")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):  # whoever ends the bench ends all that it started
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="cti-gateway-bench-", dir=options.directory) as directory:
        bench = Bench(
            Path(directory), turns=options.turns, full=options.full or bool(options.only), scale=options.scale
        )
        for name, scenario in SCENARIOS.items():
            if options.only is None or name in options.only:
                figures += scenario(bench)
    print(as_json(figures) if options.json else table(figures))
    return int(any(each.met is False for each in figures))


if __name__ == "__main__":
    sys.exit(main())
