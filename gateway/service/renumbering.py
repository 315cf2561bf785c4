"""Events of one stream as events of another: what is in a message of the stream and in the snapshot in it."""

import json
from collections.abc import Set as AbstractSet
from dataclasses import replace

from gateway.store.contents import Message


class Renumberer:
    """Numbers events from 1 on, in the order in which they are given.

    Args:
        stream: The new stream's UUID.
        keep: Numbers of messages that stay what they are.

    Attributes:
        seq: The last ``seq`` given.
        previous: By topic, the last ``seq`` given there.
        renumbered: By their old ``seq``, the new ones.
    """

    def __init__(self, stream: str, keep: AbstractSet[int] = frozenset()) -> None:
        self.seq = 0
        self.previous: dict[str, int] = {}
        self.renumbered: dict[int, int] = {}
        self._stream = stream
        self._keep = keep

    def renumber(self, message: Message) -> Message:
        """The message as the next of the new stream; what is no event of a stream as it is."""
        if message.seq is None or message.number in self._keep:
            return message
        self.seq += 1
        self.renumbered[message.seq] = self.seq
        body = json.loads(message.payload)
        body |= {"stream": self._stream, "seq": self.seq, "previous_seq": self.previous.get(message.topic)}
        for snapshot in body.values():
            if isinstance(snapshot, dict) and "stream" in snapshot:
                snapshot |= {"stream": self._stream, "seq": self.renumbered.get(snapshot["seq"])}
        self.previous[message.topic] = self.seq
        payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return replace(message, seq=self.seq, payload=payload)
