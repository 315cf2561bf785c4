"""The line of instants: Asterisk's time stamps onto it, times of day from it, and where "now" stands on it.

Asterisk's clock may be set while calls are being talked. Instants follow it as long as it runs evenly; where it jumps,
they do not, so that differences stay durations. A jump is told by Pongs alone: how far Asterisk's time stamp is from
the middle of the round trip by our monotonic clock. An event that comes late looks like a jump, and is none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

STEP: Final = 500_000
"""Microseconds by which the clock must have moved between two Pongs to have been set; less is drift."""

SHORT_ROUND_TRIP: Final = 250_000
"""Microseconds; a longer round trip says too little about when Asterisk answered."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Asterisk's clock was set.

    Attributes:
        at: Instant at which that was seen.
        by: Microseconds it jumped forward, negative for back.
    """

    at: int
    by: int


class Timeline:
    """Turns the time stamps of one Asterisk into instants and back.

    Args:
        steady: A reading of this machine's monotonic clock, microseconds.
        wall: Its time of day at that reading, microseconds since the epoch: the best guess before the first Pong.
    """

    def __init__(self, *, steady: int, wall: int) -> None:
        self.steps: list[ClockStep] = []
        self._base = wall - steady
        self._shift = 0
        self._measured = False
        self._latest = 0

    def restore(self, steps: Iterable[ClockStep]) -> None:
        """Go on from the steps of an earlier life, before the first time stamp."""
        self.steps = list(steps)
        self._shift = sum(step.by for step in self.steps)
        self._base -= self._shift

    def now(self, steady: int) -> int:
        """The instant at which the monotonic clock showed *steady*."""
        now = steady + self._base
        if now > self._latest:  # noqa: PLR1730 - of what is done for each event, this is called most
            self._latest = now
        return now

    def pong(self, *, sent: int, received: int, timestamp: int) -> ClockStep | None:
        """Take one round trip: sent and received by the monotonic clock, *timestamp* by Asterisk's.

        Returns:
            The step of Asterisk's clock that it shows, or None.
        """
        middle = (sent + received) // 2
        moved = timestamp - self._shift - middle - self._base
        short = received - sent <= SHORT_ROUND_TRIP
        if not self._measured:
            if short:
                self._base += moved
                self._measured = True
            return None
        if not short:
            return None
        if abs(moved) <= STEP:
            self._base += moved
            return None
        step = ClockStep(self.now(received), moved)
        self.steps.append(step)
        self._shift += moved
        return step

    def lag(self, timestamp: int, steady: int) -> int | None:
        """Microseconds by which an event stamped *timestamp* came late at *steady*, unless Asterisk's clock was set.

        None where it was never measured.
        """
        return self.now(steady) - timestamp + self._shift if self._measured else None

    def instant(self, timestamp: int, steady: int) -> int:
        """The instant of an event that Asterisk stamped *timestamp*, and that came at *steady*.

        Around a step either side of it may be meant: the nearer to the arrival is.
        """
        instant = timestamp - self._shift
        if not self.steps:
            return instant
        now = self.now(steady)
        before = instant + self.steps[-1].by
        # Equally near, it is the one that has been: nothing arrives before it happens.
        return min((instant, before), key=lambda each: (abs(each - now), each > now))

    def from_wall(self, wall: int) -> int:
        """The instant of a time of day that Asterisk told of something past, microseconds since the epoch.

        A clock that was set back shows some times twice: the later one is meant, unless it has not come yet.
        """
        shift = self._shift
        for step in reversed(self.steps):
            if step.at <= wall - shift <= self._latest:
                break
            shift -= step.by
        return wall - shift

    def wall(self, instant: int) -> int:
        """The time of day at *instant* by Asterisk's clock, microseconds since the epoch."""
        if not self.steps:
            return instant
        return instant + sum(step.by for step in self.steps if step.at <= instant)
