"""The socket that paho is given, and the packets that are put together and taken apart beside it."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import MqttConnectionError
from gateway.mqtt.packets import puback_parts, publish_packet, publish_properties
from gateway.mqtt.wire import PacketSocket, PacketSplitter
from tests.bench import mqtt_wire

DISCONNECT = b"\xe0\x00"
PUBACK = b"\x40\x02\x00\x07"
LONG = b"\x30\xac\x02" + bytes(300)  # its length takes two bytes


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two TCP sockets that are connected, neither of which waits."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _ = server.accept()
        with theirs:
            ours.settimeout(0)
            theirs.settimeout(5)
            yield ours, theirs


@given(st.lists(st.sampled_from([PUBACK, LONG, b"\xd0\x00"]), max_size=6), st.lists(st.integers(1, 700), max_size=9))
def test_packets_do_not_depend_on_where_tcp_cuts(packets: list[bytes], sizes: list[int]) -> None:
    """Whatever pieces the stream comes in, the packets are the same, whole and in order."""
    splitter, stream, found = PacketSplitter(), b"".join(packets), []
    for size in [*sizes, len(stream)]:
        found += splitter.receive_data(stream[:size])
        stream = stream[size:]
    assert found == packets


def test_a_length_that_is_none_ends_it() -> None:
    """A length of more than four bytes is no MQTT, and nothing behind it can be trusted."""
    with pytest.raises(MqttConnectionError, match="length"):
        PacketSplitter().receive_data(b"\x30\xff\xff\xff\xff\x01")


def test_small_packets_leave_at_once(ends: tuple[socket.socket, socket.socket]) -> None:
    """The kernel does not hold a small packet back until an earlier one is acknowledged."""
    ours, _ = ends
    PacketSocket(ours)
    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_packets_leave_together(ends: tuple[socket.socket, socket.socket]) -> None:
    """What is sent waits for the flush, and leaves in its order then."""
    ours, theirs = ends
    packets = PacketSocket(ours)
    assert [packets.send(each) for each in (b"one", bytearray(b"two"))] == [3, 3]
    theirs.settimeout(0)
    with pytest.raises(BlockingIOError):
        theirs.recv(100)
    theirs.settimeout(5)
    assert packets.flush()
    assert theirs.recv(100) == b"onetwo"


def test_a_slow_broker_loses_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    """What the kernel does not take is kept, and is next."""
    ours, theirs = ends
    packets = PacketSocket(ours)
    sent = bytes(range(256)) * 40_000
    packets.send(sent)
    come = b""
    while not packets.flush():
        come += theirs.recv(1 << 20)
    while len(come) < len(sent):
        come += theirs.recv(1 << 20)
    assert come == sent


def test_a_last_packet_that_cannot_leave_is_tried_again(ends: tuple[socket.socket, socket.socket]) -> None:
    """DISCONNECT is not kept, as the socket is closed behind it: it comes once, behind all that was before it."""
    ours, theirs = ends
    packets = PacketSocket(ours)
    packets.send(bytes(20_000_000))
    with pytest.raises(BlockingIOError):
        packets.send(DISCONNECT)
    come = b""
    while not packets.flush():
        come += theirs.recv(1 << 20)
    packets.send(DISCONNECT)
    packets.close()
    while data := theirs.recv(1 << 20):
        come += data
    assert come == bytes(20_000_000) + DISCONNECT


def test_what_is_told_comes_out_in_the_pieces_asked_for(ends: tuple[socket.socket, socket.socket]) -> None:
    """One packet at a time; behind it there is nothing yet, and at the end an empty answer, as a socket gives it."""
    ours, theirs = ends
    packets = PacketSocket(ours)
    theirs.sendall(PUBACK + LONG + PUBACK[:3])
    come: list[bytes] = []
    while len(come) < 2:
        come += packets.read()
    assert come == [PUBACK, LONG]
    packets.tell(PUBACK)
    assert (packets.recv(1), packets.recv(1), packets.recv(10)) == (b"\x40", b"\x02", b"\x00\x07")
    with pytest.raises(BlockingIOError):
        packets.recv(1)
    theirs.close()
    while not packets.ended:
        assert packets.read() == []
    assert packets.recv(1) == b""


@given(
    topic=st.text(st.characters(exclude_characters="+#\0", exclude_categories=["Cs"]), min_size=1, max_size=200),
    payload=st.binary(max_size=20_000),
    identifier=st.integers(1, 0xFFFF),
    retain=st.booleans(),
    expiry=st.none() | st.integers(1, 0xFFFFFFFF),
)
def test_a_publish_can_be_read_back(
    topic: str, payload: bytes, identifier: int, *, retain: bool, expiry: int | None
) -> None:
    """Topic, identifier and payload are where MQTT 5.0 has them (3.3), with properties or without; so for 3.1.1."""
    properties = publish_properties(expiry, None)
    for mqtt5 in (True, False):
        packet = publish_packet(topic, payload, identifier, retain=retain, properties=properties, mqtt5=mqtt5)
        assert PacketSplitter().receive_data(packet) == [packet]
        head = mqtt_wire.split(packet, 0)
        assert head is not None
        assert head[0] == 0x32 | retain
        name, its, rest = mqtt_wire.publish_parts(packet, head)
        assert (name.decode(), its) == (topic, identifier.to_bytes(2, "big"))
        assert rest.endswith(payload)
        assert len(rest) - len(payload) == ((1 if expiry is None else 6) if mqtt5 else 0)


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#", "a\0b", "x" * 65_536])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    """Nothing is sent to a topic that no broker takes."""
    with pytest.raises(ValueError, match=r"topic|longer"):
        publish_packet(topic, b"", 1, retain=False, properties=None, mqtt5=True)


def test_an_acknowledgement_is_taken_apart() -> None:
    """With and without reason and properties (MQTT 5.0, 3.4); a reason from 0x80 on is a refusal."""
    refused = f"{ReasonCode(PacketTypes.PUBACK, 'Not authorized')} (0x87)"
    assert puback_parts(b"\x40\x02\x01\x02") == (0x102, None)
    assert puback_parts(b"\x40\x03\x01\x02\x10") == (0x102, None)
    assert puback_parts(b"\x40\x03\x01\x02\x87") == (0x102, refused)
    assert puback_parts(b"\x40\x84\x01\x01\x02\x87" + bytes(129)) == (0x102, refused)
    for bad in (b"\x40\x00", b"\x40\x01\x01", b"\x40\x03\x01\x02\xff"):
        with pytest.raises(MqttConnectionError):
            puback_parts(bad)
