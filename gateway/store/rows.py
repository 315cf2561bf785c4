"""Contents as rows and back. Every function works within a transaction that its caller owns.

What reads row by row closes its cursor also where a row makes no sense: SQLite keeps a connection open as long as one
of its cursors is.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Final

from gateway.domain.session import AgentSession, Rules
from gateway.errors import StoreError
from gateway.store.archive import write_archive
from gateway.store.contents import Batch, Dropped, KnownCommand, Message, Renumbering
from gateway.store.sessions import session_from_json, session_to_json

_PIECE: Final = 200  # messages that are in memory while all of them are rewritten


def write_batch(connection: sqlite3.Connection, batch: Batch) -> tuple[int, int]:
    """Write what a burst changed.

    Returns:
        By how many the messages became more, and by how many bytes; both may be negative.
    """
    if batch.sessions or batch.forgotten:
        _write_sessions(connection, batch)
    if batch.previous:
        _write_previous(connection, batch.previous)
    if batch.values:
        connection.executemany(
            "INSERT INTO value VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body", batch.values.items()
        )
    if batch.objects:
        _write_objects(connection, batch)
    if batch.commands or batch.forgotten_commands:
        _write_commands(connection, batch)
    if batch.archive:
        write_archive(connection, batch.archive)
    return _write_messages(connection, batch)


def _write_previous(connection: sqlite3.Connection, previous: Mapping[str, int]) -> None:
    connection.executemany(
        "INSERT INTO previous VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq", previous.items()
    )


def _write_objects(connection: sqlite3.Connection, batch: Batch) -> None:
    kept = ((kind, _name(name), body) for (kind, name), body in batch.objects.items() if body is not None)
    connection.executemany("INSERT INTO object VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body", kept)
    gone = ((kind, _name(name)) for (kind, name), body in batch.objects.items() if body is None)
    connection.executemany("DELETE FROM object WHERE kind = ? AND name = ?", gone)


def _name(name: str) -> bytes:
    """A name as it came from Asterisk, which need not be text that SQLite takes."""
    return name.encode("utf-8", "surrogatepass")


def _write_sessions(connection: sqlite3.Connection, batch: Batch) -> None:
    rows = ((session_id, session_to_json(session)) for session_id, session in batch.sessions.items())
    connection.executemany("INSERT INTO session VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body", rows)
    connection.executemany("DELETE FROM session WHERE session_id = ?", ((each,) for each in batch.forgotten))


def _write_commands(connection: sqlite3.Connection, batch: Batch) -> None:
    connection.executemany("DELETE FROM command WHERE key = ?", ((_blob(key),) for key in batch.forgotten_commands))
    connection.executemany(
        """INSERT INTO command VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            payload = excluded.payload, at = excluded.at, answer = excluded.answer,
            reply_topic = excluded.reply_topic, correlation_data = excluded.correlation_data""",
        (
            (
                _blob(command.key),
                command.payload,
                command.at,
                command.answer,
                _blob(command.reply_topic),
                command.correlation_data,
            )
            for command in batch.commands.values()
        ),
    )


def _write_messages(connection: sqlite3.Connection, batch: Batch) -> tuple[int, int]:
    connection.executemany(
        "INSERT INTO message (number, topic, seq, size, correlation_data, payload) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (message.number, message.topic, message.seq, message.size, message.correlation_data, message.payload)
            for message in batch.messages
        ),
    )
    count = len(batch.messages)
    size = sum(message.size for message in batch.messages)
    for run in _runs(batch.acknowledged):
        gone, its_size = connection.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM message WHERE number BETWEEN ? AND ?", run
        ).fetchone()
        if gone:
            connection.execute("DELETE FROM message WHERE number BETWEEN ? AND ?", run)
            count -= gone
            size -= its_size
    return count, size


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of numbers that follow one another: most are acknowledged in their order."""
    begin = end = None
    for number in sorted(numbers):
        if begin is None or end is None:
            begin = end = number
        elif number <= end + 1:
            end = number
        else:
            yield begin, end
            begin = end = number
    if begin is not None and end is not None:
        yield begin, end


def read_sessions(connection: sqlite3.Connection, rules: Rules) -> Iterator[AgentSession]:
    """Every session, in the order in which they first came.

    Raises:
        StoreError: One of them makes no sense.
    """
    with closing(connection.execute("SELECT session_id, body FROM session ORDER BY rowid")) as found:
        for session_id, body in found:
            try:
                yield session_from_json(body, rules)
            except ValueError as error:
                raise StoreError(f"is damaged: the session {session_id} cannot be read") from error


