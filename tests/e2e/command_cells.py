"""Every command to every state of a session, and what the contract says must come of it."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Cell:
    """One command to one state, and what comes of it.

    Attributes:
        command: The payload; what is no text is JSON.
        code: Of the answer.
        changed: Of the answer.
        state: Of the answer, and of the session afterwards.
        paused: Asterisk's flag and reason afterwards; None where the member is gone.
        event: What is told with the command's id; None for nothing.
        pending: ``pending_state`` afterwards.
    """

    command: str | dict[str, Any]
    code: str | None
    changed: bool
    state: str | None
    paused: tuple[bool, str] | None
    event: str | None = None
    pending: str | None = None


Command = str | dict[str, Any]
Paused = tuple[bool, str] | None


def done(command: Command, state: str, paused: Paused, event: str, pending: str | None = None) -> Cell:
    """It changed the flag or the reason, or ended the session."""
    return Cell(command, None, changed=True, state=state, paused=paused, event=event, pending=pending)


def same(command: Command, state: str, paused: Paused, event: str | None = None, pending: str | None = None) -> Cell:
    """It was so already."""
    return Cell(command, None, changed=False, state=state, paused=paused, event=event, pending=pending)


def refused(command: Command, code: str, state: str | None, paused: Paused) -> Cell:
    """It cannot be."""
    return Cell(command, code, changed=False, state=state, paused=paused)


LUNCH: Final = {"state": "NOT_READY", "reason": "lunch"}
TEA: Final = {"state": "NOT_READY", "reason": "tea"}
NO_REASON: Final = {"state": "NOT_READY", "reason": None}
LOGOUT: Final = {"state": "SESSION_ENDED"}


def logout(state: str, paused: Paused, *, static: bool, command: Command = "SESSION_ENDED") -> Cell:
    """Logging out: a dynamic member goes, a static one cannot."""
    if static:
        return refused(command, "NOT_DYNAMIC", state, paused)
    return done(command, "SESSION_ENDED", None, "END")


def not_ready(*, static: bool) -> list[list[Cell]]:
    """From a pause with the reason ``lunch``."""
    lunch = (True, "lunch")
    return [
        [
            done("READY", "READY", (False, ""), "READY"),
            same("NOT_READY", "NOT_READY", lunch),
            same(LUNCH, "NOT_READY", lunch),
            done(TEA, "NOT_READY", (True, "tea"), "UPDATE"),
            done(NO_REASON, "NOT_READY", (True, ""), "UPDATE"),
            refused("BUSY_WRAPUP", "ILLEGAL_TRANSITION", "NOT_READY", lunch),
            refused("BUSY_ON_CALL", "NOT_SETTABLE", "NOT_READY", lunch),
            logout("NOT_READY", lunch, static=static),
        ]
    ]


def ready(*, static: bool) -> list[list[Cell]]:
    """From READY."""
    free = (False, "")
    return [
        [
            same("READY", "READY", free),
            done("NOT_READY", "NOT_READY", (True, ""), "NOT_READY"),
            done(LUNCH, "NOT_READY", (True, "lunch"), "NOT_READY"),
            done(NO_REASON, "NOT_READY", (True, ""), "NOT_READY"),
            refused("BUSY_WRAPUP", "ILLEGAL_TRANSITION", "READY", free),
            refused("BUSY_ON_CALL", "NOT_SETTABLE", "READY", free),
            logout("READY", free, static=static, command=LOGOUT),
        ]
    ]


def on_call(*, static: bool) -> list[list[Cell]]:
    """From a call, not paused: the flag is set at once, and the state stays."""
    state, free = "BUSY_ON_CALL", (False, "")
    return [
        [
            same("READY", state, free),
            done("NOT_READY", state, (True, ""), "UPDATE", "NOT_READY"),
            done(LUNCH, state, (True, "lunch"), "UPDATE", "NOT_READY"),
            done(NO_REASON, state, (True, ""), "UPDATE", "NOT_READY"),
            done("BUSY_WRAPUP", state, (True, "wrapup"), "UPDATE", "BUSY_WRAPUP"),
            done({"state": "BUSY_WRAPUP", "reason": "acw"}, state, (True, "acw"), "UPDATE", "BUSY_WRAPUP"),
            refused({"state": "BUSY_WRAPUP", "reason": "lunch"}, "BAD_PAYLOAD", None, free),
            refused("BUSY_ON_CALL", "NOT_SETTABLE", state, free),
            logout(state, free, static=static),
        ]
    ]


def wrap_up(*, static: bool) -> list[list[Cell]]:
    """From the wrap-up that Asterisk enforces, not paused: a new pause ends it, READY cannot."""
    state, free = "BUSY_WRAPUP", (False, "")
    return [
        [
            refused("BUSY_ON_CALL", "NOT_SETTABLE", state, free),
            same("READY", state, free, "UPDATE", "READY"),
            done("BUSY_WRAPUP", state, (True, "wrapup"), "UPDATE"),
        ],
        [done("NOT_READY", "NOT_READY", (True, ""), "NOT_READY")],
        [done(LUNCH, "NOT_READY", (True, "lunch"), "NOT_READY")],
        [done(NO_REASON, "NOT_READY", (True, ""), "NOT_READY")],
        [logout(state, free, static=static)],
    ]


def manual_wrap_up(*, static: bool) -> list[list[Cell]]:
    """From a wrap-up that the agent asked for: it lasts until READY, and then as long as Asterisk enforces it."""
    state, wrapup = "BUSY_WRAPUP", (True, "wrapup")
    return [
        [
            refused("BUSY_ON_CALL", "NOT_SETTABLE", state, wrapup),
            same("NOT_READY", state, wrapup),
            same("BUSY_WRAPUP", state, wrapup),
            done("READY", state, (False, ""), "UPDATE", "READY"),
        ],
        [done(LUNCH, "NOT_READY", (True, "lunch"), "NOT_READY")],
        [done(NO_REASON, "NOT_READY", (True, ""), "NOT_READY")],
        [logout(state, wrapup, static=static, command=LOGOUT)],
    ]


def ended(*, static: bool) -> list[list[Cell]]:
    """From the end: it can only be asked for again. A static member has none while its queue is as it is."""
    state = "SESSION_ENDED"
    if static:
        return []
    commands: list[Command] = ["READY", "NOT_READY", LUNCH, NO_REASON, "BUSY_WRAPUP"]
    return [
        [
            *(refused(command, "ILLEGAL_TRANSITION", state, None) for command in commands),
            refused("BUSY_ON_CALL", "NOT_SETTABLE", state, None),
            same("SESSION_ENDED", state, None),
            same(LOGOUT, state, None),
        ]
    ]


STARTS: Final = {
    "NOT_READY": not_ready,
    "READY": ready,
    "BUSY_ON_CALL": on_call,
    "BUSY_WRAPUP": wrap_up,
    "manual wrap-up": manual_wrap_up,
    "SESSION_ENDED": ended,
}
PAUSED: Final = {"NOT_READY": "lunch", "manual wrap-up": "wrapup"}
