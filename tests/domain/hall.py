"""A hall in which callers wait: tells a queue book what happens in it, and keeps what the book answers."""

from collections.abc import Sequence

from gateway.domain import facts
from gateway.domain.caller import WaitingCaller, WayOut
from gateway.domain.facts import Fact, Outcome
from gateway.domain.instant import SECOND
from gateway.domain.queue import ACDQueue, CallerEvent
from gateway.domain.queues import QueueBook
from gateway.domain.session import Cause, Occasion
from tests.domain.support import at, since

DAY = 86_400 * SECOND
QUEUE = "support"


class Days:
    """A calendar on which every local day has 24 hours and begins with that of the epoch."""

    def day(self, instant: int) -> tuple[int, int]:
        """The day of an instant."""
        begin = instant // DAY * DAY
        return begin, begin + DAY


class Hall:
    """A book, and what it told. Times are seconds after the beginning (``tests.domain.support.at``).

    Attributes:
        book: The book.
        told: What every fact brought, in order.
    """

    def __init__(self, *, service_level: float = 20.0) -> None:
        self.book = QueueBook(Days())
        self.told: list[Outcome] = []
        self._service_level = round(service_level * SECOND)

    def apply(self, fact: Fact, seconds: float, sessions: Sequence[Outcome] = ()) -> list[Outcome]:
        """Tell one fact, and return what it brought."""
        outcomes = self.book.apply(fact, sessions, at(seconds))
        self.told += outcomes
        return outcomes

    def listed(
        self, seconds: float, *waiting: WaitingCaller, queue: str = QUEUE, asked: float | None = None
    ) -> list[Outcome]:
        """QueueStatus: these wait. *asked*: when it was asked for, where the answer took some time."""
        occasion = Occasion(at(seconds), Cause.RESYNC)
        late = 0 if asked is None else at(seconds) - at(asked)
        return self.apply(facts.QueueListed(queue, waiting, self._service_level, occasion, late), seconds)

    def join(self, seconds: float, who: str, *, queue: str = QUEUE, **caller: str | int) -> list[Outcome]:
        """QueueCallerJoin."""
        joined = WaitingCaller(who, at(seconds), **caller)  # type: ignore[arg-type]
        return self.apply(facts.CallerJoined(queue, joined, Occasion(at(seconds))), seconds)

    def leave(
        self,
        seconds: float,
        who: str,
        way: WayOut,
        *,
        queue: str = QUEUE,
        joined: float | None = None,
        cause: Cause = Cause.ASTERISK,
    ) -> list[Outcome]:
        """A way out. *joined*: when it joined, as the one who tells has it."""
        caller = WaitingCaller(who, at(seconds if joined is None else joined))
        return self.apply(facts.CallerLeft(queue, caller, way, Occasion(at(seconds), cause)), seconds)

    def gone(self, seconds: float, who: str) -> list[Outcome]:
        """Hangup of the caller's channel."""
        return self.apply(facts.CallerGone(who, Occasion(at(seconds))), seconds)

    def time(self, seconds: float) -> list[Outcome]:
        """Nothing but time passes."""
        return self.apply(facts.TimePassed(at(seconds)), seconds)

    def queue(self, name: str = QUEUE) -> ACDQueue:
        """A queue as it is."""
        queue = self.book.queue(name)
        assert queue is not None
        return queue


def events(outcomes: Sequence[Outcome]) -> list[tuple[str, str, float]]:
    """The events of callers among outcomes: name, caller, second."""
    return [
        ("JOINED" if each.way is None else each.way.value, each.caller.uniqueid, since(each.occasion.at))
        for each in outcomes
        if isinstance(each, CallerEvent)
    ]
