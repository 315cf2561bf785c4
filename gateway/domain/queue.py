"""ACDQueue: one waiting point and its figures (TAPI's ITQueue), and what is told of it."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from gateway.domain.caller import WaitingCaller, WayOut
from gateway.domain.instant import SECOND
from gateway.domain.queue_figures import QueueFigures
from gateway.domain.session import Occasion
from gateway.domain.window import Window

REMEMBERED: Final = 15 * SECOND
"""How long a queue remembers who left it, so that what the queue_log tells again counts once: longer than an event may
be behind its line."""

MOST_REMEMBERED: Final = 64
"""How many of them at most: all of them are kept with every change of the queue."""

_NO_FIGURES: Final = QueueFigures()


class ACDQueueEvent(IntEnum):
    """ACDQUEUE_EVENT (tapi3cc.h), names without the prefix ``ACDQE_``, values kept."""

    NEW_QUEUE = 0
    QUEUE_REMOVED = 1


@dataclass(frozen=True, slots=True)
class Passage:
    """A caller who has been in the queue: who, from when, until when (instants), and how it left."""

    uniqueid: str
    joined_at: int
    left_at: int
    way: WayOut


@dataclass(frozen=True, slots=True)
class Departure:
    """A caller who left the queue unanswered, and whose channel is still there: another queue may be next."""

    uniqueid: str
    linkedid: str | None
    way: WayOut


@dataclass(frozen=True, slots=True)
class ACDQueue:
    """One queue.

    Attributes:
        name: As Asterisk spells it.
        window: The measurement period in force.
        figures: The sums of it.
        service_level: Threshold of the service level, microseconds; None while it is not known.
        waiting: The callers in it, the next to be served first. One who is being offered to an agent is one of them.
        passages: Who left lately, the last one at the end.
        departures: Who left unanswered and may yet join another queue.
        agents: The number of sessions in each state that is not the end, indexed by the state's value.
    """

    name: str
    window: Window
    figures: QueueFigures = _NO_FIGURES
    service_level: int | None = None
    waiting: tuple[WaitingCaller, ...] = ()
    passages: tuple[Passage, ...] = ()
    departures: tuple[Departure, ...] = ()
    agents: tuple[int, ...] = (0, 0, 0, 0)

    @property
    def current_calls_queued(self) -> int:
        """Callers waiting now (CurrentCallsQueued)."""
        return len(self.waiting)

    def current_longest_wait_time(self, now: int) -> int:
        """Microseconds that the caller who waits longest has waited at *now* (CurrentLongestWaitTime); 0 with none."""
        # Asterisk's stamp of a caller who has just come may be later than our own clock's time.
        return max(0, max((now - caller.joined_at for caller in self.waiting), default=0))

    def longest_ever_wait_time(self, now: int) -> int:
        """The longest wait of the period, those still waiting at *now* included (LongestEverWaitTime), microseconds.

        Source: [nf-tapi3cc-itqueue-get_longesteverwaittime], which binds it to the period in spite of its name.
        """
        return max(self.figures.longest_wait_time, self.current_longest_wait_time(now))

    def position_of(self, uniqueid: str) -> int | None:
        """A caller's place among those who wait, from 1; None if it is not one of them."""
        for place, caller in enumerate(self.waiting, 1):
            if caller.uniqueid == uniqueid:
                return place
        return None

    def has_let_go(self, uniqueid: str, at: int, tolerance: int) -> bool:
        """Whether a caller is remembered to have left within *tolerance* (microseconds) of *at*."""
        return any(
            each.uniqueid == uniqueid and abs(each.left_at - at) <= tolerance for each in reversed(self.passages)
        )

    def counts(self, instant: int) -> bool:
        """Whether what happened at *instant* belongs to the window; what comes late may be of one that is over."""
        return instant >= self.window.begin

    # Its changes ---------------------------------------------------------------------------------------------------

    def join(self, caller: WaitingCaller, *, flowed_in: bool) -> "ACDQueue":
        """A caller began to wait, at the place that was told, else behind all others."""
        place = len(self.waiting) if caller.position is None else max(0, caller.position - 1)
        figures = self.figures.with_join(flowed_in=flowed_in) if self.counts(caller.joined_at) else self.figures
        return replace(self, figures=figures, waiting=(*self.waiting[:place], caller, *self.waiting[place:]))

    def without(self, uniqueid: str) -> "ACDQueue":
        """A caller waits no longer. Returns this very queue if it did not wait."""
        place = self.position_of(uniqueid)
        return self if place is None else replace(self, waiting=self.waiting[: place - 1] + self.waiting[place:])

    def leave(self, caller: WaitingCaller, way: WayOut, at: int) -> "ACDQueue":
        """A caller left at *at*, whether it was known to wait or not."""
        figures = self.figures
        if self.counts(at):
            figures = figures.with_leave(way, max(0, at - caller.joined_at), threshold=self.service_level)
        old = max(0, len(self.passages) + 1 - MOST_REMEMBERED)
        while old < len(self.passages) and self.passages[old].left_at < at - REMEMBERED:
            old += 1
        departures = tuple(each for each in self.departures if each.uniqueid != caller.uniqueid)
        if way is not WayOut.CONNECTED:
            departures = (*departures, Departure(caller.uniqueid, caller.linkedid, way))
        return replace(
            self.without(caller.uniqueid),
            figures=figures,
            passages=(*self.passages[old:], Passage(caller.uniqueid, caller.joined_at, at, way)),
            departures=departures,
        )

    def depart(self, uniqueid: str) -> tuple["ACDQueue", Departure | None]:
        """One who had left is of no interest to this queue any more. Returns how it had left, if it was unanswered."""
        found = next((each for each in self.departures if each.uniqueid == uniqueid), None)
        if found is None:
            return self, None
        return replace(self, departures=tuple(each for each in self.departures if each is not found)), found

    def begin_window(self, window: Window) -> "ACDQueue":
        """Begin another measurement period: the sums begin at zero, and who waits goes on waiting."""
        return replace(self, window=window, figures=_NO_FIGURES)


@dataclass(frozen=True, slots=True)
class QueueEvent:
    """A queue came to be known, or is gone; *queue* as it was then."""

    event: ACDQueueEvent
    queue: ACDQueue
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class CallerEvent:
    """A caller joined a queue, or left it.

    Attributes:
        way: How it left; None: it joined.
        caller: Who.
        position: Its place when it joined or left, from 1; None where nothing told.
        key: What it pressed, where that is the way out.
        queue: The queue after it.
        occasion: When, exactly, and how that came to be known.
    """

    way: WayOut | None
    caller: WaitingCaller
    position: int | None
    key: str | None
    queue: ACDQueue
    occasion: Occasion

    @property
    def wait(self) -> int:
        """Microseconds that the caller had waited by then."""
        return max(0, self.occasion.at - self.caller.joined_at)


@dataclass(frozen=True, slots=True)
class QueueRefreshed:
    """Something of a queue changed that is worth a snapshot and no event."""

    queue: ACDQueue
