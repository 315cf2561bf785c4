"""What is over, as rows and back. Every function works within a transaction that its caller owns.

The tables are sorted by when things ended: what is written goes to their ends, what is forgotten leaves at their
beginnings, and a report reads one stretch. Ids and names are bytes, as names need not be text that SQLite takes.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from gateway.domain.figures import SessionFigures
from gateway.store.ended import Archive, ArchivedCall, ArchivedSession, Spell

FORGET_AT_ONCE: Final = 500
"""Rows of each table that one burst forgets at most, so that none is held up for long."""

DAY: Final = 86_400_000_000
"""Microseconds. No call and no wrap-up lasts longer."""

_FIGURES: Final = TypeAdapter(SessionFigures)

TABLES: Final = (
    """CREATE TABLE ended_session (
        ended INTEGER NOT NULL CHECK (typeof(ended) = 'integer'),
        session_id BLOB NOT NULL CHECK (typeof(session_id) = 'blob'),
        started INTEGER NOT NULL CHECK (typeof(started) = 'integer'),
        first_seen INTEGER NOT NULL CHECK (typeof(first_seen) = 'integer'),
        unseen INTEGER NOT NULL CHECK (typeof(unseen) = 'integer'),
        agent BLOB NOT NULL CHECK (typeof(agent) = 'blob'),
        acd_group BLOB NOT NULL CHECK (typeof(acd_group) = 'blob'),
        address BLOB NOT NULL CHECK (typeof(address) = 'blob'),
        figures TEXT NOT NULL CHECK (typeof(figures) = 'text'),
        not_ready INTEGER NOT NULL CHECK (typeof(not_ready) = 'integer'),
        ready INTEGER NOT NULL CHECK (typeof(ready) = 'integer'),
        busy_on_call INTEGER NOT NULL CHECK (typeof(busy_on_call) = 'integer'),
        busy_wrapup INTEGER NOT NULL CHECK (typeof(busy_wrapup) = 'integer'),
        PRIMARY KEY (ended, session_id)
    ) WITHOUT ROWID""",
    """CREATE TABLE ended_spell (
        ended INTEGER NOT NULL CHECK (typeof(ended) = 'integer'),
        session_id BLOB NOT NULL CHECK (typeof(session_id) = 'blob'),
        began INTEGER NOT NULL CHECK (typeof(began) = 'integer'),
        state INTEGER NOT NULL CHECK (typeof(state) = 'integer'),
        reason BLOB CHECK (typeof(reason) IN ('blob', 'null')),
        PRIMARY KEY (ended, session_id, began)
    ) WITHOUT ROWID""",
    """CREATE TABLE ended_call (
        ended INTEGER NOT NULL CHECK (typeof(ended) = 'integer'),
        session_id BLOB NOT NULL CHECK (typeof(session_id) = 'blob'),
        uniqueid BLOB NOT NULL CHECK (typeof(uniqueid) = 'blob'),
        dest_uniqueid BLOB NOT NULL CHECK (typeof(dest_uniqueid) = 'blob'),
        began INTEGER NOT NULL CHECK (typeof(began) = 'integer'),
        talk_time INTEGER CHECK (typeof(talk_time) IN ('integer', 'null')),
        time_to_answer INTEGER CHECK (typeof(time_to_answer) IN ('integer', 'null')),
        ring_time INTEGER CHECK (typeof(ring_time) IN ('integer', 'null')),
        PRIMARY KEY (ended, session_id, uniqueid, dest_uniqueid)
    ) WITHOUT ROWID""",
)


def write_archive(connection: sqlite3.Connection, archive: Archive) -> None:
    """Write what a burst ended; what is there already is replaced."""
    if archive.spells:
        connection.executemany(
            "INSERT OR REPLACE INTO ended_spell VALUES (?, ?, ?, ?, ?)",
            (
                (each.ended, _id(each.session_id), each.began, each.state, _optional(each.reason))
                for each in archive.spells
            ),
        )
    if archive.calls:
        connection.executemany(
            "INSERT OR REPLACE INTO ended_call VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    each.ended,
                    _id(each.session_id),
                    _bytes(each.uniqueid),
                    _bytes(each.dest_uniqueid),
                    each.began,
                    each.talk_time,
                    each.time_to_answer,
                    each.ring_time,
                )
                for each in archive.calls
            ),
        )
    if archive.sessions:
        connection.executemany(
            "INSERT OR REPLACE INTO ended_session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            map(_session_row, archive.sessions.values()),
        )
    if archive.forget_before is not None:
        _forget(connection, archive.forget_before)


def _session_row(session: ArchivedSession) -> tuple[object, ...]:
    return (
        session.ended,
        _id(session.session_id),
        session.started,
        session.first_seen,
        session.unseen,
        _bytes(session.agent),
        _bytes(session.group),
        _bytes(session.address),
        _FIGURES.dump_json(session.figures).decode(),
        *session.time_in_state,
    )


def _forget(connection: sqlite3.Connection, before: int) -> None:
    """Delete some of what ended before a time of day: the oldest."""
    for table in ("ended_session", "ended_spell", "ended_call"):
        key = f"SELECT ended FROM {table} WHERE ended < ? ORDER BY ended LIMIT 1 OFFSET {FORGET_AT_ONCE}"  # noqa: S608 - no foreign text in it
        row = connection.execute(key, (before,)).fetchone()
        until = before - 1 if row is None else row[0]
        connection.execute(f"DELETE FROM {table} WHERE ended <= ?", (until,))  # noqa: S608 - no foreign text in it


def read_sessions(connection: sqlite3.Connection, begin: int, end: int) -> Iterator[ArchivedSession]:
    """The ended sessions of which some part is between two times of day.

    Raises:
        ValueError: One of them makes no sense.
    """
    query = """SELECT session_id, agent, acd_group, address, started, first_seen, ended, unseen, figures,
        not_ready, ready, busy_on_call, busy_wrapup FROM ended_session WHERE ended >= ? AND started < ?"""
    for key, agent, group, address, started, first_seen, ended, unseen, figures, *times in connection.execute(
        query, (begin, end)
    ):
        yield ArchivedSession(
            _id_text(key),
            _text(agent),
            _text(group),
            _text(address),
            started,
            first_seen,
            ended,
            unseen,
            _FIGURES.validate_json(figures),
            tuple(times),
        )


def read_spells(connection: sqlite3.Connection, begin: int, end: int) -> Iterator[Spell]:
    """Likewise, in the order of their ends."""
    query = """SELECT session_id, state, began, ended, reason FROM ended_spell
        WHERE ended >= ? AND began < ? ORDER BY ended"""
    for key, state, began, ended, reason in connection.execute(query, (begin, end)):
        yield Spell(_id_text(key), state, began, ended, None if reason is None else _text(reason))


def read_calls(connection: sqlite3.Connection, begin: int, end: int) -> Iterator[ArchivedCall]:
    """Likewise."""
    query = """SELECT session_id, uniqueid, dest_uniqueid, began, ended, talk_time, time_to_answer, ring_time
        FROM ended_call WHERE ended >= ? AND ended < ? AND began < ? ORDER BY ended"""
    for key, uniqueid, dest_uniqueid, *rest in connection.execute(query, (begin, end + DAY, end)):
        yield ArchivedCall(_id_text(key), _text(uniqueid), _text(dest_uniqueid), *rest)


_ID_BYTES: Final = 16


def _id(session_id: str) -> bytes:
    """A UUID in its sixteen bytes; what is none as it is."""
    try:
        key = bytes.fromhex(session_id.replace("-", ""))
    except ValueError:
        return session_id.encode()
    return key if len(key) == _ID_BYTES else session_id.encode()


def _id_text(key: bytes) -> str:
    return str(UUID(bytes=key)) if len(key) == _ID_BYTES else _text(key)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _optional(name: str | None) -> bytes | None:
    return None if name is None else _bytes(name)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")
