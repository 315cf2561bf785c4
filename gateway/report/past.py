"""From what the store holds to figures of any time: whole sessions as they were, others as far as they lie in it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.session import AgentSession
from gateway.domain.state import AgentSessionState
from gateway.report.figures import Figures
from gateway.store.ended import ArchivedCall, ArchivedSession, Spell
from gateway.store.past import Past

_NOT_READY: Final = AgentSessionState.NOT_READY.value
WRAPUP: Final = AgentSessionState.BUSY_WRAPUP.value

Interval = tuple[int, int]


@dataclass(slots=True)
class Life:
    """One session with all that is known of it; times of day, microseconds since the epoch.

    Attributes:
        began: When it began.
        ended: When it ended; None while it lasts.
        until: When it ended, or up to when it is known.
        first_seen: When it was first seen.
        spells: The time not ready or wrapping up, in order, none over another.
        calls: The calls handled.
        talking: Begins of the calls that are being talked.
        whole: The session as it ended; None while it lasts.
        missed: Calls missed in all of it.
        unseen: Time of its gaps.
    """

    session_id: str
    agent: str
    group: str
    address: str
    began: int
    ended: int | None
    until: int
    first_seen: int
    missed: int
    unseen: int
    whole: ArchivedSession | None = None
    spells: list[Spell] = field(default_factory=list)
    calls: list[ArchivedCall] = field(default_factory=list)
    talking: list[int] = field(default_factory=list)

    def figures(self, begin: int, end: int) -> Figures:
        """The figures of what lies between two times of day.

        A session that lies there wholly has those it had at its end. Of another, a call or a wrap-up counts where it
        ended, times are cut, and how many calls were missed is not known.
        """
        if self.whole is not None and begin <= self.began and self.whole.ended <= end:
            return self._whole(self.whole)
        return self._part(begin, end)

    def _whole(self, session: ArchivedSession) -> Figures:
        sums, times = session.figures, session.time_in_state
        return Figures(
            sessions=1,
            session_duration=session.ended - session.started,
            not_ready=self._reasons(self.began, session.ended),
            ready=times[AgentSessionState.READY],
            busy_on_call=times[AgentSessionState.BUSY_ON_CALL],
            busy_wrapup=times[AgentSessionState.BUSY_WRAPUP],
            number_of_calls=sums.number_of_calls,
            total_talk_time=sums.total_talk_time,
            total_wrap_up_time=sums.total_wrap_up_time,
            time_to_answer=sums.time_to_answer,
            answers_timed=sums.answers_timed,
            longest_time_to_answer=sums.longest_time_to_answer,
            calls_missed=sums.calls_missed,
            unseen=session.unseen,
            complete=not session.unseen,
        )

    def _part(self, begin: int, end: int) -> Figures:
        begin_, end_ = max(begin, self.began), min(end, self.until)
        handled = [call for call in self.calls if begin <= call.ended < end]
        answers = [call.time_to_answer for call in handled if call.time_to_answer is not None]
        reasons = self._reasons(begin_, end_)
        wrap_up = sum(overlap(each.began, each.ended, begin_, end_) for each in self.spells if each.state == WRAPUP)
        on_call = sum(overlap(*each, begin_, end_) for each in union(self.talks()))
        seen = overlap(max(self.first_seen, begin_), self.until, begin_, end_)
        return Figures(
            sessions=1,
            session_duration=max(0, end_ - begin_),
            not_ready=reasons,
            ready=max(0, seen - sum(reasons.values()) - wrap_up - on_call),
            busy_on_call=on_call,
            busy_wrapup=wrap_up,
            number_of_calls=len(handled),
            total_talk_time=sum(call.talk_time or 0 for call in handled),
            total_wrap_up_time=sum(
                each.ended - each.began
                for each in self.spells
                if each.state == WRAPUP and begin <= each.ended < end and each.reason != RUNNING
            ),
            time_to_answer=sum(answers),
            answers_timed=len(answers),
            longest_time_to_answer=max(answers, default=0),
            calls_missed=None if self.missed else 0,
            unseen=min(self.unseen, max(0, end_ - begin_)),
            complete=not self.unseen,
        )

    def talks(self) -> list[Interval]:
        """When there was talking, each call for itself."""
        return [(call.began, call.ended) for call in self.calls] + [(each, self.until) for each in self.talking]

    def _reasons(self, begin: int, end: int) -> dict[str, int]:
        reasons: dict[str, int] = {}
        for spell in self.spells:
            time = overlap(spell.began, spell.ended, begin, end) if spell.state == _NOT_READY else 0
            if time:
                reasons[spell.reason or ""] = reasons.get(spell.reason or "", 0) + time
        return reasons


RUNNING: Final = "\0running"
"""Reason of a wrap-up that has not ended yet, so that it does not count."""


def overlap(began: int, ended: int, begin: int, end: int) -> int:
    """How much of one time lies in another."""
    return max(0, min(ended, end) - max(began, begin))


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time, without overlaps."""
    whole: list[Interval] = []
    for begin, end in sorted(intervals):
        if whole and begin <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((begin, end))
    return whole


