"""An agent's figures: the sums over all sessions, in one window, and beyond sessions and restarts."""

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.domain import facts
from gateway.domain.agent import Agent, AgentFigures, AgentRefreshed
from gateway.domain.agents import AgentBook
from gateway.domain.callcenter import CallCenter
from gateway.domain.caller import Direction
from gateway.domain.facts import Outcome, SessionFact
from gateway.domain.instant import HOUR, SECOND
from gateway.domain.session import AgentSession, Gap, SessionEvent
from gateway.domain.state import AgentSessionState
from tests.domain.floor import OTHER, Days, Floor
from tests.domain.histories import History, disordered, histories, instant
from tests.domain.support import at, us
from tests.domain.test_properties import new_handler

EXAMPLES = settings(max_examples=100, deadline=None)
AGENTS = ("agent of PJSIP/1", "agent of PJSIP/2")
_AGENT = TypeAdapter(Agent)


def test_sums_over_the_sessions() -> None:
    """Calls, talk and wrap-up of all sessions add up; other calls count at their end, if they were answered."""
    floor = Floor(wrap_up=10)
    floor.add(0)
    floor.add(0, "sales")
    floor.talk(100, 130)
    floor.talk(200, 260, "b", "sales")
    floor.tick(300)
    floor.other_call(300, Direction.OUTGOING, "x")
    floor.other_end(310, "x", answered=False)
    floor.other_call(320, Direction.OUTGOING, "y")
    floor.other_call(330, Direction.INCOMING, "z")
    floor.other_end(340, "y")
    assert floor.agent().figures.number_of_incoming_calls == 0
    floor.other_end(350, "z")
    figures = floor.agent().figures
    assert figures == AgentFigures(2, 1, 1, us(90), us(20), 0)
    assert figures.total_acd_call_time == us(110)


def test_overall_call_rate() -> None:
    """Calls per hour in which there was a session that was not NOT_READY, however many there were at once."""
    floor = Floor(day=100_000)
    floor.add(0)
    floor.add(900, "sales")
    floor.talk(1000, 1100)
    floor.pause(1800)
    floor.talk(1900, 2000, "b", "sales")
    floor.pause(3600, "sales")
    assert floor.agent().overall_call_rate(at(9999)) == 2.0
    floor.unpause(7200)
    assert floor.agent().overall_call_rate(at(10_800)) == 1.0
    assert floor.agent().active_time(at(10_800)) == 2 * HOUR


def with_a_talk_that_ended_at_100() -> Floor:
    """An agent who pauses in a call of which the end is not told yet, and is ready for a moment at another phone."""
    floor = Floor()
    floor.add(0)
    floor.add(0, "sales", phone=OTHER)
    floor.pause(0, "sales", OTHER)
    floor.answer(10)
    floor.pause(20)
    floor.unpause(100.05, "sales", OTHER)
    floor.pause(100.1, "sales", OTHER)
    return floor


def test_an_end_that_is_told_late_leaves_a_hole() -> None:
    """What lies between the end of one session's call and the next session's beginning is no time of the agent's."""
    floor = with_a_talk_that_ended_at_100()
    floor.unpause(100.15, "sales", OTHER)
    floor.end(100)
    assert floor.agent().active_time(at(101)) == us(100 + 0.05 + 0.85)
    floor.pause(102, "sales", OTHER)
    assert floor.agent().active_time(at(200)) == us(100 + 0.05 + 1.85)


def test_an_end_that_is_told_after_the_last_session_paused() -> None:
    """A session that came and went while the end of another's call was not told counts for itself."""
    floor = with_a_talk_that_ended_at_100()
    floor.end(100)
    assert floor.agent().active_time(at(200)) == us(100 + 0.05)


def test_no_rate_below_a_second() -> None:
    """Before an agent was active for a second, no quotient says anything."""
    floor = Floor()
    floor.add(0)
    floor.talk(0.1, 0.2)
    assert floor.agent().overall_call_rate(at(0.9)) == 0.0
    assert floor.agent().overall_call_rate(at(1)) == 3600.0


def test_what_was_not_seen_is_no_part_of_the_agent_hour() -> None:
    """A loss of contact is taken out of it, and the window is not complete."""
    floor = Floor()
    floor.add(0)
    floor.apply(facts.ContactLost(at(100), at(150), "the link was lost"))
    agent = floor.agent()
    assert agent.active_time(at(200)) == us(150)
    assert not agent.complete
    floor.tick(86_400)
    assert floor.agent().complete


def test_setting_the_period_resets() -> None:
    """A window begins at once, with nothing counted in it, and the next behind it without a gap."""
    floor = Floor()
    floor.add(0)
    floor.talk(10, 20)
    floor.other_call(30)
    told = floor.set_period(100, 60)
    assert [type(each) for each in told] == [AgentRefreshed]
    agent = floor.agent()
    assert agent.figures == AgentFigures()
    assert (agent.window.begin, agent.window.end, agent.window.length) == (at(100), at(160), 60)
    assert agent.active_time(at(110)) == us(10)
    floor.other_end(120)
    assert floor.agent().figures.number_of_incoming_calls == 1
    assert floor.book.next_deadline() == at(160)
    floor.tick(290)
    agent = floor.agent()
    assert (agent.window.begin, agent.window.end) == (at(280), at(340))
    assert agent.figures == AgentFigures()
    assert agent.active_time(at(290)) == us(10)


