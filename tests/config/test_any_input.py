"""That no input at all, sensible or not, does more than give a configuration or say what is wrong."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.config import GatewayConfig, load_config
from gateway.config.keys import literal
from gateway.config.tomlfile import read_toml
from gateway.errors import ConfigError
from tests.config.support import PASSWORD, SECRET

KEYS = ["node", "host", "port", "password", "password_file", "tls", "wrap_up", "listen", "path", "rollover", "allow"]
SECTIONS = ["asterisk", "mqtt", "session", "commands", "store", "http"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([SECRET, "", "auto", "00:00", "/", "[::1]:1"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
TABLES = st.dictionaries(
    st.sampled_from(SECTIONS + KEYS) | st.text(max_size=4),
    st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), VALUES, max_size=4) | VALUES,
    max_size=4,
)
ONE_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150, deadline=None
)


def toml_of(value: Any) -> Any:
    """Return *value* without what TOML has no word for."""
    match value:
        case Mapping():
            return {key: toml_of(item) for key, item in value.items() if item is not None}
        case list():
            return [toml_of(item) for item in value if item is not None]
        case _:
            return value


def toml_text(tables: Mapping[str, Any]) -> str:
    """Write *tables* as TOML, one key at the top to a line."""
    return "".join(f"{literal({key: value})[2:-2]}\n" for key, value in toml_of(tables).items())


def outcome(path: Path | None, environ: Mapping[str, str]) -> GatewayConfig | str:
    """Load, and return the configuration or what was wrong; anything else fails the test."""
    try:
        return load_config(path, environ)
    except ConfigError as error:
        return str(error)


@ONE_FOLDER
@given(tables=TABLES)
@example(tables={"": {"": [{}]}})
def test_whatever_toml_says_is_a_configuration_or_a_clear_mistake(tables: dict[str, Any], tmp_path: Path) -> None:
    """Any tables at all give a configuration or a ConfigError of whole lines, never another exception."""
    path = tmp_path / "any.toml"
    path.write_text(toml_text(tables), encoding="utf-8", newline="\n")
    result = outcome(path, PASSWORD)
    if isinstance(result, str):
        assert all(": expected " in line and ", found " in line for line in result.splitlines())
        assert str(path) in result or "CTI_GATEWAY__" in result


@ONE_FOLDER
@given(content=st.binary(max_size=60) | st.text(alphabet="a[]{}=.'\"\n #1_\\", max_size=40).map(str.encode))
def test_any_bytes_are_a_configuration_or_a_clear_mistake(content: bytes, tmp_path: Path) -> None:
    """Any bytes as a file give a configuration or a ConfigError."""
    path = tmp_path / "any.toml"
    path.write_bytes(content)
    outcome(path, PASSWORD)


@ONE_FOLDER
@given(
    environ=st.dictionaries(
        st.lists(st.sampled_from(SECTIONS + KEYS + ["", "x"]), min_size=1, max_size=4).map("__".join),
        VALUES.map(json.dumps) | st.text(max_size=8),
        max_size=5,
    )
)
def test_any_environment_is_a_configuration_or_a_clear_mistake(environ: dict[str, str]) -> None:
    """Any variables give a configuration or a ConfigError."""
    outcome(None, {f"CTI_GATEWAY__{name.upper()}": text for name, text in environ.items()})


@ONE_FOLDER
@given(section=st.sampled_from(["asterisk", "mqtt"]), others=TABLES, form=st.sampled_from(["file", "variable", "JSON"]))
def test_password_is_in_no_complaint_about_other_keys(
    section: str, others: dict[str, Any], form: str, tmp_path: Path
) -> None:
    """Whatever else is wrong, a password that is given properly is in no message and no repr."""
    others = json.loads(json.dumps(others).replace(SECRET, "other"))
    path = tmp_path / "any.toml"
    environ: dict[str, str] = {}
    if form == "file":
        table = others.get(section)
        others[section] = (table if isinstance(table, dict) else {}) | {"password": SECRET}
    elif form == "variable":
        environ[f"CTI_GATEWAY__{section.upper()}__PASSWORD"] = SECRET
    else:
        environ[f"CTI_GATEWAY__{section.upper()}"] = json.dumps({"password": SECRET, "hots": 1})
    path.write_text(toml_text(others), encoding="utf-8", newline="\n")
    assert SECRET not in repr(outcome(path, environ))


@ONE_FOLDER
@given(tables=TABLES, gap=st.sampled_from(["", "\n", "# = [\n", "\n\n#\n"]))
def test_line_of_a_key_is_where_its_statement_begins(tables: dict[str, Any], gap: str, tmp_path: Path) -> None:
    """A key's line is that of the statement which brings it, whatever stands around it."""
    path = tmp_path / "any.toml"
    text, lines = "", {}
    for key, value in toml_of(tables).items():
        text += gap
        lines[key] = text.count("\n") + 1
        text += toml_text({key: value})
    path.write_text(text, encoding="utf-8", newline="\n")
    file = read_toml(path)
    assert {key: file.line_of((key,)) for key in lines} == lines
    assert all(file.line_of((key, "no", "such", 0)) == line for key, line in lines.items())


def test_line_is_found_in_every_spelling(tmp_path: Path) -> None:
    """Headers, dotted keys, inline tables, lists and texts over several lines do not mislead the search."""
    path = tmp_path / "any.toml"
    path.write_text(
        'a.b = """\n[c]\nd = 1\n"""\n[c] # d = 2\ne = [\n  "[c]", # f = 1\n]\n'
        'd = { x = 1, y.z = 2 }\n["q r"]\n[q.s]\nt = 1\n'
    )
    file = read_toml(path)
    keys = [
        ("a",),
        ("a", "b"),
        ("c",),
        ("c", "e", 0),
        ("c", "d"),
        ("c", "d", "y", "z"),
        ("q r",),
        ("q",),
        ("q", "s", "t"),
    ]
    assert [file.line_of(key) for key in keys] == [1, 1, 5, 6, 9, 9, 10, 11, 12]
    assert file.line_of(("none",)) is None
