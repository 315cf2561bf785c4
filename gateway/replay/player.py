"""From the lines of a log to sessions: who logged in, who talked, who paused. Sans-I/O.

The rules of ``gateway.queue_log.recover``, of ``gateway.domain.handler``, and of rollover in
``gateway.domain.callcenter``, for a log of which nothing but its lines is known. A test holds the two equal.
"""

from collections.abc import Callable, Iterable

from gateway.domain.instant import SECOND
from gateway.queue_log.recover import ARRIVAL_GRAIN
from gateway.replay.calls import Calls
from gateway.replay.fields import FIELDS, TIME_DIGITS
from gateway.replay.floor import Floor
from gateway.replay.members import Members
from gateway.replay.names import Directory
from gateway.replay.rules import ReplayRules
from gateway.replay.session import ReplaySession


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
        end: The last instant of the log.
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
        self.end = last * SECOND
        self._sign = first * SECOND
        self._floor = Floor(directory, rules=rules, over=over, first=self._sign, next_rollover=next_rollover)
        self._calls = calls = Calls(self._floor, rules, end=self.end)
        members = Members(self._floor, calls, directory, end=self.end)
        self._acts: dict[bytes, Callable[[list[bytes], int], None]] = {
            b"CONNECT": calls.connect,
            b"COMPLETEAGENT": calls.complete,
            b"COMPLETECALLER": calls.complete,
            b"BLINDTRANSFER": calls.complete,
            b"ATTENDEDTRANSFER": calls.complete,
            b"RINGNOANSWER": calls.ring_no_answer,
            b"PAUSE": members.pause,
            b"UNPAUSE": members.pause,
            b"ADDMEMBER": members.add,
            b"REMOVEMEMBER": members.remove,
            b"PENALTY": members.penalty,
            b"QUEUESTART": self._start,
        }

    @property
    def unplaced(self) -> int:
        """Calls of which the log does not tell whose they are."""
        return self._calls.unplaced

    @property
    def unmatched(self) -> int:
        """Ends of calls that the log did not begin."""
        return self._calls.unmatched

    def take(self, lines: Iterable[bytes], *, until: int | None = None) -> None:
        """Some lines, without their ends; those of the second *until* and later are passed over."""
        acts, end, floor = self._acts, self.end, self._floor
        for line in lines:
            fields = line.strip(b"\r\n\0").split(b"|")
            if len(fields) < FIELDS or not fields[0].isdigit() or len(fields[0]) not in TIME_DIGITS or not fields[4]:
                continue
            at = int(fields[0])
            if until is not None and at >= until:
                continue
            at *= SECOND
            act = acts.get(fields[4])
            if act is not None:
                if floor.arrivals:
                    floor.arrive_until(at - ARRIVAL_GRAIN)
                floor.now = min(max(floor.now, at), end)
                act(fields, at)
            self._sign = max(self._sign, at)

    def finish(self) -> None:
        """There are no more lines."""
        self._floor.arrive_until(self.end)
        self._calls.give_up(self.end)
        self._floor.finish(self.end)
        for session in self._calls.sessions():
            if session.end_time is not None:
                self._floor.over(session)

    def _start(self, _fields: list[bytes], _at: int) -> None:
        """QUEUESTART: nothing of the Asterisk before it goes on."""
        sign, now = self._sign, self._floor.now
        self._floor.roll_until(sign)
        self._calls.cut(sign, now)
        self._calls.give_up(sign)
        self._floor.restart(sign, now)
