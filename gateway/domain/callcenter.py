"""CallCenter: everything of one Asterisk (TAPI's ITTAPICallCenter): its sessions, its queues and groups, its agents."""

from collections.abc import Sequence
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

    Attributes:
        handler: The sessions.
    """

    def __init__(self, handler: AgentHandler, *books: Book) -> None:
        self.handler = handler
        self._books = books
        self._latest = 0

    def apply(self, fact: Fact) -> list[Outcome]:
        """Take one fact, and return what to tell, in order. Told again, it changes and tells nothing."""
        at = self._instant_of(fact)
        sessions: list[Outcome] = []
        if not isinstance(fact, facts.QueueFact | facts.AgentFact | facts.PeriodSet):
            sessions = self.handler.apply(fact)
        outcomes = list(sessions)
        for book in self._books:
            outcomes += book.apply(fact, sessions, at)
        return outcomes

    def next_deadline(self) -> int | None:
        """Instant at which ``TimePassed`` is due; None while nothing runs."""
        deadlines = [self.handler.next_deadline(), *(book.next_deadline() for book in self._books)]
        return min((each for each in deadlines if each is not None), default=None)

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
