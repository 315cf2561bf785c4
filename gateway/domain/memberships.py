"""Memberships of queues: who comes, who is shown, who is gone."""

from dataclasses import replace

from gateway.domain import facts, history
from gateway.domain.acd_calls import AcdCalls
from gateway.domain.call import Call
from gateway.domain.facts import ListWanted, Outcome
from gateway.domain.logins import is_another_login
from gateway.domain.member import Member, MembershipKey, fold, membership_key
from gateway.domain.session import Cause, Occasion
from gateway.domain.sessions import Sessions


class Memberships:
    """Takes the facts about members.

    Args:
        sessions: The sessions.
        calls: The calls: a member may be found in the middle of some.
    """

    def __init__(self, sessions: Sessions, calls: AcdCalls) -> None:
        self._sessions = sessions
        self._calls = calls
        self._realtime: set[MembershipKey] = set()

    def restore(self) -> None:
        """Go on with the sessions that were kept."""
        for key, session in self._sessions.register.open.items():
            if session.member.membership == "realtime":
                self._realtime.add(key)

    def told(
        self,
        member: Member,
        occasion: Occasion,
        *,
        pause_told: bool = False,
        added: bool = False,
        calls: tuple[Call, ...] = (),
    ) -> list[Outcome]:
        """A member is there, as an event or a list shows it; *added*: by the very event of its login."""
        sessions = self._sessions
        key = member.key
        if added:
            self._calls.forget_strangers(key)
        member = self._keep_realtime(key, member)
        sessions.missing.pop(key, None)
        session = sessions.register.open.get(key)
        outcomes: list[Outcome] = []
        start_time = occasion.at if added else None
        returning = sessions.returning.pop(key, None)
        if session is not None and session.agent != sessions.agent_of(member):
            gone = occasion if returning is None else Occasion(returning[0], Cause.RESYNC)
            outcomes += sessions.end(key, gone)
            session = None
        if session is None:
            return outcomes + sessions.begin(member, occasion, start_time=start_time, calls=calls)
        if returning is None and is_another_login(session, member, occasion.at, added=added):
            if occasion.at < session.first_seen:
                return outcomes  # an old event, overtaken by the list that showed the present login
            # The event of the logout was missed: it was before the new login.
            login = start_time or member.login_time or occasion.at
            outcomes += sessions.end(key, replace(occasion, at=min(login, occasion.at)))
            return outcomes + sessions.begin(member, occasion, start_time=login, calls=calls)
        outcomes += sessions.store(
            session, history.observe(session, member, occasion, pause_told=pause_told), limit_of=member
        )
        if returning is not None:
            sessions.register.schedule(None, sessions.register.open[key])
        for call in calls:
            outcomes += self._calls.answer(key, call, occasion)
        return outcomes

    def _keep_realtime(self, key: MembershipKey, member: Member) -> Member:
        """Lists say ``static`` of a realtime member; once an event called it realtime, it stays so."""
        if member.membership == "realtime":
            self._realtime.add(key)
        elif key in self._realtime and member.membership == "static":
            return replace(member, membership="realtime")
        return member

    def removed(self, fact: facts.MemberRemoved) -> list[Outcome]:
        """A member has logged out."""
        sessions = self._sessions
        key = membership_key(fact.queue, fact.interface)
        session = sessions.register.open.get(key)
        if session is not None and fact.login_stamp is not None and fact.occasion.at < session.first_seen:
            stamp = session.member.login_stamp
            if stamp is not None and stamp != fact.login_stamp:
                return []  # the end of the login before, overtaken by the list that showed the present one
        return sessions.end(key, fact.occasion)

    def listed(self, fact: facts.MembersListed) -> list[Outcome]:
        """A list is the truth of its moment. One that lacks a member must be confirmed by a second."""
        sessions = self._sessions
        outcomes: list[Outcome] = []
        listed = {member.key for member in fact.members}
        calls: dict[MembershipKey, tuple[Call, ...]] = {}
        for interface, call in fact.calls:
            key = membership_key(fact.queue, interface)
            calls[key] = (*calls.get(key, ()), call)
        for member in fact.members:
            calls_of = (*self._calls.strangers(member.key), *calls.get(member.key, ()))
            outcomes += self.told(member, fact.occasion, calls=calls_of)
        self._calls.forget_strangers_in(fold(fact.queue))
        lacking = [key for key in sessions.register.of_queue(fold(fact.queue)) if key not in listed]
        asked = False
        for key in lacking:
            if key in sessions.returning:
                continue
            since = sessions.missing.get(key)
            if since is None:
                sessions.missing[key] = fact.occasion.at
                asked = True
            else:
                outcomes += sessions.end(key, replace(fact.occasion, at=since))
        if asked:
            outcomes.append(ListWanted(fact.queue))
        return outcomes
