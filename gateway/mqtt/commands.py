"""Commands as they come from the broker: pydantic models that refuse what the contract refuses, and say what to do."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from gateway.domain.state import AgentSessionState

MAX_COMMAND_BYTES: Final = 16 * 1024
MAX_ID_BYTES: Final = 128
MAX_NAME_BYTES: Final = 79
"""What app_queue keeps of a name or reason; the rest would be cut, in the middle of a character maybe."""

MAX_PROBLEMS: Final = 5
"""How many of the things that are wrong are told."""

FORBIDDEN: Final = "|,;"
"""Characters that shift the fields of queue_log, or of the members Asterisk keeps over a restart."""

CommandId = str | int

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d")


class BadPayloadError(Exception):
    """A command that cannot be understood.

    Attributes:
        command_id: Its ``id``, where one could be read; for the answer.
        sent_at: Its ``sent_at`` in microseconds since the epoch, likewise: that it is old outweighs all else.
    """

    def __init__(self, message: str, command_id: CommandId | None = None, sent_at: int | None = None) -> None:
        super().__init__(message)
        self.command_id = command_id
        self.sent_at = sent_at


def check_characters(text: str) -> str:
    """*text*, if it has no control character.

    Raises:
        ValueError: If it has one.
    """
    if any(ord(char) < 0x20 or 0x7F <= ord(char) <= 0x9F for char in text):  # noqa: PLR2004 - C0, DEL and C1
        raise ValueError("must not hold a control character")
    return text


def check_text(text: str) -> str:
    """*text*, if it can be a name in Asterisk at all.

    Raises:
        ValueError: If it holds a control character or is over ``MAX_NAME_BYTES``.
    """
    check_characters(text)
    size = _size(text)
    if size > MAX_NAME_BYTES:
        raise ValueError(f"must not be over {MAX_NAME_BYTES} bytes of UTF-8, and is {size}")
    return text


def check_name(text: str) -> str:
    """*text*, if Asterisk can be given it as a reason or a name.

    Raises:
        ValueError: As ``check_text``, and if it holds one of ``FORBIDDEN``.
    """
    return check_separators(check_text(text))


def check_separators(text: str) -> str:
    """*text*, of any length, if it holds nothing that would shift fields.

    Raises:
        ValueError: If it holds a control character or one of ``FORBIDDEN``.
    """
    check_characters(text)
    if any(char in FORBIDDEN for char in text):
        raise ValueError("must not hold any of | , ;")
    return text


def check_agent(text: str) -> str:
    """*text*, if a new member can have this very name.

    Raises:
        ValueError: As ``check_name``, and if it begins with a blank, which Asterisk would skip.
    """
    if text.startswith(" "):
        raise ValueError("must not begin with a blank")
    return check_name(text)


def _size(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None


def _check_id(value: CommandId) -> CommandId:
    if isinstance(value, str):
        check_characters(value)
        _check_id_size(value)
    return value


def _check_id_size(value: CommandId) -> CommandId:
    if isinstance(value, str) and _size(value) > MAX_ID_BYTES:
        raise ValueError(f"must not be over {MAX_ID_BYTES} bytes")
    return value


def _check_sent_at(value: object) -> object:
    """Leave to pydantic what is RFC 3339; it would take a number of seconds as well."""
    if not isinstance(value, str) or not _RFC_3339.match(value):
        raise ValueError("must be a time of RFC 3339, such as 2026-11-22T07:00:00.123Z")
    return value


def _without_leading_blanks(text: str) -> str:
    """AMI skips blanks before a value, so that what Asterisk then tells does not have them."""
    return text.lstrip(" ")


# A JSON Schema counts characters, not bytes: what it says of lengths is needed and not enough.
_NO_SEPARATORS: Final = {"type": "string", "pattern": r"^[^\u0000-\u001f\u007f-\u009f|,;]*$"}
_Name = Annotated[
    StrictStr,
    AfterValidator(_without_leading_blanks),
    Field(min_length=1),
    AfterValidator(check_name),
    WithJsonSchema({**_NO_SEPARATORS, "minLength": 1, "maxLength": MAX_NAME_BYTES}),
]
_Group = Annotated[
    StrictStr,
    AfterValidator(_without_leading_blanks),
    Field(min_length=1),
    AfterValidator(check_separators),
    WithJsonSchema({**_NO_SEPARATORS, "minLength": 1}),
]
_Reason = Annotated[
    StrictStr,
    AfterValidator(_without_leading_blanks),
    AfterValidator(check_name),
    WithJsonSchema({**_NO_SEPARATORS, "maxLength": MAX_NAME_BYTES}),
]
_Id = Annotated[
    StrictStr | StrictInt,
    AfterValidator(_check_id),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": MAX_ID_BYTES}, {"type": "integer"}]}),
]
_AnyId = Annotated[StrictStr | StrictInt, AfterValidator(_check_id_size)]
_SentAt = Annotated[AwareDatetime, BeforeValidator(_check_sent_at)]
StateName = Literal["NOT_READY", "READY", "BUSY_ON_CALL", "BUSY_WRAPUP", "SESSION_ENDED"]


class Command(BaseModel):
    """What every JSON command may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: _Id | None = Field(default=None, description="echoed in the answer; at most 128 bytes")
    sent_at: _SentAt | None = Field(default=None, description="when it was sent; too old is STALE")

    @property
    def sent_at_wall(self) -> int | None:
        """``sent_at`` in microseconds since the epoch."""
        return None if self.sent_at is None else _wall(self.sent_at)


