"""The lines of a log's files, oldest file first, in blocks; compressed or not, and however much of them there is."""

import bz2
import gzip
import logging
import lzma
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, cast

from gateway.errors import ReplayError
from gateway.queue_log.files import UNREADABLE, listing, open_log

_log = logging.getLogger(__name__)

BLOCK: Final = 1 << 19
"""Bytes read at once."""

LONGEST: Final = 1 << 16
"""Bytes of a line past which it is none of Asterisk's."""

Progress = Callable[[int], None]
"""Is told how many more bytes of the files, as they are on the disk, were read."""


def with_rotated(path: Path) -> list[Path]:
    """A log's present file, and those that rotation left beside it."""
    return [path.parent / name for name in listing(path)]


def size_of(paths: Sequence[Path]) -> int:
    """Bytes of the files as they are on the disk.

    Raises:
        ReplayError: One of them cannot be looked at.
    """
    try:
        return sum(path.stat().st_size for path in paths)
    except OSError as error:
        raise ReplayError(f"{error.filename}: {error.strerror}") from error


def in_order(paths: Sequence[Path]) -> list[Path]:
    """The files by the time of their first line, each once; those without a line are left out.

    Raises:
        ReplayError: One of them cannot be read.
    """
    found: dict[tuple[int, int], tuple[tuple[int, int], Path]] = {}
    for path in paths:
        try:
            log = open_log(path)
        except UNREADABLE as error:
            raise ReplayError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
        log.stream.close()
        if log.first is not None:
            found.setdefault(log.identity, (log.age, path))
    return [path for _, path in sorted(found.values())]


def blocks(paths: Sequence[Path], progress: Progress = lambda _: None) -> Iterator[list[bytes]]:
    """The lines in each block, without their ends; the last line of a file is left out if it has none.

    A file that turns out to be damaged is read as far as it can be, which is told.

    Raises:
        ReplayError: A file cannot be opened.
    """
    for path in paths:
        try:
            raw = path.open("rb")
        except OSError as error:
            raise ReplayError(f"{path}: {error.strerror}") from error
        with raw:
            try:
                yield from _lines(raw, _decompressed(raw, path.suffix), progress)
            except UNREADABLE as error:
                _log.warning("%s is damaged, and is read as far as it can be: %s", path, error)


def _decompressed(raw: BinaryIO, suffix: str) -> BinaryIO:
    match suffix:
        case ".gz":
            return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
        case ".bz2":
            return cast("BinaryIO", bz2.BZ2File(raw))
        case ".xz":
            return cast("BinaryIO", lzma.LZMAFile(raw))
        case _:
            return raw


def _lines(raw: BinaryIO, stream: BinaryIO, progress: Progress) -> Iterator[list[bytes]]:
    rest, position = b"", 0
    while block := stream.read(BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > LONGEST:
            rest = b"?"  # with this in front its end is no line either
        yield lines
        before, position = position, raw.tell()
        progress(position - before)
