"""A relay before the broker that knows MQTT's packets, to play brokers and networks that Mosquitto does not."""

import asyncio
import contextlib
from typing import Self

from tests.broker import Broker

CONNECT, PUBLISH, PUBACK = 1, 3, 4  # packet types, the first four bits of a packet
WAIT = 30.0  # seconds
_REFUSE_VERSION = b"\x20\x02\x00\x01"  # a 3.1.1 CONNACK: unacceptable protocol version
_LEVEL_AT = 6  # of CONNECT's variable header: two bytes of length, "MQTT", then the protocol level


async def read_packet(reader: asyncio.StreamReader) -> bytes:
    """Return the next whole packet.

    Raises:
        asyncio.IncompleteReadError: If the stream ends.
    """
    header = await reader.readexactly(1)
    length = shift = 0
    while True:
        byte = await reader.readexactly(1)
        header += byte
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if not byte[0] & 0x80:
            return header + await reader.readexactly(length)


def body_of(packet: bytes) -> bytes:
    """Return *packet* without its fixed header."""
    at = 1
    while packet[at] & 0x80:
        at += 1
    return packet[at + 1 :]


class Proxy:
    """Relays whole packets between clients and a broker.

    Attributes:
        away: Take no connection, as a network that is down.
        only_311: Refuse MQTT 5 as a broker does that knows 3.1.1 alone.
        poison: Close the connection of whoever publishes these bytes.
        swallow_pubacks: Lose the PUBACKs of both sides.
        levels: Protocol levels of the CONNECTs seen.
        publishes: Number of PUBLISH packets from clients.
        published: Set at each of them.
        most_under_way: Largest number of QoS 1 publishes of a connection without their PUBACK.
        port: Where it listens.
    """

    def __init__(self, broker: Broker) -> None:
        self.away = False
        self.only_311 = False
        self.poison: bytes | None = None
        self.swallow_pubacks = False
        self.levels: list[int] = []
        self.publishes = 0
        self.published = asyncio.Event()
        self.most_under_way = 0
        self.host = "127.0.0.1"
        self.port = 0
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def drop(self) -> None:
        """Cut every connection, as a network does."""
        for writer in self._writers:
            writer.transport.abort()

    def disconnect_all(self, reason_code: int) -> None:
        """Say DISCONNECT (MQTT 5) to every client, as a broker does, and close."""
        for writer in list(self._writers):
            writer.write(bytes([0xE0, 1, reason_code]))
            writer.close()

    async def until_published(self, count: int) -> None:
        """Wait until clients have sent *count* PUBLISH packets in all."""
        async with asyncio.timeout(WAIT):
            while self.publishes < count:
                self.published.clear()
                await self.published.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, OSError):
                if not self.away:
                    await self._relay(reader, writer)
        except asyncio.CancelledError:
            pass  # the server's own; asyncio.Server would report it
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await read_packet(reader)
        level = body_of(connect)[_LEVEL_AT]
        self.levels.append(level)
        if self.only_311 and level != 4:
            writer.write(_REFUSE_VERSION)
            await writer.drain()
            return
        from_broker, to_broker = await asyncio.open_connection(self._broker.host, self._broker.port)
        to_broker.write(connect)
        counter = _UnderWay(self)
        back = asyncio.create_task(self._back(from_broker, writer, counter), name="proxy back")
        try:
            forth = asyncio.create_task(self._forth(reader, to_broker, counter), name="proxy forth")
            await asyncio.wait([back, forth], return_when=asyncio.FIRST_COMPLETED)
            for each in (back, forth):
                each.cancel()
            await asyncio.gather(back, forth, return_exceptions=True)
        finally:
            to_broker.transport.abort()

    async def _forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: "_UnderWay") -> None:
        while True:
            packet = await read_packet(reader)
            if packet[0] >> 4 == PUBLISH:
                self.publishes += 1
                self.published.set()
                counter.add(1)
                if self.poison is not None and self.poison in packet:
                    return
            if packet[0] >> 4 == PUBACK and self.swallow_pubacks:
                continue
            writer.write(packet)

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: "_UnderWay") -> None:
        while True:
            packet = await read_packet(reader)
            if packet[0] >> 4 == PUBACK:
                if self.swallow_pubacks:
                    continue
                counter.add(-1)
            writer.write(packet)


class _UnderWay:
    """Publishes of one connection without their PUBACK."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._count = 0

    def add(self, change: int) -> None:
        """Count, and keep the maximum."""
        self._count += change
        self._proxy.most_under_way = max(self._proxy.most_under_way, self._count)
