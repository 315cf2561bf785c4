"""The contract as a machine reads it: right, complete, and no older than the models."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway
from gateway.contract import files
from gateway.contract.messages import BY_NAME, CHANNELS, MESSAGES, PARAMETERS
from gateway.contract.schemas import message_schema
from gateway.mqtt.bridge_events import BY_NAME as BRIDGE_EVENTS
from gateway.mqtt.commands import MAX_NAME_BYTES, BadPayloadError, parse
from gateway.mqtt.payloads import AnswerPayload
from gateway.mqtt.topics import Topics, response_topic
from gateway.service.answers import Code
from gateway.service.commander import MODELS
from tests.contract.page import PAGE, examples_in, shown
from tests.contract.validation import name_of, problems

ROOT = Path(__file__).parent.parent.parent
FILES = ROOT / "config" / "contract"
ASYNCAPI = ROOT / "tests" / "data" / "asyncapi" / "3.0.0.json"
TOPICS = Topics("cti", "pbx1")
SHIPPED = files.contract_files()
SCHEMAS = files.contract_files("jsonschema")
EXAMPLES = files.examples()
_EVENT = re.compile("[A-Z_]+")
NAMES = {"group": "a group", "agent": "Al/ice", "address": "PJSIP/1001", "queue": "a+b"}


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_files_are_fresh(name: str) -> None:
    """What is shipped in config/contract is what the models give; else: cti-gateway schema --output config/contract."""
    assert (FILES / name).read_text(encoding="utf-8") == SHIPPED[name]


def test_no_file_is_left_over() -> None:
    """There is no file of a message that is no more."""
    assert {path.name for path in FILES.iterdir()} == set(SHIPPED)


def test_the_document_is_asyncapi() -> None:
    """The document satisfies the official schema of AsyncAPI 3.0."""
    validator = jsonschema_rs.Draft7Validator(json.loads(ASYNCAPI.read_text(encoding="utf-8")))
    document = json.loads(SHIPPED["asyncapi.json"])
    assert [error.message for error in validator.iter_errors(document)] == []


def references(value: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref":
                yield each
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere() -> None:
    """No reference of the document points to nothing, and every schema and message in it is used."""
    document = json.loads(SHIPPED["asyncapi.json"])
    found = set(references(document))
    for reference in found:
        value = document
        for part in reference.removeprefix("#/").split("/"):
            value = value[part]
    components = document["components"]
    for kind in ("messages", "schemas", "parameters"):
        assert {f"#/components/{kind}/{name}" for name in components[kind]} <= found


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_schemas_are_json_schema(name: str) -> None:
    """Each schema is one of its dialect, and its references can be followed."""
    schema = json.loads(SCHEMAS[name])
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.Draft202012Validator(schema)


@pytest.mark.parametrize("name", [message.name for message in MESSAGES])
def test_every_message_has_a_true_example(name: str) -> None:
    """For each message there is an example from a run; it is what the schema says, key for key."""
    assert problems(name, EXAMPLES[name]) == []


def test_the_page_for_client_authors_has_the_examples() -> None:
    """The page shows every message of the contract, each with the example from the run."""
    assert examples_in(PAGE.read_text(encoding="utf-8")) == {name: shown(each) for name, each in EXAMPLES.items()}
    assert set(EXAMPLES) == set(BY_NAME)


def test_the_page_explains_every_code() -> None:
    """Each code has its row, in the order in which they are looked for."""
    _, _, table = PAGE.read_text(encoding="utf-8").partition("| `code`, in the order")
    rows = [row.split("|")[1] for row in table.partition("\n\n")[0].splitlines() if row.startswith("| `")]
    assert [code for row in rows for code in re.findall(r"`(\w+)`", row)] == list(Code)


def test_the_page_names_every_topic() -> None:
    """The page for client authors has every topic."""
    page = PAGE.read_text(encoding="utf-8")
    for channel in CHANNELS:
        assert f"`{channel.topic}`" in page, channel.topic


@pytest.mark.parametrize("message", [each for each in MESSAGES if each.models], ids=lambda each: each.name)
def test_an_unknown_key(message: Any) -> None:
    """A key that the contract does not name is an error in a command, and none in what a client receives."""
    content = {**EXAMPLES[message.name], "weather": "fine"}
    published = jsonschema_rs.Draft202012Validator(message_schema(message))
    assert published.is_valid(content) is not message.is_command
    assert problems(message.name, content)


@pytest.mark.parametrize("message", [each for each in MESSAGES if each.models], ids=lambda each: each.name)
def test_every_key_is_described(message: Any) -> None:
    """Each key of each message says what it is, or refers to what does; each number of seconds or bytes its unit."""
    for name, definition in message_schema(message)["$defs"].items():
        for key, schema in definition["properties"].items():
            plain = name == "SessionsByState" or "const" in schema or key == "topic"
            assert "description" in schema or plain, (name, key)
            text = json.dumps(schema)
            if re.search("(_time|_duration|uptime)$", key) and key != "answered_in_time" and "date-time" not in text:
                assert '"x-unit": "s"' in text, (name, key)


def topic_of(channel: str) -> str:
    """The topic as the gateway builds it."""
    group, agent, address, queue = NAMES.values()
    return {
        "bridge_state": TOPICS.bridge_state,
        "bridge_asterisk": TOPICS.bridge_asterisk,
        "bridge_info": TOPICS.bridge_info,
        "bridge_health": TOPICS.bridge_health,
        "bridge_event": TOPICS.bridge_event,
        "bridge_request": TOPICS.bridge_request,
        "session": TOPICS.session(group, agent, address),
        "session_event": TOPICS.session_event(group, agent, address),
        "session_set": TOPICS.session_set(group, agent, address),
        "call": TOPICS.call(group, agent, address),
        "agent": TOPICS.agent(agent),
        "agent_event": TOPICS.agent_event(agent),
        "agent_set": f"{TOPICS.agent(agent)}/set",
        "create_session": f"{TOPICS.agent(agent)}/create_session",
        "agent_period": f"{TOPICS.agent(agent)}/measurement_period",
        "group": TOPICS.group(group),
        "group_event": TOPICS.group_event(group),
        "queue": TOPICS.queue(queue),
        "queue_event": TOPICS.queue_event(queue),
        "queue_period": f"{TOPICS.queue(queue)}/measurement_period",
    }[channel]


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda each: each.name)
def test_topics_are_those_of_the_gateway(channel: Any) -> None:
    """Each channel's address, its parameters filled in, is the topic that the gateway publishes to or takes."""
    topic = topic_of(channel.name)
    levels = topic.removeprefix(f"{TOPICS.base}/").split("/")
    assert len(levels) == len(channel.topic.split("/"))
    for level, shown_ in zip(levels, channel.topic.split("/"), strict=True):
        assert shown_ == level or shown_.strip("{}") in PARAMETERS
    address = TOPICS.parse_command(topic)
    assert (address is not None) is channel.is_command
    if address is not None:
        assert BY_NAME[channel.message].models == (MODELS[address.kind],)
        assert name_of(response_topic(topic).removeprefix(f"{TOPICS.base}/")) == "answer"
    else:
        assert name_of(topic.removeprefix(f"{TOPICS.base}/")) == channel.message
    if channel.topic.split("/")[0] != "bridge":
        assert TOPICS.is_retained(topic) is channel.retained


