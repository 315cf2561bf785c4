"""A look at a store from outside, which leaves it, and the gateway that may have it open, as they are."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.store.file import connect
from gateway.store.rows import read_about

_LOCKS: Final = Path("/proc/locks")


@dataclass(frozen=True, slots=True)
class Peek:
    """What is seen of a store.

    Attributes:
        is_there: Whether the file exists.
        is_held: Whether a gateway has it open; None if that cannot be told.
        stream: The stream it is of; None if that cannot be read.
    """

    is_there: bool
    is_held: bool | None = None
    stream: str | None = None


def peek(path: Path) -> Peek:
    """Look at the store *path*."""
    try:
        status = path.stat()
    except OSError:
        return Peek(is_there=False)
    held = _is_locked(status.st_ino)
    return Peek(is_there=True, is_held=held, stream=_stream(path, held=bool(held)))


def _is_locked(inode: int) -> bool | None:
    """Whether anybody holds an flock on the file, which trying to take it could not tell without being in the way.

    Devices are not compared: what the kernel says of them is not what ``stat`` says on some file systems.
    """
    try:
        locks = [line.split() for line in _LOCKS.read_text("ascii").splitlines()]
    except OSError:
        return None
    return any(lock[5].rpartition(":")[2] == str(inode) for lock in locks if lock[1:2] == ["FLOCK"])


def _stream(path: Path, *, held: bool) -> str | None:
    # Without a gateway the file is whole, and opening it in the usual way would leave files of this user beside it.
    query = "mode=ro" if held else "mode=ro&immutable=1"
    try:
        with closing(connect(path, query)) as connection:
            return read_about(connection).get("stream")
    except (sqlite3.Error, OSError, UnicodeDecodeError):
        return None
