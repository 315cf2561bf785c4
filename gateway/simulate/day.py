"""The day of the people: shifts, lunch, opening hours; and how fast it goes by.

The simulated day has no night: when it is over the next begins.
"""

from dataclasses import dataclass
from typing import Final

from gateway.simulate.agenda import SECOND, Agenda

HOUR: Final = 3600.0
BEGINS: Final = 8.5 * HOUR
OPENS: Final = 9 * HOUR
CLOSES: Final = 17.5 * HOUR
ENDS: Final = 18 * HOUR
"""Seconds after midnight."""

LENGTH: Final = ENDS - BEGINS


@dataclass(frozen=True, slots=True)
class Shift:
    """When somebody works, in seconds after midnight; lunch is when it begins."""

    begins: float
    ends: float
    lunch: float


def shift(number: int) -> Shift:
    """The shift of one of many: two of three come early, and lunch is in three sittings."""
    lunch = 12 * HOUR + number % 3 * HOUR / 2
    if number % 3 == 2:  # noqa: PLR2004
        return Shift(10 * HOUR, 17.75 * HOUR, lunch + HOUR / 2)
    return Shift(8.75 * HOUR, 17 * HOUR, lunch)


class Day:
    """A day that began some time before now.

    Args:
        agenda: Whose time it is.
        start: The time of day now, in seconds after midnight.
        speed: How many of its seconds go by in one.
    """

    def __init__(self, agenda: Agenda, start: float, speed: float) -> None:
        self._agenda = agenda
        self._speed = speed
        self._origin = agenda.now - round((min(max(start, BEGINS), ENDS) - BEGINS) / speed * SECOND)

    @property
    def time(self) -> float:
        """The time of day, in seconds after midnight."""
        return BEGINS + (self._agenda.now - self._origin) / SECOND * self._speed % LENGTH

    @property
    def is_open(self) -> bool:
        """Whether there is somebody to call."""
        return OPENS <= self.time < CLOSES

    def is_in(self, of: Shift) -> bool:
        """Whether it is a shift's time."""
        return of.begins <= self.time < of.ends

    def lasts(self, seconds: float) -> int:
        """Microseconds in which so many seconds of the day go by."""
        return round(seconds / self._speed * SECOND)

    def whole_seconds(self, seconds: float) -> int:
        """The same in whole seconds, for what Asterisk has in no other unit: one at least."""
        return max(1, round(seconds / self._speed))

    def next_instant(self, time: float) -> int | None:
        """When it is a time of this day; None if that is over."""
        ahead = time - self.time
        return None if ahead < 0 else self._agenda.now + self.lasts(ahead)

    def next_begins(self) -> int:
        """When the next day begins."""
        return self._agenda.now + max(1, self.lasts(ENDS - self.time))
