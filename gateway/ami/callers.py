"""Callers before they are answered: when each joined a queue, and when it was last offered to each member. Sans-I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Caller:
    joined: dict[str, int] = field(default_factory=dict)
    offered: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is kept of a caller: when it joined which queue; queue, interface and instant of its last offers."""

    joined: dict[str, int]
    offered: list[tuple[str, str, int]]


class Callers:
    """Instants by the caller's Uniqueid; forgotten when the caller's channel ends."""

    def __init__(self) -> None:
        self._callers: dict[str, _Caller] = {}

    def join(self, uniqueid: str, queue: str, at: int) -> None:
        """QueueCallerJoin: also of a caller who comes to the same queue again."""
        self._callers.setdefault(uniqueid, _Caller()).joined[queue] = at

    def found_waiting(self, uniqueid: str, queue: str, since: int) -> None:
        """QueueEntry of a list: counts only where no event told it better."""
        self._callers.setdefault(uniqueid, _Caller()).joined.setdefault(queue, since)

    def offer(self, uniqueid: str, queue: str, interface: str, at: int) -> None:
        """AgentCalled: the last one for a member counts."""
        self._callers.setdefault(uniqueid, _Caller()).offered[queue, interface] = at

    def joined(self, uniqueid: str, queue: str) -> int | None:
        """When the caller joined the queue; None if that was not seen."""
        caller = self._callers.get(uniqueid)
        return caller.joined.get(queue) if caller else None

    def offered(self, uniqueid: str, queue: str, interface: str) -> int | None:
        """When the member was last rung for the caller; None if that was not seen."""
        caller = self._callers.get(uniqueid)
        return caller.offered.get((queue, interface)) if caller else None

    def hang_up(self, uniqueid: str) -> None:
        """The caller's channel ended."""
        self._callers.pop(uniqueid, None)

    def dump(self) -> dict[str, Waiting]:
        """All that is known, to be kept over a restart."""
        return {
            uniqueid: Waiting(dict(caller.joined), [(*who, at) for who, at in caller.offered.items()])
            for uniqueid, caller in self._callers.items()
        }

    def restore(self, callers: Mapping[str, Waiting]) -> None:
        """Go on from what was kept."""
        for uniqueid, waiting in callers.items():
            offered = {(queue, interface): at for queue, interface, at in waiting.offered}
            self._callers[uniqueid] = _Caller(dict(waiting.joined), offered)

    def keep_only(self, channels: set[str]) -> None:
        """After a loss: forget the callers that are no longer there."""
        for uniqueid in [each for each in self._callers if each not in channels]:
            del self._callers[uniqueid]
