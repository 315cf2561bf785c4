"""How callers leave queues. Sans-I/O: events in, facts out, in each caller's order.

AMI tells that a caller left, and with AgentConnect that an agent has it. It does not tell abandoned, timed out, empty
and withdrawn apart; the queue_log does, in a line of the same moment. So each leaving is undecided for as long as it
takes to look there, and what happens to the same caller meanwhile waits behind it.

Source: ``queue_exec()`` and ``try_calling()`` in apps/app_queue.c: the line of a way out is written before the event
QueueCallerLeave is sent, that of CONNECT after it, and a ``gosub`` for the agent may run between the two.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.caller import WaitingCaller, WayOut
from gateway.domain.facts import CallerGone, CallerJoined, CallerLeft, QueueFact
from gateway.domain.instant import SECOND
from gateway.domain.member import fold
from gateway.domain.session import Occasion

LOOKS: Final = tuple(round(seconds * SECOND) for seconds in (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0))
"""When after a leaving the log is looked at; past the last look AMI alone decides."""

CONNECTING: Final = SECOND // 5
"""How long after a leaving AgentConnect is waited for, where there is no log."""

OLD: Final = 15 * SECOND
"""How long a line is kept whose leaving has not come over AMI yet."""


@dataclass(frozen=True, slots=True)
class LoggedExit:
    """A line of the queue_log that tells how a caller left.

    Attributes:
        uniqueid: The caller's, as in the line.
        queue: Likewise.
        way: How.
        at: Instant of the line: cut to a whole second.
        key: What the caller pressed, where that is the way out.
    """

    uniqueid: str
    queue: str
    way: WayOut
    at: int
    key: str | None = None


ReadLog = Callable[[int], Iterable[LoggedExit]]
"""Gives what came to the log since it was asked the last time; the first time, what came since that instant."""


@dataclass(eq=False, slots=True)
class _Leaving:
    """One that is not decided.

    Attributes:
        queue: Which queue.
        caller: As it left.
        at: When.
        heard_at: When that was heard, an instant too: from then on it is looked for how.
        abandoned: Whether QueueCallerAbandon was told.
        hung_up: Whether the caller had hung up before that.
        connected: Whether the log says that an agent has it; AgentConnect says so itself, unless it got lost.
        looks: How often time has come to look at the log.
        way: How it left, once that is known.
        key: With which key.
    """

    queue: str
    caller: WaitingCaller
    at: int
    heard_at: int
    abandoned: bool
    hung_up: bool
    connected: bool = False
    looks: int = 0
    way: WayOut | None = None
    key: str | None = None


class WaysOut:
    """Decides how each caller left.

    Args:
        read_log: Looks at the log; None where there is none.
        is_offered: Whether a channel that the queue rang for a caller is still there: an agent may be about to get it.
    """

    def __init__(self, read_log: ReadLog | None, is_offered: Callable[[str], bool]) -> None:
        self._read_log = read_log
        self._is_offered = is_offered
        self._lines: dict[tuple[str, str], deque[LoggedExit]] = {}
        self._abandoned: dict[str, bool] = {}
        self._hung_up: set[str] = set()
        self._order: dict[str, deque[_Leaving | QueueFact]] = {}

    # What happens --------------------------------------------------------------------------------------------------

    def join(self, queue: str, caller: WaitingCaller) -> list[QueueFact]:
        """QueueCallerJoin."""
        return self._behind(caller.uniqueid, CallerJoined(queue, caller, Occasion(caller.joined_at)))

    def request_hangup(self, uniqueid: str) -> None:
        """HangupRequest or SoftHangupRequest of a caller."""
        self._hung_up.add(uniqueid)

    def abandon(self, uniqueid: str) -> None:
        """QueueCallerAbandon: the caller leaves, and no agent has it."""
        self._abandoned[uniqueid] = uniqueid in self._hung_up

    def leave(self, queue: str, caller: WaitingCaller, at: int, *, heard_at: int) -> None:
        """QueueCallerLeave."""
        hung_up = self._abandoned.pop(caller.uniqueid, None)
        leaving = _Leaving(queue, caller, at, heard_at, abandoned=hung_up is not None, hung_up=bool(hung_up))
        self._order.setdefault(caller.uniqueid, deque()).append(leaving)

    def connect(self, queue: str, caller: WaitingCaller, at: int) -> list[QueueFact]:
        """AgentConnect: right behind the leaving, or, where that is not sent, in place of it."""
        for item in reversed(self._order.get(caller.uniqueid, ())):
            if isinstance(item, CallerJoined):
                break
            if isinstance(item, _Leaving) and fold(item.queue) == fold(queue):
                item.way = WayOut.CONNECTED
                if caller.joined_at < item.caller.joined_at:  # nobody saw it join: HoldTime says when
                    item.caller = replace(item.caller, joined_at=caller.joined_at)
                return self._flush(caller.uniqueid)
        return self._behind(caller.uniqueid, CallerLeft(queue, caller, WayOut.CONNECTED, Occasion(at)))

    def hang_up(self, uniqueid: str, at: int) -> list[QueueFact]:
        """Hangup of a caller."""
        self._hung_up.discard(uniqueid)
        self._abandoned.pop(uniqueid, None)
        return self._behind(uniqueid, CallerGone(uniqueid, Occasion(at)))

    # Deciding ------------------------------------------------------------------------------------------------------

    def next_deadline(self) -> int | None:
        """Instant at which ``advance`` is due; None while all is decided."""
        return min((self._due(leaving) for leaving in self._all_undecided()), default=None)

    def advance(self, now: int) -> list[QueueFact]:
        """Decide what can be decided at *now*."""
        due = [leaving for leaving in self._all_undecided() if self._due(leaving) <= now]
        if not due:
            return []
        told = self._look()
        for leaving in due:
            leaving.looks += 1
            if leaving.way is None and self._is_last(leaving):
                leaving.way = _by_events(leaving)
                told += self._flush(leaving.caller.uniqueid)
        return told

    def lose_contact(self) -> list[QueueFact]:
        """No more events will come: decide what log and events tell by now; the rest is for who looks afterwards."""
        told = self._look()
        for uniqueid, items in list(self._order.items()):
            for leaving in self._undecided(uniqueid):
                if leaving.abandoned:
                    leaving.way = _by_events(leaving)
            kept = [each for each in items if not isinstance(each, _Leaving) or each.way is not None]
            self._order[uniqueid] = deque(kept)
            told += self._flush(uniqueid)
        self._abandoned.clear()
        self._hung_up.clear()
        return told

    # How -----------------------------------------------------------------------------------------------------------

    def _look(self) -> list[QueueFact]:
        """Look at the log."""
        since = min((leaving.at for leaving in self._all_undecided()), default=None)
        if self._read_log is None or since is None:
            return []
        for line in self._read_log(since - SECOND):
            if line.way is WayOut.CONNECTED:
                self._note_connected(line)
            else:
                self._lines.setdefault((line.uniqueid, fold(line.queue)), deque()).append(line)
        latest = max((lines[-1].at for lines in self._lines.values()), default=0)
        told: list[QueueFact] = []
        for uniqueid in list(self._order):
            for leaving in self._undecided(uniqueid):
                self._ask_lines(leaving)
            told += self._flush(uniqueid)
        for place, lines in list(self._lines.items()):
            while lines and lines[0].at < latest - OLD:
                lines.popleft()
            if not lines:
                del self._lines[place]
        return told

    def _behind(self, uniqueid: str, fact: QueueFact) -> list[QueueFact]:
        """A fact, or nothing yet, if something of the same caller must be told first."""
        items = self._order.get(uniqueid)
        if items is None:
            return [fact]
        items.append(fact)
        return []

    def _undecided(self, uniqueid: str) -> Iterator[_Leaving]:
        for item in self._order.get(uniqueid, ()):
            if isinstance(item, _Leaving) and item.way is None:
                yield item

    def _all_undecided(self) -> Iterator[_Leaving]:
        for uniqueid in self._order:
            yield from self._undecided(uniqueid)

    def _due(self, leaving: _Leaving) -> int:
        """With a log, the next look; without one, what the events told so far is all there will be."""
        looks = LOOKS if self._read_log is not None else (0 if leaving.abandoned else CONNECTING,)
        more = leaving.looks - len(looks)
        return leaving.heard_at + (looks[leaving.looks] if more < 0 else looks[-1] + (more + 1) * SECOND)

    def _is_last(self, leaving: _Leaving) -> bool:
        """Whether nothing more is to be waited for: neither a line, nor an agent who is being prepared."""
        if self._read_log is not None and leaving.looks < len(LOOKS):
            return False
        return leaving.abandoned or leaving.connected or not self._is_offered(leaving.caller.uniqueid)

    def _note_connected(self, line: LoggedExit) -> None:
        for leaving in self._undecided(line.uniqueid):
            if fold(leaving.queue) == fold(line.queue) and leaving.at <= line.at + SECOND:
                leaving.connected = True

    def _ask_lines(self, leaving: _Leaving) -> None:
        """Take the first line of this stay: not older than the joining, and not younger than the leaving."""
        lines = self._lines.get((leaving.caller.uniqueid, fold(leaving.queue)))
        while lines and lines[0].at + SECOND <= leaving.caller.joined_at:
            lines.popleft()
        if lines and lines[0].at <= leaving.at + SECOND:
            line = lines.popleft()
            leaving.way, leaving.key = line.way, line.key

    def _flush(self, uniqueid: str) -> list[QueueFact]:
        """What can be told of a caller now."""
        told: list[QueueFact] = []
        items = self._order.get(uniqueid, deque())
        while items:
            item = items[0]
            if isinstance(item, _Leaving):
                if item.way is None:
                    return told
                item_fact: QueueFact = CallerLeft(item.queue, item.caller, item.way, Occasion(item.at), item.key)
            else:
                item_fact = item
            told.append(item_fact)
            items.popleft()
        self._order.pop(uniqueid, None)
        return told


def _by_events(leaving: _Leaving) -> WayOut:
    """The way out as far as events tell: who was given up by the queue is taken to have been timed out.

    Empty and withdrawn look just the same. An exit by key is the one without QueueCallerAbandon.
    """
    if not leaving.abandoned:
        return WayOut.CONNECTED if leaving.connected else WayOut.KEY
    return WayOut.ABANDONED if leaving.hung_up else WayOut.TIMED_OUT
