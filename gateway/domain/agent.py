"""Agent: one person, all sessions together (TAPI's ITAgent). What is kept of one, and what is told of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from gateway.domain.caller import Direction
from gateway.domain.instant import HOUR, SECOND
from gateway.domain.session import AgentSession, Occasion
from gateway.domain.window import Window


class AgentState(IntEnum):
    """AGENT_STATE (tapi3cc.h), names without the prefix ``AS_``, values kept.

    The values of AGENT_EVENT are the same: the event that tells a state has its name and its number.
    """

    NOT_READY = 0
    READY = 1
    BUSY_ACD = 2
    BUSY_INCOMING = 3
    BUSY_OUTGOING = 4
    UNKNOWN = 5


BUSY_WITH: Final = {Direction.INCOMING: AgentState.BUSY_INCOMING, Direction.OUTGOING: AgentState.BUSY_OUTGOING}
"""The state of an agent on a call that came by no queue."""


@dataclass(frozen=True, slots=True)
class DeviceCall:
    """A call that came by no queue, on a device of the agent's; ``began`` is an instant."""

    uniqueid: str
    direction: Direction
    began: int


LATE: Final = 2 * SECOND
"""How long after it an end may be told: a call's waits a fifth of a second for the phone to find company again."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a session was not NOT_READY, instants; ``since`` is 0 for long ago, ``until`` None for still."""

    session_id: str
    since: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """What is added up over all sessions in one window. Times are microseconds, exact.

    Attributes:
        number_of_acd_calls: ACD calls handled: those whose talking ended in the window.
        number_of_incoming_calls: Other calls to the agent's devices that were answered, and ended in the window.
        number_of_outgoing_calls: Other calls that the agent dialled, likewise.
        total_acd_talk_time: The talking in those ACD calls, each as a whole.
        total_wrap_up_time: Over all wrap-ups that ended in the window, each as a whole.
        active_time: Within the window, how long there was a session that was not NOT_READY, up to the last time that
            there was none.
    """

    number_of_acd_calls: int = 0
    number_of_incoming_calls: int = 0
    number_of_outgoing_calls: int = 0
    total_acd_talk_time: int = 0
    total_wrap_up_time: int = 0
    active_time: int = 0

    @property
    def total_acd_call_time(self) -> int:
        """Talk and wrap-up (ITAgent::get_TotalACDCallTime), microseconds."""
        return self.total_acd_talk_time + self.total_wrap_up_time

    @property
    def any_told(self) -> bool:
        """Whether one of the figures of ITAgent is not zero; the agent hour is none of them."""
        calls = self.number_of_acd_calls + self.number_of_incoming_calls + self.number_of_outgoing_calls
        return calls + self.total_acd_call_time > 0


