"""One timer, for the next thing that time alone brings."""

import asyncio
from collections.abc import Callable

from gateway.domain.instant import SECOND


class Alarm:
    """Goes off once at the instant that it was set for last.

    Args:
        now: The instant it is.
        act: Called when it goes off.
    """

    def __init__(self, now: Callable[[], int], act: Callable[[], None]) -> None:
        self._now = now
        self._act = act
        self._due: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due: int | None) -> None:
        """Go off at *due*, an instant, at once where that is past; None: not at all."""
        if due == self._due:
            return
        self.stop()
        if due is not None:
            self._due = due
            delay = max(0, due - self._now()) / SECOND
            self._timer = asyncio.get_running_loop().call_later(delay, self._go_off)

    def stop(self) -> None:
        """Do not go off."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_off(self) -> None:
        self._timer = self._due = None
        self._act()
