"""Reading what is over, while a gateway may run: one look at the store, which changes nothing and holds nobody up."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.domain.session import AgentSession, Rules
from gateway.errors import StoreError
from gateway.store import archive
from gateway.store.ended import ArchivedCall, ArchivedSession, Spell
from gateway.store.file import connect, log_of
from gateway.store.peek import peek
from gateway.store.rows import read_sessions, read_values
from gateway.store.schema import MIGRATIONS, check_version

_FIRST_VERSION: Final = 3
"""Of the store, with what is over in it."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the store holds of a time.

    Attributes:
        sessions: The ended ones.
        open: Those that go on. Their times are instants.
        spells: The time not ready or wrapping up.
        calls: The calls handled.
        clock_steps: ``at`` (an instant) and ``by`` (microseconds) of each step of Asterisk's clock.
        contact: Instant of the last contact with Asterisk; None before the first.
        is_running: Whether a gateway has the store open.
    """

    sessions: list[ArchivedSession]
    open: list[AgentSession]
    spells: list[Spell]
    calls: list[ArchivedCall]
    clock_steps: list[tuple[int, int]]
    contact: int | None
    is_running: bool


def read_past(path: Path, begin: int, end: int, rules: Rules) -> Past:
    """Read what the store *path* holds of the time between two times of day, microseconds since the epoch.

    Raises:
        StoreError: It cannot be read.
    """
    seen = peek(path)
    if not seen.is_there:
        raise StoreError(f"{path} cannot be read: there is no such file")
    # Without a gateway and its log the file is whole, and SQLite would otherwise leave files of this user beside it.
    whole = not seen.is_held and not log_of(path).exists()
    try:
        with closing(connect(path, "mode=ro&immutable=1" if whole else "mode=ro")) as connection:
            connection.execute("PRAGMA query_only = 1")
            connection.execute("BEGIN")
            _check_version(connection)
            values = {name: json.loads(text) for name, text in read_values(connection).items()}
            return Past(
                list(archive.read_sessions(connection, begin, end)),
                [session for session in read_sessions(connection, rules) if session.end_time is None],
                list(archive.read_spells(connection, begin, end)),
                list(archive.read_calls(connection, begin, end)),
                [(step["at"], step["by"]) for step in values.get("clock_steps", [])],
                values.get("contact"),
                bool(seen.is_held),
            )
    except StoreError as error:
        raise StoreError(f"{path} {error}") from error
    except (sqlite3.Error, OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


def _check_version(connection: sqlite3.Connection) -> None:
    check_version(connection, MIGRATIONS)
    if connection.execute("PRAGMA user_version").fetchone()[0] < _FIRST_VERSION:
        raise StoreError("has nothing for reports yet: it was written by an earlier version of the gateway")
