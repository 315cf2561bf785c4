"""Commands and their answers."""

import asyncio
import json
from math import ceil
from typing import Final
from uuid import uuid4

from pydantic import ValidationError

from gateway.client.link import Link
from gateway.errors import CommandFailedError, MqttConnectionError, NoAnswerError
from gateway.mqtt.commands import Command
from gateway.mqtt.interface import Inbound
from gateway.mqtt.payloads import AnswerPayload
from gateway.mqtt.topics import response_topic

_LOST: Final = "the connection was lost before the answer came"


class Asking:
    """Sends commands and matches answers with them, by Correlation Data and by ``id``.

    The answer is asked for on the command's topic and ``/response``, for which a broker that grants a command grants
    the answer too; or on a topic of the client's own.

    Args:
        link: The link to the broker.
        answers_on: Such a topic; None for the command's.
    """

    def __init__(self, link: Link, answers_on: str | None) -> None:
        self._link = link
        self._answers_on = answers_on
        self._pending: dict[str, asyncio.Future[AnswerPayload]] = {}
        self._under_way: dict[int, str] = {}

    async def ask(self, topic: str, command: Command, *, timeout: float) -> AnswerPayload:  # noqa: ASYNC109
        """Send a command and return its answer, which is ok.

        The broker forgets the command after *timeout* seconds, if the gateway has not taken it by then.

        Raises:
            CommandFailedError: If the answer is an error.
            NoAnswerError: If none comes within *timeout* seconds, or the broker refuses the command.
            MqttConnectionError: If there is no connection to the broker; nothing was sent.
        """
        own_id = uuid4().hex
        response = self._answers_on or response_topic(topic)
        await self._link.expect_answers(response)
        future: asyncio.Future[AnswerPayload] = asyncio.get_running_loop().create_future()
        self._pending[own_id] = future
        identifier = None
        try:
            identifier = self._link.connection.publish_now(
                topic,
                _payload(command, own_id),
                expiry=ceil(timeout),
                correlation_data=own_id.encode(),
                response_topic=response,
            )
            self._under_way[identifier] = own_id
            async with asyncio.timeout(timeout):
                answer = await future
        except TimeoutError:
            raise NoAnswerError(f"no answer within {timeout:g} s: is the gateway running?") from None
        except ValueError as error:  # larger than the broker takes
            raise MqttConnectionError(str(error)) from None
        finally:
            del self._pending[own_id]
            if identifier is not None:
                self._under_way.pop(identifier, None)
        if answer.status != "ok":
            raise CommandFailedError(answer.code or "", answer.message or "", answer)
        return answer

    def take(self, message: Inbound) -> bool:
        """Take a message if it is the answer to one of our commands; return whether it is any command's answer."""
        if not message.topic.endswith("/response") and message.topic != self._answers_on:
            return False
        correlation = (message.correlation_data or b"").decode(errors="replace")
        future = self._pending.get(correlation) or self._pending.get(_id_in(message.payload))
        if future is not None and not future.done():
            try:
                future.set_result(AnswerPayload.model_validate_json(message.payload, extra="ignore"))
            except ValidationError:
                future.set_exception(NoAnswerError("the answer is not of this contract"))
        return True

    def refused(self, identifier: int, reason: str) -> None:
        """The broker refused a publish."""
        self._fail(self._under_way.get(identifier), NoAnswerError(f"the broker refuses the command: {reason}"))

    def lost(self) -> None:
        """The connection is gone, and with it the answers."""
        for own_id in list(self._pending):
            self._fail(own_id, NoAnswerError(_LOST))

    def _fail(self, own_id: str | None, error: NoAnswerError) -> None:
        future = None if own_id is None else self._pending.get(own_id)
        if future is not None and not future.done():
            future.set_exception(error)


def _payload(command: Command, own_id: str) -> bytes:
    return json.dumps({**command.model_dump(mode="json", exclude_unset=True), "id": own_id}).encode()


def _id_in(payload: bytes) -> str:
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    return str(answer.get("id")) if isinstance(answer, dict) else ""
