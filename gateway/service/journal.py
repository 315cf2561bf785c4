"""Commands are kept before they reach Asterisk, so that each is passed on once and answered, also over a kill."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import uuid4

from gateway.domain.instant import SECOND
from gateway.mqtt.commands import CommandId
from gateway.service.repeats import REMEMBERED_TIME, key_of
from gateway.service.replies import ReplyTo
from gateway.store.contents import KnownCommand


class CommandKeeper(Protocol):
    """Where commands are kept."""

    @property
    def failure(self) -> str | None:
        """Why nothing can be kept at present; None while it can."""

    def record(self, command: KnownCommand, *, at_once: bool = False) -> None:
        """Keep a command."""

    def forget_command(self, key: str) -> None:
        """Let it go."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A command of an earlier life. ``answer`` is None for one that was under way when the gateway was killed."""

    key: str
    topic: str
    command_id: CommandId | None
    digest: bytes
    at: int
    answer: bytes | None
    reply_to: ReplyTo


class Journal:
    """The commands under way, and those with an id that were answered within the last minute.

    Times are microseconds since the epoch.
    """

    def __init__(self, keeper: CommandKeeper) -> None:
        self._keeper = keeper
        self._kept: dict[str, KnownCommand] = {}

    @property
    def failure(self) -> str | None:
        """Why no command can be taken at present; None while one can."""
        return self._keeper.failure

    def begin(self, topic: str, command_id: CommandId | None, digest: bytes, reply_to: ReplyTo, *, at: int) -> str:
        """Keep a command that is about to be carried out; returns what ``end`` wants."""
        self._forget_old(at)
        key = uuid4().hex if command_id is None else key_of(topic, command_id).hex()
        about = json.dumps({"topic": topic, "id": command_id, "digest": digest.hex()})
        reply_topic, correlation_data = reply_to or ("", None)
        known = KnownCommand(key, about.encode(), at, None, reply_topic, correlation_data)
        self._kept[key] = known
        self._keeper.record(known, at_once=True)
        return key

    def end(self, key: str, answer: bytes, *, is_repeatable: bool) -> None:
        """It was answered; one without an id can have no repeat and is kept no longer."""
        if is_repeatable:
            self._kept[key] = replace(self._kept[key], answer=answer)
            self._keeper.record(self._kept[key])
        else:
            del self._kept[key]
            self._keeper.forget_command(key)

    def restore(self, commands: Mapping[str, KnownCommand]) -> Iterator[Interrupted]:
        """Take back what was kept, and tell what it was."""
        for key, known in commands.items():
            self._kept[key] = known
            about = json.loads(known.payload)
            reply_to = (known.reply_topic, known.correlation_data) if known.reply_topic else None
            digest = bytes.fromhex(about["digest"])
            yield Interrupted(key, about["topic"], about["id"], digest, known.at, known.answer, reply_to)

    def _forget_old(self, now: int) -> None:
        for key, known in list(self._kept.items()):
            if now - known.at < REMEMBERED_TIME + SECOND:
                return
            if known.answer is not None:
                del self._kept[key]
                self._keeper.forget_command(key)
