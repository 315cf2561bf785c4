"""AMI's wire without the wire: bytes in, whole messages out. Knows no socket, no clock, no meaning of an event."""

import re
from collections.abc import Iterator
from typing import Final

from gateway.ami.message import AmiMessage, Arrival
from gateway.errors import AmiProtocolError

BANNER: Final = b"Asterisk Call Manager/"
MAX_GREETING_SIZE: Final = 256
MAX_MESSAGE_SIZE: Final = 16 * 1024 * 1024
MAX_LINES: Final = 200_000  # of one message; in memory each takes many times its bytes

# Asterisk ends lines with CRLF, but a few headers (CallStarted of Agents, one error text) end with a bare LF.
_END_OF_MESSAGE: Final = re.compile(rb"\n\r?\n")
_LONGEST_END: Final = 3

_CALLER: Final = ("calleridnum", "calleridname", "connectedlinenum", "connectedlinename")
"""How the names of headers end that tell of a caller, whichever channel's they are; in lower case."""

_EVENT: Final = b"Event: "
_ACTION_ID: Final = b"\nActionID:"
_FOLLOWS: Final = b"Response: Follows"
_END_COMMAND: Final = b"--END COMMAND--"
_FOLLOWS_HEADERS: Final = frozenset({"response", "privilege", "actionid", "message"})


class AmiDecoder:
    """Turns the stream of one AMI connection into messages.

    Attributes:
        greeting: The first line, ``Asterisk Call Manager/11.0.0``; None until it is complete.
        dropped: Events thrown away unparsed because nobody wants their name.
        malformed: Lines without a header name that were left out of their message.
        failure: What made the stream unusable; None while it is fine. Close the connection when it is set.
    """

    def __init__(
        self,
        wanted: frozenset[str] | None = None,
        max_message_size: int = MAX_MESSAGE_SIZE,
        *,
        withhold_callers: bool = False,
    ) -> None:
        """Take what to keep.

        Args:
            wanted: Names of the events to keep, as Asterisk spells them; None keeps all. Answers, and
                events that carry an ActionID (items of a list), are kept whatever they are called.
            max_message_size: Bytes a message may have; a peer that sends more cannot fill the memory.
            withhold_callers: Whether numbers and names of callers are left out, as if they were not sent.
        """
        self.greeting: str | None = None
        self.dropped = 0
        self.malformed = 0
        self.failure: AmiProtocolError | None = None
        self._wanted = wanted
        self._wanted_on_wire = None if wanted is None else frozenset(name.encode() for name in wanted)
        self._max_message_size = max_message_size
        self._withhold_callers = withhold_callers
        self._buffer = bytearray()
        self._searched = 0

    def receive_data(self, data: bytes, arrival: Arrival) -> list[AmiMessage]:
        """Take bytes as they came and return the messages they complete, in wire order.

        An unfinished message waits for the next call, so the result does not depend on how TCP cut the
        stream; each message bears the *arrival* of its last byte.

        Raises:
            AmiProtocolError: If the first line is not an AMI greeting or a message outgrows
                ``max_message_size`` or ``MAX_LINES``. Where messages were complete before the bad one they are returned
                first: then ``failure`` is set, and the next call raises.
        """
        messages: list[AmiMessage] = []
        if self.failure is None:
            self._buffer += data
            try:
                if self.greeting is None:
                    self._take_greeting()
                if self.greeting is not None:
                    # An error on the way leaves in the list what was complete before it.
                    messages.extend(filter(None, (self._parse(raw, arrival) for raw in self._take_messages())))
            except AmiProtocolError as error:
                self.failure = error
                self._buffer.clear()
        if self.failure is not None and not messages:
            raise self.failure
        return messages

    def _take_greeting(self) -> None:
        end = self._buffer.find(b"\n", 0, MAX_GREETING_SIZE)
        line = bytes(self._buffer[: end if end >= 0 else MAX_GREETING_SIZE])
        if not line.startswith(BANNER[: len(line)] if end < 0 else BANNER):
            raise AmiProtocolError(f"the peer is not an Asterisk manager: it began with {line[:40]!r}")
        if end >= 0:
            self.greeting = line.rstrip().decode("ascii", "replace")
            del self._buffer[: end + 1]
        elif len(self._buffer) >= MAX_GREETING_SIZE:
            raise AmiProtocolError(f"the greeting is longer than {MAX_GREETING_SIZE} bytes")

    def _take_messages(self) -> Iterator[bytes]:
        """Cut whole messages off the buffer, without the empty lines around them; the rest stays.

        The buffer is copied once per call that completes a message, and the search goes on where it
        stopped, so neither many small messages nor a huge one in small pieces costs more than its length.
        """
        if _END_OF_MESSAGE.search(self._buffer, self._searched) is not None:
            data = bytes(self._buffer)
            start = _skip_empty_lines(data, 0)
            while (end := _find_end(data, start)) is not None:
                self._check_length(end[0] - start)
                yield data[start : end[0]].removesuffix(b"\r")
                start = _skip_empty_lines(data, end[1])
            self._buffer = bytearray(data[start:])
        self._searched = max(0, len(self._buffer) - _LONGEST_END + 1)
        self._check_length(len(self._buffer) - _LONGEST_END)

    def _check_length(self, length: int) -> None:
        if length > self._max_message_size:
            raise AmiProtocolError(f"a message is longer than {self._max_message_size} bytes")

    def _parse(self, raw: bytes, arrival: Arrival) -> AmiMessage | None:
        """One message from its bytes; None if nobody wants it or nothing is in it."""
        if self._wanted_on_wire is not None and raw.startswith(_EVENT):
            end = raw.find(b"\n")
            name = raw[len(_EVENT) : end if end >= 0 else len(raw)].removesuffix(b"\r")
            if name not in self._wanted_on_wire and _ACTION_ID not in raw:
                self.dropped += 1
                return None
        if raw.count(b"\n") > MAX_LINES:
            raise AmiProtocolError(f"a message has more than {MAX_LINES} lines")
        if raw.startswith(_FOLLOWS):
            lines = _lines_of_follows(raw)
        else:
            # Undecodable bytes occur in caller names. They are replaced and not left out, so that what
            # is shown has a hole in it where Asterisk's text had one.
            lines = raw.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
        return self._message(lines, arrival)

    def _message(self, lines: list[str], arrival: Arrival) -> AmiMessage | None:
        fields: dict[str, str] = {}
        repeated: dict[str, list[str]] | None = None
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name:
                self.malformed += 1
                continue
            name = name.lower()
            if self._withhold_callers and name.endswith(_CALLER):
                continue
            value = value.removeprefix(" ")
            if name not in fields:
                fields[name] = value
                continue
            if repeated is None:
                repeated = {}
            repeated.setdefault(name, [fields[name]]).append(value)
        if not fields:
            return None
        return AmiMessage(fields, arrival, repeated=repeated)


