"""The files of one log: the present one, and those that rotation by Asterisk or by logrotate left beside it."""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from os import fstat
from pathlib import Path
from typing import BinaryIO, Final, cast

from gateway.queue_log.parse import Entry, parse

BLOCK: Final = 1 << 16
"""Bytes read at once. No line of Asterisk's is longer than an eighth of it."""

UNREADABLE: Final = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading a file may raise, a damaged compressed one included."""

# Asterisk: .0 .1 (sequential, rotate), .1795333808 (timestamp). logrotate: .1, -20261122, -20261122-0300, -1795333808.
_SUFFIX: Final = re.compile(r"([.-]\d[\dTZ:_.-]*?)(\.(?:gz|bz2|xz|zst|lz4|Z))?\Z")


@dataclass(eq=False, slots=True)
class LogFile:
    """One open file of the log.

    Attributes:
        name: Its name, for sentences.
        stream: Its lines, decompressed.
        identity: Device and inode.
        written: When it was last written to, nanoseconds; rotation and compression keep that.
        first: Time of its first line, seconds; None where it has none.
    """

    name: str
    stream: BinaryIO
    identity: tuple[int, int]
    written: int
    first: int | None

    @property
    def age(self) -> tuple[int, int]:
        """What sorts files from the oldest to the newest."""
        return self.first or 0, self.written


def listing(path: Path) -> dict[str, tuple[int, int]]:
    """The log's files there are: name, with device and inode. Of one and its compressed copy, the plain one alone.

    Both are there while the copy is being made.
    """
    found: dict[str, tuple[int, int]] = {}
    try:
        names = {each.name for each in path.parent.iterdir()}
    except OSError:  # a folder may let one read a file and not say which there are
        names = {path.name}
    for name in sorted(names):
        suffix = _SUFFIX.fullmatch(name.removeprefix(path.name)) if name.startswith(path.name) else None
        plain = suffix is not None and f"{path.name}{suffix[1]}"
        if name != path.name and (suffix is None or (name != plain and plain in names)):
            continue
        try:
            status = (path.parent / name).stat()
        except OSError:
            continue
        found[name] = (status.st_dev, status.st_ino)
    return found


def open_log(path: Path) -> LogFile:
    """Open one file, compressed or not, as its name says.

    Raises:
        OSError, EOFError, zlib.error, lzma.LZMAError: If it cannot be read.
    """
    stream = _open(path)
    try:
        status = fstat(stream.fileno())
        first = next((entry.time for entry, _ in _entries(stream.read(BLOCK))), None)
    except BaseException:
        stream.close()
        raise
    return LogFile(path.name, stream, (status.st_dev, status.st_ino), status.st_mtime_ns, first)


def _open(path: Path) -> BinaryIO:
    match path.suffix:
        case ".gz":
            return cast("BinaryIO", gzip.open(path))
        case ".bz2":
            return cast("BinaryIO", bz2.open(path))
        case ".xz":
            return cast("BinaryIO", lzma.open(path))
        case ".zst" | ".lz4" | ".Z":
            raise OSError(f"files compressed as {path.suffix} cannot be read")
        case _:
            return path.open("rb")


def _entries(data: bytes) -> Iterator[tuple[Entry, int]]:
    """The entries of whole lines in *data*, each with the offset behind it."""
    offset = 0
    while (end := data.find(b"\n", offset)) >= 0:
        entry = parse(data[offset:end])
        offset = end + 1
        if entry is not None:
            yield entry, offset


def end_of_lines(stream: BinaryIO) -> int:
    """Where the last whole line of an open file ends now; 0 if it has none. A line being written is left out."""
    stream.seek(0)
    end = position = 0
    if isinstance(stream, gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile):
        while block := stream.read(BLOCK):
            if (newline := block.rfind(b"\n")) >= 0:
                end = position + newline + 1
            position += len(block)
        return end
    position = stream.seek(0, 2)
    while position > 0:
        start = max(0, position - BLOCK)
        stream.seek(start)
        if (newline := stream.read(position - start).rfind(b"\n")) >= 0:
            return start + newline + 1
        position = start
    return 0


def last_time(stream: BinaryIO, end: int) -> int | None:
    """Time of the last entry before *end*; None where the last lines are none."""
    start = max(0, end - BLOCK)
    stream.seek(start)
    times = [entry.time for entry, _ in _entries(stream.read(end - start))]
    return times[-1] if times else None


def find_time(stream: BinaryIO, time: int) -> int:
    """An offset not behind the first line of *time* or later, and at most a few blocks before it.

    By halving, which takes lines to be in the order of time: a clock that was set back may put the place too early.
    A compressed file is not searched: 0.
    """
    if isinstance(stream, gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile):
        return 0
    low, high = 0, stream.seek(0, 2)
    while high - low > 2 * BLOCK:
        middle = (low + high) // 2
        stream.seek(middle)
        data = stream.read(BLOCK)
        begin = data.find(b"\n") + 1
        first = next(_entries(data[begin:]), None)
        if first is None or first[0].time >= time:
            high = middle
        else:
            low = middle + begin
    return low


def begins_with_a_start(file: LogFile) -> bool:
    """Whether a file's first line is that of a start of Asterisk, so that there may have been no log before it."""
    file.stream.seek(0)
    first = parse(file.stream.readline(BLOCK))
    return first is not None and first.event == "QUEUESTART"


def written(path: Path) -> int:
    """When a file was last written to, nanoseconds; 0 if it is gone."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
