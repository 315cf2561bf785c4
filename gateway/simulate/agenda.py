"""What is due when: a heap of happenings. The time is a value, moved by whoever runs it."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SECOND: Final = 1_000_000
"""Microseconds."""


@dataclass(order=True, slots=True)
class Happening:
    """Something that will happen, unless it is called off.

    Attributes:
        at: When, in microseconds since 1970.
        number: Of two at the same time, the one arranged first comes first.
        do: What it is; None once it has happened or was called off.
        due: When it was meant to: the same, or earlier where it was arranged for the past.
    """

    at: int
    number: int
    do: Callable[[], None] | None = field(compare=False)
    due: int = field(compare=False)

    def call_off(self) -> None:
        """Let it not happen; nothing if it has."""
        self.do = None


class Agenda:
    """Happenings in their order.

    Attributes:
        now: The present, in microseconds since 1970. It never goes back.
    """

    def __init__(self, start: int) -> None:
        self.now = start
        self._numbers = itertools.count()
        self._heap: list[Happening] = []

    def at(self, when: int, do: Callable[[], None]) -> Happening:
        """Arrange something; what is past already happens next."""
        happening = Happening(max(when, self.now), next(self._numbers), do, when)
        heapq.heappush(self._heap, happening)
        return happening

    def after(self, microseconds: int, do: Callable[[], None]) -> Happening:
        """Arrange something so much later than now."""
        return self.at(self.now + microseconds, do)

    @property
    def next_at(self) -> int | None:
        """When the next happening is due; None if there is none."""
        while self._heap and self._heap[0].do is None:
            heapq.heappop(self._heap)
        return self._heap[0].at if self._heap else None

    def run(self, until: int, limit: int | None = None, *, is_clock: bool = False) -> int:
        """Let happen what is due, each with ``now`` at its own time.

        Args:
            until: Microseconds since 1970; ``now`` is that afterwards, if all that is due has happened.
            limit: How many happenings at most, so that whoever runs it can do something else between.
            is_clock: That *until* is a clock's reading: then what is late happens now, and not in the past.

        Returns:
            How many have happened.
        """
        count = 0
        while (due := self.next_at) is not None and due <= until:
            if count == limit:
                return count
            happening = heapq.heappop(self._heap)
            self.now = max(self.now, until if is_clock else happening.at)
            do, happening.do = happening.do, None
            if do is not None:
                do()
            count += 1
        self.now = max(self.now, until)
        return count
