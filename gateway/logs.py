"""How log lines look: one line for each fact, for journald or for a terminal.

Only the command line sets this up. Everybody else asks for ``logging.getLogger(__name__)`` and says what happened.
"""

import logging
import sys
from typing import Final, TextIO

#: What these say at INFO and below is about their own workings.
_QUIET_LIBRARIES: Final = ("aiomqtt", "asyncio", "mqtt", "paho", "panoramisk")


class _OneLine(logging.Formatter):
    """Keeps a message on its line, so that no name or text from outside can look like a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        """Return the line without the traceback that may follow it."""
        line = super().formatMessage(record)
        return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def configure(level: int, stream: TextIO | None = None) -> None:
    """Send log lines of *level* and above to *stream*, by default standard error.

    A terminal is shown the time too; anything else (journald, a container's log) adds its own.
    """
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    line = "%(levelname)s %(name)s: %(message)s"
    handler.setFormatter(_OneLine(f"%(asctime)s {line}" if target.isatty() else line))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
