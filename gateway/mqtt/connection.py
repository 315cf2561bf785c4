"""One connection to the broker: an aiomqtt client that also tells what aiomqtt keeps to itself.

The only file that drives aiomqtt and paho. These hooks of theirs are private or replaced here, each because there is
no public way (aiomqtt 2.5.1, paho 2.2.0):

* ``_create_socket``, ``_mid_generate``, ``_loop_rc_handle``: a QoS 1 PUBLISH is put together here and its PUBACK taken
  apart here, see ``wire`` and ``packets``. aiomqtt's ``publish`` waits, which costs a task for each message under way,
  and drops the reason code of a PUBACK, so that a refused publish looks like a delivered one; paho makes a dozen
  objects and asks the kernel five times for each.
* ``_on_message``: aiomqtt's queue hides whether a message came before the SUBACK, and its order against other packets.
* ``_on_connect``: the session present flag and the broker's limits are not handed on.
* ``_on_disconnect``: aiomqtt ignores a connection closed before the CONNACK, and one closed at once after it.
* ``_on_socket_open``, ``_on_socket_register_write``, ``_on_socket_unregister_write``: aiomqtt registers the socket with
  the loop two steps late, when a cancelled connect may have closed it; and writes only after another round through
  the selector.
* ``_sock_close``: paho has no way to drop a connection without saying DISCONNECT, which would cancel the will.

A connection that is over is thrown away with all it had under way: paho would otherwise send that again by itself,
and what raised an error may still have arrived.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.errors import MqttConnectionError
from gateway.mqtt.interface import Inbound, MqttSettings
from gateway.mqtt.mends import accept_any_text
from gateway.mqtt.packets import (
    FAILURE,
    PUBACK,
    connect_error,
    connect_properties,
    local_reason,
    puback_parts,
    publish_packet,
    publish_properties,
)
from gateway.mqtt.wire import PacketSocket

_logger = logging.getLogger(__name__)

T = TypeVar("T")

_RETAIN_IF_NEW = 1  # Retain Handling (MQTT 5.0, 3.8.3.1): send what is retained only if the subscription is new
_DISCONNECT_TIME = 1.0  # seconds for the last bytes to leave


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a connection is over.

    Attributes:
        reason: For people.
        code: The reason code of the broker's DISCONNECT; None if it said none.
        by_peer: Whether the other side ended it.
        silent: Whether we ended it because the other side said nothing for too long.
    """

    reason: str
    code: int | None = None
    by_peer: bool = False
    silent: bool = False


class OnMessage(Protocol):
    """Called on the loop for each message; it is acknowledged when this returns."""

    def __call__(self, connection: "Connection", message: Inbound) -> None:
        """Take *message*, whose ``replayed`` and ``resumed`` are not set yet."""


class OnAcknowledged(Protocol):
    """Called on the loop for each PUBACK."""

    def __call__(self, identifier: int, refusal: str | None) -> None:
        """The broker took the publish *identifier*, or refused it for the reason *refusal*."""


