"""What a command comes to: codes, and the answers that were already given."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.domain.instant import SECOND

REMEMBERED_TIME: Final = 60 * SECOND
"""Microseconds for which a command with an id is known: a repeat gets the same answer."""


class Code(StrEnum):
    """Why a command failed, in the order in which it is looked for."""

    STALE = "STALE"
    BAD_PAYLOAD = "BAD_PAYLOAD"
    FORBIDDEN = "FORBIDDEN"
    BUSY = "BUSY"
    LINK_DOWN = "LINK_DOWN"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"
    UNKNOWN_AGENT = "UNKNOWN_AGENT"
    UNKNOWN_GROUP = "UNKNOWN_GROUP"
    UNKNOWN_QUEUE = "UNKNOWN_QUEUE"
    SESSION_EXISTS = "SESSION_EXISTS"
    NOT_SETTABLE = "NOT_SETTABLE"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    NOT_DYNAMIC = "NOT_DYNAMIC"
    REFUSED = "REFUSED"
    TIMEOUT = "TIMEOUT"


class CommandError(Exception):
    """A command that fails.

    Attributes:
        code: Why.
        state: The state of the session, where there is one.
    """

    def __init__(self, code: Code, message: str, *, state: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.state = state


@dataclass(frozen=True, slots=True)
class SessionResult:
    """What became of an agent's command in one session. ``code`` None: ok."""

    group: str
    address: str
    code: Code | None
    message: str | None
    changed: bool
    state: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command. ``code`` None: ok. ``sessions`` for a command to an agent."""

    code: Code | None = None
    message: str | None = None
    changed: bool = False
    state: str | None = None
    sessions: tuple[SessionResult, ...] | None = None


@dataclass(slots=True)
class Known:
    """A command that came with an id; ``answer`` is None while it runs, ``waiting`` who wants it too."""

    payload: bytes
    at: int
    answer: bytes | None = None
    waiting: list[tuple[str, bytes | None]] = field(default_factory=list)


class Repeats:
    """The commands with an id of the last minute. Times are microseconds of the monotonic clock."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Known] = {}

    def find(self, key: Hashable, now: int) -> Known | None:
        """The command known by *key*; forgets what is too old."""
        while self._known:
            oldest = next(iter(self._known))
            if self._known[oldest].answer is None or now - self._known[oldest].at < REMEMBERED_TIME:
                break
            del self._known[oldest]
        known = self._known.get(key)
        return None if known is None or (known.answer is not None and now - known.at >= REMEMBERED_TIME) else known

    def remember(self, key: Hashable, payload: bytes, now: int) -> Known:
        """A new command."""
        self._known.pop(key, None)
        known = self._known[key] = Known(payload, now)
        return known