def test_a_period_outlives_the_agent() -> None:
    """Who comes back on another day has the period that was set, though there was no agent meanwhile."""
    floor = Floor()
    floor.add(0)
    floor.set_period(10, 3600)
    floor.remove(20)
    assert floor.book.next_deadline() is None
    floor.add(30)
    assert floor.book.next_deadline() == at(3610)
    floor.remove(40)
    floor.tick(200_000)
    assert floor.book.agent("Alice") is None
    floor.add(200_015)
    assert floor.agent().window.seconds == 3600
    assert floor.agent().window.begin <= at(200_015) < floor.agent().window.end
    assert floor.book.next_deadline() == floor.agent().window.end


def test_hours_outlive_the_agent_within_the_window() -> None:
    """Who had no call before the logout was an agent for that time all the same, when a call comes later."""
    floor = Floor()
    floor.add(0)
    floor.remove(3600)
    assert floor.book.agent("Alice") is None
    floor.add(7200)
    floor.talk(7300, 7400)
    assert floor.agent().overall_call_rate(at(10_800)) == 0.5


def test_midnight() -> None:
    """The window of the local day begins anew at midnight, also while nothing happens; a call counts where it ends."""
    floor = Floor(day=1000)
    floor.add(0)
    floor.talk(100, 200)
    floor.answer(900, "b")
    told = floor.tick(1000)
    assert [type(each) for each in told] == [AgentRefreshed]
    assert floor.agent().figures == AgentFigures()
    floor.end(1100, "b")
    assert floor.agent().figures.number_of_acd_calls == 1
    assert floor.agent().figures.total_acd_talk_time == us(200)


def test_what_comes_late_counts_in_no_other_window() -> None:
    """An end that is told behind midnight and was before it does not count into the new day."""
    floor = Floor(day=1000)
    floor.add(0)
    floor.answer(900)
    floor.other_call(950)
    floor.tick(1000)
    floor.end(999.9)
    floor.other_end(999.8)
    assert floor.agent().figures == AgentFigures()


def test_a_call_that_outlasts_its_session_counts() -> None:
    """Who logs out in a call, and has no figure, is an agent again when it ends."""
    floor = Floor()
    floor.add(0)
    floor.answer(10)
    floor.remove(20)
    floor.end(50)
    assert floor.agent().figures.number_of_acd_calls == 1
    assert floor.agent().figures.total_acd_talk_time == us(40)


def test_two_agents_at_one_device() -> None:
    """A call on a device counts for everybody who is logged in at it."""
    floor = Floor()
    floor.add(0)
    floor.add(1, "sales", name="Bob")
    floor.other_call(5)
    floor.other_end(6)
    assert floor.agent().figures.number_of_incoming_calls == 1
    assert floor.agent("Bob").figures.number_of_incoming_calls == 1


def test_a_call_told_again_counts_once() -> None:
    """A second beginning, and an end that nobody expects, change nothing."""
    floor = Floor()
    floor.add(0)
    floor.other_call(5)
    assert floor.other_call(5.5) == []
    floor.other_end(6)
    assert floor.other_end(6.5) == []
    assert floor.agent().figures.number_of_incoming_calls == 1


def test_a_gap_that_began_before_the_window() -> None:
    """A session with a gap that reaches into the window makes it incomplete, and no other does."""
    floor = Floor(day=1000)
    floor.add(0)
    floor.add(1, phone=OTHER, name="Bob")
    floor.apply(facts.SessionGap("support", OTHER, at(100), at(200), "nobody knows"))
    assert (floor.agent().complete, floor.agent("Bob").complete) == (True, False)
    session = floor.book.sessions_of("Bob")[0]
    assert session.gaps == (Gap(at(100), at(200), "nobody knows"),)


# The sums reckoned a second way ------------------------------------------------------------------------------------


