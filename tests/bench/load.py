"""Under load: how many events a second, and how long each takes."""

from collections import defaultdict
from collections.abc import Iterator

from tests.bench import templates
from tests.bench.bench import BARE, Bench, bare_sync, check_calls
from tests.bench.figures import Figure, figure, percentile
from tests.bench.floor import Floor
from tests.bench.world import BASELINE, BASELINE_50, BASELINE_KEEPING, GATEWAY

THOUSAND = Floor(queues=50, members=20)


def throughput(bench: Bench) -> Iterator[Figure]:
    """A flood of call cycles over 1,000 sessions."""
    rates: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[float]] = defaultdict(list)
    calls = bench.count(3000)
    for turn in range(bench.turns):
        for bridge in (GATEWAY, BASELINE, BASELINE_50):
            with bench.world(THOUSAND, bridge=bridge) as world:
                told = world.flood("calls", calls)
                check_calls(world.report(), calls, gateway=bridge == GATEWAY)
            rates[bridge].append(told["events"] / told["seconds"])
            costs[bridge].append(told["cpu"] / told["events"] * 1e6)
            bench.note(
                f"throughput {turn + 1}/{bench.turns} {bridge}: {rates[bridge][-1]:,.0f} events/s, "
                f"{costs[bridge][-1]:.0f} us of processor each; sent in {told['sending']:.1f} of {told['seconds']:.1f}"
            )
    yield figure(
        "flood of calls, 1,000 sessions", "events/s", rates[GATEWAY], rates[BASELINE], at_least=1.0, of_ratio=True
    )
    share = templates.OF_QUEUES / len(templates.CALL)
    of_queues = [rate * share for rate in rates[GATEWAY]]
    yield figure("of them sent by app_queue", "events/s", of_queues, target="aim: 10,000")
    yield figure("the same, baseline with fifty in flight", "events/s", rates[GATEWAY], rates[BASELINE_50])
    yield figure("processor time of an event in the flood", "us", costs[GATEWAY], costs[BASELINE])


def pauses(bench: Bench) -> Iterator[Figure]:
    """A flood of QueueMemberPause, each of which changes a state."""
    rates: dict[str, list[float]] = defaultdict(list)
    for turn in range(bench.turns):
        for bridge in (GATEWAY, BASELINE):
            with bench.world(THOUSAND, bridge=bridge) as world:
                told = world.flood("pauses", bench.count(20_000))
            rates[bridge].append(told["events"] / told["seconds"])
            bench.note(f"pauses {turn + 1}/{bench.turns} {bridge}: {rates[bridge][-1]:,.0f} events/s")
    yield figure("flood of pauses, 1,000 sessions", "events/s", rates[GATEWAY], rates[BASELINE])


def noise(bench: Bench) -> Iterator[Figure]:
    """Events that nobody wants, alone and as 95 % of the stream."""
    alone: dict[str, list[float]] = defaultdict(list)
    mixed: dict[str, list[float]] = defaultdict(list)
    for turn in range(bench.turns):
        for bridge in (GATEWAY, BASELINE):
            with bench.world(THOUSAND, bridge=bridge) as world:
                told = world.flood("noise", bench.count(500_000 if bridge == GATEWAY else 100_000))
                alone[bridge].append(told["events"] / told["seconds"])
                told = world.flood("mixed", bench.count(400))
                mixed[bridge].append(told["events"] / told["seconds"])
            bench.note(
                f"noise {turn + 1}/{bench.turns} {bridge}: {alone[bridge][-1]:,.0f} events/s, "
                f"with a twentieth of call events {mixed[bridge][-1]:,.0f}"
            )
    yield figure("events that nobody wants", "events/s", alone[GATEWAY], alone[BASELINE], at_least=100_000)
    yield figure("stream with 95 % of them", "events/s", mixed[GATEWAY], mixed[BASELINE])


def latency(bench: Bench) -> Iterator[Figure]:
    """From Asterisk's stamp to the subscriber, at rates that a call center may have."""
    medians: dict[tuple[str, int], list[float]] = defaultdict(list)
    late: dict[tuple[str, int], list[float]] = defaultdict(list)
    syncs: list[float] = []
    for turn in range(bench.turns):
        syncs.append(bare_sync(bench.directory) * 1e3)
        for bridge in (GATEWAY, BASELINE, BASELINE_KEEPING):
            with bench.world(THOUSAND, bridge=bridge) as world:
                for rate in (500,) if bridge == BASELINE_KEEPING else (500, 1000, 5000):
                    told = world.pace(rate, max(1.0, 4.0 * bench.scale))
                    found = told["latencies"]
                    if len(found) != told["due"]:
                        raise AssertionError(f"{len(found)} of {told['due']} were told")
                    medians[bridge, rate].append(percentile(found, 0.5) * 1e3)
                    late[bridge, rate].append(percentile(found, 0.99) * 1e3)
                    bench.note(
                        f"latency {turn + 1}/{bench.turns} {bridge} at {rate}/s: median "
                        f"{medians[bridge, rate][-1]:.2f} ms, p99 {late[bridge, rate][-1]:.2f} ms; processor "
                        f"{told['cpu'] / told['events'] * 1e6:.0f} us an event; "
                        f"sender late by {told['latest'] * 1e3:.1f} ms"
                    )
    yield figure(BARE, "ms", syncs)
    for rate in (500, 1000, 5000):
        mine, its = medians[GATEWAY, rate], medians[BASELINE, rate]
        bound = 2.0 if rate == 500 else None
        yield figure(
            f"latency at {rate:,} events/s, median", "ms", mine, its, at_most=bound, of_ratio=bound is not None
        )
        if rate == 500:
            keeping = medians[BASELINE_KEEPING, rate]
            yield figure("the same, baseline that keeps each message first", "ms", mine, keeping)
            yield figure("what keeping alone costs the baseline", "ms", keeping, its)
        mine, its = late[GATEWAY, rate], late[BASELINE, rate]
        yield figure(f"latency at {rate:,} events/s, p99", "ms", mine, its, at_most={1000: 5.0, 5000: 20.0}.get(rate))
