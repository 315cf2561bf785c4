"""The callers who wait in queues, as the log tells them: what a call's CONNECT does not repeat. Sans-I/O."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.queue_log.parse import Entry

MOST: Final = 20_000
"""Callers that are kept; past it the longest known go, whose leaving was missed."""

LEFT: Final = frozenset({
    "CONNECT", "ABANDON", "EXITEMPTY", "EXITWITHTIMEOUT", "EXITWITHKEY", "WITHDRAW", "SYSCOMPAT",
})  # fmt: skip
"""Events after which the caller waits no longer in that queue."""


class Waiter(NamedTuple):
    """One caller in one queue.

    Attributes:
        time: When the caller joined, seconds since the epoch.
        number: None if withheld or not logged.
        name: Likewise; only logged with ``log-caller-id-name``.
    """

    time: int
    number: str | None
    name: str | None


class WaitingCallers:
    """Is told every entry, live or read back, and knows who of them waits."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], Waiter] = {}

    def take(self, entry: Entry) -> None:
        """One entry, in the order of the log."""
        place = (entry.callid, entry.queue)
        if entry.event == "ENTERQUEUE":
            self._waiting.pop(place, None)
            self._waiting[place] = Waiter(entry.time, entry.text(1) or None, entry.text(3) or None)
            if len(self._waiting) > MOST:
                del self._waiting[next(iter(self._waiting))]
        elif entry.event in LEFT:
            self._waiting.pop(place, None)
        elif entry.event == "QUEUESTART":
            self._waiting.clear()

    def find(self, callid: str, queue: str) -> Waiter | None:
        """A caller who waits; None if none is known."""
        return self._waiting.get((callid, queue))

    def as_json(self) -> list[list[str | int | None]]:
        """What ``from_json`` takes."""
        return [[*place, *waiter] for place, waiter in self._waiting.items()]

    @classmethod
    def from_json(cls, rows: Iterable[tuple[str, str, int, str | None, str | None]]) -> "WaitingCallers":
        """Callers that were kept."""
        callers = cls()
        for callid, queue, time, number, name in rows:
            callers._waiting[callid, queue] = Waiter(time, number, name)
        return callers
