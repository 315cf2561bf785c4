"""Commands: each is looked at in the order of the codes, carried out once, and answered exactly once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.clock import Arrival, Clock
from gateway.domain.instant import SECOND
from gateway.mqtt.commands import (
    BadPayloadError,
    BridgeRequest,
    Command,
    CreateSession,
    MeasurementPeriod,
    SetState,
    check_agent,
    check_characters,
    check_text,
    parse,
)
from gateway.mqtt.interface import Inbound
from gateway.mqtt.stream import Publisher
from gateway.mqtt.topics import CommandAddress, Topics
from gateway.service.answers import Code, CommandError, Result
from gateway.service.journal import Journal
from gateway.service.rate import Rate
from gateway.service.repeats import Deliveries, Known, Repeats, Retained, digest
from gateway.service.replies import Replies, ReplyTo
from gateway.store.contents import KnownCommand

_log = logging.getLogger(__name__)

Carry = Callable[[CommandAddress, Command], Awaitable[Result]]
"""Carries out one parsed command; raises CommandError."""

Refusal = Callable[[CommandAddress, Command], CommandError | None]
"""What forbids a command whatever Asterisk may say: BAD_PAYLOAD, FORBIDDEN; None if nothing does."""

_PLAIN: Final = {"session_set": "state", "agent_set": "state"}

MOST_WAITING: Final = 100
"""Repeats of one command that may wait for its answer: each may have brought 64 KiB to be sent back."""

MODELS: Final[dict[str, type[Command]]] = {
    "session_set": SetState,
    "agent_set": SetState,
    "create_session": CreateSession,
    "agent_period": MeasurementPeriod,
    "queue_period": MeasurementPeriod,
    "bridge_request": BridgeRequest,
}
"""What each kind of command topic takes."""


@dataclass(eq=False, slots=True)
class _Request:
    """A command on its way to its answer. ``known`` is where the answer is kept for repeats, ``key`` the journal's."""

    address: CommandAddress
    command: Command
    reply_to: ReplyTo
    known: Known | None
    answered: bool = False
    key: str | None = None


