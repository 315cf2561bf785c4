"""One session's life: its states in order and the figures that follow from them.

The rules, in the order in which a state is found: ended; on a call; wrapping up; paused; device not to be reached;
ready.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from tests.lab.oracle.calls import Call

NOT_READY: Final = "NOT_READY"
READY: Final = "READY"
BUSY_ON_CALL: Final = "BUSY_ON_CALL"
BUSY_WRAPUP: Final = "BUSY_WRAPUP"
SESSION_ENDED: Final = "SESSION_ENDED"

ALLOWED: Final = {
    NOT_READY: {READY, SESSION_ENDED},
    READY: {BUSY_ON_CALL, NOT_READY, SESSION_ENDED},
    BUSY_ON_CALL: {BUSY_WRAPUP, READY, NOT_READY, SESSION_ENDED},
    BUSY_WRAPUP: {READY, NOT_READY, SESSION_ENDED},
    SESSION_ENDED: set[str](),
}
WRAP_UP_REASONS: Final = frozenset({"wrapup", "wrap-up", "acw"})
UNREACHABLE: Final = {"4": "device invalid", "5": "device unavailable"}


@dataclass(frozen=True, slots=True)
class Step:
    """A state entered: which, when, and for NOT_READY why; *exact* is False where only a snapshot told it."""

    state: str
    at: int
    reason: str | None = None
    exact: bool = True


FactKind = Literal["paused", "device", "answered", "ended call", "missed", "removed"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a session.

    Attributes:
        order: Place among facts of the same microsecond.
        paused: For ``paused``: whether it is so now.
        text: For ``paused`` the reason, for ``device`` the status number.
        exact: False where no event told it, so that its time is that of the snapshot which showed it.
    """

    at: int
    order: int
    kind: FactKind
    paused: bool = False
    text: str = ""
    exact: bool = True


@dataclass(slots=True)
class Session:
    """A membership and what must be shown of it.

    Attributes:
        exact: False where the end, or the start, was seen by a snapshot only, so that its time is uncertain.
        steps: The states, the first one included.
        wrap_ups: Each wrap-up that ended, from and to.
        open_wrap_up: Start of the one that runs, or None.
    """

    queue: str
    name: str
    interface: str
    started: int
    wrap_up: int
    paused: bool = False
    pause_reason: str = ""
    device: str = "0"
    exact: bool = True
    ended: int | None = None
    calls: list[Call] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    missed: int = 0
    steps: list[Step] = field(default_factory=list)
    wrap_ups: list[tuple[int, int]] = field(default_factory=list)
    open_wrap_up: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Queue, member name, interface: the place of its topic."""
        return self.queue, self.name, self.interface

    @property
    def handled(self) -> list[Call]:
        """The calls whose talking has ended."""
        return [call for call in self.calls if call.ended is not None]

    @property
    def number_of_calls(self) -> int:
        """How many calls are handled."""
        return len(self.handled)

    @property
    def total_talk_time(self) -> int:
        """Sum over the handled calls."""
        return sum(call.talk for call in self.handled)

    @property
    def total_wrap_up_time(self) -> int:
        """Sum over the wrap-ups that ended."""
        return sum(to - since for since, to in self.wrap_ups)

    @property
    def total_call_time(self) -> int:
        """Talk and wrap-up."""
        return self.total_talk_time + self.total_wrap_up_time

    @property
    def answer_times(self) -> list[int]:
        """The callers' waiting, one for each handled call whose joining was seen."""
        return [call.time_to_answer for call in self.handled if call.time_to_answer is not None]

    @property
    def ring_times(self) -> list[int]:
        """The agent's ringing, one for each handled call whose offer was seen."""
        return [call.ring_time for call in self.handled if call.ring_time is not None]

    @property
    def longest_time_to_answer(self) -> int:
        """The longest of the callers' waits; 0 without calls."""
        return max(self.answer_times, default=0)

    def average(self, total: int) -> float:
        """Return a total divided by the number of calls, in microseconds; 0 without calls."""
        return total / self.number_of_calls if self.number_of_calls else 0.0

    @property
    def average_time_to_answer(self) -> float:
        """Mean of the callers' waits."""
        return self.average(sum(self.answer_times))

    def duration(self, at: int) -> int:
        """Return how long it has lasted at a moment, or altogether if it ended before."""
        return (at if self.ended is None else min(at, self.ended)) - self.started

    def call_rate(self, at: int) -> float:
        """Return handled calls per hour of session; 0 for one younger than a second."""
        lasted = self.duration(at)
        return self.number_of_calls * 3_600_000_000 / lasted if lasted >= 1_000_000 else 0.0

    @property
    def state(self) -> str:
        """The last state."""
        return self.steps[-1].state

    def time_in(self, state: str, at: int) -> int:
        """Return how long it was in a state up to a moment."""
        pairs = itertools.pairwise([*self.steps, Step("", max(at, self.steps[-1].at))])
        return sum(after.at - step.at for step, after in pairs if step.state == state)


