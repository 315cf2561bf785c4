"""Records everything Asterisk says, on a connection of its own: what the oracle judges by."""

import asyncio
import re
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.lab import pbx, wire
from tests.lab.asterisk import Asterisk, first_of

OPENED = "TapOpened"  # the recorder's own marks among the events
LOST = "TapLost"

# What the oracle has a use for; the rest, ten times as much, is in the raw file alone.
KEPT = re.compile(
    "Tap|Queue|Agent|Bridge(Enter|Leave)|Hangup$|BlindTransfer|AttendedTransfer|Local|Fully|Shutdown|Reload"
)


class Tap:
    """A recorder of what happens to queues, agents and calls, from `start` to `stop`, through restarts of Asterisk.

    At each login, and whenever `snapshot` is called, the members of all queues are asked for and recorded too, since
    static members have no event that tells of them.

    Attributes:
        events: What came, in order. List events have no Timestamp; theirs is this machine's clock at their arrival,
            which is Asterisk's clock as well.
    """

    def __init__(self, asterisk: Asterisk, raw: Path | None = None) -> None:
        """Describe a recorder; *raw* is a file for every byte Asterisk sends to it."""
        self._asterisk = asterisk
        self._raw = raw
        self._file: IO[bytes] | None = None
        self._link = wire.Link()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.events: list[wire.Message] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin to record; returns when the first snapshot is there."""
        if self._raw is not None:
            self._file = self._raw.open("ab")
        self._task = asyncio.create_task(self._run(), name="lab.tap")
        await self.ready()

    async def stop(self) -> None:
        """End the recording; stopping twice is harmless."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._link.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    async def ready(self, within: float = 30.0) -> None:
        """Wait until it is logged in and has a snapshot."""
        async with asyncio.timeout(within):
            await self._ready.wait()

    async def snapshot(self) -> None:
        """Record what QueueStatus says now. All that Asterisk had sent before is then recorded too."""
        for message in await self._link.ask("QueueStatus"):
            self._take(message)

    async def _run(self) -> None:
        while True:
            self._link = wire.Link(self._take, self._keep)
            try:
                await self._link.open(self._asterisk.port, pbx.TAP.name, pbx.TAP.secret, self._asterisk.host)
                await first_of(self._link.booted, self._link.lost)
                self._note(OPENED)
                await self.snapshot()
                self._ready.set()
                await self._link.lost.wait()
                self._note(LOST)
            except (OSError, wire.LinkLostError, wire.ActionRefusedError):
                await asyncio.sleep(0.02)  # nothing tells when Asterisk listens again
            finally:
                self._ready.clear()
                await self._link.close()

    def _note(self, event: str) -> None:
        self._take(wire.Message({"Event": event}))

    def _take(self, message: wire.Message) -> None:
        if not KEPT.match(message.event):
            return
        message.index = len(self.events)
        if message.at is None:
            message.at = time.time_ns() // 1000
        self.events.append(message)

    def _keep(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)
