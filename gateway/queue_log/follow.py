"""Reading a log from where reading stopped, whatever rotation has done to its files since."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from gateway.queue_log.files import (
    UNREADABLE,
    LogFile,
    begins_with_a_start,
    end_of_lines,
    find_time,
    last_time,
    open_log,
    written,
)
from gateway.queue_log.files import listing as list_files
from gateway.queue_log.parse import parse, parse_without_caller
from gateway.queue_log.place import Place, fits, is_whole, mark
from gateway.queue_log.reading import Missing, Reading, Stretch

_log = logging.getLogger(__name__)

ATTEMPTS: Final = 10
"""How often the files are opened anew because they were rotated while they were being opened."""

STARTING: Final = 60
"""Seconds between the LoginTime of Asterisk's first member and its line QUEUESTART, at most."""


class QueueLog:
    """One log, by the path of its present file.

    Args:
        path: The file that Asterisk writes to.
        withhold_callers: Whether numbers and names of callers are left out.
    """

    def __init__(self, path: Path, *, withhold_callers: bool = False) -> None:
        self._path = path
        self._parse = parse_without_caller if withhold_callers else parse

    def poll(self, place: Place | None) -> Reading | None:
        """What came since *place*; None if nothing did, which costs one ``stat``."""
        try:
            status = self._path.stat()
        except OSError:
            if place is None:
                return None
        else:
            if place is not None and is_whole(place, status):
                return None
        return self.open_from(place)

    def open_from(self, place: Place | None, *, earliest: int | None = None) -> Reading:
        """Open what comes after *place*; without one, what was written at *earliest* (seconds) or since.

        Without either, all there is. Nothing is read twice, but for lines of the last second read where the place
        cannot be found again; where lines are missing, ``missing`` says so. A file that was copied and emptied
        (copytruncate) goes on in the copy.
        """
        for attempt in range(ATTEMPTS):
            listing = list_files(self._path)
            opening = _Opening(self._path, place, listing)
            try:
                stretches = opening.plan(earliest)
            except BaseException:
                opening.files.close()
                raise
            if list_files(self._path) == listing:
                break
            if attempt == ATTEMPTS - 1:
                _log.warning("%s is being rotated again and again; reading what is there", self._path)
                break
            opening.files.close()
        return Reading(stretches, opening.next_place, opening.missing, opening.files, parse_line=self._parse)


