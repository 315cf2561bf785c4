"""What still has to reach the broker, in the order it has to leave. Knows no socket, no clock and no loop.

Two kinds share one queue: events, each kept until the broker has acknowledged it, and marks, each saying that a
retained topic must be sent as it is by then. The topics bound the marks; whoever adds events minds how many there are.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

ATTEMPTS: Final = 3  # connections a message may cost before it is set aside
ENTRY_OVERHEAD: Final = 400  # bytes an entry takes beside its payload, about, by sys.getsizeof over its parts
_COMPACT_FROM: Final = 1_000  # hollow entries that are left in the queue before it is worth rebuilding


class Entry:
    """One thing to send.

    Attributes:
        topic: Where to.
        payload: What, for an event; None for a mark and for a hollow entry.
        seq: The event's number, for whoever reads a log; None if it has none.
        number: What the caller knows the event by; None if it does not ask when it is gone.
        correlation_data: MQTT 5 Correlation Data to send with it.
        is_mark: Whether it is a mark.
        is_fence: A mark that no event may overtake: what it shows is true only behind all that was before it.
        removes: The mark was last sent as a removal.
        hollow: No longer to be sent; only its place is left.
        suspect: It was under way when a connection was lost, so it goes alone, that the next loss finds the culprit.
        cost: Connections lost while it was the oldest under way.
        sent_at: When it was last handed to the connection, by the caller's clock.
    """

    __slots__ = (
        "correlation_data",
        "cost",
        "hollow",
        "is_fence",
        "is_mark",
        "number",
        "payload",
        "removes",
        "sent_at",
        "seq",
        "suspect",
        "topic",
    )

    def __init__(
        self,
        topic: str,
        payload: bytes | None,
        *,
        seq: int | None = None,
        number: int | None = None,
        correlation_data: bytes | None = None,
    ) -> None:
        self.topic = topic
        self.payload = payload
        self.seq = seq
        self.number = number
        self.correlation_data = correlation_data
        self.is_mark = payload is None
        self.is_fence = False
        self.removes = False
        self.hollow = False
        self.suspect = False
        self.cost = 0
        self.sent_at = 0.0

    @property
    def size(self) -> int:
        """Bytes it takes in memory, about; 0 for a mark, whose number the topics bound."""
        if self.payload is None:
            return 0
        return len(self.payload) + len(self.topic) + len(self.correlation_data or b"") + ENTRY_OVERHEAD


class Outbox:
    """The queue of entries, and those under way on the present connection by packet identifier.

    Attributes:
        depth: Events not yet acknowledged.
        depth_bytes: Bytes they take.
    """

    def __init__(self, gone: Callable[[int], None] | None = None) -> None:
        """Begin empty; *gone* is told the number of each event that is not kept any more."""
        self._gone = gone
        self.depth = 0
        self.depth_bytes = 0
        self._queue: deque[Entry] = deque()
        self._events: deque[Entry] = deque()  # the waiting events of _queue, to find the oldest at once
        self._marks: dict[str, Entry] = {}  # the waiting marks of _queue
        self._hollow = 0
        self._under_way: dict[int, Entry] = {}
        self._probing = False
        self._mark_costs: dict[str, int] = {}  # a mark is made anew at each connection, so its cost lives here

    @property
    def is_empty(self) -> bool:
        """Whether everything has been acknowledged."""
        return not (self._events or self._marks or self._under_way)

    @property
    def under_way(self) -> int:
        """Messages handed to the connection and not yet acknowledged."""
        return len(self._under_way)

    @property
    def numbers_under_way(self) -> set[int]:
        """The numbers of the events among them."""
        return {entry.number for entry in self._under_way.values() if entry.number is not None}

    @property
    def oldest_sent_at(self) -> float | None:
        """When the oldest message under way was sent; None if there is none."""
        for entry in self._under_way.values():
            return entry.sent_at
        return None

    def add(self, entry: Entry) -> None:
        """Append an event."""
        self._queue.append(entry)
        self._events.append(entry)
        self.depth += 1
        self.depth_bytes += entry.size

    def withdraw(self, until: int) -> None:
        """Let go of the waiting events up to number *until*, of which ``gone`` is not told."""
        events = self._events
        while events and events[0].number is not None and events[0].number <= until:
            entry = events.popleft()
            self.depth -= 1
            self.depth_bytes -= entry.size
            self._hollow_out(entry)

    def mark(self, topic: str, *, requeue: bool = False) -> None:
        """Append a mark; one that waits already keeps its place, or with *requeue* goes to the end, as a fence."""
        waiting = self._marks.get(topic)
        if waiting is not None:
            if not requeue:
                return
            self._hollow_out(waiting)
        if self._mark_costs.get(topic, 0) >= ATTEMPTS:
            self._mark_costs[topic] = ATTEMPTS - 1  # other content deserves a try of its own
        self._queue.append(entry := self._new_mark(topic))
        entry.is_fence = requeue

    def connected(self, births: Iterable[str]) -> None:
        """Put marks for *births* before everything else, in that order; older marks for the same topics go.

        The last of them is a fence.
        """
        fresh: list[Entry] = []
        for topic in dict.fromkeys(births):
            if self._mark_costs.get(topic, 0) >= ATTEMPTS:
                continue
            if topic in self._marks:
                self._hollow_out(self._marks[topic])
            fresh.append(self._new_mark(topic))
        if fresh:
            fresh[-1].is_fence = True
        self._queue.extendleft(reversed(fresh))

    def take(self, window: int, taken: int = 0) -> Entry | None:
        """Remove and return what is to be sent next; None if nothing is, or may be, with *window* under way at most.

        *taken*: how many were taken already that are not under way yet.
        """
        if len(self._under_way) + taken >= window or self._probing:
            return None
        queue = self._queue
        while queue and queue[0].hollow:
            queue.popleft()
            self._hollow -= 1
        if not queue or (queue[0].suspect and (self._under_way or taken)):
            return None
        entry = queue.popleft()
        if entry.is_mark:
            self._let_go_of(entry)
        else:
            self._events.popleft()
        return entry

    def sent(self, identifier: int, entry: Entry, at: float) -> None:
        """Note that *entry* is under way as packet *identifier* since *at*."""
        entry.sent_at = at
        self._under_way[identifier] = entry
        self._probing = entry.suspect

    def put_back(self, entry: Entry) -> None:
        """Undo ``take``."""
        self._queue.appendleft(entry)
        if entry.is_mark:
            self._marks[entry.topic] = entry
        else:
            self._events.appendleft(entry)

    def acknowledged(self, identifier: int) -> Entry | None:
        """Let go of what was sent as packet *identifier* and return it; None if nothing was."""
        entry = self._under_way.pop(identifier, None)
        if entry is not None:
            self._probing = False
            self.forget(entry)
        return entry

    def forget(self, entry: Entry) -> None:
        """Let go of a taken entry for good: it is acknowledged, refused or not worth sending any more."""
        if entry.is_mark:
            self._mark_costs.pop(entry.topic, None)
        else:
            self.depth -= 1
            self.depth_bytes -= entry.size
            if self._gone is not None and entry.number is not None:
                self._gone(entry.number)

    def disconnected(self, *, blame: bool) -> Entry | None:
        """Put what was under way back to the front, in its order.

        Args:
            blame: Whether the loss may be the doing of the oldest message under way.

        Returns:
            That message, if it now has cost ``ATTEMPTS`` connections; it has been let go of.
        """
        lost = list(self._under_way.values())
        self._under_way.clear()
        self._probing = False
        culprit = self._accuse(lost[0]) if lost and blame else None
        for entry in reversed(lost):
            if entry is culprit:
                continue
            if blame:
                self._suspect(entry)
            if not entry.is_mark or entry.topic not in self._marks:
                self.put_back(entry)
        return culprit

    def _accuse(self, entry: Entry) -> Entry | None:
        if entry.is_mark:
            entry.cost = self._mark_costs.get(entry.topic, 0)
            self._mark_costs[entry.topic] = entry.cost + 1
        entry.cost += 1
        if entry.cost < ATTEMPTS:
            return None
        if not entry.is_mark:
            self.forget(entry)
        return entry

    def _suspect(self, entry: Entry) -> None:
        entry.suspect = True
        if entry.is_mark:
            self._mark_costs.setdefault(entry.topic, 0)

    def _new_mark(self, topic: str) -> Entry:
        entry = self._marks[topic] = Entry(topic, None)
        entry.suspect = topic in self._mark_costs
        return entry

    def _let_go_of(self, mark: Entry) -> None:
        del self._marks[mark.topic]
        if not self._marks:
            self._marks = {}  # as small as it is: a start has many

    def _hollow_out(self, entry: Entry) -> None:
        if entry.is_mark:
            self._let_go_of(entry)
        entry.hollow = True
        entry.payload = entry.correlation_data = None
        self._hollow += 1
        if self._hollow > _COMPACT_FROM and self._hollow * 2 > len(self._queue):
            self._queue = deque(kept for kept in self._queue if not kept.hollow)
            self._hollow = 0
