"""What is published: one pydantic model for each message of the contract.

Times of day are RFC 3339 in UTC with milliseconds, durations seconds rounded to milliseconds.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

CONTRACT: Final = 1
"""Version of the contract; a breaking change raises it."""


class Payload(BaseModel):
    """Base of all: frozen, and nothing in it that the contract does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    def to_bytes(self) -> bytes:
        """The message as it is sent."""
        return self.model_dump_json().encode()


class GapPayload(Payload):
    """A time that could be neither seen nor recovered."""

    from_: str = Field(serialization_alias="from")
    to: str
    why: str


class CurrentCallPayload(Payload):
    """The oldest open ACD call of a session."""

    uniqueid: str
    linkedid: str | None
    caller_number: str | None
    caller_name: str | None
    answered_at: str | None
    time_to_answer: float | None
    ring_time: float | None


class AsteriskMemberPayload(Payload):
    """Asterisk's own facts about a session."""

    membership: str
    state_interface: str
    penalty: int
    paused: bool
    paused_reason: str | None
    device_state: str
    available: bool
    wrap_up_limit: float | None
    calls_missed: int
    average_ring_time: float
    longest_ring_time: float


class SessionPayload(Payload):
    """A session: state and all figures of ITAgentSession."""

    contract: int
    stream: str
    seq: int | None
    node: str
    as_of: str
    session_id: str
    agent: str
    group: str
    address: str
    state: str
    state_value: int
    state_since: str
    reason: str | None
    pending_state: str | None
    session_start_time: str
    session_end_time: str | None
    session_duration: float
    number_of_calls: int
    total_talk_time: float
    average_talk_time: float
    total_wrap_up_time: float
    average_wrap_up_time: float
    total_call_time: float
    average_call_time: float
    average_time_to_answer: float
    longest_time_to_answer: float
    acd_call_rate: float
    complete: bool
    gaps: list[GapPayload]
    current_call: CurrentCallPayload | None
    asterisk: AsteriskMemberPayload


class PreviousPayload(Payload):
    """What a session was before an event."""

    state: str
    since: str
    reason: str | None


class SessionEventPayload(Payload):
    """One session event, with the session after it."""

    stream: str
    seq: int
    previous_seq: int | None
    event: str
    event_value: int | None
    at: str
    cause: str
    command_id: str | int | None
    previous: PreviousPayload | None
    session: SessionPayload


class CallRecordPayload(Payload):
    """One ACD call handled."""

    stream: str
    seq: int
    previous_seq: int | None
    node: str
    group: str
    agent: str
    address: str
    session_id: str
    uniqueid: str
    linkedid: str | None
    caller_number: str | None
    caller_name: str | None
    queued_at: str | None
    offered_at: str | None
    answered_at: str | None
    ended_at: str
    time_to_answer: float | None
    ring_time: float | None
    talk_time: float | None
    ended_by: Literal["caller", "agent", "transfer", "interrupted"] | None
    transferred_to: str | None
    cause: str


class BridgeAsteriskPayload(Payload):
    """The link to Asterisk, and whether the picture is current."""

    stream: str
    seq: int
    link: Literal["up", "down", "resyncing"]
    current: bool
    since: str
    version: str | None
    started_at: str | None
    last_error: str | None


class AgentHandlerPayload(Payload):
    """The agent handler: the Asterisk it stands for, its groups, and the addresses that can take calls of them."""

    name: str
    acd_groups: list[str]
    usable_addresses: list[str]


class BridgeInfoPayload(Payload):
    """What this gateway is and knows."""

    contract: int
    version: str
    stream: str
    seq: int
    node: str
    started_at: str
    queues: int
    groups: int
    agents: int
    sessions: int
    agent_handler: AgentHandlerPayload
    queues_without_wrap_up: list[str]
    capabilities: list[str]
    rights_missing: list[str]


class BridgeHealthPayload(Payload):
    """How the gateway does. Times in seconds, memory in bytes of resident set."""

    stream: str
    seq: int
    at: str
    uptime: float
    ami_lag: float | None
    outbox_depth: int
    outbox_bytes: int
    events_handled: int
    ami_malformed: int
    ami_dropped: int
    commands_answered: int
    publishes_refused: int
    names_refused: int
    completions_unmatched: int
    events_lost: int
    store_failure: str | None
    memory: int


class BridgeEventPayload(Payload):
    """Something that happened to the gateway; further keys by the kind of event."""

    stream: str
    seq: int
    previous_seq: int | None
    event: str
    at: str

    model_config = ConfigDict(frozen=True, extra="allow")


class SessionAnswerPayload(Payload):
    """What became of a command to an agent in one of its sessions."""

    group: str
    address: str
    status: Literal["ok", "error"]
    code: str | None
    message: str | None
    changed: bool
    state: str | None


class AnswerPayload(Payload):
    """The answer to a command."""

    id: str | int | None
    status: Literal["ok", "error"]
    code: str | None
    message: str | None
    changed: bool
    state: str | None
    at: str
    sessions: list[SessionAnswerPayload] | None = None
