"""AgentSession: one agent, one group, one address, from login to logout (TAPI's ITAgentSession).

What it holds and what follows from it. The functions that take it from one fact to the next are in
``gateway.domain.history``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.domain.call import Call
from gateway.domain.figures import SessionFigures
from gateway.domain.instant import SECOND
from gateway.domain.member import UNREACHABLE, Member
from gateway.domain.state import AgentSessionEvent, AgentSessionState

REMEMBERED: Final = 32
"""How many told calls and misses a session remembers, so that one told again changes nothing. What is told again lies
some seconds back: around a resync, or in the lines of queue_log around a loss. They are kept with each change, and
stay in memory for as long as the session lasts, which may be weeks."""


class Cause(StrEnum):
    """Why a session event is told."""

    ASTERISK = "asterisk"
    COMMAND = "command"
    TIMER = "timer"
    RESYNC = "resync"
    RECOVERED = "recovered"
    ROLLOVER = "rollover"


@dataclass(frozen=True, slots=True)
class Occasion:
    """When something came to be known to have happened, and how.

    Attributes:
        at: Instant at which it happened.
        cause: What told it.
        command_id: ``id`` of the command that asked for it, if one did.
    """

    at: int
    cause: Cause = Cause.ASTERISK
    command_id: str | int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator may choose about sessions.

    Attributes:
        wrap_up_reasons: Pause reasons that mean wrap-up when set during a call or after it.
        unreachable_is_not_ready: Whether a device that no call can reach makes the session NOT_READY.
    """

    wrap_up_reasons: frozenset[str] = frozenset({"wrapup", "wrap-up", "acw"})
    unreachable_is_not_ready: bool = True


