"""How late events come, and whether one of them makes Asterisk's clock doubtful."""

from gateway.clock import Arrival
from gateway.domain.instant import SECOND
from gateway.timeline import STEP, Timeline


class Lateness:
    """Compares the stamps of events with their arrivals, in the order in which they came.

    Attributes:
        lag: Microseconds between Asterisk's stamp on the last event and its arrival; None before the first.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.lag: int | None = None
        self._timeline = timeline
        self._usual = self._heard_at = self._doubted_at = 0

    def begin_anew(self) -> None:
        """The link is a new one."""
        self._usual = 0

    def is_doubtful(self, stamped: int, arrival: Arrival) -> bool:
        """Whether Asterisk's clock must be measured first; at most once a second, as events may just be late.

        Where more comes than can be taken, each event is later than the one before, by no more than lies between the
        two. A clock that is set back makes it more.
        """
        lag = self._timeline.lag(stamped, arrival.steady)
        gap, self._heard_at = arrival.steady - self._heard_at, arrival.steady
        more = 0 if lag is None else lag - self._usual
        if lag is None or min(abs(lag), abs(more)) <= STEP or 0 < more <= gap <= SECOND:
            self._usual = lag or 0
            return False
        if arrival.steady - self._doubted_at <= SECOND:
            return False
        self._usual = lag
        self._doubted_at = arrival.steady
        return True

    def told_until(self, stamped: int | None, arrival: Arrival) -> int:
        """Up to when the stream has told all with an event: one that came late tells of the time of its stamp."""
        now = self._timeline.now(arrival.steady)
        if stamped is None:
            return now
        self.lag = max(0, now - self._timeline.instant(stamped, arrival.steady))
        return now - self.lag
