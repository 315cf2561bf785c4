"""Properties, sizes and reason codes of MQTT packets, as paho has them and as people read them."""

from typing import Final

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import MqttAuthenticationError, MqttConnectionError
from gateway.mqtt.interface import MEBIBYTE, MqttSettings

FAILURE: Final = 0x80  # reason codes from here on mean that it was not done (MQTT 5.0, 2.4)
SESSION_TAKEN_OVER: Final = 0x8E
PUBACK: Final = 0x40  # the first byte of one (MQTT 5.0, 3.4.1)
_PUBLISH_QOS_1: Final = 0x32  # the first byte of a PUBLISH (MQTT 5.0, 3.3.1)
_SHORT_PUBACK: Final = 2  # bytes behind the length of one that has the identifier alone, which is success (3.4.2.1)
_LONGEST_TEXT: Final = 0xFFFF  # bytes (MQTT 5.0, 1.5.4)
_LARGEST: Final = 268_435_455  # bytes that a packet may have behind the length of it (MQTT 5.0, 1.5.5)
_UNSUPPORTED_VERSION: Final = 0x84
_LOGIN_REFUSED: Final = frozenset({0x86, 0x87, 0x8A, 0x8C})  # bad name or password, not authorised, banned, bad method


class UnsupportedVersionError(MqttConnectionError):
    """The broker does not speak the version of MQTT we asked for."""


def connect_properties(settings: MqttSettings) -> Properties:
    """Properties of CONNECT: how long our session is kept, and the largest packet we take."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry
    properties.MaximumPacketSize = MEBIBYTE
    return properties


def publish_properties(
    expiry: int | None, correlation_data: bytes | None, response_topic: str | None = None
) -> Properties | None:
    """Properties of PUBLISH; None for none, which costs nothing."""
    if expiry is None and correlation_data is None and response_topic is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    if correlation_data is not None:
        properties.CorrelationData = correlation_data
    if response_topic is not None:
        properties.ResponseTopic = response_topic
    return properties


def connect_error(error: Exception) -> Exception:
    """Return our error for what went wrong with a CONNECT."""
    code = error.rc if isinstance(error, aiomqtt.MqttCodeError) else None
    if not isinstance(code, ReasonCode):
        return MqttConnectionError(str(error) or type(error).__name__)
    if code.value == _UNSUPPORTED_VERSION:
        return UnsupportedVersionError(str(code))
    if code.value in _LOGIN_REFUSED:
        return MqttAuthenticationError(str(code))
    return MqttConnectionError(f"the broker refuses the connection: {code}")


def local_reason(reason_code: ReasonCode) -> str:
    """Say why a connection ended for which the broker gave no reason."""
    name = reason_code.getName()
    return "the connection was closed" if name == "Unspecified error" else str(name)


def publish_packet(
    topic: str, payload: bytes, identifier: int, *, retain: bool, properties: Properties | None, mqtt5: bool
) -> bytes:
    """The bytes of a QoS 1 PUBLISH (MQTT 5.0, 3.3; 3.1.1 lacks the properties).

    Raises:
        ValueError: A wildcard in the topic, or something is longer than the protocol can say.
    """
    name = topic.encode()
    if not name or b"+" in name or b"#" in name or b"\0" in name:
        raise ValueError("no topic, or a wildcard or a NUL in it")
    packed = b""
    if mqtt5:
        packed = b"\0" if properties is None else properties.pack()  # type: ignore[no-untyped-call]
    rest = len(name) + 4 + len(packed) + len(payload)
    if len(name) > _LONGEST_TEXT or rest > _LARGEST:
        raise ValueError("longer than a packet can be")
    head = bytearray((_PUBLISH_QOS_1 | retain,))
    length = rest
    while length >> 7:
        head.append(0x80 | (length & 0x7F))
        length >>= 7
    head.append(length)
    size = len(name).to_bytes(2, "big")
    return b"".join((head, size, name, identifier.to_bytes(2, "big"), packed, payload))


def puback_parts(packet: bytes) -> tuple[int, str | None]:
    """The identifier in a PUBACK, a whole packet, and why the broker refuses what it answers; None: it took it.

    Raises:
        MqttConnectionError: It has no identifier, or a reason that there is none of.
    """
    begin = 2
    while packet[begin - 1] & 0x80:  # the length of the packet goes on
        begin += 1
    body = packet[begin:]
    if len(body) < _SHORT_PUBACK:
        raise MqttConnectionError("the broker sent a PUBACK without an identifier")
    return body[0] << 8 | body[1], None if len(body) == _SHORT_PUBACK else _refusal(body[2])


def _refusal(code: int) -> str | None:
    if code < FAILURE:
        return None
    try:
        reason = ReasonCode(PacketTypes.PUBACK, identifier=code)
    except KeyError:
        raise MqttConnectionError(
            f"the broker sent a PUBACK with reason 0x{code:02X}, which there is none of"
        ) from None
    return f"{reason} (0x{code:02X})"
