"""What is wrong with a configuration, told so that its reader can mend it.

A problem is one line: where (file and line, or environment variable), which key, what was expected, what was found,
and an example. The value of a secret is never shown, nor is anything that might hold one: the value of a key nobody
knows, a whole table or list, a text with "@" in it.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import ErrorDetails

from gateway.config.keys import (
    KeyPath,
    example_in_environment,
    example_in_file,
    field_at,
    is_table,
    key_text,
    kind_at,
    literal,
    printable,
)
from gateway.config.kinds import OWN_ERROR
from gateway.config.models import GatewayConfig

_SHOWN_LIMIT: Final = 60
#: pydantic raises this beside the error that is its cause.
_ECHO: Final = "default_factory_not_called"
#: The last part of the location by which pydantic means the name of an entry and not its value.
_NAME_MARK: Final = "[key]"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        path: The key; empty for the file as a whole.
        expected: What fits, to stand after the word "expected".
        found: What stands there, to stand after the word "found".
        like: The key that the example shows; empty for no example.
    """

    path: KeyPath
    expected: str
    found: str
    like: KeyPath = ()

    def told(self, where: str, *, in_environment: bool = False) -> str:
        """Return the problem as one line; *where* is the file and line, or the variable."""
        key = f"{key_text(self.path)}: " if self.path else ""
        shown = example_in_environment(self.like) if in_environment else example_in_file(self.like)
        example = f"; example: {shown}" if self.like and shown else ""
        return printable(f"{where}: {key}expected {self.expected}, found {self.found}{example}")


def problems_of(errors: Sequence[ErrorDetails]) -> Iterator[Problem]:
    """Yield what pydantic's *errors* mean to the author of the file."""
    for error in errors:
        if error["type"] != _ECHO:
            path = tuple(part for part in error["loc"] if part != _NAME_MARK)
            yield _unknown(path) if error["type"] == "extra_forbidden" else _unfit(path, error)


def _unfit(path: KeyPath, error: ErrorDetails) -> Problem:
    field = field_at(path)
    expected = error["msg"] if error["type"] == OWN_ERROR else field.description if field is not None else None
    if is_table(kind_at(path)):
        expected = f"a table [{key_text(path)}]"
    missing = error["type"] == "missing"
    return Problem(path, expected or "another value", "nothing" if missing else _found(path, error["input"]), path)


def _unknown(path: KeyPath) -> Problem:
    *tables, name = path
    table = kind_at(tuple(tables))
    known = list(table.model_fields) if is_table(table) else []
    near: list[KeyPath] = [(*tables, key) for key in difflib.get_close_matches(str(name), known, n=1)]
    near = near or list(_places(str(name)))
    where = f"in [{key_text(tuple(tables))}]" if tables else "outside the tables"
    hint = f"did you mean {' or '.join(map(key_text, near))}?" if near else f"known: {', '.join(known)}"
    return Problem(path, f"a known key {where} ({hint})", "an unknown key", near[0] if near else tuple(tables))


def _places(name: str) -> Iterator[KeyPath]:
    """Yield where a key of this *name* exists: it may stand in the wrong table."""
    for section, field in GatewayConfig.model_fields.items():
        if section == name:
            yield (section,)
        elif is_table(field.annotation) and field_at((section, name)) is not None:
            yield (section, name)


def _found(path: KeyPath, value: object) -> str:
    """Return what a user is told that stands there, with its kind."""
    if path[-1] == "password":
        return "a value that is not shown"
    match value:
        case Mapping():
            told = "a table"
        case list() | tuple():
            told = "a list"
        case str() if "@" in value or len(value) > _SHOWN_LIMIT:
            told = f"a text of {len(value)} characters"
        case str():
            told = f"{literal(value)} (a text)"
        case bool():
            told = f"{literal(value)} (true or false)"
        case int() if abs(value) >= 10**_SHOWN_LIMIT:
            told = "a very large number"
        case int() | float():
            told = f"{literal(value)} (a number)"
        case None:
            told = "null"
        case _:
            told = f"{value} (a date or time)"
    return told
