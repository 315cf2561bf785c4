"""Figures that add up: of one session, or of all sessions of an agent, a group or a day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.instant import HOUR


@dataclass(slots=True)
class Figures:
    """Sums; times are microseconds. Averages follow from them.

    Attributes:
        sessions: How many sessions are in them.
        session_duration: Time logged in.
        not_ready: Time in that state, by reason; ``""`` for none.
        ready: Time in that state.
        busy_on_call: Likewise.
        busy_wrapup: Likewise.
        number_of_calls: ACD calls handled.
        total_talk_time: In them.
        total_wrap_up_time: Over wrap-ups that ended.
        time_to_answer: Sum over the calls of which it is known.
        answers_timed: Number of those calls.
        longest_time_to_answer: The longest of them.
        calls_missed: Attempts to ring the agent that went unanswered; None where part of the time is not told.
        unseen: Time of gaps.
        complete: Whether nothing is missing.
    """

    sessions: int = 0
    session_duration: int = 0
    not_ready: dict[str, int] = field(default_factory=dict)
    ready: int = 0
    busy_on_call: int = 0
    busy_wrapup: int = 0
    number_of_calls: int = 0
    total_talk_time: int = 0
    total_wrap_up_time: int = 0
    time_to_answer: int = 0
    answers_timed: int = 0
    longest_time_to_answer: int = 0
    calls_missed: int | None = 0
    unseen: int = 0
    complete: bool = True

    @property
    def total_call_time(self) -> int:
        """Talk and wrap-up."""
        return self.total_talk_time + self.total_wrap_up_time

    @property
    def total_not_ready(self) -> int:
        """Time not ready, for whatever reason."""
        return sum(self.not_ready.values())

    @property
    def acd_call_rate(self) -> float:
        """Calls per hour logged in, without gaps; 0.0 below a second of it."""
        seen = self.session_duration - self.unseen
        return round(self.number_of_calls * HOUR / seen, 4) if seen >= HOUR // 3600 else 0.0

    def average(self, total: int, count: int | None = None) -> float:
        """A total for each call, or for each of *count*, in microseconds; 0.0 where there are none."""
        count = self.number_of_calls if count is None else count
        return total / count if count else 0.0

    def add(self, other: "Figures") -> None:
        """Take in those of another session, or of others."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, time in other.not_ready.items():
            self.not_ready[reason] = self.not_ready.get(reason, 0) + time
        self.longest_time_to_answer = max(self.longest_time_to_answer, other.longest_time_to_answer)
        unknown = self.calls_missed is None or other.calls_missed is None
        self.calls_missed = None if unknown else (self.calls_missed or 0) + (other.calls_missed or 0)
        self.complete = self.complete and other.complete


SUMS: Final = (
    "sessions", "session_duration", "ready", "busy_on_call", "busy_wrapup", "number_of_calls", "total_talk_time",
    "total_wrap_up_time", "time_to_answer", "answers_timed", "unseen",
)  # fmt: skip
"""The figures of which the sum is the whole."""


def columns(figures: Figures) -> dict[str, object]:
    """The figures under the names of the contract: durations in seconds to milliseconds, counts as they are."""
    return {
        "sessions": figures.sessions,
        "session_duration": seconds(figures.session_duration),
        "ready": seconds(figures.ready),
        "not_ready": seconds(figures.total_not_ready),
        "busy_on_call": seconds(figures.busy_on_call),
        "busy_wrapup": seconds(figures.busy_wrapup),
        "number_of_calls": figures.number_of_calls,
        "calls_missed": figures.calls_missed,
        "total_talk_time": seconds(figures.total_talk_time),
        "average_talk_time": seconds(figures.average(figures.total_talk_time)),
        "total_wrap_up_time": seconds(figures.total_wrap_up_time),
        "average_wrap_up_time": seconds(figures.average(figures.total_wrap_up_time)),
        "total_call_time": seconds(figures.total_call_time),
        "average_call_time": seconds(figures.average(figures.total_call_time)),
        "average_time_to_answer": seconds(figures.average(figures.time_to_answer, figures.answers_timed)),
        "longest_time_to_answer": seconds(figures.longest_time_to_answer),
        "acd_call_rate": figures.acd_call_rate,
        "complete": figures.complete,
    }


TIMES: Final = frozenset({
    "session_duration", "ready", "not_ready", "busy_on_call", "busy_wrapup", "total_talk_time", "average_talk_time",
    "total_wrap_up_time", "average_wrap_up_time", "total_call_time", "average_call_time", "average_time_to_answer",
    "longest_time_to_answer", "logged_in", "available",
})  # fmt: skip
"""The columns that are seconds."""


def seconds(microseconds: float) -> float:
    """As the contract writes durations."""
    return round(microseconds / 1_000_000, 3)


def grouped(each: Iterable[tuple[tuple[str, ...], Figures]]) -> dict[tuple[str, ...], Figures]:
    """The sum of each group, by its names in order."""
    sums: dict[tuple[str, ...], Figures] = {}
    for names, figures in each:
        found = sums.get(names)
        if found is None:
            found = sums[names] = Figures()
        found.add(figures)
    return dict(sorted(sums.items()))


def total(each: Iterable[Figures]) -> Figures:
    """The sum of all."""
    whole = Figures()
    for figures in each:
        whole.add(figures)
    return whole


def reasons(each: Iterable[Figures]) -> Sequence[str]:
    """Every reason of NOT_READY there is, the longest first."""
    sums: Mapping[str, int] = total(each).not_ready
    return sorted(sums, key=lambda reason: (-sums[reason], reason))
