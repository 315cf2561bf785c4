"""Nothing is told that is not kept: stores what one burst brought in one transaction, then lets it go out."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from gateway.errors import StoreWriteError
from gateway.service.backlog import Backlog, Shelf
from gateway.service.renumbering import Renumberer
from gateway.store.contents import Batch, KnownCommand, Message, Renumbering

_log = logging.getLogger(__name__)

RETRY: Final = 1.0
"""Seconds between two attempts to write to a store that refuses."""

MANY: Final = 500
"""Acknowledgements that do not wait any longer."""

PATIENCE: Final = 0.2
"""Seconds for which what may wait does: after a kill messages that the broker has are sent once more, with their seq,
and the gap that is read back begins that much earlier."""


class LedgerStore(Shelf, Protocol):
    """Where batches are kept. All methods raise StoreWriteError where they cannot do it now, and then did nothing."""

    def write(self, batch: Batch) -> None:
        """Write a batch as a whole."""

    def renew_stream(self, stream: str, after: int, renumbering: Renumbering) -> None:
        """Begin a new stream, and give it the messages behind number *after*."""


class Ledger:
    """Between those who tell and the broker.

    Args:
        store: Where it is kept.
        backlog: Where messages go then.
        collect: Adds to a batch what else has changed: sessions, calls, places.
        last_number: Number of the last message that the store held at the start; 0 if none.
        last_seq: The ``seq`` of the last event that the store knew of at the start; 0 if none.

    Attributes:
        last_seq: As it was given.
        seq: The ``seq`` of the last event that is kept.
        failure: Why the store cannot be written to, or read, at present; None while it can.
        failures: How often that began.
        on_failure: Called when that changes.
        on_dropped: Told how many messages were dropped to keep the store's bound, and the topic of the first.
    """

    def __init__(
        self,
        store: LedgerStore,
        backlog: Backlog,
        collect: Callable[[Batch], None],
        *,
        last_number: int = 0,
        last_seq: int = 0,
    ) -> None:
        self.last_seq = self.seq = last_seq
        self.failure: str | None = None
        self.failures = 0
        self.on_failure: Callable[[], None] = lambda: None
        self.on_dropped: Callable[[int, str], None] = lambda _count, _topic: None
        self._store = store
        self._backlog = backlog
        self._collect = collect
        self._number = self._inherited = last_number
        self._batch = Batch()
        self._acknowledged: list[int] = []
        self._outgoing: list[Message | str | tuple[str]] = []  # a topic in a tuple is to be put at the end
        self._soon: asyncio.Handle | None = None
        self._later: asyncio.Handle | None = None
        self._is_due = self._in_burst = False

    @property
    def depth(self) -> int:
        """Messages that the broker does not have."""
        return self._store.size_of_outbox()[0]

    @property
    def depth_bytes(self) -> int:
        """Bytes of their topics, payloads and correlation data."""
        return self._store.size_of_outbox()[1]

    def start(self) -> None:
        """Begin to send what an earlier life left."""
        self._backlog.resume()
        self.touch()

    # Told ----------------------------------------------------------------------------------------------------------

    def send(
        self, topic: str, payload: bytes, *, seq: int | None = None, correlation_data: bytes | None = None
    ) -> None:
        """Keep a message, and then send it until the broker has it."""
        self._number += 1
        message = Message(self._number, topic, payload, seq, correlation_data)
        self._batch.messages.append(message)
        self._outgoing.append(message)
        self.touch()

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Send a retained topic in its turn, once what it shows is kept."""
        self._outgoing.append((topic,) if requeue else topic)
        self.touch()

    def gone(self, number: int) -> None:
        """A message needs to be kept no longer."""
        self._acknowledged.append(number)
        if self._backlog.is_busy:
            self.touch()
        else:
            self._commit_later(PATIENCE)

    def record(self, command: KnownCommand, *, at_once: bool = False) -> None:
        """Keep a command; *at_once* before anything of it is done."""
        self._batch.remember_command(command)
        if at_once:
            self.commit()
        else:
            self.touch()

    def forget_command(self, key: str) -> None:
        """A command needs to be known no longer."""
        self._batch.forget_command(key)
        self.touch()

    def touch(self) -> None:
        """Something changed: keep it when the burst that is being read is over."""
        if not self._is_due and self.failure is None:
            self._is_due = True
            if not self._in_burst:
                self._soon = asyncio.get_running_loop().call_soon(self.end_burst)

    def begin_burst(self) -> None:
        """What comes now is kept by ``end_burst``, which is called in the same step of the loop."""
        self._in_burst = True

    def end_burst(self, *, more: bool = False) -> None:
        """Keep what came, and have it leave at once. Not for who is in the middle of a change.

        *more*: more is about to come at once.
        """
        self._in_burst = False
        if self.failure is None:
            self._commit(patient=True)
            self._backlog.sender.work_off(more=more)

    def refresh_at_once(self, topic: str) -> None:
        """Send a retained topic that shows nothing of what must be kept."""
        self._backlog.sender.refresh(topic)

    # Kept ----------------------------------------------------------------------------------------------------------

    def commit_if_due(self) -> None:
        """Commit now what would be with the end of the burst: something is about to be shown."""
        if self._is_due:
            self.commit()

    def commit(self) -> None:
        """Write what there is, and let go out what is written."""
        self._commit(patient=False)

    def _commit(self, *, patient: bool) -> None:
        """Write what there is; with *patient* what may wait does so for a moment: it would only hold the rest up."""
        self._is_due = False
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._collect(self._batch)
        patient = patient and not (self._backlog.is_busy or self._backlog.is_tight)
        if patient and self._batch.may_wait:
            self._let_go()
            if self._batch:
                self._commit_later(PATIENCE)
            return
        if not patient or len(self._acknowledged) >= MANY:
            self._batch.acknowledged += self._acknowledged
            self._acknowledged.clear()
        if self._later is not None and not self._acknowledged:
            self._later.cancel()
            self._later = None
        self._write()

    def _write(self) -> None:
        try:
            if self._batch:
                self._store.write(self._batch)
                self.seq = max((message.seq for message in self._batch.messages if message.seq), default=self.seq)
                self._batch = Batch()
            self._let_go()
            dropped = self._backlog.work()
        except StoreWriteError as error:
            self._fail(str(error))
            return
        recovered, self.failure = self.failure is not None, None
        if recovered:
            _log.info("the store can be used again")
            self.on_failure()
        if dropped is not None:
            self.on_dropped(*dropped)
        if self._backlog.is_busy:
            self.touch()

    def renew(self, stream: str) -> Renumberer | None:
        """Begin a new stream: the broker holds what the store says was never told.

        What was told of the old stream behind the place where the store ends is not known here, so nothing new may be
        numbered in it. Messages of an earlier life were kept, with the same ``seq``, by whoever told more: they are
        sent as they are, at worst once more. Those made since the start would have a ``seq`` that something else had,
        and become the first of the new stream; but not one that is under way already, which goes as it is.

        Returns:
            What became of the numbers; None if the store refuses, which ``on_failure`` tells.
        """
        self.commit()
        if self.failure is not None:
            return None
        renumberer = Renumberer(stream, self._backlog.sender.numbers_under_way)
        try:
            self._store.renew_stream(stream, self._inherited, renumberer)
        except StoreWriteError as error:
            self._fail(str(error))
            return None
        _log.warning("the broker holds more of the stream than the store: a new stream %s begins", stream)
        self.seq = renumberer.seq
        self._backlog.rewind()
        self.touch()
        return renumberer

    async def drain(self) -> None:
        """Wait until the broker has everything; while it is away that is for ever."""
        self.commit_if_due()
        await self._backlog.drain()

    def _let_go(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        for each in outgoing:
            if isinstance(each, Message):
                self._backlog.add(each)
            elif isinstance(each, str):
                self._backlog.sender.refresh(each)
            else:
                self._backlog.sender.refresh(each[0], requeue=True)

    def _fail(self, why: str) -> None:
        self._commit_later(RETRY)
        if self.failure is None:
            _log.error("the store cannot be used, so nothing new is published until it can: %s", why)
            self.failure = why
            self.failures += 1
            self.on_failure()

    def _commit_later(self, seconds: float) -> None:
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(seconds, self.commit)
