"""From the lines of a gap to facts of the session model, as if somebody had watched. Sans-I/O.

At a second's grain, with the causes ``recovered``; what the log cannot tell for certain becomes a gap, never a guess.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from gateway.domain.call import Call, CallKey
from gateway.domain.facts import (
    AsteriskRestarted,
    ContactLost,
    Fact,
    MemberAdded,
    MemberRemoved,
    MemberTold,
    SessionGap,
    TimePassed,
)
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import Member, MembershipKey, fold, membership_key
from gateway.domain.session import Cause, Occasion
from gateway.queue_log.known import LAG, Before, FromWall, Heard, reason_of, sift_end
from gateway.queue_log.parse import Entry
from gateway.queue_log.reading import Missing
from gateway.queue_log.recovered_calls import Legs, RecoveredCalls, Unplaced
from gateway.queue_log.roster import Directory, Roster, Seat
from gateway.queue_log.survey import Survey
from gateway.queue_log.waiting import WaitingCallers

RETURN_TIME: Final = 60 * SECOND
"""How long after a restart of Asterisk a member may come back into its session."""

AUTO_UNPAUSE: Final = "Auto-Unpause"
"""Reason of an UNPAUSE that only tells the change of a pause's reason (``log_unpause_on_reason_change``)."""

SAME_NAME: Final = "queue_log names two members of the queue alike"
NOT_RUNNING: Final = "Asterisk was not running"
ENDED_UNSEEN: Final = "Asterisk ended while nobody watched"
NAMELESS: Final = "queue_log does not tell who logged in"


class Gap(NamedTuple):
    """The time to recover, in instants: from the last contact to the login after it."""

    begin: int
    end: int


class Recovery:
    """Turns entries into facts, in the order of the log.

    Give it all entries from some seconds before the gap on, in as many parts as is convenient; apply the facts of each
    part before anything that came over AMI since. What is known already changes nothing.

    Args:
        handler: The model as it was when contact was lost. It is only read, and only at the beginning.
        gap: The time to recover.
        from_wall: Makes instants.
        survey: What a first look through the same entries told.
        present: The members listed after the gap, at least of ``survey.queues_to_list``; of all queues where lines
            are missing.
        heard: What came over AMI since the login.
        callers: Who waits; is told all entries.
        legs: The channels there are after the gap.
        missing: Of what times there are no lines.
        time_to_answer: ``queue``: the caller's waiting; ``ring``: the agent's ringing.
        first: Nobody ever watched before: what concerns no session of those who are present does not matter.

    Attributes:
        restarted: Whether the entries so far told of a restart of Asterisk.
        calls: What became of the calls.
    """

    def __init__(
        self,
        handler: AgentHandler,
        gap: Gap,
        from_wall: FromWall,
        survey: Survey,
        *,
        present: Iterable[Member] = (),
        heard: Iterable[Heard] = (),
        callers: WaitingCallers | None = None,
        legs: Legs | None = None,
        missing: Sequence[Missing] = (),
        time_to_answer: Literal["queue", "ring"] = "queue",
        first: bool = False,
    ) -> None:
        self.restarted = False
        self._gap = gap
        self._from_wall = from_wall
        self._heard = list(heard)
        self._callers = callers if callers is not None else WaitingCallers()
        self._first = first
        self._before = Before(handler, gap.begin, from_wall)
        present = list(present)
        sessions, ended = list(handler.sessions()), list(handler.ended())
        self._roster = Roster(session.member for session in sessions)
        earlier = [session.member for session in (*sessions, *ended)]
        self._directory = Directory(present, earlier, survey.logins)
        self._arrivals = [member for member in present if self._is_arrival(member)]
        self._arrivals.sort(key=lambda member: member.login_time or 0)
        self._nameless: dict[MembershipKey, tuple[int, Entry]] = {}
        self._gone: set[tuple[str, str]] = set()
        self._missing = [self._instants(each) for each in missing]
        self.calls = RecoveredCalls(
            handler, gap.begin, self._before, self._callers, legs or Legs(), time_to_answer=time_to_answer
        )
        self._head: list[Entry] | None = []
        self._tail: list[Entry] = []
        self._facts: list[Fact] = []
        self._now = gap.begin
        self._told_time = gap.begin
        self._on: dict[str, Callable[[Entry, int], None]] = {
            "CONNECT": self._connect,
            "COMPLETEAGENT": self._complete,
            "COMPLETECALLER": self._complete,
            "BLINDTRANSFER": self._complete,
            "ATTENDEDTRANSFER": self._complete,
            "RINGNOANSWER": self._ring_no_answer,
            "PAUSE": self._pause,
            "UNPAUSE": self._pause,
            "ADDMEMBER": self._add_member,
            "REMOVEMEMBER": self._remove_member,
            "PENALTY": self._penalty,
            "QUEUESTART": self._start,
        }

    @property
    def unplaced(self) -> list[Unplaced]:
        """What happened, and in whose session cannot be told: nobody's figures have it."""
        return self.calls.unplaced

    def take(self, entries: Iterable[Entry]) -> list[Fact]:
        """The next entries. Returns what they say, in order; those at either end of the gap wait for the others."""
        for entry in entries:
            at = self._from_wall(entry.time * SECOND)
            if self._head is not None:
                if at <= self._gap.begin + SECOND:
                    self._take_early(entry)
                    continue
                self._finish_head()
            if self._tail or at >= self._gap.end - LAG:
                self._tail.append(entry)
            else:
                self._process(entry)
        return self._flush()

    def finish(self) -> list[Fact]:
        """There are no more entries. Returns what was kept back, and what the end of the gap decides."""
        self._finish_head()
        for entry in sift_end(self._tail, self._heard, self._gap.end, self._from_wall):
            self._process(entry)
        self._arrive(self._gap.end)
        self._cross_missing(None)
        for _, entry in self._nameless.values():
            self._lose(entry, self._gap.end)
        self._facts += self.calls.finish(self._gap.end)
        self._tell_time(self._gap.end)
        return self._flush()

    # The ends of the gap -------------------------------------------------------------------------------------------

    def _take_early(self, entry: Entry) -> None:
        """Old entries are passed over at once, however many there are; attempts are needed to count by."""
        assert self._head is not None
        if not self._before.is_old(entry) or entry.event in {"RINGNOANSWER", "CONNECT"}:
            self._head.append(entry)
        self._callers.take(entry) if self._before.is_old(entry) and entry.event != "CONNECT" else None

    def _finish_head(self) -> None:
        head, self._head = self._head or [], None
        for entry in self._before.sift(head):
            self._process(entry)

    def _flush(self) -> list[Fact]:
        told, self._facts = self._facts, []
        return told

    def _process(self, entry: Entry) -> None:
        at = self._from_wall(entry.time * SECOND)
        self._cross_missing(entry.time)
        self._arrive(at - 2 * SECOND)
        # Lines of one second come in order, and a moment may be known better than its second.
        now = min(max(at, self._now, self._gap.begin), max(self._gap.end, self._now))
        act = self._on.get(entry.event)
        if act is not None:
            act(entry, now)
        self._callers.take(entry)
        self._now = max(self._now, now)

    def _tell(self, at: int, *facts: Fact) -> None:
        self._tell_time(at)
        self._facts += facts

    def _tell_time(self, at: int) -> None:
        """Timers run out between facts, in their order."""
        if at > self._told_time:
            self._told_time = at
            self._facts.append(TimePassed(at))
