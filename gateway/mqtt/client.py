"""The client: keeps a connection to the broker, sends what waits, hands on commands."""

import asyncio
import contextlib
import logging
import random as random_module
from collections.abc import Callable
from typing import Any, Final

from gateway.backoff import Backoff
from gateway.errors import MqttAuthenticationError, MqttConnectionError
from gateway.guard import tell
from gateway.mqtt.connection import Connection, Loss
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.interface import Inbound, MqttListener, MqttSettings, Retained
from gateway.mqtt.outbox import Entry, Outbox
from gateway.mqtt.packets import SESSION_TAKEN_OVER, UnsupportedVersionError
from gateway.mqtt.retry import TakeoverCounter
from gateway.mqtt.sender import Sender
from gateway.mqtt.topics import Topics

__all__ = ["Inbound", "MqttClient", "MqttListener", "MqttSettings", "Retained"]

_logger = logging.getLogger(__name__)

# A DISCONNECT with one of these is not the doing of what was under way: server busy, server shutting down,
# session taken over, administrative action (MQTT 5.0, 3.14.2.1).
_BLAMELESS: Final = frozenset({0x89, 0x8B, SESSION_TAKEN_OVER, 0x98})
_STABLE: Final = 10.0  # seconds a connection must last for the next wait to be short again
_SOON: Final = 3.0  # seconds; a connection closed so soon while idle, without a word, is taken for a takeover


