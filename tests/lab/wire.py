"""An AMI client of the lab's own, small enough to be seen through: frames, one connection, actions, events.

It knows nothing of the gateway and uses no AMI library, so that what the lab says does not depend on what it judges.
"""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Final

END: Final = b"\r\n\r\n"
ANSWER_WITHIN: Final = 30.0  # seconds
LINE_LIMIT: Final = 16 * 1024 * 1024


class ActionRefusedError(Exception):
    """Asterisk answered ``Response: Error``; the text is Asterisk's."""


class LinkLostError(Exception):
    """The connection ended."""


class Message(dict[str, str]):
    """One AMI message: header to value. A repeated header's values are joined by a line feed, in wire order.

    Attributes:
        at: The ``Timestamp`` header in integer microseconds since 1970, or None where there is none.
        index: Its place among all messages of its connection, from 0.
        arrived: Reading of the loop's clock when it was complete, in seconds.
    """

    __slots__ = ("arrived", "at", "index")

    def __init__(self, headers: dict[str, str], *, index: int = 0, arrived: float = 0.0) -> None:
        super().__init__(headers)
        self.index = index
        self.arrived = arrived
        stamp = headers.get("Timestamp")
        self.at = microseconds(stamp) if stamp and "Event" in headers else None

    @property
    def event(self) -> str:
        """The event's name, or an empty string for an answer."""
        return self.get("Event", "")

    @property
    def time(self) -> int:
        """The ``Timestamp`` in microseconds, where there must be one."""
        assert self.at is not None, f"no Timestamp in {self!r}"
        return self.at


def microseconds(stamp: str) -> int:
    """Return ``sec.usec`` as whole microseconds, without passing through a float."""
    seconds, _, fraction = stamp.partition(".")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or "0")


def parse(raw: bytes) -> dict[str, str]:
    """Return the headers of one message, given without the empty line that ends it."""
    headers: dict[str, str] = {}
    for line in raw.decode("utf-8", "surrogateescape").split("\r\n"):
        key, colon, value = line.partition(":")
        if colon:
            value = value.removeprefix(" ")
            headers[key] = f"{headers[key]}\n{value}" if key in headers else value
    return headers


def encode(headers: dict[str, str | list[str]]) -> bytes:
    """Return an action as bytes; a list repeats its header."""
    lines = []
    for key, value in headers.items():
        lines += [f"{key}: {one}" for one in ([value] if isinstance(value, str) else value)]
    return ("\r\n".join(lines)).encode() + END


class Link:
    """One logged-in AMI connection.

    Args:
        on_message: Called with every message that is not an answer, at once and in wire order.
        on_bytes: Called with every piece of the stream as it came.
    """

    def __init__(
        self,
        on_message: Callable[[Message], None] = lambda _: None,
        on_bytes: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._on_message = on_message
        self._on_bytes = on_bytes
        self._ids = itertools.count(1)
        self._waiting: dict[str, tuple[asyncio.Future[list[Message]], list[Message]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._count = itertools.count()
        self.lost = asyncio.Event()
        self.booted = asyncio.Event()

    async def open(self, port: int, username: str, secret: str, host: str = "127.0.0.1") -> None:
        """Connect and log in.

        Raises:
            OSError: Nobody listens.
            LinkLostError: The connection ended before the login was answered.
            ActionRefusedError: The login was refused.
        """
        reader, self._writer = await asyncio.open_connection(host, port, limit=LINE_LIMIT)
        banner = await reader.readline()
        if not banner:
            raise LinkLostError("no banner")
        self._task = asyncio.create_task(self._read(reader), name=f"lab.link.{username}")
        await self.ask("Login", Username=username, Secret=secret)

    async def close(self) -> None:
        """Close the connection; closing twice is harmless."""
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def ask(self, action: str, **headers: str | list[str]) -> list[Message]:
        """Send an action and return the answer, followed by the events of its list if it has one.

        Raises:
            ActionRefusedError: Asterisk said no.
            LinkLostError: The connection ended first.
            TimeoutError: No answer within `ANSWER_WITHIN` seconds.
        """
        if self._writer is None or self.lost.is_set():
            raise LinkLostError(action)
        action_id = f"lab-{next(self._ids)}"
        future: asyncio.Future[list[Message]] = asyncio.get_running_loop().create_future()
        self._waiting[action_id] = (future, [])
        self._writer.write(encode({"Action": action, "ActionID": action_id, **headers}))
        async with asyncio.timeout(ANSWER_WITHIN):
            answer = await future
        if answer[0].get("Response") == "Error":
            raise ActionRefusedError(answer[0].get("Message", ""))
        return answer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        buffer = b""
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(1 << 16):
                self._on_bytes(data)
                *whole, buffer = (buffer + data).split(END)
                for raw in whole:
                    if raw.strip():
                        self._take(Message(parse(raw.lstrip(b"\r\n")), index=next(self._count), arrived=loop.time()))
        except OSError:
            pass  # a reset is as good an end as any
        finally:
            self.lost.set()
            for future, _ in self._waiting.values():
                if not future.done():
                    future.set_exception(LinkLostError("the connection ended"))
            self._waiting.clear()

    def _take(self, message: Message) -> None:
        waiting = self._waiting.get(message.get("ActionID", ""))
        if message.event == "FullyBooted":
            self.booted.set()
        if waiting is None:
            self._on_message(message)
            return
        future, answer = waiting
        if message.event == "OriginateResponse":  # carries its action's id, long after the answer
            self._on_message(message)
            return
        answer.append(message)
        is_list = answer[0].get("EventList") == "start"
        if not is_list or message.get("EventList") == "Complete":
            del self._waiting[message["ActionID"]]
            if not future.done():
                future.set_result(answer)
