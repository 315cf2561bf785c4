"""What is published: one pydantic model for each message of the contract.

Times of day are RFC 3339 in UTC with milliseconds, durations seconds rounded to milliseconds.
"""

from typing import Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from gateway.mqtt.vocabulary import (
    Bytes,
    CauseName,
    CodeName,
    Count,
    DeviceStateName,
    PerHour,
    Seconds,
    Seq,
    SessionEventName,
    SessionEventValue,
    SessionStateName,
    SessionStateValue,
    SnapshotSeq,
    Time,
    Uuid,
)

CONTRACT: Final = 1
"""Version of the contract; a breaking change raises it."""


class Payload(BaseModel):
    """Base of all: frozen, and nothing in it that the contract does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    def to_bytes(self) -> bytes:
        """The message as it is sent."""
        return self.model_dump_json().encode()


class SnapshotPayload(Payload):
    """What all retained messages of the model begin with."""

    contract: int = Field(description="version of the contract; a breaking change raises it")
    stream: Uuid = Field(
        description="the counters' stream; a new one begins after the loss or restoration of the store"
    )
    seq: SnapshotSeq | None = Field(description="number of the last event that is included; null before the first")
    node: str = Field(description="the gateway's node, as in the base topic")
    as_of: Time = Field(description="when it was so")


class StreamPayload(Payload):
    """What all messages begin with that are not retained: their place in the stream, and on their topic."""

    stream: Uuid = Field(
        description="the counters' stream; a new one begins after the loss or restoration of the store"
    )
    seq: Seq = Field(description="number in the stream, one counter for all topics")
    previous_seq: Seq | None = Field(
        description="number of the one before on this topic: a step shows what was missed; null for the first"
    )


class CallerPayload(Payload):
    """Who a caller is."""

    uniqueid: str = Field(description="Asterisk's Uniqueid of the caller's channel")
    linkedid: str | None = Field(description="Asterisk's Linkedid, which all channels of one call share")
    caller_number: str | None = Field(description="null where unknown, or where the gateway may not tell")
    caller_name: str | None = Field(description="null where unknown, or where the gateway may not tell")


class GapPayload(Payload):
    """A time that could be neither seen nor recovered."""

    from_: Time = Field(
        serialization_alias="from", validation_alias=AliasChoices("from", "from_"), description="its begin"
    )
    to: Time = Field(description="its end")
    why: str = Field(description="for people")


class CurrentCallPayload(CallerPayload):
    """The oldest open ACD call of a session."""

    answered_at: Time | None = Field(description="null where it is not known yet")
    time_to_answer: Seconds | None = Field(
        description="as the gateway is configured: the caller's waiting, or the agent's ringing"
    )
    ring_time: Seconds | None = Field(description="how long the agent's phone rang")


class AsteriskMemberPayload(Payload):
    """Asterisk's own facts about a session."""

    membership: str = Field(description="dynamic, static or realtime")
    state_interface: str = Field(description="whose device state counts")
    penalty: Count = Field(description="the member's penalty in the queue")
    paused: bool = Field(description="Asterisk's pause flag")
    paused_reason: str | None = Field(description="the pause's reason")
    device_state: DeviceStateName = Field(description="of the state interface")
    available: bool = Field(description="whether Asterisk would ring it now")
    wrap_up_limit: Seconds | None = Field(description="wrap-up after each call; null where it is not known")
    calls_missed: Count = Field(description="times it was rung and did not answer, in this session")
    average_ring_time: Seconds = Field(description="over the calls answered in this session")
    longest_ring_time: Seconds = Field(description="likewise")


