"""The books: what a session was doing, and when it had nothing to do."""

from collections.abc import Callable

import pytest

from gateway.simulate.truth import SessionTruth

Story = Callable[[SessionTruth], None]


def _break(session: SessionTruth) -> None:
    session.pause(10)
    session.pause(15)  # for another reason
    session.unpause(20)


def _break_set_in_a_talk(session: SessionTruth) -> None:
    session.answer(1, 10)
    session.pause(15)
    session.hang_up(10, 20, 8)  # wraps up until 28
    session.unpause(40)


def _break_set_in_a_talk_without_wrap_up(session: SessionTruth) -> None:
    session.answer(1, 10)
    session.pause(15)
    session.hang_up(10, 20, 0)
    session.unpause(40)


def _break_that_cuts_a_wrap_up(session: SessionTruth) -> None:
    session.answer(1, 10)
    session.hang_up(10, 20, 8)
    session.pause(24)
    session.unpause(40)


def _break_behind_a_wrap_up(session: SessionTruth) -> None:
    session.answer(1, 10)
    session.hang_up(10, 20, 8)
    session.pause(30)
    session.unpause(40)


def _break_over_within_a_wrap_up(session: SessionTruth) -> None:
    session.answer(1, 10)
    session.pause(12)
    session.hang_up(10, 20, 8)
    session.unpause(26)


def _answer_while_paused(session: SessionTruth) -> None:
    session.pause(10)
    session.answer(1, 12)  # it rang before
    session.hang_up(3, 15, 5)
    session.unpause(30)


def _phone_gone_on_a_break(session: SessionTruth) -> None:
    session.pause(10)
    session.reach(12, is_reachable=False)
    session.unpause(15)
    session.reach(20, is_reachable=True)


def _phone_gone_in_a_wrap_up(session: SessionTruth) -> None:
    session.answer(1, 10)
    session.hang_up(10, 20, 8)
    session.reach(22, is_reachable=False)
    session.reach(40, is_reachable=True)


def _end_on_a_break(session: SessionTruth) -> None:
    session.pause(10)
    session.end(30)


def _end_in_a_talk(session: SessionTruth) -> None:
    session.pause(5)
    session.answer(1, 10)
    session.end(30)
    session.hang_up(30, 40, 8)


@pytest.mark.parametrize(
    ("story", "active"),
    [
        (_break, [(0, 10), (20, 100)]),
        (_break_set_in_a_talk, [(0, 28), (40, 100)]),
        (_break_set_in_a_talk_without_wrap_up, [(0, 20), (40, 100)]),
        (_break_that_cuts_a_wrap_up, [(0, 24), (40, 100)]),
        (_break_behind_a_wrap_up, [(0, 30), (40, 100)]),
        (_break_over_within_a_wrap_up, [(0, 100)]),
        (_answer_while_paused, [(0, 10), (12, 20), (30, 100)]),
        (_phone_gone_on_a_break, [(0, 10), (20, 100)]),
        (_phone_gone_in_a_wrap_up, [(0, 28), (40, 100)]),
        (_end_on_a_break, [(0, 10)]),
        (_end_in_a_talk, [(0, 5), (10, 30)]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_session_is_active_but_when_it_waits_for_its_agent(story: Story, active: list[tuple[int, int]]) -> None:
    """Paused, or without a phone, it is not, but for a talk and a wrap-up that go on; at any later time, too."""
    session = SessionTruth("support", "Alice", "PJSIP/1", 0)
    story(session)
    assert session.active(100) == active
    assert session.active(7) == [(begin, min(end, 7)) for begin, end in active if begin < 7]