class MqttClient:
    """Publishes what it is given, in that order, and hands on commands, over all reconnections.

    Not for several threads. ``send`` and ``refresh`` may be called at any time, also before ``run`` and from within
    the listener's methods; what they ask for leaves in a later step of the loop.

    Attributes:
        losses: How often a connection was lost.
    """

    def __init__(
        self,
        settings: MqttSettings,
        topics: Topics,
        listener: MqttListener,
        *,
        random: Callable[[], float] = random_module.random,
        login_ever_succeeded: bool = False,
    ) -> None:
        """Do nothing yet; *random* (in [0, 1)) spreads the reconnections."""
        self._settings = settings
        self._topics = topics
        self._listener = listener
        self._outbox = Outbox(listener.mqtt_gone)
        self._sender = Sender(self._outbox, settings.window, topics.bridge_state, listener)
        self._backoff = Backoff(settings.backoff_initial, settings.backoff_max, random)
        self._takeovers = TakeoverCounter()
        self._login_ever_succeeded = login_ever_succeeded
        self._searched = False
        self._warned = ""
        self._stop = asyncio.Event()
        self.losses = 0

    @property
    def connected(self) -> bool:
        """Whether there is a connection on which we publish."""
        return self._sender.attached

    @property
    def acknowledged(self) -> int:
        """Publishes that the broker has taken, of whatever kind."""
        return self._sender.taken

    @property
    def depth(self) -> int:
        """Events given to ``send`` and not yet acknowledged by the broker."""
        return self._outbox.depth

    @property
    def depth_bytes(self) -> int:
        """Bytes of memory they take, about."""
        return self._outbox.depth_bytes

    @property
    def numbers_under_way(self) -> set[int]:
        """Numbers of the events that may be on their way to the broker, or there."""
        return self._outbox.numbers_under_way

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        seq: int | None = None,
        number: int | None = None,
        correlation_data: bytes | None = None,
    ) -> None:
        """Publish an event, a record or an answer: QoS 1, not retained, sent until the broker acknowledges it.

        Args:
            topic: Where to; one that cannot be published to is told by ``mqtt_refused``.
            payload: What.
            seq: The event's number in the stream.
            number: What ``mqtt_gone`` is to be told when the broker has it.
            correlation_data: For an answer, under MQTT 5.
        """
        self._outbox.add(Entry(topic, payload, seq=seq, number=number, correlation_data=correlation_data))
        self._sender.step_soon()

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Publish what ``render`` gives for *topic* when its turn comes, retained.

        One that waits already keeps its place, or with *requeue* goes to the end, and no event overtakes it there.
        """
        self._outbox.mark(topic, requeue=requeue)
        self._sender.step_soon()

    def withdraw(self, until: int) -> None:
        """Forget the events up to *until*, a number, but for those under way; ``mqtt_gone`` is not told of them."""
        self._outbox.withdraw(until)
        self._sender.step_soon()

    def work_off(self, *, more: bool = False) -> None:
        """Send now what would leave in the loop's next step. Not for who is in the middle of a change.

        *more*: more is about to come at once, so that snapshots may be left for their successors.
        """
        self._sender.in_a_hurry = more
        self._sender.step_if_due()

    async def drain(self) -> None:
        """Wait until the broker has acknowledged everything; while it is away that is for ever."""
        await self._sender.drain()

    def stop(self) -> None:
        """Ask ``run`` to say ``offline``, disconnect and return."""
        self._stop.set()

    async def run(self) -> None:
        """Keep a connection until cancelled or stopped, then publish ``offline`` and disconnect, in a bounded time.

        Raises:
            MqttAuthenticationError: If the login is refused and none ever succeeded.
        """
        self._sender.start()
        while not self._stop.is_set():
            delay = await self._connect_and_serve()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stop.wait()

    async def _connect_and_serve(self) -> float:
        """Hold one connection and return the seconds to wait before the next."""
        inbox = Inbox(self._topics, self._listener)
        try:
            connection = await self._open(inbox)
        except MqttAuthenticationError as error:
            if not self._login_ever_succeeded:
                raise
            self._warn_once(f"the login is refused: {error}")
            return self._settings.login_retry
        except MqttConnectionError as error:
            self._warn_once(f"no connection: {error}")
            return self._backoff.next()
        since = connection.now()
        loss, idle = await self._serve(connection, inbox)
        if self._stop.is_set():
            return 0.0
        self.losses += 1
        self._warn_once(f"connection lost: {loss.reason}")
        lasted = connection.now() - since
        if lasted >= _STABLE:
            self._backoff.reset()
        if _is_takeover(loss, lasted, idle=idle) and self._takeovers.is_twin(connection.now()):
            return self._found_twin(loss)
        return self._backoff.next()

    async def _open(self, inbox: Inbox) -> Connection:
        """Connect by the version or versions asked for, subscribe to the commands and return the connection."""
        if self._settings.protocol != "auto":
            return await self._open_version(self._settings.protocol, inbox)
        try:
            return await self._open_version("5", inbox)
        except UnsupportedVersionError:
            _logger.debug("the broker does not speak MQTT 5")
            return await self._open_version("3.1.1", inbox)

    async def _open_version(self, version: str, inbox: Inbox) -> Connection:
        connection = Connection(
            self._settings, version, self._topics.bridge_state, inbox.received, self._sender.acknowledged
        )
        await connection.open()
        self._login_ever_succeeded = True
        try:
            await inbox.subscribe(connection, search=not self._searched)
        except BaseException:  # cancelled or failed: nobody else would end it
            connection.abort(Loss("not subscribed"))
            raise
        return connection

    async def _serve(self, connection: Connection, inbox: Inbox) -> tuple[Loss, bool]:
        """Publish over *connection* until it is lost or we stop; return why it is over and whether it was idle then."""
        settings = self._settings
        _logger.info("connected to the broker %s:%d by MQTT %s", settings.host, settings.port, connection.version)
        self._warned = ""
        tell(self._listener.mqtt_connected, connection.version)
        self._sender.attach(connection, tell(lambda: list(self._listener.retained_topics())) or ())
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._watch(connection), name="mqtt.watch"),
            asyncio.create_task(self._search(connection, inbox), name="mqtt.search_retained"),
            asyncio.create_task(self._stop.wait(), name="mqtt.stop"),
        ]
        try:
            ends: list[asyncio.Future[Any]] = [connection.lost, tasks[-1]]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._stop.is_set():
                await self._leave(connection)
        except asyncio.CancelledError:
            await self._leave(connection)
            raise
        finally:
            for task in tasks:
                task.cancel()
            connection.abort(Loss("stopped"))
            loss, idle = connection.lost.result(), not self._outbox.under_way
            # If the broker said nothing to anything, no single message can be the cause.
            mute = loss.silent and not self._sender.heard
            self._sender.detach(blame=loss.code not in _BLAMELESS and not mute)
            tell(self._listener.mqtt_disconnected, loss.reason)
        return loss, idle

    async def _leave(self, connection: Connection) -> None:
        """Say ``offline`` and DISCONNECT, after what is under way; give up after ``stop_timeout``."""
        try:
            async with asyncio.timeout(self._settings.stop_timeout):
                await self._sender.leave()
                await connection.close()
        except (TimeoutError, MqttConnectionError) as error:
            _logger.debug("no orderly end, the will says it: %s", error)

    async def _watch(self, connection: Connection) -> None:
        """Drop a connection whose broker owes a PUBACK for two keep alives: it may answer pings and yet be stuck."""
        deadline = 2.0 * self._settings.keep_alive
        while not connection.lost.done():
            await asyncio.sleep(deadline / 8)
            oldest = self._outbox.oldest_sent_at
            if oldest is not None and connection.now() - oldest > deadline:
                connection.abort(Loss(f"no PUBACK for {deadline:.0f} s", silent=True))

    async def _search(self, connection: Connection, inbox: Inbox) -> None:
        """Once a process, find what is retained of an earlier life; begun anew if the connection is lost meanwhile."""
        if self._searched:
            return
        with contextlib.suppress(MqttConnectionError):
            await inbox.end_search(connection)
            self._searched = True

    def _found_twin(self, loss: Loss) -> float:
        wait = self._settings.twin_wait
        reason = f"{loss.reason}; somebody else connects with the client id {self._settings.client_id}"
        _logger.warning("%s; next try in %.0f s", reason, wait)
        tell(self._listener.mqtt_twin, reason)
        return wait

    def _warn_once(self, fact: str) -> None:
        level = logging.DEBUG if fact == self._warned else logging.WARNING
        self._warned = fact
        _logger.log(level, "broker %s:%d: %s", self._settings.host, self._settings.port, fact)


def _is_takeover(loss: Loss, lasted: float, *, idle: bool) -> bool:
    if loss.code is not None:
        return loss.code == SESSION_TAKEN_OVER
    # 3.1.1 has no word for it, and Mosquitto 2.0.11 says none under MQTT 5 either. With messages under way it may as
    # well be one of them that the broker dislikes.
    return loss.by_peer and idle and lasted < _SOON
