"""Work in pieces, so that Asterisk has peace between two lists, and others their turns on the loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from gateway.ami.message import AmiMessage
from gateway.domain.instant import SECOND

SLICE: Final = 0.02
"""Seconds of work without giving anybody else a turn."""

LONGEST_REST: Final = 1.0
"""Seconds of rest at most, however long Asterisk took."""


class Pace:
    """Rests after each list in proportion to the time that Asterisk took, as it holds a queue's lock while it lists it.

    Args:
        rest: Seconds of rest for each second that Asterisk took.
    """

    def __init__(self, rest: float) -> None:
        self._rest = rest

    async def keep(self, ask: Callable[[], Awaitable[Sequence[AmiMessage]]]) -> Sequence[AmiMessage]:
        """Ask, rest, and return the answer."""
        answer = await ask()
        # What came in one piece came while we were busy, and Asterisk at rest.
        took = answer[-1].arrival.steady - answer[0].arrival.steady
        if took > 0:
            await asyncio.sleep(min(self._rest * took / SECOND, LONGEST_REST))
        return answer


class Slices:
    """Gives others a turn when work has gone on for long enough.

    Attributes:
        cancelled: Whether the task was cancelled where that had to wait.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self._since = asyncio.get_running_loop().time()

    async def turn(self, *, whole: Callable[[], bool] = lambda: False) -> None:
        """Give others a turn if it is time.

        Where *whole* says that the work must not stay half done, a cancellation makes it go on without a pause; it is
        for the caller to look at ``cancelled`` in the end.
        """
        loop = asyncio.get_running_loop()
        if self.cancelled or loop.time() - self._since < SLICE:
            return
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if not whole():
                raise
            self.cancelled = True
        self._since = loop.time()
