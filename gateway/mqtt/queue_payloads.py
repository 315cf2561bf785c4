"""What is published of queues and groups. Times of day are RFC 3339 in UTC with milliseconds, durations seconds."""

from gateway.mqtt.agent_payloads import MeasurementPeriodPayload
from gateway.mqtt.payloads import Payload


class ServiceLevelPayload(Payload):
    """How many of the answered callers were answered within the threshold, and in per cent; null: not known."""

    threshold: float | None
    answered_in_time: int
    percent: float


class WaitingCallerPayload(Payload):
    """A caller who waits."""

    uniqueid: str
    linkedid: str | None
    caller_number: str | None
    caller_name: str | None
    position: int
    waiting_since: str


class SessionsByStatePayload(Payload):
    """Numbers of sessions, by AGENT_SESSION_STATE."""

    NOT_READY: int
    READY: int
    BUSY_ON_CALL: int
    BUSY_WRAPUP: int


class QueuePayload(Payload):
    """A queue: every figure of ITQueue in the measurement period, and what users of Asterisk expect."""

    contract: int
    stream: str
    seq: int | None
    node: str
    as_of: str
    queue: str
    group: str
    measurement_period: MeasurementPeriodPayload
    total_calls_queued: int
    current_calls_queued: int
    total_calls_abandoned: int
    total_calls_flowed_in: int
    total_calls_flowed_out: int
    longest_ever_wait_time: float
    current_longest_wait_time: float
    average_wait_time: float
    final_disposition: int
    answered: int
    service_level: ServiceLevelPayload
    callers_waiting: list[WaitingCallerPayload]
    agents: SessionsByStatePayload


class QueueCallerPayload(Payload):
    """The caller of a queue event: its place then, and how long it had waited."""

    uniqueid: str
    linkedid: str | None
    caller_number: str | None
    caller_name: str | None
    position: int | None
    waiting_since: str
    wait: float
    key: str | None


class QueueEventPayload(Payload):
    """One queue event, with the queue after it; ``caller`` is null where it is about the queue itself."""

    stream: str
    seq: int
    previous_seq: int | None
    event: str
    event_value: int | None
    at: str
    cause: str
    caller: QueueCallerPayload | None
    queue: QueuePayload


class GroupPayload(Payload):
    """A group: its queues, and the number of its sessions by state."""

    contract: int
    stream: str
    seq: int | None
    node: str
    as_of: str
    group: str
    queues: list[str]
    sessions: SessionsByStatePayload


class GroupEventPayload(Payload):
    """One group event, with the group after it."""

    stream: str
    seq: int
    previous_seq: int | None
    event: str
    event_value: int
    at: str
    cause: str
    group: GroupPayload
