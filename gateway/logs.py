"""How log lines look: one line for each fact, for journald, for a terminal, or as JSON for whoever collects them.

Only the command line sets this up. Everybody else asks for ``logging.getLogger(__name__)`` and says what happened.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

Format = Literal["text", "json"]

#: What these say at INFO and below is about their own workings.
_QUIET_LIBRARIES: Final = ("aiohttp", "aiomqtt", "asyncio", "mqtt", "paho", "panoramisk")

_PRIORITIES: Final = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))
"""Levels, and the priority in syslog of what has at least that one (sd-daemon(3))."""


class _OneLine(logging.Formatter):
    """Keeps a message on its line, so that no name or text from outside can look like a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        """Return the line without the traceback that may follow it."""
        line = super().formatMessage(record)
        return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


class _Json(logging.Formatter):
    """An object on a line of its own; a traceback is one of its values."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fact = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fact["exception"] = self.formatException(record.exc_info)
        return json.dumps(fact)  # in ASCII, so that no text from outside can end the line


class _ForJournald(logging.Formatter):
    """Puts the priority before each line, as journald reads it from a service's standard error."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines."""
        priority = next(priority for level, priority in _PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in self._inner.format(record).splitlines())


def configure(
    level: int,
    stream: TextIO | None = None,
    *,
    log_format: Format = "text",
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Send log lines of *level* and above to *stream*, by default standard error.

    A terminal is shown the time too; anything else (journald, a container's log) adds its own. To journald the level
    is told as the priority.

    Args:
        level: Of ``logging``.
        stream: Where to.
        log_format: ``text``, or ``json``: an object for each fact.
        environ: The environment, which tells whether the stream is journald's.
    """
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(target, log_format, environ))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _formatter(target: TextIO, log_format: Format, environ: Mapping[str, str]) -> logging.Formatter:
    for_journald = _is_journald(target, environ)
    if log_format == "json":
        formatter: logging.Formatter = _Json()
    else:
        line = "%(name)s: %(message)s" if for_journald else "%(levelname)s %(name)s: %(message)s"
        formatter = _OneLine(f"%(asctime)s {line}" if target.isatty() else line)
    return _ForJournald(formatter) if for_journald else formatter


def _is_journald(target: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether *target* is the stream that systemd connected to the journal: ``JOURNAL_STREAM`` is its device:inode."""
    try:
        status = os.fstat(target.fileno())
    except (OSError, ValueError):  # a stream without a descriptor
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{status.st_dev}:{status.st_ino}"
