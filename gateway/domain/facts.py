"""What the agent handler is told, and what it answers: facts in, outcomes out. All frozen, all in the past tense."""

from collections.abc import Container
from dataclasses import dataclass

from gateway.domain.agent import AgentEvent, AgentRefreshed, AgentRemoved
from gateway.domain.call import Call, CallKey, EndedBy
from gateway.domain.caller import Direction, WaitingCaller, WayOut
from gateway.domain.group import GroupEvent, GroupRefreshed
from gateway.domain.member import Member
from gateway.domain.queue import CallerEvent, QueueEvent, QueueRefreshed
from gateway.domain.session import AgentSession, Occasion, SessionEvent


@dataclass(frozen=True, slots=True)
class MemberAdded:
    """Somebody logged in: QueueMemberAdded."""

    member: Member
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class MemberTold:
    """Any other event with a member's whole body; *pause_told* for that of a pause or unpause."""

    member: Member
    occasion: Occasion
    pause_told: bool = False


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    """Somebody logged out: QueueMemberRemoved; *login_stamp* of the member that was removed, where it is told."""

    queue: str
    interface: str
    occasion: Occasion
    login_stamp: int | None = None


@dataclass(frozen=True, slots=True)
class MembersListed:
    """All members of *queue* at the moment in which Asterisk sent the list; an unknown queue has none.

    *calls*: interface and call for each call found open that no event had told.
    """

    queue: str
    members: tuple[Member, ...]
    occasion: Occasion
    calls: tuple[tuple[str, Call], ...] = ()


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """Agent and caller were bridged."""

    queue: str
    interface: str
    call: Call
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The agent's talking ended, at the occasion's instant exactly.

    *answered_at*, *time_to_answer*: of a call found open, where they came to be known since.
    """

    queue: str
    interface: str
    key: CallKey
    occasion: Occasion
    answered_at: int | None = None
    time_to_answer: int | None = None


@dataclass(frozen=True, slots=True)
class CallClosed:
    """All that will be told of an ended call is known now."""

    queue: str
    interface: str
    key: CallKey
    ended_by: EndedBy | None
    transferred_to: str | None


@dataclass(frozen=True, slots=True)
class CallMissed:
    """The agent was rung and did not answer; *attempt* tells this ringing from every other."""

    queue: str
    interface: str
    attempt: tuple[str, ...]
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class ContactLost:
    """From *begin* to *end* (instants) nothing could be seen, because of *why*."""

    begin: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class SessionGap:
    """From *begin* to *end* (instants) something of one session may have been missed, because of *why*."""

    queue: str
    interface: str
    begin: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class AsteriskRestarted:
    """A new Asterisk answers; the old one was last heard at *last_contact*. Members have until *deadline* to return."""

    last_contact: int
    deadline: int


@dataclass(frozen=True, slots=True)
class WrapUpConfigured:
    """What is known of the wrap-up of *queue*, in microseconds; None where it is not."""

    queue: str
    limit: int | None


@dataclass(frozen=True, slots=True)
class TimePassed:
    """It is now *now*."""

    now: int


@dataclass(frozen=True, slots=True)
class CallerJoined:
    """A caller began to wait in *queue*, at its ``joined_at``. Told again of one who waits, it counts nothing."""

    queue: str
    caller: WaitingCaller
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """A caller waits in *queue* no longer.

    *caller*: as it is known to whoever tells: its ``joined_at`` is what the wait is measured from, its ``position`` is
    that at the end. *key*: what it pressed, where that is the way out.
    """

    queue: str
    caller: WaitingCaller
    way: WayOut
    occasion: Occasion
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CallerGone:
    """A caller's channel ended: no further queue will see it."""

    uniqueid: str
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class ChannelsListed:
    """The ``Uniqueid`` of every channel that there was at one moment."""

    channels: Container[str]
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class QueueListed:
    """A queue as a list showed it at one moment: who waits in it, and the threshold of its service level (µs).

    *late*: for how long the list may have been on its way, microseconds: by as much may who waits have joined earlier.
    """

    queue: str
    waiting: tuple[WaitingCaller, ...]
    service_level: int | None
    occasion: Occasion
    late: int = 0


@dataclass(frozen=True, slots=True)
class QueueGone:
    """A queue is no longer there."""

    queue: str
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class DeviceCallBegan:
    """A call that came by no queue is on the agent's device: it dialled, or it answered.

    *address*: the device, as a session's address or state interface names it; *uniqueid*: of the device's channel.
    """

    address: str
    uniqueid: str
    direction: Direction
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class DeviceCallEnded:
    """Such a call is over; *answered*: somebody was talked with, so that it was handled."""

    uniqueid: str
    answered: bool
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class HintTold:
    """The extension that *hint*, a state interface, names has the hint of these *devices*, folded."""

    hint: str
    devices: frozenset[str]
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class PeriodSet:
    """The measurement period of an agent or of a queue was set to *seconds*, more than zero; the other is None."""

    agent: str | None
    queue: str | None
    seconds: int
    occasion: Occasion


MemberFact = MemberAdded | MemberTold | MemberRemoved | MembersListed
CallFact = CallAnswered | CallEnded | CallClosed | CallMissed
WorldFact = ContactLost | SessionGap | AsteriskRestarted | WrapUpConfigured
SessionFact = MemberFact | CallFact | WorldFact | TimePassed
QueueFact = CallerJoined | CallerLeft | CallerGone | ChannelsListed | QueueListed | QueueGone
AgentFact = DeviceCallBegan | DeviceCallEnded | HintTold
Fact = SessionFact | QueueFact | AgentFact | PeriodSet


@dataclass(frozen=True, slots=True)
class SessionRefreshed:
    """Something changed that is worth a snapshot and no event: device, penalty, availability, a gap."""

    session: AgentSession


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One ACD call handled. *session* is the one it counted into; talk in microseconds, None where unknown."""

    session: AgentSession
    call: Call
    ended_at: int
    talk_time: int | None
    ended_by: EndedBy | None
    transferred_to: str | None
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class ListWanted:
    """The members of *queue* must be listed (again) at once before anything is concluded."""

    queue: str


QueueOutcome = QueueEvent | CallerEvent | QueueRefreshed | GroupEvent | GroupRefreshed
SessionOutcome = SessionEvent | SessionRefreshed | CallRecord
AgentOutcome = AgentEvent | AgentRefreshed | AgentRemoved
Outcome = SessionOutcome | AgentOutcome | ListWanted | QueueOutcome
