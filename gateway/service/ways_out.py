"""Asterisk's queue_log as it grows: how the callers left who leave now."""

import logging
from pathlib import Path
from typing import Final

from gateway.ami.ways_out import LoggedExit
from gateway.domain.caller import WayOut
from gateway.domain.instant import SECOND
from gateway.queue_log.follow import QueueLog
from gateway.queue_log.parse import Entry
from gateway.queue_log.place import Place
from gateway.timeline import Timeline

_log = logging.getLogger(__name__)

WAYS: Final = {
    "CONNECT": WayOut.CONNECTED,
    "ABANDON": WayOut.ABANDONED,
    "EXITWITHTIMEOUT": WayOut.TIMED_OUT,
    "EXITEMPTY": WayOut.EMPTY,
    "EXITWITHKEY": WayOut.KEY,
    "WITHDRAW": WayOut.WITHDRAWN,
}
"""Lines that end a wait, and the way out that each tells."""

KEPT: Final = 15 * SECOND
"""How long lines are kept that nobody has asked for: their events may be that much behind."""


class GrowingLog:
    """Reads what came to the log since the last time. It has a place of its own, which nothing must keep.

    Args:
        path: The file that Asterisk writes to.
        timeline: Makes instants.
    """

    def __init__(self, path: Path, timeline: Timeline) -> None:
        self._queue_log = QueueLog(path)
        self._path = path
        self._timeline = timeline
        self._place: Place | None = None
        self._unread: list[LoggedExit] = []
        self._warned = False

    def read(self, since: int) -> list[LoggedExit]:
        """The lines that tell how a caller left; none where the log cannot be read just now.

        Args:
            since: Instant from which on lines are of interest, the first time.
        """
        unread, self._unread = self._unread, []
        return unread + self._read_on(since)

    def keep_up(self) -> None:
        """Read on while nobody asks, so that there is little to be read when somebody does."""
        if self._place is None:
            return
        self._unread += self._read_on(0)
        latest = max((each.at for each in self._unread), default=0)
        self._unread = [each for each in self._unread if each.at >= latest - KEPT]

    def _read_on(self, since: int) -> list[LoggedExit]:
        try:
            if self._place is None:
                reading = self._queue_log.open_from(None, earliest=self._timeline.wall(since) // SECOND)
            else:
                polled = self._queue_log.poll(self._place)
                if polled is None:
                    return []
                reading = polled
            with reading:
                exits = [each for chunk in reading.chunks() for each in map(self._exit, chunk) if each is not None]
                if self._place is not None or reading.place is None:
                    self._warn("; ".join(each.why for each in reading.missing))
                self._place = reading.place
        except OSError as error:
            self._warn(error.strerror or str(error))
            return []
        return exits

    def _warn(self, why: str) -> None:
        """Say once why lines are missing; ``""``: none are."""
        if why and not self._warned:
            _log.warning("%s cannot be read: %s; ways out of queues are guessed", self._path, why)
        self._warned = bool(why)

    def _exit(self, entry: Entry) -> LoggedExit | None:
        way = WAYS.get(entry.event)
        if way is None:
            return None
        key = entry.text(0) if way is WayOut.KEY else None
        return LoggedExit(entry.callid, entry.queue, way, self._timeline.from_wall(entry.time * SECOND), key)
