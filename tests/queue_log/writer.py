"""Somebody who writes a queue_log and rotates it, as Asterisk and logrotate do."""

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

START: Final = 1_795_000_000
COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


class Writer:
    """Asterisk's hand on its log. Every line it writes is told from every other by its number.

    Attributes:
        path: The present file.
        time: Seconds since the epoch.
        lines: The numbers of the whole lines written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue_log"
        self.time = START
        self.lines: list[int] = []
        self._half = b""
        self._stream: BinaryIO = self.path.open("ab", buffering=0)

    def write(self, count: int = 1, *, seconds: int = 1, padding: int = 0) -> None:
        """Write whole lines, so many seconds apart."""
        for _ in range(count):
            self.time += seconds
            self.finish_line()
            self._put(f"{self.time}|NONE|q|Ann|N{len(self.lines)}|{'x' * padding}\n".encode())

    def write_half(self) -> None:
        """Write the beginning of a line; it is finished before the next one."""
        if not self._half:
            whole = f"{self.time}|NONE|q|Ann|N{len(self.lines)}|half\n".encode()
            self._stream.write(whole[:-9])
            self._half = whole[-9:]

    def finish_line(self) -> None:
        """Write the rest of a half line."""
        if self._half:
            half, self._half = self._half, b""
            self._put(half)

    def _put(self, data: bytes) -> None:
        self._stream.write(data)
        self.lines.append(len(self.lines))

    def reopen(self) -> None:
        """``logger reload``: open the path anew, and say so in it."""
        self.finish_line()
        self._stream.close()
        self._stream = self.path.open("ab", buffering=0)
        self._put(f"{self.time}|NONE|NONE|NONE|N{len(self.lines)}|\n".encode())

    def close(self) -> None:
        """Stop writing."""
        self._stream.close()

    # Asterisk's strategies -----------------------------------------------------------------------------------------

    def sequential(self) -> None:
        """Highest number = newest."""
        number = 0
        while self._beside(f".{number}"):
            number += 1
        self._rotate_to(f".{number}")

    def rotate(self) -> None:
        """0 = newest."""
        numbers = sorted((int(name.split(".")[1]) for name in self._names() if name != "queue_log"), reverse=True)
        for number in numbers:
            for name in self._names():
                if name.split(".")[1:2] == [str(number)]:
                    rest = name.removeprefix(f"queue_log.{number}")
                    (self.path.parent / name).rename(self.path.parent / f"queue_log.{number + 1}{rest}")
        self._rotate_to(".0")

    def timestamp(self) -> None:
        """The time of the rotation is the name."""
        while self._beside(f".{self.time}"):
            self.time += 1
        self._rotate_to(f".{self.time}")

    def none(self) -> None:
        """Only opened anew."""
        self.reopen()

    # logrotate -----------------------------------------------------------------------------------------------------

    def dateext(self) -> None:
        """A name with the date and hour; the next file is made at once and Asterisk told later."""
        self.time += 3600
        self._rotate_to(f"-20261122-{self.time}", create=True)

    def copytruncate(self) -> None:
        """The file is copied, and emptied under Asterisk's hand."""
        self.finish_line()
        number = 0
        while self._beside(f".{number}"):
            number += 1
        shutil.copy2(self.path, f"{self.path}.{number}")
        os.truncate(self.path, 0)

    def compress(self, suffix: str) -> None:
        """Compress every rotated file that is not yet."""
        for name in self._names():
            path = self.path.parent / name
            if name != "queue_log" and path.suffix not in COMPRESS:
                packed = path.with_name(name + suffix)
                packed.write_bytes(COMPRESS[suffix](path.read_bytes()))
                shutil.copystat(path, packed)
                path.unlink()

    def _rotate_to(self, suffix: str, *, create: bool = False) -> None:
        self.finish_line()
        self.path.rename(f"{self.path}{suffix}")
        if create:
            self.path.touch()
            self.write()  # still into the renamed file
        self.reopen()

    def _beside(self, suffix: str) -> bool:
        return any(name.startswith(f"queue_log{suffix}") for name in self._names())

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())
