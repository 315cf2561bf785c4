"""The sums a session keeps, and the figures of ITAgentSession that follow from them."""

from dataclasses import dataclass, replace

from gateway.domain.instant import HOUR, SECOND


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """What a session has added up. All times are microseconds, exact.

    Attributes:
        number_of_calls: ACD calls handled: those whose talking has ended.
        total_talk_time: From the bridge to the end of the agent's talking, over all handled calls.
        total_wrap_up_time: Over all wrap-ups that have ended.
        time_to_answer: Sum over the calls of which it is known.
        answers_timed: Number of those calls. Less than ``number_of_calls`` only where a call was found already open.
        longest_time_to_answer: The longest of them.
        calls_missed: Attempts to ring the agent that went unanswered, however many for one caller.
        ring_time: Sum of the ringing before the agent answered, over handled calls of which it is known.
        rings_timed: Number of those calls.
        longest_ring_time: The longest of them.
    """

    number_of_calls: int = 0
    total_talk_time: int = 0
    total_wrap_up_time: int = 0
    time_to_answer: int = 0
    answers_timed: int = 0
    longest_time_to_answer: int = 0
    calls_missed: int = 0
    ring_time: int = 0
    rings_timed: int = 0
    longest_ring_time: int = 0

    @property
    def total_call_time(self) -> int:
        """Talk and wrap-up (ITAgentSession::get_TotalCallTime), microseconds."""
        return self.total_talk_time + self.total_wrap_up_time

    @property
    def average_talk_time(self) -> float:
        """Microseconds of talk for each handled call; 0.0 with no calls, where TAPI is silent."""
        return _average(self.total_talk_time, self.number_of_calls)

    @property
    def average_wrap_up_time(self) -> float:
        """Microseconds of wrap-up for each handled call, also for calls that had none; 0.0 with no calls."""
        return _average(self.total_wrap_up_time, self.number_of_calls)

    @property
    def average_call_time(self) -> float:
        """Microseconds of talk and wrap-up for each handled call; 0.0 with no calls."""
        return _average(self.total_call_time, self.number_of_calls)

    @property
    def average_time_to_answer(self) -> float:
        """Microseconds that answered calls had waited; over the calls of which it is known, 0.0 with none."""
        return _average(self.time_to_answer, self.answers_timed)

    @property
    def average_ring_time(self) -> float:
        """Microseconds of ringing before an answer; over the calls of which it is known, 0.0 with none."""
        return _average(self.ring_time, self.rings_timed)

    def acd_call_rate(self, duration: int) -> float:
        """Calls per hour over *duration* microseconds, to 4 decimals as CURRENCY has; 0.0 below one second.

        Source: ITAgentSession::get_ACDCallRate. The plain rate: the factor ten of ITAgent::get_OverallCallRate is not
        in its text. Below a second a quotient would say nothing.
        """
        return round(self.number_of_calls * HOUR / duration, 4) if duration >= SECOND else 0.0

    def with_call(self, *, talk_time: int, time_to_answer: int | None, ring_time: int | None) -> "SessionFigures":
        """One more handled call; None for a time that is not known."""
        figures = replace(
            self, number_of_calls=self.number_of_calls + 1, total_talk_time=self.total_talk_time + talk_time
        )
        if time_to_answer is not None:
            figures = replace(
                figures,
                time_to_answer=self.time_to_answer + time_to_answer,
                answers_timed=self.answers_timed + 1,
                longest_time_to_answer=max(self.longest_time_to_answer, time_to_answer),
            )
        if ring_time is not None:
            figures = replace(
                figures,
                ring_time=self.ring_time + ring_time,
                rings_timed=self.rings_timed + 1,
                longest_ring_time=max(self.longest_ring_time, ring_time),
            )
        return figures


def _average(total: int, count: int) -> float:
    return total / count if count else 0.0
