"""The call center as Prometheus' metrics. Queues have labels; agents are only counted, and of callers nothing is told.

Prometheus takes a counter that fell for one that began anew. A queue's counters do so with its measurement period,
those of what was handled with this process.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from gateway.domain.agent import AgentState
from gateway.domain.instant import SECOND
from gateway.domain.queue import ACDQueue
from gateway.domain.queue_figures import QueueFigures
from gateway.domain.state import AgentSessionState
from gateway.http.labels import label
from gateway.http.sources import Sources
from gateway.http.tally import Handled

_OF_QUEUE: Final[tuple[tuple[str, str, Callable[[QueueFigures], int]], ...]] = (
    ("queued", "Callers who joined the queue.", lambda figures: figures.total_calls_queued),
    ("answered", "Callers who were connected to an agent.", lambda figures: figures.answered),
    (
        "answered_in_time",
        "Callers who were connected to an agent within the service level's threshold.",
        lambda figures: figures.answered_in_time,
    ),
    ("abandoned", "Callers who hung up while they waited.", lambda figures: figures.total_calls_abandoned),
    ("flowed_in", "Callers who came from another queue.", lambda figures: figures.total_calls_flowed_in),
    (
        "flowed_out",
        "Callers who left unanswered by time-out, key or empty queue, or were withdrawn.",
        lambda figures: figures.total_calls_flowed_out,
    ),
)
"""Name of the counter, its help, and where it comes from."""

_OF_SESSIONS: Final[tuple[tuple[str, str, Callable[[Handled], float]], ...]] = (
    ("calls_handled", "Queue calls whose talking has ended.", lambda handled: handled.calls),
    ("calls_missed", "Times an agent was rung and did not answer.", lambda handled: handled.missed),
    ("talk_seconds", "Time talked in handled calls.", lambda handled: handled.talk_time / SECOND),
    ("wrap_up_seconds", "Time of wrap-ups that have ended.", lambda handled: handled.wrap_up_time / SECOND),
)
"""The same of what the queue's agents did."""


class CenterMetrics(Collector):
    """Reads the call center's figures from the model."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        """Nothing is read before somebody asks."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures as of the last that is known of Asterisk."""
        queues = list(self._sources.queues.queues())
        yield self._agents()
        yield _sessions(queues)
        yield from _waiting(queues, self._sources.picture.as_of())
        yield from _service_level(queues)
        for name, text, figure in _OF_QUEUE:
            family = CounterMetricFamily(f"cti_queue_calls_{name}", text, labels=["queue"])
            for queue in queues:
                family.add_metric([label(queue.name)], figure(queue.figures))
            yield family
        yield _waits(queues)
        for name, text, of_handled in _OF_SESSIONS:
            family = CounterMetricFamily(f"cti_queue_{name}", text, labels=["queue"])
            for handled in self._sources.tally.handled():
                family.add_metric([label(handled.name)], of_handled(handled))
            yield family

    def _agents(self) -> Metric:
        family = GaugeMetricFamily("cti_agents", "Agents by AGENT_STATE.", labels=["state"])
        states = Counter(agent.state for agent in self._sources.agents.agents())
        for state in AgentState:
            family.add_metric([state.name], states[state])
        return family


def _sessions(queues: Iterable[ACDQueue]) -> Metric:
    text = "Agent sessions by queue and AGENT_SESSION_STATE."
    family = GaugeMetricFamily("cti_queue_sessions", text, labels=["queue", "state"])
    for queue in queues:
        for state, count in enumerate(queue.agents):
            family.add_metric([label(queue.name), AgentSessionState(state).name], count)
    return family


def _waiting(queues: Iterable[ACDQueue], now: int) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("cti_queue_callers_waiting", "Callers who wait.", labels=["queue"])
    text = "How long the caller who waits longest has waited; 0 with none."
    longest = GaugeMetricFamily("cti_queue_longest_wait_seconds", text, labels=["queue"])
    for queue in queues:
        waiting.add_metric([label(queue.name)], queue.current_calls_queued)
        longest.add_metric([label(queue.name)], max(0, queue.current_longest_wait_time(now)) / SECOND)
    yield waiting
    yield longest


def _service_level(queues: Iterable[ACDQueue]) -> Iterator[Metric]:
    text = "Share of the answered callers of the measurement period who were answered in time; none with none answered."
    ratio = GaugeMetricFamily("cti_queue_service_level_ratio", text, labels=["queue"])
    text = "Wait up to which a caller is answered in time; none where it is not known."
    threshold = GaugeMetricFamily("cti_queue_service_level_threshold_seconds", text, labels=["queue"])
    for queue in queues:
        if queue.figures.answered:
            ratio.add_metric([label(queue.name)], queue.figures.answered_in_time / queue.figures.answered)
        if queue.service_level is not None:
            threshold.add_metric([label(queue.name)], queue.service_level / SECOND)
    yield ratio
    yield threshold


def _waits(queues: Iterable[ACDQueue]) -> Metric:
    text = "Waits of those who left the queue, answered or not."
    family = SummaryMetricFamily("cti_queue_wait_seconds", text, labels=["queue"])
    for queue in queues:
        family.add_metric([label(queue.name)], queue.figures.waits, queue.figures.wait_time / SECOND)
    return family
