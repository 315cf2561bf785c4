"""From the lines of a log to sessions: who logged in, who talked, who paused. Sans-I/O.

The rules of ``gateway.queue_log.recover``, of ``gateway.domain.handler``, and of rollover in
``gateway.domain.callcenter``, for a log of which nothing but its lines is known. A test holds the two equal.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.instant import SECOND
from gateway.domain.member import fold
from gateway.domain.register import CARRIED_OVER
from gateway.queue_log.known import REASON_BYTES
from gateway.queue_log.recover import ARRIVAL_GRAIN
from gateway.queue_log.recovered_calls import TOLERANCE
from gateway.queue_log.recovered_members import AUTO_UNPAUSE, RETURN_TIME
from gateway.replay.names import Arrival, Directory
from gateway.replay.session import OpenCall, ReplaySession

_FIELDS: Final = 5
_TIME_DIGITS: Final = range(1, 13)
_WRAP_UP_REASONS: Final = frozenset({"wrapup", "wrap-up", "acw"})

Key = tuple[str, str]
"""A membership: queue and interface, folded."""


@dataclass(frozen=True, slots=True)
class ReplayRules:
    """What the operator may choose.

    Attributes:
        wrap_up: Microseconds of wrap-up that Asterisk enforces after a call, by queue.
        wrap_up_reasons: Pause reasons that mean wrap-up when set in a call or after it.
        ring: Whether the time to answer is the agent's ringing and not the caller's waiting.
    """

    wrap_up: Mapping[str, int] = field(default_factory=dict)
    wrap_up_reasons: frozenset[str] = _WRAP_UP_REASONS
    ring: bool = False


class _Seat:
    """A member in its place; see ``gateway.queue_log.roster.Seat``."""

    __slots__ = ("back_by", "gone_since", "in_doubt", "key", "last_pause", "place", "session", "since")

    def __init__(self, key: Key, place: "_Place", since: int, session: ReplaySession) -> None:
        self.key = key
        self.place = place
        self.since = since
        self.session = session
        self.in_doubt = False
        self.gone_since: int | None = None
        self.back_by = 0
        self.last_pause: int | None = None


class _Place:
    """A name in a queue, and the members who have it."""

    __slots__ = ("arrivals", "gone", "name", "queue", "seats")

    def __init__(self, queue: str, name: str) -> None:
        self.queue = queue
        self.name = name
        self.seats: list[_Seat] = []
        self.arrivals: list[Arrival] = []
        self.gone = False


class _Open:
    """A call of somebody's in a queue."""

    __slots__ = ("call", "place", "seat_key")

    def __init__(self, call: OpenCall, place: _Place, seat_key: Key) -> None:
        self.call = call
        self.place = place
        self.seat_key = seat_key


