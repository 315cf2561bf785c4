"""Who is a member of which queue, and in which session, as time goes on.

Knows the rules of ``gateway.queue_log.roster`` and of rollover; what lines mean, it does not know.
"""

from collections.abc import Callable, Iterable

from gateway.domain.instant import SECOND
from gateway.domain.member import fold
from gateway.domain.register import CARRIED_OVER
from gateway.queue_log.recovered_members import RETURN_TIME
from gateway.replay.fields import Key
from gateway.replay.names import Arrival, Directory
from gateway.replay.rules import ReplayRules
from gateway.replay.seats import Place, Seat
from gateway.replay.session import ReplaySession


class Floor:
    """All seats, and the time.

    Args:
        directory: Who is who in this log.
        rules: The operator's choices.
        over: Takes each session of which nothing more will come.
        first: The first instant of the log.
        next_rollover: The first instant after another at which sessions are rolled over; None: never.

    Attributes:
        now: The instant of what happens.
        seats: Who is a member.
        arrivals: Those to come of whom the log tells no login, the next one last.
        rollover: The next instant of a rollover; None: never.
        over: As above.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        rules: ReplayRules,
        over: Callable[[ReplaySession], None],
        first: int,
        next_rollover: Callable[[int], int] | None,
    ) -> None:
        self.now = 0
        self.seats: dict[Key, Seat] = {}
        self.over = over
        self.rollover = None if next_rollover is None else next_rollover(first - 1)
        self._next_rollover = next_rollover
        self._reasons = rules.wrap_up_reasons
        self._limits = {fold(queue): limit for queue, limit in rules.wrap_up.items()}
        self._places: dict[Key, Place] = {}
        self._raw: dict[tuple[bytes, bytes], Place] = {}
        self._told: dict[Key, dict[tuple[object, ...], None]] = {}
        self.arrivals = list(directory.arrivals)
        for arrival in self.arrivals:
            self.place_of(fold(arrival.queue), arrival.name).arrivals.append(arrival)

    def place(self, queue: bytes, agent: bytes) -> Place:
        """The place that a line names."""
        place = self._raw.get((queue, agent))
        if place is None:
            folded = fold(queue.decode("utf-8", "replace"))
            place = self._raw[queue, agent] = self.place_of(folded, agent.decode("utf-8", "replace"))
        return place

    def place_of(self, queue: str, name: str) -> Place:
        """The place of a name in a queue, which is folded."""
        place = self._places.get((queue, name))
        if place is None:
            place = self._places[queue, name] = Place(queue, name)
        return place

    def seats_of(self, place: Place, at: int) -> list[Seat]:
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
            self.arrivals.remove(arrival)
            self.roll_until(self.now)
            self._arrive(arrival)
        return place.seats

    def arrive_until(self, until: int) -> None:
        """Seat those of whom the log tells no login, up to an instant."""
        while self.arrivals and self.arrivals[-1].time * SECOND <= until:
            arrival = self.arrivals.pop()
            if (fold(arrival.queue), fold(arrival.interface)) in self.seats:
                self.place_of(fold(arrival.queue), arrival.name).arrivals.remove(arrival)
            else:
                self.roll_until(until)
                self._arrive(arrival)

    def _arrive(self, arrival: Arrival) -> None:
        self.place_of(fold(arrival.queue), arrival.name).arrivals.remove(arrival)
        self.sit(arrival.queue, arrival.interface, arrival.name, arrival.time * SECOND, login_told=False)

    def sit(
        self, queue: str, interface: str, name: str, at: int, *, paused: bool = False, login_told: bool = True
    ) -> None:
        """Somebody is a member from now on, in a session of its own."""
        key = (fold(queue), fold(interface))
        place = self.place_of(key[0], name)
        session = self._begin(key, queue, interface, name, at, paused=paused, reason=None, login_told=login_told)
        self.seat(key, place, at, session)

    def seat(self, key: Key, place: Place, at: int, session: ReplaySession) -> None:
        """Put a session on a seat, in place of whoever sat there."""
        was = self.seats.get(key)
        seat = self.seats[key] = Seat(key, place, at, session)
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
            reasons=self._reasons,
            paused=paused,
            paused_reason=reason,
            told=self._told.pop(key, {}),
            login_told=login_told,
        )

    def roll_until(self, at: int) -> None:
        """Roll over whatever is to be, before something of the instant *at*."""
        while self.rollover is not None and self.rollover <= at:
            assert self._next_rollover is not None
            due = self.rollover
            self.rollover = self._next_rollover(due)
            self._expire_all(due)
            for seat in list(self.seats.values()):
                session = seat.session
                if session.returning or session.busy:
                    session.rolling = due
                else:
                    self._roll(seat, due)

    def expire(self, seat: Seat, now: int) -> None:
        """Let time pass for a seat up to an instant."""
        session = seat.session
        session.advance(now)
        if session.rolling and not session.busy:
            self._roll(seat, max(session.changed_at, session.rolling))

    def _roll(self, seat: Seat, at: int) -> None:
        """End a seat's session and begin the next one at the same instant."""
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

    def fresh(self, seat: Seat, at: int) -> ReplaySession:
        """The session of a seat before something that happens at an instant."""
        if self.rollover is not None and self.rollover <= at:
            self.roll_until(at)
        if seat.session.rolling and not seat.session.returning:
            self.expire(seat, at)
        return seat.session

    def end_seat(self, seat: Seat, at: int) -> None:
        """Somebody is a member no more."""
        self._end_session(seat.session, seat.key, at)
        del self.seats[seat.key]
        seat.place.seats.remove(seat)

    def _end_session(self, session: ReplaySession, key: Key, at: int) -> None:
        session.end(at)
        session.rolling, session.returning = 0, False
        told = list(session.told)[-CARRIED_OVER:]
        self._told[key] = dict.fromkeys((*told, *(call.key for call in session.calls)))
        if not session.calls:
            session.told = {}
            self.over(session)

    def roll_if_due(self, seat: Seat) -> None:
        """Roll over what waited for a call or a wrap-up to be over."""
        session = seat.session
        if session.rolling and not session.returning and not session.busy and session.end_time is None:
            self._roll(seat, max(session.changed_at, session.rolling))

    def note_gaps(self, seats: Iterable[Seat], begin: int, end: int) -> None:
        """Gaps, of a second at least, in the present sessions of these memberships."""
        for each in seats:
            seat = self.seats.get(each.key)
            if seat is not None:
                self.note_gap(seat, min(begin, end - SECOND), end, told_at=end)

    def note_gap(self, seat: Seat, begin: int, end: int, *, told_at: int) -> None:
        """The log does not tell all of a time in the session that a seat has when that shows."""
        self.fresh(seat, told_at).note_gap(begin, end)
        self.roll_if_due(seat)

    def restart(self, sign: int, now: int) -> None:
        """Asterisk was started anew after its last sign: who does not show is gone since then."""
        for seat in self.seats.values():
            if seat.gone_since is None:
                seat.gone_since = sign
            seat.back_by = now + RETURN_TIME
        self.roll_until(now)
        self._expire_all(now)
        for seat in self.seats.values():
            seat.session.note_gap(sign, now)
            self.roll_if_due(seat)
            seat.session.returning = True

    def finish(self, end: int) -> None:
        """There is nothing more. Who did not show since Asterisk was last started is not known to be there."""
        self.roll_until(end)
        self._expire_all(end)
        for seat in list(self.seats.values()):
            if seat.gone_since is not None:
                self.end_seat(seat, seat.gone_since)
        for seat in self.seats.values():
            self.over(seat.session)

    def _expire_all(self, now: int) -> None:
        for seat in list(self.seats.values()):
            if not seat.session.returning:
                self.expire(seat, now)