class SessionPayload(SnapshotPayload):
    """A session: state and all figures of ITAgentSession."""

    session_id: Uuid = Field(description="UUIDv7; a new login is a new session")
    agent: str = Field(description="the agent")
    group: str = Field(description="the ACD group: the queue's name")
    address: str = Field(description="the queue member's interface")
    state: SessionStateName = Field(description="AGENT_SESSION_STATE without its prefix")
    state_value: SessionStateValue = Field(description="its number in TAPI")
    state_since: Time = Field(description="when this state began")
    reason: str | None = Field(
        description="why it is not ready, or wraps up: the pause's reason, or what the device lacks"
    )
    pending_state: SessionStateName | None = Field(
        description="what it will be when call or wrap-up are over, where that was asked for"
    )
    session_start_time: Time = Field(description="the login")
    session_end_time: Time | None = Field(description="the logout; null while it lasts")
    session_duration: Seconds = Field(description="from the start to the end, or to as_of")
    number_of_calls: Count = Field(description="calls handled")
    total_talk_time: Seconds = Field(description="from the bridge to the end of the agent's talking, hold included")
    average_talk_time: Seconds = Field(description="by number_of_calls")
    total_wrap_up_time: Seconds = Field(description="added when a wrap-up ends")
    average_wrap_up_time: Seconds = Field(description="by number_of_calls")
    total_call_time: Seconds = Field(description="talk and wrap-up")
    average_call_time: Seconds = Field(description="by number_of_calls")
    average_time_to_answer: Seconds = Field(description="over the calls handled")
    longest_time_to_answer: Seconds = Field(description="likewise")
    acd_call_rate: PerHour = Field(description="calls handled by hours of the session without its gaps, 4 decimals")
    complete: bool = Field(description="false where something could be neither seen nor recovered")
    gaps: list[GapPayload] = Field(description="what could be neither seen nor recovered")
    current_call: CurrentCallPayload | None = Field(description="the oldest open call")
    asterisk: AsteriskMemberPayload = Field(description="Asterisk's own facts")


class PreviousPayload(Payload):
    """What a session was before an event."""

    state: SessionStateName = Field(description="the state before")
    since: Time = Field(description="when that began")
    reason: str | None = Field(description="the reason then")


class SessionEventPayload(StreamPayload):
    """One session event, with the session after it."""

    event: SessionEventName = Field(
        description="AGENT_SESSION_EVENT without its prefix; UPDATE where figures changed and the state did not"
    )
    event_value: SessionEventValue | None = Field(description="its number in TAPI; null for UPDATE")
    at: Time = Field(description="when it happened")
    cause: CauseName = Field(description="what told it")
    command_id: str | int | None = Field(description="the id of the command that asked for it")
    previous: PreviousPayload | None = Field(description="what it was before; null for a new session")
    session: SessionPayload = Field(description="what it is after it")


class CallRecordPayload(StreamPayload):
    """One ACD call handled."""

    node: str = Field(description="the gateway's node, as in the base topic")
    group: str = Field(description="the ACD group: the queue's name")
    agent: str = Field(description="the agent")
    address: str = Field(description="the queue member's interface")
    session_id: Uuid = Field(description="the session that answered")
    uniqueid: str = Field(description="Asterisk's Uniqueid of the caller's channel")
    linkedid: str | None = Field(description="Asterisk's Linkedid, which all channels of one call share")
    caller_number: str | None = Field(description="null where unknown, or where the gateway may not tell")
    caller_name: str | None = Field(description="null where unknown, or where the gateway may not tell")
    queued_at: Time | None = Field(description="when the caller joined the queue")
    offered_at: Time | None = Field(description="when the agent's phone began to ring, the last time")
    answered_at: Time | None = Field(description="when agent and caller were bridged")
    ended_at: Time = Field(description="when the agent's talking ended")
    time_to_answer: Seconds | None = Field(description="the caller's waiting, or the agent's ringing, as configured")
    ring_time: Seconds | None = Field(description="how long the agent's phone rang")
    talk_time: Seconds | None = Field(description="from the bridge to the end")
    ended_by: Literal["caller", "agent", "transfer", "interrupted"] | None = Field(
        description="who ended it; null where that came too late to be told"
    )
    transferred_to: str | None = Field(description="where to, if it was")
    cause: CauseName = Field(description="what told it")


class BridgeAsteriskPayload(Payload):
    """The link to Asterisk, and whether the picture is current."""

    stream: Uuid = Field(
        description="the counters' stream; a new one begins after the loss or restoration of the store"
    )
    seq: SnapshotSeq = Field(description="number of the last event of the stream")
    link: Literal["up", "down", "resyncing"] = Field(description="the AMI link")
    current: bool = Field(description="whether the picture is current, provided that bridge/state is online")
    since: Time = Field(description="when the link became so")
    version: str | None = Field(description="Asterisk's")
    started_at: str | None = Field(description="when this Asterisk started, by its own words")
    last_error: str | None = Field(description="why the link broke last")


