"""The calls of a gap: answered, ended, missed; whose they are, and of which that cannot be told. Sans-I/O."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from gateway.domain.call import Call, CallKey, EndedBy
from gateway.domain.facts import CallAnswered, CallClosed, CallEnded, CallMissed, Fact, SessionGap
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import Member, fold
from gateway.domain.session import Cause, Occasion
from gateway.queue_log.known import Before
from gateway.queue_log.parse import Entry
from gateway.queue_log.roster import Seat
from gateway.queue_log.waiting import WaitingCallers

ENDED_BY: Final = {
    "COMPLETEAGENT": EndedBy.AGENT,
    "COMPLETECALLER": EndedBy.CALLER,
    "BLINDTRANSFER": EndedBy.TRANSFER,
    "ATTENDEDTRANSFER": EndedBy.TRANSFER,
}

TOLERANCE: Final = 2 * SECOND
"""How far a call's answer may be from where its end puts it: both are cut to whole seconds."""

SAME_NAME: Final = "queue_log names two members of the queue alike"
NO_MEMBER: Final = "queue_log names nobody who is known to be a member"
ENDED_UNSEEN: Final = "Asterisk ended in a call, and nobody saw when"

Tell = Callable[..., None]
"""Takes the instant and the facts of it."""

_Line = tuple[str, str, str]
"""What names a call in the log: callid, queue in lower case, agent."""


