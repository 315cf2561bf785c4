"""Every message of the contract: its name, its model, and what is to be said of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from gateway.mqtt.agent_payloads import AgentEventPayload, AgentPayload
from gateway.mqtt.bridge_events import KINDS
from gateway.mqtt.commands import BridgeRequest, CreateSession, MeasurementPeriod, SetState
from gateway.mqtt.payloads import (
    AnswerPayload,
    BridgeAsteriskPayload,
    BridgeHealthPayload,
    BridgeInfoPayload,
    CallRecordPayload,
    SessionEventPayload,
    SessionPayload,
)
from gateway.mqtt.queue_payloads import GroupEventPayload, GroupPayload, QueueEventPayload, QueuePayload

Models = tuple[type[BaseModel], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the contract.

    Attributes:
        name: What it is called in schemas and file names.
        title: For people.
        models: Its model; several where the key ``event`` says which; none where it is plain text.
        texts: The texts that may stand in its place; empty where none may.
        is_command: Whether it is sent to the gateway; else it is the gateway's.
    """

    name: str
    title: str
    models: Models
    texts: tuple[str, ...] = ()
    is_command: bool = False


_STATES: Final = ("NOT_READY", "READY", "BUSY_WRAPUP", "SESSION_ENDED")

MESSAGES: Final[tuple[Message, ...]] = (
    Message("bridge_state", "Whether the gateway is there", (), ("online", "offline")),
    Message("bridge_asterisk", "The link to Asterisk", (BridgeAsteriskPayload,)),
    Message("bridge_info", "What the gateway is", (BridgeInfoPayload,)),
    Message("bridge_health", "How the gateway does", (BridgeHealthPayload,)),
    Message("bridge_event", "What happened to the gateway", KINDS),
    Message("session", "A session", (SessionPayload,)),
    Message("session_event", "A session event", (SessionEventPayload,)),
    Message("call", "A call record", (CallRecordPayload,)),
    Message("agent", "An agent", (AgentPayload,)),
    Message("agent_event", "An agent event", (AgentEventPayload,)),
    Message("group", "An ACD group", (GroupPayload,)),
    Message("group_event", "A group event", (GroupEventPayload,)),
    Message("queue", "A queue", (QueuePayload,)),
    Message("queue_event", "A queue event", (QueueEventPayload,)),
    Message("set", "Set the state", (SetState,), _STATES, is_command=True),
    Message("create_session", "Log in", (CreateSession,), is_command=True),
    Message("measurement_period", "Set the measurement period", (MeasurementPeriod,), is_command=True),
    Message("bridge_request", "Ask the gateway itself", (BridgeRequest,), is_command=True),
    Message("answer", "The answer to a command", (AnswerPayload,)),
)

BY_NAME: Final[Mapping[str, Message]] = {message.name: message for message in MESSAGES}

Direction = Literal["publishes", "takes"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A kind of topic.

    Attributes:
        name: What it is called.
        topic: Below the base, with ``{parameters}`` for names that are percent-encoded levels.
        message: Name of what is on it.
        summary: What it is good for.
        retained: Whether the broker keeps the last one.
        is_command: Whether the gateway takes what is sent there; the answer comes on the same topic and ``/response``.
    """

    name: str
    topic: str
    message: str
    summary: str
    retained: bool = False
    is_command: bool = False


_SESSION: Final = "session/{group}/{agent}/{address}"

CHANNELS: Final[tuple[Channel, ...]] = (
    Channel("bridge_state", "bridge/state", "bridge_state", "online or offline; the will", retained=True),
    Channel(
        "bridge_asterisk",
        "bridge/asterisk",
        "bridge_asterisk",
        "The picture is current if and only if bridge/state is online and current is true here",
        retained=True,
    ),
    Channel("bridge_info", "bridge/info", "bridge_info", "Versions, counts, capabilities", retained=True),
    Channel("bridge_health", "bridge/health", "bridge_health", "Every 30 seconds", retained=True),
    Channel("bridge_event", "bridge/event", "bridge_event", "Links lost and regained, resyncs, refusals"),
    Channel("session", _SESSION, "session", "State and every figure of ITAgentSession", retained=True),
    Channel("session_event", f"{_SESSION}/event", "session_event", "One message for each session event"),
    Channel("call", "call/{group}/{agent}/{address}", "call", "One record for each ACD call handled"),
    Channel("agent", "agent/{agent}", "agent", "State and every figure of ITAgent", retained=True),
    Channel("agent_event", "agent/{agent}/event", "agent_event", "One message for each change of state"),
    Channel("group", "group/{group}", "group", "ITACDGroup: its queues, and its sessions by state", retained=True),
    Channel("group_event", "group/{group}/event", "group_event", "Groups that come and go"),
    Channel("queue", "queue/{queue}", "queue", "Every figure of ITQueue, and who waits", retained=True),
    Channel("queue_event", "queue/{queue}/event", "queue_event", "Callers who join and leave; queues that come and go"),
    Channel("session_set", f"{_SESSION}/set", "set", "put_State of one session", is_command=True),
    Channel("agent_set", "agent/{agent}/set", "set", "put_State of all sessions of the agent", is_command=True),
    Channel("create_session", "agent/{agent}/create_session", "create_session", "CreateSession", is_command=True),
    Channel(
        "agent_period",
        "agent/{agent}/measurement_period",
        "measurement_period",
        "put_MeasurementPeriod of the agent",
        is_command=True,
    ),
    Channel(
        "queue_period",
        "queue/{queue}/measurement_period",
        "measurement_period",
        "put_MeasurementPeriod of the queue",
        is_command=True,
    ),
    Channel("bridge_request", "bridge/request", "bridge_request", "resync or health", is_command=True),
)

PARAMETERS: Final[Mapping[str, str]] = {
    "prefix": "The gateway's mqtt.prefix, which may have several levels.",
    "node": "The gateway's node, percent-encoded.",
    "group": "The ACD group, which is named as its queue is, percent-encoded.",
    "agent": "The agent, percent-encoded.",
    "address": "The queue member's interface, percent-encoded: PJSIP/1001 is PJSIP%2F1001.",
    "queue": "The queue, percent-encoded.",
}
"""What stands for the levels of a topic. Percent-encoded are / + # %, control characters and non-characters."""
