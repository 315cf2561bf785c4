"""What lines about members do: logins and logouts, pauses, penalties."""

from typing import Final

from gateway.domain.instant import SECOND
from gateway.domain.member import fold
from gateway.queue_log.known import REASON_BYTES
from gateway.queue_log.recovered_members import AUTO_UNPAUSE
from gateway.replay.calls import Calls
from gateway.replay.fields import FIELDS, key_of, number
from gateway.replay.floor import Floor
from gateway.replay.names import Directory

_AUTO_UNPAUSE: Final = AUTO_UNPAUSE.encode()


class Members:
    """Takes the lines about members.

    Args:
        floor: Who sits where.
        calls: What calls there are: who leaves may be one of several whose call it was.
        directory: Who is who in this log.
        end: The last instant of the log.
    """

    def __init__(self, floor: Floor, calls: Calls, directory: Directory, *, end: int) -> None:
        self._floor = floor
        self._calls = calls
        self._members = directory.members
        self._end = end
        self._reasons: dict[bytes, str | None] = {}

    def _reason(self, fields: list[bytes]) -> str | None:
        raw = b"|".join(fields[FIELDS:])
        if raw not in self._reasons:
            text = raw.decode("utf-8", "replace").encode()[:REASON_BYTES].decode("utf-8", "replace")
            self._reasons[raw] = text or None
        return self._reasons[raw]

    def pause(self, fields: list[bytes], at: int) -> None:
        """PAUSE and UNPAUSE."""
        floor = self._floor
        paused = fields[4] == b"PAUSE"
        if not paused and fields[FIELDS:] == [_AUTO_UNPAUSE]:
            return
        seats = floor.seats_of(floor.place(fields[2], fields[3]), at)
        if len(seats) > 1:
            for seat in seats:
                seat.in_doubt = True
                floor.note_gap(seat, floor.now, self._end, told_at=floor.now)
            return
        for seat in seats:
            session = floor.fresh(seat, floor.now)
            session.returning = False
            seat.last_pause = floor.now
            reason = self._reason(fields) if paused else None
            session.observe(paused=paused, reason=reason, at=floor.now, pause_told=True)
            floor.roll_if_due(seat)

    def penalty(self, fields: list[bytes], _at: int) -> None:
        """PENALTY: who is told of is there."""
        floor = self._floor
        seat = floor.seats.get(key_of(fields))
        if seat is not None and number(fields, 0) is not None:
            session = floor.fresh(seat, floor.now)
            session.returning = False
            session.observe(paused=session.paused, reason=session.paused_reason, at=floor.now, pause_told=False)
            floor.roll_if_due(seat)

    def add(self, fields: list[bytes], _at: int) -> None:
        """ADDMEMBER."""
        floor = self._floor
        queue, folded = fields[2].decode("utf-8", "replace"), key_of(fields)[1]
        interface, name = self._members[folded]
        key, now = (fold(queue), folded), floor.now
        paused = len(fields) > FIELDS and fields[FIELDS] == b"PAUSED"
        seat = floor.seats.get(key)
        floor.roll_until(now)
        if seat is not None and seat.gone_since is not None and now > seat.back_by:
            self._calls.leave(seat, now)
            if not seat.session.returning:
                floor.expire(seat, now)
            floor.end_seat(seat, seat.gone_since)
            seat = None
        place = floor.place_of(key[0], name)
        place.gone = False
        if seat is None:
            floor.sit(queue, interface, name, now, paused=paused)
            return
        session = floor.fresh(seat, floor.now)
        if not session.returning and now > session.first_seen + SECOND:
            floor.end_seat(seat, now)
            floor.sit(queue, interface, name, now, paused=paused)
            return
        session.returning = False
        session.observe(paused=paused, reason=None, at=now, pause_told=False)
        floor.seat(key, seat.place, now, session)
        floor.roll_if_due(floor.seats[key])

    def remove(self, fields: list[bytes], _at: int) -> None:
        """REMOVEMEMBER."""
        floor = self._floor
        seat = floor.seats.get(key_of(fields))
        seats = [seat] if seat is not None else list(floor.place(fields[2], fields[3]).seats)
        if len(seats) > 1:
            for each in seats:
                floor.note_gap(each, floor.now, self._end, told_at=floor.now)
        elif seats:
            seat = seats[0]
            self._calls.leave(seat, floor.now)
            floor.fresh(seat, floor.now)
            floor.end_seat(seat, floor.now)
            if not seat.place.seats:
                seat.place.gone = True
