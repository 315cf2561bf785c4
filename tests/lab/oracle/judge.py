"""The judge's one entry: events and log in, sessions out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.lab.oracle import calls as _calls
from tests.lab.oracle import crosscheck, sessions, timeline
from tests.lab.oracle.calls import Call
from tests.lab.oracle.timeline import Session
from tests.lab.wire import Message


@dataclass(frozen=True, slots=True)
class Judgement:
    """What must be shown.

    Attributes:
        sessions: Every membership, in the order of its beginning.
        calls: Every answered call that belongs to a session, in the order of its answer.
        abandoned: Number of callers who left without an agent.
        until: The moment up to which time has passed: timers that end later still run.
        orphans: Calls answered by somebody who had been logged out while the phone rang: they belong to no session.
    """

    sessions: tuple[Session, ...]
    calls: tuple[Call, ...]
    abandoned: int
    until: int
    orphans: tuple[Call, ...] = ()

    def of(self, queue: str, name: str, interface: str) -> list[Session]:
        """Return the sessions of one member in one queue, oldest first."""
        return [session for session in self.sessions if session.key == (queue, name, interface)]


def judge(
    events: Iterable[Message], queue_log: str, wrap_up: Mapping[str, int], *, until: int | None = None
) -> Judgement:
    """Say what every session must show.

    Args:
        events: Of a tap that was there from before the first call.
        queue_log: Text of Asterisk's queue_log over the same time.
        wrap_up: Seconds of wrap-up by queue.
        until: Moment in microseconds up to which time passes; the last event's if None.

    Raises:
        OracleError: If the tap and the log disagree.
    """
    events = list(events)
    until = max((event.time for event in events), default=0) if until is None else until
    found = _calls.follow(events)
    crosscheck.check(events, found, crosscheck.read(queue_log))
    judged, orphans = sessions.find(events, found, wrap_up, until)
    for session in judged:
        timeline.play(session, until)
    abandoned = sum(event.event == "QueueCallerAbandon" for event in events)
    counted = tuple(call for call in found if call not in orphans)
    return Judgement(tuple(judged), counted, abandoned, until, tuple(orphans))
