"""The socket that paho is given."""

import socket
from collections.abc import Iterator

import pytest

from gateway.mqtt.wire import BufferedSocket

DISCONNECT = b"\xe0\x00"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that are connected, neither of which waits."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        theirs.settimeout(0)
        yield ours, theirs


def test_packets_leave_together(ends: tuple[socket.socket, socket.socket]) -> None:
    """What is sent waits for the flush, and is one write in its order then."""
    ours, theirs = ends
    buffered = BufferedSocket(ours)
    assert [buffered.send(each) for each in (b"one", bytearray(b"two"))] == [3, 3]
    with pytest.raises(BlockingIOError):
        theirs.recv(100)
    assert buffered.flush()
    assert theirs.recv(100) == b"onetwo"


def test_a_slow_broker_loses_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    """What the kernel does not take is kept, and is next."""
    ours, theirs = ends
    buffered = BufferedSocket(ours)
    sent = bytes(range(256)) * 20_000
    buffered.send(sent)
    come = b""
    while not buffered.flush():
        come += theirs.recv(1 << 20)
    while len(come) < len(sent):
        come += theirs.recv(1 << 20)
    assert come == sent


def test_the_last_packet_leaves_before_the_socket_is_closed(ends: tuple[socket.socket, socket.socket]) -> None:
    """DISCONNECT is not kept, as the socket is closed behind it."""
    ours, theirs = ends
    buffered = BufferedSocket(ours)
    buffered.send(b"one")
    buffered.send(DISCONNECT)
    buffered.close()
    assert theirs.recv(100) == b"one" + DISCONNECT


def test_a_last_packet_that_cannot_leave_is_tried_again(ends: tuple[socket.socket, socket.socket]) -> None:
    """It comes once, behind all that was before it."""
    ours, theirs = ends
    buffered = BufferedSocket(ours)
    buffered.send(bytes(5_000_000))
    with pytest.raises(BlockingIOError):
        buffered.send(DISCONNECT)
    come = b""
    while not buffered.flush():
        come += theirs.recv(1 << 20)
    buffered.send(DISCONNECT)
    while len(come) < 5_000_002:
        come += theirs.recv(1 << 20)
    assert come == bytes(5_000_000) + DISCONNECT


def test_one_question_to_the_kernel_for_each_reading(ends: tuple[socket.socket, socket.socket]) -> None:
    """Small pieces come out of what came at once; then there is nothing, until the next reading begins."""
    ours, theirs = ends
    buffered = BufferedSocket(ours)
    theirs.send(b"abcd")
    assert (buffered.recv(1), buffered.recv(1)) == (b"a", b"b")
    assert buffered.holds_more
    assert buffered.recv(10) == b"cd"
    assert not buffered.holds_more
    theirs.send(b"e")
    with pytest.raises(BlockingIOError):
        buffered.recv(1)
    buffered.begin_read()
    assert buffered.recv(1) == b"e"


def test_the_end_is_told(ends: tuple[socket.socket, socket.socket]) -> None:
    """An empty answer, as a socket gives it."""
    ours, theirs = ends
    theirs.close()
    assert BufferedSocket(ours).recv(1) == b""
