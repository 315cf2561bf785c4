"""One session of a log, changed in place: the rules of ``gateway.domain.history`` where all that is known is a log.

A log tells things in their order and nothing of devices, which is why some of those rules are not needed here.
"""

from typing import Final, NamedTuple

from gateway.domain.instant import HOUR, SECOND
from gateway.domain.session import REMEMBERED

NOT_READY: Final = 0
READY: Final = 1
BUSY_ON_CALL: Final = 2
BUSY_WRAPUP: Final = 3
SESSION_ENDED: Final = 4
"""AGENT_SESSION_STATE as plain numbers, for speed."""


class Gap(NamedTuple):
    """A time of which the log does not tell all, in instants."""

    begin: int
    end: int


class OpenCall:
    """A call that is being talked. ``session`` is the one it counts into, None for a call that counted already."""

    __slots__ = ("answered_at", "key", "ring_time", "seat", "session", "time_to_answer")

    def __init__(
        self, key: tuple[bytes, bytes], answered_at: int, *, time_to_answer: int | None, ring_time: int | None
    ) -> None:
        self.key = key
        self.answered_at = answered_at
        self.time_to_answer = time_to_answer
        self.ring_time = ring_time
        self.session: ReplaySession | None = None


class ReplaySession:
    """A session. Times are instants, durations microseconds; names and rules are those of ``AgentSession``.

    Attributes:
        login_told: Whether the log tells its begin; else it begins where the log first names its agent.
        first_seen: Instant of the begin, or of a rollover.
        told: Keys of calls and misses that were counted, oldest first.
        returning: Asterisk was started anew, and the member did not show since.
        rolling: Instant at which it was to be rolled over, which it will be when it is busy no more; 0: not.
    """

    __slots__ = (
        "agent", "answers_timed", "asked_until", "calls", "calls_missed", "changed_at", "end_time", "final_rate",
        "first_seen", "gaps", "group", "interface", "last_call_end", "limit", "login_told", "longest_ring_time",
        "longest_time_to_answer", "number_of_calls", "paused", "paused_reason", "paused_since", "ready_asked",
        "reason", "reasons", "returning", "ring_time", "rings_timed", "rolling", "start_time", "state", "state_since",
        "time_in_state", "time_to_answer", "told", "total_talk_time", "total_wrap_up_time", "wrap_up_asked",
        "wrap_up_began", "wrap_up_deadline",
    )  # fmt: skip

    def __init__(
        self,
        group: str,
        agent: str,
        interface: str,
        at: int,
        *,
        limit: int | None,
        reasons: frozenset[str],
        paused: bool,
        paused_reason: str | None,
        told: dict[tuple[object, ...], None],
        login_told: bool,
    ) -> None:
        self.group = group
        self.agent = agent
        self.interface = interface
        self.limit = limit
        self.reasons = reasons
        self.paused = paused
        self.paused_reason = paused_reason
        self.told = told
        self.login_told = login_told
        self.start_time = self.first_seen = self.state_since = self.changed_at = self.paused_since = at
        self.end_time: int | None = None
        self.state = NOT_READY if paused else READY
        self.reason = paused_reason if paused else None
        self.calls: list[OpenCall] = []
        self.gaps: list[Gap] = []
        self.time_in_state = [0, 0, 0, 0]
        self.wrap_up_began: int | None = None
        self.wrap_up_deadline: int | None = None
        self.wrap_up_asked = self.ready_asked = self.returning = False
        self.rolling = 0
        self.asked_until = self.last_call_end = 0
        self.final_rate: float | None = None
        self.number_of_calls = self.total_talk_time = self.total_wrap_up_time = 0
        self.time_to_answer = self.answers_timed = self.longest_time_to_answer = 0
        self.ring_time = self.rings_timed = self.longest_ring_time = 0
        self.calls_missed = 0

    # What follows from what is known -------------------------------------------------------------------------------

    @property
    def paused_for_wrap_up(self) -> bool:
        """Whether the agent asked for wrap-up, by a pause with such a reason in a call or in its wrap-up."""
        return self.wrap_up_asked and self.paused and self.paused_reason in self.reasons

    @property
    def busy(self) -> bool:
        """Whether it is in a call or in wrap-up, so that no rollover ends it."""
        return self.state in (BUSY_ON_CALL, BUSY_WRAPUP)

    def duration(self, now: int) -> int:
        """Microseconds from the start to the end, or to *now*."""
        return max(0, (now if self.end_time is None else self.end_time) - self.start_time)

    def acd_call_rate(self, now: int) -> float:
        """Calls per hour of the session, without its gaps."""
        if self.final_rate is not None:
            return self.final_rate
        seen = self.duration(now) - self.unseen(now)
        return round(self.number_of_calls * HOUR / seen, 4) if seen >= SECOND else 0.0

    def time_in(self, state: int, now: int) -> int:
        """Microseconds in a state other than SESSION_ENDED, up to *now*."""
        spent = self.time_in_state[state]
        return spent + max(0, now - self.state_since) if state == self.state else spent

    def unseen(self, now: int) -> int:
        """Microseconds of gaps, overlaps once, within the session."""
        end = now if self.end_time is None else self.end_time
        missing, reached = 0, self.start_time
        for gap in sorted(self.gaps):
            begin = max(gap.begin, reached)
            reached = max(reached, min(gap.end, end))
            missing += max(0, reached - begin)
        return missing

    def _pending(self) -> int | None:
        if not self.busy:
            return None
        if self.paused_for_wrap_up:
            return None if self.state == BUSY_WRAPUP else BUSY_WRAPUP
        if self.paused:
            return NOT_READY
        return READY if self.ready_asked else None

    # What happens --------------------------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Let time pass: a wrap-up whose deadline has come is over, at the deadline exactly."""
        deadline = self.wrap_up_deadline
        if deadline is not None and deadline <= now and not self.paused_for_wrap_up:
            self._end_wrap_up(deadline)
            self._settle(deadline, None)

    def observe(self, *, paused: bool, reason: str | None, at: int, pause_told: bool) -> None:
        """The member as the log has it now; *pause_told* by a line of a pause."""
        self.advance(at)
        was_paused, was_reason, was_asked, pending = (
            self.paused,
            self.paused_reason,
            self.paused_for_wrap_up,
            self._pending(),
        )
        is_new = paused and (not was_paused or was_reason != reason)
        in_call = bool(self.calls) or self.wrap_up_began is not None
        if not paused:
            self.wrap_up_asked = False
        elif is_new:
            self.wrap_up_asked = in_call
            self.paused_since = at
        else:
            self.wrap_up_asked = self.wrap_up_asked or (pause_told and in_call)
        self.paused, self.paused_reason = paused, reason
        if self.calls and was_asked and not self.paused_for_wrap_up:
            self.asked_until = at
        if self.wrap_up_began is not None and self.state == BUSY_WRAPUP:
            self._observe_in_wrap_up(at, is_new=is_new, unpause_told=pause_told or was_paused)
        self._settle(at, pending)

    def _observe_in_wrap_up(self, at: int, *, is_new: bool, unpause_told: bool) -> None:
        if self.paused:
            self.ready_asked = False
            if is_new and not self.paused_for_wrap_up:
                self._end_wrap_up(at)
        elif self.wrap_up_deadline is None or self.wrap_up_deadline <= at:
            self._end_wrap_up(at)
        elif unpause_told:
            self.ready_asked = True

    def answer(self, call: OpenCall, at: int) -> None:
        """Agent and caller are bridged."""
        if self.end_time is not None or call.key in self.told:
            return
        if self.wrap_up_began is not None:
            self.advance(at)
            self._end_wrap_up(at)
        if self.state not in (READY, BUSY_ON_CALL):
            self._enter(READY, None, at)
        call.session = self
        self.calls.append(call)
        if self.state != BUSY_ON_CALL:
            self._enter(BUSY_ON_CALL, None, at)

    def end_call(self, call: OpenCall, at: int) -> None:
        """The talking ended: the call counts."""
        self._remember(call.key)
        self.calls.remove(call)
        self.last_call_end = max(self.last_call_end, at)
        self.number_of_calls += 1
        self.total_talk_time += max(0, at - call.answered_at)
        waited, rung = call.time_to_answer, call.ring_time
        if waited is not None:
            self.time_to_answer += waited
            self.answers_timed += 1
            self.longest_time_to_answer = max(self.longest_time_to_answer, waited)
        if rung is not None:
            self.ring_time += rung
            self.rings_timed += 1
            self.longest_ring_time = max(self.longest_ring_time, rung)
        cut = self._cut_before_told()
        if cut is not None:
            self._count_wrap_up(cut)
        elif not self.calls and self.end_time is None:
            self._begin_wrap_up()
        self._settle(at, None, counted=True)

    def miss(self, attempt: tuple[object, ...], at: int) -> None:
        """The agent was rung and did not answer."""
        if attempt in self.told:
            return
        self.advance(at)
        self.calls_missed += 1
        self._remember(attempt)
        self._settle(at, None, counted=True)

    def end(self, at: int) -> None:
        """The logout. A call still being talked counts when it ends."""
        self.advance(at)
        at = max(at, self.changed_at, self.start_time)
        self._end_wrap_up(at)
        self.gaps = [Gap(gap.begin, min(gap.end, at)) for gap in self.gaps if gap.begin < at]
        self.end_time = at
        self.final_rate = self.acd_call_rate(at)
        self._enter(SESSION_ENDED, None, at)

    def note_gap(self, begin: int, end: int) -> None:
        """Part of the session is not told."""
        begin = max(begin, self.start_time)
        if self.end_time is None and end > begin:
            if any(gap.begin <= begin and end <= gap.end for gap in self.gaps):
                return
            self.gaps.append(Gap(begin, end))

    # How -----------------------------------------------------------------------------------------------------------

    def _remember(self, key: tuple[object, ...]) -> None:
        self.told[key] = None
        if len(self.told) > REMEMBERED:
            del self.told[next(iter(self.told))]

    def _end_wrap_up(self, at: int) -> None:
        if self.wrap_up_began is not None:
            self.total_wrap_up_time += max(0, at - self.wrap_up_began)
            self.wrap_up_began = self.wrap_up_deadline = None
            self.ready_asked = False

    def _begin_wrap_up(self) -> None:
        began = self.last_call_end
        deadline = began + self.limit if self.limit else None
        over = max(deadline or began, self.asked_until)
        self.wrap_up_began, self.wrap_up_deadline = began, deadline
        if self.paused and self.paused_since > began:
            if self.paused_since >= over:
                self.wrap_up_asked = False
            if not self.paused_for_wrap_up:
                self._end_wrap_up(min(self.paused_since, over))
                return
        if not self.paused_for_wrap_up and over != deadline:
            self._end_wrap_up(over)

    def _cut_before_told(self) -> int | None:
        began = self.last_call_end
        cuts = [] if self.end_time is None or self.end_time <= began else [self.end_time]
        for call in self.calls:
            if call.answered_at <= began:
                return None
            cuts.append(call.answered_at)
        return min(cuts, default=None)

    def _count_wrap_up(self, cut: int) -> None:
        """The wrap-up that was over at *cut*, of which nothing was told."""
        was, asked, ready = self.total_wrap_up_time, self.wrap_up_asked, self.ready_asked
        running = self.wrap_up_began, self.wrap_up_deadline
        self._begin_wrap_up()
        if self.wrap_up_began is not None:
            deadline = None if self.paused_for_wrap_up else self.wrap_up_deadline
            self._end_wrap_up(cut if deadline is None else min(cut, deadline))
        self.total_wrap_up_time = min(self.total_wrap_up_time, was + cut - self.last_call_end)
        self.wrap_up_began, self.wrap_up_deadline = running
        self.wrap_up_asked, self.ready_asked = asked, ready

    def _settle(self, at: int, pending: int | None, *, counted: bool = False) -> None:
        """Give it the state that is due; *pending* is what was pending before, *counted* that a figure changed."""
        if self.end_time is not None:
            state = SESSION_ENDED
        elif self.calls:
            state = BUSY_ON_CALL
        elif self.wrap_up_began is not None:
            state = BUSY_WRAPUP
        else:
            state = NOT_READY if self.paused else READY
        reason = self.paused_reason if state == NOT_READY else None
        if state != self.state:
            self._enter(state, reason, at)
        elif counted or reason != self.reason or pending != self._pending():
            self.reason = reason
            self.changed_at = max(at, self.changed_at)

    def _enter(self, state: int, reason: str | None, at: int) -> None:
        at = max(at, self.changed_at)
        if self.state != SESSION_ENDED:
            self.time_in_state[self.state] += at - self.state_since
        self.state, self.state_since, self.reason, self.changed_at = state, at, reason, at
