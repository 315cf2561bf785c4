"""Files of earlier versions: each becomes one of this version, or stays what it was."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store.schema import MIGRATIONS
from gateway.store.sessions import session_to_json
from gateway.store.store import Store
from tests.domain.support import RULES
from tests.store.support import contents, full_batch, opened, pieces, session


def rename_values(connection: sqlite3.Connection) -> None:
    """A migration of the tables."""
    connection.execute("ALTER TABLE value RENAME TO named")
    connection.execute("ALTER TABLE named RENAME TO value")
    connection.execute("UPDATE value SET name = 'new ' || name")


def raise_penalties(connection: sqlite3.Connection) -> None:
    """A migration of what is in a column."""
    for session_id, text in connection.execute("SELECT session_id, body FROM session").fetchall():
        body = json.loads(text)
        body["member"]["penalty"] += 1
        connection.execute("UPDATE session SET body = ? WHERE session_id = ?", (json.dumps(body), session_id))


def fail(connection: sqlite3.Connection) -> None:
    """A migration that cannot be done, after it has done much."""
    raise_penalties(connection)
    connection.execute("INSERT INTO nowhere VALUES (1)")


def version(path: Path) -> int:
    """The version of a file."""
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def test_file_of_an_earlier_version_is_migrated(tmp_path: Path) -> None:
    """A file goes through every migration that it lacks, once and in order, and keeps its stream."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, before):
        store.write(full_batch(2))
    for more in (1, 2, 2):
        later = Store(path, synchronous="normal", migrations=(*MIGRATIONS, *(rename_values, raise_penalties)[:more]))
        saved = later.open(RULES)
        later.close()
        assert version(path) == len(MIGRATIONS) + more
        assert saved.values == {"new place": '{"offset": 4711}', "new seq": "2"}
        assert [each.member.penalty for each in saved.sessions] == [more - 1] * 2
        assert (saved.stream, saved.is_restored) == (before.stream, False)


def test_new_file_goes_through_all_migrations(tmp_path: Path) -> None:
    """A new file is what an old one becomes."""
    path = tmp_path / "gateway.db"
    store = Store(path, synchronous="normal", migrations=(*MIGRATIONS, rename_values))
    assert store.open(RULES).is_new
    store.close()
    assert version(path) == len(MIGRATIONS) + 1


@pytest.mark.parametrize("in_use", [False, True], ids=["after an orderly end", "after a kill"])
def test_migration_that_fails_changes_nothing(tmp_path: Path, *, in_use: bool) -> None:
    """A migration that cannot be done is told, and the file is as it was, so that the earlier version still runs."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        store.write(full_batch(2))
        left = pieces(path)
    if in_use:
        for name, data in left.items():
            (tmp_path / name).write_bytes(data)
    before = pieces(path)
    with pytest.raises(StoreError, match=r"gateway\.db cannot be used: no such table: nowhere"):
        Store(path, synchronous="normal", migrations=(*MIGRATIONS, fail)).open(RULES)
    assert pieces(path) == before
    assert contents(path).sessions == [session(0), session(1)]


def test_version_1_is_read(tmp_path: Path) -> None:
    """A file as version 1 wrote it, statement by statement, is read by this version."""
    path = tmp_path / "gateway.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in VERSION_1:
            connection.execute(statement)
        connection.execute("INSERT INTO session VALUES ('session-1', ?)", (session_to_json(session(1)),))
    saved = contents(path)
    assert saved.stream == "2f1c7a52-0d4e-4c0f-9a51-5f0f3f6f8a10"
    assert (saved.sessions, saved.values, saved.previous) == ([session(1)], {"seq": "7"}, {"topic": 7})
    (message,) = saved.messages
    assert (message.number, message.topic, message.seq, message.payload) == (3, "topic", 7, b"{}")
    (command,) = saved.commands.values()
    assert (command.key, command.answer, command.reply_topic, command.at) == ("set\0001", b"ok", "reply", 5)


VERSION_1 = (
    "PRAGMA application_id = 1129597255",
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO about VALUES ('stream', '2f1c7a52-0d4e-4c0f-9a51-5f0f3f6f8a10')",
    "CREATE TABLE session (session_id TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL)",
    """CREATE TABLE message (
        number INTEGER PRIMARY KEY, topic TEXT NOT NULL, seq INTEGER, size INTEGER NOT NULL,
        correlation_data BLOB, payload BLOB NOT NULL)""",
    "INSERT INTO message VALUES (3, 'topic', 7, 7, NULL, x'7b7d')",
    "CREATE TABLE previous (topic TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO previous VALUES ('topic', 7)",
    "CREATE TABLE value (name TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL)",
    "INSERT INTO value VALUES ('seq', '7')",
    """CREATE TABLE command (
        key BLOB PRIMARY KEY NOT NULL, payload BLOB NOT NULL, at INTEGER NOT NULL, answer BLOB,
        reply_topic BLOB NOT NULL, correlation_data BLOB)""",
    "INSERT INTO command VALUES (x'7365740031', x'7b7d', 5, x'6f6b', x'7265706c79', NULL)",
    "PRAGMA user_version = 1",
)
"""What version 1 makes of an empty file, without the checks of types; and a row in each table."""
