"""The shell: the manager interface on a TCP port, and the clock that moves the PBX."""

import asyncio
import hashlib
import logging
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from gateway.simulate.actions import BANNER, DENIED, Actions, Answer
from gateway.simulate.agenda import SECOND, Agenda
from gateway.simulate.wire import Action, ActionDecoder, Event, encode

_log = logging.getLogger(__name__)

READ: Final = frozenset({"agent", "call", "system"})
WRITE: Final = frozenset({"agent", "reporting", "config"})

MOST_UNREAD: Final = 64 * 1024 * 1024
"""Bytes that may wait for a client who does not read, before it is cut off."""

_AT_ONCE: Final = 500
"""Happenings between two looks at the clients."""

_REFUSE_AFTER: Final = 1.0
"""Seconds that Asterisk takes to refuse a login."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in.

    Attributes:
        username: The name.
        secret: The secret.
        read: Classes of events that are told.
        write: Classes of actions that are carried out.
    """

    username: str
    secret: str
    read: frozenset[str] = READ
    write: frozenset[str] = WRITE


class _Client:
    """One connection."""

    def __init__(self, server: "AmiServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.account: Account | None = None
        self._server = server
        self._reader = reader
        self._writer = writer
        self._classes: frozenset[str] = frozenset()
        self._wanted: list[re.Pattern[str]] = []
        self._unwanted: list[re.Pattern[str]] = []
        self._challenge = ""

    async def run(self) -> None:
        """Greet, and answer one action after the other until the client goes."""
        self._writer.write(BANNER)
        decoder = ActionDecoder()
        while not self._writer.is_closing() and (data := await self._reader.read(65536)):
            for action in decoder.receive_data(data):
                await self._take(action)
                if self._writer.is_closing():
                    return
            await self._writer.drain()

    def abort(self) -> None:
        """Break off."""
        self._writer.transport.abort()

    def tell(self, events: list[tuple[Event, bytes]]) -> None:
        """Send the events that this client may have and wants."""
        if self.account is None or self._writer.is_closing():
            return
        self._writer.write(b"".join(raw for event, raw in events if self._wants(event, raw)))
        if self._writer.transport.get_write_buffer_size() > MOST_UNREAD:
            _log.warning("a client does not read: it is cut off")
            self.abort()

    def _wants(self, event: Event, raw: bytes) -> bool:
        if event.privilege not in self._classes:
            return False
        if not self._wanted and not self._unwanted:
            return True
        text = raw.decode("utf-8", "replace")
        wanted = not self._wanted or any(each.search(text) for each in self._wanted)
        return wanted and not any(each.search(text) for each in self._unwanted)

    async def _take(self, action: Action) -> None:
        name = action.name.lower()
        self._server.catch_up()
        if action.complaint:
            answer = Answer(error=action.complaint)
        elif name == "challenge":
            answer = self._make_challenge(action)
        elif name == "login":
            await self._login(action)
            return
        elif name == "logoff":
            goodbye = [("Response", "Goodbye"), *_id(action), ("Message", "Thanks for all the fish.")]
            self._writer.write(encode(goodbye))
            self._writer.close()
            return
        elif self.account is None:
            answer = Answer(error=DENIED if action.name else "Missing action in request")
        elif name == "events":
            answer = self._events(action.get("EventMask"))
        elif name == "filter":
            answer = self._filter(action)
        else:
            answer = self._server.actions.carry_out(action, self.account.write)
        self._writer.write(answer.encode(action.get("ActionID")))
        self._server.flush()  # what came of it is told after the answer

    def _make_challenge(self, action: Action) -> Answer:
        if action.get("AuthType").upper() != "MD5":
            return Answer(error="Must specify AuthType")
        self._challenge = self._challenge or str(secrets.randbelow(10**9))
        return Answer([("Challenge", self._challenge)])

    async def _login(self, action: Action) -> None:
        if self.account is not None:
            answer = Answer([("Message", "Already authenticated")])
            self._writer.write(answer.encode(action.get("ActionID")))
            return
        if not self._is_right(action):
            # Nobody can try passwords fast; whoever asks is told neither what was wrong.
            await asyncio.sleep(_REFUSE_AFTER)
            self._writer.write(Answer(error="Authentication failed").encode(action.get("ActionID")))
            self._writer.close()
            return
        self.account = self._server.account
        self._events(action.get("Events") or "on")
        accepted = Answer([("Message", "Authentication accepted")])
        self._writer.write(accepted.encode(action.get("ActionID")))
        if "system" in self._classes:
            self._writer.write(self._server.fully_booted())

    def _is_right(self, action: Action) -> bool:
        account = self._server.account
        if action.get("AuthType").upper() == "MD5":
            digest = hashlib.md5(f"{self._challenge}{account.secret}".encode(), usedforsecurity=False).hexdigest()
            good = bool(self._challenge) and secrets.compare_digest(action.get("Key").encode(), digest.encode())
        else:
            given = action.get("Secret").encode("utf-8", "surrogateescape")
            good = secrets.compare_digest(given, account.secret.encode())
        return good and action.get("Username") == account.username

    def _events(self, mask: str) -> Answer:
        assert self.account is not None
        if not mask:
            return Answer(error="Invalid event mask")
        words = {word.strip().lower() for word in mask.split(",")}
        is_on = bool(words & {"on", "yes", "true", "all"}) or (mask.isdigit() and mask != "0")
        self._classes = self.account.read if is_on else self.account.read & words
        return Answer([("Events", "On" if self._classes else "Off")])

    def _filter(self, action: Action) -> Answer:
        assert self.account is not None
        if not self.account.write & {"system", "config"}:
            return Answer(error=DENIED)
        if action.get("Operation").lower() != "add":
            return Answer(error="Unknown operation")
        pattern = action.get("Filter")
        try:
            compiled = re.compile(pattern.removeprefix("!"))
        except re.error:
            return Answer(error="Filter did not compile.  Check the syntax of the filter given.")
        (self._unwanted if pattern.startswith("!") else self._wanted).append(compiled)
        return Answer([("Message", "Success")])


class AmiServer:
    """The manager interface of a simulated PBX: ``async with AmiServer(...) as server``, then ``await server.run()``.

    Args:
        agenda: What is due when.
        account: Who may log in.
        host: Where to listen.
        port: The TCP port; 0 for a free one.

    Attributes:
        account: Who may log in.
        actions: What can be asked; to be set before anybody logs in.
        port: The port it listens at.
        latest: How long after its own time an event was sent at most, microseconds: by a machine that has no time.
    """

    actions: Actions

    def __init__(self, agenda: Agenda, account: Account, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.account = account
        self.port = port
        self.latest = 0
        self._host = host
        self._agenda = agenda
        self._clients: dict[asyncio.Task[None], _Client] = {}
        self._pending: list[Event] = []
        self._started = agenda.now
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Where it listens, in words."""
        return f"{self._host} port {self.port}"

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            OSError: The port cannot be used.
        """
        self._server = await asyncio.start_server(self._serve, self._host, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for client in self._clients.values():
            client.abort()
        tasks = list(self._clients)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def tell(self, event: Event) -> None:
        """Take an event; it is sent with the others of its moment."""
        self._pending.append(event)

    async def run(self) -> None:
        """Let happen what is due when it is due, until cancelled."""
        while True:
            done = self.catch_up(_AT_ONCE)
            next_at = self._agenda.next_at
            ahead = 1.0 if next_at is None else (next_at - wall()) / SECOND
            # An action may bring something nearer; a look each tenth of a second finds it.
            await asyncio.sleep(0 if done == _AT_ONCE else min(max(ahead, 0), 0.1))

    def catch_up(self, limit: int | None = None) -> int:
        """Let happen what is due by now, and tell it; returns how much that was."""
        done = self._agenda.run(wall(), limit, is_clock=True)
        self.flush()
        return done

    def flush(self) -> None:
        """Send the events that wait."""
        events, self._pending = self._pending, []
        clients = [client for client in self._clients.values() if client.account is not None]
        if events and events[0].at is not None:
            self.latest = max(self.latest, wall() - events[0].at)
        if events and clients:
            encoded = [(event, event.encode()) for event in events]
            for client in clients:
                client.tell(encoded)

    def hang_up(self) -> None:
        """Break off every connection, as a network that fails does."""
        for client in self._clients.values():
            client.abort()

    def fully_booted(self) -> bytes:
        """The event that follows each login."""
        up = str((self._agenda.now - self._started) // SECOND)
        fields = [("Uptime", up), ("LastReload", up), ("Status", "Fully Booted")]
        return Event("FullyBooted", "system", fields).encode()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        client = self._clients[task] = _Client(self, reader, writer)
        try:
            with suppress(OSError, asyncio.CancelledError):  # the client is gone, or the server ends
                await client.run()
        finally:
            del self._clients[task]
            writer.close()


def wall() -> int:
    """This machine's clock, in microseconds since 1970."""
    return time.time_ns() // 1000


def _id(action: Action) -> list[tuple[str, str]]:
    action_id = action.get("ActionID")
    return [("ActionID", action_id)] if action_id else []