def _wall(time: datetime) -> int:
    """Microseconds since the epoch, also of a time that only its zone brings into the calendar."""
    return (time - _EPOCH) // timedelta(microseconds=1)


class SetState(Command):
    """``put_State``: of a session, or of all sessions of an agent."""

    state: StateName = Field(description="the state asked for")
    reason: _Reason | None = Field(
        default=None, description="the pause's reason, at most 79 bytes of UTF-8; without the key a reason stays"
    )

    @property
    def requested(self) -> AgentSessionState:
        """The state that is asked for."""
        return AgentSessionState[self.state]

    @property
    def right(self) -> str:
        """What the policy calls it: to log out is more than to pause."""
        return "end_session" if self.requested is AgentSessionState.SESSION_ENDED else "set"

    @property
    def names_reason(self) -> bool:
        """Whether the key ``reason`` is there; without it a reason stays."""
        return "reason" in self.model_fields_set


class CreateSession(Command):
    """``CreateSession``: log in."""

    group: _Group = Field(description="the queue")
    address: _Name = Field(description="the interface that is to be rung, at most 79 bytes of UTF-8")
    state: Literal["READY", "NOT_READY"] = Field(default="READY", description="its first state")
    reason: _Reason | None = Field(default=None, description="why it begins NOT_READY, at most 79 bytes of UTF-8")
    penalty: Annotated[StrictInt, Field(ge=0, le=2**31 - 1)] = Field(default=0, description="the member's in the queue")
    state_interface: _Name | None = Field(default=None, description="whose device state counts, if not the address's")


class BridgeRequest(Command):
    """A request to the gateway itself."""

    request: Literal["resync", "health"] = Field(description="ask Asterisk for everything anew, or publish health now")


class MeasurementPeriod(Command):
    """``put_MeasurementPeriod``: of an agent or a queue. Zero is no period; the longest is TAPI's ``long``."""

    seconds: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] = Field(description="its length; the figures begin anew")


_Model = TypeVar("_Model", bound=Command)


def parse(model: type[_Model], payload: bytes, *, plain: str | None = None) -> _Model:
    """The command in *payload*.

    Args:
        model: What its topic takes.
        payload: As it came: a JSON object; or the bare value of the one key *plain*, as a JSON string or as it is.
        plain: That key; None where only an object will do.

    Raises:
        BadPayloadError: If it is none; the message says which key is wrong, and what was expected.
    """
    if len(payload) > MAX_COMMAND_BYTES:
        raise BadPayloadError(f"over {MAX_COMMAND_BYTES} bytes: send less")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        raise BadPayloadError("not UTF-8: send JSON in UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        raise BadPayloadError("nested too deeply: send a JSON object of plain values") from None
    except ValueError as error:
        if plain is None or text.startswith(("{", "[", '"')):
            raise BadPayloadError(f"not JSON: {error}") from None
        value = text
    if plain is not None and isinstance(value, str):
        value = {plain: value}
    if not isinstance(value, dict):
        raise BadPayloadError("not a JSON object")
    try:
        # From JSON once more: what is no Unicode is refused there, keys too, before it can get into the answer.
        return model.model_validate_json(json.dumps(value))
    except RecursionError:
        raise BadPayloadError("nested too deeply: send a JSON object of plain values") from None
    except ValidationError as error:
        raise BadPayloadError(_explain(error), _id_in(value), _sent_at_in(value)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_ANY_ID: Final[TypeAdapter[CommandId | None]] = TypeAdapter(_AnyId | None)
_SENT_AT: Final[TypeAdapter[datetime | None]] = TypeAdapter(_SentAt | None)


def _id_in(value: dict[str, Any]) -> CommandId | None:
    """The ``id`` of a command that is wrong, to be echoed; None where it can be no id at all."""
    try:
        return _ANY_ID.validate_python(value.get("id"))
    except ValidationError:
        return None


def _sent_at_in(value: dict[str, Any]) -> int | None:
    """The ``sent_at`` of a command that is wrong otherwise; None where there is none, or it is wrong too."""
    try:
        sent_at = _SENT_AT.validate_python(value.get("sent_at"))
    except ValidationError:
        return None
    return None if sent_at is None else _wall(sent_at)


def _explain(error: ValidationError) -> str:
    """One line for all that is wrong, key by key."""
    problems = []
    for each in error.errors(include_url=False, include_context=False):
        key = ".".join(str(part) for part in each["loc"] if part not in ("str", "int"))
        message = each["msg"].removeprefix("Value error, ")
        problems.append(f"{key}: {message}" if key else message)
    problems = list(dict.fromkeys(problems))
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"and {len(problems) - MAX_PROBLEMS} more"]
    return "; ".join(problems)
