"""One connection to Asterisk's manager: panoramisk, with its faults mended by overriding.

The library keeps what is sound in it: the protocol object, sending, and pairing answers to actions by ActionID.
Replaced is what it does with bytes (decoded piece by piece), with actions (kept for ever, sent again), with events
(an exception ends the connection) and with the connection's life (restarted by itself, in secret). A manager here
lives for one connection, so no state or timer outlives it; ``client`` makes the next one.
"""

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from gateway.ami.action import OutgoingAction, Reply
from gateway.ami.framing import AmiDecoder
from gateway.ami.message import AmiMessage
from gateway.ami.tls import describe_connect_error
from gateway.clock import Arrival, Clock
from gateway.errors import AmiConnectionError, AmiProtocolError, AmiTimeoutError
from gateway.guard import tell

_log = logging.getLogger(__name__)

TURN: Final = 64
"""Messages that are handed on in one step of the loop: what they bring leaves before the next are taken, and a broker
takes only so many publishes at once."""

# Every id the library makes in this process begins so: what bears it and waits for nobody is a late answer.
_OUR_IDS: Final[str] = f"action/{OutgoingAction.action_id_generator.uid}/"


class MendedProtocol(AMIProtocol):  # type: ignore[misc]  # the library has no types
    """The bytes of one connection: whole messages in, checked actions out.

    Attributes:
        greeting: Done when Asterisk's first line is there; fails if the connection ends before.
        last_contact: When bytes came last; when the connection was made, before the first.
        unclaimed: Messages thrown away because what they answer is no longer waited for.
    """

    def __init__(self, owner: "AmiConnection", decoder: AmiDecoder, clock: Clock) -> None:
        self._owner = owner
        self._decoder = decoder
        self._clock = clock
        self.greeting: asyncio.Future[str] = owner.loop.create_future()
        self.last_contact = clock.now()
        self.unclaimed = 0
        self.closed = True
        self._waiting: deque[AmiMessage] = deque()
        self._is_reading = True
        self.responses: dict[str, OutgoingAction] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport. The owner is known since the start, as the greeting may be there already."""
        super().connection_made(transport)
        self.encoding = "utf-8"
        self.last_contact = self._clock.now()
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Read the clock once, and hand on every message these bytes complete, in turns if they are many."""
        if self.closed:
            return
        self.last_contact = arrival = self._clock.now()
        try:
            messages = self._decoder.receive_data(data, arrival)
        except AmiProtocolError as error:
            self.end(error)
            return
        if self._decoder.greeting is not None and not self.greeting.done():
            self.version = self._decoder.greeting.rpartition("/")[2]
            self.greeting.set_result(self._decoder.greeting)
        self._waiting.extend(messages)
        if self._decoder.failure is not None:
            self._hand_on(len(self._waiting))
            self.end(self._decoder.failure)
        elif self._is_reading:
            self._take_turn()

    def _take_turn(self) -> None:
        """Hand on as much as the loop's other work can wait for, and read no more until all of it is handed on."""
        if self.closed:
            return
        self._hand_on(TURN)
        if self._waiting:
            self._owner.loop.call_soon(self._take_turn)
        if self._is_reading is bool(self._waiting) and not self.closed:
            self._is_reading = not self._waiting
            if self._is_reading:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def _hand_on(self, most: int) -> None:
        """Hand on so many messages of those that wait."""
        for _ in range(min(most, len(self._waiting))):
            if self.closed:  # by whoever got the message before: what comes after the end is not told
                break
            self.handle_message(self._waiting.popleft())
        self._owner.turn_is_over(more=bool(self._waiting))

    def handle_message(self, message: AmiMessage) -> None:
        """To the action it answers, else to the listener of events; late answers to nobody."""
        if message.action_id in self.responses:
            super().handle_message(Reply(message))
        elif message.event and not message.action_id.startswith(_OUR_IDS):
            self._owner.dispatch(message)
        else:
            self.unclaimed += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone; what came before it went is told first."""
        if not self.closed:
            self._hand_on(len(self._waiting))
        self.end(AmiConnectionError(_describe_loss(exc)))

    def close(self) -> None:
        """The gateway needs the connection no longer."""
        self.end(AmiConnectionError("closed by the gateway"))

    def end(self, reason: AmiConnectionError) -> None:
        """Close at once, tell everybody who waits, once; nothing is kept for another connection."""
        if self.closed:
            return
        self.closed = True
        self.transport.abort()
        pending, self.responses = list(self.responses.values()), {}
        for action in pending:
            if not action.future.done():
                action.future.set_exception(type(reason)(f"{action.name}: {reason}"))
        if not self.greeting.done():
            self.greeting.set_exception(reason)
            self.greeting.exception()  # it may be that nobody waits for it
        self._owner.connection_lost(reason)


class AmiConnection(Manager):  # type: ignore[misc]  # the library has no types
    """One connection, from connecting to its end.

    Attributes:
        lost: Done when the connection has ended; its result is the reason.
        closed_by_gateway: Whether the gateway itself wanted the end.
        decoder: Counts what it leaves out.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        wanted: frozenset[str] | None,
        withhold_callers: bool = False,
        on_event: Callable[[AmiMessage], None],
        on_lost: Callable[[AmiConnectionError], None],
        on_read: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Connect nothing yet.

        Args:
            clock: Read once per chunk of bytes.
            wanted: Names of the events to hand on; None for all.
            withhold_callers: Whether numbers and names of callers are left out.
            on_event: Called with each event in wire order. An exception in it is logged, and costs nothing else.
            on_lost: Called once when a connection that was made ends, by whichever side.
            on_read: Called when what was to be handed on at once has been, and told whether more has come and waits for
                its turn; as to exceptions likewise.
        """
        super().__init__(loop=asyncio.get_running_loop(), encoding="utf-8", log=_log)
        self._clock = clock
        self._on_event = on_event
        self._on_read = on_read
        self._on_lost = on_lost
        self.closed_by_gateway = False
        self.decoder = AmiDecoder(wanted, withhold_callers=withhold_callers)
        self.lost: asyncio.Future[AmiConnectionError] = self.loop.create_future()

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None, tls_server_name: str | None = None
    ) -> str:
        """Connect, and wait for the greeting. One attempt: nothing goes on behind the caller's back.

        Returns:
            The greeting, ``Asterisk Call Manager/11.0.0``.

        Raises:
            AmiConnectionError: If the connection cannot be made or ends before the greeting.
            AmiProtocolError: If what is there does not greet like an Asterisk manager.
        """
        try:
            _, self.protocol = await self.loop.create_connection(
                lambda: MendedProtocol(self, self.decoder, self._clock),
                host,
                port,
                ssl=tls,
                server_hostname=(tls_server_name or host) if tls is not None else None,
            )
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that IDNA cannot encode
            reason = describe_connect_error(error) if isinstance(error, OSError) else str(error)
            raise AmiConnectionError(reason) from error
        greeting: asyncio.Future[str] = self.protocol.greeting
        return await asyncio.shield(greeting)

    def send_action(self, action: OutgoingAction) -> "asyncio.Future[list[AmiMessage]]":
        """Write *action* now.

        Raises:
            AmiConnectionError: If the connection has ended: an action is never kept for later.
        """
        if self.protocol is None or self.protocol.closed:
            raise AmiConnectionError(f"{action.name}: not connected to Asterisk")
        action.sent = self._clock.now()
        return self.protocol.send(action, as_list=action.as_list)  # type: ignore[no-any-return]

    async def request(self, action: OutgoingAction, timeout: float) -> list[AmiMessage]:  # noqa: ASYNC109
        """Send *action* and wait for its whole answer.

        The entry of the action is gone when this returns, in whichever way.

        Raises:
            AmiActionError: Asterisk said no.
            AmiTimeoutError: The answer was not complete after *timeout* seconds; what comes of it later is dropped.
            AmiConnectionError: The connection ended before. Whether the action was carried out is not known.
        """
        future = self.send_action(action)
        action.give_up_at = self.loop.time() + timeout
        try:
            # Not asyncio.timeout: an answer that was read in the same turn of the loop as the deadline came
            # counts, so that a gateway that was held up for a while does not blame Asterisk for it.
            await asyncio.wait({future}, timeout=timeout)
            if not future.done():
                raise AmiTimeoutError(f"{action.name}: no complete answer within {timeout:g} s")
            return future.result()
        finally:
            self.protocol.responses.pop(action.id, None)
            if future.done() and not future.cancelled():
                future.exception()  # read, so that a cancelled caller leaves no complaint behind

    def patience(self) -> float:
        """Seconds until the last pending action gives up; 0.0 if there is none.

        Asterisk carries out actions one after another, so whoever asks now is answered after them.
        """
        now: float = self.loop.time()
        return max((action.give_up_at - now for action in self.protocol.responses.values()), default=0.0)

    def dispatch(self, event: AmiMessage) -> None:
        """Hand on one event, at once, in wire order."""
        tell(self._on_event, event)

    def turn_is_over(self, *, more: bool) -> None:
        """What was to be handed on at once has been."""
        tell(self._on_read, more)

    def connection_lost(self, reason: AmiConnectionError) -> None:
        """The protocol has ended; told once."""
        self.lost.set_result(reason)
        self._on_lost(reason)

    def close(self) -> None:
        """End the connection: the gateway needs it no longer."""
        self.closed_by_gateway = True
        super().close()

    def drop(self, reason: str) -> None:
        """End the connection for *reason*."""
        if self.protocol is not None:
            self.protocol.end(AmiConnectionError(reason))

    @property
    def last_contact(self) -> Arrival:
        """When the last byte came."""
        last_contact: Arrival = self.protocol.last_contact
        return last_contact


def _describe_loss(error: Exception | None) -> str:
    if error is None:
        return "Asterisk closed the connection"
    if isinstance(error, OSError):
        return f"the connection broke: {describe_connect_error(error)}"
    return f"the connection broke: {error!r}"
