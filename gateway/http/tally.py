"""What was handled in each queue since this process began: counters that no rollover moves back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.facts import Fact, Outcome, SessionRefreshed
from gateway.domain.figures import SessionFigures
from gateway.domain.member import fold
from gateway.domain.session import AgentSession, SessionEvent


@dataclass(slots=True)
class Handled:
    """The sums of one queue, whose *name* is as a session has it. Times are microseconds."""

    name: str
    calls: int = 0
    talk_time: int = 0
    wrap_up_time: int = 0
    missed: int = 0

    def add(self, before: SessionFigures, now: SessionFigures) -> None:
        """Add what a session came to have since it was last seen."""
        self.calls += now.number_of_calls - before.number_of_calls
        self.talk_time += now.total_talk_time - before.total_talk_time
        self.wrap_up_time += now.total_wrap_up_time - before.total_wrap_up_time
        self.missed += now.calls_missed - before.calls_missed


_NOTHING = SessionFigures()


class Tally:
    """A book beside those of queues and agents; it has nothing to tell.

    A session's figures begin at zero with each login and go with it, so what is counted is the difference to what was
    last seen of it: nothing counts twice, in whatever order it is told.
    """

    def __init__(self) -> None:
        self._handled: dict[str, Handled] = {}
        self._seen: dict[str, SessionFigures] = {}

    def handled(self) -> Iterable[Handled]:
        """The sums of every queue in which there was a session."""
        return self._handled.values()

    def restore(self, sessions: Iterable[AgentSession]) -> None:
        """Begin at what an earlier life had counted: a process counts from zero."""
        for session in sessions:
            self._queue(session.group)
            if session.end_time is None or session.calls:
                self._seen[session.session_id] = session.figures

    def apply(self, fact: Fact, sessions: Sequence[Outcome], at: int) -> list[Outcome]:  # noqa: ARG002  a book's
        """Take what the sessions told of a fact."""
        for outcome in sessions:
            if isinstance(outcome, SessionEvent | SessionRefreshed):
                self._count(outcome.session)
        return []

    def next_deadline(self) -> int | None:
        """Nothing here follows from time."""
        return None

    def _count(self, session: AgentSession) -> None:
        before = self._seen.get(session.session_id)
        if before is None and session.end_time is not None:
            return  # it was over, and counted, before
        self._queue(session.group).add(before or _NOTHING, session.figures)
        if session.end_time is not None and not session.calls:
            self._seen.pop(session.session_id, None)
        else:
            self._seen[session.session_id] = session.figures

    def _queue(self, name: str) -> Handled:
        return self._handled.setdefault(fold(name), Handled(name))