_NO_FIGURES: Final = AgentFigures()


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent.

    Attributes:
        name: The agent's name, by the configured identity.
        window: The measurement period.
        state: AGENT_STATE as last told.
        state_since: Instant at which it was entered.
        figures: What was added up in the window.
        active_since: Instant since which there is a session that is not NOT_READY, within the window; None while
            there is none.
        active_until: Instant up to which the figures have that time.
        spans: Those of its sessions that began or ended lately: what is told late must know them.
        calls: Calls on the agent's devices that came by no queue, oldest first.
        complete: Whether nothing of the window is missing.
    """

    name: str
    window: Window
    state: AgentState = AgentState.UNKNOWN
    state_since: int = 0
    figures: AgentFigures = _NO_FIGURES
    active_since: int | None = None
    active_until: int = 0
    calls: tuple[DeviceCall, ...] = ()
    complete: bool = True
    spans: tuple[Span, ...] = ()

    def active_time(self, now: int) -> int:
        """Microseconds of the window, up to *now*, with a session that was not NOT_READY: the agent hour."""
        if self.active_since is None:
            return self.figures.active_time
        return self.figures.active_time + max(0, min(now, self.window.end) - self.active_since)

    def overall_call_rate(self, now: int) -> float:
        """ACD calls per agent hour, to 4 decimals as CURRENCY has; 0.0 below one second of it.

        Source: LINEAGENTINFO, the plain rate. ITAgent::get_OverallCallRate says ten times that; whether NOT_READY
        belongs to the hour neither says, and here it does not.
        """
        active = self.active_time(now)
        return round(self.figures.number_of_acd_calls * HOUR / active, 4) if active >= SECOND else 0.0

    def in_window(self, window: Window) -> "Agent":
        """The same agent in another window, in which nothing was counted yet."""
        since = None if self.active_since is None else max(self.active_since, window.begin)
        return replace(self, window=window, figures=_NO_FIGURES, active_since=since, complete=True)

    def with_activity(self, at: int, *, active: bool) -> "Agent":
        """From *at* on there is a session that is not NOT_READY, or there is none."""
        if active and self.active_since is None:
            return replace(self, active_since=max(at, self.active_until, self.window.begin))
        if not active and self.active_since is not None:
            return replace(self._with_active(at), active_since=None)
        return self

    def with_session(self, session_id: str, at: int, *, active: bool, others: Iterable[str]) -> "Agent":
        """From *at* on that session is not NOT_READY, or it is; *others* are not NOT_READY now.

        An end may be told when others have begun and even ended after it: between is no time of the agent's.
        """
        lately = tuple(span for span in self.spans if max(span.since, span.until or 0) > at - LATE)
        if active:
            return replace(self.with_activity(at, active=True), spans=(*lately, Span(session_id, at)))
        since = next((each.since for each in lately if each.session_id == session_id and each.until is None), 0)
        mine = Span(session_id, since, max(at, since))
        lately = tuple(span for span in lately if span.session_id != session_id or span.until is not None)
        running = {span.session_id: span for span in lately if span.until is None}
        still = [running.get(other) or Span(other, 0) for other in others]
        agent = replace(self, spans=(*lately, mine))
        if self.active_since is None or any(span.since <= at for span in still):
            return agent
        agent = agent.with_activity(at, active=False)
        ended = (span for span in lately if span.until is not None and span.until > at)
        for span in sorted((*ended, *still), key=lambda each: each.since):
            agent = agent.with_activity(span.since, active=True)
            if span.until is None:
                break
            agent = agent.with_activity(span.until, active=False)
        return agent

    def without(self, begin: int, end: int) -> "Agent":
        """Nothing is known of the time from *begin* to *end*, instants: it is no part of the agent hour."""
        if self.active_since is None:
            return self
        return replace(self._with_active(begin), active_since=max(self.active_since, end))

    def _with_active(self, until: int) -> "Agent":
        assert self.active_since is not None
        until = max(min(until, self.window.end), self.active_since)
        figures = replace(self.figures, active_time=self.figures.active_time + until - self.active_since)
        return replace(self, figures=figures, active_until=until)

    def with_figures(
        self, *, acd_calls: int = 0, incoming: int = 0, outgoing: int = 0, talk_time: int = 0, wrap_up_time: int = 0
    ) -> "Agent":
        """That much more in the window."""
        was = self.figures
        figures = replace(
            was,
            number_of_acd_calls=was.number_of_acd_calls + acd_calls,
            number_of_incoming_calls=was.number_of_incoming_calls + incoming,
            number_of_outgoing_calls=was.number_of_outgoing_calls + outgoing,
            total_acd_talk_time=was.total_acd_talk_time + talk_time,
            total_wrap_up_time=was.total_wrap_up_time + wrap_up_time,
        )
        return replace(self, figures=figures)


@dataclass(frozen=True, slots=True)
class PreviousState:
    """What an agent was before an event; ``since`` is an instant."""

    state: AgentState
    since: int


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """An agent's state changed.

    Attributes:
        agent: What it is now.
        sessions: Its sessions.
        occasion: When and why; ``at`` is never before the agent's last event.
        previous: What it was before; None for an agent that was not there.
    """

    agent: Agent
    sessions: tuple[AgentSession, ...]
    occasion: Occasion
    previous: PreviousState | None


@dataclass(frozen=True, slots=True)
class AgentRefreshed:
    """Something changed that is worth a snapshot and no event: a figure, the window, one of the sessions."""

    agent: Agent
    sessions: tuple[AgentSession, ...]


@dataclass(frozen=True, slots=True)
class AgentRemoved:
    """An agent is no more: it has no session, and no figure in its window."""

    name: str
