"""Things of one kind in the store: each a row of JSON under the kind and its name."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter

from gateway.domain.handler import AgentHandler
from gateway.domain.queue import ACDQueue
from gateway.domain.queues import QueueBook
from gateway.domain.trails import Answered
from gateway.mqtt.narrator import Narrator
from gateway.mqtt.queue_narrator import GroupNarrator, QueueNarrator
from gateway.store.contents import Batch, Saved

Thing = TypeVar("Thing")

_QUEUE: Final = TypeAdapter(ACDQueue)
_ANSWERED: Final = TypeAdapter(Answered)


class Kept(Generic[Thing]):
    """Writes what changed, and reads all of it.

    Args:
        kind: Tells them from others in the store.
        adapter: Makes them JSON, and JSON them.
        take_changed: Gives those that changed since it was asked last, by name; None for one that is there no more.
    """

    def __init__(
        self, kind: str, adapter: TypeAdapter[Thing], take_changed: Callable[[], Mapping[str, Thing | None]]
    ) -> None:
        self._kind = kind
        self._adapter = adapter
        self._take_changed = take_changed

    def collect(self, batch: Batch) -> None:
        """Add to a batch what has changed since the last."""
        for name, thing in self._take_changed().items():
            batch.objects[self._kind, name] = None if thing is None else self._adapter.dump_json(thing).decode()

    def read(self, saved: Saved) -> Iterable[Thing]:
        """All of them."""
        return map(self._adapter.validate_json, saved.objects.get(self._kind, ()))


class KeptQueues:
    """The queues in the store, and the callers who may come to another.

    Args:
        book: Has them.
        handler: Knows their names.
        narrators: Among them who tells of queues and groups.
    """

    def __init__(self, book: QueueBook, handler: AgentHandler, narrators: Iterable[Narrator]) -> None:
        self._book = book
        self._handler = handler
        self._narrators = list(narrators)
        self._kept = Kept("queue", _QUEUE, book.take_changed)
        self._answered = Kept("answered", _ANSWERED, book.take_answered)

    def collect(self, batch: Batch) -> None:
        """Add to a batch what has changed since the last."""
        self._kept.collect(batch)
        self._answered.collect(batch)

    def restore(self, saved: Saved) -> None:
        """Give back what was kept, before anything runs."""
        self._book.restore(self._kept.read(saved), saved.sessions, self._answered.read(saved))
        for queue in self._book.queues():
            self._handler.add_queue(queue.name)
        for narrator in self._narrators:
            if isinstance(narrator, QueueNarrator):
                narrator.restore(self._book.queues(), saved.previous)
            elif isinstance(narrator, GroupNarrator):
                narrator.restore(self._book.groups(), saved.previous)
