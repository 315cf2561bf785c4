"""The manager interface's texts: events and answers as bytes, actions out of bytes. Sans I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

Fields = list[tuple[str, str]]

MOST_LINE: Final = 1024
"""Bytes that Asterisk reads of one line of an action, its end included."""

MOST_HEADERS: Final = 128


@dataclass(slots=True)
class Event:
    """One event.

    Attributes:
        name: ``QueueMemberPause`` and the like.
        privilege: The class that a client must be allowed to read: ``agent``, ``call``, ``system``.
        fields: Its own headers, in Asterisk's order.
        at: Its ``Timestamp``, microseconds since 1970; None for an event without one.
    """

    name: str
    privilege: str
    fields: Fields
    at: int | None = None

    def encode(self) -> bytes:
        """It on the wire, with the headers that stand before its own."""
        head = [("Event", self.name), ("Privilege", f"{self.privilege},all")]
        if self.at is not None:
            head.append(("Timestamp", stamp(self.at)))
        return encode([*head, *self.fields])


@dataclass(frozen=True, slots=True)
class Action:
    """What a client asks for.

    Attributes:
        headers: The first header of each name, by its lower-case name; leading blanks of values are gone.
        complaint: Why it cannot be understood; empty if it can.
    """

    headers: dict[str, str]
    complaint: str = ""

    def get(self, name: str) -> str:
        """A header's value, ``""`` if there is none."""
        return self.headers.get(name.lower(), "")

    @property
    def name(self) -> str:
        """What is to be done."""
        return self.get("Action")


@dataclass(slots=True)
class ActionDecoder:
    """Bytes as they came in, actions out. It keeps one unfinished line and the headers so far."""

    _line: bytearray = field(default_factory=bytearray)
    _headers: dict[str, str] = field(default_factory=dict)
    _count: int = 0
    _complaint: str = ""

    def receive_data(self, data: bytes) -> list[Action]:
        """Take bytes, return the actions they complete. Lines end with LF, or CRLF."""
        actions: list[Action] = []
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line += line
            whole = bytes(self._line.removesuffix(b"\r"))
            self._line.clear()
            if whole:
                self._header(whole)
            else:
                actions.append(Action(self._headers, self._complaint))
                self._headers, self._count, self._complaint = {}, 0, ""
        self._line += rest
        if len(self._line) > MOST_LINE:
            self._complaint = "Failed to parse message: line too long"
            self._line[MOST_LINE:] = b""  # what is longer is not kept, and is no header
        return actions

    def _header(self, line: bytes) -> None:
        self._count += 1
        if len(line) >= MOST_LINE:
            self._complaint = "Failed to parse message: line too long"
        elif self._count > MOST_HEADERS:
            self._complaint = "Too many lines in message or allocation failure"
        elif not self._complaint:
            name, colon, value = line.decode("utf-8", "surrogateescape").partition(":")
            if colon:
                self._headers.setdefault(name.lower(), value.partition("\0")[0].lstrip(" "))


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """A message on the wire."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{lines}\r\n".encode("utf-8", "surrogateescape")


def stamp(at: int) -> str:
    """Microseconds since 1970 as Asterisk writes them."""
    return f"{at // 1_000_000}.{at % 1_000_000:06d}"
