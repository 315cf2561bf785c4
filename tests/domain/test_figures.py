"""The sums of a session and what follows from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.figures import SessionFigures
from gateway.domain.instant import HOUR, SECOND

DURATIONS = st.integers(0, 10**12)
CALLS = st.lists(st.tuples(DURATIONS, st.none() | DURATIONS, st.none() | DURATIONS), max_size=20)


def figures_of(calls: list[tuple[int, int | None, int | None]]) -> SessionFigures:
    """The figures after these calls: talk, time to answer, ring time."""
    figures = SessionFigures()
    for talk, wait, ring in calls:
        figures = figures.with_call(talk_time=talk, time_to_answer=wait, ring_time=ring)
    return figures


def test_a_session_without_calls_has_zeros() -> None:
    """Every average and the rate are 0 where there was no call."""
    figures = SessionFigures()
    assert figures.average_talk_time == figures.average_wrap_up_time == figures.average_call_time == 0.0
    assert figures.average_time_to_answer == figures.average_ring_time == 0.0
    assert figures.acd_call_rate(HOUR) == 0.0


@given(CALLS, DURATIONS)
def test_averages_times_count_give_totals(calls: list[tuple[int, int | None, int | None]], wrap_up: int) -> None:
    """Each average times its number of calls is its total, call time is talk and wrap-up, and longest is the most."""
    figures = figures_of(calls)
    figures = SessionFigures(**{**{n: getattr(figures, n) for n in figures.__slots__}, "total_wrap_up_time": wrap_up})
    count = figures.number_of_calls
    waits = [wait for _, wait, _ in calls if wait is not None]
    rings = [ring for _, _, ring in calls if ring is not None]
    assert count == len(calls)
    assert figures.total_talk_time == sum(talk for talk, _, _ in calls)
    assert figures.total_call_time == figures.total_talk_time + wrap_up
    assert figures.longest_time_to_answer == max(waits, default=0)
    assert figures.longest_ring_time == max(rings, default=0)
    if count:
        assert figures.average_talk_time * count == pytest.approx(figures.total_talk_time)
        assert figures.average_wrap_up_time * count == pytest.approx(figures.total_wrap_up_time)
        assert figures.average_call_time * count == pytest.approx(figures.total_call_time)
    if waits:
        assert figures.average_time_to_answer * len(waits) == pytest.approx(sum(waits))
    if rings:
        assert figures.average_ring_time * len(rings) == pytest.approx(sum(rings))


@pytest.mark.parametrize(
    ("calls", "duration", "rate"),
    [
        (12, 5400 * SECOND, 8.0),
        (1, HOUR, 1.0),
        (1, 7 * HOUR, 0.1429),
        (2, 3 * HOUR, 0.6667),
        (3, SECOND, 10_800.0),
        (3, SECOND - 1, 0.0),
        (3, 0, 0.0),
    ],
)
def test_rate_is_calls_per_hour(calls: int, duration: int, rate: float) -> None:
    """ACDCallRate is calls per hour with 4 decimals and no factor ten, and 0 below a second."""
    assert SessionFigures(number_of_calls=calls).acd_call_rate(duration) == rate
