"""An ACD call as one session sees it: from the answer to the end of the agent's talking."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class CallKey(NamedTuple):
    """What tells an ACD call from every other at one membership: the caller answered twice is two calls.

    Attributes:
        uniqueid: ``Uniqueid`` of the caller's channel at AgentConnect (queue_log's callid).
        dest_uniqueid: ``DestUniqueid`` of AgentConnect (the second datum of queue_log's CONNECT).
    """

    uniqueid: str
    dest_uniqueid: str


class EndedBy(StrEnum):
    """Who or what ended a call."""

    CALLER = "caller"
    AGENT = "agent"
    TRANSFER = "transfer"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Call:
    """An answered ACD call. Times are instants, durations microseconds; None is not known.

    Attributes:
        key: Its identity.
        linkedid: Asterisk's ``Linkedid`` of the caller; None before 13.5.
        caller_number: As Asterisk had it; None if withheld or empty.
        caller_name: Likewise.
        queued_at: When the caller joined the queue.
        offered_at: When this agent's device was last rung for it.
        answered_at: When caller and agent were bridged. None for a call found already open.
        found_at: When such a call was found; else None.
        time_to_answer: As the figures count it.
        ring_time: From ``offered_at`` to the answer.
    """

    key: CallKey
    linkedid: str | None = None
    caller_number: str | None = None
    caller_name: str | None = None
    queued_at: int | None = None
    offered_at: int | None = None
    answered_at: int | None = None
    found_at: int | None = None
    time_to_answer: int | None = None
    ring_time: int | None = None
