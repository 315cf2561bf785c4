"""An action on its way out: what may be sent at all, how it stands on the wire, and when its answer is complete."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from panoramisk.actions import Action

from gateway.ami.message import AmiMessage
from gateway.errors import AmiActionError, AmiValueError
from gateway.guard import tell

MAX_LINE_SIZE: Final = 1022  # bytes; Asterisk reads 1024 with the line's end, and refuses the message beyond that
MAX_HEADERS: Final = 120  # Asterisk takes 128 lines

_NEVER: Final = frozenset("\r\n\0")  # the first two end a header, and Asterisk loses all that follows the third
_OWN_HEADERS: Final = frozenset({"action", "actionid"})

Headers = Mapping[str, str | Sequence[str]]


def checked_headers(name: str, headers: Headers | None) -> list[tuple[str, str]]:
    """The header lines of an action in the order given, after Action itself; a sequence gives several.

    AMI has no escaping: a line end in a value ends the header, and what follows it becomes a header or a
    whole action of its own. So what cannot be sent as it is, is not sent.

    Raises:
        AmiValueError: If a name or value holds CR, LF or NUL or cannot be encoded, a name is empty, holds
            a colon or occurs twice in any case (Asterisk takes the first, silently), a line is longer than
            ``MAX_LINE_SIZE`` bytes or there are more than ``MAX_HEADERS``. The text names the header and
            never the value.
    """
    lines = [("Action", name)]
    for key, value in (headers or {}).items():
        lines += [(key, item) for item in ([value] if isinstance(value, str) else value)]
    seen = set(_OWN_HEADERS)
    for key in headers or {}:
        if key.lower() in seen:
            raise AmiValueError(f"{name!a}: header {key!a} is given twice or is not the caller's to give")
        seen.add(key.lower())
    if len(lines) > MAX_HEADERS:
        raise AmiValueError(f"{name!a}: {len(lines)} headers, and Asterisk takes no more than {MAX_HEADERS}")
    for key, value in lines:
        _check_line(name, key, value)
    return lines


def _check_line(name: str, key: str, value: str) -> None:
    if not key or ":" in key:
        raise AmiValueError(f"{name!a}: a header cannot be called {key!a}")
    if not _NEVER.isdisjoint(key) or not _NEVER.isdisjoint(value):
        raise AmiValueError(f"{name!a}: line end or NUL in header {key!a}")
    try:
        size = len(f"{key}: {value}".encode())
    except UnicodeEncodeError as error:
        raise AmiValueError(f"{name!a}: header {key!a} cannot be written as UTF-8") from error
    if size > MAX_LINE_SIZE:
        raise AmiValueError(f"{name!a}: header {key!a} takes {size} bytes, and Asterisk reads {MAX_LINE_SIZE}")


class OutgoingAction(Action):  # type: ignore[misc]  # the library has no types
    """An action that knows, from its caller and not from the words of the answer, when the answer is complete.

    Its ``future`` gets the list of messages, or the error, exactly once.
    """

    def __init__(
        self,
        name: str,
        headers: Headers | None = None,
        *,
        as_list: bool = False,
        on_message: Callable[[AmiMessage], None] | None = None,
    ) -> None:
        """Check and keep.

        Raises:
            AmiValueError: See ``checked_headers``.
        """
        lines = checked_headers(name, headers)
        super().__init__({"Action": name}, as_list=as_list)
        self.name = name
        self._lines = lines
        self._on_message = on_message
        self._counted_list = False

    def __str__(self) -> str:
        """The action's bytes as text, Action and ActionID first: only then do Asterisk's complaints carry the id."""
        return "".join(f"{key}: {value}\r\n" for key, value in self._wire()) + "\r\n"

    def _wire(self) -> Iterator[tuple[str, str]]:
        first, *others = self._lines
        yield first
        yield "ActionID", self["ActionID"]
        yield from others

    def add_message(self, reply: "Reply") -> bool:
        """Take the next message with this ActionID; True when the answer is complete."""
        message = reply.message
        self.responses.append(message)
        if self._on_message is not None:
            tell(self._on_message, message)
        if not self._completed_by(message):
            return False
        if not self.future.done():
            self._finish(message)
        return True

    def _completed_by(self, message: AmiMessage) -> bool:
        if message.response:
            self._counted_list = message.fields.get("eventlist", "").lower() == "start"
            return not self.as_list or _is_error(message)
        if self._counted_list:
            return message.fields.get("eventlist", "").lower() in {"complete", "cancelled"}
        # Before 13.2 nothing but its name tells the last event of a list.
        return bool(self.as_list) and message.event.endswith("Complete")

    def _finish(self, last: AmiMessage) -> None:
        if _is_error(last):
            self.future.set_exception(AmiActionError(self.name, last.fields.get("message", "").strip()))
        else:
            self.future.set_result(self.responses)


def _is_error(message: AmiMessage) -> bool:
    return message.response.lower() in {"error", "fail", "failure"}


class Reply:
    """A message as the library's pairing wants to see it: something with the id of an action."""

    __slots__ = ("message",)

    def __init__(self, message: AmiMessage) -> None:
        self.message = message

    @property
    def id(self) -> str:
        """What the library looks for among the pending actions."""
        return self.message.action_id

    @property
    def action_id(self) -> str:
        """The same, under the other name the library uses."""
        return self.message.action_id
