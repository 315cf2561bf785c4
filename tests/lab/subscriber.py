"""A subscriber: everything a gateway publishes, as it comes, on a connection of its own."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiomqtt

WITHIN = 30.0  # seconds that a wait lasts unless it is told otherwise


@dataclass(frozen=True, slots=True)
class Received:
    """A message: its topic without the base, the bytes, whether it was a retained one, and the loop's clock."""

    topic: str
    payload: bytes
    retained: bool
    arrived: float

    @property
    def json(self) -> Any:
        """The payload as JSON, None if it is empty."""
        return json.loads(self.payload) if self.payload else None


class Subscriber:
    """Subscribes to all below a base with QoS 1 and keeps what comes, in order.

    Attributes:
        messages: Everything so far.
        latest: By topic, the last message.
        own: Topics and payloads of what it has published itself.
    """

    def __init__(self, port: int, base: str, *, filters: str = "#", host: str = "127.0.0.1") -> None:
        """Describe it; *base* is ``{prefix}/{node}``."""
        self._address = (host, port)
        self._base = base
        self._filter = f"{base}/{filters}"
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._news: list[asyncio.Future[None]] = []
        self.messages: list[Received] = []
        self.latest: dict[str, Received] = {}
        self.own: set[tuple[str, bytes]] = set()

    async def __aenter__(self) -> Self:
        host, port = self._address
        self._client = aiomqtt.Client(host, port, protocol=aiomqtt.ProtocolVersion.V5, clean_start=True)
        await self._client.__aenter__()
        await self._client.subscribe(self._filter, qos=1)
        self._task = asyncio.create_task(self._read(), name="lab.subscriber")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await self._task
        if self._client is not None:
            with suppress(aiomqtt.MqttError):
                await self._client.__aexit__(None, None, None)

    async def publish(self, topic: str, payload: str | bytes, **arguments: Any) -> None:
        """Publish below the base with QoS 1; further arguments are aiomqtt's."""
        assert self._client is not None
        self.own.add((topic, payload.encode() if isinstance(payload, str) else payload))
        await self._client.publish(f"{self._base}/{topic}", payload, qos=1, **arguments)

    async def wait_for(
        self, matches: Callable[[Received], bool], *, since: int = 0, within: float = WITHIN
    ) -> Received:
        """Return the first message from place *since* on that matches, waiting for it if need be.

        Raises:
            TimeoutError: If none comes in time.
        """
        place = since
        async with asyncio.timeout(within):
            while True:
                for message in self.messages[place:]:
                    if matches(message):
                        return message
                place = max(place, len(self.messages))
                news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._news.append(news)
                await news

    async def shown(
        self, topic: str, matches: Callable[[Any], object] = lambda _: True, *, within: float = WITHIN
    ) -> Any:
        """Return what a topic shows, as JSON, once that is there and matches: at once if it does so already.

        An event comes before the retained messages that have it, and those of several topics come in any order: what
        is awaited is what is judged, and nothing that was told beside it.

        Raises:
            TimeoutError: If it does not come to match in time; the text has what was shown then.
        """

        def is_so(message: Received) -> bool:
            return message.topic == topic and bool(message.payload and matches(message.json))

        latest = self.latest.get(topic)
        if latest is None or not is_so(latest):
            try:
                latest = await self.wait_for(is_so, since=len(self.messages), within=within)
            except TimeoutError:
                last = self.latest.get(topic)
                raise TimeoutError(f"{topic} shows {None if last is None else last.payload!r}") from None
        return latest.json

    async def _read(self) -> None:
        assert self._client is not None
        loop = asyncio.get_running_loop()
        async for message in self._client.messages:
            topic = str(message.topic).removeprefix(f"{self._base}/")
            received = Received(topic, bytes(message.payload), bool(message.retain), loop.time())
            self.messages.append(received)
            self.latest[topic] = received
            waiting, self._news = self._news, []
            for news in waiting:
                if not news.done():
                    news.set_result(None)