class Bench:
    """A call center of the histories: its sessions as they were last told, and its agents."""

    def __init__(self, day: int) -> None:
        self.book = AgentBook(Days(day))
        self.center = CallCenter(new_handler(), self.book)
        self.sessions: dict[str, AgentSession] = {}
        self.steps: dict[str, list[tuple[int, AgentSessionState]]] = {}

    def tell(self, told: Iterable[tuple[int, SessionFact]]) -> int:
        """Tell facts, and that time passed whenever something is due; return the instant of the last."""
        now = 0
        for told_at, fact in told:
            now = instant(told_at)
            while (due := self.center.next_deadline()) is not None and due < now:
                self._apply(facts.TimePassed(due))
            self._apply(fact)
        return now

    def _apply(self, fact: SessionFact) -> None:
        for outcome in self.center.apply(fact):
            self._see(outcome)

    def _see(self, outcome: Outcome) -> None:
        if isinstance(outcome, SessionEvent):
            session = outcome.session
            self.sessions[session.session_id] = session
            self.steps.setdefault(session.session_id, []).append((outcome.occasion.at, session.state))

    def active_time(self, agent: str, begin: int, now: int) -> int:
        """From *begin* to *now*: the time with a session that was not NOT_READY, looked at piece by piece."""
        mine = [steps for session_id, steps in self.steps.items() if self.sessions[session_id].agent == agent]
        edges = sorted({begin, now, *(each for steps in mine for each, _ in steps if begin < each < now)})
        return sum(
            after - before for before, after in pairwise(edges) if any(_is_active(steps, before) for steps in mine)
        )


def _is_active(steps: list[tuple[int, AgentSessionState]], instant_: int) -> bool:
    states = [state for since, state in steps if since <= instant_]
    return bool(states) and states[-1] not in (AgentSessionState.NOT_READY, AgentSessionState.SESSION_ENDED)


@EXAMPLES
@given(history=histories(), chance=st.randoms(use_true_random=False), late=st.booleans())
def test_an_agent_is_the_sum_of_its_sessions(history: History, chance: random.Random, *, late: bool) -> None:
    """In whatever order things are told, agents add up what their sessions do, each thing once."""
    bench = Bench(10**9)
    bench.tell(disordered(history, chance) if late else history.facts)
    for name in AGENTS:
        agent = bench.book.agent(name)
        mine = [each.figures for each in bench.sessions.values() if each.agent == name]
        summed = (
            sum(each.number_of_calls for each in mine),
            sum(each.total_talk_time for each in mine),
            sum(each.total_wrap_up_time for each in mine),
        )
        figures = AgentFigures() if agent is None else agent.figures
        assert (figures.number_of_acd_calls, figures.total_acd_talk_time, figures.total_wrap_up_time) == summed


@EXAMPLES
@given(history=histories(), day=st.sampled_from((30, 100, 10**9)))
def test_the_window_reckoned_by_hand(history: History, day: int) -> None:
    """In the last window there are the calls that ended in it, and the time in which anything was not NOT_READY.

    Both are exact, also where the end of a call is told after another session has begun.
    """
    bench = Bench(day)
    now = bench.tell(history.facts)
    for name in AGENTS:
        agent = bench.book.agent(name)
        if agent is None:
            continue
        begin = agent.window.begin
        ends = [fact for _, fact in history.facts if isinstance(fact, facts.CallEnded) and fact.occasion.at >= begin]
        ended = {fact.key: fact.occasion.at for fact in ends if name.endswith(fact.interface)}
        calls = [fact.call for _, fact in history.facts if isinstance(fact, facts.CallAnswered)]
        talk = sum(ended[call.key] - (call.answered_at or 0) for call in calls if call.key in ended)
        assert agent.figures.number_of_acd_calls == len(ended)
        assert agent.figures.total_acd_talk_time == talk
        assert agent.active_time(now) == bench.active_time(name, begin, now)


@EXAMPLES
@given(history=histories(), data=st.data())
def test_a_restart_changes_nothing(history: History, data: st.DataObject) -> None:
    """Agents that were written, read and given back go on as if nothing had been."""
    cut = data.draw(st.integers(0, len(history.facts)))
    whole, first = Bench(100), Bench(100)
    whole.tell(history.facts)
    first.tell(history.facts[:cut])
    kept = {name: _AGENT.dump_json(agent) for name, agent in first.book.take_changed().items() if agent is not None}
    second = Bench(100)
    second.center = CallCenter(first.center.handler, second.book)
    handler = first.center.handler
    second.book.restore(map(_AGENT.validate_json, kept.values()), [*handler.sessions(), *handler.ended()])
    second.tell(history.facts[cut:])
    assert {each.name: each for each in second.book.agents()} == {each.name: each for each in whole.book.agents()}
    assert second.book.next_deadline() == whole.book.next_deadline()


def test_agents_of_sessions_that_were_kept_alone() -> None:
    """Where sessions were kept and no agents, as by an older version, each has one, which counts from then on."""
    floor = Floor()
    floor.add(0)
    floor.talk(10, 20)
    book = AgentBook(Days())
    book.restore([], floor.handler.sessions())
    agent = book.agent("Alice")
    assert agent is not None
    assert agent.state.name == "READY"
    assert (agent.figures, agent.complete) == (AgentFigures(), False)
    assert book.take_changed() == {"Alice": agent}


@pytest.mark.parametrize("seconds", [1, 3600, 2**31 - 1])
def test_periods_are_exact(seconds: int) -> None:
    """A period of any length that a command may set begins and ends on the microsecond."""
    floor = Floor()
    floor.add(0)
    floor.set_period(0.000001, seconds)
    window = floor.agent().window
    assert window.begin == at(0.000001)
    assert window.end - window.begin == seconds * SECOND
