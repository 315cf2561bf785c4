"""The callers of a gap: who joined which queue, and how each left. Sans-I/O.

The log has whole seconds, so that around both ends of a gap a line's time does not say whether AMI told it too: what
the queues remember says so at the one end, and what came since at the other. One telling stands for one line.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple, TypeVar

from gateway.domain.caller import WaitingCaller, WayOut
from gateway.domain.facts import CallerJoined, CallerLeft, QueueFact
from gateway.domain.instant import SECOND
from gateway.domain.member import fold
from gateway.domain.queue import ACDQueue, Passage
from gateway.domain.session import Cause, Occasion
from gateway.queue_log.known import LAG, LOG_LATE, FromWall
from gateway.queue_log.parse import Entry

_Known = TypeVar("_Known")

Kind = Literal["joined", "left", "connected"]

ENTERED: Final = "ENTERQUEUE"
ANSWERED: Final = "CONNECT"

WAITED: Final = {
    ANSWERED: (WayOut.CONNECTED, 0),
    "ABANDON": (WayOut.ABANDONED, 2),
    "EXITWITHTIMEOUT": (WayOut.TIMED_OUT, 2),
    "EXITEMPTY": (WayOut.EMPTY, 2),
    "EXITWITHKEY": (WayOut.KEY, 3),
    "WITHDRAW": (WayOut.WITHDRAWN, 2),
}
"""Lines that end a wait: the way out, and which datum is the seconds waited."""


class HeardCaller(NamedTuple):
    """An event that came over AMI since contact was regained.

    Attributes:
        at: When it happened, an instant.
        kind: ``joined`` (QueueCallerJoin), ``connected`` (AgentConnect) or ``left`` (QueueCallerLeave, but that of a
            caller who is connected then).
        queue: Its header ``Queue``.
        uniqueid: Its header ``Uniqueid``.
    """

    at: int
    kind: Kind
    queue: str
    uniqueid: str


_Place = tuple[Kind, str, str]
"""What was told: of which queue, folded, and of which caller."""


class RecoveredCallers:
    """Turns lines of callers into facts.

    Args:
        queues: The queues as they were when contact was lost.
        begin: Instant of the last contact.
        end: Instant of the login after it.
        from_wall: Makes instants.
        heard: What came over AMI since.
        tell: Takes an instant and a fact of it.
    """

    def __init__(
        self,
        queues: Iterable[ACDQueue],
        begin: int,
        end: int,
        from_wall: FromWall,
        *,
        heard: Iterable[HeardCaller],
        tell: Callable[[int, QueueFact], None],
    ) -> None:
        self._begin = begin
        self._end = end
        self._from_wall = from_wall
        self._tell = tell
        self._joinings: dict[tuple[str, str], list[int]] = {}
        self._passages: dict[tuple[str, str], list[Passage]] = {}
        for queue in queues:
            key = fold(queue.name)
            for passage in queue.passages:
                insort(self._joinings.setdefault((key, passage.uniqueid), []), passage.joined_at)
                self._passages.setdefault((key, passage.uniqueid), []).append(passage)
            for caller in queue.waiting:
                insort(self._joinings.setdefault((key, caller.uniqueid), []), caller.joined_at)
        self._heard: dict[_Place, list[int]] = {}
        for event in heard:
            insort(self._heard.setdefault((event.kind, fold(event.queue), event.uniqueid), []), event.at)

    def sift_end(self, entries: Sequence[Entry]) -> set[int]:
        """Which of the last lines, by number, AMI tells of: to each event belongs the last line that is not later."""
        told: set[int] = set()
        for number in range(len(entries) - 1, -1, -1):
            entry = entries[number]
            at = self._from_wall(entry.time * SECOND)
            kind = _kind(entry)
            if kind is None:
                continue
            heard = self._heard.get((kind, fold(entry.queue), entry.callid), [])
            if heard and at <= heard[-1] + (LOG_LATE if kind == "joined" else 0):
                heard.pop()
                told.add(number)
            elif at > self._end:
                told.add(number)
        return told

    def take(self, entry: Entry, now: int) -> None:
        """A line that AMI does not tell of after the gap; *now* is its instant, within the gap."""
        kind = _kind(entry)
        at = self._from_wall(entry.time * SECOND)
        if kind is None or self._was_told(kind, entry, at) or at + SECOND + LAG < self._begin:
            return
        occasion = Occasion(now, Cause.RECOVERED)
        if kind == "joined":
            caller = WaitingCaller(
                entry.callid,
                now,
                number=entry.text(1) or None,
                name=entry.text(3) or None,
                position=entry.number(2),
            )
            self._tell(now, CallerJoined(entry.queue, caller, occasion))
            return
        way, datum = WAITED[entry.event]
        waited = (entry.number(datum) or 0) * SECOND
        position = None if way is WayOut.CONNECTED else entry.number(datum - 2)
        caller = WaitingCaller(entry.callid, now - waited, position=position)
        key = entry.text(0) or None if way is WayOut.KEY else None
        self._tell(now, CallerLeft(entry.queue, caller, way, occasion, key))

    def _was_told(self, kind: Kind, entry: Entry, at: int) -> bool:
        """Whether AMI told it before the gap: whether the queues remember it of about that time.

        The line of an answer may be much later than the leaving, as an agent may have to hear something first; but it
        says how long after the joining it is.
        """
        place = (fold(entry.queue), entry.callid)
        if kind == "joined":
            return _take(self._joinings.get(place, []), lambda joined_at: _is_about(joined_at, at))
        way, datum = WAITED[entry.event]
        joined_at = at - (entry.number(datum) or 0) * SECOND

        def is_it(passage: Passage) -> bool:
            if kind == "connected":
                return passage.way is way and abs(passage.joined_at - joined_at) <= 2 * SECOND
            return passage.way is not WayOut.CONNECTED and _is_about(passage.left_at, at)

        return _take(self._passages.get(place, []), is_it)


def _is_about(told_at: int, at: int) -> bool:
    """Whether an event may be that of a line: Asterisk's events come some time behind their lines."""
    return at - SECOND <= told_at <= at + SECOND + LAG


def _take(known: list[_Known], is_it: Callable[[_Known], bool]) -> bool:
    """Take the first that it is, if there is one."""
    for number, each in enumerate(known):
        if is_it(each):
            del known[number]
            return True
    return False


def _kind(entry: Entry) -> Kind | None:
    if entry.event == ENTERED:
        return "joined"
    if entry.event == ANSWERED:
        return "connected"
    return "left" if entry.event in WAITED else None
