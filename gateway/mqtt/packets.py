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


def packet_size(topic: str, payload: bytes, properties: Properties | None) -> int:
    """Bytes of a QoS 1 PUBLISH of MQTT 5.0 (3.3): topic with its length, identifier, properties, payload."""
    packed = b"\0" if properties is None else properties.pack()  # type: ignore[no-untyped-call]
    rest = 2 + len(topic.encode()) + 2 + len(packed) + len(payload)
    return 1 + sum(rest >= 1 << bits for bits in (0, 7, 14, 21)) + rest
