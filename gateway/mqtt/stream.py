"""The stream: one counter over all events, and the number of the one before on each topic."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, Protocol

from gateway.mqtt.payloads import BridgeEventPayload, Payload
from gateway.mqtt.presentation import Presentation

EVENT: Final = "/event"
"""What the topics end with on which events of a thing are told: the rest is the topic that shows it."""


class Publisher(Protocol):
    """Where messages go."""

    def send(
        self, topic: str, payload: bytes, *, seq: int | None = None, correlation_data: bytes | None = None
    ) -> None:
        """Keep a message until the broker has it, in this order."""

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Send what ``render`` gives for a retained topic when its turn comes; *requeue*: behind all that waits."""


class Stream:
    """Numbers the events and lets them out in that order.

    Args:
        publisher: Where messages go.
        presentation: Times of day, and the stream's UUID.
        bridge_event: The topic of what happens to the gateway itself.

    Attributes:
        publisher: Where messages go.
        seq: Number of the last event; 0 before the first.
    """

    def __init__(self, publisher: Publisher, presentation: Presentation, bridge_event: str) -> None:
        self.publisher = publisher
        self.seq = 0
        self._presentation = presentation
        self._bridge = bridge_event.removesuffix(EVENT)
        # By what a topic ends with, and the rest of it, which is the text that others have anyway.
        self._previous: dict[str, dict[str, int]] = {"": {}, EVENT: {}}
        self._changed: dict[str, int] = {}
        self._batch: list[tuple[str, bytes, int]] | None = None

    def restore(self, seq: int, previous: Mapping[str, int]) -> None:
        """Go on from the numbers that were told."""
        self.seq = seq
        for topic, last in previous.items():
            end = EVENT if topic.endswith(EVENT) else ""
            self._previous[end][topic.removesuffix(end)] = last

    def begin_anew(self, previous: Mapping[str, int]) -> None:
        """Another stream begins; *previous* has the last ``seq`` of each topic that has had an event in it."""
        for kept in self._previous.values():
            kept.clear()
        self._changed.clear()
        self.restore(max(previous.values(), default=0), previous)

    def take_previous(self) -> dict[str, int]:
        """The last ``seq`` of each topic that was told on since the last call; what must be kept over a restart."""
        changed, self._changed = self._changed, {}
        return changed

    def send(self, of: str, make: Callable[[int, int | None], Payload], end: Literal["", "/event"] = EVENT) -> int:
        """Send an event on the topic *of* with *end* behind it.

        *make* gives it from its ``seq`` and ``previous_seq``. Returns the ``seq``.
        """
        previous = self._previous[end]
        seq, topic = self.seq + 1, of + end
        payload = make(seq, previous.get(of)).to_bytes()
        self.seq = previous[of] = self._changed[topic] = seq
        if self._batch is None:
            self.publisher.send(topic, payload, seq=seq)
        else:
            self._batch.append((topic, payload, seq))
        return seq

    def bridge_event(self, event: str, at: int, **details: str | float | list[str] | None) -> None:
        """Tell on ``bridge/event``: *at* is an instant, *details* what the event is about."""
        self.send(
            self._bridge,
            lambda seq, previous_seq: BridgeEventPayload(
                stream=self._presentation.stream,
                seq=seq,
                previous_seq=previous_seq,
                event=event,
                at=self._presentation.at(at),
                **details,
            ),
        )

    def collect(self) -> None:
        """Keep the events back until ``let_go``; snapshots go out meanwhile."""
        self._batch = []

    def let_go(self) -> int:
        """Send what was collected. Returns how many events that were."""
        batch: Iterable[tuple[str, bytes, int]]
        batch, self._batch = self._batch or [], None
        for topic, payload, seq in batch:
            self.publisher.send(topic, payload, seq=seq)
        return len(batch)
