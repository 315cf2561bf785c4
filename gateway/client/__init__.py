"""A typed client of the gateway, for programs: ``GatewayClient``, and what it tells.

What it shows and tells are the models of the MQTT contract, frozen, under shorter names. Keys that a later version of
the gateway adds are ignored.
"""

from gateway.client.client import GatewayClient, Kind
from gateway.client.news import Event, Hole, Overrun, PictureChanged
from gateway.client.stream import EventStream
from gateway.errors import CommandFailedError, MqttAuthenticationError, MqttConnectionError, NoAnswerError
from gateway.mqtt.agent_payloads import AgentEventPayload as AgentEvent
from gateway.mqtt.agent_payloads import AgentPayload as Agent
from gateway.mqtt.payloads import AnswerPayload as Answer
from gateway.mqtt.payloads import BridgeAsteriskPayload as BridgeAsterisk
from gateway.mqtt.payloads import BridgeEventPayload as BridgeEvent
from gateway.mqtt.payloads import BridgeHealthPayload as BridgeHealth
from gateway.mqtt.payloads import BridgeInfoPayload as BridgeInfo
from gateway.mqtt.payloads import CallRecordPayload as CallRecord
from gateway.mqtt.payloads import SessionEventPayload as SessionEvent
from gateway.mqtt.payloads import SessionPayload as Session
from gateway.mqtt.queue_payloads import GroupEventPayload as GroupEvent
from gateway.mqtt.queue_payloads import GroupPayload as Group
from gateway.mqtt.queue_payloads import QueueEventPayload as QueueEvent
from gateway.mqtt.queue_payloads import QueuePayload as Queue

__all__ = [
    "Agent",
    "AgentEvent",
    "Answer",
    "BridgeAsterisk",
    "BridgeEvent",
    "BridgeHealth",
    "BridgeInfo",
    "CallRecord",
    "CommandFailedError",
    "Event",
    "EventStream",
    "GatewayClient",
    "Group",
    "GroupEvent",
    "Hole",
    "Kind",
    "MqttAuthenticationError",
    "MqttConnectionError",
    "NoAnswerError",
    "Overrun",
    "PictureChanged",
    "Queue",
    "QueueEvent",
    "Session",
    "SessionEvent",
]
