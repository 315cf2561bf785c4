"""A first look through a log: whom it names, and which interface is whose.

The log calls a member by its interface when it logs in and out, and by its name in everything else, and nowhere says
which interface has which name. Who is named in a queue must be logged in there: an interface that is not cannot be
his. Where that leaves one interface for one name they are one member; where it leaves several, nobody guesses.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from gateway.domain.member import fold

NAMED: Final = frozenset({b"CONNECT", b"RINGNOANSWER", b"PAUSE", b"UNPAUSE"})
"""Events that name a member who is one."""

LATE: Final = 120
"""Seconds after a logout in which a call that rang before it may still be answered or given up."""

UNKNOWN: Final = "?"
"""Begins what stands for the interface of a member that no login names; a number makes it one of its own."""

_FIELDS: Final = 5
_TIME_DIGITS: Final = range(1, 13)


class Arrival(NamedTuple):
    """A member whose login the log does not tell: there since *time* (seconds), its first line or the log's."""

    time: int
    queue: str
    interface: str
    name: str


class _Queue:
    """Who is logged in, by folded interface; *version* tells when that changed."""

    __slots__ = ("added", "leaving", "left", "members", "name", "named", "version")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: set[str] = set()
        self.added: set[str] = set()
        self.left: set[str] = set()
        self.leaving: dict[str, int] = {}
        self.named: dict[str, int] = {}
        self.version = 0


class _Named:
    """Somebody whom a queue's lines name."""

    __slots__ = ("name", "queue", "version")

    def __init__(self, queue: _Queue, name: str) -> None:
        self.queue = queue
        self.name = name
        self.version = -1


class Names:
    """Is told all lines, in order.

    Args:
        known: Names by interface, where somebody knows better.
        until: Lines of this second and later are not looked at; None: all are.

    Attributes:
        lines: How many entries there were.
        first: Time of the earliest, seconds; None if there was none.
        last: Of the latest.
        garbage: Lines that are none.
    """

    def __init__(self, known: Mapping[str, str] | None = None, *, until: int | None = None) -> None:
        self.lines = self.garbage = 0
        self.first: int | None = None
        self.last = 0
        self._known = {fold(interface): name for interface, name in (known or {}).items()}
        self._until = until
        self._queues: dict[str, _Queue] = {}
        self._raw: dict[bytes, _Queue] = {}
        self._named: dict[tuple[bytes, bytes], _Named] = {}
        self._candidates: dict[str, set[str]] = {}
        self._spelled: dict[str, str] = {}

    def take(self, lines: Iterable[bytes]) -> None:
        """Some lines, without their ends."""
        first, last, count, until = self.first, self.last, 0, self._until
        for line in lines:
            fields = line.strip(b"\r\n\0").split(b"|", _FIELDS)
            if len(fields) < _FIELDS or not fields[0].isdigit() or len(fields[0]) not in _TIME_DIGITS or not fields[4]:
                self.garbage += bool(line)
                continue
            time = int(fields[0])
            if until is not None and time >= until:
                continue
            count += 1
            last = max(last, time)
            if first is None or time < first:
                first = time
            event = fields[4]
            if event in NAMED:
                named = self._named.get((fields[2], fields[3]))
                if named is None:
                    named = self._add_name(fields[2], fields[3], time)
                if named.version != named.queue.version:
                    self._narrow(named, time)
            elif event == b"ADDMEMBER":
                self._login(fields[2], fields[3])
            elif event == b"REMOVEMEMBER":
                self._logout(fields[2], fields[3], time)
        self.first, self.last = first, last
        self.lines += count

    def _queue(self, raw: bytes) -> _Queue:
        queue = self._raw.get(raw)
        if queue is None:
            name = raw.decode("utf-8", "replace")
            queue = self._raw[raw] = self._queues.setdefault(fold(name), _Queue(name))
        return queue

    def _add_name(self, queue: bytes, agent: bytes, time: int) -> _Named:
        found = self._named[queue, agent] = _Named(self._queue(queue), agent.decode("utf-8", "replace"))
        found.queue.named.setdefault(found.name, time)
        return found

    def _narrow(self, named: _Named, time: int) -> None:
        queue = named.queue
        queue.leaving = {each: left for each, left in queue.leaving.items() if left + LATE >= time}
        here = queue.members | queue.leaving.keys()
        candidates = self._candidates.get(named.name)
        self._candidates[named.name] = here if candidates is None else candidates & here
        if not queue.leaving:
            named.version = queue.version

    def _interface(self, raw: bytes) -> str:
        text = raw.decode("utf-8", "replace")
        folded = fold(text)
        self._spelled.setdefault(folded, text)
        return folded

    def _login(self, queue_: bytes, agent: bytes) -> None:
        queue, interface = self._queue(queue_), self._interface(agent)
        queue.members.add(interface)
        queue.added.add(interface)
        queue.leaving.pop(interface, None)
        queue.version += 1

    def _logout(self, queue_: bytes, agent: bytes, time: int) -> None:
        queue, interface = self._queue(queue_), self._interface(agent)
        if interface not in queue.added and interface not in queue.left:
            # It was there from the beginning, so that everybody named so far may be the one.
            queue.left.add(interface)
            for name in queue.named:
                self._candidates.setdefault(name, set()).add(interface)
        queue.members.discard(interface)
        queue.leaving[interface] = time
        queue.version += 1

    # What follows --------------------------------------------------------------------------------------------------

    def resolve(self) -> "Directory":
        """Who is who, by all lines told."""
        names = {interface: self._known[interface] for interface in self._spelled if interface in self._known}
        taken = set(names.values())
        for interface, text in self._spelled.items():
            if text in self._candidates and interface not in names:
                names[interface] = text  # the log names members alike everywhere
                taken.add(text)
        open_ = {name: found - names.keys() for name, found in self._candidates.items() if name not in taken}
        while True:
            alone: dict[str, list[str]] = {}
            for name, found in open_.items():
                if len(found) == 1:
                    alone.setdefault(next(iter(found)), []).append(name)
            sure = {interface: who[0] for interface, who in alone.items() if len(who) == 1}
            if not sure:
                break
            names |= sure
            open_ = {name: found - sure.keys() for name, found in open_.items() if name not in sure.values()}
        unsure = sorted({self._spelled[interface] for found in open_.values() for interface in found})
        return self._directory(names, unsure)

    def _directory(self, names: Mapping[str, str], unsure: list[str]) -> "Directory":
        of_name: dict[str, set[str]] = {}
        for interface, name in names.items():
            of_name.setdefault(name, set()).add(interface)
        arrivals: list[Arrival] = []
        for queue in self._queues.values():
            arrivals += (
                Arrival(self.first or 0, queue.name, self._spelled[each], names.get(each, self._spelled[each]))
                for each in sorted(queue.left)
            )
            arrivals += (
                Arrival(time, queue.name, f"{UNKNOWN}{number}", name)
                for number, (name, time) in enumerate(queue.named.items())
                if not any(each in queue.added or each in queue.left for each in of_name.get(name, ()))
            )
        arrivals.sort(key=lambda each: each.time, reverse=True)
        return Directory(
            {each: (text, names.get(each, text)) for each, text in self._spelled.items()}, arrivals, unsure
        )


class Directory(NamedTuple):
    """Who is who.

    Attributes:
        members: Interface as it is spelled, and name, by the folded text with which logins name a member.
        arrivals: Members whose login is not told, the latest first.
        unsure: Interfaces of which it is not sure whose they are; their sessions stand under the interface.
    """

    members: Mapping[str, tuple[str, str]]
    arrivals: list[Arrival]
    unsure: list[str]