class Commander:
    """Takes messages on command topics, and answers.

    Args:
        topics: What they are called.
        publisher: Where answers go.
        clock: For ages.
        carry: Who carries a command out.
        refusal: What forbids a command before anything is asked.
        is_current: Whether there is a picture of Asterisk to act on.
        max_age: Microseconds after which a command is too old.
        limit: How many may run at once.
        per_second: How many may come in a second.
        weight: How many a command counts for: that to an agent means an action for each of its sessions.
        journal: Keeps them over a kill; None: nobody does.

    Attributes:
        limit: As it was given; it may be changed at any time.
        per_second: Likewise.
    """

    def __init__(
        self,
        topics: Topics,
        publisher: Publisher,
        clock: Clock,
        carry: Carry,
        *,
        refusal: Refusal,
        is_current: Callable[[], bool],
        max_age: int,
        limit: int,
        per_second: int,
        weight: Callable[[CommandAddress], int] = lambda _: 1,
        journal: Journal | None = None,
    ) -> None:
        self._journal = journal
        self._topics = topics
        self._clock = clock
        self._carry = carry
        self._refusal = refusal
        self._is_current = is_current
        self._max_age = max_age
        self.limit = limit
        self.per_second = per_second
        self._weight = weight
        self._rate = Rate()
        self._replies = Replies(topics, publisher, clock)
        self._repeats = Repeats()
        self._deliveries = Deliveries()
        self._retained = Retained()
        self._running: dict[asyncio.Task[None], _Request] = {}
        self._stopped = False

    @property
    def answered(self) -> dict[str, int]:
        """Commands answered, by code; ``ok`` for success."""
        return self._replies.answered

    def receive(self, inbound: Inbound) -> None:
        """Take one message. Starts what it asks for; the answer follows by itself."""
        address = self._topics.parse_command(inbound.topic)
        if address is None:
            return
        if not inbound.payload:
            self._retained.cleared(inbound.topic)
            return
        arrived = self._clock.now()
        reply_to = self._replies.reply_to(inbound)
        if inbound.retained:
            if not self._retained.is_told(inbound):
                self._refuse_retained(address, inbound, reply_to)
        elif not self._deliveries.is_second(inbound, arrived.steady):
            self._receive(address, inbound, reply_to, arrived)

    def restore(self, commands: Mapping[str, KnownCommand]) -> None:
        """Answer what was under way when the gateway was killed, and know the repeats of what was answered."""
        if self._journal is None:
            return
        now = self._clock.now()
        for each in list(self._journal.restore(commands)):
            answer = each.answer
            if answer is None:
                why = "the gateway was killed before Asterisk confirmed; the state is told by events"
                answer = self._replies.answer(each.reply_to, each.command_id, Result(Code.TIMEOUT, why))
                self._journal.end(each.key, answer, is_repeatable=each.command_id is not None)
            if each.command_id is not None:
                known = Known(each.digest, now.steady - (now.wall - each.at), answer)
                self._repeats.restore(each.topic, each.command_id, known)

    async def stop(self) -> None:
        """Take no more commands, and cancel and answer those that run."""
        self._stopped = True
        running = dict(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for request in running.values():
            # One that was cancelled before its first step could not answer itself, so none does.
            if not request.answered:
                self._finish(request, Result(Code.TIMEOUT, "the gateway stopped before Asterisk confirmed"))

    # Checks --------------------------------------------------------------------------------------------------------

    def _refuse_retained(self, address: CommandAddress, inbound: Inbound, reply_to: ReplyTo) -> None:
        try:
            command_id = self._parse(address, inbound).id
        except BadPayloadError as error:
            command_id = error.command_id
        why = "a retained command is never carried out: send it without retain"
        self._replies.answer(reply_to, command_id, Result(Code.STALE, why))

    def _receive(self, address: CommandAddress, inbound: Inbound, reply_to: ReplyTo, arrived: Arrival) -> None:
        try:
            command = self._parse(address, inbound)
        except BadPayloadError as error:
            stale = self._staleness(inbound, error.sent_at, arrived)
            result = Result(Code.BAD_PAYLOAD, str(error)) if stale is None else Result(Code.STALE, stale)
            self._replies.answer(reply_to, error.command_id, result)
            return
        known = None if command.id is None else self._repeats.find(inbound.topic, command.id, arrived.steady)
        if known is not None and known.digest == digest(inbound.payload):
            self._repeat(known, command, reply_to)
            return
        try:
            self._check(address, inbound, command, arrived, id_is_known=known is not None)
        except CommandError as error:
            failure: CommandError | None = error
        else:
            failure = None
        if command.id is not None and known is None:
            known = self._repeats.remember(inbound.topic, command.id, inbound.payload, arrived.steady)
        elif known is not None:
            known = None  # what is kept is the first command's answer
        request = _Request(address, command, reply_to, known)
        if failure is not None:
            self._finish(request, _result_of(failure))
            return
        if self._journal is not None:
            request.key = self._journal.begin(
                inbound.topic, command.id, digest(inbound.payload), reply_to, at=arrived.wall
            )
            if self._journal.failure is not None:
                # It could be carried out, but after a kill nobody would know that it was.
                self._finish(request, Result(Code.BUSY, "the gateway's store cannot be written to: try again"))
                return
        task = asyncio.create_task(self._run(request), name=f"command {address.kind}")
        self._running[task] = request
        task.add_done_callback(lambda done: self._running.pop(done, None))

    def _parse(self, address: CommandAddress, inbound: Inbound) -> Command:
        if address.kind not in MODELS:
            raise BadPayloadError(
                "a level of the topic stands for no name: percent-encode / + # % and control characters"
            )
        command = parse(MODELS[address.kind], inbound.payload, plain=_PLAIN.get(address.kind))
        try:
            if isinstance(command, CreateSession):
                check_agent(address.agent)
            check_characters(address.group)
            check_text(address.agent)
            check_text(address.address)
        except ValueError as error:
            raise BadPayloadError(f"a name in the topic {error}", command.id, command.sent_at_wall) from None
        return command

    def _check(
        self, address: CommandAddress, inbound: Inbound, command: Command, arrived: Arrival, *, id_is_known: bool
    ) -> None:
        """Look for what forbids a command before anything of it is done.

        Raises:
            CommandError: STALE, BAD_PAYLOAD, FORBIDDEN, BUSY, LINK_DOWN.
        """
        if (why := self._staleness(inbound, command.sent_at_wall, arrived)) is not None:
            raise CommandError(Code.STALE, why)
        if id_is_known:
            raise CommandError(
                Code.BAD_PAYLOAD, "this id was used for another command within the last minute: use a new id"
            )
        if (refusal := self._refusal(address, command)) is not None:
            raise refusal
        if len(self._running) >= self.limit:
            raise CommandError(Code.BUSY, f"{self.limit} commands are under way: try again, with a new id")
        if not self._rate.take(self._weight(address), arrived.steady, per_second=self.per_second):
            why = f"commands come faster than {self.per_second} a second: try again later, with a new id"
            raise CommandError(Code.BUSY, why)
        if self._stopped:
            raise CommandError(Code.LINK_DOWN, "the gateway is stopping")
        if address.kind != "bridge_request" and not self._is_current():
            raise CommandError(
                Code.LINK_DOWN, "there is no current picture of Asterisk: try again when there is, with a new id"
            )

    def _staleness(self, inbound: Inbound, sent_at: int | None, arrived: Arrival) -> str | None:
        """Why a command is too old, or may be; None if it is not. *sent_at*: microseconds since the epoch."""
        if sent_at is None:
            if not inbound.resumed:
                return None
            return "it may have waited while the gateway was away: send it again, with sent_at and a new id"
        age = arrived.wall - sent_at
        if age > self._max_age:
            return f"sent {age / SECOND:.1f} s ago; the limit is {self._max_age / SECOND:g} s"
        if age < -self._max_age:
            return f"sent_at is {-age / SECOND:.1f} s in the future: set the sender's clock"
        return None

    # Carrying out and answering ------------------------------------------------------------------------------------

    async def _run(self, request: _Request) -> None:
        try:
            result = await self._carry(request.address, request.command)
        except CommandError as error:
            result = _result_of(error)
        except Exception:  # noqa: BLE001 - a fault of ours must not leave a command and its repeats without answer
            _log.exception("a fault in carrying out a command")
            result = Result(Code.TIMEOUT, "the gateway failed; the state will be told by events")
        self._finish(request, result)
        _log.info("%s %s: %s", request.address.kind, _names(request.address), result.code or "ok")

    def _repeat(self, known: Known, command: Command, reply_to: ReplyTo) -> None:
        if known.answer is not None:
            self._replies.send(reply_to, known.answer)
        elif len(known.waiting) < MOST_WAITING:
            known.waiting.append(reply_to)
        else:
            why = f"{MOST_WAITING} repeats of this command wait for its answer already"
            self._replies.answer(reply_to, command.id, Result(Code.BUSY, why))

    def _finish(self, request: _Request, result: Result) -> None:
        request.answered = True
        answer = self._replies.answer(request.reply_to, request.command.id, result)
        if self._journal is not None and request.key is not None:
            self._journal.end(request.key, answer, is_repeatable=request.command.id is not None)
        if request.known is not None:
            request.known.answer = answer
            for also in request.known.waiting:
                self._replies.send(also, answer)
            request.known.waiting.clear()


def _result_of(error: CommandError) -> Result:
    return Result(error.code, str(error), state=error.state)


def _names(address: CommandAddress) -> str:
    """The names in a command's topic, for the log: they are strangers' text."""
    return "/".join(ascii(name) for name in (address.group, address.agent, address.address) if name)
