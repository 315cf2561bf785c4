"""Queue calls: in which session each is talked, and the records of those that are over."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.domain import facts, history
from gateway.domain.call import Call, CallKey
from gateway.domain.facts import ListWanted, Outcome
from gateway.domain.member import MembershipKey, membership_key
from gateway.domain.session import AgentSession, Occasion
from gateway.domain.sessions import Sessions


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call whose record waits until who ended it is known, and the session in which it counted."""

    session: AgentSession
    call: Call
    occasion: Occasion


class AcdCalls:
    """Takes the facts about calls.

    Args:
        sessions: The sessions.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._unrecorded: dict[tuple[MembershipKey, CallKey], EndedCall] = {}
        self._unrecorded_changed: dict[tuple[MembershipKey, CallKey], EndedCall | None] = {}
        self._strangers: dict[MembershipKey, list[Call]] = {}

    def take_unrecorded(self) -> dict[tuple[MembershipKey, CallKey], EndedCall | None]:
        """The ended calls whose records wait until who ended them is known, as far as that changed since the last call.

        None for one whose record waits no more.
        """
        changed, self._unrecorded_changed = self._unrecorded_changed, {}
        return changed

    def restore_unrecorded(self, unrecorded: Iterable[EndedCall]) -> None:
        """Go on with the ended calls whose records wait."""
        for ended in unrecorded:
            self._unrecorded[ended.session.member.key, ended.call.key] = ended

    def strangers(self, key: MembershipKey) -> tuple[Call, ...]:
        """Calls of a membership that no event and no list has shown yet."""
        return tuple(self._strangers.get(key, ()))

    def forget_strangers(self, key: MembershipKey) -> None:
        """They are nobody's: the member is there only since."""
        self._strangers.pop(key, None)

    def forget_strangers_in(self, folded: str) -> None:
        """A list of a queue, by its folded name, has shown whose they are, or that they are nobody's."""
        for key in [key for key in self._strangers if key.queue == folded]:
            del self._strangers[key]

    def answered(self, fact: facts.CallAnswered) -> list[Outcome]:
        """A call belongs to the session that is open when it is answered.

        Where there is none, the member was removed while it rang, and the call is nobody's; or it came without an
        event, and a list must show it first.
        """
        sessions = self._sessions
        key = membership_key(fact.queue, fact.interface)
        sessions.missing.pop(key, None)
        came_back = sessions.returning.pop(key, None) is not None
        if key in sessions.register.open or (key, fact.call.key) in sessions.register.calls:
            outcomes = self.answer(key, fact.call, fact.occasion)
            if came_back:
                sessions.register.schedule(None, sessions.register.open[key])
            return outcomes
        if fact.call.key in sessions.register.told(key) or fact.call in self._strangers.get(key, ()):
            return []
        self._strangers.setdefault(key, []).append(fact.call)
        return [ListWanted(fact.queue)]

    def answer(self, key: MembershipKey, call: Call, occasion: Occasion) -> list[Outcome]:
        """A call is talked in a session."""
        sessions = self._sessions
        # What is told again of a call belongs to the session that was open when it was answered.
        session = sessions.register.of_call(key, call.key) or sessions.register.open.get(key)
        if session is None or (key, call.key) in self._unrecorded:
            return []
        then = history.answer(session, call, occasion)
        if call in then[0].calls:
            sessions.register.calls[key, call.key] = session.session_id
        return sessions.store(session, then)

    def ended(self, fact: facts.CallEnded) -> list[Outcome]:
        """A call's talking is over; its record waits until it is known who ended it."""
        sessions = self._sessions
        key = membership_key(fact.queue, fact.interface)
        session = sessions.register.of_call(key, fact.key)
        if session is None:
            if key in self._strangers:
                self._strangers[key] = [call for call in self._strangers[key] if call.key != fact.key]
            return []
        del sessions.register.calls[key, fact.key]
        if fact.answered_at is not None:
            session = _amend(session, fact)
        call = next(each for each in session.calls if each.key == fact.key)
        then = history.end_call(session, fact.key, fact.occasion)
        ended = EndedCall(then[0], call, fact.occasion)
        self._unrecorded[key, fact.key] = self._unrecorded_changed[key, fact.key] = ended
        return sessions.store(session, then)

    def closed(self, fact: facts.CallClosed) -> list[Outcome]:
        """Who ended a call is known, or that nobody will tell."""
        name = (membership_key(fact.queue, fact.interface), fact.key)
        ended = self._unrecorded.pop(name, None)
        if ended is None:
            return []
        self._unrecorded_changed[name] = None
        began, end = ended.call.answered_at, ended.occasion.at
        talk_time = None if began is None else max(0, end - began)
        return [
            facts.CallRecord(
                ended.session, ended.call, end, talk_time, fact.ended_by, fact.transferred_to, ended.occasion
            )
        ]

    def missed(self, fact: facts.CallMissed) -> list[Outcome]:
        """A member was rung and did not answer."""
        sessions = self._sessions
        session = sessions.register.open.get(membership_key(fact.queue, fact.interface))
        if session is None:
            return []
        return sessions.store(session, history.miss_call(session, fact.attempt, fact.occasion))


def _amend(session: AgentSession, fact: facts.CallEnded) -> AgentSession:
    """Give a call that was found open the times that came to be known at its end."""
    calls = tuple(
        replace(call, answered_at=fact.answered_at, time_to_answer=fact.time_to_answer)
        if call.key == fact.key
        else call
        for call in session.calls
    )
    return replace(session, calls=calls)
