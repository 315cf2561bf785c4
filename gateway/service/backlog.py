"""What waits for the broker: all of it in the store, and no more than its front with the client."""

import asyncio
from typing import Final, Protocol

from gateway.store.contents import Dropped, Message

MESSAGES: Final = 1_000
"""Messages that the client has at most."""

MESSAGES_BYTES: Final = 4 * 1024 * 1024
"""Bytes of memory that they may take; one message more than fits is the most there is."""

PIECE: Final = 200
"""Messages that are read from the store at a time, and that the client must have room for."""

PIECE_BYTES: Final = 512 * 1024
"""Bytes that are read at a time, though always one message."""

DROPPED_BYTES: Final = 1024 * 1024
"""Bytes by which the store is brought below its bound, so that the next message does not ask for it again."""

MOST_DROPPED_BYTES: Final = 4 * DROPPED_BYTES
"""Bytes that are dropped at a time."""


class Shelf(Protocol):
    """Where messages are kept. All methods raise StoreWriteError where they cannot do it just now."""

    def messages(self, after: int | None, limit: int, size: int | None = None) -> list[Message]:
        """The next messages behind number *after*."""

    def drop_oldest(self, size: int, keep: set[int]) -> Dropped:
        """Delete the oldest messages until *size* bytes of them are gone."""

    def size_of_outbox(self) -> tuple[int, int]:
        """How many messages there are, and their bytes."""


class Sender(Protocol):
    """The client: what is given to it is sent until the broker has it."""

    @property
    def depth(self) -> int:
        """Messages that it has."""

    @property
    def depth_bytes(self) -> int:
        """Bytes of memory they take."""

    @property
    def numbers_under_way(self) -> set[int]:
        """Numbers of those that may have reached the broker already."""

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        seq: int | None = None,
        number: int | None = None,
        correlation_data: bytes | None = None,
    ) -> None:
        """Send a message until the broker has it."""

    def withdraw(self, until: int) -> None:
        """Forget the messages up to number *until*, but for those under way."""

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Send what a retained topic shows when its turn comes."""

    def work_off(self, *, more: bool = False) -> None:
        """Send now what would be in the loop's next step; *more*: more is about to come at once."""

    async def drain(self) -> None:
        """Wait until the broker has everything."""


class Backlog:
    """Hands messages to the client in the order of their numbers, as it has room for them.

    With a broker that is away, or slow, a message costs the disk its size, and the memory nothing: the client has the
    first thousand. A snapshot does not wait here, so it may be ahead of events that do.

    Args:
        shelf: Where every message is before it comes here.
        limit: Bytes of messages that may be kept; past it the oldest go.

    Attributes:
        sender: The client. Set once, before anything is told.
    """

    sender: Sender

    def __init__(self, shelf: Shelf, limit: int) -> None:
        self._shelf = shelf
        self._limit = limit
        self._last: int | None = None
        self._behind = 0
        self._is_dropping = False
        self._dropped = 0
        self._first_dropped = ""
        self._is_handed = asyncio.Event()
        self._count(0)

    def resume(self) -> None:
        """Begin with what is on the shelf already."""
        self._count(self._shelf.size_of_outbox()[0])

    @property
    def is_busy(self) -> bool:
        """Whether ``work`` has something to do."""
        return self._is_hungry or self._is_dropping

    @property
    def is_tight(self) -> bool:
        """Whether the bound is near: what the broker has must be off the shelf, that it is not dropped and told."""
        return self._excess > -DROPPED_BYTES

    def add(self, message: Message) -> None:
        """Take a message that is on the shelf, with a number above all others: to the client, or it waits there."""
        if self._behind == 0 and self._room() > 0:
            self._hand(message)
        else:
            self._count(self._behind + 1)

    def work(self) -> tuple[int, str] | None:
        """Drop a piece of what is past the bound, hand a piece of what waits to the client.

        Returns:
            Once the bound is kept again, how many messages were dropped and the topic of the first; else None.

        Raises:
            StoreWriteError: The shelf cannot be read or written just now. Nothing is lost by that.
        """
        told = self._drop()
        if self._is_hungry:
            self._feed()
        return told

    def rewind(self) -> None:
        """Take back what the client has, but for what is under way: the shelf has something else in its place.

        Of what the client no longer has, nothing may be left on the shelf.
        """
        if self._last is not None:
            self.sender.withdraw(self._last)
        under_way = self.sender.numbers_under_way
        self._last = max(under_way, default=None)
        self._count(self._shelf.size_of_outbox()[0] - len(under_way))

    async def drain(self) -> None:
        """Wait until the broker has everything."""
        await self._is_handed.wait()
        await self.sender.drain()

    # How -----------------------------------------------------------------------------------------------------------

    @property
    def _is_hungry(self) -> bool:
        return self._behind > 0 and self._room() >= PIECE

    @property
    def _excess(self) -> int:
        return self._shelf.size_of_outbox()[1] - self._limit

    def _room(self) -> int:
        """Messages that the client may be given."""
        return MESSAGES - self.sender.depth if self.sender.depth_bytes < MESSAGES_BYTES else 0

    def _feed(self) -> None:
        piece = self._shelf.messages(self._last, PIECE, PIECE_BYTES)
        for message in piece:
            self._hand(message)
        self._count(self._behind - len(piece) if piece else 0)

    def _hand(self, message: Message) -> None:
        self._last = message.number
        self.sender.send(
            message.topic,
            message.payload,
            seq=message.seq,
            number=message.number,
            correlation_data=message.correlation_data,
        )

    def _drop(self) -> tuple[int, str] | None:
        excess, self._is_dropping = self._excess, False
        if excess > 0:
            size = min(excess + min(DROPPED_BYTES, self._limit // 64), MOST_DROPPED_BYTES)
            dropped = self._shelf.drop_oldest(size, self.sender.numbers_under_way)
            if dropped.numbers:
                self._let_go(dropped)
                self._is_dropping = self._excess > 0
        if not self._dropped or self._is_dropping:
            return None
        told, self._dropped = (self._dropped, self._first_dropped), 0
        return told

    def _let_go(self, dropped: Dropped) -> None:
        if not self._dropped:
            self._first_dropped = dropped.first_topic
        self._dropped += len(dropped.numbers)
        last, until = self._last or 0, dropped.numbers[-1]
        self.sender.withdraw(until)
        self._last = max(last, until)
        self._count(self._behind - sum(number > last for number in dropped.numbers))

    def _count(self, behind: int) -> None:
        self._behind = behind
        if behind:
            self._is_handed.clear()
        else:
            self._is_handed.set()
