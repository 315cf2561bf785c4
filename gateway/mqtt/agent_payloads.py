"""What is published of agents. Times of day are RFC 3339 in UTC with milliseconds, durations seconds."""

from pydantic import AliasChoices, Field

from gateway.mqtt.payloads import Payload, SnapshotPayload, StreamPayload
from gateway.mqtt.vocabulary import (
    AgentStateName,
    AgentStateValue,
    CauseName,
    Count,
    PerHour,
    Seconds,
    SessionStateName,
    SessionStateValue,
    Time,
    Uuid,
    WholeSeconds,
)


class MeasurementPeriodPayload(Payload):
    """The window over which figures are counted: its length, and from when to when."""

    seconds: WholeSeconds = Field(description="its length")
    from_: Time = Field(
        serialization_alias="from", validation_alias=AliasChoices("from", "from_"), description="its begin"
    )
    to: Time = Field(description="its end")


class AgentMemberPayload(Payload):
    """Asterisk's pause of one of an agent's sessions, which holds in a call and in wrap-up, too."""

    paused: bool = Field(description="Asterisk's pause flag")
    paused_reason: str | None = Field(description="the pause's reason")


class AgentSessionPayload(Payload):
    """One of an agent's sessions; all of it is on its own topic."""

    group: str = Field(description="the ACD group: the queue's name")
    address: str = Field(description="the queue member's interface")
    session_id: Uuid = Field(description="as on the session's topic")
    state: SessionStateName = Field(description="AGENT_SESSION_STATE without its prefix")
    state_value: SessionStateValue = Field(description="its number in TAPI")
    state_since: Time = Field(description="when this state began")
    reason: str | None = Field(
        description="why it is not ready, or wraps up: the pause's reason, or what the device lacks"
    )
    asterisk: AgentMemberPayload = Field(description="Asterisk's own facts, as far as an agent has use for them")


class AgentPayload(SnapshotPayload):
    """An agent: state, and the figures of ITAgent over all sessions in the measurement period."""

    agent: str = Field(description="the agent")
    state: AgentStateName = Field(description="AGENT_STATE without its prefix")
    state_value: AgentStateValue = Field(description="its number in TAPI")
    state_since: Time = Field(description="when this state began")
    measurement_period: MeasurementPeriodPayload = Field(description="over which all figures count")
    overall_call_rate: PerHour = Field(
        description="ACD calls by hours in which a session was not NOT_READY, 4 decimals"
    )
    number_of_acd_calls: Count = Field(description="queue calls handled")
    number_of_incoming_calls: Count = Field(description="other calls to the agent's phones")
    number_of_outgoing_calls: Count = Field(description="calls from the agent's phones")
    total_acd_talk_time: Seconds = Field(description="talk of the queue calls")
    total_acd_call_time: Seconds = Field(description="talk and wrap-up")
    total_wrap_up_time: Seconds = Field(description="wrap-ups that ended")
    complete: bool = Field(description="false where something could be neither seen nor recovered")
    sessions: list[AgentSessionPayload] = Field(description="the agent's open sessions")


class PreviousAgentPayload(Payload):
    """What an agent was before an event."""

    state: AgentStateName = Field(description="the state before")
    since: Time = Field(description="when that began")


class AgentEventPayload(StreamPayload):
    """One agent event, with the agent after it."""

    event: AgentStateName = Field(description="AGENT_EVENT without its prefix: the state entered")
    event_value: AgentStateValue = Field(description="its number in TAPI")
    at: Time = Field(description="when it happened")
    cause: CauseName = Field(description="what told it")
    command_id: str | int | None = Field(description="the id of the command that asked for it")
    previous: PreviousAgentPayload | None = Field(description="what it was before; null for a new agent")
    agent: AgentPayload = Field(description="what it is after it")
