"""What the retained topics of one kind of thing show: a board for the sessions, one for the agents, and so on."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from gateway.mqtt.interface import Retained
from gateway.mqtt.payloads import Payload
from gateway.mqtt.stream import EVENT, Publisher

Thing = TypeVar("Thing")


class Board(Generic[Thing]):
    """Topics, and the thing that each shows.

    Args:
        publisher: Where messages go.
        render: Makes the payload of a thing as of an instant, with the ``seq`` of the last event it includes.
    """

    def __init__(self, publisher: Publisher, render: Callable[[Thing, int | None, int], Payload]) -> None:
        self._publisher = publisher
        self._render = render
        self._shown: dict[str, Thing] = {}
        self._seq_of: dict[str, int] = {}
        self._refresh_next: list[str] = []

    def __len__(self) -> int:
        return len(self._shown)

    def topics(self) -> list[str]:
        """Every topic that shows something."""
        return list(self._shown)

    def things(self) -> list[Thing]:
        """What they show."""
        return list(self._shown.values())

    def shown(self, topic: str) -> Thing | None:
        """What *topic* shows; None if nothing."""
        return self._shown.get(topic)

    def show(self, topic: str, thing: Thing, seq: int | None = None) -> None:
        """Let *topic* show *thing* as it is now; *seq* of its event, if one told of it."""
        self._shown[topic] = thing
        if seq is not None:
            self._seq_of[topic] = seq
        self._publisher.refresh(topic)

    def restore(self, topic: str, thing: Thing, previous: Mapping[str, int]) -> None:
        """Show what was shown in an earlier life; *previous* has the last ``seq`` of each topic."""
        self.show(topic, thing, previous.get(topic + EVENT))

    def remove(self, topic: str) -> Thing | None:
        """Let *topic* show nothing any more: its retained message goes. Returns what it showed."""
        thing = self._shown.pop(topic, None)
        self._seq_of.pop(topic, None)
        if thing is not None:
            self._publisher.refresh(topic)
        return thing

    def begin_anew(self, renumbered: Mapping[int, int]) -> None:
        """Another stream begins, with no event in it but those *renumbered*, from the ``seq`` they had."""
        self._seq_of = {topic: renumbered[seq] for topic, seq in self._seq_of.items() if seq in renumbered}

    def render(self, topic: str, as_of: int, now: int | None = None) -> Retained | None:
        """What *topic* shows, true at *as_of*, an instant; None if nothing.

        *now*, if it is another, decides whether the message's time is over: then an empty one removes it.
        """
        thing = self._shown.get(topic)
        if thing is None:
            return None
        expiry = self.expiry(topic, as_of if now is None else now)
        if expiry is not None and expiry <= 0:
            return Retained(b"")
        return Retained(self._render(thing, self._seq_of.get(topic), as_of).to_bytes(), expiry)

    def expiry(self, topic: str, now: int) -> int | None:  # noqa: ARG002 - for boards whose things end
        """Whole seconds after *now* at which the message may go by itself, 0 if they are over; None: never."""
        return None

    def moves(self, topic: str) -> bool:  # noqa: ARG002 - for boards whose things end
        """Whether what *topic* shows changes by the passing of time alone."""
        return True

    def refresh_some(self, count: int) -> None:
        """Send *count* snapshots again, in turn: durations and rates move by themselves."""
        for _ in range(min(count, len(self._shown))):
            if not self._refresh_next:
                self._refresh_next = list(self._shown)
            topic = self._refresh_next.pop()
            if topic in self._shown and self.moves(topic):
                self._publisher.refresh(topic)
