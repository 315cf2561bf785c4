"""The picture a client has of a gateway: what its retained messages say, and what its other messages tell.

Sans I/O: messages go in, what is to be told comes out.
"""

import logging
from collections.abc import Iterator
from typing import Final, TypeVar

from pydantic import ValidationError

from gateway.client.news import Event, FromGateway, Hole, PictureChanged
from gateway.client.sequence import Sequence
from gateway.mqtt.agent_payloads import AgentEventPayload, AgentPayload
from gateway.mqtt.bridge_events import BY_NAME
from gateway.mqtt.payloads import (
    BridgeAsteriskPayload,
    BridgeEventPayload,
    BridgeHealthPayload,
    BridgeInfoPayload,
    CallRecordPayload,
    Payload,
    SessionEventPayload,
    SessionPayload,
)
from gateway.mqtt.queue_payloads import GroupEventPayload, GroupPayload, QueueEventPayload, QueuePayload

_log: Final = logging.getLogger(__name__)

_Model = TypeVar("_Model", bound=Payload)
Snapshot = SessionPayload | AgentPayload | GroupPayload | QueuePayload

_SNAPSHOTS: Final[dict[tuple[str, int], type[Snapshot]]] = {
    ("session", 4): SessionPayload,
    ("agent", 2): AgentPayload,
    ("group", 2): GroupPayload,
    ("queue", 2): QueuePayload,
}
"""By the first level and the number of levels."""

_EVENTS: Final[dict[tuple[str, int], type[FromGateway]]] = {
    ("session", 5): SessionEventPayload,
    ("agent", 3): AgentEventPayload,
    ("group", 3): GroupEventPayload,
    ("queue", 3): QueueEventPayload,
    ("call", 4): CallRecordPayload,
}


class View:
    """What is known of one gateway.

    Attributes:
        connected: Whether there is a connection to the broker, and all that was retained has come.
        state: ``bridge/state``; None before it came.
        asterisk: ``bridge/asterisk``, likewise.
        info: ``bridge/info``, likewise.
        health: ``bridge/health``, likewise.
        snapshots: Every session, agent, group and queue there is, by topic below the base.
    """

    def __init__(self) -> None:
        self.connected = False
        self.state: str | None = None
        self.asterisk: BridgeAsteriskPayload | None = None
        self.info: BridgeInfoPayload | None = None
        self.health: BridgeHealthPayload | None = None
        self.snapshots: dict[str, Snapshot] = {}
        self._sequence = Sequence()
        self._replayed: set[str] | None = None
        self._told: PictureChanged | None = None

    @property
    def why_not_current(self) -> str:
        """Why the picture is not current, in words; empty if it is."""
        if not self.connected:
            return "there is no connection to the broker"
        if self.state is None:
            return "nothing is known of a gateway under this base topic"
        if self.state != "online":
            return "the gateway is not running"
        if self.asterisk is None or self.asterisk.link == "down":
            return "the gateway has no link to Asterisk"
        if not self.asterisk.current:
            return "the gateway is asking Asterisk what happened meanwhile"
        return ""

    def connecting(self) -> None:
        """What is retained comes next; what does not come now is gone."""
        self._replayed = set()

    def ready(self) -> Iterator[Event]:
        """All that is retained has come."""
        for topic in set(self.snapshots).difference(self._replayed or ()):
            del self.snapshots[topic]
        if "bridge/state" not in (self._replayed or ()):
            self.state = None
        self._replayed = None
        self.connected = True
        yield from self._picture()

    def lost(self) -> Iterator[Event]:
        """The connection is gone; what was known stays, and is not current."""
        self.connected = False
        self._replayed = None
        yield from self._picture()

    def take(self, topic: str, payload: bytes, *, retained: bool) -> Iterator[Event]:
        """A message; *topic* is below the base, *retained* means that it was there before we came.

        What cannot be understood is logged and ignored: it is of another contract, or somebody else's.
        """
        if self._replayed is not None and payload:  # told meanwhile, it is as much there as what was before
            self._replayed.add(topic)
        kind, *rest = topic.split("/")
        try:
            if kind == "bridge":
                yield from self._bridge(rest, topic, payload)
            elif (kind, len(rest) + 1) in _SNAPSHOTS:
                self._snapshot(_SNAPSHOTS[kind, len(rest) + 1], topic, payload, retained=retained)
            elif (kind, len(rest) + 1) in _EVENTS:
                yield from self._event(_parse(_EVENTS[kind, len(rest) + 1], payload), topic)
        except ValidationError as error:
            _log.warning("a message on %r is not of this contract: %s", topic, _first(error))

    def _bridge(self, rest: list[str], topic: str, payload: bytes) -> Iterator[Event]:
        match rest:
            case ["state"]:
                self.state = payload.decode(errors="replace") or None
            case ["asterisk"]:
                self.asterisk = _parse(BridgeAsteriskPayload, payload) if payload else None
            case ["info"]:
                self.info = _parse(BridgeInfoPayload, payload) if payload else None
            case ["health"]:
                self.health = _parse(BridgeHealthPayload, payload) if payload else None
            case ["event"]:
                event = BridgeEventPayload.model_validate_json(payload)
                yield from self._event(BY_NAME.get(event.event, BridgeEventPayload).model_validate_json(payload), topic)
            case _:
                pass
        yield from self._picture()

    def _snapshot(self, model: type[Snapshot], topic: str, payload: bytes, *, retained: bool) -> None:
        if not payload:
            self.snapshots.pop(topic, None)
            return
        snapshot = self.snapshots[topic] = _parse(model, payload)
        if retained:
            self._sequence.snapshot(f"{topic}/event", snapshot.stream, snapshot.seq)

    def _event(self, event: FromGateway, topic: str) -> Iterator[Event]:
        found = self._sequence.take(topic, event.stream, event.seq, event.previous_seq)
        if isinstance(found, Hole):
            yield found
        if found:
            yield event

    def _picture(self) -> Iterator[Event]:
        why = self.why_not_current
        now = PictureChanged(current=not why, why=why)
        if self._replayed is None and now != self._told:
            self._told = now
            yield now


def _parse(model: type[_Model], payload: bytes) -> _Model:
    """What a message says; keys of a later version are ignored.

    Raises:
        ValidationError: If it is no such message.
    """
    return model.model_validate_json(payload, extra="ignore")


def _first(error: ValidationError) -> str:
    """What is wrong first, without the value: it may be a caller's number."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
