"""A store in memory whose disk may be full, and a client that holds what it is given until the test lets it go."""

from gateway.errors import StoreWriteError
from gateway.service.backlog import Backlog
from gateway.store.contents import Batch, Dropped, Message, Renumbering


class Shelf:
    """Keeps messages as the store does.

    Attributes:
        is_full: Nothing can be written.
        is_unreadable: Nothing can be read.
        written: Every batch.
        kept: The messages by their number.
        streams: The streams that were begun.
    """

    def __init__(self) -> None:
        self.is_full = False
        self.is_unreadable = False
        self.written: list[Batch] = []
        self.kept: dict[int, Message] = {}
        self.streams: list[str] = []
        self.reads = 0

    def write(self, batch: Batch) -> None:
        """Keep it, or refuse."""
        self._check()
        self.written.append(batch)
        self.kept |= {each.number: each for each in batch.messages}
        for number in batch.acknowledged:
            self.kept.pop(number, None)

    def messages(self, after: int | None, limit: int, size: int | None = None) -> list[Message]:
        """The next ones."""
        if self.is_unreadable:
            raise StoreWriteError("cannot be read")
        self.reads += 1
        found = [each for number, each in sorted(self.kept.items()) if after is None or number > after]
        while size is not None and len(found) > 1 and sum(each.size for each in found) > size:
            found.pop()
        return found[:limit]

    def drop_oldest(self, size: int, keep: set[int]) -> Dropped:
        """Delete the oldest."""
        self._check()
        gone: list[Message] = []
        for number in sorted(self.kept):
            if number not in keep and sum(each.size for each in gone) < size:
                gone.append(self.kept.pop(number))
        return Dropped([each.number for each in gone], gone[0].topic if gone else "")

    def renew_stream(self, stream: str, after: int, renumbering: Renumbering) -> None:
        """Begin another stream."""
        self._check()
        self.streams.append(stream)
        for number, message in sorted(self.kept.items()):
            if number > after:
                self.kept[number] = renumbering.renumber(message)

    def size_of_outbox(self) -> tuple[int, int]:
        """Number and bytes."""
        return len(self.kept), sum(each.size for each in self.kept.values())

    def _check(self) -> None:
        if self.is_full:
            raise StoreWriteError("no space left on the disk")


class Client:
    """Notes what it is given, and how many batches had been written then.

    Attributes:
        sent: Topics of messages, and of snapshots with whether they go to the end; with the number of batches.
        has: The messages that are not gone, in the order in which they came.
        numbers_under_way: Those of them that cannot be taken back.
        most: The most messages that it ever had.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.sent: list[tuple[str, int]] = []
        self.has: dict[int, Message] = {}
        self.numbers_under_way: set[int] = set()
        self.most = 0
        self._shelf = shelf

    @property
    def depth(self) -> int:
        """Messages."""
        return len(self.has)

    @property
    def depth_bytes(self) -> int:
        """Bytes."""
        return sum(each.size for each in self.has.values())

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        seq: int | None = None,
        number: int | None = None,
        correlation_data: bytes | None = None,
    ) -> None:
        """Take a message."""
        assert number is not None
        assert number not in self.has, "given twice"
        message = Message(number, topic, payload, seq, correlation_data)
        assert self._shelf.kept[number] == message, "not kept as it is sent"
        self.has[number] = message
        self.most = max(self.most, len(self.has))
        self.sent.append((topic, len(self._shelf.written)))

    def withdraw(self, until: int) -> None:
        """Give up what is not under way."""
        self.has = {
            number: each for number, each in self.has.items() if number > until or number in self.numbers_under_way
        }

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Note a snapshot."""
        self.sent.append((f"{topic} {requeue}", len(self._shelf.written)))

    def work_off(self, *, more: bool = False) -> None:
        """All that is given is had at once."""

    async def drain(self) -> None:
        """Nothing to wait for."""

    def deliver(self, count: int = 1) -> list[Message]:
        """Let the first so many go: the broker has them."""
        gone = list(self.has.values())[:count]
        for each in gone:
            del self.has[each.number]
            self.numbers_under_way.discard(each.number)
        return gone


def put(shelf: Shelf, *numbers: int, size: int = 10, topic: str = "t") -> list[Message]:
    """Put messages on the shelf, as an earlier life did."""
    messages = [Message(number, topic, b"x" * (size - len(topic)), number) for number in numbers]
    shelf.kept |= {each.number: each for each in messages}
    return messages


def backlog_of(shelf: Shelf, client: Client, limit: int = 1 << 30) -> Backlog:
    """A backlog between the two."""
    backlog = Backlog(shelf, limit)
    backlog.sender = client
    return backlog