def test_the_codes_are_those_of_the_service() -> None:
    """The answer's schema has the codes of the service, in their order."""
    code = AnswerPayload.model_json_schema()["properties"]["code"]
    assert code["anyOf"][0]["enum"] == [each.value for each in Code]


def told_on_the_bridge() -> Iterator[tuple[str, set[str], str]]:
    """Name and keys of every bridge event that the gateway's source tells, and where."""
    for path in Path(gateway.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            if called in {"bridge_event", "_tell"} and isinstance(node, ast.Call) and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str) and _EVENT.fullmatch(name.value):
                    keys = {keyword.arg for keyword in node.keywords if keyword.arg}
                    yield name.value, keys, f"{path}:{node.lineno}"


def test_every_bridge_event_has_its_model() -> None:
    """Whatever the source tells on bridge/event has a model with exactly these keys, and is in the operators' table."""
    table = (ROOT / "deploy" / "docs" / "operating.md").read_text(encoding="utf-8")
    told = list(told_on_the_bridge())
    assert {name for name, _, _ in told} == set(BRIDGE_EVENTS)
    for name, keys, place in told:
        fields = BRIDGE_EVENTS[name].model_fields
        own = set(fields) - {"stream", "seq", "previous_seq", "event", "at"}
        assert {key for key in own if fields[key].is_required()} <= keys <= own, place
        assert f"`{name}`" in table


TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="|,;", exclude_categories=["Cc"]), max_size=90)


@given(
    st.fixed_dictionaries(
        {"state": st.sampled_from(["READY", "NOT_READY", "x"])}, optional={"reason": TEXTS, "id": st.integers() | TEXTS}
    )
)
def test_what_the_gateway_takes_satisfies_the_schema(command: dict[str, Any]) -> None:
    """No command that the gateway takes is one that the schema refuses; what it refuses beyond that is bytes alone."""
    refused = problems("set", command)
    try:
        parse(BY_NAME["set"].models[0], json.dumps(command).encode())  # type: ignore[type-var]  # it is a command's
    except BadPayloadError:
        long = any(isinstance(value, str) and len(value.encode()) > MAX_NAME_BYTES for value in command.values())
        assert refused or long
    else:
        assert not refused