class _Machine:
    """Plays a session's facts in order, with the one timer there is: the end of the wrap-up."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._paused = session.paused
        self._reason = session.pause_reason if session.paused else ""
        self._device = session.device
        self._open = 0
        self._ended = False
        self._wrap_up_since: int | None = None
        self._deadline = 0
        self._manual = False  # the pause in force was asked for as wrap-up, in a call or in its wrap-up
        session.steps.append(self._step(session.started))

    def play(self, facts: Iterable[Fact], until: int) -> None:
        for fact in sorted(facts, key=lambda f: (f.at, f.order)):
            if fact.at > until:
                break
            self._pass_time(fact.at)
            self._apply(fact)
            self._show(fact.at, exact=fact.exact)
        self._pass_time(until)
        self._session.open_wrap_up = self._wrap_up_since

    def _apply(self, fact: Fact) -> None:
        match fact.kind:
            case "paused":
                self._pause(fact) if fact.paused else self._unpause(fact.at)
            case "device":
                self._device = fact.text
            case "answered":
                self._end_wrap_up(fact.at)
                self._show(fact.at)
                self._open += 1
            case "ended call":
                self._open -= 1
                if self._open == 0 and not self._ended:
                    self._begin_wrap_up(fact.at)
            case "missed":
                self._session.missed += 1
            case "removed":
                self._end_wrap_up(fact.at)
                self._ended = True

    def _pause(self, fact: Fact) -> None:
        if self._paused and fact.text == self._reason:
            return
        self._paused, self._reason = True, fact.text
        self._manual = fact.text in WRAP_UP_REASONS and (self._open > 0 or self._wrap_up_since is not None)
        if not self._manual:
            self._end_wrap_up(fact.at)

    def _unpause(self, at: int) -> None:
        self._paused, self._reason, self._manual = False, "", False
        if self._wrap_up_since is not None and at >= self._deadline:
            self._end_wrap_up(at)

    def _begin_wrap_up(self, at: int) -> None:
        if self._session.wrap_up or self._manual:
            self._wrap_up_since = at
            self._deadline = at + self._session.wrap_up

    def _end_wrap_up(self, at: int) -> None:
        if self._wrap_up_since is not None:
            self._session.wrap_ups.append((self._wrap_up_since, at))
            self._wrap_up_since = None

    def _pass_time(self, now: int) -> None:
        if self._wrap_up_since is not None and not self._manual and self._deadline <= now:
            deadline = self._deadline
            self._end_wrap_up(deadline)
            self._show(deadline)

    def _step(self, at: int) -> Step:
        if self._ended:
            return Step(SESSION_ENDED, at)
        if self._open:
            return Step(BUSY_ON_CALL, at)
        if self._wrap_up_since is not None:
            return Step(BUSY_WRAPUP, at)
        if self._paused:
            return Step(NOT_READY, at, self._reason or None)
        if self._device in UNREACHABLE:
            return Step(NOT_READY, at, UNREACHABLE[self._device])
        return Step(READY, at)

    def _show(self, at: int, *, exact: bool = True) -> None:
        """Tell the state if it is another; where TAPI forbids the step, by way of READY."""
        before, now = self._session.steps[-1], self._step(at)
        if before.state in (now.state, SESSION_ENDED):
            return
        if now.state not in ALLOWED[before.state]:
            assert READY in ALLOWED[before.state], (before, now)
            assert now.state in ALLOWED[READY], (before, now)
            self._session.steps.append(Step(READY, at, exact=exact))
        self._session.steps.append(replace(now, exact=exact))


def play(session: Session, until: int) -> None:
    """Fill in a session's states, wrap-ups and missed calls from its facts, up to a moment."""
    _Machine(session).play(session.facts, until)
