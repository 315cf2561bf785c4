"""What each kind of message on ``bridge/event`` has besides the keys of all; they are rendered by ``Stream``."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from gateway.mqtt.payloads import BridgeEventPayload
from gateway.mqtt.vocabulary import UNIT, Count, Time


class LinkLostPayload(BridgeEventPayload):
    """The link to Asterisk broke."""

    event: Literal["LINK_LOST"]
    reason: str = Field(description="for people")


class LinkRegainedPayload(BridgeEventPayload):
    """Asterisk answers again, and the picture is made anew."""

    event: Literal["LINK_REGAINED"]


class ResyncFinishedPayload(BridgeEventPayload):
    """The picture is current."""

    event: Literal["RESYNC_FINISHED"]
    sessions_changed: Count = Field(description="sessions that are other than before")


class AsteriskRestartedPayload(BridgeEventPayload):
    """Another Asterisk answers than before."""

    event: Literal["ASTERISK_RESTARTED"]


class GapRecoveredPayload(BridgeEventPayload):
    """What could not be seen was read back from the queue_log."""

    event: Literal["GAP_RECOVERED"]
    begin: Time = Field(description="of what could not be seen")
    end: Time = Field(description="likewise")
    complete: bool = Field(description="false where lines were missing, or something is unplaced")
    unplaced: list[str] = Field(description="what no session can be given")


class ClockSteppedPayload(BridgeEventPayload):
    """Asterisk's clock was set."""

    event: Literal["CLOCK_STEPPED"]
    seconds: float = Field(description="forward, or back if below zero", json_schema_extra={UNIT: "s"})


class NameRefusedPayload(BridgeEventPayload):
    """Something cannot be published because of its name."""

    event: Literal["NAME_REFUSED"]
    kind: str = Field(description="what has the name: session, agent, group or queue")
    names: list[str] = Field(description="the names that would make the topic, quoted")
    message: str = Field(description="why not")


class PublishRefusedPayload(BridgeEventPayload):
    """The broker refused a message; told once for each topic."""

    event: Literal["PUBLISH_REFUSED"]
    topic: str
    reason: str = Field(description="the broker's")


class EventsDroppedPayload(BridgeEventPayload):
    """The oldest events no longer fitted into the outbox."""

    event: Literal["EVENTS_DROPPED"]
    count: Count = Field(description="how many")
    topic: str = Field(description="of the first")


class MessageSetAsidePayload(BridgeEventPayload):
    """A message cost three connections to the broker and is not tried again."""

    event: Literal["MESSAGE_SET_ASIDE"]
    topic: str


class TwinFoundPayload(BridgeEventPayload):
    """Another gateway uses the same base topic."""

    event: Literal["TWIN_FOUND"]
    base: str = Field(description="the base topic")
    reason: str = Field(description="by what it was noticed")


class StoreFailedPayload(BridgeEventPayload):
    """The store could not be written to; nothing was published meanwhile."""

    event: Literal["STORE_FAILED"]
    reason: str = Field(description="for people")


class StoreRecoveredPayload(BridgeEventPayload):
    """The store takes what it is given again."""

    event: Literal["STORE_RECOVERED"]


class StoreRestoredPayload(BridgeEventPayload):
    """The store is a copy, or lacks what was last written: a new stream begins."""

    event: Literal["STORE_RESTORED"]
    reason: str = Field(description="by what it was noticed")
    path: str | None = Field(default=None, description="the file, where it was noticed at the start")


KINDS: Final[tuple[type[BridgeEventPayload], ...]] = (
    LinkLostPayload,
    LinkRegainedPayload,
    ResyncFinishedPayload,
    AsteriskRestartedPayload,
    GapRecoveredPayload,
    ClockSteppedPayload,
    NameRefusedPayload,
    PublishRefusedPayload,
    EventsDroppedPayload,
    MessageSetAsidePayload,
    TwinFoundPayload,
    StoreFailedPayload,
    StoreRecoveredPayload,
    StoreRestoredPayload,
)
"""Every kind there is."""

BY_NAME: Final[Mapping[str, type[BridgeEventPayload]]] = {
    kind.model_fields["event"].annotation.__args__[0]: kind  # type: ignore[union-attr]  # each is a Literal
    for kind in KINDS
}
"""The same by ``event``."""
