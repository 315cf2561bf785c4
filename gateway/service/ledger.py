"""Nothing is told that is not kept: stores what one burst of events brought in one transaction, then lets it go."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from gateway.errors import StoreWriteError
from gateway.store.contents import Batch, KnownCommand, Message

_log = logging.getLogger(__name__)

RETRY: Final = 1.0
"""Seconds between two attempts to write to a store that refuses."""

ACKNOWLEDGE_WITHIN: Final = 0.2
"""Seconds for which messages that the broker has may stay in the store: a kill sends them once more, with their seq."""


class Writer(Protocol):
    """Where batches are kept."""

    def write(self, batch: Batch) -> None:
        """Write a batch as a whole; raises StoreWriteError, having written nothing of it."""


class Sender(Protocol):
    """Where messages go once they are kept."""

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        seq: int | None = None,
        number: int | None = None,
        correlation_data: bytes | None = None,
    ) -> None:
        """Send a message until the broker has it."""

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Send what a retained topic shows when its turn comes."""


class Ledger:
    """Between those who tell and the broker.

    Args:
        store: Where it is kept.
        sender: Where it goes then.
        collect: Adds to a batch what else has changed: sessions, calls, places.
        last_number: Number of the last message ever sent.

    Attributes:
        failure: Why the store cannot be written to at present; None while it can.
        on_failure: Called when that changes.
    """

    def __init__(
        self, store: Writer, sender: Sender, collect: Callable[[Batch], None], *, last_number: int = 0
    ) -> None:
        self.failure: str | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._store = store
        self._sender = sender
        self._collect = collect
        self._number = last_number
        self._batch = Batch()
        self._outgoing: list[Message | tuple[str, bool]] = []
        self._due: asyncio.Handle | None = None
        self._due_soon = False

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
        self._outgoing.append((topic, requeue))
        self.touch()

    def resume(self, message: Message) -> None:
        """Send a message of an earlier life again."""
        self._sender.send(
            message.topic,
            message.payload,
            seq=message.seq,
            number=message.number,
            correlation_data=message.correlation_data,
        )

    def gone(self, number: int) -> None:
        """A message needs to be kept no longer."""
        self._batch.acknowledged.append(number)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(ACKNOWLEDGE_WITHIN, self.commit)

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
        if not self._due_soon and self.failure is None:
            self._cancel()
            self._due_soon = True
            self._due = asyncio.get_running_loop().call_soon(self.commit)

    def refresh_at_once(self, topic: str) -> None:
        """Send a retained topic that shows nothing of what must be kept."""
        self._sender.refresh(topic)

    # Kept ----------------------------------------------------------------------------------------------------------

    def commit_if_due(self) -> None:
        """Commit now what would be with the end of the burst: something is about to be shown."""
        if self._due_soon:
            self.commit()

    def commit(self) -> None:
        """Write what there is, and let go out what is written."""
        self._cancel()
        self._collect(self._batch)
        if self._batch:
            try:
                self._store.write(self._batch)
            except StoreWriteError as error:
                self._fail(str(error))
                return
            self._batch = Batch()
        outgoing, self._outgoing = self._outgoing, []
        recovered = self.failure is not None
        self.failure = None
        for each in outgoing:
            if isinstance(each, Message):
                self.resume(each)
            else:
                self._sender.refresh(each[0], requeue=each[1])
        if recovered:
            _log.info("the store can be written to again")
            self.on_failure()

    def _fail(self, why: str) -> None:
        self._due = asyncio.get_running_loop().call_later(RETRY, self.commit)
        if self.failure is None:
            _log.error("the store cannot be written to, so nothing is published until it can: %s", why)
            self.failure = why
            self.on_failure()

    def _cancel(self) -> None:
        self._due_soon = False
        if self._due is not None:
            self._due.cancel()
            self._due = None