class _Opening:
    """Finds what is to be read among the files that *listing* names, and opens it.

    Attributes:
        files: What was opened.
        missing: What cannot be read.
        next_place: Where to go on the next time.
    """

    def __init__(self, path: Path, place: Place | None, listing: dict[str, tuple[int, int]]) -> None:
        self.files = ExitStack()
        self.missing: list[Missing] = []
        self.next_place = place
        self._path = path
        self._place = place
        self._listing = listing
        self._unreadable: list[tuple[str, int, str]] = []

    def plan(self, earliest: int | None) -> Sequence[Stretch]:
        """The stretches to be read, oldest first."""
        present = self._open(self._path.name)
        if self._place is not None and present is not None and self._fits(present, self._place):
            return self._bounded([Stretch(present, self._place.offset)])
        files = self._open_all(present)
        if self._place is not None:
            return self._bounded(self._after_rotation(files, present, self._place))
        if earliest is None:
            return self._bounded([Stretch(each) for each in files])
        self._tell_missing_before(files, earliest)
        return self._bounded(self._from_time(files, earliest))

    def _open(self, name: str) -> LogFile | None:
        path = self._path.parent / name
        try:
            found = open_log(path)
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            self._unreadable.append((name, written(path), getattr(error, "strerror", None) or str(error)))
            return None
        self.files.callback(found.stream.close)
        return found

    def _open_all(self, present: LogFile | None) -> list[LogFile]:
        """All files with lines, oldest first, each once; the present one last.

        A present file without lines is left out: Asterisk may still write to the one before, until it opens this one,
        and then puts a line into it.
        """
        rotated: dict[tuple[int, int], LogFile] = {}
        for name in self._listing:
            found = self._open(name) if name != self._path.name else None
            if found is not None and found.first is not None:
                rotated.setdefault(found.identity, found)
        if present is not None:
            rotated.pop(present.identity, None)
        files = sorted(rotated.values(), key=lambda each: each.age)
        return [*files, present] if present is not None and present.first is not None else files

    def _fits(self, file: LogFile, place: Place) -> bool:
        try:
            return fits(file.stream, place)
        except UNREADABLE as error:
            self._unreadable.append((file.name, file.written, str(error)))
            return False

    def _tell_missing_before(self, files: Sequence[LogFile], earliest: int) -> None:
        first = files[0].first if files else None
        if first is not None and first <= earliest:
            return
        if first is not None and first <= earliest + STARTING and begins_with_a_start(files[0]):
            return
        if self._unreadable:
            why = self._what_is_unreadable()
        elif first is None:
            why = f"there is no line in {self._path}" if self._listing else f"there is no {self._path}"
        else:
            why = f"{self._path.name} does not go back that far"
        self.missing.append(Missing(earliest, first, why))

    def _from_time(self, files: Sequence[LogFile], time: int) -> list[Stretch]:
        """The files from the last one that begins before *time*, and of that one the lines since then."""
        begin = max((n for n, each in enumerate(files) if each.first is not None and each.first < time), default=0)
        stretches = [Stretch(each) for each in files[begin:]]
        if stretches:
            stream = stretches[0].file.stream
            stretches[0].start, stretches[0].since = find_time(stream, time), time
            self._tell_unreadable_between(stretches, time)
        return stretches

    def _after_rotation(self, files: Sequence[LogFile], present: LogFile | None, place: Place) -> list[Stretch]:
        for number, each in enumerate(files):
            if each is not present and self._fits(each, place):
                stretches = [Stretch(each, place.offset), *(Stretch(newer) for newer in files[number + 1 :])]
                self._tell_unreadable_between(stretches, place.time)
                return stretches
        return self._after_a_loss(files, present, place)

    def _tell_unreadable_between(self, stretches: Sequence[Stretch], time: int) -> None:
        oldest = stretches[0].file
        for name, when, why in self._unreadable:
            if when > oldest.written:
                newer = [each.file.first for each in stretches if each.file.written > when]
                self.missing.append(Missing(time, newer[0] if newer else None, f"{name} cannot be read: {why}"))

    def _after_a_loss(self, files: Sequence[LogFile], present: LogFile | None, place: Place) -> list[Stretch]:
        """The place is nowhere: what is as late as it is read, and what lay between is missing."""
        if self._unreadable:
            why = self._what_is_unreadable()
        elif not self._listing:
            why = f"there is no {self._path}"
        elif present is not None and present.identity == (place.device, place.inode):
            why = f"{self._path.name} was emptied or rewritten, and there is no copy of it"
        else:
            why = f"no file goes on where {self._path.name} was last read: it is gone, or this is another Asterisk's"
        self._unreadable = []
        stretches = self._from_time(files, place.time)
        with ExitStack() as nothing:
            entries = (entry for chunk in Reading(stretches, None, (), nothing).chunks() for entry in chunk)
            first = next(entries, None)
        self.missing.append(Missing(place.time, None if first is None else first.time, why))
        return stretches

    def _what_is_unreadable(self) -> str:
        return "; ".join(f"{name} cannot be read: {why}" for name, _, why in self._unreadable)

    def _bounded(self, stretches: list[Stretch]) -> list[Stretch]:
        """The last file ends with its last whole line, and there is the next place."""
        if stretches:
            last = stretches[-1]
            try:
                end = end_of_lines(last.file.stream)
                time = last_time(last.file.stream, end)
                if time is None:
                    time = self._place.time if self._place else last.file.first or 0
                self.next_place = mark(last.file.stream, end, time)
                last.end = end
            except UNREADABLE:
                pass  # a damaged file is told of when it is read, and the place stays
        return stretches