class Connection(aiomqtt.Client):
    """A connection, from CONNECT to its end; made anew for each.

    Attributes:
        version: ``5`` or ``3.1.1``.
        lost: Done with a ``Loss`` when the connection is over.
        session_present: Whether the broker resumed a session.
        receive_maximum: How many publishes the broker takes at once.
        maximum_packet_size: Bytes of the largest packet the broker takes; None is no limit.
        after_read: Called on the loop when all that came at once has been told.
    """

    def __init__(
        self,
        settings: MqttSettings,
        version: str,
        will_topic: str | None,
        on_message: OnMessage,
        on_acknowledged: OnAcknowledged,
    ) -> None:
        accept_any_text()
        mqtt5 = version == "5"
        super().__init__(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            identifier=settings.client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if mqtt5 else aiomqtt.ProtocolVersion.V311,
            will=None if will_topic is None else aiomqtt.Will(will_topic, b"offline", qos=1, retain=True),
            clean_session=None if mqtt5 else True,
            timeout=settings.connect_timeout,
            keepalive=settings.keep_alive,
            clean_start=False if mqtt5 else MQTT_CLEAN_START_FIRST_ONLY,  # the latter is what paho wants under 3.1.1
            max_inflight_messages=0,  # the outbox minds the window; paho would walk all messages at each PUBACK
            properties=connect_properties(settings) if mqtt5 else None,
            tls_context=settings.tls,
            tls_insecure=True if settings.tls and not settings.tls.check_hostname else None,
        )
        self._client.disable_logger()  # it logs what we tell ourselves, and each packet at the cost of formatting it
        paho: Any = self._client
        create_socket = paho._create_socket  # noqa: SLF001 (see above)
        paho._create_socket = lambda: PacketSocket(create_socket())  # noqa: SLF001 (see above)
        self._under_way: set[int] = set()
        self._write_is_due = self._waits_to_write = False
        self.after_read: Callable[[], None] = _nothing
        self.version = version
        self.session_present = False
        self.receive_maximum = 0xFFFF
        self.maximum_packet_size: int | None = None
        self.lost: asyncio.Future[Loss] = self._loop.create_future()
        self._hand_on = on_message
        self._acknowledged = on_acknowledged
        self._abandoned = False
        self._loop_thread = threading.get_ident()

    def now(self) -> float:
        """Seconds by the loop's clock."""
        return self._loop.time()

    async def open(self) -> None:
        """Connect and wait for the CONNACK.

        Raises:
            UnsupportedVersionError: If the broker refuses the version of the protocol.
            MqttAuthenticationError: If it refuses the login.
            MqttConnectionError: If there is no connection for another reason.
        """
        # In a task of its own: asyncio.wait_for, by which aiomqtt waits, swallows a cancellation that comes together
        # with the CONNACK (Python 3.11), and then nobody would know that we were to stop.
        connecting = asyncio.create_task(self.__aenter__(), name="mqtt.connect")
        try:
            await asyncio.wait([connecting])
            connecting.result()
        except BaseException as error:  # cancelled or failed, the connecting thread may still bring a socket
            self._abandoned = True
            connecting.cancel()
            self.abort(Loss("not connected"))
            if isinstance(error, aiomqtt.MqttError | ValueError | OSError):  # ValueError: what is no host name
                raise connect_error(error) from None
            raise

    async def subscribe_to(self, topic_filters: list[str], *, commands: bool) -> None:
        """Subscribe and wait for the SUBACK; a refused filter is logged.

        Args:
            topic_filters: What to.
            commands: QoS 1 and what may be told of retained messages; else QoS 0, to look at what is retained.

        Raises:
            MqttConnectionError: If no SUBACK comes.
        """
        qos = 1 if commands else 0
        options: SubscribeOptions | int = qos
        if self.version == "5":
            options = SubscribeOptions(
                qos,
                noLocal=True,
                retainAsPublished=commands,
                retainHandling=_RETAIN_IF_NEW if commands else 0,
            )
        await self._subscribe([(each, options) for each in topic_filters])

    async def _subscribe(self, wanted: list[tuple[str, Any]]) -> None:
        codes: Sequence[Any] = await self.unless_lost(self.subscribe(wanted))
        for (topic_filter, _), code in zip(wanted, codes, strict=False):
            value: int = code.value if isinstance(code, ReasonCode) else code
            if value >= FAILURE:
                _logger.warning("the broker refuses the subscription to %s: %s", topic_filter, code)

    async def follow(self, topic_filters: list[str]) -> None:
        """Subscribe with QoS 1 to what others publish and wait for the SUBACK; a refused filter is logged.

        What is retained comes first, and is all that has the flag.

        Raises:
            MqttConnectionError: If no SUBACK comes.
        """
        options = SubscribeOptions(1) if self.version == "5" else 1
        await self._subscribe([(each, options) for each in topic_filters])

    async def unsubscribe_from(self, topic_filters: list[str]) -> None:
        """Unsubscribe and wait for the UNSUBACK.

        Raises:
            MqttConnectionError: If none comes.
        """
        await self.unless_lost(self.unsubscribe(topic_filters))

    def publish_now(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        expiry: int | None = None,
        correlation_data: bytes | None = None,
        response_topic: str | None = None,
    ) -> int:
        """Hand a QoS 1 message to the socket and return its packet identifier; it leaves in the loop's next step.

        The answer comes as a call of ``on_acknowledged``. *expiry* (seconds), *correlation_data* and *response_topic*
        are left out under 3.1.1, which has none of them.

        Raises:
            ValueError: If it can never be sent: a wildcard in the topic, or larger than the broker takes.
            MqttConnectionError: If the connection is over.
        """
        mqtt5 = self.version == "5"
        properties = publish_properties(expiry, correlation_data, response_topic) if mqtt5 else None
        identifier = self._free_identifier()
        packet = publish_packet(topic, payload, identifier, retain=retain, properties=properties, mqtt5=mqtt5)
        if self.maximum_packet_size is not None and len(packet) > self.maximum_packet_size:
            raise ValueError(f"a packet of {len(packet)} bytes; the broker takes {self.maximum_packet_size}")
        sock = self._socket()
        if sock is None:
            raise MqttConnectionError("the connection is over")
        sock.send(packet)
        self._under_way.add(identifier)
        self._write_soon()
        return identifier

    def _free_identifier(self) -> int:
        while (identifier := self._client._mid_generate()) in self._under_way:  # noqa: SLF001 (see above)
            pass
        return identifier

    def flush(self) -> None:
        """Have leave now what would in the loop's next step."""
        if self._write_is_due:
            self._write()

    async def close(self) -> None:
        """Say DISCONNECT, which cancels the will, and end the connection."""
        if not self.lost.done():
            self._client.disconnect()
            await asyncio.wait([self.lost], timeout=_DISCONNECT_TIME)
        self.abort(Loss("closed"))

    def abort(self, loss: Loss) -> None:
        """Drop the connection without a DISCONNECT, so that the broker sends the will."""
        self._lose(loss)
        self._client._sock_close()  # noqa: SLF001 (see above)

    async def unless_lost(self, call: Coroutine[Any, Any, T]) -> T:
        """Await *call*; if the connection is lost first, cancel it.

        Raises:
            MqttConnectionError: If the connection is lost, or aiomqtt has an error.
        """
        task = asyncio.create_task(call, name="mqtt.call")
        lost: asyncio.Future[Any] = self.lost
        try:
            await asyncio.wait([task, lost], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise MqttConnectionError(self.lost.result().reason)
            return task.result()
        except aiomqtt.MqttError as error:
            raise MqttConnectionError(str(error)) from error
        finally:
            task.cancel()

    def _lose(self, loss: Loss) -> None:
        if not self.lost.done():
            self.lost.set_result(loss)

    # From here on: what paho calls.

    def _on_connect(
        self,
        client: PahoClient,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.session_present = flags.session_present
        self.receive_maximum = getattr(properties, "ReceiveMaximum", 0xFFFF)
        self.maximum_packet_size = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self,
        client: PahoClient,  # noqa: ARG002 (paho's signature, as in all of these)
        userdata: Any,  # noqa: ARG002
        flags: DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,  # noqa: ARG002
    ) -> None:
        said = flags.is_disconnect_packet_from_server
        reason = f"the broker says: {reason_code}" if said else local_reason(reason_code)
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError(f"closed before the CONNACK: {reason}"))
            self._connected.exception()  # seen, even if whoever waited for it has been cancelled
        keep_alive = reason_code.getName() == "Keep alive timeout"
        code = reason_code.value if said else None
        self._lose(Loss(reason, code, by_peer=said or not keep_alive, silent=keep_alive and not said))

    def _on_message(self, client: PahoClient, userdata: Any, message: MQTTMessage) -> None:  # noqa: ARG002
        try:
            topic = message.topic
        except UnicodeDecodeError:
            _logger.debug("a message on a topic that is not UTF-8 is ignored")
            return
        properties = message.properties
        inbound = Inbound(
            topic,
            bytes(message.payload),
            retained=message.retain,
            duplicate=message.dup,
            response_topic=getattr(properties, "ResponseTopic", None),
            correlation_data=getattr(properties, "CorrelationData", None),
        )
        self._hand_on(self, inbound)

    def _on_socket_open(self, client: PahoClient, userdata: Any, sock: Any) -> None:  # noqa: ARG002
        self._loop.call_soon_threadsafe(self._adopt, sock)  # called on the connecting thread

    def _adopt(self, sock: Any) -> None:
        if self._abandoned:
            self._client._sock_close()  # noqa: SLF001 (see above)
        elif self._client.socket() == sock:
            self._loop.add_reader(sock.fileno(), self._read)
            self._misc_task = self._loop.create_task(self._misc_loop(), name="mqtt.keep_alive")

    def _on_socket_close(self, client: PahoClient, userdata: Any, sock: Any) -> None:  # noqa: ARG002
        if sock.fileno() >= 0:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())
        if self._misc_task is not None:
            self._misc_task.cancel()

    def _on_socket_register_write(self, client: PahoClient, userdata: Any, sock: Any) -> None:  # noqa: ARG002
        if threading.get_ident() == self._loop_thread:
            self._write_soon()
        else:
            self._loop.call_soon_threadsafe(self._write)

    def _on_socket_unregister_write(self, client: PahoClient, userdata: Any, sock: Any) -> None:
        """Whether more is to be written is for ``_write`` to know."""

    # From here on: what the loop calls.

    def _socket(self) -> PacketSocket | None:
        sock: Any = self._client.socket()
        return sock  # type: ignore[no-any-return]  # ours, see ``_create_socket``

    def _read(self) -> None:
        sock = self._socket()
        if sock is None:
            return
        try:
            for packet in sock.read():
                if packet[0] == PUBACK:
                    self._take_puback(packet)
                else:
                    sock.tell(packet)
                    self._client.loop_read()
                if self._socket() is not sock:
                    return
            if sock.ended:
                self._client.loop_read()
        except Exception as error:  # noqa: BLE001 (whatever paho stumbles over ends this connection, and only it)
            self.abort(Loss(f"{type(error).__name__}: {error}"))
        self.after_read()

    def _take_puback(self, packet: bytes) -> None:
        identifier, refusal = puback_parts(packet)
        if identifier in self._under_way:
            self._under_way.discard(identifier)
            self._acknowledged(identifier, refusal)

    def _write_soon(self) -> None:
        if not self._write_is_due:
            self._write_is_due = True
            self._loop.call_soon(self.flush)

    def _write(self) -> None:
        self._write_is_due = False
        sock = self._socket()
        if sock is None:
            return
        try:
            if self._client.want_write():
                self._client.loop_write()
            if self._socket() is sock:
                self._give(sock)
        except Exception as error:  # noqa: BLE001 (as above)
            self.abort(Loss(f"{type(error).__name__}: {error}"))

    def _give(self, sock: PacketSocket) -> None:
        """Give the kernel what it takes, and be told when it takes more."""
        try:
            waits = not sock.flush() or self._client.want_write()
        except OSError:
            self._client._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)  # noqa: SLF001 (see above)
            return
        if waits and not self._waits_to_write:
            self._loop.add_writer(sock.fileno(), self._write)
        elif self._waits_to_write and not waits:
            self._loop.remove_writer(sock.fileno())
        self._waits_to_write = waits


def _nothing() -> None:
    pass