class Unplaced(NamedTuple):
    """Something that happened, from *begin* to *end* (instants), and that no session could be given.

    Attributes:
        queue: As the log has it.
        agent: Likewise: a member's name, or an interface.
        begin: When it began.
        end: When it ended, or could still have gone on.
        why: A clause.
    """

    queue: str
    agent: str
    begin: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class Legs:
    """The channels that there are after the gap, by Uniqueid.

    Attributes:
        names: The name of each.
        bridged: Those that are in a bridge.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    bridged: Container[str] = ()

    def is_of(self, interface: str, uniqueid: str) -> bool:
        """Whether a channel is of that interface. Options of a Local channel are not in its name."""
        parts = interface.split("/")
        device = "/".join(parts[:2] if parts[0].lower() == "local" else parts)
        return fold(self.names.get(uniqueid, "").rpartition("-")[0]) == fold(device)

    def is_talking(self, uniqueid: str) -> bool:
        """Whether a channel still talks."""
        return uniqueid in self.bridged


@dataclass(slots=True)
class OpenCall:
    """A call that goes on, as far as the log was read."""

    queue: str
    interface: str
    name: str
    call: Call


class RecoveredCalls:
    """Follows the calls through the lines of the log.

    Args:
        handler: The model when contact was lost.
        end: Instant of the end of the gap.
        before: What the sessions knew then.
        callers: Who waits.
        legs: The channels after the gap.
        tell: Takes the facts.
        time_to_answer: ``queue``: the caller's waiting; ``ring``: the agent's ringing.

    Attributes:
        ended: Keys of calls that the log ended, with queue and interface.
        unplaced: What no session could be given.
        unmatched: Ends that belong to no known call.
    """

    def __init__(
        self,
        handler: AgentHandler,
        before: Before,
        callers: WaitingCallers,
        legs: Legs,
        *,
        end: int,
        tell: Tell,
        time_to_answer: Literal["queue", "ring"],
    ) -> None:
        self.ended: list[tuple[str, str, CallKey]] = []
        self.unplaced: list[Unplaced] = []
        self.unmatched = 0
        self._end = end
        self._before = before
        self._callers = callers
        self._legs = legs
        self._tell = tell
        self._time_to_answer = time_to_answer
        self._open: dict[str, list[OpenCall]] = {}
        self._to_begin: set[CallKey] = set()
        self._ambiguous: dict[_Line, tuple[int, list[Member]]] = {}
        self._strange: dict[_Line, tuple[int, Entry]] = {}
        self._misses: dict[tuple[int, _Line], int] = {}
        for session, call in handler.open_calls():
            self._add(OpenCall(session.group, session.address, session.member.member_name, call))

    @property
    def open(self) -> list[OpenCall]:
        """The calls that go on."""
        return [each for calls in self._open.values() for each in calls]

    # What the log says ---------------------------------------------------------------------------------------------

    def will_begin(self, entries: Iterable[Entry]) -> None:
        """Lines that follow: an end that stands before a call's CONNECT is another call's of the same caller."""
        self._to_begin.update(_key(entry) for entry in entries if entry.event == "CONNECT")

    def began(self, entry: Entry) -> None:
        """A CONNECT was read, whether it was told already or not."""
        self._to_begin.discard(_key(entry))

    def connect(self, entry: Entry, now: int, seats: Sequence[Seat], *, is_nobodys: bool) -> None:
        """CONNECT, of one of these members.

        *is_nobodys*: a call that belongs to no session though all is known, as its member was removed while it rang.
        """
        key = _key(entry)
        known = next((each for each in self._open.get(entry.callid, ()) if each.call.key == key), None)
        if known is not None:
            if known.call.answered_at is None:
                known.call = replace(self._call(entry, key, now), linkedid=known.call.linkedid)
                self._tell(now, CallAnswered(known.queue, known.interface, known.call, _occasion(now)))
            return
        if len(seats) > 1:
            seats = self._of_one_name(entry, key, now, seats)
        if len(seats) == 1:
            member = seats[0].member
            call = self._call(entry, key, now)
            self._add(OpenCall(member.queue, member.interface, member.member_name, call))
            self._tell(now, CallAnswered(member.queue, member.interface, call, _occasion(now)))
        elif seats:
            self._ambiguous[_line(entry)] = now, [seat.member for seat in seats]
        elif not is_nobodys:
            self._strange[_line(entry)] = now, entry

    def complete(self, entry: Entry, at: int, now: int, *, earliest: int) -> int:
        """The end of a call, told by a line of the second that began at *at*. Returns when it was, as far as known.

        That is not before *earliest*, but where its talk says so before *now*, which is what other lines of the second
        tell: the talk of one call must not grow by what is known of another's.
        """
        talk = _talk(entry)
        found = self._match(entry, now, talk)
        if found is None:
            self._complete_other(entry, now)
            return now
        call = found.call
        if entry.event.startswith("COMPLETE") and self._legs.is_talking(call.key.dest_uniqueid):
            return now  # completed too early: its agent was reached by an attended transfer and goes on talking
        end = now
        if call.answered_at is not None and talk is not None:
            end = max(earliest, min(call.answered_at + talk, at + SECOND - 1, self._end))
        answered_at = time_to_answer = None
        if call.answered_at is None and talk is not None:
            answered_at = now - talk
            time_to_answer = _hold(entry) if self._time_to_answer == "queue" else None
        self._open[call.key.uniqueid].remove(found)
        self.ended.append((found.queue, found.interface, call.key))
        occasion = _occasion(end)
        self._tell(
            end,
            CallEnded(found.queue, found.interface, call.key, occasion, answered_at, time_to_answer),
            CallClosed(found.queue, found.interface, call.key, ENDED_BY[entry.event], _transferred_to(entry)),
        )
        return end

    def ring_no_answer(self, entry: Entry, at: int, now: int, seats: Sequence[Seat]) -> None:
        """RINGNOANSWER; *at* is the time of the line, which tells the attempt from others."""
        attempt = (at, _line(entry))
        if next(iter(self._misses), attempt)[0] != at:
            self._misses.clear()
        count = self._misses[attempt] = self._misses.get(attempt, 0) + 1
        if len(seats) == 1:
            member, told = seats[0].member, ("missed", entry.callid, "", str(at), str(count))
            self._tell(now, CallMissed(member.queue, member.interface, told, _occasion(now)))
        else:
            rung = (entry.number(0) or 0) * (SECOND // 1000)
            for seat in seats:
                self._tell(now, _gap(seat.member, now - rung, now, SAME_NAME))

    def leave(self, member: Member, now: int) -> None:
        """A member is removed: what may be missing of its session is told while it is there."""
        for began, members in self._ambiguous.values():
            if any(each.key == member.key for each in members):
                self._tell(now, _gap(member, began, now, SAME_NAME))

    def interrupt(self, last_sign: int, started: int) -> None:
        """Asterisk was started anew: every call ended with the old one, of which the last sign was at *last_sign*."""
        for each in self.open:
            self.ended.append((each.queue, each.interface, each.call.key))
            self._tell(
                last_sign,
                CallEnded(each.queue, each.interface, each.call.key, _occasion(last_sign)),
                CallClosed(each.queue, each.interface, each.call.key, EndedBy.INTERRUPTED, None),
            )
            self._tell(last_sign, SessionGap(each.queue, each.interface, last_sign, started, ENDED_UNSEEN))
        self._open.clear()
        self._give_up(last_sign)

    def finish(self, end: int) -> None:
        """The gap is over: calls of which nobody knows whose they are may still go on."""
        self._give_up(end)

    # How -----------------------------------------------------------------------------------------------------------

    def _of_one_name(self, entry: Entry, key: CallKey, now: int, seats: Sequence[Seat]) -> Sequence[Seat]:
        """Whose call it can be: whose channel that is; nobody's who was paused for certain before it began to ring."""
        by_channel = [seat for seat in seats if self._legs.is_of(seat.member.interface, key.dest_uniqueid)]
        if len(by_channel) == 1:
            return by_channel
        rung_since = now - (_seconds(entry.number(2)) or 0) - TOLERANCE
        return [seat for seat in seats if not _was_paused(seat, rung_since)] or seats

    def _add(self, call: OpenCall) -> None:
        self._open.setdefault(call.call.key.uniqueid, []).append(call)

    def _call(self, entry: Entry, key: CallKey, now: int) -> Call:
        hold, ring = _seconds(entry.number(0)), _seconds(entry.number(2))
        waiter = self._callers.find(entry.callid, entry.queue)
        return Call(
            key=key,
            caller_number=waiter.number if waiter else None,
            caller_name=waiter.name if waiter else None,
            queued_at=None if hold is None else now - hold,
            answered_at=now,
            time_to_answer=hold if self._time_to_answer == "queue" else ring,
            ring_time=ring,
        )

    def _match(self, entry: Entry, now: int, talk: int | None) -> OpenCall | None:
        """The open call that ended: of that caller, queue and agent, the one answered when it says.

        A caller's id may have changed in a transfer: then the agent's call in the queue that was answered then.
        """
        same = [each for each in self._open.get(entry.callid, ()) if self._can_end(each, entry)]
        if len(same) == 1:
            return same[0]
        if talk is None:
            return same[-1] if same else None
        if same:
            return min(reversed(same), key=lambda each: abs((each.call.answered_at or 0) + talk - now))
        if self._before.counted(entry.queue, entry.agent, entry.callid) is not None:
            return None  # its end was told before the gap: no other call is meant
        near = [
            each
            for each in self.open
            if self._can_end(each, entry)
            and each.call.answered_at is not None
            and abs(each.call.answered_at + talk - now) <= TOLERANCE
        ]
        return near[0] if len(near) == 1 else None

    def _can_end(self, call: OpenCall, entry: Entry) -> bool:
        """Whether a line may be of a call: of that queue and member, and behind the call's own beginning."""
        is_members = fold(call.queue) == fold(entry.queue) and call.name == entry.agent
        return is_members and call.call.key not in self._to_begin

    def _complete_other(self, entry: Entry, now: int) -> None:
        """The end of a call that is not open: of one that nobody knows whose it is, or that was told already."""
        ambiguous = self._ambiguous.pop(_line(entry), None)
        strange = self._strange.pop(_line(entry), None)
        if ambiguous is not None:
            began, members = ambiguous
            self._tell(now, *(_gap(member, began, now, SAME_NAME) for member in members))
        elif strange is not None:
            self.unplaced.append(Unplaced(entry.queue, entry.agent, strange[0], now, NO_MEMBER))
        elif (counted := self._before.counted(entry.queue, entry.agent, entry.callid)) is not None:
            # Its record may still wait to hear who ended it.
            interface, key = counted
            self._tell(now, CallClosed(entry.queue, interface, key, ENDED_BY[entry.event], _transferred_to(entry)))
        else:
            self.unmatched += 1

    def _give_up(self, at: int) -> None:
        for began, members in self._ambiguous.values():
            self._tell(at, *(_gap(member, began, at, SAME_NAME) for member in members))
        for began, entry in self._strange.values():
            self.unplaced.append(Unplaced(entry.queue, entry.agent, began, at, NO_MEMBER))
        self._ambiguous.clear()
        self._strange.clear()


