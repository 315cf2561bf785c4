"""What all who tell of one kind of thing have in common: a board, and topics made of names that may be none."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Protocol

from gateway.domain.facts import Outcome
from gateway.mqtt.boards import Board
from gateway.mqtt.stream import Stream
from gateway.mqtt.topics import TopicNameError

_log: Final = logging.getLogger(__name__)

UNDECODABLE: Final = "\ufffd"
"""Stands in a name for what Asterisk sent that is no UTF-8: two such names could be one topic."""

Names = tuple[str, ...]


class Narrator(Protocol):
    """Tells of one kind of thing."""

    @property
    def board(self) -> Board[Any]:
        """What the topics of that kind show."""

    def announce(self, outcome: Outcome) -> None:
        """Tell an outcome; one that is of another kind is not this narrator's."""


class NamedTopics:
    """The topics of things of one kind, by their names. A name that makes none is told once, and harms nothing else.

    Args:
        stream: Where that is told.
        kind: What the things are called in what people read.
        make: The topic of some names; raises TopicNameError.
        longest: The longest topic beside it, to be checked too.
        refused: How often names were to be told that make no topic.
    """

    def __init__(
        self,
        stream: Stream,
        kind: str,
        make: Callable[..., str],
        longest: Callable[..., str],
        refused: Counter[Names],
    ) -> None:
        self._stream = stream
        self._kind = kind
        self._make = make
        self._longest = longest
        self._refused = refused
        self._topics: dict[Names | str, str | None] = {}

    def of(self, names: Names, at: int) -> str | None:
        """The topic of *names*; None where they make none, which is told as of *at*, an instant, the first time."""
        key = _key(names)
        if key not in self._topics:
            self._topics[key] = self._try(names, at)
        elif self._topics[key] is None:
            self._refused[names] += 1
        return self._topics[key]

    def forget(self, names: Names) -> None:
        """A thing of these names is there no more."""
        self._topics.pop(_key(names), None)

    def _try(self, names: Names, at: int) -> str | None:
        why = "it was not valid UTF-8" if any(UNDECODABLE in name for name in names) else None
        if why is None:
            try:
                self._longest(*names)
                return self._make(*names)
            except TopicNameError as error:
                why = str(error)
        self._refused[names] += 1
        _log.warning("cannot publish the %s %r: %s", self._kind, names, why)
        self._stream.bridge_event(
            "NAME_REFUSED", at, kind=self._kind, names=[repr(name) for name in names], message=why
        )
        return None


def _key(names: Names) -> Names | str:
    """A single name stands for itself: it is there anyway, and of agents there are many."""
    return names[0] if len(names) == 1 else names
