"""The socket that paho is given: many packets in one write, many acknowledgements in one read.

paho asks the kernel three times for each PUBACK, and gives it each packet by itself, which costs more than all else
that is done for a message.
"""

import ssl
from typing import Final, Protocol

_CHUNK: Final = 65536  # bytes that are asked for at a time
_DISCONNECT: Final = 0xE0  # first byte of the packet behind which paho closes the socket


class Socket(Protocol):
    """What is used of a socket, with or without TLS; one that does not block."""

    def recv(self, size: int, /) -> bytes:
        """Bytes that have come."""

    def send(self, data: bytes | bytearray | memoryview, /) -> int:
        """Give bytes to the kernel; returns how many it took."""

    def fileno(self) -> int:
        """The descriptor."""

    def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - as sockets have it
        """Whether calls wait."""

    def close(self) -> None:
        """Let it go."""


class BufferedSocket:
    """A socket whose ``send`` is kept until ``flush``, and whose ``recv`` asks the kernel once for each ``begin_read``.

    Both raise BlockingIOError as a socket does that cannot go on just now.
    """

    def __init__(self, sock: Socket) -> None:
        self._sock = sock
        self._may_read = True
        self._in = b""
        self._at = 0
        self._out = bytearray()

    # What paho uses ------------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """At most *size* bytes of what has come; ``b""`` at the end."""
        if self._at >= len(self._in):
            if not self._may_read:
                raise BlockingIOError
            self._in, self._at = self._sock.recv(_CHUNK), 0
            self._may_read = False
        begin = self._at
        data = self._in[begin : begin + size]
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

    def begin_read(self) -> None:
        """Something has come: the kernel may be asked once more."""
        self._may_read = True

    @property
    def holds_more(self) -> bool:
        """Whether something has come that no selector tells of: it was taken from the kernel, but not by paho."""
        if self._at < len(self._in):
            return True
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

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
