"""The store's file: made whole or not at all, held by one gateway alone, left as it is where it cannot be used.

A process must not close a descriptor of its own on a database while SQLite has it open: that ends SQLite's locks.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from gateway.errors import StoreError
from gateway.store.rows import write_about
from gateway.store.schema import APPLICATION_ID, Migration, migrate

BUSY_TIMEOUT: Final = 0.25
"""Seconds for which another program's transaction is waited for. Meanwhile the whole gateway waits."""

_MODE: Final = 0o600  # callers' numbers are in it


def log_of(path: Path) -> Path:
    """SQLite's write-ahead log of the database *path*: what was committed and is not in the database yet."""
    return path.with_name(path.name + "-wal")


def connect(path: Path, query: str) -> sqlite3.Connection:
    """Open the database *path*; *query* is that of SQLite's URI, ``mode=rw`` for example.

    Raises:
        sqlite3.Error: It cannot be opened. Most of what may be wrong shows at the first statement only.
    """
    # as_uri() quotes bytes that are no UTF-8 too. Transactions are begun and ended by the statements that say so.
    return sqlite3.connect(f"{path.as_uri()}?{query}", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write everything within, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors, a full disk among them, SQLite has rolled back by itself.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def check_folder(folder: Path) -> None:
    """Do nothing if files can be made in *folder*, else say why not: SQLite needs two beside its own.

    Raises:
        StoreError: They cannot.
    """
    if not folder.is_dir():
        raise StoreError(f"cannot be used: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"cannot be used: the folder {folder} cannot be written")


def make(path: Path, migrations: Sequence[Migration]) -> bool:
    """Make an empty store where there is no file. It gets its name when it is whole and on the disk.

    An empty file under that name is thus never one that was about to be made, and never taken for a new one.

    Returns:
        Whether it was made; not if another gateway was quicker.

    Raises:
        StoreError: A log of a vanished database is there, which SQLite would mix with the new one.
        OSError: The folder cannot be written.
        sqlite3.Error: The file cannot be.
    """
    log = log_of(path)
    if log.exists():
        raise StoreError(f"is missing, but {log.name} is there: put the file back, or remove that one too")
    new = path.with_name(f"{path.name}-new-{uuid4().hex}")
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, _MODE))
    try:
        with closing(connect(new, "mode=rw")) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            use_log(connection)
            with transaction(connection):
                migrate(connection, migrations)
                write_about(connection, stream=str(uuid4()))
        try:
            os.link(new, path)
        except FileExistsError:
            return False
        _sync_folder(path.parent)
        return True
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            new.with_name(new.name + suffix).unlink(missing_ok=True)


def use_log(connection: sqlite3.Connection) -> None:
    """Let SQLite write ahead, as the file says already but where it is a copy that SQLite made.

    Raises:
        StoreError: The file system cannot do it.
    """
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise StoreError("is on a file system on which SQLite cannot keep a write-ahead log")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def witness(path: Path) -> sqlite3.Connection | None:
    """Open a database that has a log, so that no other connection's end moves the log into it; None if it has none.

    What is found wrong with a file must not change it, and SQLite tidies up at the end of the last connection.
    """
    log = log_of(path)
    if not (log.exists() and log.stat().st_size):
        return None
    connection = connect(path, "mode=ro")
    try:
        connection.execute("PRAGMA user_version").fetchone()  # which takes the lock that prevents it
    except BaseException:
        connection.close()
        raise
    return connection


def made_beside(path: Path) -> list[Path]:
    """What SQLite makes beside the file and is not there yet."""
    beside = (log_of(path), path.with_name(path.name + "-shm"))
    return [each for each in beside if not each.exists()]


def remove_made(path: Path, made: Iterable[Path]) -> None:
    """Remove what SQLite has made since and left, as it does on a full disk; never a log that holds anything."""
    log = log_of(path)
    if not (log.exists() and log.stat().st_size):
        for each in made:
            each.unlink(missing_ok=True)


class Hold:
    """One gateway's claim on a file: an flock, which ends with the process and does not meet SQLite's own locks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Claim the file.

        Raises:
            StoreError: Another gateway has it.
            OSError: It cannot be read and written.
        """
        descriptor = os.open(self._path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise StoreError("is in use by another gateway") from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the file go. Every connection must be closed before: this ends SQLite's locks too."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def inode(self) -> int:
        """Inode of the file that is held."""
        assert self._descriptor is not None
        return os.fstat(self._descriptor).st_ino


def inode_of(path: Path) -> int | None:
    """Inode of what stands under a name now; None if nothing does."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - asked at each commit, and this takes a third of the time
    except FileNotFoundError:
        return None
