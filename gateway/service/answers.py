"""What a command comes to: the codes of the contract, and the results that carry them."""

from dataclasses import dataclass
from enum import StrEnum


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

    @property
    def rank(self) -> int:
        """Its place in that order."""
        return list(Code).index(self)


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
