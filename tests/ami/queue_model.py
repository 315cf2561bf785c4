"""Queues and their members as Asterisk keeps them, small: enough to answer queue actions as it does.

Texts, field order and what differs between versions are those of ``apps/app_queue.c`` and of recordings of
Asterisk 16.28 and 22.10; for 13 (13.8 and later) the fields that it does not have yet are left out.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Fields = list[tuple[str, str]]
Event = tuple[str, Fields]

_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
_MAX_TEXT = 79  # bytes of names and reasons


class QueueError(Exception):
    """Asterisk's words when it does not do what is asked."""


@dataclass
class Member:
    """A member of one queue, in Asterisk's units: epoch seconds, and device states as integers (1 is free)."""

    queue: str
    name: str
    interface: str
    state_interface: str = ""
    membership: str = "dynamic"
    penalty: int = 0
    calls_taken: int = 0
    last_call: int = 0
    last_pause: int = 0
    login_time: int = 0
    in_call: int = 0
    status: int = 1
    paused: bool = False
    paused_reason: str = ""
    ringinuse: int = 0
    wrapuptime: int = 0


@dataclass
class Queue:
    """One queue: its settings as ``QueueParams`` shows them, members in their order, and who waits.

    Attributes:
        waiting: Each caller's QueueEntry fields, without ``Queue`` and ``Position``.
    """

    name: str
    members: list[Member] = field(default_factory=list)
    waiting: list[dict[str, str]] = field(default_factory=list)
    strategy: str = "ringall"
    completed: int = 0
    abandoned: int = 0


