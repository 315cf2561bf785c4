"""CallCenter: everything of one Asterisk (TAPI's ITTAPICallCenter): its sessions, its queues and groups, its agents."""

from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.domain import facts
from gateway.domain.facts import Fact, Outcome
from gateway.domain.handler import AgentHandler


class Book(Protocol):
    """Keeps the figures of one kind of object, which follow from facts and from what the sessions tell of them."""

    def apply(self, fact: Fact, sessions: Sequence[Outcome], at: int) -> list[Outcome]:
        """Take a fact, and what the sessions told of it, at an instant."""
        ...

    def next_deadline(self) -> int | None:
        """Instant at which ``TimePassed`` is due; None while nothing runs."""
        ...


class CallCenter:
    """Hands every fact to the sessions, and then with what they tell of it to the books.

    Args:
        handler: The sessions.
        books: What follows from them, in the order in which it is told.
        next_rollover: The first instant after another at which sessions are rolled over; None: never.

    Attributes:
        handler: The sessions.
    """

    def __init__(self, handler: AgentHandler, *books: Book, next_rollover: Callable[[int], int] | None = None) -> None:
        self.handler = handler
        self._books = books
        self._next_rollover = next_rollover
        self._rollover: int | None = None
        self._latest = 0

    def start(self, since: int) -> None:
        """Begin, or go on from *since*, the last instant at which anything was known."""
        self._latest = since
        if self._next_rollover is not None:
            self._rollover = self._next_rollover(since)

    def apply(self, fact: Fact) -> list[Outcome]:
        """Take one fact, and return what to tell, in order. Told again, it changes and tells nothing."""
        at = self._instant_of(fact)
        outcomes = self._pass_time_until(at)
        sessions: list[Outcome] = []
        if not isinstance(fact, facts.QueueFact | facts.AgentFact | facts.PeriodSet):
            sessions = self.handler.apply(fact)
        return outcomes + self._note(fact, sessions, at)

    def _note(self, fact: Fact, sessions: list[Outcome], at: int) -> list[Outcome]:
        """What the sessions told of a fact, and what the books tell of both."""
        outcomes = list(sessions)
        for book in self._books:
            outcomes += book.apply(fact, sessions, at)
        return outcomes

    def _pass_time_until(self, now: int) -> list[Outcome]:
        """Let come what time alone brings before *now*, each at its own instant, whether a timer was late or not.

        What happens at a rollover's very instant is in the sessions that begin there.
        """
        outcomes: list[Outcome] = []
        last: int | None = None
        while (due := self.next_deadline()) is not None and due != last and (due < now or due == self._rollover == now):
            last = due
            passed = facts.TimePassed(due)
            sessions = self.handler.apply(passed)
            if due == self._rollover and self._next_rollover is not None:
                sessions += self.handler.roll_over(due)
                self._rollover = self._next_rollover(due)
            outcomes += self._note(passed, sessions, due)
        return outcomes

    def next_deadline(self) -> int | None:
        """Instant at which ``TimePassed`` is due; None while nothing runs."""
        earliest, due = self._rollover, self.handler.next_deadline()
        if due is not None and (earliest is None or due < earliest):
            earliest = due
        for book in self._books:
            due = book.next_deadline()
            if due is not None and (earliest is None or due < earliest):
                earliest = due
        return earliest

    def _instant_of(self, fact: Fact) -> int:
        """When it happened; what has no time of its own happened with what came before it."""
        match fact:
            case facts.TimePassed():
                self._latest = fact.now
            case facts.ContactLost() | facts.SessionGap():
                self._latest = fact.begin
            case facts.CallClosed() | facts.AsteriskRestarted() | facts.WrapUpConfigured():
                pass
            case _:
                self._latest = fact.occasion.at
        return self._latest
