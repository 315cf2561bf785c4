"""The store: one SQLite file that holds everything which must survive a kill of the gateway.

The file says of itself which inode it has and whether a gateway has it open. A copy has another inode, and a log that
was deleted is missing where the file says that it was open: both may say less than what was told already, so that what
is told from then on is a new stream.
"""

import logging
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from gateway.domain.session import Rules
from gateway.errors import StoreError, StoreWriteError
from gateway.store import rows
from gateway.store.contents import Batch, Dropped, Message, Renumbering, Saved
from gateway.store.file import (
    Hold,
    check_folder,
    connect,
    inode_of,
    log_of,
    made_beside,
    make,
    remove_made,
    transaction,
    use_log,
    witness,
)
from gateway.store.schema import MIGRATIONS, Migration, check_integrity, check_version, migrate

_log: Final = logging.getLogger(__name__)

_LOG_LIMIT: Final = 16 * 1024 * 1024  # bytes of the write-ahead log that stay after a burst that needed more

_LOG_PAGES: Final = 4_000  # of 4 KiB: when it has so many, what stands in it several times goes into the file once

_REASONS: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another program",
    sqlite3.SQLITE_LOCKED: "is locked by another program",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is damaged, or no store at all",
    sqlite3.SQLITE_FULL: "cannot be written: no space left on the disk",
    sqlite3.SQLITE_READONLY: "cannot be written",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened, or no file can be made beside it",
    sqlite3.SQLITE_IOERR: "cannot be read or written",
}

# The last one: what SQLite says of damage may quote damaged text, of which Python makes no exception.
_FAULTS: Final = (sqlite3.Error, OSError, UnicodeDecodeError)


