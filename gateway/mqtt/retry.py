"""When a takeover is a twin."""

from collections import deque
from typing import Final

TAKEOVERS: Final = 3
TAKEOVER_SPAN: Final = 10.0  # seconds within which that many takeovers mean a twin


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
