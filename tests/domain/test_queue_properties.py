"""Queues under any history of callers: every figure equals what is counted by hand from the whole history."""

from dataclasses import dataclass, replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.domain.caller import WayOut
from gateway.domain.instant import SECOND
from gateway.domain.queue import ACDQueue, CallerEvent
from gateway.domain.queues import QueueBook
from tests.domain.hall import DAY, Days, Hall
from tests.domain.support import at, since

NAMES = ("support", "sales")
FLOWED_OUT = (WayOut.TIMED_OUT, WayOut.EMPTY, WayOut.KEY, WayOut.WITHDRAWN)
QUEUES = TypeAdapter(list[ACDQueue])


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay of one caller in one queue, in seconds after the beginning."""

    who: str
    queue: str
    joined: float
    left: float
    way: WayOut


@st.composite
def histories(draw: st.DrawFn) -> list[Visit]:
    """Callers who come and go for up to three days, each from queue to queue; none is in two at once."""
    visits = []
    seconds = st.integers(0, 40_000_000).map(lambda us: us / 1000)
    for number in range(draw(st.integers(0, 8))):
        now = draw(seconds)
        for _ in range(draw(st.integers(1, 4))):
            joined = now + draw(st.integers(0, 3000)) / 1000
            now = joined + draw(st.integers(1, 60_000)) / 1000
            queue, way = draw(st.sampled_from(NAMES)), draw(st.sampled_from(WayOut))
            visits.append(Visit(f"c{number}", queue, joined, now, way))
    return visits


@given(histories(), st.floats(0, 260_000), st.booleans())
@settings(max_examples=150, deadline=None)
def test_figures_are_those_counted_by_hand(visits: list[Visit], end: float, restart: bool) -> None:  # noqa: FBT001
    """All of them, at any moment, within the day; whether the gateway was restarted on the way or not."""
    hall = Hall(service_level=20)
    acts: list[tuple[float, int, Visit]] = [(visit.joined, 1, visit) for visit in visits]
    acts += [(visit.left, 0, visit) for visit in visits]
    last = {visit.who: visit for visit in sorted(visits, key=lambda each: each.joined)}
    acts += [(visit.left, 2, visit) for visit in last.values()]
    for name in NAMES:
        hall.listed(0, queue=name)
    done = [act for act in sorted(acts, key=lambda each: each[:2]) if act[0] <= end]
    for number, (seconds, kind, visit) in enumerate(done):
        if restart and number == len(done) // 2:
            book = QueueBook(Days())
            book.restore(QUEUES.validate_json(QUEUES.dump_json(list(hall.book.queues()))), [])
            hall.book = book
        if kind == 1:
            hall.join(seconds, visit.who, queue=visit.queue)
        elif kind == 0:
            hall.leave(seconds, visit.who, visit.way, queue=visit.queue)
        else:
            hall.gone(seconds, visit.who)
    hall.time(end)
    for name in NAMES:
        check(hall.queue(name), [visit for visit in visits if visit.joined <= end], last, end, restart=restart)


def check(queue: ACDQueue, visits: list[Visit], last: dict[str, Visit], end: float, *, restart: bool) -> None:
    """Count the history of one queue and compare."""
    begin = since(queue.window.begin)
    assert begin == since(at(end) // DAY * DAY)
    here = [visit for visit in visits if visit.queue == queue.name]
    joined = [visit for visit in here if visit.joined >= begin]
    left = [visit for visit in here if begin <= visit.left <= end]
    waiting = [visit for visit in here if visit.left > end]
    waits = [at(visit.left) - at(visit.joined) for visit in left]
    figures = queue.figures
    assert figures.total_calls_queued == len(joined)
    assert queue.current_calls_queued == len(waiting)
    assert figures.answered == sum(visit.way is WayOut.CONNECTED for visit in left)
    assert figures.total_calls_abandoned == sum(visit.way is WayOut.ABANDONED for visit in left)
    assert figures.total_calls_flowed_out == sum(visit.way in FLOWED_OUT for visit in left)
    assert figures.answered + figures.total_calls_abandoned + figures.total_calls_flowed_out == figures.waits
    assert figures.average_wait_time == (sum(waits) / len(waits) if waits else 0)
    standing = [at(end) - at(visit.joined) for visit in waiting]
    assert queue.current_longest_wait_time(at(end)) == max(standing, default=0)
    assert queue.longest_ever_wait_time(at(end)) == max(waits + standing, default=0)
    given_up = [v for v in left if last[v.who] is v and v.way in {WayOut.TIMED_OUT, WayOut.EMPTY}]
    assert figures.final_disposition == len(given_up)
    before = {id(visit): earlier for earlier, visit in _steps(visits)}
    flowed = [visit for visit in joined if id(visit) in before and before[id(visit)].queue != queue.name]
    if restart:
        assert figures.total_calls_flowed_in <= len(flowed)
    else:
        assert figures.total_calls_flowed_in == len(flowed)
    answered = [wait for visit, wait in zip(left, waits, strict=True) if visit.way is WayOut.CONNECTED]
    in_time = sum(wait <= 20_000_000 for wait in answered)
    assert figures.service_level == (round(100 * in_time / len(answered), 1) if answered else 0)


def _steps(visits: list[Visit]) -> list[tuple[Visit, Visit]]:
    """Each caller's visits, pairwise."""
    latest: dict[str, Visit] = {}
    steps = []
    for visit in sorted(visits, key=lambda each: each.joined):
        if visit.who in latest:
            steps.append((latest[visit.who], visit))
        latest[visit.who] = visit
    return steps


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_nothing_told_twice_counts_twice(visits: list[Visit], chance: Random) -> None:
    """Lists between the events, each with those who wait then to the second, change no figure and tell no event."""
    plain, listed = Hall(), Hall()
    acts = sorted(
        [(visit.joined, 1, visit) for visit in visits] + [(visit.left, 0, visit) for visit in visits],
        key=lambda each: each[:2],
    )
    for hall in (plain, listed):
        hall.listed(0)
        hall.listed(0, queue="sales")
    for seconds, kind, visit in acts:
        for hall in (plain, listed):
            if kind == 1:
                hall.join(seconds, visit.who, queue=visit.queue)
            else:
                hall.leave(seconds, visit.who, visit.way, queue=visit.queue)
        waiting = [
            replace(each, joined_at=each.joined_at // SECOND * SECOND) for each in listed.queue(visit.queue).waiting
        ]
        if chance.random() < 0.5:
            listed.listed(seconds, *waiting, queue=visit.queue)
    events = [[each for each in hall.told if isinstance(each, CallerEvent)] for hall in (plain, listed)]
    assert events[0] == events[1]
    assert list(plain.book.queues()) == list(listed.book.queues())
