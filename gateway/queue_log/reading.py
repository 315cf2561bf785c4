"""What there is to read of a log at one moment: parts of open files, as entries."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import dropwhile
from types import TracebackType
from typing import NamedTuple, Self

from gateway.queue_log.files import BLOCK, UNREADABLE, LogFile
from gateway.queue_log.parse import Entry, parse
from gateway.queue_log.place import Place


class Missing(NamedTuple):
    """A time of which there are no lines, though there should be.

    Attributes:
        begin: Time of the last line before it, seconds since the epoch.
        end: Time of the first line after it; None if there is none yet.
        why: A clause.
    """

    begin: int
    end: int | None
    why: str


@dataclass(slots=True)
class Stretch:
    """Part of a file to be read: from *start* to *end* (None: all there is), passing over lines before *since*.

    Offsets are bytes, uncompressed; *since* is in seconds since the epoch.
    """

    file: LogFile
    start: int = 0
    end: int | None = None
    since: int | None = None


class Reading:
    """Entries in order, from files that stay open, and the same, if rotation goes on meanwhile.

    Attributes:
        place: Where to go on the next time; None while there has been no line at all.
        missing: What could not be read; all of it is known when ``chunks`` has been gone through once.
        garbage: Lines that are none, in the last ``chunks``.
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        place: Place | None,
        missing: Sequence[Missing],
        files: ExitStack,
        *,
        parse_line: Callable[[bytes], Entry | None] = parse,
    ) -> None:
        """Take over *files*: closing the reading closes them. *parse_line* makes the entries."""
        self.place = place
        self.missing = list(missing)
        self.garbage = 0
        self._stretches = stretches
        self._damaged: set[str] = set()
        self._files = files
        self._parse = parse_line

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def chunks(self) -> Iterator[list[Entry]]:
        """All entries in order, some hundred at a time. It can be asked for again, and gives the same."""
        self.garbage = 0
        for index, stretch in enumerate(self._stretches):
            last = stretch.file.first
            try:
                for chunk in self._read(stretch):
                    last = chunk[-1].time
                    yield chunk
            except UNREADABLE as error:
                self._note_damage(index, last or 0, error)

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, stretch: Stretch) -> Iterator[list[Entry]]:
        garbage, since = 0, stretch.since
        for lines in _lines(stretch):
            entries = [entry for entry in map(self._parse, lines) if entry is not None]
            garbage += len(lines) - len(entries)
            if since is not None:
                entries = list(dropwhile(lambda entry, since=since: entry.time < since, entries))  # type: ignore[misc]
            if entries:
                since = None
                yield entries
        self.garbage += garbage

    def _note_damage(self, index: int, last: int, error: BaseException) -> None:
        name = self._stretches[index].file.name
        if name not in self._damaged:
            self._damaged.add(name)
            later = (each.file.first for each in self._stretches[index + 1 :])
            end = next((first for first in later if first is not None), None)
            self.missing.append(Missing(last, end, f"{name} is damaged: {error}"))


def _lines(stretch: Stretch) -> Iterator[list[bytes]]:
    """The lines in each block; one without an end, which somebody was kept from finishing, with the last block."""
    stream, position, rest = stretch.file.stream, stretch.start, b""
    stream.seek(position)
    while stretch.end is None or position < stretch.end:
        block = stream.read(BLOCK if stretch.end is None else min(BLOCK, stretch.end - position))
        if not block:
            break
        position += len(block)
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > BLOCK:
            rest = b"?"  # no line of Asterisk's; with this in front its end is none either
        yield lines
    if rest:
        yield [b""]
