"""The socket that paho is given: whole packets in, and all packets of a turn of the loop out in one write.

paho asks the kernel four times for each PUBACK and once for each packet that leaves, which costs more than all else
that is done for a message. Here the kernel is asked once for all that has come, and told once what is to leave.
"""

import ssl
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Final, Protocol

from gateway.errors import MqttConnectionError

_CHUNK: Final = 262_144  # bytes that are asked for at a time
_DISCONNECT: Final = 0xE0  # first byte of the packet behind which paho closes the socket
_LONGEST_LENGTH: Final = 4  # bytes that tell how long a packet is (MQTT 5.0, 1.5.5)


class Socket(Protocol):
    """What is used of a socket, with or without TLS; one that does not block."""

    def recv(self, size: int, /) -> bytes:
        """Bytes that have come; none at the end."""

    def send(self, data: bytes | bytearray | memoryview, /) -> int:
        """Give bytes to the kernel; returns how many it took."""

    def fileno(self) -> int:
        """The descriptor."""

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - as sockets have it
        """Whether calls wait."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """Set an option."""

    def close(self) -> None:
        """Let it go."""


class PacketSplitter:
    """Cuts a stream into MQTT packets (MQTT 5.0, 2.1; 3.1.1 has the same). Knows no socket."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lacking = 0

    def receive_data(self, data: bytes) -> list[bytes]:
        """Take bytes as they came and return the packets they complete, each whole, in their order.

        Raises:
            MqttConnectionError: If a length is none. The stream cannot be trusted after that.
        """
        self._buffer += data
        if len(self._buffer) < self._lacking:
            return []
        packets = []
        stream, begin = bytes(self._buffer), 0
        while (end := _end_of_packet(stream, begin)) is not None and end <= len(stream):
            packets.append(stream[begin:end])
            begin = end
        self._lacking = 0 if end is None else end - begin
        if begin:
            del self._buffer[:begin]
        return packets


def _end_of_packet(stream: bytes, begin: int) -> int | None:
    """Where the packet at *begin* ends; None if not even its length is there."""
    length = shift = 0
    for place in range(begin + 1, begin + 1 + _LONGEST_LENGTH):
        if place >= len(stream):
            return None
        length |= (stream[place] & 0x7F) << shift
        if not stream[place] & 0x80:  # no more of the length follows
            return place + 1 + length
        shift += 7
    raise MqttConnectionError("the broker sent a packet whose length is none")


class PacketSocket:
    """A socket whose ``send`` is kept until ``flush``, and whose ``recv`` has the packet that it was given to tell.

    Both raise BlockingIOError as a socket does that cannot go on just now.

    Attributes:
        ended: The broker has closed its side.
    """

    def __init__(self, sock: Socket) -> None:
        """Send small packets at once: aiomqtt, which would see to it, only does so for a socket of the system."""
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.ended = False
        self._sock = sock
        self._splitter = PacketSplitter()
        self._packet = b""
        self._at = 0
        self._out = bytearray()

    # What paho uses ------------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """At most *size* bytes of the packet that was told; ``b""`` when the broker has closed its side."""
        begin = self._at
        data = self._packet[begin : begin + size]
        if not data and not self.ended:
            raise BlockingIOError
        self._at = begin + len(data)
        return data

    def send(self, data: bytes | bytearray) -> int:
        """Keep *data* for ``flush``, all of it."""
        self._out += data
        if data[0] == _DISCONNECT and not self.flush():
            # It would be lost with the socket: paho tries it again when the kernel takes more.
            del self._out[-len(data) :]
            raise BlockingIOError
        return len(data)

    def fileno(self) -> int:
        """The descriptor."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as sockets have it
        """Whether calls wait."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """Let it go, with what was not flushed."""
        self._sock.close()

    # What the connection uses --------------------------------------------------------------------------------------

    def read(self) -> list[bytes]:
        """The packets that have come; none does not mean that it is over, see ``ended``.

        Raises:
            OSError: The connection is over.
            MqttConnectionError: What came is not MQTT.
        """
        packets: list[bytes] = []
        while not self.ended:
            try:
                data = self._sock.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            self.ended = not data
            packets += self._splitter.receive_data(data)
            # Of what is decrypted already no selector tells.
            if not (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
                break
        return packets

    def tell(self, packet: bytes) -> None:
        """Have *packet* come out of ``recv``."""
        self._packet, self._at = packet, 0

    def flush(self) -> bool:
        """Give the kernel what it takes. Returns whether that was everything.

        Raises:
            OSError: The connection is over.
        """
        while self._out:
            try:
                taken = self._sock.send(self._out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            del self._out[:taken]
        return True
