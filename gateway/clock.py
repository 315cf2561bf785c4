"""The one place where the time is read: once per read from a socket, and handed on as a value."""

import time
from typing import NamedTuple, Protocol


class Arrival(NamedTuple):
    """The moment the bytes that completed a message were read.

    Attributes:
        wall: Microseconds since the Unix epoch, by this machine's clock.
        steady: Microseconds of the monotonic clock (its zero means nothing).
    """

    wall: int
    steady: int


class Clock(Protocol):
    """Whatever can say what time it is: the system, or a test that moves it by hand."""

    def now(self) -> Arrival:
        """Both clocks at this moment, in microseconds."""
        ...


class SystemClock:
    """This machine's clocks."""

    def now(self) -> Arrival:
        """Wall and monotonic time, read one right after the other."""
        return Arrival(time.time_ns() // 1000, time.monotonic_ns() // 1000)
