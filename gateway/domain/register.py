"""The register of sessions: which are open, which have ended, which changed, and when the next changes by itself."""

from collections.abc import Collection, Iterable, Iterator
from heapq import heappop, heappush

from gateway.domain.call import CallKey
from gateway.domain.member import MembershipKey, membership_key
from gateway.domain.session import AgentSession

CARRIED_OVER = 16
"""Keys of calls and misses that a session takes over from the one before it: enough for what is told again around a
new login."""


class SessionRegister:
    """Sessions by membership while they last, by id once they have ended.

    Attributes:
        open: The sessions that have not ended.
        ended: Those that have, and were not forgotten yet.
        calls: The session of every open call, by its id.
    """

    def __init__(self) -> None:
        self.open: dict[MembershipKey, AgentSession] = {}
        self.ended: dict[str, AgentSession] = {}
        self.calls: dict[tuple[MembershipKey, CallKey], str] = {}
        self._last_ended: dict[tuple[MembershipKey, str], str] = {}
        self._told: dict[MembershipKey, tuple[tuple[str, ...], ...]] = {}
        self._by_queue: dict[str, set[MembershipKey]] = {}
        self._changed: dict[str, AgentSession | None] = {}
        self._due: list[tuple[int, MembershipKey]] = []

    # What is known -------------------------------------------------------------------------------------------------

    def find(self, group: str, agent: str, address: str) -> AgentSession | None:
        """The session of that triple, or the last one that ended; group and address in any case."""
        key = membership_key(group, address)
        session = self.open.get(key)
        if session is not None and session.agent == agent:
            return session
        return self.ended.get(self._last_ended.get((key, agent), ""))

    def of_queue(self, folded: str) -> list[MembershipKey]:
        """The memberships of a queue, by its folded name."""
        return list(self._by_queue.get(folded, ()))

    def of_call(self, key: MembershipKey, call: CallKey) -> AgentSession | None:
        """The session that an open call belongs to, ended sessions too; None for a call that is not known as open."""
        session_id = self.calls.get((key, call))
        return None if session_id is None else self.ended.get(session_id) or self.open[key]

    def told(self, key: MembershipKey) -> tuple[tuple[str, ...], ...]:
        """Keys of calls and misses that the last session of a membership has counted, newest last."""
        return self._told.get(key, ())

    def take_changed(self) -> dict[str, AgentSession | None]:
        """The sessions that were changed since the last call, by id; None for one that is not wanted any more."""
        changed, self._changed = self._changed, {}
        return changed

    # What happens --------------------------------------------------------------------------------------------------

    def restore(self, sessions: Iterable[AgentSession]) -> None:
        """Go on from what was kept."""
        for session in sorted(sessions, key=lambda each: each.start_time):
            key = session.member.key
            for call in session.calls:
                self.calls[key, call.key] = session.session_id
            if session.end_time is not None:
                self._note_end(session)
            else:
                self.open[key] = session
                self._by_queue.setdefault(key.queue, set()).add(key)
                self.schedule(None, session)

    def begin(self, session: AgentSession) -> None:
        """A session is new; what the one before it had counted is in it."""
        key = session.member.key
        self._told.pop(key, None)
        self.open[key] = session
        self._by_queue.setdefault(key.queue, set()).add(key)
        self._changed[session.session_id] = session
        for call in session.calls:
            self.calls[key, call.key] = session.session_id
        self.schedule(None, session)
        self.forget(self._last_ended.get((key, session.agent), ""))

    def put(self, before: AgentSession, session: AgentSession) -> None:
        """A session has changed, or has ended."""
        key = session.member.key
        self._changed[session.session_id] = session
        if session.end_time is None:
            self.open[key] = session
            self.schedule(before, session)
            return
        if before.end_time is None:
            del self.open[key]
            self._by_queue.get(key.queue, set()).discard(key)
            self._note_end(session)
        self.ended[session.session_id] = session
        self._drop_if_over(session)

    def _note_end(self, session: AgentSession) -> None:
        key = session.member.key
        self.ended[session.session_id] = session
        self._last_ended[key, session.agent] = session.session_id
        self._told[key] = (*session.told[-CARRIED_OVER:], *(call.key for call in session.calls))

    def forget(self, session_id: str) -> None:
        """An ended session is not wanted any more; it stays only while a call of it is talked."""
        session = self.ended.get(session_id)
        if session is not None:
            name = (session.member.key, session.agent)
            if self._last_ended.get(name) == session_id:
                del self._last_ended[name]
            self._drop_if_over(session)

    def _drop_if_over(self, session: AgentSession) -> None:
        """Let go of an ended session that nobody can ask for and that has no call left to count."""
        wanted = self._last_ended.get((session.member.key, session.agent)) == session.session_id
        if not wanted and not session.calls:
            del self.ended[session.session_id]
            self._changed[session.session_id] = None

    # Time ----------------------------------------------------------------------------------------------------------

    def schedule(self, before: AgentSession | None, session: AgentSession) -> None:
        """Note when the session changes by itself: at the end of a wrap-up, or of what its last call brings."""
        deadline, until = session.deadline, session.unavailable_until
        if deadline is not None and (before is None or deadline != before.deadline):
            heappush(self._due, (deadline, session.member.key))
        if until is not None and until > session.changed_at and (before is None or until != before.unavailable_until):
            heappush(self._due, (until, session.member.key))

    def next_deadline(self, passed_over: Collection[MembershipKey]) -> int | None:
        """Instant at which the next session changes by itself; None if none does. Some are *passed_over*."""
        while self._due and not self._is_due(*self._due[0], passed_over):
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def pop_due(self, now: int, passed_over: Collection[MembershipKey]) -> Iterator[AgentSession]:
        """The sessions that change by themselves up to *now*, in the order of their times."""
        while self._due and self._due[0][0] <= now:
            instant, key = heappop(self._due)
            if self._is_due(instant, key, passed_over):
                yield self.open[key]

    def _is_due(self, instant: int, key: MembershipKey, passed_over: Collection[MembershipKey]) -> bool:
        """Whether an entry of the heap still holds; what it was made for may have gone another way since."""
        session = self.open.get(key)
        if session is None or key in passed_over:
            return False
        return instant in (session.deadline, session.unavailable_until)
