"""Keys: how they are found in the models, spelt in the file and in the environment, and shown by an example."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.models import GatewayConfig

#: The names of a key's tables and its own; items of a list by their index.
KeyPath = tuple[str | int, ...]

VARIABLE_PREFIX: Final = "CTI_GATEWAY__"
VARIABLE_DELIMITER: Final = "__"
_LAST_OF_PLANE_0: Final = 0xFFFF
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def is_table(kind: object) -> bool:
    """Return whether *kind* is the model of a table."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def field_at(path: KeyPath) -> FieldInfo | None:
    """Return the field that *path* names, or into whose value it leads; None if there is none."""
    kind: Any = GatewayConfig
    field: FieldInfo | None = None
    for part in path:
        if not is_table(kind):
            break
        field = kind.model_fields.get(str(part))
        if field is None:
            return None
        kind = field.annotation
    return field


def kind_at(path: KeyPath) -> Any:
    """Return the type of the value at *path*; None if there is no such key."""
    kind: Any = GatewayConfig
    for part in path:
        if is_table(kind):
            field = kind.model_fields.get(str(part))
            kind = None if field is None else field.annotation
        else:
            kind = get_args(get_args(kind)[1])[0] if get_origin(kind) is dict else None
    return kind


def printable(text: str) -> str:
    """Return *text* with everything that is no plain character escaped, so that it stays on its line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def key_text(path: KeyPath) -> str:
    """Return *path* in TOML's dotted spelling, items of a list by their index in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE_KEY.fullmatch(part) else literal(part)
            text += f".{name}" if text else name
    return text


def literal(value: object) -> str:
    """Return *value* as it would stand in the file."""
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{key_text((str(key),))} = {literal(item)}" for key, item in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case str():
            return re.sub(r"[^ -~]", _escaped_unless_printable, json.dumps(value, ensure_ascii=False))
        case float() if not math.isfinite(value):
            return repr(value)
        case _:
            return json.dumps(value, default=str)


def _escaped_unless_printable(found: re.Match[str]) -> str:
    code = ord(found[0])
    return found[0] if found[0].isprintable() else f"\\u{code:04x}" if code <= _LAST_OF_PLANE_0 else f"\\U{code:08x}"


def sample(field: FieldInfo) -> Any:
    """Return a value that *field* takes, as the file would have it."""
    return field.examples[0] if field.examples else field.get_default()


def _sampled(path: KeyPath) -> tuple[list[str], Any]:
    """Return the key of the file that shows how *path* is used, and its value."""
    names = [str(part) for part in path[: 1 if is_table(kind_at(path[:1])) is False else 2]]
    if len(names) == 1 and is_table(kind_at(path[:1])):
        fields = kind_at(path[:1]).model_fields
        names.append(next((name for name in ("host", "path", "listen") if name in fields), next(iter(fields))))
    if names[-1] == "password":
        return [names[0], "password_file"], f"/etc/cti-gateway/{names[0]}.password"
    field = field_at(tuple(names))
    return names, None if field is None else sample(field)


def example_in_file(path: KeyPath) -> str:
    """Return a line of the file in which the key at *path* has a value that fits; "" if there is no such key."""
    if field_at(path) is None:
        return ""
    names, value = _sampled(path)
    table = f"[{names[0]}] " if len(path) == 1 and len(names) > 1 else ""
    return f"{table}{names[-1]} = {literal(value)}"


def example_in_environment(path: KeyPath) -> str:
    """Return an assignment that gives the key at *path* a value that fits; "" if there is no such key."""
    if field_at(path) is None:
        return ""
    names, value = _sampled(path)
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{variable_name(tuple(names))}={text if isinstance(value, str | int | float) else repr(text)}"


def variable_name(path: KeyPath) -> str:
    """Return the environment variable that gives the key at *path*."""
    return VARIABLE_PREFIX + VARIABLE_DELIMITER.join(str(part) for part in path).upper()