def read_messages(
    connection: sqlite3.Connection, after: int | None, limit: int, size: int | None = None
) -> list[Message]:
    """Messages in the order of sending.

    Args:
        connection: Where from.
        after: Number of the one before the first; None: from the first.
        limit: How many at most; -1: all.
        size: Bytes at most, though always one message; None: any.
    """
    where, numbers = ("", ()) if after is None else ("WHERE number > ?", (after,))
    query = f"SELECT number, topic, payload, seq, correlation_data FROM message {where} ORDER BY number LIMIT ?"  # noqa: S608 - no foreign text in it
    messages: list[Message] = []
    with closing(connection.execute(query, (*numbers, limit))) as found:
        for row in found:
            message = Message(*row)
            if size is not None:
                size -= message.size
                if size < 0 and messages:
                    break
            messages.append(message)
    return messages


def drop_messages(connection: sqlite3.Connection, size: int, keep: Collection[int]) -> tuple[Dropped, int]:
    """Delete the oldest messages but those numbered in *keep*, until *size* bytes of them are gone.

    Returns:
        Which ones, and their bytes.
    """
    numbers: list[int] = []
    first_topic, gone = "", 0
    with closing(connection.execute("SELECT number, topic, size FROM message ORDER BY number")) as found:
        for number, topic, bytes_ in found:
            if number in keep:
                continue
            first_topic = first_topic or topic
            numbers.append(number)
            gone += bytes_
            if gone >= size:
                break
    connection.executemany("DELETE FROM message WHERE number = ?", ((number,) for number in numbers))
    return Dropped(numbers, first_topic), gone


def renumber_messages(connection: sqlite3.Connection, after: int, renumbering: Renumbering) -> int:
    """Give the messages behind number *after* to another stream; returns by how many bytes they became more."""
    grown = 0
    while piece := read_messages(connection, after, _PIECE):
        after = piece[-1].number
        renumbered = [renumbering.renumber(message) for message in piece]
        grown += sum(new.size - old.size for old, new in zip(piece, renumbered, strict=True))
        connection.executemany(
            "UPDATE message SET seq = ?, size = ?, payload = ? WHERE number = ?",
            ((each.seq, each.size, each.payload, each.number) for each in renumbered),
        )
    _write_previous(connection, renumbering.previous)
    return grown


def read_size_of_messages(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many messages there are, and their bytes."""
    count, size = connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM message").fetchone()
    return count, size


def read_last_number(connection: sqlite3.Connection) -> int:
    """Number of the last message; 0 where there is none."""
    number: int = connection.execute("SELECT coalesce(max(number), 0) FROM message").fetchone()[0]
    return number


def read_previous(connection: sqlite3.Connection) -> dict[str, int]:
    """Topic and ``seq`` of the last event on it."""
    return dict(connection.execute("SELECT topic, seq FROM previous"))


def read_values(connection: sqlite3.Connection) -> dict[str, str]:
    """The named values."""
    return dict(connection.execute("SELECT name, body FROM value ORDER BY rowid"))


def read_objects(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Agents and queues, as JSON, by kind."""
    objects: dict[str, list[str]] = {}
    for kind, body in connection.execute("SELECT kind, body FROM object"):
        objects.setdefault(kind, []).append(body)
    return objects


def read_commands(connection: sqlite3.Connection) -> dict[str, KnownCommand]:
    """The commands by their key, in the order in which they came.

    Raises:
        StoreError: One of them makes no sense.
    """
    query = "SELECT key, payload, at, answer, reply_topic, correlation_data FROM command ORDER BY rowid"
    commands: dict[str, KnownCommand] = {}
    with closing(connection.execute(query)) as found:
        for key, payload, at, answer, reply_topic, correlation_data in found:
            try:
                command = KnownCommand(_text(key), payload, at, answer, _text(reply_topic), correlation_data)
            except UnicodeDecodeError as error:
                raise StoreError("is damaged: a command cannot be read") from error
            commands[command.key] = command
    return commands


def read_about(connection: sqlite3.Connection) -> dict[str, str]:
    """What the file says about itself: ``stream``, ``inode``, ``open``."""
    return dict(connection.execute("SELECT name, value FROM about"))


def write_about(connection: sqlite3.Connection, **facts: str) -> None:
    """Let the file say something about itself."""
    connection.executemany(
        "INSERT INTO about VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", facts.items()
    )


def renew_stream(connection: sqlite3.Connection, stream: str) -> None:
    """Begin a new stream, in which no topic has had an event."""
    write_about(connection, stream=stream)
    connection.execute("DELETE FROM previous")


def _blob(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(blob: bytes) -> str:
    return blob.decode("utf-8", "surrogatepass")
