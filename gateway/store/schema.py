"""The tables, and how a file of an earlier version becomes one of this version.

A version is the number of migrations that a file has had (``PRAGMA user_version``). A migration that was released is
never changed; a change of the tables is one more. One runs within a transaction that its caller owns, and must not
end it: ``executescript`` would.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from gateway.errors import StoreError
from gateway.store.archive import TABLES as ARCHIVE_TABLES

Migration = Callable[[sqlite3.Connection], None]

APPLICATION_ID: Final = 0x43544947  # "CTIG": tells our files from other programs' databases

# The type of each column is checked, since one bit of a damaged file can turn text into bytes.
_TABLES: Final = (
    # What the file says about itself: stream, inode, open.
    """CREATE TABLE about (
        name TEXT PRIMARY KEY CHECK (typeof(name) = 'text'),
        value TEXT NOT NULL CHECK (typeof(value) = 'text')
    ) WITHOUT ROWID""",
    """CREATE TABLE session (
        session_id TEXT PRIMARY KEY NOT NULL CHECK (typeof(session_id) = 'text'),
        body TEXT NOT NULL CHECK (typeof(body) = 'text')
    )""",
    # The size stands before the long columns, so that adding it up does not read them.
    """CREATE TABLE message (
        number INTEGER PRIMARY KEY,
        topic TEXT NOT NULL CHECK (typeof(topic) = 'text'),
        seq INTEGER CHECK (typeof(seq) IN ('integer', 'null')),
        size INTEGER NOT NULL CHECK (typeof(size) = 'integer'),
        correlation_data BLOB CHECK (typeof(correlation_data) IN ('blob', 'null')),
        payload BLOB NOT NULL CHECK (typeof(payload) = 'blob')
    )""",
    """CREATE TABLE previous (
        topic TEXT PRIMARY KEY CHECK (typeof(topic) = 'text'),
        seq INTEGER NOT NULL CHECK (typeof(seq) = 'integer')
    ) WITHOUT ROWID""",
    """CREATE TABLE value (
        name TEXT PRIMARY KEY NOT NULL CHECK (typeof(name) = 'text'),
        body TEXT NOT NULL CHECK (typeof(body) = 'text')
    )""",
    # Key and reply topic are what anybody may send, which need not be text that SQLite takes.
    """CREATE TABLE command (
        key BLOB PRIMARY KEY NOT NULL CHECK (typeof(key) = 'blob'),
        payload BLOB NOT NULL CHECK (typeof(payload) = 'blob'),
        at INTEGER NOT NULL CHECK (typeof(at) = 'integer'),
        answer BLOB CHECK (typeof(answer) IN ('blob', 'null')),
        reply_topic BLOB NOT NULL CHECK (typeof(reply_topic) = 'blob'),
        correlation_data BLOB CHECK (typeof(correlation_data) IN ('blob', 'null'))
    )""",
)


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


def _make_objects(connection: sqlite3.Connection) -> None:
    """Agents and queues have figures of their own since this version."""
    connection.execute(
        """CREATE TABLE object (
            kind TEXT NOT NULL CHECK (typeof(kind) = 'text'),
            name BLOB NOT NULL CHECK (typeof(name) = 'blob'),
            body TEXT NOT NULL CHECK (typeof(body) = 'text'),
            PRIMARY KEY (kind, name)
        ) WITHOUT ROWID"""
    )


def _make_archive(connection: sqlite3.Connection) -> None:
    """What is over is kept for reports since this version."""
    for statement in ARCHIVE_TABLES:
        connection.execute(statement)


MIGRATIONS: Final[tuple[Migration, ...]] = (_make_tables, _make_objects, _make_archive)


def check_version(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Do nothing if the file is a store that *migrations* lead to or start from, else say why not.

    Raises:
        StoreError: The file is another program's, or of a newer version of the gateway.
    """
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreError("is not a store of this gateway, but another program's database")
    version = _pragma(connection, "user_version")
    if version > len(migrations):
        raise StoreError(
            f"was written by a newer version of the gateway: it has version {version}, and {len(migrations)} is the"
            " newest that can be read"
        )
    if version < 1:
        raise StoreError("is damaged: it has no version")


def check_integrity(connection: sqlite3.Connection) -> None:
    """Do nothing if the file is whole, as far as SQLite can tell from its structure.

    Raises:
        StoreError: It is not; the first finding is in the text.
    """
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(f"is damaged: {' '.join(found.split())}")


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Bring an empty file, or one of an earlier version, to the newest, within the caller's transaction."""
    for migration in migrations[_pragma(connection, "user_version") :]:
        migration(connection)
    connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
