"""The lines of queue_log. Sans-I/O; nothing in a file can make it raise.

Source: ``ast_queue_log()`` in Asterisk's main/logger.c: ``epoch|callid|queue|agent|event|data|...``, raw bytes, nothing
escaped, so that a ``|`` in a name shifts what follows it.
"""

from typing import Final, NamedTuple

_FREE_TEXT: Final = frozenset({b"PAUSE", b"UNPAUSE", b"PAUSEALL", b"UNPAUSEALL"})
"""Events whose one datum is what somebody typed: a ``|`` in it belongs to it."""

_CALLER: Final = (1, 3)
"""Where ENTERQUEUE has the caller's number and name."""

_FIXED: Final = 5
"""Fields before the data."""

_TIME_DIGITS: Final = range(1, 13)
"""How many digits a time may have; more is no time."""


class Entry(NamedTuple):
    """One line.

    Attributes:
        time: Whole seconds since the epoch by Asterisk's clock.
        callid: ``Uniqueid`` of the caller's channel in events of a call; else ``NONE`` or who asked.
        queue: The queue's name; ``NONE`` where the event is of none.
        agent: The member's **name** in events of calls and pauses, its **interface** in ADDMEMBER, REMOVEMEMBER,
            PENALTY and RINGINUSE (its name there too with ``log_membername_as_agent``).
        event: As Asterisk or whoever wrote it spells it.
        data: What follows, without the empty field that ends a line with no data.
    """

    time: int
    callid: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...] = ()

    def text(self, index: int) -> str:
        """A datum; ``""`` where there is none. Negative ones count from the end."""
        return self.data[index] if -len(self.data) <= index < len(self.data) else ""

    def number(self, index: int) -> int | None:
        """A datum that is a whole number from 0 on; None where it is absent or none."""
        text = self.text(index)
        return int(text) if text.isascii() and text.isdigit() and len(text) in _TIME_DIGITS else None


def parse(line: bytes) -> Entry | None:
    """One line, with or without its end; None for what cannot be one.

    Undecodable bytes become U+FFFD, as they do in names that come over AMI. A machine that lost its power may leave
    NULs before a line: they are passed over.
    """
    fields = line.strip(b"\r\n\0").split(b"|")
    if len(fields) < _FIXED or not fields[0].isdigit() or len(fields[0]) not in _TIME_DIGITS or not fields[4]:
        return None
    rest = fields[_FIXED:]
    if fields[4] in _FREE_TEXT:
        rest = [b"|".join(rest)]
    if rest and not rest[-1]:
        rest.pop()
    callid, queue, agent, event, *data = (field.decode("utf-8", "replace") for field in (*fields[1:_FIXED], *rest))
    return Entry(int(fields[0]), callid, queue, agent, event, tuple(data))


def parse_without_caller(line: bytes) -> Entry | None:
    """The same, but for the caller's number and name, which are not kept."""
    entry = parse(line)
    if entry is None or entry.event != "ENTERQUEUE":
        return entry
    return entry._replace(data=tuple("" if place in _CALLER else text for place, text in enumerate(entry.data)))
