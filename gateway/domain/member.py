"""What is known of a queue member: the facts of Asterisk that a session's state is worked out from."""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from sys import intern
from typing import NamedTuple


class DeviceState(IntEnum):
    """Asterisk's ``enum ast_device_state``, as in the header ``Status`` of member events."""

    UNKNOWN = 0
    NOT_INUSE = 1
    INUSE = 2
    BUSY = 3
    INVALID = 4
    UNAVAILABLE = 5
    RINGING = 6
    RINGINUSE = 7
    ONHOLD = 8


UNREACHABLE = {DeviceState.INVALID: "device invalid", DeviceState.UNAVAILABLE: "device unavailable"}
"""Device states in which no call can reach the agent, and the reason told for them."""

_FREE = (DeviceState.UNKNOWN, DeviceState.NOT_INUSE)


class MembershipKey(NamedTuple):
    """A membership as Asterisk tells memberships apart: queue and interface without regard to ASCII case."""

    queue: str
    interface: str


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fold(name: str) -> str:
    """*name* as Asterisk compares it: ASCII letters lowered, all others as they are (strcasecmp)."""
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


@lru_cache(maxsize=1 << 10)
def _fold_queue(name: str) -> str:
    """One text for all members of a queue."""
    return fold(name)


@lru_cache(maxsize=1 << 12)
def membership_key(queue: str, interface: str) -> MembershipKey:
    """The key of the membership of *interface* in *queue*, in whatever case they are written."""
    return MembershipKey(_fold_queue(queue), intern(fold(interface)))


@dataclass(frozen=True, slots=True)
class Member:
    """One member of one queue, as an event or a list told it.

    Attributes:
        queue: The queue's name as Asterisk spells it.
        interface: What Asterisk dials; TAPI's address.
        member_name: The agent's name; the interface where none was given.
        state_interface: The device whose state counts.
        membership: ``dynamic``, ``static`` or ``realtime``.
        penalty: The lower, the sooner offered calls.
        paused: Whether Asterisk offers it no calls.
        paused_reason: Why; None where no reason was given.
        device_state: State of ``state_interface``.
        in_call: Asterisk's own idea of a queue call in progress; a hint only. None where not told (before 13.8).
        wrap_up_time: Member's own wrap-up limit, whole seconds; 0: the queue's holds. None where not told.
        last_call: Instant at which the last call ended that Asterisk counted, whole seconds; None: none.
        login_time: Instant at which Asterisk made the member, whole seconds; None where not told (before 16.23).
        login_stamp: The same as it was told, seconds by Asterisk's clock: tells one login from another, which an
            instant cannot once that clock was set.
        last_pause: Instant of the last order to pause, whole seconds; None: never, or not told (before 14).
        reason_told: Whether ``paused_reason`` was told; before 13.8 only the event of a pause does.
    """

    queue: str
    interface: str
    member_name: str
    state_interface: str
    membership: str = "dynamic"
    penalty: int = 0
    paused: bool = False
    paused_reason: str | None = None
    device_state: DeviceState = DeviceState.UNKNOWN
    in_call: bool | None = None
    wrap_up_time: int | None = None
    last_call: int | None = None
    login_time: int | None = None
    login_stamp: int | None = None
    last_pause: int | None = None
    reason_told: bool = True

    @property
    def key(self) -> MembershipKey:
        """What tells this membership from every other."""
        return membership_key(self.queue, self.interface)

    @property
    def device_free(self) -> bool:
        """Whether the device could ring now; Asterisk rings one whose state it does not know."""
        return self.device_state in _FREE
