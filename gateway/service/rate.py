"""How fast commands may come: a second's worth at once, and from then on so many a second."""

from typing import Final

_SECOND: Final = 1_000_000


class Rate:
    """A store of places that fills by itself, reckoned in whole numbers so that nothing gets lost."""

    def __init__(self) -> None:
        self._missing = 0  # places times a million
        self._looked_at = 0

    def take(self, places: int, now: int, *, per_second: int) -> bool:
        """Take *places* if there is one at all: those that there are not are made up for before the next is given.

        Args:
            places: How many.
            now: Microseconds of the monotonic clock.
            per_second: How many come back in a second, and how many there are at rest.
        """
        self._missing = max(0, self._missing - max(0, now - self._looked_at) * per_second)
        self._looked_at = now
        if self._missing > (per_second - 1) * _SECOND:
            return False
        self._missing += places * _SECOND
        return True
