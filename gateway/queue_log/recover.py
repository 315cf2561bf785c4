"""From the lines of a gap to facts of the session model, as if somebody had watched. Sans-I/O.

At a second's grain, with the cause ``recovered``. What the log cannot tell for certain becomes a gap, never a guess;
what is known already changes nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Final, Literal, NamedTuple

from gateway.domain.facts import (
    CallAnswered,
    CallClosed,
    CallEnded,
    CallMissed,
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
from gateway.domain.member import Member, MembershipKey, membership_key
from gateway.domain.queue import ACDQueue
from gateway.queue_log.known import LAG, Before, FromWall, Heard, sift_end
from gateway.queue_log.parse import Entry
from gateway.queue_log.reading import Missing
from gateway.queue_log.recovered_callers import HeardCaller, RecoveredCallers
from gateway.queue_log.recovered_calls import Legs, RecoveredCalls, Unplaced
from gateway.queue_log.recovered_members import RecoveredMembers
from gateway.queue_log.roster import Directory, Roster
from gateway.queue_log.survey import Survey
from gateway.queue_log.waiting import WaitingCallers

ARRIVAL_GRAIN: Final = 2 * SECOND
"""How long after a LoginTime the line of that login must have come, if there is one."""


class Gap(NamedTuple):
    """The time to recover, in instants: from the last contact to the login after it."""

    begin: int
    end: int


class Recovery:
    """Turns entries into facts.

    Give it all entries from some seconds before the gap on, in the order of the log, in as many parts as is
    convenient; apply the facts of each part, and all of them before anything that came over AMI since.

    Args:
        handler: The model as it was when contact was lost. It is read here and now, and at the first entries.
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
        first: Whether nothing was ever seen before the gap. Then ``present`` are the members of all queues, and only
            their present sessions are told: those that were over before anybody looked are nobody's.
        queues: The queues as they were when contact was lost.
        heard_callers: What came over AMI of callers since the login.

    Attributes:
        calls: What became of the calls: ``open`` and ``ended``.
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
        queues: Iterable[ACDQueue] = (),
        heard_callers: Iterable[HeardCaller] = (),
    ) -> None:
        self._gap = gap
        self._queue_callers = RecoveredCallers(
            queues, gap.begin, gap.end, from_wall, heard=heard_callers, tell=self._tell
        )
        self._first = first
        self._from_wall = from_wall
        self._heard = list(heard)
        self._callers = WaitingCallers() if callers is None else callers
        self._missing = list(missing)
        self._before = Before(handler, gap.begin, from_wall)
        self._head: list[Entry] | None = []
        self._tail: list[tuple[Entry, bool]] = []
        self._facts: list[Fact] = []
        self._now = 0
        self._sign = gap.begin
        self._told_time = gap.begin
        present = list(present)
        sessions, ended = list(handler.sessions()), list(handler.ended())
        recently = gap.begin - 2 * LAG
        self.calls = RecoveredCalls(
            handler,
            self._before,
            self._callers,
            Legs() if legs is None else legs,
            end=gap.end,
            tell=self._tell,
            time_to_answer=time_to_answer,
        )
        self._members = RecoveredMembers(
            Roster(sessions),
            Directory(present, (session.member for session in (*sessions, *ended)), survey.logins),
            present,
            [session.member for session in ended if (session.end_time or 0) >= recently],
            self.calls,
            from_wall=from_wall,
            tell=self._tell,
            begin=gap.begin,
            end=gap.end,
            first=first,
            left=survey.left.values() if first else (),
        )
        self._act: dict[str, Callable[[Entry, int], None]] = {
            "CONNECT": self._connect,
            "COMPLETEAGENT": self._complete,
            "COMPLETECALLER": self._complete,
            "BLINDTRANSFER": self._complete,
            "ATTENDEDTRANSFER": self._complete,
            "RINGNOANSWER": self._ring_no_answer,
            "PAUSE": self._members.pause,
            "UNPAUSE": self._members.pause,
            "ADDMEMBER": self._members.add,
            "REMOVEMEMBER": self._members.remove,
            "PENALTY": self._members.penalty,
            "QUEUESTART": self._start,
        }

    @property
    def restarted(self) -> bool:
        """Whether the entries so far told of a start of Asterisk."""
        return self._members.restarted

    @property
    def unplaced(self) -> list[Unplaced]:
        """What happened and is in nobody's figures, as nothing tells for certain whose it is."""
        return [] if self._first else self.calls.unplaced

    def take(self, entries: Iterable[Entry]) -> list[Fact]:
        """The next entries. Returns what they say, in order; those at either end of the gap wait for the others."""
        for entry in entries:
            at = self._from_wall(entry.time * SECOND)
            if self._head is not None and at <= self._gap.begin + SECOND:
                self._take_early(self._head, entry)
                continue
            self._finish_head()
            self._now = max(self._now, self._gap.begin)
            self._go_on(entry)
        return self._flush()

    def arrivals(self, most: int) -> list[Fact]:
        """Of the members who came without a line before the last lines, *most* at a time; none when all are there.

        For whoever wants to do something else between them; ``finish`` brings all that are left.
        """
        self._finish_head()
        tail = self._from_wall(self._tail[0][0].time * SECOND) - ARRIVAL_GRAIN if self._tail else self._gap.end
        self._members.arrive(min(tail, self._gap.end), most=most)
        return self._flush()

    def finish(self) -> list[Fact]:
        """There are no more entries. Returns what was kept back, and what the end of the gap decides."""
        self._finish_head()
        tail = self._tail
        untold = [entry for entry, is_told in tail if not is_told]
        told = sift_end(untold, self._heard, self._gap.end, self._from_wall)
        of_callers = self._queue_callers.sift_end([entry for entry, _ in tail])
        numbers = count()
        for number, (entry, is_told) in enumerate(tail):
            is_callers_told = number in of_callers
            self._process(entry, is_told=is_told or next(numbers) in told, is_callers_told=is_callers_told)
        self._members.finish()
        self._cross_missing(None)
        self.calls.finish(self._gap.end)
        self._tell(self._gap.end)
        return self._flush()

    # In order ------------------------------------------------------------------------------------------------------

    def _take_early(self, head: list[Entry], entry: Entry) -> None:
        """Of what is clearly older than the gap little is kept, however much there is."""
        if not self._before.is_old(entry) or entry.event in {"CONNECT", "RINGNOANSWER"}:
            head.append(entry)
        else:
            self._callers.take(entry)

    def _finish_head(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            told = self._before.sift(head)
            self.calls.will_begin(head)
            for number, entry in enumerate(head):
                self._go_on(entry, is_told=number in told)

    def _go_on(self, entry: Entry, *, is_told: bool = False) -> None:
        """One entry behind the beginning: now, or at the end if it may have been told over AMI since."""
        if self._tail or self._from_wall(entry.time * SECOND) >= self._gap.end - LAG:
            self._tail.append((entry, is_told))
        else:
            self._process(entry, is_told=is_told)

    def _flush(self) -> list[Fact]:
        facts, self._facts = self._facts, []
        return facts

    def _process(self, entry: Entry, *, is_told: bool = False, is_callers_told: bool = False) -> None:
        at = self._from_wall(entry.time * SECOND)
        self._cross_missing(entry.time)
        if not is_callers_told:
            self._queue_callers.take(entry, min(max(at, self._told_time), self._gap.end))
        if entry.event == "CONNECT":
            self.calls.began(entry)
        act = None if is_told else self._act.get(entry.event)
        if act is not None:
            self._members.arrive(at - ARRIVAL_GRAIN)
            # Lines of one second come in order, and of some the moment within it is known.
            self._now = min(max(self._earliest(at), self._now), self._gap.end)
            act(entry, self._now)
        self._sign = max(self._sign, min(at, self._gap.end))
        self._callers.take(entry)

    def _earliest(self, at: int) -> int:
        """The first moment that a line of the second that began at *at* may tell of."""
        return max(at, self._gap.begin) if at + SECOND > self._gap.begin else at

    def _cross_missing(self, time: int | None) -> None:
        """Where lines are missing before this entry (None: the end), say so, and trust nothing older without proof."""
        while self._missing and (time is None or (self._missing[0].end or time + 1) <= time):
            missing = self._missing.pop(0)
            begin = max(self._from_wall(missing.begin * SECOND), self._gap.begin)
            end = self._gap.end if missing.end is None else self._from_wall(missing.end * SECOND)
            if end > begin:
                self._members.arrive(end)
                self._members.forget_unconfirmed()
                self._tell(min(end, self._gap.end), ContactLost(begin, min(end, self._gap.end), missing.why))

    def _tell(self, at: int, *facts: Fact) -> None:
        """Take facts of an instant, behind the timers that ran out before it."""
        if at > self._told_time:
            self._told_time = at
            self._facts.append(TimePassed(at))
        self._facts += [fact for fact in facts if _membership(fact) not in self._members.untold]

    # Acts that concern calls ---------------------------------------------------------------------------------------

    def _connect(self, entry: Entry, now: int) -> None:
        seats = self._members.named(entry, now)
        self.calls.connect(entry, now, seats, is_nobodys=self._members.was_removed(entry))

    def _complete(self, entry: Entry, now: int) -> None:
        at = self._from_wall(entry.time * SECOND)
        self._now = max(now, self.calls.complete(entry, at, now, earliest=min(self._earliest(at), now)))

    def _ring_no_answer(self, entry: Entry, now: int) -> None:
        seats = self._members.named(entry, now)
        self.calls.ring_no_answer(entry, self._from_wall(entry.time * SECOND), now, seats)

    def _start(self, _entry: Entry, now: int) -> None:
        self._members.start(self._sign, now)


def _membership(fact: Fact) -> MembershipKey | None:
    """Whom a fact concerns; None where it is not one member."""
    match fact:
        case MemberAdded() | MemberTold():
            return fact.member.key
        case MemberRemoved() | CallAnswered() | CallEnded() | CallClosed() | CallMissed() | SessionGap():
            return membership_key(fact.queue, fact.interface)
        case _:
            return None
