"""What a client is told that the gateway did not send: what was missed, and whether the picture is current."""

from dataclasses import dataclass

from gateway.mqtt.agent_payloads import AgentEventPayload
from gateway.mqtt.payloads import BridgeEventPayload, CallRecordPayload, SessionEventPayload
from gateway.mqtt.queue_payloads import GroupEventPayload, QueueEventPayload


@dataclass(frozen=True, slots=True)
class Hole:
    """Messages on a topic were missed; told before the message that shows it.

    Attributes:
        topic: Where they were, below the base.
        after: ``seq`` of the last one known before the hole.
        before: ``seq`` of the first one behind it. How many are missing cannot be known: all topics share a counter.
    """

    topic: str
    after: int
    before: int


@dataclass(frozen=True, slots=True)
class Overrun:
    """Events were thrown away because the program did not take them fast enough.

    Attributes:
        count: How many; they were the oldest.
    """

    count: int


@dataclass(frozen=True, slots=True)
class PictureChanged:
    """The picture became current, or ceased to be.

    Attributes:
        current: Whether it is.
        why: Why not, in words; empty if it is.
    """

    current: bool
    why: str


FromGateway = (
    SessionEventPayload
    | AgentEventPayload
    | QueueEventPayload
    | GroupEventPayload
    | CallRecordPayload
    | BridgeEventPayload
)
"""What the gateway tells as it happens."""

Event = FromGateway | Hole | Overrun | PictureChanged
"""All that ``events()`` yields."""
