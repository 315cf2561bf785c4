"""A gateway's end of the link for tests: a listener that writes everything down, and a client that runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from gateway.ami.client import AmiClient, AmiSettings, Pong
from gateway.ami.message import AmiMessage
from gateway.clock import Arrival, SystemClock
from tests.ami.scripted_asterisk import ScriptedAsterisk

_PATIENCE = 30.0  # seconds a test waits for what must come


class RecordingListener:
    """Writes down what it is told, in order, as pairs of a word and what came with it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.on_message: Callable[[AmiMessage], None] = lambda _: None
        self._changed = asyncio.Event()

    def ami_connected(self, greeting: str) -> None:
        """Write it down."""
        self.write("connected", greeting)

    def ami_message(self, message: AmiMessage) -> None:
        """Write it down, then let the test do something at this very place."""
        self.write("message", message)
        self.on_message(message)

    def ami_read(self, *, more: bool) -> None:
        """It is no fact of its own."""

    def ami_pong(self, pong: Pong) -> None:
        """Write it down."""
        self.write("pong", pong)

    def ami_disconnected(self, reason: str, last_contact: Arrival) -> None:
        """Write it down."""
        self.write("disconnected", (reason, last_contact))

    def ami_unreachable(self, reason: str) -> None:
        """Write it down."""
        self.write("unreachable", reason)

    def write(self, word: str, what: object) -> None:
        """Add a fact, a test's own ones included."""
        self.told.append((word, what))
        self._changed.set()

    def all(self, word: str) -> list[Any]:
        """What came with every fact of that name."""
        return [what for each, what in self.told if each == word]

    @property
    def words(self) -> list[str]:
        """The names of the facts in order."""
        return [word for word, _ in self.told]

    @property
    def events(self) -> list[str]:
        """The names of the events handed on, in order."""
        return [message.event for message in self.all("message")]

    async def until(self, word: str, count: int = 1) -> list[Any]:
        """Wait until *count* facts of that name are there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while len(self.all(word)) < count:
                    self._changed.clear()
                    await self._changed.wait()
        assert len(self.all(word)) >= count, f"waited in vain for {count} x {word}, got {self.told}"
        return self.all(word)

    async def until_event(self, name: str) -> None:
        """Wait until an event of that name was handed on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while name not in self.events:
                    self._changed.clear()
                    await self._changed.wait()
        assert name in self.events, f"waited in vain for {name}, got {self.events}"


def settings_for(asterisk: ScriptedAsterisk, **changes: Any) -> AmiSettings:
    """The way to *asterisk*, impatient enough for a test."""
    quick: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": asterisk.port,
        "username": asterisk.username,
        "secret": asterisk.secret,
        "backoff_initial": 0.01,
        "backoff_max": 0.05,
        "login_retry": 0.05,
    }
    return AmiSettings(**quick | changes)


@asynccontextmanager
async def running(
    asterisk: ScriptedAsterisk, listener: RecordingListener, *, login_ever_succeeded: bool = False, **changes: Any
) -> AsyncIterator[AmiClient]:
    """A client that tries to reach *asterisk* until the block ends."""
    client = AmiClient(
        settings_for(asterisk, **changes), listener, clock=SystemClock(), login_ever_succeeded=login_ever_succeeded
    )
    task = asyncio.create_task(client.run(), name="ami.run")
    try:
        yield client
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def linked(asterisk: ScriptedAsterisk, listener: RecordingListener, **changes: Any) -> AsyncIterator[AmiClient]:
    """A client that is logged in."""
    async with running(asterisk, listener, **changes) as client:
        await listener.until("connected")
        yield client


def pending(client: AmiClient) -> int:
    """How many actions the client's connection still waits for."""
    assert client._connection is not None
    return len(client._connection.protocol.responses)
