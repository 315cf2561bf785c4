"""Callers before they are answered: when each joined a queue, and when it was last offered to each member. Sans-I/O."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Caller:
    joined: dict[str, int] = field(default_factory=dict)
    offered: dict[tuple[str, str], int] = field(default_factory=dict)
    legs: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is kept of a caller: when it joined which queue; queue, interface and instant of its last offers."""

    uniqueid: str
    joined: dict[str, int]
    offered: list[tuple[str, str, int]]


class Callers:
    """Instants by the caller's Uniqueid; forgotten when the caller's channel ends."""

    def __init__(self) -> None:
        self._callers: dict[str, _Caller] = {}
        self._of_leg: dict[str, str] = {}
        self._absent: set[str] = set()
        self._changed: set[str] = set()

    def join(self, uniqueid: str, queue: str, at: int) -> None:
        """QueueCallerJoin: also of a caller who comes to the same queue again."""
        self._callers.setdefault(uniqueid, _Caller()).joined[queue] = at
        self._changed.add(uniqueid)

    def found_waiting(self, uniqueid: str, queue: str, since: int) -> None:
        """QueueEntry of a list: counts only where no event told it better."""
        self._callers.setdefault(uniqueid, _Caller()).joined.setdefault(queue, since)
        self._changed.add(uniqueid)

    def offer(self, uniqueid: str, queue: str, interface: str, at: int, *, leg: str = "") -> None:
        """AgentCalled: the last one for a member counts. *leg*: the channel that rings."""
        caller = self._callers.setdefault(uniqueid, _Caller())
        caller.offered[queue, interface] = at
        self._changed.add(uniqueid)
        if leg:
            caller.legs.add(leg)
            self._of_leg[leg] = uniqueid

    def joined(self, uniqueid: str, queue: str) -> int | None:
        """When the caller joined the queue; None if that was not seen."""
        caller = self._callers.get(uniqueid)
        return caller.joined.get(queue) if caller else None

    def offered(self, uniqueid: str, queue: str, interface: str) -> int | None:
        """When the member was last rung for the caller; None if that was not seen."""
        caller = self._callers.get(uniqueid)
        return caller.offered.get((queue, interface)) if caller else None

    def is_known(self, uniqueid: str) -> bool:
        """Whether the channel is a caller's."""
        return uniqueid in self._callers

    def is_offered(self, uniqueid: str) -> bool:
        """Whether a channel that was rung for the caller is still there."""
        caller = self._callers.get(uniqueid)
        return caller is not None and bool(caller.legs)

    def hang_up(self, uniqueid: str) -> bool:
        """A channel ended. Returns whether it was a caller's."""
        of = self._of_leg.pop(uniqueid, None)
        if of is not None and of in self._callers:
            self._callers[of].legs.discard(uniqueid)
        caller = self._callers.pop(uniqueid, None)
        if caller is None:
            return False
        for leg in caller.legs:
            del self._of_leg[leg]
        self._absent.discard(uniqueid)
        self._changed.add(uniqueid)
        return True

    def take_changed(self) -> dict[str, Waiting | None]:
        """What is known of those that changed since the last call, by Uniqueid; None for one that is there no more."""
        changed, self._changed = self._changed, set()
        return {uniqueid: self._waiting(uniqueid) for uniqueid in changed}

    def _waiting(self, uniqueid: str) -> Waiting | None:
        caller = self._callers.get(uniqueid)
        if caller is None:
            return None
        return Waiting(uniqueid, dict(caller.joined), [(*who, at) for who, at in caller.offered.items()])

    def restore(self, callers: Iterable[Waiting]) -> None:
        """Go on from what was kept."""
        for waiting in callers:
            offered = {(queue, interface): at for queue, interface, at in waiting.offered}
            self._callers[waiting.uniqueid] = _Caller(dict(waiting.joined), offered)

    def sweep(self, channels: Container[str]) -> list[str]:
        """Forget the callers who are not among *channels*, and were not the last time: an event may be behind a list.

        Returns:
            Who was forgotten.
        """
        absent = {uniqueid for uniqueid in self._callers if uniqueid not in channels}
        gone = sorted(absent & self._absent)
        for leg in [leg for leg in self._of_leg if leg not in channels]:
            self._callers[self._of_leg.pop(leg)].legs.discard(leg)
        for uniqueid in gone:
            self.hang_up(uniqueid)
        self._absent = absent.difference(gone)
        return gone
