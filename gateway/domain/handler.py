"""AgentHandler: all sessions of one Asterisk (TAPI's ITAgentHandler), and which fact concerns which of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Final, Literal

from gateway.domain import facts, history
from gateway.domain.call import Call, CallKey
from gateway.domain.facts import ListWanted, Outcome, SessionFact, SessionRefreshed
from gateway.domain.instant import SECOND
from gateway.domain.member import Member, MembershipKey, fold, membership_key
from gateway.domain.session import AgentSession, Cause, Gap, Occasion, Rules, wrap_up_limit

AgentIdentity = Literal["member_name", "interface", "state_interface"]

FOUND_WHY: Final = "logged in before the gateway could see it"

CARRIED_OVER: Final = 16
"""Keys of calls and misses that a session takes over from the one before it: enough for what is told again around a
new login."""


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
        self._sessions: dict[MembershipKey, AgentSession] = {}
        self._ended: dict[str, AgentSession] = {}
        self._last_ended: dict[tuple[MembershipKey, str], str] = {}
        self._told: dict[MembershipKey, tuple[tuple[str, ...], ...]] = {}
        self._calls: dict[tuple[MembershipKey, CallKey], str] = {}
        self._unrecorded: dict[tuple[MembershipKey, CallKey], EndedCall] = {}
        self._queues: dict[str, str] = {}
        self._by_queue: dict[str, set[MembershipKey]] = {}
        self._limits: dict[str, int | None] = {}
        self._realtime: set[MembershipKey] = set()
        self._missing: dict[MembershipKey, int] = {}
        self._changed: dict[str, AgentSession | None] = {}
        self._strangers: dict[MembershipKey, list[Call]] = {}
        self._returning: dict[MembershipKey, tuple[int, int]] = {}
        self._due: list[tuple[int, MembershipKey]] = []

    # What is known -------------------------------------------------------------------------------------------------

    def sessions(self) -> Iterable[AgentSession]:
        """The sessions that have not ended."""
        return self._sessions.values()

    def ended(self) -> Iterable[AgentSession]:
        """The sessions that have ended and were not forgotten yet."""
        return self._ended.values()

    def session(self, queue: str, interface: str) -> AgentSession | None:
        """The session of a membership, in whatever case its names are written; None if there is none."""
        return self._sessions.get(membership_key(queue, interface))

    def find(self, group: str, agent: str, address: str) -> AgentSession | None:
        """The session of that triple, or the last one that ended; group and address in any case."""
        key = membership_key(group, address)
        session = self._sessions.get(key)
        if session is not None and session.agent == agent:
            return session
        return self._ended.get(self._last_ended.get((key, agent), ""))

    def sessions_of(self, agent: str) -> list[AgentSession]:
        """The sessions of *agent* that have not ended."""
        return [session for session in self._sessions.values() if session.agent == agent]

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
        for session in (*self._sessions.values(), *self._ended.values()):
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
        while self._due and not self._is_due(*self._due[0]):
            heappop(self._due)
        returning = min((deadline for _, deadline in self._returning.values()), default=None)
        if not self._due:
            return returning
        return self._due[0][0] if returning is None else min(self._due[0][0], returning)

    def _is_due(self, instant: int, key: MembershipKey) -> bool:
        """Whether an entry of the heap still holds; what it was made for may have gone another way since."""
        session = self._sessions.get(key)
        if session is None or key in self._returning:
            return False
        return instant in (session.deadline, session.unavailable_until)

    # Kept over a restart -------------------------------------------------------------------------------------------

    def take_changed(self) -> dict[str, AgentSession | None]:
        """The sessions that were changed since the last call, by id; None for one that is not wanted any more."""
        changed, self._changed = self._changed, {}
        return changed

    def unrecorded(self) -> list[EndedCall]:
        """The ended calls whose records wait until who ended them is known."""
        return list(self._unrecorded.values())

    def restore(self, sessions: Iterable[AgentSession], unrecorded: Iterable[EndedCall]) -> None:
        """Go on from what was kept, before the first fact."""
        for session in sorted(sessions, key=lambda each: each.start_time):
            key = session.member.key
            for call in session.calls:
                self._calls[key, call.key] = session.session_id
            if session.end_time is not None:
                self._ended[session.session_id] = session
                self._last_ended[key, session.agent] = session.session_id
                self._told[key] = (*session.told[-CARRIED_OVER:], *(call.key for call in session.calls))
                continue
            self._sessions[key] = session
            self._by_queue.setdefault(key.queue, set()).add(key)
            self._queues.setdefault(key.queue, session.group)
            if session.member.membership == "realtime":
                self._realtime.add(key)
            self._schedule(None, session)
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
        session = self._ended.get(session_id)
        if session is not None:
            name = (session.member.key, session.agent)
            if self._last_ended.get(name) == session_id:
                del self._last_ended[name]
            self._drop_if_over(session)

    def _drop_if_over(self, session: AgentSession) -> None:
        """Let go of an ended session that nobody can ask for and that has no call left to count."""
        wanted = self._last_ended.get((session.member.key, session.agent)) == session.session_id
        if not wanted and not session.calls:
            del self._ended[session.session_id]
            self._changed[session.session_id] = None

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
        session = self._sessions.get(key)
        outcomes: list[Outcome] = []
        start_time = occasion.at if added else None
        returning = self._returning.pop(key, None)
        if session is not None and session.agent != self.agent_of(member):
            gone = occasion if returning is None else Occasion(returning[0], Cause.RESYNC)
            outcomes += self._end(key, gone)
            session = None
        if session is None:
            return outcomes + self._begin(member, occasion, start_time=start_time, calls=calls)
        if returning is None and _is_another_login(session, member, occasion.at, added=added):
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
            self._schedule(None, self._sessions[key])
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
            told=self._told.pop(key, ()),
        )
        self._sessions[key] = session
        self._changed[session.session_id] = session
        self._schedule(None, session)
        self._by_queue.setdefault(key.queue, set()).add(key)
        for call in calls:
            self._calls[key, call.key] = session.session_id
        self.forget(self._last_ended.get((key, session.agent), ""))
        return list(events)

    def _store(self, before: AgentSession, then: history.Next, *, limit_of: Member | None = None) -> list[Outcome]:
        session, events = then
        if limit_of is not None:
            limit = wrap_up_limit(limit_of, self._limits.get(fold(session.group)))
            session = history.limit_wrap_up(session, limit)
        key = session.member.key
        self._changed[session.session_id] = session
        if session.end_time is not None:
            self._ended[session.session_id] = session
            if before.end_time is None:
                self._forget_membership(key)
                open_calls = tuple(call.key for call in session.calls)
                self._told[key] = (*session.told[-CARRIED_OVER:], *open_calls)
                self._last_ended[key, session.agent] = session.session_id
            self._drop_if_over(session)
        else:
            self._sessions[key] = session
            self._schedule(before, session)
        if events or session == before:
            return list(events)
        return [SessionRefreshed(session)]

    def _schedule(self, before: AgentSession | None, session: AgentSession) -> None:
        """Note when the session changes by itself: at the end of a wrap-up, or of what its last call brings."""
        deadline, until = session.deadline, session.unavailable_until
        if deadline is not None and (before is None or deadline != before.deadline):
            heappush(self._due, (deadline, session.member.key))
        if until is not None and until > session.changed_at and (before is None or until != before.unavailable_until):
            heappush(self._due, (until, session.member.key))

    def _forget_membership(self, key: MembershipKey) -> None:
        del self._sessions[key]
        self._by_queue.get(key.queue, set()).discard(key)
        self._missing.pop(key, None)
        self._returning.pop(key, None)

    def _member_removed(self, fact: facts.MemberRemoved) -> list[Outcome]:
        key = membership_key(fact.queue, fact.interface)
        session = self._sessions.get(key)
        if session is not None and fact.login_stamp is not None and fact.occasion.at < session.first_seen:
            stamp = session.member.login_stamp
            if stamp is not None and stamp != fact.login_stamp:
                return []  # the end of the login before, overtaken by the list that showed the present one
        return self._end(key, fact.occasion)

    def _end(self, key: MembershipKey, occasion: Occasion) -> list[Outcome]:
        session = self._sessions.get(key)
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
        lacking = [key for key in self._by_queue.get(fold(fact.queue), ()) if key not in listed]
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
        if key in self._sessions or (key, fact.call.key) in self._calls:
            outcomes = self._answer(key, fact.call, fact.occasion)
            if came_back:
                self._schedule(None, self._sessions[key])
            return outcomes
        if fact.call.key in self._told.get(key, ()) or fact.call in self._strangers.get(key, ()):
            return []
        self._strangers.setdefault(key, []).append(fact.call)
        return [ListWanted(fact.queue)]

    def _answer(self, key: MembershipKey, call: Call, occasion: Occasion) -> list[Outcome]:
        # What is told again of a call belongs to the session that was open when it was answered.
        session = self._ended.get(self._calls.get((key, call.key), "")) or self._sessions.get(key)
        if session is None or (key, call.key) in self._unrecorded:
            return []
        then = history.answer(session, call, occasion)
        if call in then[0].calls:
            self._calls[key, call.key] = session.session_id
        return self._store(session, then)

    def _call_ended(self, fact: facts.CallEnded) -> list[Outcome]:
        key = membership_key(fact.queue, fact.interface)
        session_id = self._calls.pop((key, fact.key), None)
        if session_id is None:
            if key in self._strangers:
                self._strangers[key] = [call for call in self._strangers[key] if call.key != fact.key]
            return []
        session = self._ended.get(session_id) or self._sessions[key]
        if fact.answered_at is not None:
            session = _amend(session, fact)
        call = next(each for each in session.calls if each.key == fact.key)
        then = history.end_call(session, fact.key, fact.occasion)
        self._unrecorded[key, fact.key] = EndedCall(then[0], call, fact.occasion)
        return self._store(session, then)

    def _call_closed(self, fact: facts.CallClosed) -> list[Outcome]:
        ended = self._unrecorded.pop((membership_key(fact.queue, fact.interface), fact.key), None)
        if ended is None:
            return []
        began, end = ended.call.answered_at, ended.occasion.at
        talk_time = None if began is None else max(0, end - began)
        return [
            facts.CallRecord(
                ended.session, ended.call, end, talk_time, fact.ended_by, fact.transferred_to, ended.occasion
            )
        ]

    def _call_missed(self, fact: facts.CallMissed) -> list[Outcome]:
        session = self._sessions.get(membership_key(fact.queue, fact.interface))
        return [] if session is None else self._store(session, history.miss_call(session, fact.attempt, fact.occasion))

    def _contact_lost(self, fact: facts.ContactLost) -> list[Outcome]:
        outcomes: list[Outcome] = []
        gap = Gap(fact.begin, fact.end, fact.why)
        for session in list(self._sessions.values()):
            outcomes += self._store(session, (history.note_gap(session, gap), ()))
        return outcomes

    def _session_gap(self, fact: facts.SessionGap) -> list[Outcome]:
        session = self._sessions.get(membership_key(fact.queue, fact.interface))
        if session is None:
            return []
        return self._store(session, (history.note_gap(session, Gap(fact.begin, fact.end, fact.why)), ()))

    def _asterisk_restarted(self, fact: facts.AsteriskRestarted) -> list[Outcome]:
        """Nothing of the old Asterisk goes on; every member has some time to come back."""
        for key in self._sessions:
            last_contact, _ = self._returning.get(key, (fact.last_contact, 0))
            self._returning[key] = (last_contact, fact.deadline)
        return []

    def _wrap_up_configured(self, fact: facts.WrapUpConfigured) -> list[Outcome]:
        queue = fold(fact.queue)
        self._limits[queue] = fact.limit
        outcomes: list[Outcome] = []
        for key in self._by_queue.get(queue, ()):
            session = self._sessions[key]
            outcomes += self._store(session, (session, ()), limit_of=session.member)
        return outcomes

    def _time_passed(self, now: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        while self._due and self._due[0][0] <= now:
            instant, key = heappop(self._due)
            if not self._is_due(instant, key):
                continue
            session = self._sessions[key]
            told = self._store(session, history.advance(session, now))
            outcomes += told or [SessionRefreshed(session)]
        gone = [(key, last) for key, (last, deadline) in self._returning.items() if deadline <= now]
        for key, last_contact in gone:
            outcomes += self._end(key, Occasion(last_contact, Cause.RESYNC))
        return outcomes


def _is_another_login(session: AgentSession, told: Member, at: int, *, added: bool) -> bool:
    """Whether a member is another login than the session's: only that moves the LoginTime of a dynamic one.

    Where none is told (before 16.23) the event of a login tells it, unless it is the one whose session a list showed
    just before. A reload moves the LoginTime of static members and ends none; but what was static and is dynamic, or
    the other way, has been added anew.
    """
    known = session.member
    dynamic = told.membership == "dynamic"
    if (known.membership == "dynamic") != dynamic:
        return True
    if not dynamic:
        return False
    if known.login_stamp is None or told.login_stamp is None:
        return added and at > session.first_seen + SECOND
    return told.login_stamp != known.login_stamp


def _amend(session: AgentSession, fact: facts.CallEnded) -> AgentSession:
    """Give a call that was found open the times that came to be known at its end."""
    calls = tuple(
        replace(call, answered_at=fact.answered_at, time_to_answer=fact.time_to_answer)
        if call.key == fact.key
        else call
        for call in session.calls
    )
    return replace(session, calls=calls)
