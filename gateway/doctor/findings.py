"""What a check comes to, and how it is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended. A note is no fault: it works, and could be better or is worth knowing."""

    OK = "ok"
    NOTE = "note"
    UNKNOWN = "cannot tell"
    PROBLEM = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and its end.

    Attributes:
        verdict: Whether all is well there.
        check: What was looked at, in a few words.
        found: What was seen. Never a secret, never a caller's number.
        change: What to do: file, line, value; ``""`` where there is nothing to do.
    """

    verdict: Verdict
    check: str
    found: str
    change: str = ""


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, check, found)


def note(check: str, found: str, change: str = "") -> Finding:
    """Nothing is wrong, but worth knowing."""
    return Finding(Verdict.NOTE, check, found, change)


def unknown(check: str, found: str, change: str = "") -> Finding:
    """It cannot be told from here; *change* is what would make it possible."""
    return Finding(Verdict.UNKNOWN, check, found, change)


def problem(check: str, found: str, change: str) -> Finding:
    """Something is wrong, and *change* mends it."""
    return Finding(Verdict.PROBLEM, check, found, change)


def some(names: Iterable[str], most: int = 5) -> str:
    """A few of *names* in quotation marks, and how many more there are."""
    ordered = sorted(set(names))
    shown = ", ".join(repr(name) for name in ordered[:most])
    return shown if len(ordered) <= most else f"{shown} and {len(ordered) - most} more"
