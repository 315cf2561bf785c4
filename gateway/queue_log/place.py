"""Where in a log reading stopped: a place that is found again in a file renamed, copied or compressed since."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from os import fstat, stat_result
from typing import Any, BinaryIO, Final

HEAD: Final = 256
"""Bytes of a file's beginning that tell it from other files."""

TAIL: Final = 64
"""Bytes before the place that tell it from another place: a line is seldom longer."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a log was read. What is in the file says whether it is the same one; its name and number do not.

    Attributes:
        device: Of the file, then.
        inode: Likewise.
        written: When it was last written to, nanoseconds; these three and its size say that nothing happened since.
        offset: Bytes read of it, uncompressed; never 0, and always the end of a line.
        time: Time of the last line read, seconds since the epoch.
        head: Digest of its first ``HEAD`` bytes, or of as many as were read.
        tail: Digest of the ``TAIL`` bytes before ``offset``, or of as many as there are.
    """

    device: int
    inode: int
    written: int
    offset: int
    time: int
    head: str
    tail: str

    def as_json(self) -> dict[str, int | str]:
        """What ``from_json`` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Place | None":
        """A place that was kept; None if that is none."""
        texts = ("head", "tail")
        for each in fields(cls):
            if not isinstance(values.get(each.name), str if each.name in texts else int):
                return None
        place = cls(**{each.name: values[each.name] for each in fields(cls)})
        return place if place.offset > 0 else None


def mark(stream: BinaryIO, offset: int, time: int) -> Place:
    """The place at *offset* (not 0) of an open file, compressed or not."""
    status = fstat(stream.fileno())
    head, tail = _head(stream, offset), _tail(stream, offset)
    return Place(status.st_dev, status.st_ino, status.st_mtime_ns, offset, time, head, tail)


def is_whole(place: Place, status: stat_result) -> bool:
    """Whether the file of *status* is the one that was read to its end, and nothing was written to it since."""
    now = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    return now == (place.device, place.inode, place.written, place.offset)


def fits(stream: BinaryIO, place: Place) -> bool:
    """Whether what an open file holds up to the place is what was read then.

    Raises:
        OSError, EOFError, zlib.error, lzma.LZMAError: If it cannot be read, or decompressed.
    """
    return _head(stream, place.offset) == place.head and _tail(stream, place.offset) == place.tail


def _head(stream: BinaryIO, offset: int) -> str:
    stream.seek(0)
    return _digest(stream.read(min(HEAD, offset)))


def _tail(stream: BinaryIO, offset: int) -> str:
    stream.seek(max(0, offset - TAIL))
    return _digest(stream.read(min(TAIL, offset)))


def _digest(data: bytes) -> str:
    """With the length in it, so that less of the same, of a file too short, is another."""
    return blake2b(len(data).to_bytes(2, "big") + data, digest_size=16).hexdigest()
