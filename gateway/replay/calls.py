"""What lines about calls do: who was on which, and what cannot be told whose it was."""

from collections.abc import Iterable

from gateway.domain.instant import SECOND
from gateway.queue_log.recovered_calls import TOLERANCE
from gateway.replay.fields import Key, number
from gateway.replay.floor import Floor
from gateway.replay.rules import ReplayRules
from gateway.replay.seats import Place, Seat
from gateway.replay.session import OpenCall, ReplaySession


class Open:
    """A call of somebody's in a queue."""

    __slots__ = ("call", "place", "seat_key")

    def __init__(self, call: OpenCall, place: Place, seat_key: Key) -> None:
        self.call = call
        self.place = place
        self.seat_key = seat_key


class Calls:
    """Takes the lines about calls.

    Args:
        floor: Who sits where.
        rules: The operator's choices.
        end: The last instant of the log.

    Attributes:
        unplaced: Calls of which the log does not tell whose they are.
        unmatched: Ends of calls that the log did not begin.
    """

    def __init__(self, floor: Floor, rules: ReplayRules, *, end: int) -> None:
        self.unplaced = self.unmatched = 0
        self._floor = floor
        self._ring = rules.ring
        self._end = end
        self._open: dict[bytes, list[Open]] = {}
        self._ambiguous: dict[tuple[bytes, Place], tuple[int, list[Seat]]] = {}
        self._strange: dict[tuple[bytes, Place], int] = {}
        self._misses: dict[tuple[bytes, Place], int] = {}
        self._miss_at = 0

    def connect(self, fields: list[bytes], at: int) -> None:
        """CONNECT."""
        floor = self._floor
        callid, place, now = fields[1], floor.place(fields[2], fields[3]), floor.now
        seats = floor.seats_of(place, at)
        key = (callid, fields[6] if len(fields) > 6 else b"")  # noqa: PLR2004 - the second datum
        calls = self._open.get(callid)
        if calls is not None and any(each.call.key == key for each in calls):
            return
        if len(seats) > 1:
            seats = self._of_one_name(fields, seats)
        if len(seats) == 1:
            hold, ring = number(fields, 0), number(fields, 2)
            hold, ring = None if hold is None else hold * SECOND, None if ring is None else ring * SECOND
            call = OpenCall(key, now, time_to_answer=ring if self._ring else hold, ring_time=ring)
            open_call = Open(call, place, seats[0].key)
            if calls is None:
                self._open[callid] = [open_call]
            else:
                calls.append(open_call)
            session = floor.fresh(seats[0], floor.now)
            session.returning = False
            session.answer(call, now)
            if session.rolling:
                floor.roll_if_due(seats[0])
        elif seats:
            self._ambiguous[callid, place] = now, seats
        elif not (place.gone or place.seats):
            self._strange[callid, place] = now

    def complete(self, fields: list[bytes], at: int) -> None:
        """COMPLETEAGENT, COMPLETECALLER, and the transfers."""
        floor = self._floor
        place, now = floor.place(fields[2], fields[3]), floor.now
        if not fields[-1]:
            fields.pop()
        talk = number(fields, -2)
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
            talked = min(found.call.answered_at + talk * SECOND, at + SECOND - 1, self._end)
            ended = max(min(at, now), talked)
            floor.now = max(now, ended)
        if floor.rollover is not None and floor.rollover <= ended:
            floor.roll_until(ended)
        self._end_call(found, ended)

    def _end_call(self, ended: Open, at: int) -> None:
        floor = self._floor
        session = ended.call.session
        if session is None:
            return
        session.end_call(ended.call, at)
        if session.end_time is not None:
            if not session.calls:
                session.told = {}
                floor.over(session)
        elif session.rolling:
            floor.roll_if_due(floor.seats[ended.seat_key])

    def _match(self, callid: bytes, place: Place, talk: int | None) -> Open | None:
        floor = self._floor
        same = [each for each in self._open.get(callid, ()) if each.place is place]
        if len(same) == 1:
            return same[0]
        if talk is None:
            return same[-1] if same else None
        if same:
            return min(reversed(same), key=lambda each: abs(each.call.answered_at + talk - floor.now))
        near = [
            each
            for calls in self._open.values()
            for each in calls
            if each.place is place and abs(each.call.answered_at + talk - floor.now) <= TOLERANCE
        ]
        return near[0] if len(near) == 1 else None

    def _complete_other(self, line: tuple[bytes, Place]) -> None:
        floor = self._floor
        ambiguous = self._ambiguous.pop(line, None)
        strange = self._strange.pop(line, None)
        if ambiguous is not None:
            began, seats = ambiguous
            floor.note_gaps(seats, began, floor.now)
        elif strange is not None:
            self.unplaced += 1
        else:
            self.unmatched += 1

    def ring_no_answer(self, fields: list[bytes], at: int) -> None:
        """RINGNOANSWER."""
        floor = self._floor
        place = floor.place(fields[2], fields[3])
        seats = floor.seats_of(place, at)
        line = (fields[1], place)
        if self._miss_at != at:
            self._misses.clear()
            self._miss_at = at
        count = self._misses[line] = self._misses.get(line, 0) + 1
        if len(seats) == 1:
            session = floor.fresh(seats[0], floor.now)
            session.miss((fields[1], at, count), floor.now)
            floor.roll_if_due(seats[0])
        else:
            rung = (number(fields, 0) or 0) * (SECOND // 1000)
            floor.note_gaps(seats, floor.now - rung, floor.now)

    def leave(self, seat: Seat, now: int) -> None:
        """Somebody leaves: a call that may be theirs is none of what comes after."""
        floor = self._floor
        for began, seats in self._ambiguous.values():
            if any(each.key == seat.key for each in seats):
                floor.note_gaps([seat], began, now)

    def _of_one_name(self, fields: list[bytes], seats: list[Seat]) -> list[Seat]:
        floor = self._floor
        rung_since = floor.now - (number(fields, 2) or 0) * SECOND - TOLERANCE
        return [seat for seat in seats if not _was_paused(seat, rung_since)] or seats

    def give_up(self, at: int) -> None:
        """Of calls that are still open nothing more will come."""
        floor = self._floor
        for began, seats in self._ambiguous.values():
            floor.note_gaps(seats, began, at)
        self.unplaced += len(self._strange)
        self._ambiguous.clear()
        self._strange.clear()

    def cut(self, sign: int, now: int) -> None:
        """End all at the last sign of an Asterisk that was started anew: when each ended nobody knows."""
        floor = self._floor
        for calls in self._open.values():
            for each in calls:
                self._end_call(each, sign)
                seat = floor.seats.get(each.seat_key)
                if seat is not None:
                    seat.session.note_gap(sign, now)
                    floor.roll_if_due(seat)
        self._open.clear()

    def sessions(self) -> Iterable[ReplaySession]:
        """The sessions into which the open calls count, each once."""
        every = (each.call.session for calls in self._open.values() for each in calls)
        return {id(session): session for session in every if session is not None}.values()


def _was_paused(seat: Seat, at: int) -> bool:
    return seat.session.paused and not seat.in_doubt and seat.last_pause is not None and seat.last_pause < at
