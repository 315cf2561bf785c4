"""Mends of paho that must be made in its own modules, since nothing there can be replaced otherwise."""

from paho.mqtt import properties
from paho.mqtt.exception import MalformedPacket


def accept_any_text() -> None:
    """Let the properties of a message hold any text.

    paho 2.2.0 ends the connection over U+FEFF in one, which MQTT allows (5.0, 1.5.4), and over what a careless broker
    lets through. With a session the broker sends the message again after each reconnection, so that whoever may
    publish commands could keep the gateway away for ever. A second call changes nothing.
    """
    properties.readUTF = _read_utf


def _read_utf(buffer: bytes, limit: int) -> tuple[str, int]:
    """The string at the beginning of *buffer*, within *limit* bytes, and how many it takes with its length.

    Bytes that are no UTF-8 become lone surrogates: a topic with one is no topic that anything is published to.
    """
    length = int.from_bytes(buffer[:2], "big")
    if min(limit, len(buffer)) < length + 2:
        raise MalformedPacket("a string is longer than the properties it stands in")
    return bytes(buffer[2 : 2 + length]).decode("utf-8", "surrogateescape"), length + 2
