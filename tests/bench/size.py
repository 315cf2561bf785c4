"""What grows with the number of sessions: the start, memory, the cost of an event, and of doing nothing."""

import time
from collections.abc import Iterator
from typing import Final

from tests.bench import process
from tests.bench.bench import Bench
from tests.bench.figures import Figure, figure
from tests.bench.floor import Floor
from tests.bench.world import UNDISTURBED

TEN_THOUSAND: Final = Floor(queues=200, members=50)
HUNDRED_THOUSAND: Final = Floor(queues=200, members=500)
MIB: Final = 1024 * 1024
SETTLE: Final = 2.0  # seconds for what follows the start: acknowledgements, their removal from the store
IDLE_FOR: Final = 60.0  # seconds: one comparison with Asterisk, and one round of refreshed snapshots


def start(bench: Bench) -> Iterator[Figure]:
    """From nothing to a current picture with everything retained; and again after a lost link."""
    floors = [(TEN_THOUSAND, bench.turns, 3.0)]
    if bench.full:
        floors.append((HUNDRED_THOUSAND, 1, 40.0))
    for floor, turns, bound in floors:
        started, logged_in, again = [], [], []
        for turn in range(turns):
            with bench.world(floor) as world:
                login = world.pbx.ask("await_login", within_seconds=10)["at"]
                started.append(world.ready_at - world.started_at)
                logged_in.append(world.ready_at - login)
                again.append(world.relogin())
            bench.note(
                f"start {turn + 1}/{turns}, {floor.sessions:,} members: {started[-1]:.2f} s, of them "
                f"{logged_in[-1]:.2f} s from the login; after a lost link {again[-1]:.2f} s from the login"
            )
        of = f"{floor.sessions:,} members"
        yield figure(f"start, {of}", "s", started, at_most=bound)
        yield figure(f"start, {of}, from the login", "s", logged_in)
        yield figure(f"resync, {of}, from the login", "s", again, at_most=bound)


def memory(bench: Bench) -> Iterator[Figure]:
    """Resident memory with 1,000 sessions, and what ten thousand further ones take."""
    small, more = [], []
    for turn in range(min(bench.turns, 3)):
        sizes = []
        for floor in (Floor(50, 20), Floor(550, 20)):
            with bench.world(floor) as world:
                time.sleep(SETTLE)
                sizes.append(process.resident_bytes(world.pid))
        small.append(sizes[0] / MIB)
        more.append((sizes[1] - sizes[0]) / 10_000 / 1024)
        bench.note(f"memory {turn + 1}: {small[-1]:.1f} MiB, {more[-1]:.2f} KiB for each further session")
    yield figure("memory with 1,000 sessions", "MiB", small, at_most=70)
    yield figure("memory of a further session and its agent", "KiB", more, at_most=4)


def event_cost(bench: Bench) -> Iterator[Figure]:
    """Processor time of an event by the number of sessions, at a rate that leaves no backlog."""
    floors = [Floor(5, 20), Floor(50, 20), TEN_THOUSAND]
    if bench.full:
        floors.append(Floor(200, 250))
    costs: dict[int, list[float]] = {floor.sessions: [] for floor in floors}
    for turn in range(bench.turns):
        for floor in floors:
            with bench.world(floor, settings=UNDISTURBED) as world:
                time.sleep(SETTLE)
                told = world.pace(1000, max(1.0, 4.0 * bench.scale))
            costs[floor.sessions].append(told["cpu"] / told["events"] * 1e6)
            bench.note(f"event cost {turn + 1}/{bench.turns}, {floor.sessions:,}: {costs[floor.sessions][-1]:.0f} us")
    fewest = costs.pop(floors[0].sessions)
    for sessions, found in costs.items():
        name = f"cost of an event, {sessions:,} sessions (baseline: {floors[0].sessions})"
        yield figure(name, "us", found, fewest, at_most=1.25, of_ratio=True, target="≤ 1.25 x at 100")


def idle(bench: Bench) -> Iterator[Figure]:
    """Nothing happens, with 10,000 sessions and the default intervals."""
    if not bench.full:
        return
    shares = []
    for turn in range(min(bench.turns, 3)):
        with bench.world(TEN_THOUSAND, settings={}) as world:
            time.sleep(SETTLE)
            before = process.cpu_seconds(world.pid)
            time.sleep(IDLE_FOR)  # nothing tells how long nothing has happened
            shares.append((process.cpu_seconds(world.pid) - before) / IDLE_FOR * 100)
        bench.note(f"idle {turn + 1}: {shares[-1]:.2f} % of a core")
    yield figure("idle, 10,000 sessions, for a minute", "% of a core", shares, at_most=2)
