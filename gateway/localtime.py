"""Local days and local times of day, by the time zone of this process."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Final

from gateway.domain.instant import SECOND

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


class LocalTime:
    """A calendar over instants.

    Args:
        wall: Turns an instant into a time of day, microseconds since the epoch.
        from_wall: Turns that back.
    """

    def __init__(self, wall: Callable[[int], int], from_wall: Callable[[int], int]) -> None:
        self._wall = wall
        self._from_wall = from_wall

    def day(self, instant: int) -> tuple[int, int]:
        """The instants at which the local day of *instant* begins and ends; 23 to 25 hours apart."""
        today = self._local(instant).date()
        return self._at(datetime.combine(today, time())), self._at(datetime.combine(today + _DAY, time()))

    def next_time(self, instant: int, at: time) -> int:
        """The first instant after *instant* at which the local clock shows *at*.

        Where summer time skips it, the next minute that exists; where the clock shows it twice, the first.
        """
        day = self._local(instant).date()
        while (found := self._at(datetime.combine(day, at))) <= instant:
            day += _DAY
        return found

    def _local(self, instant: int) -> datetime:
        return datetime.fromtimestamp(self._wall(instant) / SECOND)  # noqa: DTZ006 - local time is what is asked for

    def _at(self, local: datetime) -> int:
        """The instant at which the local clock shows *local*, or the first minute after it that exists."""
        while datetime.fromtimestamp(local.timestamp()) != local:  # noqa: DTZ006 - local time is what is asked for
            local += _MINUTE
        return self._from_wall(round(local.timestamp()) * SECOND)
