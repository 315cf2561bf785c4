"""What is kept of what is over, for reports: sessions, calls, and the time not ready or wrapping up. Plain data.

Times are times of day, microseconds since the Unix epoch: whoever reads a report knows no clock of a running gateway.
"""

from dataclasses import dataclass, field

from gateway.domain.figures import SessionFigures


@dataclass(frozen=True, slots=True)
class ArchivedSession:
    """A session that has ended.

    Attributes:
        session_id: Its UUID.
        agent: Its agent.
        group: Its group.
        address: Its address.
        started: When it began.
        first_seen: When it was first seen; before that no state is known.
        ended: When it ended.
        unseen: Microseconds of its gaps.
        figures: Its sums.
        time_in_state: Microseconds in each state, indexed by the state's value.
    """

    session_id: str
    agent: str
    group: str
    address: str
    started: int
    first_seen: int
    ended: int
    unseen: int
    figures: SessionFigures
    time_in_state: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a session was NOT_READY for one reason, or BUSY_WRAPUP.

    Attributes:
        session_id: Of the session.
        state: AGENT_SESSION_STATE.
        began: When.
        ended: When.
        reason: Of NOT_READY; None for none.
    """

    session_id: str
    state: int
    began: int
    ended: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class ArchivedCall:
    """A call that was handled; nothing of its caller.

    Attributes:
        session_id: Of the session in which it counts.
        uniqueid: Of the caller's channel.
        dest_uniqueid: Of the agent's.
        began: When the talking began, or was found.
        ended: When it ended.
        talk_time: Microseconds; None where the begin was not seen.
        time_to_answer: Likewise, as the figures count it.
        ring_time: Likewise.
    """

    session_id: str
    uniqueid: str
    dest_uniqueid: str
    began: int
    ended: int
    talk_time: int | None
    time_to_answer: int | None
    ring_time: int | None


@dataclass(slots=True)
class Archive:
    """What one burst ended.

    Attributes:
        sessions: By id; a call that ends after its session changes it once more.
        spells: In the order in which they ended.
        calls: Likewise.
        forget_before: Time of day; some of what ended before it may go. None: not now.
    """

    sessions: dict[str, ArchivedSession] = field(default_factory=dict)
    spells: list[Spell] = field(default_factory=list)
    calls: list[ArchivedCall] = field(default_factory=list)
    forget_before: int | None = None

    def __bool__(self) -> bool:
        return bool(self.sessions or self.spells or self.calls or self.forget_before is not None)
