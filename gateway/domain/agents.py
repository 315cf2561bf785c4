"""AgentBook: all agents of one Asterisk, worked out from their sessions and from the other calls on their devices."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heappop, heappush

from gateway.domain import facts
from gateway.domain.agent import Agent, AgentEvent, AgentRefreshed, AgentRemoved, DeviceCall, PreviousState
from gateway.domain.caller import Direction
from gateway.domain.device_index import DeviceIndex
from gateway.domain.facts import Fact, Outcome, SessionRefreshed
from gateway.domain.known_agent import KnownAgent
from gateway.domain.session import AgentSession, Occasion, SessionEvent
from gateway.domain.window import Calendar, Window, local_day, set_window


class AgentBook:
    """Holds the agents, and applies to them what happened, behind the AgentHandler.

    What a session adds to its agent is the difference to what it was when last seen, so that nothing counts twice,
    in whatever order it is told. A call counts with the whole of its talk into the window in which the talk ended,
    a wrap-up into the one in which it ended; what comes so late that its window is over counts in none.

    Args:
        calendar: Knows the local days.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._agents: dict[str, KnownAgent] = {}
        self._ended_on_call: dict[str, AgentSession] = {}
        self._devices = DeviceIndex()
        self._on_call: dict[str, tuple[str, ...]] = {}
        self._ends: list[int] = []  # a heap of the ends of windows, and whose windows they are
        self._ending_at: dict[int, set[str]] = {}
        self._changed: dict[str, Agent | None] = {}
        self._today: Window | None = None

    # What is known -------------------------------------------------------------------------------------------------

    def agent(self, name: str) -> Agent | None:
        """The agent of that name; None if there is none."""
        known = self._agents.get(name)
        return known.agent if known is not None and known.exists else None

    def agents(self) -> Iterable[Agent]:
        """All agents."""
        return [known.agent for known in self._agents.values() if known.exists]

    def sessions_of(self, name: str) -> tuple[AgentSession, ...]:
        """The sessions of an agent that have not ended."""
        known = self._agents.get(name)
        return () if known is None else known.sessions

    def has_device(self, device: str) -> bool:
        """Whether *device*, folded, is that of a session."""
        return device in self._devices

    def hints(self) -> set[str]:
        """The state interfaces that are hints, of which only Asterisk can tell what devices they are."""
        return self._devices.hints()

    def next_deadline(self) -> int | None:
        """Instant at which ``TimePassed`` is due: the end of a window; None while there is none."""
        while self._ends:
            end = self._ends[0]
            names = self._ending_at[end]
            while names:
                name = next(iter(names))
                if self._is_due(end, name):
                    return end
                names.discard(name)
            del self._ending_at[heappop(self._ends)]
        return None

    def _is_due(self, end: int, name: str) -> bool:
        known = self._agents.get(name)
        if known is None or known.agent.window.end != end:
            return False
        # Of who is no agent any more the hours are let go of at the end; a period that was set just stays.
        return known.exists or known.agent.window.seconds is None

    # Kept over a restart -------------------------------------------------------------------------------------------

    def take_changed(self) -> dict[str, Agent | None]:
        """The agents that were changed since the last call, by name; None for one that is not wanted any more."""
        changed, self._changed = self._changed, {}
        return changed

    def restore(self, agents: Iterable[Agent], sessions: Iterable[AgentSession]) -> None:
        """Go on from what was kept, before the first fact.

        What the sessions have counted so far is in their agents already, or belongs to a time before there were any.
        """
        for agent in agents:
            self._agents[agent.name] = known = KnownAgent(agent)
            self._schedule(known)
            for call in agent.calls:
                self._on_call[call.uniqueid] = (*self._on_call.get(call.uniqueid, ()), agent.name)
        unknown: set[str] = set()
        for session in sessions:
            if session.end_time is not None:
                if session.calls:
                    self._ended_on_call[session.session_id] = session
                continue
            if session.agent not in self._agents:
                unknown.add(session.agent)
            known = self._agents.get(session.agent) or self._find(session.agent, session.changed_at)
            self._remember(known, None, session)
            known.put(session)
        for known in self._agents.values():
            if known.agent.name in unknown:
                self._begin_found(known)
            known.shown = known.exists

    def _begin_found(self, known: KnownAgent) -> None:
        """An agent whose sessions were kept, but not itself: it is what they are, from now on."""
        last = max(session.changed_at for session in known.sessions)
        agent = replace(known.agent, state=known.due_state(), state_since=last, complete=False)
        self._put(known, agent.with_activity(last, active=known.active))

    # What happens --------------------------------------------------------------------------------------------------

    def apply(self, fact: Fact, sessions: Sequence[Outcome], at: int) -> list[Outcome]:
        """Take one fact, and return what to tell of the agents, in order.

        Args:
            fact: What happened.
            sessions: What the AgentHandler told of it.
            at: Instant at which it happened.
        """
        outcomes = self._sessions_told(sessions, at)
        match fact:
            case facts.DeviceCallBegan():
                outcomes += self._call_began(fact)
            case facts.DeviceCallEnded():
                outcomes += self._call_ended(fact)
            case facts.HintTold():
                self._devices.tell_hint(fact.hint, fact.devices)
            case facts.PeriodSet(agent=str(name)):
                outcomes += self._period_set(name, fact)
            case facts.ContactLost():
                outcomes += self._contact_lost(fact)
            case facts.TimePassed():
                outcomes += self._time_passed(fact.now)
            case _:
                pass
        return outcomes

    def _sessions_told(self, sessions: Sequence[Outcome], at: int) -> list[Outcome]:
        """What sessions told at one instant is one change of their agent: a rollover ends one and begins the next."""
        outcomes: list[Outcome] = []
        unsettled: dict[str, Occasion] = {}
        for outcome in sessions:
            if isinstance(outcome, SessionEvent):
                occasion = outcome.occasion
            elif isinstance(outcome, SessionRefreshed):
                occasion = Occasion(at)
            else:
                continue
            name = outcome.session.agent
            if name in unsettled and unsettled[name].at != occasion.at:
                outcomes += self._settle(self._agents[name], unsettled.pop(name))
            if self._session_told(outcome.session, min(at, occasion.at), occasion.at):
                unsettled[name] = occasion
        for name, occasion in unsettled.items():
            outcomes += self._settle(self._agents[name], occasion)
        return outcomes

    def _session_told(self, session: AgentSession, at: int, told_at: int) -> bool:
        """Take what a session is now. Returns whether an agent shows anything of it.

        Where the session's last event was later than *at*, it told as of that one, *told_at*.
        """
        before = self._last_told(session)
        if before is None and session.end_time is not None:
            return False
        if before is not None and _is_same(before, session):
            self._keep(session)
            return False
        known = self._find(session.agent, at)
        self._remember(known, before, session)
        self._count(known, before, session, at)
        was_active = known.is_active(session.session_id)
        if session.end_time is not None:
            known.drop(session.session_id)
        else:
            known.put(session)
        self._roll(known, told_at)
        active = known.is_active(session.session_id)
        if active is not was_active:
            others = known.active_beside(session.session_id)
            self._put(known, known.agent.with_session(session.session_id, told_at, active=active, others=others))
        return True

    def _last_told(self, session: AgentSession) -> AgentSession | None:
        """The session as it was told before; None if it was not."""
        known = self._agents.get(session.agent)
        ended = self._ended_on_call.get(session.session_id)
        return ended if known is None or ended is not None else known.session(session.session_id)

    def _keep(self, session: AgentSession) -> None:
        """Keep a session as it is told now, of which nothing is shown that changed."""
        if session.session_id in self._ended_on_call:
            self._ended_on_call[session.session_id] = session
        else:
            self._agents[session.agent].put(session)

    def _remember(self, known: KnownAgent, before: AgentSession | None, session: AgentSession) -> None:
        """Keep an ended session as long as it can change, as the agent does an open one; and the devices it is at."""
        if session.end_time is not None and session.calls:
            self._ended_on_call[session.session_id] = session
        else:
            self._ended_on_call.pop(session.session_id, None)
        was = before.member if before is not None and before.end_time is None else None
        now = session.member if session.end_time is None else None
        if before is None or was is None or now is None or not _same_devices(before, session):
            self._devices.change(known.agent.name, was, now)

    def _count(self, known: KnownAgent, before: AgentSession | None, session: AgentSession, at: int) -> None:
        window = known.agent.window
        told_gaps = () if before is not None and before.gaps is session.gaps else session.gaps
        if known.agent.complete and any(gap.end > window.begin for gap in told_gaps):
            self._put(known, replace(known.agent, complete=False))
        was, now = None if before is None else before.figures, session.figures
        if was is now or at < window.begin:
            return
        agent = known.agent.with_figures(
            acd_calls=now.number_of_calls - (was.number_of_calls if was else 0),
            talk_time=now.total_talk_time - (was.total_talk_time if was else 0),
            wrap_up_time=now.total_wrap_up_time - (was.total_wrap_up_time if was else 0),
        )
        if agent.figures != known.agent.figures:
            self._put(known, agent)

    def _call_began(self, fact: facts.DeviceCallBegan) -> list[Outcome]:
        if fact.uniqueid in self._on_call:
            return []
        outcomes: list[Outcome] = []
        names = self._devices.agents_at(fact.address)
        if names:
            self._on_call[fact.uniqueid] = names
        for name in names:
            known = self._find(name, fact.occasion.at)
            call = DeviceCall(fact.uniqueid, fact.direction, fact.occasion.at)
            self._put(known, replace(known.agent, calls=(*known.agent.calls, call)))
            outcomes += self._settle(known, fact.occasion)
        return outcomes

    def _call_ended(self, fact: facts.DeviceCallEnded) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for name in self._on_call.pop(fact.uniqueid, ()):
            known = self._find(name, fact.occasion.at)
            agent = known.agent
            call = next(each for each in agent.calls if each.uniqueid == fact.uniqueid)
            agent = replace(agent, calls=tuple(each for each in agent.calls if each is not call))
            if fact.answered and fact.occasion.at >= agent.window.begin:
                incoming = call.direction is Direction.INCOMING
                agent = agent.with_figures(incoming=int(incoming), outgoing=int(not incoming))
            self._put(known, agent)
            outcomes += self._settle(known, fact.occasion)
        return outcomes

    def _period_set(self, name: str, fact: facts.PeriodSet) -> list[Outcome]:
        known = self._agents.get(name)
        if known is None:
            return []
        self._renew(known, set_window(fact.seconds, fact.occasion.at))
        return self._settle(known, fact.occasion)

    def _contact_lost(self, fact: facts.ContactLost) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for known in list(self._agents.values()):
            if known.agent.active_since is not None:
                self._roll(known, fact.end)
                self._put(known, known.agent.without(fact.begin, fact.end))
                outcomes += self._settle(known, Occasion(fact.end))
        return outcomes

    def _time_passed(self, now: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        while self._ends and self._ends[0] <= now:
            end = heappop(self._ends)
            for name in sorted(self._ending_at.pop(end)):
                if self._is_due(end, name):
                    known = self._agents[name]
                    self._roll(known, now)
                    outcomes += self._settle(known, Occasion(now))
        return outcomes

    # How -----------------------------------------------------------------------------------------------------------

    def _find(self, name: str, at: int) -> KnownAgent:
        """The agent of that name in the window of *at*; a new one, of whom nothing is known, if there is none."""
        known = self._agents.get(name)
        if known is None:
            self._agents[name] = known = KnownAgent(Agent(name, self._day(at), state_since=at))
            self._changed[name] = known.agent
            self._schedule(known)
        else:
            self._roll(known, at)
        return known

    def _day(self, at: int) -> Window:
        """The local day of an instant; one object for all agents whose window it is."""
        if self._today is None or not self._today.begin <= at < self._today.end:
            self._today = local_day(at, self._calendar)
        return self._today

    def _roll(self, known: KnownAgent, at: int) -> None:
        """Go over to the window in which *at* lies, if the present one is over by then."""
        window = known.agent.window.following(at, self._calendar)
        if window is not known.agent.window:
            self._renew(known, window)

    def _renew(self, known: KnownAgent, window: Window) -> None:
        gaps = (gap for session in known.sessions for gap in session.gaps)
        missing = any(gap.end > window.begin for gap in gaps)
        self._put(known, replace(known.agent.in_window(window), complete=not missing))
        self._schedule(known)

    def _schedule(self, known: KnownAgent) -> None:
        end = known.agent.window.end
        if end not in self._ending_at:
            self._ending_at[end] = set()
            heappush(self._ends, end)
        self._ending_at[end].add(known.agent.name)

    def _put(self, known: KnownAgent, agent: Agent) -> None:
        if agent is not known.agent:
            known.agent = agent
            self._changed[agent.name] = agent

    def _settle(self, known: KnownAgent, occasion: Occasion) -> list[Outcome]:
        """Give the agent the state that is due, and tell what there is to tell."""
        outcomes: list[Outcome] = []
        agent, state = known.agent, known.due_state()
        if state is not agent.state:
            at = max(occasion.at, agent.state_since)
            previous = PreviousState(agent.state, agent.state_since) if known.shown else None
            self._put(known, replace(agent, state=state, state_since=at))
            told = AgentEvent(known.agent, known.sessions, replace(occasion, at=at), previous)
            outcomes.append(told)
        elif known.exists:
            outcomes.append(AgentRefreshed(agent, known.sessions))
        was_shown, known.shown = known.shown, known.exists
        if known.shown and not was_shown:
            self._schedule(known)
        if not known.shown:
            if was_shown or outcomes:
                outcomes.append(AgentRemoved(agent.name))
            self._let_go(known)
        return outcomes

    def _let_go(self, known: KnownAgent) -> None:
        """Keep of an agent that is no more what is still needed if it comes back: its hours, and a period set."""
        agent = known.agent
        if agent.window.seconds is None and not agent.figures.active_time:
            del self._agents[agent.name]
            self._changed[agent.name] = None


def _is_same(before: AgentSession, session: AgentSession) -> bool:
    """Whether nothing changed that an agent shows."""
    return (
        before.state is session.state
        and before.reason == session.reason
        and before.figures is session.figures
        and before.gaps is session.gaps
        and _same_devices(before, session)
        and _same_pause(before, session)
    )


def _same_pause(before: AgentSession, session: AgentSession) -> bool:
    was, now = before.member, session.member
    return was is now or (was.paused is now.paused and was.paused_reason == now.paused_reason)


def _same_devices(before: AgentSession, session: AgentSession) -> bool:
    was, now = before.member, session.member
    return was is now or (was.interface == now.interface and was.state_interface == now.state_interface)