def lives(past: Past, now: int) -> list[Life]:
    """Every session with what belongs to it; those that go on are known up to *now*, or to the last contact."""
    wall = _Clock(past.clock_steps)
    until = now if past.is_running or past.contact is None else wall(past.contact)
    found = {each.session_id: _ended(each) for each in past.sessions}
    for session in past.open:
        found.setdefault(session.session_id, _open(session, wall, until))
    for spell in past.spells:
        if spell.session_id in found:
            found[spell.session_id].spells.append(spell)
    for call in past.calls:
        if call.session_id in found:
            found[call.session_id].calls.append(call)
    for life in found.values():
        life.spells = _in_order(life.spells)
    return sorted(found.values(), key=lambda life: (life.began, life.session_id))


def _ended(session: ArchivedSession) -> Life:
    return Life(
        session.session_id,
        session.agent,
        session.group,
        session.address,
        session.started,
        session.ended,
        session.ended,
        session.first_seen,
        session.figures.calls_missed,
        session.unseen,
        session,
    )


def _open(session: AgentSession, wall: "_Clock", until: int) -> Life:
    life = Life(
        session.session_id,
        session.agent,
        session.group,
        session.address,
        wall(session.start_time),
        None,
        max(until, wall(session.changed_at)),
        wall(session.first_seen),
        session.figures.calls_missed,
        session.unseen_time(session.changed_at),
    )
    begins = (call.found_at if call.answered_at is None else call.answered_at for call in session.calls)
    life.talking = [wall(session.state_since if begin is None else begin) for begin in begins]
    if session.state.value in (_NOT_READY, WRAPUP):
        reason = session.reason if session.state.value == _NOT_READY else RUNNING
        since = wall(session.state_since)
        life.spells.append(Spell(session.session_id, session.state.value, since, life.until, reason))
    return life


def _in_order(spells: Sequence[Spell]) -> list[Spell]:
    """By their ends; one that still lasts begins where the one before it ended, which has another reason then."""
    reached, found = 0, []
    for spell in sorted(spells, key=lambda each: each.ended):
        began = max(spell.began, reached)
        reached = spell.ended
        if began < spell.ended:
            found.append(Spell(spell.session_id, spell.state, began, spell.ended, spell.reason))
    return found


class _Clock:
    """Turns instants into times of day, as ``gateway.timeline`` does."""

    def __init__(self, steps: Iterable[tuple[int, int]]) -> None:
        self._at: list[int] = []
        self._sums = [0]
        for at, by in steps:
            self._at.append(at)
            self._sums.append(self._sums[-1] + by)

    def __call__(self, instant: int) -> int:
        return instant + self._sums[bisect_left(self._at, instant + 1)]


def within(lives_: Iterable[Life], begin: int, end: int) -> Iterator[tuple[Life, Figures]]:
    """The sessions of which some part lies between two times of day, with the figures of it."""
    for life in lives_:
        if life.began < end and (life.until > begin or begin <= life.began):
            yield life, life.figures(begin, end)
