"""What still has to reach the broker, and what of it is next. Knows no socket, no clock and no loop.

Two kinds wait here: events, each kept until the broker has acknowledged it, and marks, each saying that a retained
topic must be sent as it is by then. Each kind leaves in its own order; an event goes before the marks that wait, as it
is ready and they are yet to be made, but never before a fence. The topics bound the marks; whoever adds events minds
how many there are.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

ATTEMPTS: Final = 3  # connections a message may cost before it is set aside
ENTRY_OVERHEAD: Final = 400  # bytes an entry takes beside its payload, about, by sys.getsizeof over its parts


class Entry:
    """One thing to send.

    Attributes:
        topic: Where to.
        payload: What, for an event; None for a mark.
        seq: The event's number, for whoever reads a log; None if it has none.
        number: What the caller knows the event by; None if it does not ask when it is gone.
        correlation_data: MQTT 5 Correlation Data to send with it.
        is_mark: Whether it is a mark.
        is_fence: A mark that no event may overtake: what it shows is true only behind all that was before it.
        place: Its place among all that wait: lower ones came before it.
        removes: The mark was last sent as a removal.
        suspect: It was under way when a connection was lost, so it goes alone, that the next loss finds the culprit.
        cost: Connections lost while it was the oldest under way.
        sent_at: When it was last handed to the connection, by the caller's clock.
    """

    __slots__ = (
        "correlation_data",
        "cost",
        "is_fence",
        "is_mark",
        "number",
        "payload",
        "place",
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
        self.place = 0
        self.removes = False
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
    """The entries that wait, and those under way on the present connection by packet identifier.

    Attributes:
        depth: Events not yet acknowledged.
        depth_bytes: Bytes they take.
    """

    def __init__(self, gone: Callable[[int], None] | None = None) -> None:
        """Begin empty; *gone* is told the number of each event that is not kept any more."""
        self._gone = gone
        self.depth = 0
        self.depth_bytes = 0
        self._events: deque[Entry] = deque()
        self._marks: dict[str, Entry] = {}
        self._order: deque[Entry] = deque()  # the marks, and some that were replaced by others of their topics since
        self._fences: dict[str, Entry] = {}  # those of the marks that are
        self._first = self._last = 0  # places: of what was put before all else, and behind it
        self._under_way: dict[int, Entry] = {}
        self._probing = False
        self._mark_costs: dict[str, int] = {}  # a mark is made anew at each connection, so its cost lives here

    @property
    def is_empty(self) -> bool:
        """Whether everything has been acknowledged."""
        return not (self._events or self._marks or self._under_way)

    @property
    def has_marks(self) -> bool:
        """Whether a mark waits."""
        return bool(self._marks)

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

    # What waits ----------------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Append an event."""
        self._put(entry)
        self.depth += 1
        self.depth_bytes += entry.size

    def withdraw(self, until: int) -> None:
        """Let go of the waiting events up to number *until*, of which ``gone`` is not told."""
        events = self._events
        while events and events[0].number is not None and events[0].number <= until:
            entry = events.popleft()
            self.depth -= 1
            self.depth_bytes -= entry.size

    def mark(self, topic: str, *, requeue: bool = False) -> None:
        """Append a mark; one that waits already keeps its place, or with *requeue* goes to the end, as a fence."""
        if topic in self._marks:
            if not requeue:
                return
            self._remove_mark(topic)
        if self._mark_costs.get(topic, 0) >= ATTEMPTS:
            self._mark_costs[topic] = ATTEMPTS - 1  # other content deserves a try of its own
        entry = self._new_mark(topic)
        entry.is_fence = requeue
        self._put(entry)

    def connected(self, births: Iterable[str]) -> None:
        """Put marks for *births* before everything else, in that order; older marks for the same topics go.

        The last of them is a fence.
        """
        fresh: list[Entry] = []
        for topic in dict.fromkeys(births):
            if self._mark_costs.get(topic, 0) < ATTEMPTS:
                if topic in self._marks:
                    self._remove_mark(topic)
                fresh.append(self._new_mark(topic))
        if fresh:
            fresh[-1].is_fence = True
        self._order = deque(each for each in self._order if self._waits(each))
        self.put_back(*fresh)

    def take(self, window: int, *, events: bool = True, marks: bool = True) -> Entry | None:
        """Remove and return what is to be sent next; None if nothing is, or may be, with *window* under way at most.

        Args:
            window: How many the broker takes at once.
            events: Whether an event may be taken.
            marks: Whether a mark may; those up to a fence before the next event may always, a fence behind it never.
        """
        if len(self._under_way) >= window or self._probing:
            return None
        event = self._events[0] if self._events else None
        mark = self._first_mark()
        if event is not None and (mark is None or event.place < mark.place):
            first: Entry | None = event
        else:
            first = mark
        if first is not None and first.suspect:
            return None if self._under_way else self._remove(first)
        if event is not None and self._is_behind_fence(event):
            return None if mark is None else self._remove(mark)
        if event is not None and events:
            return self._remove(event)
        if mark is None or not marks or (mark.is_fence and first is event):
            return None
        return self._remove(mark)

    def put_back(self, *entries: Entry) -> None:
        """Put *entries* before everything else, in their order: ``take`` undone."""
        for entry in reversed(entries):
            self._first -= 1
            entry.place = self._first
            if not entry.is_mark:
                self._events.appendleft(entry)
            else:
                self._marks[entry.topic] = entry
                self._order.appendleft(entry)
        self._fences = {each.topic: each for each in entries if each.is_fence} | self._fences

    # What is under way ---------------------------------------------------------------------------------------------

    def sent(self, identifier: int, entry: Entry, at: float) -> None:
        """Note that *entry* is under way as packet *identifier* since *at*."""
        entry.sent_at = at
        self._under_way[identifier] = entry
        self._probing = entry.suspect

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
        again = [entry for entry in lost if entry is not culprit]
        if blame:
            for entry in again:
                self._suspect(entry)
        self.put_back(*(entry for entry in again if not entry.is_mark or entry.topic not in self._marks))
        return culprit

    # How -----------------------------------------------------------------------------------------------------------

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
        entry = Entry(topic, None)
        entry.suspect = topic in self._mark_costs
        return entry

    def _put(self, entry: Entry) -> None:
        self._last += 1
        entry.place = self._last
        if not entry.is_mark:
            self._events.append(entry)
            return
        self._marks[entry.topic] = entry
        self._order.append(entry)
        if entry.is_fence:
            self._fences[entry.topic] = entry

    def _waits(self, mark: Entry) -> bool:
        return self._marks.get(mark.topic) is mark

    def _first_mark(self) -> Entry | None:
        order = self._order
        while order and not self._waits(order[0]):
            order.popleft()
        return order[0] if order else None

    def _remove(self, entry: Entry) -> Entry:
        """Remove the first event, or the first mark."""
        if entry.is_mark:
            self._order.popleft()
            self._remove_mark(entry.topic)
        else:
            self._events.popleft()
        return entry

    def _remove_mark(self, topic: str) -> None:
        del self._marks[topic]
        self._fences.pop(topic, None)
        if not self._marks:
            self._marks = {}  # as small as it is: a start has many

    def _is_behind_fence(self, event: Entry) -> bool:
        for fence in self._fences.values():
            return fence.place < event.place
        return False
