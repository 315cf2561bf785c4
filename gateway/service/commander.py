"""Commands: each is looked at in the order of the codes, carried out once, and answered exactly once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.clock import Arrival, Clock
from gateway.domain.instant import SECOND
from gateway.mqtt.announcer import Publisher
from gateway.mqtt.commands import (
    BadPayloadError,
    BridgeRequest,
    Command,
    CommandId,
    CreateSession,
    SetState,
    check_name,
    parse,
)
from gateway.mqtt.interface import Inbound
from gateway.mqtt.payloads import AnswerPayload, SessionAnswerPayload
from gateway.mqtt.presentation import time_of_day
from gateway.mqtt.topics import CommandAddress, Topics, response_topic
from gateway.service.answers import Code, CommandError, Known, Repeats, Result

_log = logging.getLogger(__name__)

Carry = Callable[[CommandAddress, Command], Awaitable[Result]]
"""Carries out one parsed command; raises CommandError."""

_PLAIN: Final = {"session_set": "state", "agent_set": "state"}

MODELS: Final[dict[str, type[Command]]] = {
    "session_set": SetState,
    "agent_set": SetState,
    "create_session": CreateSession,
    "bridge_request": BridgeRequest,
}
"""What each kind of command topic takes."""


class Commander:
    """Takes messages on command topics, and answers.

    Args:
        topics: What they are called.
        publisher: Where answers go.
        clock: For ages.
        carry: Who carries a command out.
        refusal: Why the gateway's own policy forbids a command; None if it does not.
        is_current: Whether there is a picture of Asterisk to act on.
        max_age: Microseconds after which a command is too old.
        limit: How many may run at once.

    Attributes:
        answered: Answers given, by code; ``ok`` for success.
    """

    def __init__(
        self,
        topics: Topics,
        publisher: Publisher,
        clock: Clock,
        carry: Carry,
        *,
        refusal: Callable[[CommandAddress, Command], str | None],
        is_current: Callable[[], bool],
        max_age: int,
        limit: int,
    ) -> None:
        self.answered: dict[str, int] = {}
        self._topics = topics
        self._publisher = publisher
        self._clock = clock
        self._carry = carry
        self._refusal = refusal
        self._is_current = is_current
        self._max_age = max_age
        self._limit = limit
        self._repeats = Repeats()
        self._told_stale: set[tuple[str, bytes]] = set()
        self._running: set[asyncio.Task[None]] = set()

    def receive(self, inbound: Inbound) -> None:
        """Take one message. Starts what it asks for; the answer follows by itself."""
        address = self._topics.parse_command(inbound.topic)
        if address is None or address.kind not in MODELS or not inbound.payload:
            return
        arrived = self._clock.now()
        reply_to = self._reply_to(inbound)
        if inbound.retained and self._is_replay(inbound):
            return
        try:
            command = self._parse(address, inbound)
        except BadPayloadError as error:
            result = Result(Code.BAD_PAYLOAD, str(error))
            if inbound.retained:
                result = Result(Code.STALE, "a retained command is never carried out: send it without retain")
            self._answer(reply_to, error.command_id, result)
            return
        known = None
        if command.id is not None and not inbound.retained:
            key = (inbound.topic, type(command.id), command.id)
            known = self._repeats.find(key, arrived.steady)
            if known is not None:
                self._repeat(known, inbound, reply_to, command.id)
                return
            known = self._repeats.remember(key, inbound.payload, arrived.steady)
        try:
            self._check(address, inbound, command, arrived)
        except CommandError as error:
            self._finish(reply_to, command.id, Result(error.code, str(error), state=error.state), known)
            return
        task = asyncio.create_task(self._run(address, command, reply_to, known), name=f"command {address.kind}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """Cancel what still runs, having answered it."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # Checks --------------------------------------------------------------------------------------------------------

    def _is_replay(self, inbound: Inbound) -> bool:
        """Whether a retained command was answered already; each connection brings it again."""
        message = (inbound.topic, inbound.payload)
        if inbound.replayed and message in self._told_stale:
            return True
        self._told_stale.add(message)
        return False

    def _parse(self, address: CommandAddress, inbound: Inbound) -> Command:
        command = parse(MODELS[address.kind], inbound.payload, plain=_PLAIN.get(address.kind))
        if isinstance(command, CreateSession):
            try:
                check_name(address.agent)
            except ValueError as error:
                raise BadPayloadError(f"the agent in the topic {error}", command.id) from None
        return command

    def _check(self, address: CommandAddress, inbound: Inbound, command: Command, arrived: Arrival) -> None:
        """Look for what forbids a command before anything of it is done.

        Raises:
            CommandError: STALE, FORBIDDEN, BUSY, LINK_DOWN.
        """
        if (why := self._staleness(inbound, command, arrived)) is not None:
            raise CommandError(Code.STALE, why)
        if (why := self._refusal(address, command)) is not None:
            raise CommandError(Code.FORBIDDEN, why)
        if len(self._running) >= self._limit:
            raise CommandError(Code.BUSY, f"{self._limit} commands are under way: try again")
        if address.kind != "bridge_request" and not self._is_current():
            raise CommandError(Code.LINK_DOWN, "there is no current picture of Asterisk: try again when there is")

    def _staleness(self, inbound: Inbound, command: Command, arrived: Arrival) -> str | None:
        if inbound.retained:
            return "a retained command is never carried out: send it without retain"
        sent_at = command.sent_at_wall
        if sent_at is None:
            return (
                "it may have waited while the gateway was away: send it again, with sent_at"
                if inbound.resumed
                else None
            )
        age = arrived.wall - sent_at
        if age > self._max_age:
            return f"sent {age / SECOND:.1f} s ago; the limit is {self._max_age / SECOND:g} s"
        if age < -self._max_age:
            return f"sent_at is {-age / SECOND:.1f} s in the future: set the sender's clock"
        return None

    # Answers -------------------------------------------------------------------------------------------------------

    async def _run(
        self, address: CommandAddress, command: Command, reply_to: tuple[str, bytes | None], known: Known | None
    ) -> None:
        try:
            result = await self._carry(address, command)
        except CommandError as error:
            result = Result(error.code, str(error), state=error.state)
        except asyncio.CancelledError:
            self._finish(
                reply_to, command.id, Result(Code.TIMEOUT, "the gateway stopped before Asterisk confirmed"), known
            )
            raise
        self._finish(reply_to, command.id, result, known)

    def _repeat(
        self, known: Known, inbound: Inbound, reply_to: tuple[str, bytes | None], command_id: CommandId
    ) -> None:
        if known.payload != inbound.payload:
            message = "this id was used for another command within the last minute: use a new id"
            self._answer(reply_to, command_id, Result(Code.BAD_PAYLOAD, message))
        elif known.answer is None:
            known.waiting.append(reply_to)
        else:
            self._send(reply_to, known.answer)

    def _finish(
        self, reply_to: tuple[str, bytes | None], command_id: CommandId | None, result: Result, known: Known | None
    ) -> None:
        answer = self._answer(reply_to, command_id, result)
        if known is not None:
            known.answer = answer
            for also in known.waiting:
                self._send(also, answer)
            known.waiting.clear()

    def _answer(self, reply_to: tuple[str, bytes | None], command_id: CommandId | None, result: Result) -> bytes:
        code = None if result.code is None else result.code.value
        self.answered[code or "ok"] = self.answered.get(code or "ok", 0) + 1
        answer = AnswerPayload(
            id=command_id,
            status="ok" if code is None else "error",
            code=code,
            message=result.message,
            changed=result.changed,
            state=result.state,
            at=time_of_day(self._clock.now().wall),
            sessions=None
            if result.sessions is None
            else [
                SessionAnswerPayload(
                    group=each.group,
                    address=each.address,
                    status="ok" if each.code is None else "error",
                    code=None if each.code is None else each.code.value,
                    message=each.message,
                    changed=each.changed,
                    state=each.state,
                )
                for each in result.sessions
            ],
        )
        payload = answer.model_dump_json(exclude={"sessions"} if answer.sessions is None else None).encode()
        self._send(reply_to, payload)
        return payload

    def _send(self, reply_to: tuple[str, bytes | None], payload: bytes) -> None:
        topic, correlation_data = reply_to
        self._publisher.send(topic, payload, correlation_data=correlation_data)

    def _reply_to(self, inbound: Inbound) -> tuple[str, bytes | None]:
        """Where the answer goes: to the sender's Response Topic, unless that would lend out the gateway's rights."""
        own = response_topic(inbound.topic)
        wanted = inbound.response_topic
        if wanted and (wanted == own or self._is_free(wanted)):
            return wanted, inbound.correlation_data
        return own, inbound.correlation_data

    def _is_free(self, topic: str) -> bool:
        """Whether a topic is none of the gateways', and one that may be published to."""
        if any(char in topic for char in "+#\0") or topic.startswith("$"):
            return False
        return not (topic == self._topics.prefix or topic.startswith(f"{self._topics.prefix}/"))
