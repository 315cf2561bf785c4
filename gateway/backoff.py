"""How long to wait before a lost link is tried again.

Ten lines of our own: the libraries for it wrap a function to be called again, and what is made anew here is a state
that lasts for days.
"""

from collections.abc import Callable


class Backoff:
    """Exponential delays with a cap and full jitter: each is drawn from zero to its bound.

    Full jitter keeps several gateways of one Asterisk, cut off at one moment, from coming back at one moment.
    """

    def __init__(self, initial: float, maximum: float, random: Callable[[], float]) -> None:
        """Take the bounds.

        Args:
            initial: Seconds, the first delay's bound; it doubles with every attempt.
            maximum: Seconds, where the bound stops growing.
            random: Gives numbers from 0 up to 1.
        """
        self._initial = initial
        self._maximum = maximum
        self._random = random
        self._bound = initial

    def next(self) -> float:
        """Seconds to wait now."""
        bound = min(self._bound, self._maximum)
        self._bound = min(self._bound * 2, self._maximum)
        return self._random() * bound

    def reset(self) -> None:
        """Begin again with the shortest delay: things work."""
        self._bound = self._initial
