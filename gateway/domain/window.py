"""The measurement period of an agent or a queue: the fixed window over which its figures are counted."""

from dataclasses import dataclass
from typing import Protocol

from gateway.domain.instant import SECOND


class Calendar(Protocol):
    """Knows the local days."""

    def day(self, instant: int) -> tuple[int, int]:
        """The instants at which the local day of *instant* begins and ends; 23 to 25 hours apart."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """One window. What happened at ``begin`` is in it, what happens at ``end`` is in the next.

    Attributes:
        begin: Instant.
        end: Instant.
        seconds: The period as it was set; None for the local day.
    """

    begin: int
    end: int
    seconds: int | None = None

    @property
    def length(self) -> int:
        """Whole seconds from begin to end (MeasurementPeriod)."""
        return (self.end - self.begin) // SECOND

    def following(self, now: int, calendar: Calendar) -> "Window":
        """The window of this kind in which *now*, an instant, lies; this one itself while it lasts.

        It never goes back: what comes late belongs to a window that is over.
        """
        if now < self.end:
            return self
        if self.seconds is None:
            return local_day(now, calendar)
        period = self.seconds * SECOND
        begin = self.begin + (now - self.begin) // period * period
        return Window(begin, begin + period, self.seconds)


def local_day(now: int, calendar: Calendar) -> Window:
    """The window that is kept unless another is set: the local day of *now*."""
    begin, end = calendar.day(now)
    return Window(begin, end)


def set_window(seconds: int, now: int) -> Window:
    """A window of *seconds*, more than zero, that begins *now* (put_MeasurementPeriod)."""
    return Window(now, now + seconds * SECOND, seconds)