@dataclass(frozen=True, slots=True)
class WrapUp:
    """A wrap-up that runs.

    Attributes:
        began: Instant at which the last call's talking ended.
        deadline: Until when Asterisk offers no calls, exactly; None where it enforces nothing.
    """

    began: int
    deadline: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of the session that could be neither seen nor recovered, in instants, and why."""

    begin: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class Previous:
    """What a session was before an event."""

    state: AgentSessionState
    since: int
    reason: str | None


_NO_FIGURES: Final = SessionFigures()


@dataclass(frozen=True, slots=True)
class AgentSession:
    """One session and its figures.

    Attributes:
        session_id: UUIDv7; a new login is a new session.
        agent: TAPI's agent, by the configured identity.
        group: The ACD group: the queue's name.
        address: What Asterisk dials.
        member: The member as last told.
        rules: The operator's choices.
        start_time: Instant of the login (SessionStartTime).
        state: AGENT_SESSION_STATE as last told.
        state_since: Instant at which it was entered, or first seen.
        wrap_up_limit: Microseconds of wrap-up that Asterisk enforces after a call; None where it is not known.
        unseen: Microseconds between the start and the first sight.
        changed_at: Instant of the last event; later ones are never told as earlier.
        reason: Of NOT_READY; else None.
        end_time: Instant of the logout; None while it lasts.
        calls: Open ACD calls, oldest first; an ended session may still have the one being talked.
        wrap_up: The running wrap-up.
        wrap_up_asked: The pause in force was set in a call or in its wrap-up.
        asked_until: Instant at which the wish for wrap-up was last taken back in a call; 0 before the first time.
        paused_since: Instant of the pause in force, or of its last change of reason.
        ready_asked: READY was asked for in a wrap-up that Asterisk still enforces.
        last_call_end: Instant at which talking last ended; 0 before the first.
        figures: The sums.
        time_in_state: Microseconds in each state that was left, indexed by the state's value.
        gaps: What is missing.
        told: Keys of calls and misses already counted, newest last.
        final_rate: ACDCallRate at the end; a call that is counted after it does not move it.
    """

    session_id: str
    agent: str
    group: str
    address: str
    member: Member
    rules: Rules
    start_time: int
    state: AgentSessionState
    state_since: int
    wrap_up_limit: int | None = None
    unseen: int = 0
    changed_at: int = 0
    reason: str | None = None
    end_time: int | None = None
    calls: tuple[Call, ...] = ()
    wrap_up: WrapUp | None = None
    wrap_up_asked: bool = False
    asked_until: int = 0
    paused_since: int = 0
    ready_asked: bool = False
    last_call_end: int = 0
    figures: SessionFigures = _NO_FIGURES
    time_in_state: tuple[int, ...] = (0, 0, 0, 0)
    gaps: tuple[Gap, ...] = ()
    told: tuple[tuple[str, ...], ...] = ()
    final_rate: float | None = None

    @property
    def paused_for_wrap_up(self) -> bool:
        """Whether the agent asked for wrap-up, by a pause with such a reason in a call or in its wrap-up."""
        return self.wrap_up_asked and self.member.paused and self.member.paused_reason in self.rules.wrap_up_reasons

    @property
    def deadline(self) -> int | None:
        """Instant at which the session changes by itself: the end of a wrap-up nobody prolongs."""
        return self.wrap_up.deadline if self.wrap_up and not self.paused_for_wrap_up else None

    def due_state(self) -> tuple[AgentSessionState, str | None]:
        """State and reason by what is known, in the order in which one thing outweighs the next."""
        if self.end_time is not None:
            return AgentSessionState.SESSION_ENDED, None
        if self.calls:
            return AgentSessionState.BUSY_ON_CALL, None
        if self.wrap_up:
            return AgentSessionState.BUSY_WRAPUP, None
        if self.member.paused:
            return AgentSessionState.NOT_READY, self.member.paused_reason
        if self.rules.unreachable_is_not_ready and self.member.device_state in UNREACHABLE:
            return AgentSessionState.NOT_READY, UNREACHABLE[self.member.device_state]
        return AgentSessionState.READY, None

    @property
    def pending_state(self) -> AgentSessionState | None:
        """The state that was asked for and comes when the call or the wrap-up is over; None if none was."""
        if self.state not in (AgentSessionState.BUSY_ON_CALL, AgentSessionState.BUSY_WRAPUP):
            return None
        if self.paused_for_wrap_up:
            wrapping = self.state is AgentSessionState.BUSY_WRAPUP
            return None if wrapping else AgentSessionState.BUSY_WRAPUP
        if self.member.paused:
            return AgentSessionState.NOT_READY
        return AgentSessionState.READY if self.ready_asked else None

    @property
    def first_seen(self) -> int:
        """Instant of the first sight: of the login, or of the list that showed it."""
        return self.start_time + self.unseen

    @property
    def unavailable_until(self) -> int | None:
        """Until when Asterisk passes the member over because of its last call; None where it does not.

        Source: ``is_member_available`` compares LastCall, in whole seconds, with the wrap-up time.
        """
        if self.member.last_call is None or not self.wrap_up_limit:
            return None
        return self.member.last_call + self.wrap_up_limit

    def available(self, now: int) -> bool:
        """Whether Asterisk would offer the member a call at *now*."""
        until = self.unavailable_until
        return (
            self.state is AgentSessionState.READY
            and not self.member.paused
            and self.member.device_free
            and (until is None or now >= until)
        )

    def duration(self, now: int) -> int:
        """Microseconds from the start to the end, or to *now* (SessionDuration)."""
        return max(0, (now if self.end_time is None else self.end_time) - self.start_time)

    def acd_call_rate(self, now: int) -> float:
        """Calls per hour of the session, without its gaps (ACDCallRate)."""
        if self.final_rate is not None:
            return self.final_rate
        return self.figures.acd_call_rate(self.duration(now) - self.unseen_time(now))

    def time_in(self, state: AgentSessionState, now: int) -> int:
        """Microseconds spent in *state* up to *now*; SESSION_ENDED takes none."""
        if state is AgentSessionState.SESSION_ENDED:
            return 0
        spent = self.time_in_state[state]
        return spent + max(0, now - self.state_since) if state is self.state else spent

    @property
    def complete(self) -> bool:
        """Whether nothing of the session is missing."""
        return not self.gaps

    def unseen_time(self, now: int) -> int:
        """Microseconds of gaps, overlaps once, within the session."""
        end = now if self.end_time is None else self.end_time
        missing, reached = 0, self.start_time
        for gap in sorted(self.gaps, key=lambda each: each.begin):
            begin = max(gap.begin, reached)
            reached = max(reached, min(gap.end, end))
            missing += max(0, reached - begin)
        return missing


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Something to tell of a session.

    Attributes:
        event: AGENT_SESSION_EVENT; None for an update: figures, reason or pending state changed, the state did not.
        occasion: When and why; ``at`` is never before the session's last event.
        previous: What it was before; None for NEW_SESSION.
        session: What it is now.
    """

    event: AgentSessionEvent | None
    occasion: Occasion
    previous: Previous | None
    session: AgentSession


def wrap_up_limit(member: Member, queue_limit: int | None) -> int | None:
    """Microseconds of wrap-up that Asterisk enforces for *member*; None where it is not known.

    The member's own, if not zero, holds; else the queue's (*queue_limit*, microseconds).
    """
    if member.wrap_up_time:
        return member.wrap_up_time * SECOND
    return queue_limit
