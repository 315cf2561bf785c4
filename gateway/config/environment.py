"""The environment as tables: ``CTI_GATEWAY__MQTT__HOST`` is ``host`` in ``[mqtt]``.

The text of a variable is taken by the kind of its key: text as it is, numbers and booleans as they are written, lists
and whole tables as JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_origin

from pydantic import TypeAdapter, ValidationError

from gateway.config.keys import VARIABLE_DELIMITER, VARIABLE_PREFIX, KeyPath, is_table, kind_at
from gateway.config.problems import Problem


@dataclass(slots=True)
class Environment:
    """What the environment says.

    Attributes:
        tables: The values, nested as in the file.
        variables: The name of the variable, by the key it gives.
        problems: What could not be read.
    """

    tables: dict[str, Any] = field(default_factory=dict)
    variables: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def variable_of(self, path: KeyPath) -> str | None:
        """Return the variable that gives the value at *path*, or a whole of which it is part."""
        return next((self.variables[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.variables), None)


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Return what *environ* says to the gateway; letter case does not count in names."""
    result = Environment()
    ours = [name for name in environ if name.upper().startswith(VARIABLE_PREFIX)]
    paths = {name: tuple(name[len(VARIABLE_PREFIX) :].lower().split(VARIABLE_DELIMITER)) for name in ours}
    # Whole tables before their keys, so that the variable of one key wins.
    for name in sorted(ours, key=lambda name: (len(paths[name]), name)):
        path = paths[name]
        result.variables[path] = name
        try:
            value = _value(kind_at(path), environ[name])
        except (ValueError, RecursionError):
            shape = "a list" if get_origin(kind_at(path)) is tuple else "a table"
            result.problems.append(Problem(path, f"{shape} as JSON", "text that is not JSON", path))
        else:
            _put(result.tables, path, value)
    return result


def _value(kind: Any, text: str) -> Any:
    """Return what *text* means where *kind* is wanted.

    Raises:
        ValueError: If the key takes JSON and the text is none.
        RecursionError: If the JSON is nested beyond reason.
    """
    if is_table(kind) or get_origin(kind) in (tuple, dict):
        return json.loads(text)
    if kind in (bool, int, float):
        try:
            return TypeAdapter(kind).validate_strings(text.strip())
        except ValidationError:
            return text  # the check of the whole says what was expected
    return text


def _put(tables: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *outer, last = path
    for name in outer:
        inner = tables.get(name)
        if not isinstance(inner, dict):
            inner = tables[name] = {}
        tables = inner
    tables[last] = value
