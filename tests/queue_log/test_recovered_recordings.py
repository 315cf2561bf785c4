"""Real conversations with a hole in them, filled from the queue_log of the same minutes."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.instant import SECOND
from gateway.domain.session import AgentSession
from tests.ami.recordings import names
from tests.queue_log.watched import Holed, Recorded, Watcher, tour, watched, with_a_hole

recordings = pytest.mark.parametrize("name", names())
GRAIN = SECOND + SECOND // 20


@cache
def recorded(name: str) -> Recorded:
    """A recording, read once."""
    return tour(name)


@cache
def whole(name: str) -> Watcher:
    """Somebody who heard all of it."""
    return watched(recorded(name))


def differences(one: AgentSession, other: AgentSession) -> list[str]:
    """In what a session that was partly recovered differs from the same one watched, by more than the log's grain."""
    calls = max(1, one.figures.number_of_calls)
    exact = {
        "calls": (one.figures.number_of_calls, other.figures.number_of_calls),
        "missed": (one.figures.calls_missed, other.figures.calls_missed),
        "answers": (one.figures.answers_timed, other.figures.answers_timed),
        "state": ((one.state, one.reason), (other.state, other.reason)),
        "ended": (one.end_time is None, other.end_time is None),
        "complete": (one.gaps, other.gaps),
    }
    close = {
        "talk": (one.figures.total_talk_time, other.figures.total_talk_time, SECOND * calls),
        "wrap-up": (one.figures.total_wrap_up_time, other.figures.total_wrap_up_time, 2 * SECOND * calls),
        "time to answer": (one.figures.time_to_answer, other.figures.time_to_answer, GRAIN * calls),
        "start": (one.start_time, other.start_time, GRAIN),
        "end": (one.end_time or 0, other.end_time or 0, GRAIN),
    }
    found = [f"{name}: {a} {b}" for name, (a, b) in exact.items() if a != b]
    return found + [f"{name}: {a} {b}" for name, (a, b, most) in close.items() if abs(a - b) > most]


def check(name: str, holed: Holed) -> None:
    """Every session is as it was watched; but those whose agent nothing tells are told of."""
    true, found = whole(name).sessions, holed.watcher.sessions
    unplaced = {(each.queue, each.agent) for each in holed.recovery.unplaced}
    for place, sessions in true.items():
        here = found[place]
        if place in unplaced:
            starts = [each.start_time for each in here]
            assert len(here) < len(sessions)
            sessions = [each for each in sessions if any(abs(each.start_time - at) < GRAIN for at in starts)]  # noqa: PLW2901
        assert len(here) == len(sessions), place
        for one, other in zip(sessions, here, strict=True):
            assert differences(one, other) == [], place
    assert found.keys() <= true.keys()


@recordings
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_hole_is_filled(name: str, data: st.DataObject) -> None:
    """From whatever moment to whatever other: counts exactly, talk to within one second a call, states right."""
    begin, end = recorded(name).span
    lost = data.draw(st.integers(begin + 2 * SECOND, end), label="lost")
    longest = data.draw(st.sampled_from([SECOND // 10, 3 * SECOND, 20 * SECOND, end - begin]), label="at most")
    regained = data.draw(st.integers(lost, min(end, lost + longest)), label="regained")
    check(name, with_a_hole(recorded(name), lost, regained, parts=data.draw(st.sampled_from([1, 7, 1000]))))


@recordings
def test_a_hole_beside_every_event(name: str) -> None:
    """The moments around each queue event are where a line may be on either side of the loss."""
    walls = [each.arrival.wall for each in recorded(name).messages if each.event.startswith(("QueueMember", "Agent"))]
    for wall in sorted(set(walls))[::9]:
        if wall > recorded(name).span[0] + 2 * SECOND:
            check(name, with_a_hole(recorded(name), wall, wall + SECOND))
            check(name, with_a_hole(recorded(name), wall - 1, wall))
