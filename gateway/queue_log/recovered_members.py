"""The members of a gap: logins, logouts, pauses, and a restart of Asterisk. Sans-I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from gateway.domain.facts import AsteriskRestarted, ContactLost, MemberAdded, MemberRemoved, MemberTold, SessionGap
from gateway.domain.instant import SECOND
from gateway.domain.member import Member, MembershipKey, fold, membership_key
from gateway.domain.session import Cause, Occasion
from gateway.queue_log.known import FromWall, reason_of
from gateway.queue_log.parse import Entry
from gateway.queue_log.recovered_calls import SAME_NAME, RecoveredCalls, Tell, Unplaced
from gateway.queue_log.roster import Directory, Roster, Seat

RETURN_TIME: Final = 60 * SECOND
"""How long after a restart of Asterisk a member may come back into its session."""

AUTO_UNPAUSE: Final = "Auto-Unpause"
"""Reason of an UNPAUSE that only announces a pause with another reason (``log_unpause_on_reason_change``)."""

NOT_RUNNING: Final = "Asterisk was not running"
NAMELESS: Final = "queue_log does not tell the name of who logged in"


class RecoveredMembers:
    """Follows the members through the lines of the log.

    Args:
        roster: Who was a member when contact was lost.
        directory: Who else may be meant.
        present: The members listed after the gap.
        gone: Those who logged out shortly before contact was lost.
        calls: The calls.
        from_wall: Makes instants.
        begin: Instant of the begin of the gap.
        end: Of its end.
        first: Whether nothing was ever seen before the gap: then only of those who are there after it is told, since
            the login that brought them.
        left: Then, queue and name or interface of those who were there at the begin and left: ``Survey.left``.
        tell: Takes the facts.

    Attributes:
        restarted: Whether Asterisk was started.
        untold: At a first start, the memberships of logins that were over before anybody looked. What the log says of
            them is told to nobody; but two of one name are two, and of one alone it is certain who is meant.
    """

    def __init__(
        self,
        roster: Roster,
        directory: Directory,
        present: Iterable[Member],
        gone: Iterable[Member],
        calls: RecoveredCalls,
        *,
        from_wall: FromWall,
        tell: Tell,
        begin: int,
        end: int,
        first: bool = False,
        left: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.restarted = False
        self.untold: set[MembershipKey] = set()
        self._first = first
        self._from_wall = from_wall
        self._roster = roster
        self._directory = directory
        self._calls = calls
        self._tell = tell
        self._begin = begin
        self._end = end
        strangers = [each for each in present if each.login_time is not None and roster.get(each.key) is None]
        self._arrivals = sorted(strangers, key=_login_time, reverse=True)
        self._nameless: dict[MembershipKey, tuple[int, Entry]] = {}
        self._gone = {(fold(each.queue), each.member_name) for each in gone}

        for queue, text in left:
            member = directory.who(queue, text, 0)
            if member is not None:
                self._put_untold(member, begin)

    def _put_untold(self, member: Member, since: int) -> None:
        """Seat somebody; at a first start, one of whom nobody is told."""
        self._roster.put(member, since)
        if self._first:
            self.untold.add(member.key)

    # Who is meant --------------------------------------------------------------------------------------------------

    def named(self, entry: Entry, now: int) -> Sequence[Seat]:
        """The members of the entry's queue that its agent may be; those who logged in later are not."""
        at = self._from_wall(entry.time * SECOND)
        seats = self._roster.named(entry.queue, entry.agent)
        if seats:
            return self._back([seat for seat in seats if seat.since < at + SECOND])
        nameless = self._nameless.pop(membership_key(entry.queue, entry.agent), None)
        if nameless is not None:
            # Named as its interface: it has no other name.
            since, login = nameless
            member = Member(login.queue, login.agent, login.agent, login.agent, paused=_is_paused(login))
            self._put_untold(member, since)
            self._tell(now, MemberAdded(member, _occasion(since)))
        else:
            arrival = [
                each
                for each in self._arrivals
                if fold(each.queue) == fold(entry.queue) and each.member_name == entry.agent
            ]
            if len(arrival) == 1 and _login_time(arrival[0]) <= at:
                self._arrivals.remove(arrival[0])
                self._arrive(arrival[0], now)
        return self._roster.named(entry.queue, entry.agent)

    def was_removed(self, entry: Entry) -> bool:
        """Whether it is known that the agent of an entry, whom ``named`` does not find, was none any more then."""
        return (fold(entry.queue), entry.agent) in self._gone or bool(self._roster.named(entry.queue, entry.agent))

    def arrive(self, until: int, *, most: int | None = None) -> None:
        """Members that came without a line (static ones, by a reload) are there from their LoginTime on.

        *most*: how many at once, where the others may wait.
        """
        least = 0 if most is None else len(self._arrivals) - most
        while self._arrivals and len(self._arrivals) > least and _login_time(self._arrivals[-1]) <= until:
            member = self._arrivals.pop()
            if self._roster.get(member.key) is None or member.key in self.untold:
                self._arrive(member, until)

    def _arrive(self, member: Member, now: int) -> None:
        login_time = _login_time(member)
        seen_at = max(login_time, self._begin)
        if not _is_paused_since(member, seen_at):
            member = replace(member, paused=False, paused_reason=None)
        self._roster.put(member, login_time)
        self.untold.discard(member.key)
        self._tell(now, MemberTold(member, _occasion(seen_at)))

    def _back(self, seats: list[Seat]) -> list[Seat]:
        """After a restart: of several with one name, those who showed themselves; one alone is back."""
        here = [seat for seat in seats if seat.gone_since is None] or seats
        if len(here) != 1:
            return seats
        here[0].gone_since = None
        return here

    # What the log says ---------------------------------------------------------------------------------------------

    def pause(self, entry: Entry, now: int) -> None:
        """PAUSE or UNPAUSE."""
        if entry.event == "UNPAUSE" and entry.text(0) == AUTO_UNPAUSE:
            return
        seats = self.named(entry, now)
        if len(seats) > 1:
            for seat in seats:
                seat.in_doubt = True
                self._tell(now, _gap(seat.member, now, self._end))
            return
        for seat in seats:
            paused = entry.event == "PAUSE"
            reason = reason_of(entry) if paused else None
            changed = replace(seat.member, paused=paused, paused_reason=reason, reason_told=True, last_pause=now)
            seat.member = changed
            self._tell(now, MemberTold(changed, _occasion(now), pause_told=True))

    def penalty(self, entry: Entry, now: int) -> None:
        """PENALTY, which names the interface."""
        seat, penalty = self._roster.get(membership_key(entry.queue, entry.agent)), entry.number(0)
        if seat is not None and penalty is not None:
            seat.member = replace(seat.member, penalty=penalty)
            self._tell(now, MemberTold(seat.member, _occasion(now)))

    def add(self, entry: Entry, now: int) -> None:
        """ADDMEMBER."""
        member = self._directory.who(entry.queue, entry.agent, entry.time)
        is_there = member is not None and member is self._directory.present(member.key)
        if member is None:
            self._nameless[membership_key(entry.queue, entry.agent)] = now, entry
            return
        # The line of a login by the dialplan did not always say that it was paused.
        paused = is_there and member.last_pause is not None and _is_paused_since(member, now)
        member = replace(
            member,
            paused=paused or _is_paused(entry),
            paused_reason=member.paused_reason if paused else None,
            reason_told=True,
            in_call=None,
            last_call=None,
            last_pause=None,
        )
        seat = self._roster.get(member.key)
        if seat is not None and seat.gone_since is not None and now > seat.back_by:
            self._calls.leave(seat.member, now)
            self._tell(now, MemberRemoved(member.queue, member.interface, _occasion(seat.gone_since)))
        if is_there:
            self._roster.put(member, now)
            self.untold.discard(member.key)
        else:
            self._put_untold(member, now)
        self._gone.discard((fold(member.queue), member.member_name))
        self._tell(now, MemberAdded(member, _occasion(now)))

    def remove(self, entry: Entry, now: int) -> None:
        """REMOVEMEMBER."""
        seats = self._roster.called(entry.queue, entry.agent)
        if len(seats) > 1:
            self._tell(now, *(_gap(seat.member, now, self._end) for seat in seats))
        elif seats:
            member = seats[0].member
            self._calls.leave(member, now)
            self._roster.remove(member)
            if not self._roster.named(member.queue, member.member_name):
                self._gone.add((fold(member.queue), member.member_name))
            self._tell(now, MemberRemoved(member.queue, member.interface, _occasion(now)))
            self.untold.discard(member.key)
        else:
            self._lose(self._nameless.pop(membership_key(entry.queue, entry.agent), None), now)

    def start(self, last_sign: int, now: int) -> None:
        """QUEUESTART: of the Asterisk before it nothing goes on; the last sign of it was at *last_sign*.

        Who comes back without a line is seen in the list after the gap. Of members whom nobody saw before, those who
        are there came with it: it moves every LoginTime.
        """
        self._calls.interrupt(last_sign, now)
        if self._first:
            self._nameless.clear()
            for seat in [seat for seat in self._roster if seat.member.key in self.untold]:
                self._roster.remove(seat.member)
            return
        self.restarted = True
        self._forget_nameless(last_sign)
        for seat in self._roster:
            if seat.gone_since is None:
                seat.gone_since = last_sign
            seat.back_by = now + RETURN_TIME
        self._tell(now, ContactLost(last_sign, now, NOT_RUNNING), AsteriskRestarted(last_sign, self._end + RETURN_TIME))

    def forget_unconfirmed(self) -> None:
        """Lines are missing: who was a member before is only known to be one still if the list says so."""
        for seat in list(self._roster):
            now = self._directory.present(seat.member.key)
            if now is None or not _is_same_login(now, seat.member):
                self._roster.remove(seat.member)

    def finish(self) -> None:
        """The gap is over: who logged in, and is not listed, and has no name, cannot be told of."""
        self.arrive(self._end)
        self._forget_nameless(self._end)

    def _forget_nameless(self, at: int) -> None:
        for each in self._nameless.values():
            self._lose(each, at)
        self._nameless.clear()

    def _lose(self, nameless: tuple[int, Entry] | None, at: int) -> None:
        if nameless is not None:
            began, login = nameless
            self._calls.unplaced.append(Unplaced(login.queue, login.agent, began, at, NAMELESS))


def _login_time(member: Member) -> int:
    return member.login_time or 0


def _is_same_login(one: Member, other: Member) -> bool:
    """A reload moves the LoginTime of static members and ends nothing."""
    same = one.login_stamp == other.login_stamp or one.membership != "dynamic"
    return same and one.member_name == other.member_name and one.membership == other.membership


def _is_paused_since(member: Member, at: int) -> bool:
    """Whether a member that is paused now was paused at an instant already, for all that is known."""
    return member.paused and (member.last_pause is None or member.last_pause <= at + SECOND)


def _is_paused(entry: Entry) -> bool:
    return entry.text(0) == "PAUSED"


def _occasion(at: int) -> Occasion:
    return Occasion(at, Cause.RECOVERED)


def _gap(member: Member, begin: int, end: int) -> SessionGap:
    return SessionGap(member.queue, member.interface, begin, end, SAME_NAME)
