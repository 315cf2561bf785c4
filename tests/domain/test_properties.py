"""What holds of every session in every history, and the same figures reckoned a second way."""

import random
from itertools import groupby, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.facts import (
    CallAnswered,
    CallEnded,
    CallMissed,
    ContactLost,
    ListWanted,
    MembersListed,
    SessionFact,
    TimePassed,
)
from gateway.domain.handler import AgentHandler
from gateway.domain.session import AgentSession, Occasion, Rules, SessionEvent
from gateway.domain.state import TRANSITIONS, AgentSessionEvent, AgentSessionState
from tests.domain.histories import PLACES, WRAP_UP, History, disordered, histories, instant, reckon

S = AgentSessionState
EXAMPLES = settings(max_examples=150, deadline=None)


def new_handler() -> AgentHandler:
    """A handler that knows the queues of the histories; its sessions are numbered."""
    made: list[None] = []

    def number(_: int) -> str:
        made.append(None)
        return str(len(made) - 1)

    handler = AgentHandler(Rules(), "member_name", number)
    for queue in dict(PLACES):
        limit = WRAP_UP[queue]
        handler.add_queue(queue, limit=None if limit is None else limit * 1000)
    return handler


class Watcher:
    """Keeps what was told of each session, and objects to what must never be told."""

    def __init__(self) -> None:
        self.last: dict[str, AgentSession] = {}
        self.calls_over: dict[str, int] = {}

    def see(self, event: SessionEvent) -> None:
        """Hold one event against what was told of its session before."""
        session = event.session
        before = self.last.get(session.session_id)
        self.last[session.session_id] = session
        assert session.changed_at == event.occasion.at or event.event is AgentSessionEvent.NEW_SESSION
        if before is None:
            assert event.event is AgentSessionEvent.NEW_SESSION
            assert event.previous is None
            return
        assert event.previous is not None
        assert (event.previous.state, event.previous.since) == (before.state, before.state_since)
        assert event.previous.reason == before.reason
        assert event.occasion.at >= before.changed_at
        if event.event is None:
            assert session.state is before.state
        else:
            assert event.event is not AgentSessionEvent.NEW_SESSION
            assert session.state in TRANSITIONS[before.state]
        if before.state is S.SESSION_ENDED:
            self.see_ended(before, session)

    def see_ended(self, before: AgentSession, after: AgentSession) -> None:
        """Hold what is told of an ended session against what it was: only its open calls may be counted.

        And the wrap-up between the end of the last one and the logout, if that end came to be known late.
        """
        assert after.state is S.SESSION_ENDED
        assert len(after.calls) < len(before.calls)
        later = after.end_time
        assert later is not None
        for figure in ("start_time", "end_time", "state_since", "gaps", "time_in_state", "reason", "wrap_up"):
            assert getattr(after, figure) == getattr(before, figure)
        wrapped_up = after.figures.total_wrap_up_time - before.figures.total_wrap_up_time
        assert 0 <= wrapped_up <= max(0, later - after.last_call_end)
        assert (after.duration(later), after.acd_call_rate(later)) == (
            before.duration(later),
            before.acd_call_rate(later),
        )


def check(session: AgentSession, now: int) -> None:
    """Hold a session's figures against each other, at one moment."""
    figures = session.figures
    assert figures.total_call_time == figures.total_talk_time + figures.total_wrap_up_time
    assert figures.average_talk_time * figures.number_of_calls == pytest.approx(figures.total_talk_time)
    assert figures.average_call_time * figures.number_of_calls == pytest.approx(
        figures.total_call_time if figures.number_of_calls else 0
    )
    assert figures.average_time_to_answer * figures.answers_timed == pytest.approx(figures.time_to_answer)
    assert session.unseen + sum(session.time_in(state, now) for state in S) == session.duration(now)
    state, reason = session.due_state()
    assert (session.state, session.reason) == (state, reason)
    if session.pending_state is not None:
        assert session.state in (S.BUSY_ON_CALL, S.BUSY_WRAPUP)
        assert session.pending_state is not session.state


def tell(handler: AgentHandler, watcher: Watcher, fact: SessionFact, now: int) -> int:
    """Tell a fact, look at everything, and return how much was told."""
    outcomes = handler.apply(fact)
    for outcome in outcomes:
        if isinstance(outcome, SessionEvent):
            watcher.see(outcome)
    for session in (*handler.sessions(), *handler.ended()):
        check(session, now)
    return len(outcomes)


