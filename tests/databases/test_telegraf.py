"""Telegraf's configuration, as far as it can be looked at without Telegraf, which Debian 12, PyPI and npm have not.

It is held against the options that Telegraf's documentation names, and against the contract: each topic, each key, each
type, and what may be null, for which Telegraf's parser would refuse the whole message.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.contract.files import examples
from gateway.contract.messages import BY_NAME, CHANNELS, Channel
from gateway.contract.schemas import message_schema
from tests.broker import SAMPLES

TELEGRAF: Final = Path(__file__).parents[2] / "deploy" / "telegraf"

#: The options that are used, of those that the documentation of Telegraf 1.34 has for these plugins, with their types.
INPUT: Final = {
    "servers": list,
    "username": str,
    "password": str,
    "client_id": str,
    "topics": list,
    "topic_tag": str,
    "qos": int,
    "persistent_session": bool,
    "data_format": str,
    "topic_parsing": list,
    "json_v2": list,
}
TOPIC_PARSING: Final = {"topic": str, "tags": str}
JSON: Final = {
    "measurement_name": str,
    "timestamp_path": str,
    "timestamp_format": str,
    "field": list,
}
FIELD: Final = {"path": str, "rename": str, "type": str, "optional": bool}
OUTPUTS: Final = {
    "influxdb_v2": {"urls": list, "token": str, "organization": str, "bucket": str, "namepass": list},
    "postgresql": {"connection": str, "namepass": list},
}

#: Which of JSON's values a type of Telegraf's is made of without a change.
TYPES: Final = {"int": {"integer"}, "float": {"number", "integer"}, "string": {"string"}, "bool": {"boolean"}}

#: How Go writes down the form of RFC 3339; in what it reads, a fraction of a second may stand there unasked.
RFC_3339: Final = "2006-01-02T15:04:05Z07:00"


def read(name: str) -> Any:
    """One of the files."""
    return tomllib.loads((TELEGRAF / name).read_text(encoding="utf-8"))


INPUTS: Final[list[dict[str, Any]]] = read("cti-gateway.conf")["inputs"]["mqtt_consumer"]
each_input = pytest.mark.parametrize("source", INPUTS, ids=lambda each: each["client_id"])


def known(table: dict[str, Any], options: Mapping[str, type]) -> None:
    """Assert that a table has only such keys, with values of such types."""
    assert {key: type(value) for key, value in table.items()} == {key: options.get(key) for key in table}


def channel_of(topic: str) -> Channel:
    """The channel that a topic filter below ``cti/+`` is for."""
    levels = topic.split("/")
    assert levels[:2] == ["cti", "+"]
    (found,) = (
        each
        for each in CHANNELS
        if ["+" if level.startswith("{") else level for level in each.topic.split("/")] == levels[2:]
    )
    return found


def types_at(message: str, path: str) -> set[str]:
    """The types that JSON's value at a dotted path may have, by the message's schema."""
    schema = message_schema(BY_NAME[message])
    place: Any = schema
    for key in path.split("."):
        while "$ref" in place:
            place = schema["$defs"][place["$ref"].rpartition("/")[2]]
        place = place["properties"][key]
    return set(_types(place, schema))


def _types(place: Any, schema: Any) -> Iterator[str]:
    if "$ref" in place:
        yield from _types(schema["$defs"][place["$ref"].rpartition("/")[2]], schema)
    elif "anyOf" in place:
        for each in place["anyOf"]:
            yield from _types(each, schema)
    else:
        yield place["type"]


@each_input
def test_has_options_that_telegraf_knows(source: dict[str, Any]) -> None:
    """No option is misspelt or of another type, and what belongs together is there together."""
    known(source, INPUT)
    assert (source["data_format"], source["qos"]) == ("json_v2", 1)
    assert source["persistent_session"]
    assert source["client_id"]
    (parsing,), (json,) = source["topic_parsing"], source["json_v2"]
    known(parsing, TOPIC_PARSING)
    known(json, JSON)
    for field in json["field"]:
        known(field, FIELD)
    assert json["timestamp_format"] == RFC_3339


@each_input
def test_topics_are_those_of_the_contract(source: dict[str, Any]) -> None:
    """It reads a topic that there is and its user may read; each level that is a name becomes a tag called so."""
    (topic,), (parsing,) = source["topics"], source["topic_parsing"]
    assert parsing["topic"] == topic
    named = ["_" if not level.startswith("{") else level.strip("{}") for level in channel_of(topic).topic.split("/")]
    assert parsing["tags"].split("/") == ["_", "node", *named]
    assert f"user {source['username']}\ntopic read cti/#\n" in (SAMPLES / "acl").read_text()


@each_input
def test_keys_are_those_of_the_contract(source: dict[str, Any]) -> None:
    """Each path leads to a value of the type that is said; what may be null is optional, and the time never is."""
    message = channel_of(source["topics"][0]).message
    (json,) = source["json_v2"]
    for field in json["field"]:
        types = types_at(message, field["path"])
        assert types - {"null"} <= TYPES[field["type"]], field
        assert field.get("optional", False) is ("null" in types), field
    assert types_at(message, json["timestamp_path"]) == {"string"}
    assert isinstance(examples()[message][json["timestamp_path"]], str)
    names = [field.get("rename", field["path"].rpartition(".")[2]) for field in json["field"]]
    assert len(set(names)) == len(names)


@each_input
def test_callers_stay_out(source: dict[str, Any]) -> None:
    """No number and no name of a caller goes into a database of figures."""
    assert not [field for field in source["json_v2"][0]["field"] if "caller_n" in field["path"]]


def test_each_has_a_session_of_its_own() -> None:
    """Two inputs with one client id would take the connection from each other."""
    names = [source["client_id"] for source in INPUTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "plugin"), [("influxdb.conf", "influxdb_v2"), ("postgresql.conf", "postgresql")])
def test_outputs_take_what_the_inputs_make(name: str, plugin: str) -> None:
    """Each output is one that Telegraf has, and takes these measurements alone."""
    ((found, (output,)),) = read(name)["outputs"].items()
    assert found == plugin
    known(output, OUTPUTS[plugin])
    assert output["namepass"] == ["cti_*"]
    assert all(source["json_v2"][0]["measurement_name"].startswith("cti_") for source in INPUTS)
