"""AgentHandler: all sessions of one Asterisk (TAPI's ITAgentHandler), and which fact concerns which of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from gateway.domain import facts, history
from gateway.domain.acd_calls import AcdCalls, EndedCall
from gateway.domain.call import Call, CallKey
from gateway.domain.facts import Outcome, SessionFact, SessionRefreshed
from gateway.domain.member import Member, MembershipKey, fold, membership_key
from gateway.domain.memberships import Memberships
from gateway.domain.session import AgentSession, Cause, Gap, Occasion, Rules
from gateway.domain.sessions import AgentIdentity, Sessions


class AgentHandler:
    """Holds the sessions and applies facts to them, in the order in which they are given.

    Args:
        rules: The operator's choices about sessions.
        agent_identity: Which of a member's names is the agent.
        new_session_id: Makes the id of a session that starts at the given instant.
    """

    def __init__(self, rules: Rules, agent_identity: AgentIdentity, new_session_id: Callable[[int], str]) -> None:
        self._sessions = Sessions(rules, agent_identity, new_session_id)
        self._register = self._sessions.register
        self._queues = self._sessions.queues
        self._calls = AcdCalls(self._sessions)
        self._members = Memberships(self._sessions, self._calls)

    # What is known -------------------------------------------------------------------------------------------------

    @property
    def seen_since(self) -> int:
        """Instant since when nothing was missed; a session found to be older has a gap before it."""
        return self._sessions.seen_since

    @seen_since.setter
    def seen_since(self, instant: int) -> None:
        self._sessions.seen_since = instant

    def sessions(self) -> Iterable[AgentSession]:
        """The sessions that have not ended."""
        return self._register.open.values()

    def ended(self) -> Iterable[AgentSession]:
        """The sessions that have ended and were not forgotten yet."""
        return self._register.ended.values()

    def session(self, queue: str, interface: str) -> AgentSession | None:
        """The session of a membership, in whatever case its names are written; None if there is none."""
        return self._register.open.get(membership_key(queue, interface))

    def find(self, group: str, agent: str, address: str) -> AgentSession | None:
        """The session of that triple, or the last one that ended; group and address in any case."""
        return self._register.find(group, agent, address)

    def sessions_of(self, agent: str) -> list[AgentSession]:
        """The sessions of *agent* that have not ended."""
        return [session for session in self._register.open.values() if session.agent == agent]

    def queue(self, name: str) -> str | None:
        """A queue's name as Asterisk spells it; None if there is no such queue."""
        return self._queues.get(name)

    def queues(self) -> Iterable[str]:
        """The queues, as Asterisk spells them."""
        return self._queues.names()

    def queues_without_wrap_up(self) -> list[str]:
        """The queues whose wrap-up time is not known."""
        return self._queues.without_wrap_up()

    def open_calls(self) -> Iterator[tuple[AgentSession, Call]]:
        """Every ACD call being talked, with its session, ended sessions too."""
        for session in (*self.sessions(), *self.ended()):
            for call in session.calls:
                yield session, call

    def agent_of(self, member: Member) -> str:
        """The agent's name, by the configured identity."""
        return self._sessions.agent_of(member)

    def next_deadline(self) -> int | None:
        """Instant at which ``TimePassed`` is due; None while nothing runs."""
        deadline = self._register.next_deadline(self._sessions.returning)
        if not self._sessions.returning:
            return deadline
        returning = min(each for _, each in self._sessions.returning.values())
        return returning if deadline is None else min(deadline, returning)

    # Kept over a restart -------------------------------------------------------------------------------------------

    def take_changed(self) -> dict[str, AgentSession | None]:
        """The sessions that were changed since the last call, by id; None for one that is not wanted any more."""
        return self._register.take_changed()

    def take_unrecorded(self) -> dict[tuple[MembershipKey, CallKey], EndedCall | None]:
        """The ended calls whose records wait until who ended them is known, as far as that changed since the last call.

        None for one whose record waits no more.
        """
        return self._calls.take_unrecorded()

    def rolling(self) -> Mapping[MembershipKey, int]:
        """The memberships whose sessions were to be rolled over while busy, and will be when they are not; and when."""
        return dict(self._sessions.rolling)

    def restore(self, sessions: Iterable[AgentSession], rolling: Mapping[MembershipKey, int] | None = None) -> None:
        """Go on from what was kept, before the first fact."""
        self._sessions.rolling.update(rolling or {})
        self._register.restore(sessions)
        for session in self._register.open.values():
            self._queues.spelled(session.group)
        self._members.restore()

    def restore_unrecorded(self, unrecorded: Iterable[EndedCall]) -> None:
        """Go on with the ended calls whose records wait."""
        self._calls.restore_unrecorded(unrecorded)

    # What happens --------------------------------------------------------------------------------------------------

    def add_queue(self, name: str, *, limit: int | None = None) -> None:
        """A queue is known to exist."""
        self._queues.add(name, limit=limit)

    def remove_queue(self, name: str) -> None:
        """A queue is no longer there; its sessions end as lists lack them."""
        self._queues.remove(name)

    def forget(self, session_id: str) -> None:
        """An ended session is not wanted any more; it stays only while a call of it is talked."""
        self._register.forget(session_id)

    def apply(self, fact: SessionFact) -> list[Outcome]:
        """Take one fact, and return what to tell, in order. Told again, it changes and tells nothing."""
        match fact:
            case facts.MemberTold():
                return self._members.told(fact.member, fact.occasion, pause_told=fact.pause_told)
            case facts.MemberAdded():
                return self._members.told(fact.member, fact.occasion, added=True)
            case facts.MemberRemoved():
                return self._members.removed(fact)
            case facts.MembersListed():
                return self._members.listed(fact)
            case facts.TimePassed():
                return self._time_passed(fact.now)
            case _:
                return self._apply_to_call(fact)

    def _apply_to_call(self, fact: facts.CallFact | facts.WorldFact) -> list[Outcome]:
        match fact:
            case facts.CallAnswered():
                return self._calls.answered(fact)
            case facts.CallEnded():
                return self._calls.ended(fact)
            case facts.CallClosed():
                return self._calls.closed(fact)
            case facts.CallMissed():
                return self._calls.missed(fact)
            case _:
                return self._apply_to_all(fact)

    def _apply_to_all(self, fact: facts.WorldFact) -> list[Outcome]:
        match fact:
            case facts.ContactLost():
                return self._contact_lost(fact)
            case facts.SessionGap():
                return self._session_gap(fact)
            case facts.AsteriskRestarted():
                return self._asterisk_restarted(fact)
            case facts.WrapUpConfigured():
                return self._wrap_up_configured(fact)

    def roll_over(self, at: int) -> list[Outcome]:
        """End each session and begin its next at *at*, an instant; of one that is busy when it is so no longer."""
        return self._sessions.roll_over(at)

    def _contact_lost(self, fact: facts.ContactLost) -> list[Outcome]:
        outcomes: list[Outcome] = []
        gap = Gap(fact.begin, fact.end, fact.why)
        for session in list(self.sessions()):
            outcomes += self._sessions.store(session, (history.note_gap(session, gap), ()))
        return outcomes

    def _session_gap(self, fact: facts.SessionGap) -> list[Outcome]:
        session = self._register.open.get(membership_key(fact.queue, fact.interface))
        if session is None:
            return []
        return self._sessions.store(session, (history.note_gap(session, Gap(fact.begin, fact.end, fact.why)), ()))

    def _asterisk_restarted(self, fact: facts.AsteriskRestarted) -> list[Outcome]:
        """Nothing of the old Asterisk goes on; every member has some time to come back."""
        for key in self._register.open:
            last_contact, _ = self._sessions.returning.get(key, (fact.last_contact, 0))
            self._sessions.returning[key] = (last_contact, fact.deadline)
        return []

    def _wrap_up_configured(self, fact: facts.WrapUpConfigured) -> list[Outcome]:
        self._queues.set_wrap_up(fact.queue, fact.limit)
        outcomes: list[Outcome] = []
        for key in self._register.of_queue(fold(fact.queue)):
            session = self._register.open[key]
            outcomes += self._sessions.store(session, (session, ()), limit_of=session.member)
        return outcomes

    def _time_passed(self, now: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for session in self._register.pop_due(now, self._sessions.returning):
            told = self._sessions.store(session, history.advance(session, now))
            outcomes += told or [SessionRefreshed(session)]
        gone = [(key, last) for key, (last, deadline) in self._sessions.returning.items() if deadline <= now]
        for key, last_contact in gone:
            outcomes += self._sessions.end(key, Occasion(last_contact, Cause.RESYNC))
        return outcomes