class QueueModel:
    """All queues of one Asterisk.

    Methods that change something return the events Asterisk sends for it, in order.
    """

    def __init__(self, version: int = 22, now: Callable[[], float] = time.time) -> None:
        self.version = version
        self.now = now
        self.queues: dict[str, Queue] = {}

    def add_queue(self, name: str, *members: Member) -> Queue:
        """Make a queue as its configuration would, without an event."""
        queue = self.queues[name.lower()] = Queue(name)
        for member in members:
            member.state_interface = member.state_interface or member.interface
            member.login_time = member.login_time or int(self.now())
            queue.members.append(member)
        return queue

    def find(self, queue: str, interface: str) -> Member:
        """The member, as QueuePause finds it: neither name is case-sensitive."""
        for member in self.queues[queue.lower()].members:
            if member.interface.lower() == interface.lower():
                return member
        raise KeyError((queue, interface))

    def add(self, queue: str, interface: str, **options: str) -> list[Event]:
        """QueueAdd. Options by their lower-case AMI names."""
        if not queue:
            raise QueueError("'Queue' not specified.")
        if not interface:
            raise QueueError("'Interface' not specified.")
        if queue.lower() not in self.queues:
            raise QueueError("Unable to add interface to queue: No such queue")
        found = self.queues[queue.lower()]
        if any(member.interface.lower() == interface.lower() for member in found.members):
            raise QueueError("Unable to add interface: Already there")
        paused = _is_true(options.get("paused", ""))
        member = Member(
            queue=found.name,
            name=_cut(options.get("membername") or interface),
            interface=_cut(interface),
            state_interface=_cut(options.get("stateinterface") or interface),
            penalty=_number(options.get("penalty", "")),
            paused=paused,
            paused_reason=_cut(options.get("reason", "")) if self.version >= 22 else "",
            last_pause=int(self.now()) if paused else 0,
            login_time=int(self.now()),
            wrapuptime=_number(options.get("wrapuptime", "")),
        )
        found.members.append(member)
        return self._events("QueueMemberAdded", [member])

    def remove(self, queue: str, interface: str) -> list[Event]:
        """QueueRemove."""
        if not queue or not interface:
            raise QueueError("Need 'Queue' and 'Interface' parameters.")
        if queue.lower() not in self.queues:
            raise QueueError("Unable to remove interface from queue: No such queue")
        try:
            member = self.find(queue, interface)
        except KeyError:
            raise QueueError("Unable to remove interface: Not there") from None
        if member.membership != "dynamic":
            raise QueueError("Member not dynamic")
        self.queues[queue.lower()].members.remove(member)
        return self._events("QueueMemberRemoved", [member])

    def pause(self, interface: str, paused: str, queue: str = "", reason: str = "") -> list[Event]:
        """QueuePause: in one queue, or in all where *queue* is empty. Tells also what was so before."""
        if not interface or not paused:
            raise QueueError("Need 'Interface' and 'Paused' parameters.")
        members = [
            member
            for each in self.queues.values()
            for member in each.members
            if queue.lower() in {"", each.name.lower()} and member.interface.lower() == interface.lower()
        ]
        if not members:
            raise QueueError("Interface not found")
        for member in members:
            member.paused = _is_true(paused)
            if member.paused:
                member.last_pause = int(self.now())
            member.paused_reason = _cut(reason) if member.paused or self.version >= 22 else ""
        events = self._events("QueueMemberPause", members)
        if reason and self.version < 18:
            for _, fields in events:
                fields.append(("Reason", _cut(reason)))
        if not _is_true(paused):
            for member in members:
                member.paused_reason = ""
        return events

    def set_status(self, interface: str, status: int) -> list[Event]:
        """The device of a member changes its state: told once for each of his queues."""
        changed = [
            member
            for queue in self.queues.values()
            for member in queue.members
            if member.interface == interface and member.status != status
        ]
        for member in changed:
            member.status = status
        return self._events("QueueMemberStatus", changed)

    def status_list(self, queue: str = "", wanted: str = "") -> Iterator[Event]:
        """The events of QueueStatus, without its end."""
        for each in self.queues.values():
            if queue.lower() not in {"", each.name.lower()}:
                continue
            yield "QueueParams", self._params(each)
            for member in each.members:
                if wanted in {"", member.interface, member.name}:
                    yield "QueueMember", self._list_fields(member)
            for position, caller in enumerate(each.waiting, start=1):
                yield "QueueEntry", [("Queue", each.name), ("Position", str(position)), *caller.items()]

    def member_fields(self, member: Member) -> Fields:
        """The body that all QueueMember... events share."""
        fields = [
            ("Queue", member.queue),
            ("MemberName", member.name),
            ("Interface", member.interface),
            *self._common_fields(member),
        ]
        fields.insert(-1 if self.version >= 16 else len(fields), ("Ringinuse", str(member.ringinuse)))
        return fields

    def _events(self, name: str, members: list[Member]) -> list[Event]:
        # A text that the cut to 79 bytes left as no UTF-8 makes Asterisk lose the event.
        return [(name, self.member_fields(member)) for member in members if "\ufffd" not in member.paused_reason]

    def _list_fields(self, member: Member) -> Fields:
        return [
            ("Queue", member.queue),
            ("Name", member.name),
            ("Location", member.interface),
            *self._common_fields(member),
        ]

    def _common_fields(self, member: Member) -> Fields:
        since = {"LastPause": 14, "LoginTime": 16, "Wrapuptime": 16}
        fields = [
            ("StateInterface", member.state_interface),
            ("Membership", member.membership),
            ("Penalty", str(member.penalty)),
            ("CallsTaken", str(member.calls_taken)),
            ("LastCall", str(member.last_call)),
            ("LastPause", str(member.last_pause)),
            ("LoginTime", str(member.login_time)),
            ("InCall", str(member.in_call)),
            ("Status", str(member.status)),
            ("Paused", str(int(member.paused))),
            ("PausedReason", member.paused_reason),
            ("Wrapuptime", str(member.wrapuptime)),
        ]
        return [(name, value) for name, value in fields if self.version >= since.get(name, 0)]

    def _params(self, queue: Queue) -> Fields:
        return [
            ("Queue", queue.name),
            ("Max", "0"),
            ("Strategy", queue.strategy),
            ("Calls", str(len(queue.waiting))),
            ("Holdtime", "0"),
            ("TalkTime", "0"),
            ("Completed", str(queue.completed)),
            ("Abandoned", str(queue.abandoned)),
            ("ServiceLevel", "20"),
            ("ServicelevelPerf", "0.0"),
            *([("ServicelevelPerf2", "0.0")] if self.version >= 15 else []),
            ("Weight", "0"),
        ]


def _cut(text: str) -> str:
    return text.encode("utf-8", "surrogateescape")[:_MAX_TEXT].decode("utf-8", "replace")


def _is_true(text: str) -> bool:
    return text.lower() in _TRUE


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
