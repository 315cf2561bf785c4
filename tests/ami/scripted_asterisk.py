"""A manager interface of Asterisk on a real socket: answers as Asterisk does, and misbehaves on demand.

Left alone it greets, takes MD5 and plain logins, answers what the gateway asks, keeps queue members in a small
model and sends the events Asterisk sends. A test may replace any answer (``on``), send any bytes (``send``), go
silent, close, stop listening, and read what came in, raw and parsed (``actions``).
"""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from tests.ami.queue_model import Event, Fields, QueueError, QueueModel
from tests.broker import free_port

_PROTOCOL = {"13": "2.10.6", "16": "5.0.4", "18": "7.0.3", "20": "9.0.0", "22": "11.0.0"}
_FULL_VERSION = {"13": "13.38.3", "16": "16.28.0~dfsg-0+deb11u4", "22": "22.10.1"}
_PATIENCE = 30.0  # seconds a test waits for what must come

Handler = Callable[["Session", "ReceivedAction"], Awaitable[None] | None]


@dataclass(frozen=True)
class ReceivedAction:
    """One action as it came.

    Attributes:
        raw: Its bytes, the empty line included.
        headers: Name and value in wire order, one blank after the colon taken off.
    """

    raw: bytes
    headers: Fields

    @property
    def name(self) -> str:
        """What is to be done."""
        return self.get("Action")

    @property
    def action_id(self) -> str:
        """What the answer must bear."""
        return self.get("ActionID")

    def get(self, name: str) -> str:
        """The value Asterisk would use: the first of that name, leading blanks skipped; empty if there is none."""
        return next((value.lstrip() for key, value in self.headers if key.lower() == name.lower()), "")

    def options(self) -> dict[str, str]:
        """All headers by lower-case name, the first of each."""
        return {key.lower(): self.get(key) for key, _ in self.headers}


def parse_action(raw: bytes) -> ReceivedAction:
    """Read an action as Asterisk's parser does: lines end with CRLF or LF, and a line without a colon is nothing."""
    headers = []
    for line in raw.decode("utf-8", "surrogateescape").split("\n"):
        key, colon, value = line.removesuffix("\r").partition(":")
        if colon:
            headers.append((key, value.removeprefix(" ")))
    return ReceivedAction(raw, headers)


def message_bytes(fields: Iterable[tuple[str, str]]) -> bytes:
    """A response or event on the wire."""
    lines = "".join(f"{key}: {value}\r\n" for key, value in fields)
    return f"{lines}\r\n".encode("utf-8", "surrogateescape")


