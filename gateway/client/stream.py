"""Events on their way to the program that asked for them."""

import asyncio
from collections import deque
from typing import Final, Self

from gateway.client.news import Event, Overrun

LIMIT: Final = 10_000
"""Events that may wait; past it the oldest go, counted and told."""


class EventStream:
    """An asynchronous iterator over events, from the moment it is made until the client is closed."""

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[Event] = deque()
        self._dropped = 0
        self._closed = False
        self._news = asyncio.Event()

    def put(self, event: Event) -> None:
        """Let an event wait its turn."""
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(event)
        self._news.set()

    def close(self) -> None:
        """Nothing more will come; what waits is still handed out."""
        self._closed = True
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting and not self._closed:
            self._news.clear()
            await self._news.wait()
        if self._dropped:
            overrun, self._dropped = Overrun(self._dropped), 0
            return overrun
        if self._waiting:
            return self._waiting.popleft()
        raise StopAsyncIteration
