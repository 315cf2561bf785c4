"""Queues and their members as app_queue keeps them, in its units, and how it shows them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.simulate.channels import Channel
from gateway.simulate.wire import Fields

UNKNOWN: Final = 0
NOT_INUSE: Final = 1
INUSE: Final = 2
INVALID: Final = 4
UNAVAILABLE: Final = 5
RINGING: Final = 6
"""Device states."""

MOST_TEXT: Final = 79
"""Bytes that Asterisk keeps of a member's name, interface or pause reason."""

SERVICE_LEVEL: Final = 20
"""Seconds within which a caller should be answered."""


@dataclass(slots=True, eq=False)
class Member:
    """A member of one queue.

    Attributes:
        queue: The queue's name.
        name: MemberName.
        interface: Whom to dial.
        state_interface: Whose state counts.
        membership: ``static`` and ``dynamic`` members differ in whether they can be removed.
        login_time: Epoch seconds.
        penalty: Those with a lower one are rung first.
        calls_taken: Since the start.
        last_call: When its last call ended, epoch seconds; 0: never.
        last_pause: When it was paused last, likewise.
        in_call: Whether it talks for this queue.
        paused: Whether it is paused, with the reason.
        wrapuptime: Seconds; 0: the queue's.
    """

    queue: str
    name: str
    interface: str
    state_interface: str
    membership: Literal["static", "dynamic"]
    login_time: int
    penalty: int = 0
    calls_taken: int = 0
    last_call: int = 0
    last_pause: int = 0
    in_call: bool = False
    status: int = NOT_INUSE
    paused: bool = False
    paused_reason: str = ""
    wrapuptime: int = 0

    @property
    def is_reachable(self) -> bool:
        """Whether a call can come to its phone."""
        return self.status not in {UNAVAILABLE, INVALID}

    def event(self) -> Fields:
        """The body of a QueueMember... event."""
        names = [("Queue", self.queue), ("MemberName", self.name), ("Interface", self.interface)]
        *fields, wrapuptime = self._fields()
        return [*names, *fields, ("Ringinuse", "0"), wrapuptime]

    def entry(self) -> Fields:
        """The body of a QueueMember in the list."""
        return [("Queue", self.queue), ("Name", self.name), ("Location", self.interface), *self._fields()]

    def _fields(self) -> Iterator[tuple[str, str]]:
        yield "StateInterface", self.state_interface
        yield "Membership", self.membership
        yield "Penalty", str(self.penalty)
        yield "CallsTaken", str(self.calls_taken)
        yield "LastCall", str(self.last_call)
        yield "LastPause", str(self.last_pause)
        yield "LoginTime", str(self.login_time)
        yield "InCall", str(int(self.in_call))
        yield "Status", str(self.status)
        yield "Paused", str(int(self.paused))
        yield "PausedReason", self.paused_reason
        yield "Wrapuptime", str(self.wrapuptime)


@dataclass(slots=True, eq=False)
class Waiter:
    """A caller in a queue.

    Attributes:
        channel: The caller's.
        joined: When, microseconds since 1970.
        original: The position it came in at.
        ringing: What rings for it now; None: nothing.
        rests_until: Until then nothing is rung for it, microseconds since 1970.
    """

    channel: Channel
    joined: int
    original: int
    ringing: object | None = None
    rests_until: int = 0


@dataclass(slots=True, eq=False)
class Queue:
    """One queue.

    Attributes:
        name: Its name.
        exten: What reaches it in the dialplan.
        wrapuptime: Seconds.
        timeout: Seconds that a member's phone rings.
        members: In their order.
        waiting: The callers, the first one first.
        hold_time: Seconds, a moving average, as Asterisk reckons it.
        talk_time: Likewise.
        completed: Calls since the start.
        completed_in_time: Those answered within ``SERVICE_LEVEL``.
        abandoned: Callers who left without an agent.
        turn: Place among the members of the one who was rung last.
    """

    name: str
    exten: str
    wrapuptime: int
    timeout: int
    members: list[Member] = field(default_factory=list)
    waiting: list[Waiter] = field(default_factory=list)
    hold_time: int = 0
    talk_time: int = 0
    completed: int = 0
    completed_in_time: int = 0
    abandoned: int = 0
    turn: int = -1

    def member(self, interface: str) -> Member | None:
        """The member with an interface; case does not count."""
        folded = interface.lower()
        return next((member for member in self.members if member.interface.lower() == folded), None)

    def params(self) -> Fields:
        """The body of QueueParams."""
        left = self.completed + self.abandoned
        of_completed = 100 * self.completed_in_time / self.completed if self.completed else 0.0
        of_all = 100 * self.completed_in_time / left if left else 0.0
        return [
            ("Queue", self.name),
            ("Max", "0"),
            ("Strategy", "rrmemory"),
            ("Calls", str(len(self.waiting))),
            ("Holdtime", str(self.hold_time)),
            ("TalkTime", str(self.talk_time)),
            ("Completed", str(self.completed)),
            ("Abandoned", str(self.abandoned)),
            ("ServiceLevel", str(SERVICE_LEVEL)),
            ("ServicelevelPerf", f"{of_completed:.1f}"),
            ("ServicelevelPerf2", f"{of_all:.1f}"),
            ("Weight", "0"),
        ]

    def entries(self, now: int) -> Iterator[Fields]:
        """The bodies of QueueEntry. Here what is unknown stands without its brackets, and nothing is escaped."""
        for position, waiter in enumerate(self.waiting, 1):
            channel = waiter.channel
            yield [
                ("Queue", self.name),
                ("Position", str(position)),
                ("Channel", channel.name),
                ("Uniqueid", channel.uniqueid),
                ("CallerIDNum", channel.caller[0] or "unknown"),
                ("CallerIDName", channel.caller[1] or "unknown"),
                ("ConnectedLineNum", channel.connected[0] or "unknown"),
                ("ConnectedLineName", channel.connected[1] or "unknown"),
                ("Wait", str(seconds_between(waiter.joined, now))),
                ("Priority", "0"),
            ]

    def summary(self, now: int) -> Fields:
        """The body of QueueSummary."""
        reachable = [member for member in self.members if member.is_reachable]
        free = [member for member in reachable if member.status in {UNKNOWN, NOT_INUSE} and not member.paused]
        longest = seconds_between(self.waiting[0].joined, now) if self.waiting else 0
        return [
            ("Queue", self.name),
            ("LoggedIn", str(len(reachable))),
            ("Available", str(len(free))),
            ("Callers", str(len(self.waiting))),
            ("HoldTime", str(self.hold_time)),
            ("TalkTime", str(self.talk_time)),
            ("LongestHoldTime", str(longest)),
        ]


def seconds_between(start: int, end: int) -> int:
    """Whole seconds as Asterisk reckons most of them: the difference of two clock readings in whole seconds."""
    return end // 1_000_000 - start // 1_000_000


def moving_average(average: int, value: int) -> int:
    """What Asterisk makes of an average of seconds and a new value."""
    return (3 * average + value) // 4


def cut(text: str) -> str:
    """A text as far as Asterisk keeps it."""
    return text.encode("utf-8", "surrogateescape")[:MOST_TEXT].decode("utf-8", "replace")