class Session:
    """One connection of a client."""

    def __init__(self, server: "ScriptedAsterisk", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.received = bytearray()
        self.logged_in = False
        self.closed = False
        self._reader = reader
        self._writer = writer

    async def run(self) -> None:
        """Greet, then answer one action after another until the client goes."""
        if self.server.greeting is not None:
            self.send(self.server.greeting)
        action = bytearray()
        while line := await self._reader.readline():
            self.received += line
            action += line
            if line in {b"\n", b"\r\n"}:
                await self._take(bytes(action))
                action.clear()
            self.server.changed()

    async def _take(self, raw: bytes) -> None:
        action = parse_action(raw)
        self.server.actions.append(action)
        self.server.changed()
        if not self.server.silent and not self.closed:
            answer = self.server.handler_for(action.name)(self, action)
            if answer is not None:
                await answer

    def send(self, data: bytes | str) -> None:
        """Write bytes as they are; text as UTF-8."""
        if not self.closed:
            self._writer.write(data.encode() if isinstance(data, str) else data)

    def respond(self, action: ReceivedAction, message: str = "", *fields: tuple[str, str]) -> None:
        """``Response: Success``, with *message* behind *fields*."""
        text = [("Message", message)] if message else []
        self.send(message_bytes([("Response", "Success"), ("ActionID", action.action_id), *fields, *text]))

    def refuse(self, action: ReceivedAction, message: str) -> None:
        """``Response: Error``."""
        head = [("Response", "Error"), ("ActionID", action.action_id)]
        self.send(message_bytes([*head, ("Message", message)]))

    def send_list(self, action: ReceivedAction, message: str, events: Iterable[Event], complete: str) -> None:
        """A response, the list's events and its end."""
        counts = self.server.model.version > 13  # the headers of counted lists came with 13.2
        self.respond(action, message, *([("EventList", "start")] if counts else []))
        items = 0
        for items, (name, fields) in enumerate(events, start=1):  # noqa: B007  # the count is used below
            self.send(message_bytes([("Event", name), *fields, ("ActionID", action.action_id)]))
        end = [("EventList", "Complete"), ("ListItems", str(items))] if counts else []
        self.send(message_bytes([("Event", complete), ("ActionID", action.action_id), *end]))

    def close(self) -> None:
        """Close once all is sent, as Asterisk does after a refusal."""
        self.closed = True
        self._writer.close()

    def abort(self) -> None:
        """Break off at once; what is not sent is lost."""
        self.closed = True
        self._writer.transport.abort()

    def pause_reading(self) -> None:
        """Leave what the client sends in the kernel, as a process that hangs."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]


@dataclass
class ScriptedAsterisk:
    """The server: ``async with ScriptedAsterisk() as asterisk``; then ``asterisk.port``.

    Attributes:
        version: Branch whose texts and fields it uses: 13, 16 or 22.
        tls: Server side context; None for plain text.
        greeting: The first line; None for none.
        challenge: Whether it knows the MD5 login.
        refusal: Asterisk's words to every login; None to check name and secret.
        fully_booted: Whether FullyBooted follows the login.
        silent: Reads and records, but answers nothing.
        now: Its clock, epoch seconds; Timestamp headers come from it.
        system_name: Sent in every event if not empty.
        model: Queues and members.
        channels: The CoreShowChannel events' fields.
        started: Stamp of CoreStatus: date and time.
    """

    version: str = "22"
    username: str = "gateway"
    secret: str = "s3cret"
    tls: ssl.SSLContext | None = None
    greeting: bytes | None = b""
    challenge: bool = True
    refusal: str | None = None
    fully_booted: bool = True
    silent: bool = False
    now: Callable[[], float] = time.time
    system_name: str = ""
    model: QueueModel = field(default_factory=QueueModel)
    channels: list[Fields] = field(default_factory=list)
    started: tuple[str, str] = ("2026-11-22", "07:48:30")
    port: int = 0

    def __post_init__(self) -> None:
        if self.greeting == b"":
            self.greeting = f"Asterisk Call Manager/{_PROTOCOL[self.version]}\r\n".encode()
        self.model.version = int(self.version)
        self.model.now = lambda: self.now()  # noqa: PLW0108  # a test may set another later
        self.sessions: list[Session] = []
        self.actions: list[ReceivedAction] = []
        self._handlers: dict[str, Handler] = {}
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def listen(self) -> None:
        """Take connections, on the same port as before if there was one."""
        self.port = self.port or free_port()  # kept while nobody listens there
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.tls, limit=2**24, reuse_address=True
        )

    def stop_listening(self) -> None:
        """Refuse new connections; those that are there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def stop(self) -> None:
        """Refuse new connections and break off all others."""
        self.stop_listening()
        self.abort_sessions()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        session = Session(self, reader, writer)
        self.sessions.append(session)
        self.changed()
        try:
            await session.run()
        except (OSError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            session.closed = True
            session.logged_in = False
            writer.transport.abort()
            self._tasks.discard(task)
            self.changed()

    # What a test does to it.

    @property
    def session(self) -> Session:
        """The newest connection."""
        return self.sessions[-1]

    def on(self, action: str, handler: Handler) -> None:
        """Answer *action* so from now on. A handler that does nothing leaves it without an answer."""
        self._handlers[action.lower()] = handler

    def default(self, action: str) -> None:
        """Answer *action* as Asterisk does again."""
        self._handlers.pop(action.lower(), None)

    def send(self, data: bytes | str) -> None:
        """The same bytes to everybody who is logged in."""
        for session in self.sessions:
            if session.logged_in:
                session.send(data)

    def event_bytes(self, name: str, fields: Iterable[tuple[str, str]], privilege: str = "agent,all") -> bytes:
        """An event with the headers Asterisk puts before its fields."""
        now = self.now()
        head = [("Event", name), ("Privilege", privilege), ("Timestamp", f"{now:.6f}")]
        if self.system_name:
            head.append(("SystemName", self.system_name))
        return message_bytes([*head, *fields])

    def send_event(self, name: str, **fields: object) -> None:
        """An event to everybody who is logged in, fields in the order given."""
        self.send(self.event_bytes(name, [(key, str(value)) for key, value in fields.items()]))

    def send_events(self, events: Iterable[Event]) -> None:
        """What the model says has happened."""
        for name, fields in events:
            self.send(self.event_bytes(name, fields))

    def set_status(self, interface: str, status: int) -> None:
        """A member's device changes its state."""
        self.send_events(self.model.set_status(interface, status))

    def close_sessions(self) -> None:
        """Close every connection in order."""
        for session in self.sessions:
            session.close()

    def abort_sessions(self) -> None:
        """Break off every connection."""
        for session in self.sessions:
            session.abort()

    def named(self, name: str) -> list[ReceivedAction]:
        """The actions of that name so far."""
        return [action for action in self.actions if action.name.lower() == name.lower()]

    async def received(self, name: str, count: int = 1) -> list[ReceivedAction]:
        """Wait until *count* actions of that name have come."""
        await self.until(lambda: len(self.named(name)) >= count, f"{count} x {name}")
        return self.named(name)

    async def logged_in(self, logins: int = 1) -> None:
        """Wait until somebody is logged in on the connection number *logins* or a later one."""
        await self.until(lambda: any(each.logged_in for each in self.sessions[logins - 1 :]), "a login")

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition on what was received."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        if not condition():
            raise AssertionError(f"the scripted Asterisk waited in vain for {what}")

    def changed(self) -> None:
        """Something was received."""
        self._changed.set()

    # How Asterisk answers.

    def handler_for(self, name: str) -> Handler:
        """The test's answer to an action, else Asterisk's."""
        if handler := self._handlers.get(name.lower()):
            return handler
        return _ANSWERS.get(name.lower(), _unknown)


def _unknown(session: Session, action: ReceivedAction) -> None:
    if not action.name:
        session.refuse(action, "Missing action in request")
        return
    known = "Use Action: ListCommands to show available commands."
    session.refuse(action, f"Invalid/unknown command: {action.name}. {known}")


def _challenge(session: Session, action: ReceivedAction) -> None:
    if not session.server.challenge or action.get("AuthType").lower() != "md5":
        session.refuse(action, "Must specify AuthType")
    else:
        session.respond(action, "", ("Challenge", "840415273"))


def _login(session: Session, action: ReceivedAction) -> None:
    server = session.server
    good = action.get("Secret") == server.secret
    if action.get("AuthType"):
        digest = hashlib.md5(f"840415273{server.secret}".encode(), usedforsecurity=False).hexdigest()
        good = action.get("Key") == digest
    if server.refusal is not None or not good or action.get("Username") != server.username:
        session.refuse(action, server.refusal or "Authentication failed")
        session.close()
        return
    session.logged_in = True
    session.respond(action, "Authentication accepted")
    if server.fully_booted:
        booted = [("Privilege", "system,all"), ("Uptime", "5"), ("LastReload", "5"), ("Status", "Fully Booted")]
        session.send(message_bytes([("Event", "FullyBooted"), *booted]))


def _logoff(session: Session, action: ReceivedAction) -> None:
    goodbye = [("Response", "Goodbye"), ("ActionID", action.action_id)]
    session.send(message_bytes([*goodbye, ("Message", "Thanks for all the fish.")]))
    session.close()


def _ping(session: Session, action: ReceivedAction) -> None:
    session.respond(action, "", ("Ping", "Pong"), ("Timestamp", f"{session.server.now():.6f}"))


def _core_settings(session: Session, action: ReceivedAction) -> None:
    server = session.server
    session.respond(
        action,
        "",
        ("AMIversion", _PROTOCOL[server.version]),
        ("AsteriskVersion", _FULL_VERSION.get(server.version, f"{server.version}.1.0")),
        ("SystemName", server.system_name),
        ("CoreMaxCalls", "0"),
        ("CoreMaxLoadAvg", "0.000000"),
        ("CoreRunUser", ""),
        ("CoreRunGroup", ""),
        ("CoreMaxFilehandles", "0"),
        ("CoreRealTimeEnabled", "No"),
        ("CoreCDRenabled", "Yes"),
        ("CoreHTTPenabled", "No"),
    )


def _core_status(session: Session, action: ReceivedAction) -> None:
    date, at = session.server.started
    stamps = [("CoreStartupDate", date), ("CoreStartupTime", at), ("CoreReloadDate", date), ("CoreReloadTime", at)]
    session.respond(action, "", *stamps, ("CoreCurrentCalls", "0"))


def _core_show_channels(session: Session, action: ReceivedAction) -> None:
    channels = [("CoreShowChannel", fields) for fields in session.server.channels]
    session.send_list(action, "Channels will follow", channels, "CoreShowChannelsComplete")


def _queue_status(session: Session, action: ReceivedAction) -> None:
    events = session.server.model.status_list(action.get("Queue"), action.get("Member"))
    session.send_list(action, "Queue status will follow", events, "QueueStatusComplete")


def _queue_add(session: Session, action: ReceivedAction) -> None:
    options = action.options()
    queue, interface = options.pop("queue", ""), options.pop("interface", "")
    options = {key: value for key, value in options.items() if key.isidentifier()}
    _change(session, action, "Added interface to queue", lambda: session.server.model.add(queue, interface, **options))


def _queue_remove(session: Session, action: ReceivedAction) -> None:
    queue, interface = action.get("Queue"), action.get("Interface")
    model = session.server.model
    _change(session, action, "Removed interface from queue", lambda: model.remove(queue, interface))


def _queue_pause(session: Session, action: ReceivedAction) -> None:
    interface, paused = action.get("Interface"), action.get("Paused")
    queue, reason = action.get("Queue"), action.get("Reason")
    done = "paused" if paused.lower() in {"yes", "true", "y", "t", "1", "on"} else "unpaused"
    model = session.server.model
    _change(session, action, f"Interface {done} successfully", lambda: model.pause(interface, paused, queue, reason))


def _change(session: Session, action: ReceivedAction, message: str, change: Callable[[], list[Event]]) -> None:
    """Answer first, then tell everybody what has changed: that is the order Asterisk keeps."""
    try:
        events = change()
    except QueueError as error:
        session.refuse(action, str(error))
        return
    session.respond(action, message)
    session.server.send_events(events)


def _only_logged_in(handler: Handler) -> Handler:
    def checked(session: Session, action: ReceivedAction) -> Awaitable[None] | None:
        if session.logged_in:
            return handler(session, action)
        session.refuse(action, "Permission denied")
        return None

    return checked


_ANSWERS: dict[str, Handler] = {
    "challenge": _challenge,
    "login": _login,
    "logoff": _logoff,
    **{
        name: _only_logged_in(handler)
        for name, handler in {
            "ping": _ping,
            "coresettings": _core_settings,
            "corestatus": _core_status,
            "coreshowchannels": _core_show_channels,
            "queuestatus": _queue_status,
            "queueadd": _queue_add,
            "queueremove": _queue_remove,
            "queuepause": _queue_pause,
        }.items()
    },
}
