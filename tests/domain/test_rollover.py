"""Rollover: at a time of day each session ends and its next begins; who is busy then is rolled over when that ends."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import facts
from gateway.domain.callcenter import CallCenter
from gateway.domain.facts import SessionRefreshed, TimePassed
from gateway.domain.handler import AgentHandler
from gateway.domain.member import MembershipKey
from gateway.domain.session import AgentSession, Cause, Rules, SessionEvent
from gateway.domain.state import AgentSessionState
from tests.domain.histories import WRAP_UP, History, histories, instant
from tests.domain.support import ALICE, Desk, at, since, story_of, us

S = AgentSessionState


def test_an_idle_session_is_rolled_over_at_that_time_exactly() -> None:
    """Whatever comes first after it, the old session ends and the next begins at the time itself."""
    desk = Desk(rollovers=[100])
    desk.add(0)
    first = desk.session
    desk.told.clear()
    desk.pause(103, "lunch")
    assert desk.story == [("END", 100), ("NEW_SESSION", 100), ("NOT_READY", 103)]
    assert [each.occasion.cause for each in desk.events[:2]] == [Cause.ROLLOVER, Cause.ROLLOVER]
    assert desk.session.session_id != first.session_id
    assert (since(desk.session.start_time), desk.session.complete) == (100, True)


def test_time_alone_rolls_over() -> None:
    """Nothing needs to happen: the deadline is told to whoever keeps the timer."""
    desk = Desk(rollovers=[100])
    desk.add(0)
    assert desk.center.next_deadline() == at(100)
    assert [name for name, _ in story_of(desk.tick(100))] == ["END", "NEW_SESSION"]
    assert desk.center.next_deadline() == at(10**9)


def test_a_session_on_a_call_is_rolled_over_after_its_wrap_up() -> None:
    """The call and its wrap-up count in the session in which the call was answered; then the next one begins."""
    desk = Desk(rollovers=[100])
    desk.add(0)
    desk.answer(90)
    desk.tick(100)
    desk.end(130)
    assert desk.session.state is S.BUSY_WRAPUP
    assert since(desk.session.start_time) == 0
    desk.told.clear()
    desk.tick(145)
    assert desk.story == [("READY", 145), ("END", 145), ("NEW_SESSION", 145)]
    old = desk.events[1].session
    assert (old.figures.number_of_calls, old.figures.total_call_time) == (1, us(55))
    assert (since(desk.session.start_time), desk.session.figures.number_of_calls) == (145, 0)


def test_who_logs_out_while_it_waits_is_rolled_over_no_more() -> None:
    """A new login is a new session of its own, and stays one."""
    desk = Desk(rollovers=[100], wrap_up=None)
    desk.add(0)
    desk.answer(90)
    desk.tick(100)
    desk.remove(110)
    desk.end(120)
    desk.add(130)
    desk.told.clear()
    desk.talk(140, 150, "b")
    assert [name for name, _ in desk.story] == ["BUSY", "READY"]


def test_what_waits_for_its_rollover_is_kept_over_a_restart() -> None:
    """The membership is remembered, and its session rolled over when the call is done."""
    desk = Desk(rollovers=[100], wrap_up=None)
    desk.add(0)
    desk.answer(90)
    desk.tick(100)
    other = Desk(wrap_up=None)
    other.handler.restore(desk.handler.sessions(), desk.handler.rolling())
    other.end(120)
    assert other.story == [("READY", 120), ("END", 120), ("NEW_SESSION", 120)]


def test_a_pause_goes_on_in_the_next_session() -> None:
    """The first state of the next session is what Asterisk says, reason and all."""
    desk = Desk(rollovers=[100])
    desk.add(0)
    desk.pause(50, "lunch")
    desk.tick(100)
    assert (desk.session.state, desk.session.reason) == (S.NOT_READY, "lunch")
    assert since(desk.session.state_since) == 100


def test_a_rollover_that_nobody_saw_is_made_up_for() -> None:
    """Gone over the time of day: with the first fact after it the sessions are rolled over, at that time."""
    desk = Desk(rollovers=[100])
    desk.add(0)
    desk.told.clear()
    desk.listed(200, replace(ALICE, penalty=3))
    assert desk.story == [("END", 100), ("NEW_SESSION", 100)]


@pytest.mark.parametrize("loss", ["the link", "the log", "wrap-up time"])
def test_one_that_is_still_awaited_is_not_rolled_over_by_a_loss(loss: str) -> None:
    """A session that waits for its rollover and does not return after a restart of Asterisk ends; no other begins."""
    desk = Desk(rollovers=[100])
    desk.add(0)
    desk.restart(90, 160)
    desk.tick(100)
    desk.told.clear()
    queue, interface = desk.member.queue, desk.member.interface
    losses: dict[str, facts.Fact] = {
        "the link": facts.ContactLost(at(110), at(120), "the link was lost"),
        "the log": facts.SessionGap(queue, interface, at(110), at(120), "the log has a hole"),
        "wrap-up time": facts.WrapUpConfigured(queue, us(7)),
    }
    desk.apply(losses[loss])
    assert desk.story == []
    desk.tick(160)
    assert desk.story == [("END", 90)]
    assert list(desk.handler.sessions()) == []


def test_one_that_returns_is_rolled_over_then() -> None:
    """It came back after the time of day, at which its session ended and the next began."""
    desk = Desk(rollovers=[100])
    desk.add(0)
    desk.restart(90, 160)
    desk.tick(100)
    desk.told.clear()
    desk.apply(facts.ContactLost(at(110), at(120), "the link was lost"))
    desk.add(130)
    assert desk.story == [("END", 100), ("NEW_SESSION", 100)]
    assert since(desk.session.start_time) == 100


def totals(history: History, rollovers: list[int]) -> dict[MembershipKey, list[int]]:
    """What the sessions of each place add up to, ended ones too, after a history with rollovers in between."""
    numbers = count(1)
    handler = AgentHandler(Rules(), "interface", lambda _: f"session-{next(numbers)}")
    for queue, limit in WRAP_UP.items():
        handler.add_queue(queue, limit=None if limit is None else limit * 1000)
    due = sorted(map(instant, rollovers))
    center = CallCenter(
        handler, next_rollover=lambda after: next((each for each in due if each > after), instant(10**9))
    )
    center.start(instant(-1))
    last: dict[str, AgentSession] = {}
    for told_at, fact in history.facts:
        for each in (TimePassed(instant(told_at)), fact):
            for outcome in center.apply(each):
                if isinstance(outcome, SessionEvent | SessionRefreshed):
                    last[outcome.session.session_id] = outcome.session
    sums: dict[MembershipKey, list[int]] = {}
    for session in last.values():
        figures = session.figures
        counted = (figures.number_of_calls, figures.total_talk_time, figures.total_wrap_up_time, figures.calls_missed)
        known = sums.get(session.member.key, [0, 0, 0, 0])
        sums[session.member.key] = [a + b for a, b in zip(known, counted, strict=True)]
    return sums


@given(histories(40), st.lists(st.integers(0, 120_000), max_size=4))
def test_no_rollover_loses_or_doubles_a_figure(history: History, rollovers: list[int]) -> None:
    """The figures of all sessions of a place add up to what they are without any rollover."""
    assert totals(history, rollovers) == totals(history, [])
