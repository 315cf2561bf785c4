"""Commands as they come from the broker: pydantic models that refuse what the contract refuses, and say what to do."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from gateway.domain.state import AgentSessionState

MAX_COMMAND_BYTES: Final = 16 * 1024
MAX_ID_BYTES: Final = 128
MAX_NAME_BYTES: Final = 79
"""What app_queue keeps of a name or reason; the rest would be cut, in the middle of a character maybe."""

FORBIDDEN: Final = "|,;"
"""Characters that shift the fields of queue_log, or of the members Asterisk keeps over a restart."""

CommandId = str | int


class BadPayloadError(Exception):
    """A command that cannot be understood.

    Attributes:
        command_id: Its ``id``, where one could be read; for the answer.
    """

    def __init__(self, message: str, command_id: CommandId | None = None) -> None:
        super().__init__(message)
        self.command_id = command_id


def check_name(text: str) -> str:
    """*text*, if Asterisk can take it as a reason or a name.

    Raises:
        ValueError: If it holds a control character or one of ``FORBIDDEN``, or is over ``MAX_NAME_BYTES``.
    """
    if any(ord(char) < 0x20 or 0x7F <= ord(char) <= 0x9F for char in text):  # noqa: PLR2004 - C0, DEL and C1
        raise ValueError("must not hold a control character")
    if any(char in FORBIDDEN for char in text):
        raise ValueError("must not hold any of | , ;")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    if size > MAX_NAME_BYTES:
        raise ValueError(f"must not be over {MAX_NAME_BYTES} bytes of UTF-8, and is {size}")
    return text


def _check_id(value: CommandId) -> CommandId:
    if isinstance(value, str):
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise ValueError("must be valid Unicode") from None
        if size > MAX_ID_BYTES:
            raise ValueError(f"must not be over {MAX_ID_BYTES} bytes")
    return value


_Name = Annotated[StrictStr, Field(min_length=1), AfterValidator(check_name)]
_Reason = Annotated[StrictStr, AfterValidator(check_name)]
_Id = Annotated[StrictStr | StrictInt, AfterValidator(_check_id)]
StateName = Literal["NOT_READY", "READY", "BUSY_ON_CALL", "BUSY_WRAPUP", "SESSION_ENDED"]


class Command(BaseModel):
    """What every JSON command may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: _Id | None = None
    sent_at: AwareDatetime | None = None

    @property
    def sent_at_wall(self) -> int | None:
        """``sent_at`` in microseconds since the epoch."""
        if self.sent_at is None:
            return None
        since = self.sent_at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class SetState(Command):
    """``put_State``: of a session, or of all sessions of an agent."""

    state: StateName
    reason: _Reason | None = None

    @property
    def requested(self) -> AgentSessionState:
        """The state that is asked for."""
        return AgentSessionState[self.state]

    @property
    def names_reason(self) -> bool:
        """Whether the key ``reason`` is there; without it a reason stays."""
        return "reason" in self.model_fields_set


class CreateSession(Command):
    """``CreateSession``: log in."""

    group: _Name
    address: _Name
    state: Literal["READY", "NOT_READY"] = "READY"
    reason: _Reason | None = None
    penalty: Annotated[StrictInt, Field(ge=0, le=2**31 - 1)] = 0
    state_interface: _Name | None = None


class BridgeRequest(Command):
    """A request to the gateway itself."""

    request: Literal["resync", "health"]


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
        # From JSON once more, so that a time is read from its text and nothing else is.
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise BadPayloadError(_explain(error), _id_in(value)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _id_in(value: dict[str, Any]) -> CommandId | None:
    """The ``id`` of a command that is wrong otherwise; None where it is wrong too."""
    try:
        return Command.model_validate({"id": value.get("id")}).id
    except ValidationError:
        return None


def _explain(error: ValidationError) -> str:
    """One line for all that is wrong, key by key."""
    problems = []
    for each in error.errors(include_url=False, include_context=False):
        key = ".".join(str(part) for part in each["loc"] if part not in ("str", "int"))
        problems.append(f"{key}: {each['msg']}" if key else each["msg"])
    return "; ".join(dict.fromkeys(problems))