def _skip_empty_lines(data: bytes, start: int) -> int:
    """The next place that is not an empty line: some answers of Asterisk end with two of them."""
    while start < len(data) and data[start] in b"\r\n":
        start += 1
    return start


def _find_end(data: bytes, start: int) -> tuple[int, int] | None:
    """Where the message at *start* ends, and where the next one may begin; None if it is not all there.

    Before Asterisk 14 the answer to Command is raw text with empty lines in it and a mark at its end.
    """
    if data.startswith(_FOLLOWS, start):
        mark = data.find(_END_COMMAND, start)
        if mark < 0:
            return None
        start = mark
    match = _END_OF_MESSAGE.search(data, start)
    return None if match is None else match.span()


def _lines_of_follows(raw: bytes) -> list[str]:
    """The answer to Command before Asterisk 14, put into the form it has since: ``Output`` lines.

    Its headers end with CRLF, the raw text's lines with LF, and the text may look like headers; so a
    header is what has the right end and one of the few names that occur here, once.
    """
    lines: list[str] = []
    left = set(_FOLLOWS_HEADERS)
    text = raw[: raw.find(_END_COMMAND)].decode("utf-8", "replace")
    while text:
        line, _, rest = text.partition("\r\n")
        name = line.partition(":")[0].lower()
        if "\n" in line or name not in left:
            break
        left.discard(name)
        lines.append(line)
        text = rest
    text = text.removesuffix("\n").removesuffix("\r")
    return [*lines, *(f"Output: {line.removesuffix(chr(13))}" for line in text.split("\n"))] if text else lines
