"""A caller in a queue, and the ways in which one leaves it."""

from dataclasses import dataclass
from enum import StrEnum


class WayOut(StrEnum):
    """How a caller left a queue, by the names of the contract's queue events."""

    CONNECTED = "CONNECTED"
    ABANDONED = "ABANDONED"
    TIMED_OUT = "TIMED_OUT"
    EMPTY = "EMPTY"
    KEY = "KEY"
    WITHDRAWN = "WITHDRAWN"


class Direction(StrEnum):
    """Who dialled a call that came by no queue."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


@dataclass(frozen=True, slots=True)
class WaitingCaller:
    """A caller who waits. A ringing call still waits.

    Attributes:
        uniqueid: ``Uniqueid`` of the caller's channel.
        joined_at: Instant at which the waiting began.
        linkedid: Asterisk's ``Linkedid``; None where it is not told.
        number: Caller number as Asterisk had it; None if withheld or empty.
        name: Caller name, likewise.
        position: Place in the queue as last told, from 1; None where it is not told.
    """

    uniqueid: str
    joined_at: int
    linkedid: str | None = None
    number: str | None = None
    name: str | None = None
    position: int | None = None
