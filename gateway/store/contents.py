"""What the store keeps, and what one burst changes of it. Plain data; knows no database."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.domain.session import AgentSession
from gateway.store.ended import Archive

SIGNS_OF_LIFE: Final = frozenset({"contact"})
"""Names of values that move with each event, and tell nothing but when there was one."""


@dataclass(frozen=True, slots=True)
class Message:
    """An event, a call record or an answer that the broker has not acknowledged.

    Attributes:
        number: Its place in the order of sending: above that of every message that is kept.
        topic: Where to.
        payload: What.
        seq: The event's number in the stream; None for an answer.
        correlation_data: MQTT 5 Correlation Data to send with it.
    """

    number: int
    topic: str
    payload: bytes
    seq: int | None = None
    correlation_data: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of topic, payload and correlation data."""
        return len(self.topic.encode()) + len(self.payload) + len(self.correlation_data or b"")


@dataclass(frozen=True, slots=True)
class KnownCommand:
    """A command that came with an id, or is under way.

    Attributes:
        key: Topic and id as one text; any characters, surrogates too.
        payload: What came, or a digest of it.
        at: When it came, microseconds since the Unix epoch.
        answer: None while it is under way.
        reply_topic: Where the answer goes.
        correlation_data: MQTT 5 Correlation Data for the answer.
    """

    key: str
    payload: bytes
    at: int
    answer: bytes | None
    reply_topic: str
    correlation_data: bytes | None = None


@dataclass(slots=True)
class Batch:
    """What one burst changed. It is written as a whole or not at all, and stands for the end of the burst.

    Attributes:
        sessions: New and changed sessions by ``session_id``.
        forgotten: Ids of sessions to delete; wins over ``sessions``.
        messages: New messages.
        acknowledged: Numbers of messages to delete, also of ``messages``: acknowledged, dropped or refused.
        previous: Topic and ``seq`` of the last event on it.
        values: Named JSON texts: whatever has but one present value.
        objects: New and changed agents and queues by kind and name, as JSON; None for one to delete.
        commands: New and changed commands by ``key``; wins over ``forgotten_commands``, so that a key forgotten and
            used anew in one burst stays.
        forgotten_commands: Keys of commands to delete.
        archive: What is over, and is kept for reports.
    """

    sessions: dict[str, AgentSession] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    previous: dict[str, int] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], str | None] = field(default_factory=dict)
    commands: dict[str, KnownCommand] = field(default_factory=dict)
    forgotten_commands: set[str] = field(default_factory=set)
    archive: Archive = field(default_factory=Archive)

    def __bool__(self) -> bool:
        return bool(
            self.sessions
            or self.forgotten
            or self.messages
            or self.acknowledged
            or self.previous
            or self.values
            or self.objects
            or self.commands
            or self.forgotten_commands
            or self.archive
        )

    @property
    def may_wait(self) -> bool:
        """Whether nothing is lost by a kill that comes first: no more than acknowledgements, and signs of life."""
        return not (
            self.messages
            or self.values.keys() - SIGNS_OF_LIFE
            or self.sessions
            or self.objects
            or self.previous
            or self.commands
            or self.forgotten
            or self.forgotten_commands
            or self.archive
        )

    def forget_session(self, session_id: str) -> None:
        """Let a session go, also one that this burst changed."""
        self.sessions.pop(session_id, None)
        self.forgotten.add(session_id)

    def remember_command(self, command: KnownCommand) -> None:
        """Keep a command as it is now."""
        self.commands[command.key] = command

    def forget_command(self, key: str) -> None:
        """Let a command go, also one that this burst brought."""
        self.commands.pop(key, None)
        self.forgotten_commands.add(key)


@dataclass(frozen=True, slots=True)
class Saved:
    """All that the store held when it was opened. Everything is in the order in which it first came.

    Attributes:
        stream: UUID of the stream of events: made with the store, and anew when it was restored.
        is_new: The store was made just now.
        is_restored: The file is a copy, or lacks what was last written: what it says may have been overtaken by what
            was told since. ``stream`` is a new one then, and ``previous`` is empty.
        sessions: Open and ended ones.
        messages: Unacknowledged ones in the order of sending, or none if they were not asked for.
        last_number: Number of the last of them, asked for or not; 0 where there is none.
        previous: Topic and ``seq`` of the last event on it.
        values: Named JSON texts.
        objects: Agents and queues, as JSON, by kind.
        commands: By their key.
    """

    stream: str
    is_new: bool
    is_restored: bool
    sessions: list[AgentSession]
    messages: list[Message]
    last_number: int
    previous: dict[str, int]
    values: dict[str, str]
    objects: dict[str, list[str]]
    commands: dict[str, KnownCommand]

    @property
    def last_seq(self) -> int:
        """The ``seq`` of the last event of the stream; 0 before the first."""
        return max(self.previous.values(), default=0)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Messages that were deleted because there was no room for more.

    Attributes:
        numbers: Theirs, ascending; none if there was nothing to delete.
        first_topic: Topic of the first.
    """

    numbers: list[int]
    first_topic: str


class Renumbering(Protocol):
    """What becomes of messages that a renewed stream takes over.

    Attributes:
        previous: Topic and new ``seq`` of the last event on it.
    """

    previous: dict[str, int]

    def renumber(self, message: Message) -> Message:
        """The message as the next of the new stream, under the number it has."""
