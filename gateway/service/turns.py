"""Turns: commands to one interface run one after another, in the order in which they came."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from gateway.domain.member import fold
from gateway.service.answers import Code, CommandError


class Turns:
    """Who is waiting to order something of which interface.

    Args:
        timeout: Seconds that anybody waits for the turn: nothing is kept for later than a commander would expect.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._waiting: dict[str, deque[Turn]] = {}

    def take(self, interface: str) -> "Turn":
        """Stand in line now: ``async with`` the turn waits for it, and ``leave`` gives it up."""
        line = self._waiting.setdefault(fold(interface), deque())
        turn = Turn(self, interface, self._timeout)
        line.append(turn)
        if line[0] is turn:
            turn.come()
        return turn

    def leave(self, turn: "Turn") -> None:
        """Let the next come, if *turn* had come; else the line closes up."""
        key = fold(turn.interface)
        line = self._waiting.get(key)
        if line is None or turn not in line:
            return
        was_first = line[0] is turn
        line.remove(turn)
        if not line:
            del self._waiting[key]
        elif was_first:
            line[0].come()


class Turn:
    """One place in the line of ``interface``."""

    def __init__(self, turns: Turns, interface: str, timeout: float) -> None:
        self.interface = interface
        self._turns = turns
        self._timeout = timeout
        self._has_come = asyncio.Event()

    def come(self) -> None:
        """It is this one's turn."""
        self._has_come.set()

    def leave(self) -> None:
        """Give it up, whether it has come or not; a second time does nothing."""
        self._turns.leave(self)

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._timeout):
                await self._has_come.wait()
        except TimeoutError:
            self.leave()
            raise CommandError(
                Code.TIMEOUT, f"the commands to {self.interface} before this one took too long: it was not passed on"
            ) from None
        except BaseException:  # cancelled: nobody else would give the place up
            self.leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
