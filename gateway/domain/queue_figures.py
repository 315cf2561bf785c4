"""The sums that a queue keeps over one measurement period, and the figures of ITQueue that follow from them."""

from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.caller import WayOut

FLOWED_OUT: Final = frozenset({WayOut.TIMED_OUT, WayOut.EMPTY, WayOut.KEY, WayOut.WITHDRAWN})
"""Ways out by which a caller goes on elsewhere, unanswered. Each is TotalCallsFlowedOut."""

UNSERVED: Final = frozenset({WayOut.TIMED_OUT, WayOut.EMPTY})
"""Ways out in which the queue itself gave the caller up: the end of the guide, if no further queue follows."""


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """What a queue has added up in its window. All times are microseconds, exact.

    Every caller who left is answered, abandoned or flowed out. Callers whose leaving nobody saw are in neither.

    Attributes:
        total_calls_queued: Callers who joined, those from another queue too (TotalCallsQueued).
        total_calls_abandoned: Callers who hung up (TotalCallsAbandoned).
        total_calls_flowed_in: Callers who came from another queue of this Asterisk (TotalCallsFlowedIn).
        total_calls_flowed_out: Left by time-out, key, empty exit, or withdrawn (TotalCallsFlowedOut).
        final_disposition: Callers whom the queue gave up, and who entered no further one (FinalDisposition).
        answered: Callers who were connected to an agent.
        answered_in_time: Those of them who had waited no longer than the threshold of the service level.
        wait_time: Sum of the waits of all who left.
        waits: Number of those.
        longest_wait_time: The longest of them.
    """

    total_calls_queued: int = 0
    total_calls_abandoned: int = 0
    total_calls_flowed_in: int = 0
    total_calls_flowed_out: int = 0
    final_disposition: int = 0
    answered: int = 0
    answered_in_time: int = 0
    wait_time: int = 0
    waits: int = 0
    longest_wait_time: int = 0

    @property
    def average_wait_time(self) -> float:
        """Microseconds that a caller waited, over all who left, answered or not (AverageWaitTime); 0.0 with none."""
        return self.wait_time / self.waits if self.waits else 0.0

    @property
    def service_level(self) -> float:
        """Percentage of the answered callers who were answered in time, to one decimal; 0.0 with none answered.

        Asterisk's ``ServicelevelPerf`` is the same quotient, of whole seconds, and counts a caller only when the call
        has ended.
        """
        return round(100 * self.answered_in_time / self.answered, 1) if self.answered else 0.0

    def with_join(self, *, flowed_in: bool) -> "QueueFigures":
        """One more caller."""
        return replace(
            self,
            total_calls_queued=self.total_calls_queued + 1,
            total_calls_flowed_in=self.total_calls_flowed_in + flowed_in,
        )

    def with_leave(self, way: WayOut, wait: int, *, threshold: int | None) -> "QueueFigures":
        """A caller left, having waited *wait*; *threshold* of the service level, None where it is not known."""
        answered = way is WayOut.CONNECTED
        in_time = answered and threshold is not None and wait <= threshold
        return replace(
            self,
            total_calls_abandoned=self.total_calls_abandoned + (way is WayOut.ABANDONED),
            total_calls_flowed_out=self.total_calls_flowed_out + (way in FLOWED_OUT),
            answered=self.answered + answered,
            answered_in_time=self.answered_in_time + in_time,
            wait_time=self.wait_time + wait,
            waits=self.waits + 1,
            longest_wait_time=max(self.longest_wait_time, wait),
        )

    def with_final_disposition(self) -> "QueueFigures":
        """One whom the queue had given up is gone."""
        return replace(self, final_disposition=self.final_disposition + 1)
