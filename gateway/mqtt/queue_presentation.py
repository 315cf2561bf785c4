"""How queues and groups fill the messages of the contract."""

from itertools import islice
from typing import Final

from gateway.domain.group import ACDGroup, GroupEvent
from gateway.domain.queue import ACDQueue, CallerEvent, QueueEvent
from gateway.domain.state import AgentSessionState
from gateway.mqtt.agent_payloads import MeasurementPeriodPayload
from gateway.mqtt.payloads import CONTRACT
from gateway.mqtt.presentation import Presentation, seconds
from gateway.mqtt.queue_payloads import (
    GroupEventPayload,
    GroupPayload,
    QueueCallerPayload,
    QueueEventPayload,
    QueuePayload,
    ServiceLevelPayload,
    SessionsByStatePayload,
    WaitingCallerPayload,
)

MOST_CALLERS: Final = 100
"""How many callers are listed, the next to be served first: every event carries the list."""


class QueuePresentation:
    """Fills the models from queues and groups.

    Args:
        presentation: Times of day, the node and the stream; and whether callers may be told.
    """

    def __init__(self, presentation: Presentation) -> None:
        self._common = presentation

    def queue(self, queue: ACDQueue, *, seq: int | None, now: int) -> QueuePayload:
        """The queue as of *now*, an instant; *seq* of the last event it includes."""
        figures, at = queue.figures, self._common.at
        return QueuePayload(
            contract=CONTRACT,
            stream=self._common.stream,
            seq=seq,
            node=self._common.node,
            as_of=at(now),
            queue=queue.name,
            group=queue.name,
            measurement_period=MeasurementPeriodPayload(
                seconds=queue.window.length, from_=at(queue.window.begin), to=at(queue.window.end)
            ),
            total_calls_queued=figures.total_calls_queued,
            current_calls_queued=queue.current_calls_queued,
            total_calls_abandoned=figures.total_calls_abandoned,
            total_calls_flowed_in=figures.total_calls_flowed_in,
            total_calls_flowed_out=figures.total_calls_flowed_out,
            longest_ever_wait_time=seconds(queue.longest_ever_wait_time(now)),
            current_longest_wait_time=seconds(queue.current_longest_wait_time(now)),
            average_wait_time=seconds(figures.average_wait_time),
            final_disposition=figures.final_disposition,
            answered=figures.answered,
            service_level=ServiceLevelPayload(
                threshold=None if queue.service_level is None else seconds(queue.service_level),
                answered_in_time=figures.answered_in_time,
                percent=figures.service_level,
            ),
            callers_waiting=[
                WaitingCallerPayload(
                    uniqueid=caller.uniqueid,
                    linkedid=caller.linkedid,
                    caller_number=self._private(caller.number),
                    caller_name=self._private(caller.name),
                    position=position,
                    waiting_since=at(caller.joined_at),
                )
                for position, caller in enumerate(islice(queue.waiting, MOST_CALLERS), 1)
            ],
            agents=_by_state(queue.agents),
        )

    def queue_event(self, event: QueueEvent, *, seq: int, previous_seq: int | None) -> QueueEventPayload:
        """A queue came or went."""
        return QueueEventPayload(
            stream=self._common.stream,
            seq=seq,
            previous_seq=previous_seq,
            event=event.event.name,
            event_value=event.event.value,
            at=self._common.at(event.occasion.at),
            cause=event.occasion.cause.value,
            caller=None,
            queue=self.queue(event.queue, seq=seq, now=event.occasion.at),
        )

    def caller_event(self, event: CallerEvent, *, seq: int, previous_seq: int | None) -> QueueEventPayload:
        """A caller joined or left; TAPI has no number for it."""
        caller = event.caller
        return QueueEventPayload(
            stream=self._common.stream,
            seq=seq,
            previous_seq=previous_seq,
            event="JOINED" if event.way is None else event.way.value,
            event_value=None,
            at=self._common.at(event.occasion.at),
            cause=event.occasion.cause.value,
            caller=QueueCallerPayload(
                uniqueid=caller.uniqueid,
                linkedid=caller.linkedid,
                caller_number=self._private(caller.number),
                caller_name=self._private(caller.name),
                position=event.position,
                waiting_since=self._common.at(caller.joined_at),
                wait=seconds(event.wait),
                key=event.key,
            ),
            queue=self.queue(event.queue, seq=seq, now=event.occasion.at),
        )

    def group(self, group: ACDGroup, *, seq: int | None, now: int) -> GroupPayload:
        """The group as of *now*, an instant; *seq* of the last event it includes."""
        return GroupPayload(
            contract=CONTRACT,
            stream=self._common.stream,
            seq=seq,
            node=self._common.node,
            as_of=self._common.at(now),
            group=group.name,
            queues=list(group.queues),
            sessions=_by_state(group.sessions),
        )

    def group_event(self, event: GroupEvent, *, seq: int, previous_seq: int | None) -> GroupEventPayload:
        """A group came or went."""
        return GroupEventPayload(
            stream=self._common.stream,
            seq=seq,
            previous_seq=previous_seq,
            event=event.event.name,
            event_value=event.event.value,
            at=self._common.at(event.occasion.at),
            cause=event.occasion.cause.value,
            group=self.group(event.group, seq=seq, now=event.occasion.at),
        )

    def _private(self, text: str | None) -> str | None:
        return text if self._common.publish_caller_id else None


def _by_state(counts: tuple[int, ...]) -> SessionsByStatePayload:
    return SessionsByStatePayload(**{AgentSessionState(value).name: count for value, count in enumerate(counts)})