class Player:
    """Takes the lines in their order.

    Args:
        directory: Who is who in this log.
        first: Time of its first line, seconds.
        last: Of its last.
        rules: The operator's choices.
        over: Takes each session of which nothing more will come.
        next_rollover: The first instant after another at which sessions are rolled over; None: never.

    Attributes:
        unplaced: Calls of which the log does not tell whose they are.
        unmatched: Ends of calls that the log did not begin.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        first: int,
        last: int,
        rules: ReplayRules,
        over: Callable[[ReplaySession], None],
        next_rollover: Callable[[int], int] | None = None,
    ) -> None:
        self.unplaced = self.unmatched = 0
        self.end = last * SECOND
        self._rules = rules
        self._limits = {fold(queue): limit for queue, limit in rules.wrap_up.items()}
        self._over = over
        self._directory = directory
        self._next_rollover = next_rollover
        self._rollover = None if next_rollover is None else next_rollover(first * SECOND - 1)
        self._now = 0
        self._sign = first * SECOND
        self._seats: dict[Key, _Seat] = {}
        self._places: dict[Key, _Place] = {}
        self._raw: dict[tuple[bytes, bytes], _Place] = {}
        self._reasons: dict[bytes, str | None] = {}
        self._open: dict[bytes, list[_Open]] = {}
        self._told: dict[Key, dict[tuple[object, ...], None]] = {}
        self._ambiguous: dict[tuple[bytes, _Place], tuple[int, list[_Seat]]] = {}
        self._strange: dict[tuple[bytes, _Place], int] = {}
        self._misses: dict[tuple[bytes, _Place], int] = {}
        self._miss_at = 0
        self._arrivals = list(directory.arrivals)
        for arrival in self._arrivals:
            self._place_of(fold(arrival.queue), arrival.name).arrivals.append(arrival)
        self._acts: dict[bytes, Callable[[list[bytes], int], None]] = {
            b"CONNECT": self._connect,
            b"COMPLETEAGENT": self._complete,
            b"COMPLETECALLER": self._complete,
            b"BLINDTRANSFER": self._complete,
            b"ATTENDEDTRANSFER": self._complete,
            b"RINGNOANSWER": self._ring_no_answer,
            b"PAUSE": self._pause,
            b"UNPAUSE": self._pause,
            b"ADDMEMBER": self._add,
            b"REMOVEMEMBER": self._remove,
            b"PENALTY": self._penalty,
            b"QUEUESTART": self._start,
        }

    def take(self, lines: Iterable[bytes], *, until: int | None = None) -> None:
        """Some lines, without their ends; those of the second *until* and later are passed over."""
        acts, end = self._acts, self.end
        for line in lines:
            fields = line.strip(b"\r\n\0").split(b"|")
            if len(fields) < _FIELDS or not fields[0].isdigit() or len(fields[0]) not in _TIME_DIGITS or not fields[4]:
                continue
            at = int(fields[0])
            if until is not None and at >= until:
                continue
            at *= SECOND
            act = acts.get(fields[4])
            if act is not None:
                if self._arrivals:
                    self._arrive_until(at - ARRIVAL_GRAIN)
                self._now = max(self._now, at)
                self._now = min(self._now, end)
                act(fields, at)
            self._sign = max(self._sign, at)

    def finish(self) -> None:
        """There are no more lines. Who did not show since Asterisk was last started is not known to be there."""
        self._arrive_until(self.end)
        self._give_up(self.end)
        self._pass(self.end)
        for seat in list(self._seats.values()):
            if not seat.session.returning:
                self._expire(seat, self.end)
        for seat in list(self._seats.values()):
            if seat.gone_since is not None:
                self._end(seat, seat.gone_since)
        for seat in self._seats.values():
            self._over(seat.session)
        for session in {id(call.session): call.session for call in self._all_calls() if call.session}.values():
            if session.end_time is not None:
                self._over(session)

    # Who is meant --------------------------------------------------------------------------------------------------

    def _place(self, queue: bytes, agent: bytes) -> _Place:
        place = self._raw.get((queue, agent))
        if place is None:
            folded = fold(queue.decode("utf-8", "replace"))
            place = self._raw[queue, agent] = self._place_of(folded, agent.decode("utf-8", "replace"))
        return place

    def _place_of(self, queue: str, name: str) -> _Place:
        place = self._places.get((queue, name))
        if place is None:
            place = self._places[queue, name] = _Place(queue, name)
        return place

    def _seats_of(self, place: _Place, at: int) -> list[_Seat]:
        """The members that a line of the second *at* may mean."""
        seats = place.seats
        if len(seats) == 1 and seats[0].since < at + SECOND:
            seats[0].gone_since = None
            return seats
        if seats:
            seats = [seat for seat in seats if seat.since < at + SECOND]
            here = [seat for seat in seats if seat.gone_since is None] or seats
            if len(here) != 1:
                return seats
            here[0].gone_since = None
            return here
        if len(place.arrivals) == 1 and place.arrivals[0].time * SECOND <= at:
            arrival = place.arrivals[0]
            self._arrivals.remove(arrival)
            self._pass(self._now)
            self._arrive(arrival)
        return place.seats

    def _arrive_until(self, until: int) -> None:
        while self._arrivals and self._arrivals[-1].time * SECOND <= until:
            arrival = self._arrivals.pop()
            if (fold(arrival.queue), fold(arrival.interface)) in self._seats:
                self._place_of(fold(arrival.queue), arrival.name).arrivals.remove(arrival)
            else:
                self._pass(until)
                self._arrive(arrival)

    def _arrive(self, arrival: Arrival) -> None:
        self._place_of(fold(arrival.queue), arrival.name).arrivals.remove(arrival)
        self._sit(arrival.queue, arrival.interface, arrival.name, arrival.time * SECOND, login_told=False)

    def _sit(
        self, queue: str, interface: str, name: str, at: int, *, paused: bool = False, login_told: bool = True
    ) -> None:
        """Somebody is a member from now on, in a session of its own."""
        key = (fold(queue), fold(interface))
        place = self._place_of(key[0], name)
        session = self._begin(key, queue, interface, name, at, paused=paused, reason=None, login_told=login_told)
        self._seat(key, place, at, session)

    def _seat(self, key: Key, place: _Place, at: int, session: ReplaySession) -> None:
        was = self._seats.get(key)
        seat = self._seats[key] = _Seat(key, place, at, session)
        if was is None:
            place.seats.append(seat)
        else:
            place.seats[place.seats.index(was)] = seat

    def _begin(
        self,
        key: Key,
        queue: str,
        interface: str,
        name: str,
        at: int,
        *,
        paused: bool,
        reason: str | None,
        login_told: bool,
    ) -> ReplaySession:
        return ReplaySession(
            queue,
            name,
            interface,
            at,
            limit=self._limits.get(key[0]),
            reasons=self._rules.wrap_up_reasons,
            paused=paused,
            paused_reason=reason,
            told=self._told.pop(key, {}),
            login_told=login_told,
        )

    # Time ----------------------------------------------------------------------------------------------------------

    def _pass(self, at: int) -> None:
        """Roll over whatever is to be, before something of the instant *at*."""
        while self._rollover is not None and self._rollover <= at:
            assert self._next_rollover is not None
            due = self._rollover
            self._rollover = self._next_rollover(due)
            for seat in list(self._seats.values()):
                if not seat.session.returning:
                    self._expire(seat, due)
            for seat in list(self._seats.values()):
                session = seat.session
                if session.returning or session.busy:
                    session.rolling = due
                else:
                    self._roll(seat, due)

    def _expire(self, seat: _Seat, now: int) -> None:
        session = seat.session
        session.advance(now)
        if session.rolling and not session.busy:
            self._roll(seat, max(session.changed_at, session.rolling))

    def _roll(self, seat: _Seat, at: int) -> None:
        was = seat.session
        self._end_session(was, seat.key, at)
        seat.session = self._begin(
            seat.key,
            was.group,
            was.interface,
            was.agent,
            at,
            paused=was.paused,
            reason=was.paused_reason,
            login_told=was.login_told,
        )

    def _fresh(self, seat: _Seat, at: int) -> ReplaySession:
        """The session of a seat before something that happens at an instant."""
        if self._rollover is not None and self._rollover <= at:
            self._pass(at)
        if seat.session.rolling and not seat.session.returning:
            self._expire(seat, at)
        return seat.session

    def _end(self, seat: _Seat, at: int) -> None:
        self._end_session(seat.session, seat.key, at)
        del self._seats[seat.key]
        seat.place.seats.remove(seat)

    def _end_session(self, session: ReplaySession, key: Key, at: int) -> None:
        session.end(at)
        session.rolling, session.returning = 0, False
        told = list(session.told)[-CARRIED_OVER:]
        self._told[key] = dict.fromkeys((*told, *(call.key for call in session.calls)))
        if not session.calls:
            session.told = {}
            self._over(session)

    # Members -------------------------------------------------------------------------------------------------------

    def _reason(self, fields: list[bytes]) -> str | None:
        raw = b"|".join(fields[_FIELDS:])
        if raw not in self._reasons:
            text = raw.decode("utf-8", "replace").encode()[:REASON_BYTES].decode("utf-8", "replace")
            self._reasons[raw] = text or None
        return self._reasons[raw]

    def _pause(self, fields: list[bytes], at: int) -> None:
        paused = fields[4] == b"PAUSE"
        if not paused and fields[_FIELDS:] == [AUTO_UNPAUSE.encode()]:
            return
        seats = self._seats_of(self._place(fields[2], fields[3]), at)
        if len(seats) > 1:
            for seat in seats:
                seat.in_doubt = True
                self._note_gap(seat, self._now, self.end, told_at=self._now)
            return
        for seat in seats:
            session = self._fresh(seat, self._now)
            session.returning = False
            seat.last_pause = self._now
            reason = self._reason(fields) if paused else None
            session.observe(paused=paused, reason=reason, at=self._now, pause_told=True)
            self._roll_if_due(seat)

    def _roll_if_due(self, seat: _Seat) -> None:
        session = seat.session
        if session.rolling and not session.returning and not session.busy and session.end_time is None:
            self._roll(seat, max(session.changed_at, session.rolling))

    def _penalty(self, fields: list[bytes], _at: int) -> None:
        seat = self._seats.get(_key(fields))
        if seat is not None and _number(fields, 0) is not None:
            session = self._fresh(seat, self._now)
            session.returning = False
            session.observe(paused=session.paused, reason=session.paused_reason, at=self._now, pause_told=False)
            self._roll_if_due(seat)

    def _add(self, fields: list[bytes], _at: int) -> None:
        queue, folded = fields[2].decode("utf-8", "replace"), _key(fields)[1]
        interface, name = self._directory.members[folded]
        key, now = (fold(queue), folded), self._now
        paused = len(fields) > _FIELDS and fields[_FIELDS] == b"PAUSED"
        seat = self._seats.get(key)
        self._pass(now)
        if seat is not None and seat.gone_since is not None and now > seat.back_by:
            self._leave(seat, now)
            if not seat.session.returning:
                self._expire(seat, now)
            self._end(seat, seat.gone_since)
            seat = None
        place = self._place_of(key[0], name)
        place.gone = False
        if seat is None:
            self._sit(queue, interface, name, now, paused=paused)
            return
        session = self._fresh(seat, self._now)
        if not session.returning and now > session.first_seen + SECOND:
            self._end(seat, now)
            self._sit(queue, interface, name, now, paused=paused)
            return
        session.returning = False
        session.observe(paused=paused, reason=None, at=now, pause_told=False)
        self._seat(key, seat.place, now, session)
        self._roll_if_due(self._seats[key])

    def _remove(self, fields: list[bytes], _at: int) -> None:
        seat = self._seats.get(_key(fields))
        seats = [seat] if seat is not None else list(self._place(fields[2], fields[3]).seats)
        if len(seats) > 1:
            for each in seats:
                self._note_gap(each, self._now, self.end, told_at=self._now)
        elif seats:
            seat = seats[0]
            self._leave(seat, self._now)
            self._fresh(seat, self._now)
            self._end(seat, self._now)
            if not seat.place.seats:
                seat.place.gone = True

    def _start(self, _fields: list[bytes], _at: int) -> None:
        """QUEUESTART: nothing of the Asterisk before it goes on."""
        sign, now = self._sign, self._now
        self._pass(sign)
        for calls in self._open.values():
            for each in calls:
                self._end_call(each, sign)
                seat = self._seats.get(each.seat_key)
                if seat is not None:
                    seat.session.note_gap(sign, now)
                    self._roll_if_due(seat)
        self._open.clear()
        self._give_up(sign)
        for seat in self._seats.values():
            if seat.gone_since is None:
                seat.gone_since = sign
            seat.back_by = now + RETURN_TIME
        self._pass(now)
        for seat in list(self._seats.values()):
            if not seat.session.returning:
                self._expire(seat, now)
        for seat in self._seats.values():
            seat.session.note_gap(sign, now)
            self._roll_if_due(seat)
            seat.session.returning = True

    # Calls ---------------------------------------------------------------------------------------------------------

    def _connect(self, fields: list[bytes], at: int) -> None:
        callid, place, now = fields[1], self._place(fields[2], fields[3]), self._now
        seats = self._seats_of(place, at)
        key = (callid, fields[6] if len(fields) > 6 else b"")  # noqa: PLR2004 - the second datum
        calls = self._open.get(callid)
        if calls is not None and any(each.call.key == key for each in calls):
            return
        if len(seats) > 1:
            seats = self._of_one_name(fields, seats)
        if len(seats) == 1:
            hold, ring = _number(fields, 0), _number(fields, 2)
            hold, ring = None if hold is None else hold * SECOND, None if ring is None else ring * SECOND
            call = OpenCall(key, now, time_to_answer=ring if self._rules.ring else hold, ring_time=ring)
            open_call = _Open(call, place, seats[0].key)
            if calls is None:
                self._open[callid] = [open_call]
            else:
                calls.append(open_call)
            session = self._fresh(seats[0], self._now)
            session.returning = False
            session.answer(call, now)
            if session.rolling:
                self._roll_if_due(seats[0])
        elif seats:
            self._ambiguous[callid, place] = now, seats
        elif not (place.gone or place.seats):
            self._strange[callid, place] = now

    def _complete(self, fields: list[bytes], at: int) -> None:
        place, now = self._place(fields[2], fields[3]), self._now
        if not fields[-1]:
            fields.pop()
        talk = _number(fields, -2)
        found = self._match(fields[1], place, None if talk is None else talk * SECOND)
        if found is None:
            self._complete_other((fields[1], place))
            return
        calls = self._open[found.call.key[0]]
        calls.remove(found)
        if not calls:
            del self._open[found.call.key[0]]
        ended = now
        if talk is not None:
            talked = min(found.call.answered_at + talk * SECOND, at + SECOND - 1, self.end)
            ended = max(min(at, now), talked)
            self._now = max(now, ended)
        if self._rollover is not None and self._rollover <= ended:
            self._pass(ended)
        self._end_call(found, ended)

    def _end_call(self, ended: _Open, at: int) -> None:
        session = ended.call.session
        if session is None:
            return
        session.end_call(ended.call, at)
        if session.end_time is not None:
            if not session.calls:
                session.told = {}
                self._over(session)
        elif session.rolling and not session.returning and not session.busy:
            self._roll(self._seats[ended.seat_key], max(session.changed_at, session.rolling))

    def _match(self, callid: bytes, place: _Place, talk: int | None) -> _Open | None:
        same = [each for each in self._open.get(callid, ()) if each.place is place]
        if len(same) == 1:
            return same[0]
        if talk is None:
            return same[-1] if same else None
        if same:
            return min(reversed(same), key=lambda each: abs(each.call.answered_at + talk - self._now))
        near = [
            each
            for calls in self._open.values()
            for each in calls
            if each.place is place and abs(each.call.answered_at + talk - self._now) <= TOLERANCE
        ]
        return near[0] if len(near) == 1 else None

    def _complete_other(self, line: tuple[bytes, _Place]) -> None:
        ambiguous = self._ambiguous.pop(line, None)
        strange = self._strange.pop(line, None)
        if ambiguous is not None:
            began, seats = ambiguous
            self._note_gaps(seats, began, self._now)
        elif strange is not None:
            self.unplaced += 1
        else:
            self.unmatched += 1

    def _note_gaps(self, seats: Iterable[_Seat], begin: int, end: int) -> None:
        """Gaps, of a second at least, in the present sessions of these memberships."""
        for each in seats:
            seat = self._seats.get(each.key)
            if seat is not None:
                self._note_gap(seat, min(begin, end - SECOND), end, told_at=end)

    def _note_gap(self, seat: _Seat, begin: int, end: int, *, told_at: int) -> None:
        self._fresh(seat, told_at).note_gap(begin, end)
        self._roll_if_due(seat)

    def _ring_no_answer(self, fields: list[bytes], at: int) -> None:
        place = self._place(fields[2], fields[3])
        seats = self._seats_of(place, at)
        line = (fields[1], place)
        if self._miss_at != at:
            self._misses.clear()
            self._miss_at = at
        count = self._misses[line] = self._misses.get(line, 0) + 1
        if len(seats) == 1:
            session = self._fresh(seats[0], self._now)
            session.miss((fields[1], at, count), self._now)
            self._roll_if_due(seats[0])
        else:
            rung = (_number(fields, 0) or 0) * (SECOND // 1000)
            self._note_gaps(seats, self._now - rung, self._now)

    def _leave(self, seat: _Seat, now: int) -> None:
        for began, seats in self._ambiguous.values():
            if any(each.key == seat.key for each in seats):
                self._note_gaps([seat], began, now)

    def _of_one_name(self, fields: list[bytes], seats: list[_Seat]) -> list[_Seat]:
        rung_since = self._now - (_number(fields, 2) or 0) * SECOND - TOLERANCE
        return [seat for seat in seats if not _was_paused(seat, rung_since)] or seats

    def _give_up(self, at: int) -> None:
        for began, seats in self._ambiguous.values():
            self._note_gaps(seats, began, at)
        self.unplaced += len(self._strange)
        self._ambiguous.clear()
        self._strange.clear()

    def _all_calls(self) -> Iterable[OpenCall]:
        return (each.call for calls in self._open.values() for each in calls)


def _key(fields: list[bytes]) -> Key:
    return fold(fields[2].decode("utf-8", "replace")), fold(fields[3].decode("utf-8", "replace"))


def _number(fields: list[bytes], index: int) -> int | None:
    """A datum that is a whole number from 0 on; None where it is absent or none. Negative ones count from the end."""
    place = index + _FIELDS if index >= 0 else len(fields) + index
    if not _FIELDS <= place < len(fields):
        return None
    text = fields[place]
    return int(text) if text.isdigit() and len(text) in _TIME_DIGITS else None


def _was_paused(seat: _Seat, at: int) -> bool:
    return seat.session.paused and not seat.in_doubt and seat.last_pause is not None and seat.last_pause < at
