"""The command: ``python -m tests.soak``."""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from gateway.simulate.day import HOUR
from gateway.simulate.simulation import Plan
from tests.soak.soak import Soak, Verdict

LONGEST: Final = 20 * 3600
"""Seconds: a run that takes longer comes to a midnight, at which the figures of queues and agents begin anew."""
MOST_SHOWN: Final = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, and say what was wrong; returns 1 if anything was."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description="Runs the gateway for hours of a simulated call center's time, with a real broker: its figures "
        "must be those of the simulator's own books, its memory flat, its log quiet.",
    )
    parser.add_argument("--hours", type=float, default=24.0, help="of the simulated time (default: 24)")
    parser.add_argument("--speed", type=float, default=20.0, help="simulated seconds in one (default: 20)")
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--calls-per-hour", type=float, default=6000.0, help="while it is open (default: 6000)")
    parser.add_argument("--queues", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks (default: 10)")
    parser.add_argument("--directory", type=Path, help="keep store and logs there (default: nothing is kept)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of text")
    options = parser.parse_args(arguments)
    if options.hours * 3600 / options.speed > LONGEST:
        parser.error("it would take more than 20 hours, and come to a midnight: choose a higher --speed")
    for number in (signal.SIGTERM, signal.SIGINT):  # whoever ends it ends all that it started
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    plan = Plan(
        agents=options.agents,
        calls_per_hour=options.calls_per_hour,
        queues=options.queues,
        speed=options.speed,
        start=9.9 * HOUR,
        seed=options.seed,
    )
    with ExitStack() as stack:
        directory = options.directory or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="cti-gateway-soak-"))
        )
        verdict = asyncio.run(Soak(plan, options.hours, directory, options.every, _note).run())
    print(json.dumps(asdict(verdict), indent=1) if options.json else _text(verdict))
    return int(bool(verdict.faults))


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _text(verdict: Verdict) -> str:
    grown = verdict.growth
    memory = "too short to say" if grown is None else f"{grown.before / 1e6:.1f}, then {grown.after / 1e6:.1f} MB"
    lines = [
        f"{verdict.hours:.1f} h of the simulated time in {verdict.seconds / 60:.1f} min",
        f"{verdict.callers} callers, {verdict.calls} calls in {verdict.sessions} sessions, {verdict.handled} events",
        f"memory, medians of the second and of the last quarter: {memory}",
        f"memory at most: {max((sample.resident for sample in verdict.samples), default=0) / 1e6:.1f} MB",
        f"processor: {verdict.cpu / verdict.seconds:.1%} of a core; longest Ping {verdict.lag * 1e3:.0f} ms",
        f"late: what happened was told or taken up to {verdict.late:.1f} s late",
        f"store: {verdict.store / 1e6:.1f} MB",
        f"faults: {len(verdict.faults)}",
        *verdict.faults[:MOST_SHOWN],
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