class AgentHandlerPayload(Payload):
    """The agent handler: the Asterisk it stands for, its groups, and the addresses that can take calls of them."""

    name: str = Field(description="the node")
    acd_groups: list[str] = Field(description="its groups")
    usable_addresses: list[str] = Field(description="addresses with a session")


class BridgeInfoPayload(Payload):
    """What this gateway is and knows."""

    contract: int = Field(description="version of the contract; a breaking change raises it")
    version: str = Field(description="the gateway's")
    stream: Uuid = Field(
        description="the counters' stream; a new one begins after the loss or restoration of the store"
    )
    seq: SnapshotSeq = Field(description="number of the last event of the stream")
    node: str = Field(description="the gateway's node, as in the base topic")
    started_at: Time = Field(description="when the gateway started")
    queues: Count = Field(description="how many there are")
    groups: Count = Field(description="likewise")
    agents: Count = Field(description="likewise, those with a session")
    sessions: Count = Field(description="likewise")
    agent_handler: AgentHandlerPayload = Field(description="ITAgentHandler")
    queues_without_wrap_up: list[str] = Field(description="queues whose wrap-up is not known: configure it")
    capabilities: list[str] = Field(description="what of the contract this version does")
    rights_missing: list[str] = Field(description="what the AMI user may not do and should")


class BridgeHealthPayload(Payload):
    """How the gateway does. Times in seconds, memory in bytes of resident set."""

    stream: Uuid = Field(
        description="the counters' stream; a new one begins after the loss or restoration of the store"
    )
    seq: SnapshotSeq = Field(description="number of the last event of the stream")
    at: Time = Field(description="when it was so")
    uptime: Seconds = Field(description="since the gateway's start")
    ami_lag: Seconds | None = Field(description="round trip of the last AMI ping")
    outbox_depth: Count = Field(description="messages that the broker does not have yet")
    outbox_bytes: Bytes = Field(description="their size")
    events_handled: Count = Field(description="events from Asterisk")
    ami_malformed: Count = Field(description="lines from Asterisk that made no sense")
    ami_dropped: Count = Field(description="events that nobody wants")
    commands_answered: Count = Field(description="since the start")
    publishes_refused: Count = Field(description="by the broker")
    names_refused: Count = Field(description="messages not sent because a name makes no topic")
    completions_unmatched: Count = Field(description="AgentCompletes of no known call")
    events_lost: Count = Field(description="events that no longer fitted into the outbox, or were set aside")
    store_failure: str | None = Field(description="why the store cannot be written to; null while it can")
    memory: Bytes = Field(description="resident set")


class BridgeEventPayload(StreamPayload):
    """Something that happened to the gateway; further keys by the kind of event."""

    event: str = Field(description="what happened")
    at: Time = Field(description="when it happened")

    model_config = ConfigDict(frozen=True, extra="allow")


class SessionAnswerPayload(Payload):
    """What became of a command to an agent in one of its sessions."""

    group: str = Field(description="the ACD group: the queue's name")
    address: str = Field(description="the queue member's interface")
    status: Literal["ok", "error"] = Field(description="whether it was done")
    code: CodeName | None = Field(description="why not; null if ok")
    message: str | None = Field(description="the same for people")
    changed: bool = Field(description="whether anything changed")
    state: SessionStateName | None = Field(description="the session's state after it")


class AnswerPayload(Payload):
    """The answer to a command."""

    id: str | int | None = Field(description="the command's, as sent; null if it had none")
    status: Literal["ok", "error"] = Field(description="whether it was done")
    code: CodeName | None = Field(description="why not; null if ok")
    message: str | None = Field(description="the same for people")
    changed: bool = Field(description="whether anything changed")
    state: SessionStateName | None = Field(description="the session's state after it")
    at: Time = Field(description="when it was answered")
    sessions: list[SessionAnswerPayload] | None = Field(
        default=None, description="of a command to an agent; any other answer lacks it"
    )
