"""Asterisk's queue_log, followed while everything is well, and read back from there after a loss."""

import json
import logging
from pathlib import Path
from typing import Final

from gateway.queue_log.follow import QueueLog
from gateway.queue_log.parse import Entry
from gateway.queue_log.place import Place
from gateway.queue_log.reading import Reading
from gateway.queue_log.waiting import WaitingCallers

_log = logging.getLogger(__name__)

SETTLE: Final = 10.0
"""Seconds between two looks. What one look reads counts as read with the next only, so that a place is always some
seconds older than any loss: lines come late."""


class Following:
    """Knows up to where the log is settled, and who waits there.

    Args:
        path: The file that Asterisk writes to.
        withhold_callers: Whether numbers and names of callers are left out.

    Attributes:
        callers: Who waits, as of the settled place.
    """

    def __init__(self, path: Path, *, withhold_callers: bool = False) -> None:
        self.callers = WaitingCallers()
        self._queue_log = QueueLog(path, withhold_callers=withhold_callers)
        self._path = path
        self._since = 0
        self._settled: Place | None = None
        self._latest: Place | None = None
        self._unsettled: list[Entry] = []
        self._remembered: str | None = None
        self._warned = False

    def restore(self, text: str) -> None:
        """Go on from what ``remember`` gave."""
        kept = json.loads(text)
        self._settled = self._latest = None if kept["place"] is None else Place.from_json(kept["place"])
        self.callers = WaitingCallers.from_json(kept["callers"])
        self._remembered = None

    def remember(self) -> str:
        """What must be kept over a restart. It is asked for with every burst, and changes with every look only."""
        if self._remembered is None:
            place = None if self._settled is None else self._settled.as_json()
            self._remembered = json.dumps({"place": place, "callers": self.callers.as_json()})
        return self._remembered

    def start(self, now: int) -> None:
        """Begin to follow where the log ends; *now* is in seconds since the epoch."""
        self._since = now
        try:
            with self._queue_log.open_from(None, earliest=now) as reading:
                for _ in reading.chunks():
                    pass
                self.was_read_back(reading.place)
        except OSError as error:
            self._warn(error.strerror or str(error))

    def follow(self) -> None:
        """Look again."""
        for entry in self._unsettled:
            self.callers.take(entry)
        self._remembered = None
        self._settled, self._unsettled = self._latest, []
        if self._latest is None:
            self.start(self._since)
            return
        try:
            reading = self._queue_log.poll(self._latest)
            if reading is None:
                return
            with reading:
                for chunk in reading.chunks():
                    self._unsettled += chunk
                self._latest = reading.place
        except OSError as error:
            self._warn(error.strerror or str(error))
        else:
            self._warned = False

    def read_back(self, earliest: int) -> Reading | None:
        """Everything since the settled place, or where there is none, since *earliest* (seconds since the epoch).

        None if the log cannot be read, or nothing is in it.
        """
        try:
            reading = self._queue_log.open_from(self._settled, earliest=earliest)
        except OSError as error:
            self._warn(error.strerror or str(error))
            return None
        if reading.place is None:
            reading.close()
            self._warn("; ".join(each.why for each in reading.missing))
            return None
        return reading

    def was_read_back(self, place: Place | None) -> None:
        """All of it up to *place* is in the model now, and ``callers`` was told."""
        self._settled = self._latest = place
        self._unsettled = []
        self._remembered = None

    def _warn(self, why: str) -> None:
        if not self._warned:
            _log.warning("%s cannot be read: %s; what happens unseen stays a gap", self._path, why)
            self._warned = True
