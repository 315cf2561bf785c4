"""How many sessions of each queue are in each state."""

from gateway.domain.session import AgentSession
from gateway.domain.state import AgentSessionState


class Headcount:
    """Follows the sessions. A queue is meant by its name in lower case."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[str, AgentSessionState]] = {}
        self._places: dict[tuple[str, AgentSessionState], tuple[str, AgentSessionState]] = {}
        self._counts: dict[str, list[int]] = {}

    def note(self, session: AgentSession) -> bool:
        """Count a session in the state that it is in; an ended one no more. Returns whether that changed a number."""
        now = None if session.end_time is not None else self._place(session)
        before = self._states.pop(session.session_id, None)
        if now is not None:
            self._states[session.session_id] = now
        if now == before:
            return False
        for place, change in ((before, -1), (now, 1)):
            if place is not None:
                queue, state = place
                self._counts.setdefault(queue, [0, 0, 0, 0])[state] += change
        return True

    def _place(self, session: AgentSession) -> tuple[str, AgentSessionState]:
        """Queue and state; one object for all sessions that have both in common."""
        place = (session.member.key.queue, session.state)
        return self._places.setdefault(place, place)

    def of(self, queue: str) -> tuple[int, ...]:
        """The numbers of one queue, indexed by the state's value."""
        return tuple(self._counts.get(queue, (0, 0, 0, 0)))
