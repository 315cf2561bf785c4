"""What came before: commands by their id, deliveries that the broker may repeat, retained messages already told.

Of what came, digests are kept and not the bytes: a commander may send as much as it likes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, TypeVar

from gateway.domain.instant import SECOND
from gateway.mqtt.commands import CommandId
from gateway.mqtt.interface import Inbound
from gateway.service.replies import ReplyTo

_Entry = TypeVar("_Entry")

REMEMBERED_TIME: Final = 60 * SECOND
"""Microseconds for which a command is known: a repeat gets the same answer."""

MOST_REMEMBERED: Final = 50_000
"""How many are known at once; past it the oldest go early, so that a flood of commands cannot fill the memory."""


@dataclass(slots=True)
class Known:
    """A command that came with an id.

    Attributes:
        digest: Of its payload.
        at: When it came, microseconds of the monotonic clock.
        answer: None while it runs.
        waiting: Whose repeats came meanwhile, and want the answer too.
    """

    digest: bytes
    at: int
    answer: bytes | None = None
    waiting: list[ReplyTo] = field(default_factory=list)


class Repeats:
    """The commands with an id of the last minute. Times are microseconds of the monotonic clock."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}

    def find(self, topic: str, command_id: CommandId, now: int) -> Known | None:
        """The command known by topic and id; the string ``"1"`` and the number ``1`` are two ids."""
        _forget_old(self._known, lambda known: known.answer is not None and now - known.at >= REMEMBERED_TIME)
        known = self._known.get(key_of(topic, command_id))
        return None if known is None or (known.answer is not None and now - known.at >= REMEMBERED_TIME) else known

    def remember(self, topic: str, command_id: CommandId, payload: bytes, now: int) -> Known:
        """A new command."""
        key = key_of(topic, command_id)
        self._known.pop(key, None)
        if len(self._known) >= MOST_REMEMBERED:
            _forget_old(self._known, lambda known: known.answer is not None and len(self._known) >= MOST_REMEMBERED)
        known = self._known[key] = Known(digest(payload), now)
        return known

    def restore(self, topic: str, command_id: CommandId, known: Known) -> None:
        """A command of an earlier life."""
        self._known[key_of(topic, command_id)] = known


class Deliveries:
    """What the broker delivered in the last minute: it may deliver again what it thinks we did not get."""

    def __init__(self) -> None:
        self._taken: dict[bytes, int] = {}

    def is_second(self, inbound: Inbound, now: int) -> bool:
        """Whether *inbound* was taken already: it is marked as a duplicate, and its like was here; notes it if not."""
        _forget_old(self._taken, lambda at: now - at >= REMEMBERED_TIME or len(self._taken) >= MOST_REMEMBERED)
        parts = (inbound.topic, inbound.payload, inbound.response_topic, inbound.correlation_data)
        message = digest(repr(parts).encode("utf-8", "surrogatepass"))
        was_here = self._taken.pop(message, None) is not None  # to stand behind those that are older
        self._taken[message] = now
        return inbound.duplicate and was_here


class Retained:
    """The retained commands that were answered: each connection may bring them again."""

    def __init__(self) -> None:
        self._told: dict[str, bytes] = {}

    def is_told(self, inbound: Inbound) -> bool:
        """Whether *inbound* is only the replay of what was told; notes it if not."""
        message = digest(inbound.payload)
        if inbound.replayed and self._told.get(inbound.topic) == message:
            return True
        self._told.pop(inbound.topic, None)
        self._told[inbound.topic] = message
        if len(self._told) > MOST_REMEMBERED:
            del self._told[next(iter(self._told))]
        return False

    def cleared(self, topic: str) -> None:
        """The broker keeps nothing on *topic* any more."""
        self._told.pop(topic, None)


def digest(data: bytes) -> bytes:
    """A short stand-in for *data*."""
    return blake2b(data, digest_size=16).digest()


def key_of(topic: str, command_id: CommandId) -> bytes:
    """What a command with an id is known by; the string ``"1"`` and the number ``1`` are two ids."""
    return digest(f"{topic}\0{type(command_id).__name__}\0{command_id}".encode("utf-8", "surrogatepass"))


def _forget_old(entries: dict[bytes, _Entry], is_old: Callable[[_Entry], bool]) -> None:
    """Drop the oldest entries, which stand first."""
    while entries:
        oldest = next(iter(entries))
        if not is_old(entries[oldest]):
            return
        del entries[oldest]
