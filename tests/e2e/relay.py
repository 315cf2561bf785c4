"""A relay in front of Asterisk that cuts the connection in the middle of an event, and lets nobody in until told."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class Relay:
    """Passes bytes both ways between whoever connects and a port on loopback.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut_at: bytes | None = None
        self._cut: asyncio.Event = asyncio.Event()
        self._open = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()

    async def cut_in(self, event: bytes, *, within: float = 20.0) -> None:
        """Cut in the middle of the next event whose text has *event*, and let nobody in until ``mend``."""
        self._cut_at, self._open = event, False
        self._cut.clear()
        async with asyncio.timeout(within):
            await self._cut.wait()

    def mend(self) -> None:
        """Let them in again."""
        self._open = True

    def retarget(self, port: int) -> None:
        """Pass on to another port from the next connection on."""
        self._target_port = port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open and self._cut_at is None:
            writer.close()
            return
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.close()
            return
        ways = [
            asyncio.create_task(self._pass_on(reader, to_writer, cut=False), name="relay.up"),
            asyncio.create_task(self._pass_on(to_reader, writer, cut=True), name="relay.down"),
        ]
        self._tasks.update(ways)
        with suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        self._tasks.difference_update(ways)
        for each in (writer, to_writer):
            each.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cut: bool) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if cut and self._cut_at is not None and (place := data.find(self._cut_at)) >= 0:
                    writer.write(data[: place + len(self._cut_at)])
                    await writer.drain()
                    self._cut_at = None
                    self._cut.set()
                    return
                writer.write(data)
                await writer.drain()
