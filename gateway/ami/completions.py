"""AgentComplete: what it says, and which call it belongs to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.ami.members import number
from gateway.domain.call import Call, CallKey, EndedBy
from gateway.domain.instant import SECOND
from gateway.domain.member import membership_key

_ENDED_BY: Final = {"caller": EndedBy.CALLER, "agent": EndedBy.AGENT, "transfer": EndedBy.TRANSFER}

ANSWER_TOLERANCE: Final = 2 * SECOND
"""How far a completion that names no channel may be from the call it belongs to: TalkTime is in whole seconds, and
Asterisk begins and ends it at moments of its own."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One AgentComplete. Times are instants, durations microseconds at a second's grain; ``""`` names no channel."""

    queue: str
    interface: str
    uniqueid: str
    dest_uniqueid: str
    at: int
    talk_time: int | None
    hold_time: int | None
    ended_by: EndedBy | None

    @property
    def answered_at(self) -> int | None:
        """When the call was answered, at a second's grain."""
        return None if self.talk_time is None else self.at - self.talk_time


def completion(fields: Mapping[str, str], at: int) -> Completion:
    """What an AgentComplete says. Either channel block may be missing."""
    talk, hold = number(fields.get("talktime")), number(fields.get("holdtime"))
    return Completion(
        queue=fields.get("queue", ""),
        interface=fields.get("interface", ""),
        uniqueid=fields.get("uniqueid", ""),
        dest_uniqueid=fields.get("destuniqueid", ""),
        at=at,
        talk_time=None if talk is None else talk * SECOND,
        hold_time=None if hold is None else hold * SECOND,
        ended_by=_ENDED_BY.get(fields.get("reason", "")),
    )


@dataclass(eq=False, slots=True)
class TrackedCall:
    """A queue call as it is followed.

    Attributes:
        queue: As AgentConnect spells it.
        interface: Likewise.
        call: What the model is told of it.
        leg: Uniqueid of the channel whose talking counts: the agent's phone, as far as it is known.
        ends_with: Channels whose hang-up ends the talk.
        alone_since: When the leg was left without company, undecided yet whether for good.
        ended_at: When the talk ended.
        ended_by: By what was seen of the channels.
        transferred_to: Where to, if it was transferred.
        completion: Its AgentComplete, once it came.
        told: The end was told.
        closed: All was told.
    """

    queue: str
    interface: str
    call: Call
    leg: str
    ends_with: set[str]
    alone_since: int | None = None
    ended_at: int | None = None
    ended_by: EndedBy | None = None
    transferred_to: str | None = None
    completion: Completion | None = None
    told: bool = False
    closed: bool = False
    dests: set[str] = field(default_factory=set)

    @property
    def key(self) -> CallKey:
        """The call's identity."""
        return self.call.key

    @property
    def name(self) -> str:
        """The same as one text, with the membership: no header holds the end of a line."""
        return "\n".join((*membership_key(self.queue, self.interface), *self.call.key))


def match(complete: Completion, calls: Iterable[TrackedCall]) -> TrackedCall | None:
    """The call among *calls*, those of the completion's queue and interface, that it belongs to; None if none does.

    By the agent's channel first: a caller who was sent back into the queue is in two calls at once, and only the
    newer one's completion names that channel. By the caller's channel next, of ended calls the oldest first. One that
    names no channel of a known call belongs to the call that was answered when it says.
    """
    calls = list(calls)
    waiting = [each for each in calls if each.completion is None]
    if complete.dest_uniqueid:
        named = [each for each in calls if complete.dest_uniqueid in each.dests]
        if named:
            # Asterisk's handlers of transfer and hang-up may both complete one call: the first word counts.
            return named[-1] if named[-1].completion is None else None
    if complete.uniqueid:
        named = [each for each in calls if each.key.uniqueid == complete.uniqueid]
        if named:
            return min((each for each in named if each.completion is None), key=_oldest_ended_first, default=None)
    if complete.answered_at is None:
        return None
    answered_at = complete.answered_at
    near = [each for each in waiting if abs(_answered(each, answered_at) - answered_at) <= ANSWER_TOLERANCE]
    return min(near, key=_oldest_ended_first, default=None)


def _oldest_ended_first(call: TrackedCall) -> tuple[bool, int]:
    return call.ended_at is None, call.ended_at or 0


def _answered(call: TrackedCall, unknown: int) -> int:
    return unknown if call.call.answered_at is None else call.call.answered_at