def _occasion(at: int) -> Occasion:
    return Occasion(at, Cause.RECOVERED)


def _gap(member: Member, begin: int, end: int, why: str) -> Fact:
    """A gap of a second at least, as that is the log's grain."""
    return SessionGap(member.queue, member.interface, min(begin, end - SECOND), end, why)


def _was_paused(seat: Seat, at: int) -> bool:
    """Whether a member was paused at an instant without any doubt: then Asterisk offered it no call."""
    member = seat.member
    return member.paused and not seat.in_doubt and member.last_pause is not None and member.last_pause < at


def _line(entry: Entry) -> _Line:
    return entry.callid, fold(entry.queue), entry.agent


def _key(entry: Entry) -> CallKey:
    """The call of a CONNECT."""
    return CallKey(entry.callid, entry.text(1))


def _seconds(number: int | None) -> int | None:
    return None if number is None else number * SECOND


def _talk(entry: Entry) -> int | None:
    """Microseconds of talk: in every kind of end the last datum but one, as the hold time is the one before it."""
    return _seconds(entry.number(-2))


def _hold(entry: Entry) -> int | None:
    return _seconds(entry.number(-3))


def _transferred_to(entry: Entry) -> str | None:
    """Where to: the extension, or the application. Of a bridge or a link the log does not tell who is in it."""
    if entry.event == "BLINDTRANSFER":
        return entry.text(0) or None
    is_application = entry.event == "ATTENDEDTRANSFER" and entry.text(0) == "APP"
    return (entry.text(1) or None) if is_application else None
