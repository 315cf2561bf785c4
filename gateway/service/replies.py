"""Answers: where they go, and what is in them."""

from gateway.clock import Clock
from gateway.mqtt.commands import CommandId
from gateway.mqtt.interface import Inbound
from gateway.mqtt.payloads import AnswerPayload, SessionAnswerPayload
from gateway.mqtt.presentation import time_of_day
from gateway.mqtt.stream import Publisher
from gateway.mqtt.topics import TopicNameError, Topics, encode_level, response_topic
from gateway.service.answers import Result, SessionResult

ReplyTo = tuple[str, bytes | None] | None
"""Topic and Correlation Data of an answer; None where there is no topic that it could go to."""


class Replies:
    """Renders answers, and sends them.

    Args:
        topics: Which topics are the gateways'.
        publisher: Where answers go.
        clock: For the time of day in them.

    Attributes:
        answered: Commands answered, by code; ``ok`` for success. A repeat is not counted.
    """

    def __init__(self, topics: Topics, publisher: Publisher, clock: Clock) -> None:
        self.answered: dict[str, int] = {}
        self._topics = topics
        self._publisher = publisher
        self._clock = clock

    def reply_to(self, inbound: Inbound) -> ReplyTo:
        """Where the answer goes: to the sender's Response Topic, unless that would lend out the gateway's rights."""
        try:
            own = response_topic(inbound.topic) if _is_plain(inbound.topic) else None
        except TopicNameError:  # the command's topic has hardly room for itself
            own = None
        wanted = inbound.response_topic
        if wanted and (wanted == own or self._is_free(wanted)):
            return wanted, inbound.correlation_data
        return None if own is None else (own, inbound.correlation_data)

    def answer(self, reply_to: ReplyTo, command_id: CommandId | None, result: Result) -> bytes:
        """Answer a command, and return the answer for its repeats."""
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
            sessions=None if result.sessions is None else [_of_session(each) for each in result.sessions],
        )
        payload = answer.model_dump_json(exclude={"sessions"} if answer.sessions is None else None).encode()
        self.send(reply_to, payload)
        return payload

    def send(self, reply_to: ReplyTo, payload: bytes) -> None:
        """Send an answer that was rendered."""
        if reply_to is not None:
            topic, correlation_data = reply_to
            self._publisher.send(topic, payload, correlation_data=correlation_data)

    def _is_free(self, topic: str) -> bool:
        """Whether a topic is none of the gateways', and one that may be published to."""
        if topic.startswith("$") or not _is_plain(topic):
            return False
        # The prefix itself too: who may write to all below it ("cti/#") may write to it.
        return not (topic == self._topics.prefix or topic.startswith(f"{self._topics.prefix}/"))


def _is_plain(topic: str) -> bool:
    """Whether a topic has no wildcard, and nothing over which a broker may close the connection of who publishes to it.

    Not every broker looks at a Response Topic as closely as at a topic.
    """
    try:
        return all(not level or encode_level(level).replace("%25", "%") == level for level in topic.split("/"))
    except TopicNameError:
        return False


def _of_session(result: SessionResult) -> SessionAnswerPayload:
    return SessionAnswerPayload(
        group=result.group,
        address=result.address,
        status="ok" if result.code is None else "error",
        code=None if result.code is None else result.code.value,
        message=result.message,
        changed=result.changed,
        state=result.state,
    )
