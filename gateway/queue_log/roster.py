"""Who is a member of which queue at one moment of the log, and who somebody it names may be. Sans-I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.domain.member import Member, MembershipKey, fold, membership_key
from gateway.domain.session import AgentSession

LOGIN_GRAIN = 1
"""Seconds that LoginTime and the line of the login may be apart."""


@dataclass(slots=True)
class Seat:
    """A member in its place.

    Attributes:
        member: As the log has it by now.
        since: Instant of the login; lines of before it are not of this member.
        in_doubt: Whether a pause was logged that may have been this member's.
        gone_since: Instant of the last sign of life before Asterisk was restarted, if the member did not show since.
        back_by: Instant until which it may come back into its session.
    """

    member: Member
    since: int
    in_doubt: bool = False
    gone_since: int | None = None
    back_by: int = 0


class Roster:
    """The members of all queues."""

    def __init__(self, sessions: Iterable[AgentSession]) -> None:
        """Those of *sessions*, which have not ended."""
        self._seats: dict[str, dict[str, Seat]] = {}
        for session in sessions:
            self.put(session.member, session.start_time)

    def __iter__(self) -> Iterator[Seat]:
        for seats in self._seats.values():
            yield from seats.values()

    def put(self, member: Member, since: int) -> None:
        """A member logged in at that instant."""
        key = member.key
        self._seats.setdefault(key.queue, {})[key.interface] = Seat(member, since)

    def remove(self, member: Member) -> None:
        """A member is gone."""
        key = member.key
        self._seats.get(key.queue, {}).pop(key.interface, None)

    def get(self, key: MembershipKey) -> Seat | None:
        """The seat of a membership."""
        return self._seats.get(key.queue, {}).get(key.interface)

    def named(self, queue: str, name: str) -> list[Seat]:
        """The members of a queue with that name: there may be several."""
        return [seat for seat in self._seats.get(fold(queue), {}).values() if seat.member.member_name == name]

    def called(self, queue: str, text: str) -> list[Seat]:
        """The members that a login or logout names: by interface, or by name where the log is set to that."""
        seat = self.get(membership_key(queue, text))
        return [seat] if seat is not None else self.named(queue, text)


class Directory:
    """Everybody who was ever seen at an interface: what the line of a login leaves out.

    Args:
        present: The members listed after the gap.
        earlier: Those of sessions from before it.
        logins: When those who are there logged in last, by the log: ``Survey.logins``.
    """

    def __init__(
        self, present: Iterable[Member], earlier: Iterable[Member], logins: Mapping[MembershipKey, int]
    ) -> None:
        self._present: dict[MembershipKey, Member] = {member.key: member for member in present}
        self._logins = logins
        self._at: dict[str, list[Member]] = {}
        self._named: dict[str, list[Member]] = {}
        for member in (*self._present.values(), *earlier):
            self._at.setdefault(fold(member.interface), []).append(member)
            self._named.setdefault(member.member_name, []).append(member)

    def present(self, key: MembershipKey) -> Member | None:
        """The member listed after the gap."""
        return self._present.get(key)

    def who(self, queue: str, text: str, time: int) -> Member | None:
        """The member that logged in at *time* (seconds); None if nothing tells its name, or not with certainty.

        The one who is there now, if that is the login; else who sat at that interface, if it was always the same.
        """
        found = self._one(queue, self._at.get(fold(text), [])) or self._one(queue, self._named.get(text, []))
        if found is None:
            return None
        now = self._present.get(membership_key(queue, found.interface))
        if now is not None and self._is_login_of(now, text, time):
            return now
        return replace(found, queue=queue, membership="dynamic", login_time=None, login_stamp=None, wrap_up_time=None)

    def _is_login_of(self, member: Member, text: str, time: int) -> bool:
        last = self._logins.get(membership_key(member.queue, text))
        if member.login_stamp is not None:
            return abs(member.login_stamp - time) <= LOGIN_GRAIN and last in (None, time)
        return last == time

    @staticmethod
    def _one(queue: str, members: Iterable[Member]) -> Member | None:
        """The one member among these, those of the queue first, that all agree on."""
        members = list(members)
        here = [member for member in members if fold(member.queue) == fold(queue)] or members
        same = {(member.member_name, fold(member.interface)) for member in here}
        return here[0] if len(same) == 1 else None
