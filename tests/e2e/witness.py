"""A relay between the gateway and the broker that knows what the broker has acknowledged, and may be shut."""

import asyncio
import json
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from tests.broker import Broker
from tests.mqtt.proxy import PUBACK, PUBLISH, body_of, read_packet

_IDENTIFIER: Final = slice(0, 2)


class Witness:
    """Relays whole packets, and notes the ``seq`` of every event that the broker said it has.

    Attributes:
        port: Where it listens, on loopback.
        acknowledged: The ``seq`` of each event and call record whose PUBACK was passed on to the gateway.
    """

    def __init__(self, broker: Broker) -> None:
        """Stand before *broker*, which need not run yet."""
        self.port = 0
        self.acknowledged: set[int] = set()
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._broker.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def shut(self) -> None:
        """Let no new connection through."""
        self._is_open = False

    def open(self) -> None:
        """Let them through again."""
        self._is_open = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._is_open:
                with suppress(OSError):
                    await self._relay(reader, writer)
        except asyncio.CancelledError:
            pass  # the test is over; asyncio.Server would report it
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_broker, to_broker = await asyncio.open_connection(self._broker.host, self._broker.port)
        under_way: dict[bytes, int] = {}
        ways = [
            asyncio.create_task(self._forth(reader, to_broker, under_way), name="witness forth"),
            asyncio.create_task(self._back(from_broker, writer, under_way), name="witness back"),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_broker.close()

    async def _forth(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, under_way: dict[bytes, int]
    ) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                packet = await read_packet(reader)
                if packet[0] >> 4 == PUBLISH:
                    _note(packet, under_way)
                writer.write(packet)

    async def _back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, under_way: dict[bytes, int]
    ) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                packet = await read_packet(reader)
                writer.write(packet)
                if packet[0] >> 4 == PUBACK:
                    seq = under_way.pop(body_of(packet)[_IDENTIFIER], None)
                    if seq is not None:
                        self.acknowledged.add(seq)


def _note(packet: bytes, under_way: dict[bytes, int]) -> None:
    """Note the packet identifier and seq of a message that is not retained (MQTT 5.0, 3.3)."""
    body = body_of(packet)
    end = 2 + int.from_bytes(body[:2], "big")
    topic, properties = body[2:end].decode(), body[end + 2]
    if topic.endswith("/event") or "/call/" in topic:
        assert properties == 0, "an event has no properties"
        under_way[body[end : end + 2]] = json.loads(body[end + 3 :])["seq"]
