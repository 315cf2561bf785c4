"""What is published of agents. Times of day are RFC 3339 in UTC with milliseconds, durations seconds."""

from pydantic import Field

from gateway.mqtt.payloads import Payload


class MeasurementPeriodPayload(Payload):
    """The window over which figures are counted: its length, and from when to when."""

    seconds: int
    from_: str = Field(serialization_alias="from")
    to: str


class AgentSessionPayload(Payload):
    """One of an agent's sessions; all of it is on its own topic."""

    group: str
    address: str
    session_id: str
    state: str
    state_value: int
    state_since: str
    reason: str | None


class AgentPayload(Payload):
    """An agent: state, and the figures of ITAgent over all sessions in the measurement period."""

    contract: int
    stream: str
    seq: int | None
    node: str
    as_of: str
    agent: str
    state: str
    state_value: int
    state_since: str
    measurement_period: MeasurementPeriodPayload
    overall_call_rate: float
    number_of_acd_calls: int
    number_of_incoming_calls: int
    number_of_outgoing_calls: int
    total_acd_talk_time: float
    total_acd_call_time: float
    total_wrap_up_time: float
    complete: bool
    sessions: list[AgentSessionPayload]


class PreviousAgentPayload(Payload):
    """What an agent was before an event."""

    state: str
    since: str


class AgentEventPayload(Payload):
    """One agent event, with the agent after it."""

    stream: str
    seq: int
    previous_seq: int | None
    event: str
    event_value: int
    at: str
    cause: str
    command_id: str | int | None
    previous: PreviousAgentPayload | None
    agent: AgentPayload
