"""The TOML file: its tables, and on which line a key stands."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config.keys import KeyPath, printable
from gateway.errors import ConfigError

_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file that was read.

    Attributes:
        path: Its path.
        text: What stands in it.
        tables: What that means.
    """

    path: Path
    text: str
    tables: Mapping[str, Any]

    def line_of(self, path: KeyPath) -> int | None:
        """Return the line, counted from 1, on which the key at *path* or what comes nearest above it begins."""
        wanted = path
        while wanted and not _holds(self.tables, wanted):
            wanted = wanted[:-1]
        lines = (line for line, key in _statements(self.text) if wanted and key[: len(wanted)] == wanted)
        return next(lines, None)


def read_toml(path: Path) -> TomlFile:
    """Read a file.

    Raises:
        ConfigError: If it cannot be read or is no TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return TomlFile(path, text, tomllib.loads(text))
    except OSError as error:
        raise ConfigError(printable(f"{path}: expected a readable file, found: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: expected UTF-8, found the byte 0x{error.object[error.start]:02x}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_not_toml(path, str(error))) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in lists by the hundred
        raise ConfigError(f"{path}: expected TOML of reasonable size, found a value too long or nested") from error


def _not_toml(path: Path, message: str) -> str:
    found = _PLACE.search(message)
    line = f":{found['line']}" if found and found["line"] else ""
    column = f" at column {found['column']}" if found and found["column"] else ""
    told = _PLACE.sub("", message)
    return printable(
        f'{path}{line}: expected TOML, found{column or " at the end"}: {told}; example: host = "127.0.0.1"'
    )


def _holds(tables: Any, path: KeyPath) -> bool:
    for part in path:
        if not isinstance(tables, Mapping) or part not in tables:
            return False
        tables = tables[part]
    return True


def _statements(text: str) -> Iterator[tuple[int, KeyPath]]:
    """Yield each key and table header of a TOML file with the line on which its statement begins.

    A statement is as many lines as it takes to be TOML by itself: cut short it never is. So the standard parser finds
    the lines, and there is no second one that could disagree with it.
    """
    table: KeyPath = ()
    begin, statement = 1, ""
    for number, line in enumerate(text.split("\n"), start=1):
        statement += line + "\n"
        try:
            meaning = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue
        if statement.lstrip().startswith("["):
            table = next(_paths(meaning))
            yield begin, table
        else:
            yield from ((begin, table + path) for path in _paths(meaning))
        begin, statement = number + 1, ""


def _paths(tables: Mapping[str, Any]) -> Iterator[KeyPath]:
    for key, value in tables.items():
        inner = _paths(value) if isinstance(value, Mapping) and value else ((),)
        yield from ((key, *path) for path in inner)
