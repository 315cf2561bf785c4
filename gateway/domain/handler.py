"""AgentHandler: all sessions of one Asterisk (TAPI's ITAgentHandler), and which fact concerns which of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from gateway.domain import facts, history
from gateway.domain.call import Call, CallKey
from gateway.domain.facts import ListWanted, Outcome, SessionFact, SessionRefreshed
from gateway.domain.instant import SECOND
from gateway.domain.logins import is_another_login
from gateway.domain.member import Member, MembershipKey, fold, membership_key
from gateway.domain.register import SessionRegister
from gateway.domain.session import AgentSession, Cause, Gap, Occasion, Rules, wrap_up_limit
from gateway.domain.state import AgentSessionState

AgentIdentity = Literal["member_name", "interface", "state_interface"]

_BUSY: Final = frozenset({AgentSessionState.BUSY_ON_CALL, AgentSessionState.BUSY_WRAPUP})

FOUND_WHY: Final = "logged in before the gateway could see it"


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call whose record waits until who ended it is known, and the session in which it counted."""

    session: AgentSession
    call: Call
    occasion: Occasion


class AgentHandler:
    """Holds the sessions and applies facts to them, in the order in which they are given.

    Args:
        rules: The operator's choices about sessions.
        agent_identity: Which of a member's names is the agent.
        new_session_id: Makes the id of a session that starts at the given instant.

    Attributes:
        seen_since: Instant since when nothing was missed; a session found to be older has a gap before it.
    """

    def __init__(self, rules: Rules, agent_identity: AgentIdentity, new_session_id: Callable[[int], str]) -> None:
        self.seen_since = 0
        self._rules = rules
        self._identity: AgentIdentity = agent_identity
        self._new_session_id = new_session_id
        self._register = SessionRegister()
        self._unrecorded: dict[tuple[MembershipKey, CallKey], EndedCall] = {}
        self._unrecorded_changed: dict[tuple[MembershipKey, CallKey], EndedCall | None] = {}
        self._queues: dict[str, str] = {}
        self._limits: dict[str, int | None] = {}
        self._realtime: set[MembershipKey] = set()
        self._missing: dict[MembershipKey, int] = {}
        self._strangers: dict[MembershipKey, list[Call]] = {}
        self._returning: dict[MembershipKey, tuple[int, int]] = {}
        self._rolling: dict[MembershipKey, int] = {}

    # What is known -------------------------------------------------------------------------------------------------

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
        return self._queues.get(fold(name))

    def queues(self) -> Iterable[str]:
        """The queues, as Asterisk spells them."""
        return self._queues.values()

    def queues_without_wrap_up(self) -> list[str]:
        """The queues whose wrap-up time is not known."""
        return [name for key, name in self._queues.items() if self._limits.get(key) is None]

    def open_calls(self) -> Iterator[tuple[AgentSession, Call]]:
        """Every ACD call being talked, with its session, ended sessions too."""
        for session in (*self.sessions(), *self.ended()):
            for call in session.calls:
                yield session, call

    def agent_of(self, member: Member) -> str:
        """The agent's name, by the configured identity."""
        return {
            "member_name": member.member_name or member.interface,
            "interface": member.interface,
            "state_interface": member.state_interface or member.interface,
        }[self._identity]

    def next_deadline(self) -> int | None:
        """Instant at which ``TimePassed`` is due; None while nothing runs."""
        deadline = self._register.next_deadline(self._returning)
        if not self._returning:
            return deadline
        returning = min(each for _, each in self._returning.values())
        return returning if deadline is None else min(deadline, returning)

    # Kept over a restart -------------------------------------------------------------------------------------------

    def take_changed(self) -> dict[str, AgentSession | None]:
        """The sessions that were changed since the last call, by id; None for one that is not wanted any more."""
        return self._register.take_changed()

    def take_unrecorded(self) -> dict[tuple[MembershipKey, CallKey], EndedCall | None]:
        """The ended calls whose records wait until who ended them is known, as far as that changed since the last call.

        None for one whose record waits no more.
        """
        changed, self._unrecorded_changed = self._unrecorded_changed, {}
        return changed

    def rolling(self) -> Mapping[MembershipKey, int]:
        """The memberships whose sessions were to be rolled over while busy, and will be when they are not; and when."""
        return dict(self._rolling)

    def restore(self, sessions: Iterable[AgentSession], rolling: Mapping[MembershipKey, int] | None = None) -> None:
        """Go on from what was kept, before the first fact."""
        self._rolling.update(rolling or {})
        self._register.restore(sessions)
        for key, session in self._register.open.items():
            self._queues.setdefault(key.queue, session.group)
            if session.member.membership == "realtime":
                self._realtime.add(key)

    def restore_unrecorded(self, unrecorded: Iterable[EndedCall]) -> None:
        """Go on with the ended calls whose records wait."""
        for ended in unrecorded:
            self._unrecorded[ended.session.member.key, ended.call.key] = ended

    # What happens --------------------------------------------------------------------------------------------------

    def add_queue(self, name: str, *, limit: int | None = None) -> None:
        """A queue is known to exist."""
        self._queues[fold(name)] = name
        self._limits.setdefault(fold(name), limit)

    def remove_queue(self, name: str) -> None:
        """A queue is no longer there; its sessions end as lists lack them."""
        self._queues.pop(fold(name), None)

    def forget(self, session_id: str) -> None:
        """An ended session is not wanted any more; it stays only while a call of it is talked."""
        self._register.forget(session_id)

    def apply(self, fact: SessionFact) -> list[Outcome]:
        """Take one fact, and return what to tell, in order. Told again, it changes and tells nothing."""
        match fact:
            case facts.MemberTold():
                return self._member_told(fact.member, fact.occasion, pause_told=fact.pause_told)
            case facts.MemberAdded():
                return self._member_told(fact.member, fact.occasion, added=True)
            case facts.MemberRemoved():
                return self._member_removed(fact)
            case facts.MembersListed():
                return self._members_listed(fact)
            case facts.TimePassed():
                return self._time_passed(fact.now)
            case _:
                return self._apply_to_call(fact)

    def _apply_to_call(self, fact: facts.CallFact | facts.WorldFact) -> list[Outcome]:
        match fact:
            case facts.CallAnswered():
                return self._call_answered(fact)
            case facts.CallEnded():
                return self._call_ended(fact)
            case facts.CallClosed():
                return self._call_closed(fact)
            case facts.CallMissed():
                return self._call_missed(fact)
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

    def _member_told(
        self,
        member: Member,
        occasion: Occasion,
        *,
        pause_told: bool = False,
        added: bool = False,
        calls: tuple[Call, ...] = (),
    ) -> list[Outcome]:
        key = member.key
        if added:
            self._strangers.pop(key, None)
        member = self._keep_realtime(key, member)
        self._missing.pop(key, None)
        session = self._register.open.get(key)
        outcomes: list[Outcome] = []
        start_time = occasion.at if added else None
        returning = self._returning.pop(key, None)
        if session is not None and session.agent != self.agent_of(member):
            gone = occasion if returning is None else Occasion(returning[0], Cause.RESYNC)
            outcomes += self._end(key, gone)
            session = None
        if session is None:
            return outcomes + self._begin(member, occasion, start_time=start_time, calls=calls)
        if returning is None and is_another_login(session, member, occasion.at, added=added):
            if occasion.at < session.first_seen:
                return outcomes  # an old event, overtaken by the list that showed the present login
            # The event of the logout was missed: it was before the new login.
            login = start_time or member.login_time or occasion.at
            outcomes += self._end(key, replace(occasion, at=min(login, occasion.at)))
            return outcomes + self._begin(member, occasion, start_time=login, calls=calls)
        outcomes += self._store(
            session, history.observe(session, member, occasion, pause_told=pause_told), limit_of=member
        )
        if returning is not None:
            self._register.schedule(None, self._register.open[key])
        for call in calls:
            outcomes += self._answer(key, call, occasion)
        return outcomes

    def _keep_realtime(self, key: MembershipKey, member: Member) -> Member:
        """Lists say ``static`` of a realtime member; once an event called it realtime, it stays so."""
        if member.membership == "realtime":
            self._realtime.add(key)
        elif key in self._realtime and member.membership == "static":
            return replace(member, membership="realtime")
        return member

    def _begin(
        self, member: Member, occasion: Occasion, *, start_time: int | None = None, calls: tuple[Call, ...] = ()
    ) -> list[Outcome]:
        if start_time is None:
            start_time = member.login_time if member.login_time is not None else occasion.at
        start_time = min(start_time, occasion.at)
        # LoginTime is cut to whole seconds, so that a login just after the first sight seems to be just before it.
        missed = start_time + SECOND <= self.seen_since
        gaps = (Gap(start_time, min(self.seen_since, occasion.at), FOUND_WHY),) if missed else ()
        key = member.key
        queue = self._queues.setdefault(fold(member.queue), member.queue)
        session, events = history.begin(
            self._new_session_id(start_time),
            self.agent_of(member),
            member,
            self._rules,
            occasion,
            start_time=start_time,
            wrap_up_limit=wrap_up_limit(member, self._limits.get(fold(queue))),
            calls=calls,
            gaps=gaps,
            told=self._register.told(key),
        )
        self._register.begin(session)
        return list(events)

    def _store(self, before: AgentSession, then: history.Next, *, limit_of: Member | None = None) -> list[Outcome]:
        session, events = then
        if limit_of is not None:
            limit = wrap_up_limit(limit_of, self._limits.get(fold(session.group)))
            session = history.limit_wrap_up(session, limit)
        self._register.put(before, session)
        key = session.member.key
        if session.end_time is not None and before.end_time is None:
            self._missing.pop(key, None)
            self._returning.pop(key, None)
            self._rolling.pop(key, None)
        outcomes: list[Outcome] = list(events)
        if session != (events[-1].session if events else before):
            outcomes.append(SessionRefreshed(session))
        is_idle = session.end_time is None and session.state not in _BUSY
        if key in self._rolling and key not in self._returning and is_idle:
            outcomes += self._roll(session, max(session.changed_at, self._rolling[key]))
        return outcomes

    def roll_over(self, at: int) -> list[Outcome]:
        """End each session and begin its next at *at*, an instant; of one that is busy when it is so no longer."""
        outcomes: list[Outcome] = []
        for key, session in list(self._register.open.items()):
            if key in self._returning or session.state in _BUSY:
                self._rolling[key] = at
            else:
                outcomes += self._roll(session, at)
        return outcomes

    def _roll(self, session: AgentSession, at: int) -> list[Outcome]:
        occasion = Occasion(at, Cause.ROLLOVER)
        self._rolling.pop(session.member.key, None)
        return [*self._end(session.member.key, occasion), *self._begin(session.member, occasion, start_time=at)]

    def _member_removed(self, fact: facts.MemberRemoved) -> list[Outcome]:
        key = membership_key(fact.queue, fact.interface)
        session = self._register.open.get(key)
        if session is not None and fact.login_stamp is not None and fact.occasion.at < session.first_seen:
            stamp = session.member.login_stamp
            if stamp is not None and stamp != fact.login_stamp:
                return []  # the end of the login before, overtaken by the list that showed the present one
        return self._end(key, fact.occasion)

    def _end(self, key: MembershipKey, occasion: Occasion) -> list[Outcome]:
        session = self._register.open.get(key)
        return [] if session is None else self._store(session, history.end(session, occasion))

    def _members_listed(self, fact: facts.MembersListed) -> list[Outcome]:
        """A list is the truth of its moment. One that lacks a member must be confirmed by a second."""
        outcomes: list[Outcome] = []
        listed = {member.key for member in fact.members}
        calls: dict[MembershipKey, tuple[Call, ...]] = {}
        for interface, call in fact.calls:
            key = membership_key(fact.queue, interface)
            calls[key] = (*calls.get(key, ()), call)
        for member in fact.members:
            calls_of = (*self._strangers.get(member.key, ()), *calls.get(member.key, ()))
            outcomes += self._member_told(member, fact.occasion, calls=calls_of)
        for key in [key for key in self._strangers if key.queue == fold(fact.queue)]:
            del self._strangers[key]
        lacking = [key for key in self._register.of_queue(fold(fact.queue)) if key not in listed]
        asked = False
        for key in lacking:
            if key in self._returning:
                continue
            since = self._missing.get(key)
            if since is None:
                self._missing[key] = fact.occasion.at
                asked = True
            else:
                outcomes += self._end(key, replace(fact.occasion, at=since))
        if asked:
            outcomes.append(ListWanted(fact.queue))
        return outcomes

    def _call_answered(self, fact: facts.CallAnswered) -> list[Outcome]:
        """A call belongs to the session that is open when it is answered.

        Where there is none, the member was removed while it rang, and the call is nobody's; or it came without an
        event, and a list must show it first.
        """
        key = membership_key(fact.queue, fact.interface)
        self._missing.pop(key, None)
        came_back = self._returning.pop(key, None) is not None
        if key in self._register.open or (key, fact.call.key) in self._register.calls:
            outcomes = self._answer(key, fact.call, fact.occasion)
            if came_back:
                self._register.schedule(None, self._register.open[key])
            return outcomes
        if fact.call.key in self._register.told(key) or fact.call in self._strangers.get(key, ()):
            return []
        self._strangers.setdefault(key, []).append(fact.call)
        return [ListWanted(fact.queue)]

    def _answer(self, key: MembershipKey, call: Call, occasion: Occasion) -> list[Outcome]:
        # What is told again of a call belongs to the session that was open when it was answered.
        session = self._register.of_call(key, call.key) or self._register.open.get(key)
        if session is None or (key, call.key) in self._unrecorded:
            return []
        then = history.answer(session, call, occasion)
        if call in then[0].calls:
            self._register.calls[key, call.key] = session.session_id
        return self._store(session, then)

    def _call_ended(self, fact: facts.CallEnded) -> list[Outcome]:
        key = membership_key(fact.queue, fact.interface)
        session = self._register.of_call(key, fact.key)
        if session is None:
            if key in self._strangers:
                self._strangers[key] = [call for call in self._strangers[key] if call.key != fact.key]
            return []
        del self._register.calls[key, fact.key]
        if fact.answered_at is not None:
            session = _amend(session, fact)
        call = next(each for each in session.calls if each.key == fact.key)
        then = history.end_call(session, fact.key, fact.occasion)
        ended = EndedCall(then[0], call, fact.occasion)
        self._unrecorded[key, fact.key] = self._unrecorded_changed[key, fact.key] = ended
        return self._store(session, then)

    def _call_closed(self, fact: facts.CallClosed) -> list[Outcome]:
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

    def _call_missed(self, fact: facts.CallMissed) -> list[Outcome]:
        session = self._register.open.get(membership_key(fact.queue, fact.interface))
        return [] if session is None else self._store(session, history.miss_call(session, fact.attempt, fact.occasion))

    def _contact_lost(self, fact: facts.ContactLost) -> list[Outcome]:
        outcomes: list[Outcome] = []
        gap = Gap(fact.begin, fact.end, fact.why)
        for session in list(self.sessions()):
            outcomes += self._store(session, (history.note_gap(session, gap), ()))
        return outcomes

    def _session_gap(self, fact: facts.SessionGap) -> list[Outcome]:
        session = self._register.open.get(membership_key(fact.queue, fact.interface))
        if session is None:
            return []
        return self._store(session, (history.note_gap(session, Gap(fact.begin, fact.end, fact.why)), ()))

    def _asterisk_restarted(self, fact: facts.AsteriskRestarted) -> list[Outcome]:
        """Nothing of the old Asterisk goes on; every member has some time to come back."""
        for key in self._register.open:
            last_contact, _ = self._returning.get(key, (fact.last_contact, 0))
            self._returning[key] = (last_contact, fact.deadline)
        return []

    def _wrap_up_configured(self, fact: facts.WrapUpConfigured) -> list[Outcome]:
        queue = fold(fact.queue)
        self._limits[queue] = fact.limit
        outcomes: list[Outcome] = []
        for key in self._register.of_queue(queue):
            session = self._register.open[key]
            outcomes += self._store(session, (session, ()), limit_of=session.member)
        return outcomes

    def _time_passed(self, now: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for session in self._register.pop_due(now, self._returning):
            told = self._store(session, history.advance(session, now))
            outcomes += told or [SessionRefreshed(session)]
        gone = [(key, last) for key, (last, deadline) in self._returning.items() if deadline <= now]
        for key, last_contact in gone:
            outcomes += self._end(key, Occasion(last_contact, Cause.RESYNC))
        return outcomes


def _amend(session: AgentSession, fact: facts.CallEnded) -> AgentSession:
    """Give a call that was found open the times that came to be known at its end."""
    calls = tuple(
        replace(call, answered_at=fact.answered_at, time_to_answer=fact.time_to_answer)
        if call.key == fact.key
        else call
        for call in session.calls
    )
    return replace(session, calls=calls)
