"""When to try the broker again, and when a takeover is a twin."""

from collections import deque
from collections.abc import Callable
from typing import Final

TAKEOVERS: Final = 3
TAKEOVER_SPAN: Final = 10.0  # seconds within which that many takeovers mean a twin


class Backoff:
    """Exponential wait with a ceiling and full jitter: many clients of one broker do not come back at once.

    Ten lines of our own: the libraries for it wrap a function to retry, and what is retried here is a state.
    """

    def __init__(self, initial: float, maximum: float, random: Callable[[], float]) -> None:
        """Wait up to *initial* seconds at first, up to *maximum* in the end; *random* is in [0, 1)."""
        self._initial = initial
        self._maximum = maximum
        self._random = random
        self._failures = 0

    def reset(self) -> None:
        """Begin again with short waits."""
        self._failures = 0

    def next_delay(self) -> float:
        """Seconds to wait after one more failure."""
        ceiling = min(self._maximum, self._initial * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return self._random() * ceiling


class TakeoverCounter:
    """Tells a twin, which takes the connection again and again, from one takeover."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=TAKEOVERS)

    def is_twin(self, at: float) -> bool:
        """Note a takeover at *at* seconds; True if it is one too many, and the count begins again."""
        self._times.append(at)
        if len(self._times) < TAKEOVERS or at - self._times[0] > TAKEOVER_SPAN:
            return False
        self._times.clear()
        return True
