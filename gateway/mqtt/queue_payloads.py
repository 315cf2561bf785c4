"""What is published of queues and groups. Times of day are RFC 3339 in UTC with milliseconds, durations seconds."""

from pydantic import Field

from gateway.mqtt.agent_payloads import MeasurementPeriodPayload
from gateway.mqtt.payloads import CallerPayload, Payload, SnapshotPayload, StreamPayload
from gateway.mqtt.vocabulary import (
    CauseName,
    Count,
    GroupEventName,
    GroupEventValue,
    Percent,
    QueueEventName,
    QueueEventValue,
    Seconds,
    Time,
)


class ServiceLevelPayload(Payload):
    """How many of the answered callers were answered within the threshold, and in per cent; null: not known."""

    threshold: Seconds | None = Field(description="Asterisk's; null: not known")
    answered_in_time: Count = Field(description="answered within the threshold")
    percent: Percent = Field(description="of the answered")


class WaitingCallerPayload(CallerPayload):
    """A caller who waits."""

    position: Count = Field(description="from 1")
    waiting_since: Time = Field(description="when the caller joined")


class SessionsByStatePayload(Payload):
    """Numbers of sessions, by AGENT_SESSION_STATE."""

    NOT_READY: Count
    READY: Count
    BUSY_ON_CALL: Count
    BUSY_WRAPUP: Count


class QueuePayload(SnapshotPayload):
    """A queue: every figure of ITQueue in the measurement period, and what users of Asterisk expect."""

    queue: str = Field(description="the queue")
    group: str = Field(description="the ACD group: the queue's name")
    measurement_period: MeasurementPeriodPayload = Field(description="over which the figures count")
    total_calls_queued: Count = Field(description="callers who joined")
    current_calls_queued: Count = Field(description="callers who wait now")
    total_calls_abandoned: Count = Field(description="callers who hung up")
    total_calls_flowed_in: Count = Field(description="came from another queue")
    total_calls_flowed_out: Count = Field(description="left by time-out, key or because it was empty")
    longest_ever_wait_time: Seconds = Field(description="in the period, those still waiting included")
    current_longest_wait_time: Seconds = Field(description="of those who wait now")
    average_wait_time: Seconds = Field(description="of all who left, answered or not")
    final_disposition: Count = Field(description="left by time-out or empty, and entered no further queue")
    answered: Count = Field(description="callers connected to an agent")
    service_level: ServiceLevelPayload = Field(description="answered in time")
    callers_waiting: list[WaitingCallerPayload] = Field(description="the next to be served first, 100 at most")
    agents: SessionsByStatePayload = Field(description="numbers of sessions")


class QueueCallerPayload(CallerPayload):
    """The caller of a queue event: its place then, and how long it had waited."""

    position: Count | None = Field(description="from 1; null where it is not known")
    waiting_since: Time = Field(description="when the caller joined")
    wait: Seconds = Field(description="until this event")
    key: str | None = Field(description="the key that was pressed to leave")


class QueueEventPayload(StreamPayload):
    """One queue event, with the queue after it; ``caller`` is null where it is about the queue itself."""

    event: QueueEventName = Field(description="ACDQUEUE_EVENT without its prefix, or what a caller did")
    event_value: QueueEventValue | None = Field(description="its number in TAPI; null for what callers do")
    at: Time = Field(description="when it happened")
    cause: CauseName = Field(description="what told it")
    caller: QueueCallerPayload | None = Field(description="null where it is about the queue itself")
    queue: QueuePayload = Field(description="what it is after it")


class GroupPayload(SnapshotPayload):
    """A group: its queues, and the number of its sessions by state."""

    group: str = Field(description="the ACD group: the queue's name")
    queues: list[str] = Field(description="its queues")
    sessions: SessionsByStatePayload = Field(description="numbers of its sessions")


class GroupEventPayload(StreamPayload):
    """One group event, with the group after it."""

    event: GroupEventName = Field(description="ACDGROUP_EVENT without its prefix")
    event_value: GroupEventValue = Field(description="its number in TAPI")
    at: Time = Field(description="when it happened")
    cause: CauseName = Field(description="what told it")
    group: GroupPayload = Field(description="what it is after it")
