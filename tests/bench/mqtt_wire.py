"""As much of MQTT 3.1.1 as a subscriber needs, on bytes: a client library would be slower than what is measured."""

from typing import Final

PUBLISH: Final = 3
SUBACK: Final = 9
CONNACK: Final = 2


def connect(client_id: str, username: str, password: str, *, keep_alive: int = 0) -> bytes:
    """CONNECT with a clean session."""
    body = _text("MQTT") + b"\x04" + b"\xc2" + keep_alive.to_bytes(2, "big")
    return _packet(0x10, body + b"".join(map(_text, (client_id, username, password))))


def subscribe(topic_filter: str) -> bytes:
    """SUBSCRIBE with QoS 1."""
    return _packet(0x82, b"\x00\x01" + _text(topic_filter) + b"\x01")


def publish(topic: str, payload: bytes) -> bytes:
    """PUBLISH with QoS 1, of packet 1: whoever does not send again needs no other."""
    return _packet(0x32, _text(topic) + b"\x00\x01" + payload)


def puback(identifier: bytes) -> bytes:
    """PUBACK for a packet identifier as it came."""
    return b"\x40\x02" + identifier


def split(data: bytes, start: int) -> tuple[int, int, int] | None:
    """The packet at *start*: its first byte, where its body begins, and where it ends; None if it is not all there."""
    length, shift, place = 0, 0, start + 1
    size = len(data)
    while place < size:
        byte = data[place]
        place += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (data[start], place, place + length) if place + length <= size else None
        shift += 7
    return None


def publish_parts(data: bytes, head: tuple[int, int, int]) -> tuple[bytes, bytes | None, bytes]:
    """Topic, packet identifier (None for QoS 0) and payload of a PUBLISH that ``split`` found."""
    first, begin, end = head
    middle = begin + 2 + (data[begin] << 8 | data[begin + 1])
    topic = data[begin + 2 : middle]
    if first & 0x06:
        return topic, data[middle : middle + 2], data[middle + 2 : end]
    return topic, None, data[middle:end]


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def _packet(first: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([first])
    while True:
        length, digit = length >> 7, length & 0x7F
        head.append(digit | 0x80 if length else digit)
        if not length:
            return bytes(head) + body
