"""Topic names: built and taken apart in one place, and nowhere else.

All topics stand under ``{prefix}/{node}``. A name becomes one level by percent-encoding what a level may not hold.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

MAX_TOPIC_BYTES: Final = 65_535  # MQTT 5.0 and 3.1.1, 1.5.3: a string's length is a two byte integer

# "/" parts levels, "+" and "#" are wildcards, "%" is our own escape. The rest: MQTT 5.0 section 1.5.4 lets a receiver
# close the connection over the control characters U+0001-001F and U+007F-009F and over Unicode's non-characters
# (U+FDD0-FDEF and the last two code points of each of the 17 planes).
_FORBIDDEN: Final = "/+#%\x00-\x1f\x7f-\x9f\ufdd0-\ufdef" + "".join(
    chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF)
)
_TO_ENCODE: Final = re.compile(f"[{_FORBIDDEN}]")
_ESCAPES: Final = re.compile("(?:%[0-9A-Fa-f]{2})+")
_STRAY_PERCENT: Final = re.compile("%(?![0-9A-Fa-f]{2})")

CommandKind = Literal[
    "session_set", "agent_set", "create_session", "agent_period", "queue_period", "bridge_request", "unreadable"
]

_AGENT_COMMANDS: Final[Mapping[str, CommandKind]] = {
    "set": "agent_set",
    "create_session": "create_session",
    "measurement_period": "agent_period",
}


class TopicNameError(ValueError):
    """A name that cannot be a topic level, or a topic longer than MQTT allows; the text says which."""


def encode_level(name: str) -> str:
    """Return *name* as one topic level: ``PJSIP/1001`` becomes ``PJSIP%2F1001``.

    Raises:
        TopicNameError: If *name* is empty or cannot be UTF-8 (a lone surrogate).
    """
    if not name:
        raise TopicNameError("an empty name cannot be a topic level")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise TopicNameError(f"the name {name!a} is not valid UTF-8") from error
    return _TO_ENCODE.sub(_percent, name)


def decode_level(level: str) -> str:
    """Return the name that *level* stands for; hex digits of either case are understood.

    Raises:
        TopicNameError: If *level* is empty, has a ``%`` without two hex digits after it, or its escapes are not UTF-8.
    """
    if not level:
        raise TopicNameError("an empty level stands for no name")
    if _STRAY_PERCENT.search(level):
        raise TopicNameError(f"the level {level!a} has a % without two hex digits")
    try:
        return _ESCAPES.sub(_unpercent, level)
    except UnicodeDecodeError as error:
        raise TopicNameError(f"the escapes in the level {level!a} are not UTF-8") from error


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def _unpercent(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode()


@dataclass(frozen=True, slots=True)
class CommandAddress:
    """What a command's topic says; ``""`` for what that kind of command does not name.

    Attributes:
        kind: ``session_set`` (has group, agent, address), ``agent_set``, ``create_session``, ``agent_period`` (agent),
            ``queue_period`` (queue), ``bridge_request`` (nothing), ``unreadable``: a level that stands for no name.
        group: The ACD group, decoded.
        agent: The agent, decoded.
        address: The address, decoded.
        queue: The queue, decoded.
    """

    kind: CommandKind
    group: str = ""
    agent: str = ""
    address: str = ""
    queue: str = ""


class Elsewhere(Protocol):
    """Retained topics of the gateway that do not stand under its base."""

    def filters(self) -> list[str]:
        """Topic filters of all of them."""

    def owns(self, topic: str) -> bool:
        """Whether *topic* matches one of ``filters()``."""


class Topics:
    """The topics of one gateway.

    Every method that takes names raises TopicNameError for one that cannot be a level and for a topic over
    ``MAX_TOPIC_BYTES``.

    Attributes:
        base: ``{prefix}/{node}``, without a slash at the end.
        bridge_state: ``online`` or ``offline``, retained; the will.
        bridge_asterisk: The link to Asterisk, retained.
        bridge_info: Versions and counts, retained.
        bridge_health: Figures about the gateway itself, retained.
        bridge_event: What happened to the gateway.
        bridge_request: Commands to the gateway itself.
        elsewhere: What it has retained on topics that others decide on; None: nothing.
    """

    def __init__(self, prefix: str, node: str) -> None:
        """Take *prefix* as it is (it may have slashes) and *node* as a name.

        Raises:
            TopicNameError: If *node* cannot be a level, or *prefix* is empty or holds a wildcard or NUL.
        """
        if not prefix or any(char in prefix for char in "+#\0"):
            raise TopicNameError(f"the prefix {prefix!a} is empty or holds one of + # NUL")
        self.prefix = prefix
        self.base = _checked(f"{prefix}/{encode_level(node)}")
        self.bridge_state = self._topic("bridge/state")
        self.bridge_asterisk = self._topic("bridge/asterisk")
        self.bridge_info = self._topic("bridge/info")
        self.bridge_health = self._topic("bridge/health")
        self.bridge_event = self._topic("bridge/event")
        self.bridge_request = self._topic("bridge/request")
        self._command_base = self.base + "/"
        self.elsewhere: Elsewhere | None = None

    def session(self, group: str, agent: str, address: str) -> str:
        """Topic of a session's snapshot."""
        return self._named("session", group, agent, address)

    def session_event(self, group: str, agent: str, address: str) -> str:
        """Topic of a session's events."""
        return _checked(self.session(group, agent, address) + "/event")

    def session_set(self, group: str, agent: str, address: str) -> str:
        """Topic of commands to one session."""
        return _checked(self.session(group, agent, address) + "/set")

    def call(self, group: str, agent: str, address: str) -> str:
        """Topic of the records of calls a session handled."""
        return self._named("call", group, agent, address)

    def agent(self, agent: str) -> str:
        """Topic of an agent's snapshot."""
        return self._named("agent", agent)

    def agent_event(self, agent: str) -> str:
        """Topic of an agent's events."""
        return _checked(self.agent(agent) + "/event")

    def group(self, group: str) -> str:
        """Topic of an ACD group's snapshot."""
        return self._named("group", group)

    def group_event(self, group: str) -> str:
        """Topic of an ACD group's events."""
        return _checked(self.group(group) + "/event")

    def queue(self, queue: str) -> str:
        """Topic of a queue's snapshot."""
        return self._named("queue", queue)

    def queue_event(self, queue: str) -> str:
        """Topic of a queue's events."""
        return _checked(self.queue(queue) + "/event")

    def command_filters(self) -> list[str]:
        """Topic filters of every command the gateway takes."""
        return [
            self._topic(tail)
            for tail in (
                "session/+/+/+/set",
                "agent/+/set",
                "agent/+/create_session",
                "agent/+/measurement_period",
                "queue/+/measurement_period",
                "bridge/request",
            )
        ]

    def retained_filters(self) -> list[str]:
        """Topic filters of the retained messages that come and go with sessions, agents, groups and queues."""
        own = [self._topic(tail) for tail in ("session/+/+/+", "agent/+", "group/+", "queue/+")]
        return own if self.elsewhere is None else own + self.elsewhere.filters()

    def is_retained(self, topic: str) -> bool:
        """Whether *topic* matches one of ``retained_filters()``."""
        match self._levels(topic):
            case ["session", _, _, _] | ["agent" | "group" | "queue", _]:
                return True
            case _:
                return self.elsewhere is not None and self.elsewhere.owns(topic)

    def parse_command(self, topic: str) -> CommandAddress | None:
        """Return what *topic* addresses; None if it is no command of ours."""
        try:
            return _parse_command(self._levels(topic))
        except TopicNameError:
            return CommandAddress("unreadable")

    def _levels(self, topic: str) -> list[str]:
        if not topic.startswith(self._command_base):
            return []
        return topic[len(self._command_base) :].split("/")

    def _named(self, kind: str, *names: str) -> str:
        return self._topic("/".join((kind, *map(encode_level, names))))

    def _topic(self, tail: str) -> str:
        return _checked(f"{self.base}/{tail}")


def response_topic(command_topic: str) -> str:
    """Topic of the answer to a command whose sender named no Response Topic.

    Raises:
        TopicNameError: If it would be longer than MQTT allows.
    """
    return _checked(f"{command_topic}/response")


def _parse_command(levels: list[str]) -> CommandAddress | None:
    match levels:
        case ["session", group, agent, address, "set"]:
            found = CommandAddress(
                "session_set", group=decode_level(group), agent=decode_level(agent), address=decode_level(address)
            )
        case ["agent", agent, "set" | "create_session" | "measurement_period" as verb]:
            found = CommandAddress(_AGENT_COMMANDS[verb], agent=decode_level(agent))
        case ["queue", queue, "measurement_period"]:
            found = CommandAddress("queue_period", queue=decode_level(queue))
        case ["bridge", "request"]:
            found = CommandAddress("bridge_request")
        case _:
            return None
    return found


def _checked(topic: str) -> str:
    if len(topic) * 4 > MAX_TOPIC_BYTES and len(topic.encode()) > MAX_TOPIC_BYTES:
        raise TopicNameError(f"a topic of {len(topic.encode())} bytes; MQTT allows {MAX_TOPIC_BYTES}")
    return topic