@EXAMPLES
@given(histories())
def test_totals_are_those_of_a_second_reckoning(history: History) -> None:
    """Counts, talk, wrap-up and answer times of every session are what the plain rules give, to the microsecond."""
    handler, watcher = new_handler(), Watcher()
    for told_at, fact in history.facts:
        tell(handler, watcher, fact, instant(told_at))
    end = history.facts[-1][0]
    current = {session.session_id: session for session in (*handler.ended(), *handler.sessions())}
    assert len(watcher.last) == len(history.stories)
    for number, story in enumerate(history.stories):
        figures = current.get(str(number), watcher.last[str(number)]).figures
        totals = reckon(story, end, WRAP_UP[story.queue])
        assert (figures.number_of_calls, figures.calls_missed) == (totals.calls, totals.missed)
        assert (figures.total_talk_time, figures.total_wrap_up_time) == (totals.talk * 1000, totals.wrap_up * 1000)
        assert (figures.time_to_answer, figures.answers_timed) == (sum(totals.waits) * 1000, len(totals.waits))
        assert figures.longest_time_to_answer == max(totals.waits, default=0) * 1000


@EXAMPLES
@given(histories(), st.randoms(use_true_random=False))
def test_no_disorder_brings_a_forbidden_step(history: History, chance: random.Random) -> None:
    """Facts out of order by 200 ms, and told twice: every step told is allowed, and every sum holds."""
    handler, watcher = new_handler(), Watcher()
    latest = 0
    for told_at, fact in disordered(history, chance):
        latest = max(latest, told_at)
        tell(handler, watcher, fact, instant(latest))


@EXAMPLES
@given(histories(40), st.randoms(use_true_random=False))
def test_a_fact_told_again_changes_nothing(history: History, chance: random.Random) -> None:
    """Any fact told twice at once, and any call or miss told again later, changes nothing, and tells nothing."""
    handler, watcher = new_handler(), Watcher()
    of_calls: list[SessionFact] = []
    for told_at, fact in history.facts:
        tell(handler, watcher, fact, instant(told_at))
        if isinstance(fact, CallAnswered | CallEnded | CallMissed):
            of_calls.append(fact)
        again = [fact, *chance.sample(of_calls, min(2, len(of_calls)))]
        before = (list(handler.sessions()), list(handler.ended()), handler.next_deadline())
        handler.take_changed()
        for each in again:
            assert handler.apply(each) == []
        assert handler.take_changed() == {}
        assert (list(handler.sessions()), list(handler.ended()), handler.next_deadline()) == before


@EXAMPLES
@given(histories(40), st.randoms(use_true_random=False))
def test_gaps_are_left_out_of_the_rate_alone(history: History, chance: random.Random) -> None:
    """A loss of contact told anywhere leaves states, sums and duration as they are."""
    plain, gappy = new_handler(), new_handler()
    for told_at, fact in history.facts:
        plain.apply(fact)
        gappy.apply(fact)
        if chance.random() < 0.2:
            begin = instant(max(0, told_at - chance.randint(1, 60_000)))
            gappy.apply(ContactLost(begin, instant(told_at), "lost"))
    now = instant(history.facts[-1][0] + 1)
    for one, other in zip(plain.sessions(), gappy.sessions(), strict=True):
        assert (one.state, one.figures, one.duration(now)) == (other.state, other.figures, other.duration(now))
        bounds = [at for gap in other.gaps for at in (gap.begin, gap.end)]
        bounds = sorted({one.start_time, now, *(at for at in bounds if one.start_time < at < now)})
        seen = sum(
            end - begin
            for begin, end in pairwise(bounds)
            if not any(gap.begin <= begin < gap.end for gap in other.gaps)
        )
        assert other.acd_call_rate(now) == other.figures.acd_call_rate(seen)


@EXAMPLES
@given(histories(40))
def test_lists_that_agree_say_nothing_new(history: History) -> None:
    """A list of what is known already tells nothing, wherever it stands, and asks for nothing."""
    handler = new_handler()
    for told_at, fact in history.facts:
        handler.apply(fact)
        known = sorted(handler.sessions(), key=lambda session: session.member.queue)
        for queue, sessions in groupby(known, key=lambda session: session.member.queue):
            members = tuple(session.member for session in sessions)
            handler.apply(TimePassed(instant(told_at)))
            outcomes = handler.apply(MembersListed(queue, members, Occasion(instant(told_at))))
            assert not any(isinstance(outcome, SessionEvent | ListWanted) for outcome in outcomes)
