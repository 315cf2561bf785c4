"""Holes and repetitions in what is told, found by ``seq`` and ``previous_seq``."""

from gateway.client.news import Hole


class Sequence:
    """Follows the counter of the stream, topic by topic.

    What the client never subscribed to leaves no hole: only numbers of the same topic are compared.
    """

    def __init__(self) -> None:
        self._stream: str | None = None
        self._last: dict[str, int] = {}
        self._floor: dict[str, int] = {}

    def snapshot(self, topic: str, stream: str, seq: int | None) -> None:
        """A retained message that was there at the subscription: the events up to *seq* on *topic* are in it.

        The first one counts. What it says after a loss is in the picture, but nobody was told of it as it happened.
        """
        self._enter(stream)
        if seq is not None:
            self._floor.setdefault(topic, seq)

    def take(self, topic: str, stream: str, seq: int, previous_seq: int | None) -> Hole | bool:
        """What a message on *topic* shows: a hole before it; else whether it is new, and no repetition."""
        self._enter(stream)
        last = self._last.get(topic)
        if last is not None and seq <= last:
            return False
        self._last[topic] = seq
        known = self._floor.get(topic) if last is None else last
        if known is not None and previous_seq is not None and previous_seq > known:
            return Hole(topic, known, seq)
        return True

    def _enter(self, stream: str) -> None:
        if stream != self._stream:
            self._stream = stream
            self._last.clear()
            self._floor.clear()