class Store:
    """One gateway's store. For one thread.

    Args:
        path: The file; its folder must exist and be writable.
        synchronous: ``full``: what ``write`` has written survives a loss of power; ``normal``: only a kill.
        migrations: From each version to the next.
    """

    def __init__(
        self,
        path: Path,
        *,
        synchronous: Literal["full", "normal"],
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self._path = path
        self._synchronous = synchronous
        self._migrations = migrations
        self._hold: Hold | None = None
        self._connection: sqlite3.Connection | None = None
        self._log_path = log_of(path)
        self._log_inode: int | None = None
        self._count = 0
        self._size = 0

    # Beginning and end ---------------------------------------------------------------------------------------------

    def open(self, rules: Rules, *, with_messages: bool = True) -> Saved:
        """Open the file, made anew where there is none, and return all that it holds.

        Args:
            rules: The operator's choices, for the sessions.
            with_messages: Whether to return the messages, too; ``messages`` reads them piece by piece.

        Raises:
            StoreError: The file cannot be used. It is byte for byte as it was.
        """
        try:
            self._path = self._path.resolve()
            self._log_path = log_of(self._path)
            check_folder(self._path.parent)
            is_new = inode_of(self._path) is None and make(self._path, self._migrations)
            with ExitStack() as stack:
                saved = self._open(stack, rules, is_new=is_new, with_messages=with_messages)
                stack.pop_all()
        except StoreError as error:
            raise StoreError(f"{self._path} {error}") from error
        except _FAULTS as error:
            raise StoreError(f"{self._path} {_reason(error)}") from error
        except RuntimeError as error:  # from resolve(), before Python 3.13
            raise StoreError(f"{self._path} cannot be used: symbolic links in a circle") from error
        if saved.is_restored:
            _log.warning("%s is a copy, or lacks what was last written: a new stream begins", self._path)
        return saved

    def _open(self, stack: ExitStack, rules: Rules, *, is_new: bool, with_messages: bool) -> Saved:
        """Leave on *stack* what undoes it all, last things first."""
        hold = Hold(self._path)
        hold.take()
        stack.callback(hold.release)
        stack.callback(remove_made, self._path, made_beside(self._path))
        had_log = self._log_path.exists()
        watching = witness(self._path)
        if watching is not None:
            stack.callback(watching.close)
        # Closed before the witness, so that nothing of the log gets into the file if anything below fails.
        connection = self._connect()
        stack.callback(connection.close)
        check_version(connection, self._migrations)
        check_integrity(connection)
        with transaction(connection):
            migrate(connection, self._migrations)
            stream, is_restored = _stream(connection, hold.inode, had_log=had_log)
            rows.write_about(connection, stream=stream, inode=str(hold.inode), open="1")
            saved = Saved(
                stream=stream,
                is_new=is_new,
                is_restored=is_restored,
                sessions=list(rows.read_sessions(connection, rules)),
                messages=rows.read_messages(connection, None, -1) if with_messages else [],
                last_number=rows.read_last_number(connection),
                previous=rows.read_previous(connection),
                values=rows.read_values(connection),
                objects=rows.read_objects(connection),
                commands=rows.read_commands(connection),
            )
            self._count, self._size = rows.read_size_of_messages(connection)
        if watching is not None:
            watching.close()
        use_log(connection)
        # That the file is open must stand in it and not only in its log, which may get lost; on a full disk it cannot.
        with suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._hold, self._connection, self._log_inode = hold, connection, inode_of(self._log_path)
        return saved

    def close(self) -> None:
        """Move everything into the one file, and let it go."""
        if self._connection is not None:
            # Where it cannot be written now, the log stays and is read at the next start, as after a kill.
            with suppress(sqlite3.Error), transaction(self._connection):
                rows.write_about(self._connection, open="0")
            self._connection.close()
            self._connection = None
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    # Use -----------------------------------------------------------------------------------------------------------

    def write(self, batch: Batch) -> None:
        """Write all that a burst changed. When this returns it is on the disk.

        Raises:
            StoreWriteError: Nothing of it was written. The same batch, with what came since, may be tried again.
        """
        try:
            connection = self._in_place()
            with transaction(connection):
                count, size = rows.write_batch(connection, batch)
        except _FAULTS as error:
            raise StoreWriteError(f"{self._path} {_reason(error)}") from error
        self._count += count
        self._size += size

    def drop_oldest(self, size: int, keep: Collection[int] = ()) -> Dropped:
        """Delete the oldest messages until *size* bytes of them are gone; the file uses their room again.

        Args:
            size: Bytes of topics, payloads and correlation data.
            keep: Numbers of messages that stay.

        Raises:
            StoreWriteError: Nothing was deleted.
        """
        try:
            connection = self._in_place()
            with transaction(connection):
                dropped, gone = rows.drop_messages(connection, size, keep)
        except _FAULTS as error:
            raise StoreWriteError(f"{self._path} {_reason(error)}") from error
        self._count -= len(dropped.numbers)
        self._size -= gone
        return dropped

    def renew_stream(self, stream: str, after: int, renumbering: Renumbering) -> None:
        """Begin a new stream: the broker holds what this store says was never told.

        Messages up to number *after* stay what they are: whoever told more than this store knows had them, too. Those
        behind it are given to the new stream. All of it is one transaction, in which a thousand messages take about
        a twentieth of a second.

        Args:
            stream: The new stream's UUID. No topic has had an event in it but those that are renumbered.
            after: Number of the last message that belongs to the old stream.
            renumbering: What becomes of the messages behind it.

        Raises:
            StoreWriteError: The old stream goes on.
        """
        try:
            connection = self._in_place()
            with transaction(connection):
                rows.renew_stream(connection, stream)
                grown = rows.renumber_messages(connection, after, renumbering)
        except _FAULTS as error:
            raise StoreWriteError(f"{self._path} {_reason(error)}") from error
        self._size += grown

    def messages(self, after: int | None, limit: int, size: int | None = None) -> list[Message]:
        """The next unacknowledged messages in the order of sending.

        Args:
            after: Number of the last one that is had already; None: from the first.
            limit: How many at most.
            size: Bytes at most, though always one message; None: any.

        Raises:
            StoreWriteError: They cannot be read just now.
        """
        try:
            return rows.read_messages(self._in_place(), after, limit, size)
        except _FAULTS as error:
            raise StoreWriteError(f"{self._path} {_reason(error)}") from error

    def size_of_outbox(self) -> tuple[int, int]:
        """How many messages are kept, and the bytes of their topics, payloads and correlation data."""
        return self._count, self._size

    # How -----------------------------------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, "mode=rw")
        try:
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            connection.execute("PRAGMA user_version").fetchone()  # so that SQLite opens the log
        except BaseException:
            connection.close()
            raise
        return connection

    def _in_place(self) -> sqlite3.Connection:
        """The connection, if what it writes to is what stands under the file's name.

        A log that was deleted is made anew: to close the connection moves into the file what was in it.

        Raises:
            StoreWriteError: The file was removed, or another put in its place.
            sqlite3.Error: The log cannot be made anew.
        """
        assert self._hold is not None, "the store is not open"
        if inode_of(self._path) != self._hold.inode:
            raise StoreWriteError(f"{self._path} was removed or replaced while in use")
        if self._connection is not None and inode_of(self._log_path) != self._log_inode:
            _log.warning("%s was removed while in use; it is made anew", self._log_path)
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = self._connect()
            self._log_inode = inode_of(self._log_path)
        return self._connection


def _stream(connection: sqlite3.Connection, inode: int, *, had_log: bool) -> tuple[str, bool]:
    """The stream to go on with, and whether it is a new one because the file may lack what was told."""
    about = rows.read_about(connection)
    if "stream" not in about:
        raise StoreError("is damaged: it has no stream")
    is_copy = about.get("inode", str(inode)) != str(inode)
    lost_log = about.get("open") == "1" and not had_log
    if not (is_copy or lost_log):
        return about["stream"], False
    stream = str(uuid4())
    rows.renew_stream(connection, stream)
    return stream, True


def _reason(error: Exception) -> str:
    """What is wrong with the file, as what is said of it; *error* is one of ``_FAULTS``."""
    if isinstance(error, UnicodeDecodeError):
        return "is damaged"
    if isinstance(error, OSError):
        return f"cannot be read and written: {error.strerror}"
    code = getattr(error, "sqlite_errorcode", None)
    known = _REASONS.get(code & 0xFF) if isinstance(code, int) else None
    return f"{known} ({error})" if known else f"cannot be used: {error}"
