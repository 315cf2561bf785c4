"""What Home Assistant is told of devices: identifiers for every name there is, and contents to the letter."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import HomeAssistantConfig
from gateway.contract.files import examples
from gateway.contract.messages import BY_NAME
from gateway.domain import facts
from gateway.domain.facts import Outcome
from gateway.domain.session import Occasion
from gateway.mqtt.discovery import entities, pause
from gateway.mqtt.discovery.devices import DevicePayload, Devices
from gateway.mqtt.discovery.names import LONGEST, DeviceKind, DiscoveryTopics, identifier
from gateway.mqtt.discovery.narrator import DiscoveryNarrator
from gateway.mqtt.topics import TopicNameError, Topics
from tests.domain.hall import Hall
from tests.domain.support import at
from tests.mqtt.test_announcer import Post

TOPICS = Topics("cti", "pbx1")
DISCOVERY = DiscoveryTopics(TOPICS, "pbx1", "homeassistant")
DEVICES = Devices(TOPICS, DISCOVERY, node="pbx1", version="1.2.3")
GOLDEN = Path(__file__).parent.parent / "data" / "home_assistant"
IDENTIFIER = re.compile("[a-zA-Z0-9_-]+")

NAMES = st.text(min_size=1).filter(lambda name: not any("\ud800" <= char <= "\udfff" for char in name))
TRICKY = st.text(alphabet="aA_-h/%0F5ü", min_size=1, max_size=8)
"""Names in which an encoding that is careless would find its own escapes."""
KINDS: list[DeviceKind] = ["queue", "agent"]
Place = tuple[list[str], str, DeviceKind, str]
LEVELS = st.lists(TRICKY.filter(lambda level: "/" not in level), min_size=1, max_size=3)
PLACES = st.tuples(LEVELS, TRICKY, st.sampled_from(KINDS), TRICKY)
"""Levels of a prefix, a node, and a device of it."""


def devices() -> dict[str, DevicePayload]:
    """One of each kind."""
    return {
        "gateway": DEVICES.gateway(),
        "queue": DEVICES.queue("support"),
        "agent": DEVICES.agent("Alice", ["lunch"]),
        "agent_read_only": DEVICES.agent("Alice", None),
    }


# Names ---------------------------------------------------------------------------------------------------------------


@given(NAMES | TRICKY)
def test_every_name_makes_an_identifier(name: str) -> None:
    """Of the characters that Home Assistant takes, and of bounded length."""
    assert IDENTIFIER.fullmatch(identifier(name))
    assert len(identifier(name)) <= LONGEST


@given(TRICKY | NAMES, TRICKY | NAMES)
def test_two_names_have_two_identifiers(one: str, other: str) -> None:
    """No name can take another's device away."""
    assert (identifier(one) == identifier(other)) is (one == other)


def test_a_very_long_name_is_one_of_its_own() -> None:
    """It is not cut, which would make two of them one."""
    long = "ж" * 5000
    made = {identifier(long), identifier(long + "x"), identifier("ж" * 60)}
    assert len(made) == 3
    assert all(len(each) <= LONGEST for each in made)


@given(PLACES, PLACES)
def test_no_two_devices_share_a_topic(one: Place, other: Place) -> None:
    """Neither within a gateway nor between two of them on one broker, whatever their prefixes and nodes are."""
    made, other_made = names_of(one), names_of(other)
    for name, other_name in zip(made, other_made, strict=True):
        assert (name == other_name) is (one == other)
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", made[0])


def names_of(place: Place) -> tuple[str, str]:
    """Topic and identifier of a device."""
    levels, node, kind, name = place
    discovery = DiscoveryTopics(Topics("/".join(levels), node), node, "homeassistant")
    return discovery.topic(kind, name), discovery.device(kind, name)


def test_what_cannot_be_sent_is_refused() -> None:
    """A lone surrogate is no text that a topic can have, and is told as every such name is."""
    with pytest.raises(TopicNameError):
        identifier("\ud800")


def test_topics_that_are_ours_and_those_beside_them() -> None:
    """The filters, and what matches them, are of this gateway alone, under the present prefix and those of the past."""
    discovery = DiscoveryTopics(TOPICS, "pbx1", "homeassistant", ["homeassistant", "old/ha"])
    assert discovery.filters() == ["homeassistant/device/cti__pbx1/+/config", "old/ha/device/cti__pbx1/+/config"]
    assert discovery.topic("agent", "PJSIP/1001") == "homeassistant/device/cti__pbx1/agent__PJSIP_2F1001/config"
    assert discovery.topic("gateway") == "homeassistant/device/cti__pbx1/gateway/config"
    assert discovery.owns(discovery.topic("gateway"))
    assert discovery.owns("old/ha/device/cti__pbx1/queue__x/config")
    for foreign in (
        "homeassistant/device/cti__pbx10/agent__x/config",
        "homeassistant/device/cti__pbx1/a/b/config",
        "homeassistant/device/cti__pbx1/config",
        "homeassistant/device/cti__pbx1/agent__x/state",
        "homeassistant/sensor/cti__pbx1/agent__x/config",
        "other/device/cti__pbx1/agent__x/config",
    ):
        assert not discovery.owns(foreign)
    nothing = DiscoveryTopics(TOPICS, "pbx1", None)
    assert nothing.filters() == []
    assert not nothing.owns(discovery.topic("gateway"))


# Contents ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", devices())
def test_devices_are_these_to_the_letter(name: str) -> None:
    """What Home Assistant knows a device and its entities by never changes unnoticed; else write the file anew."""
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert json.loads(devices()[name].to_bytes()) == golden


def paths_in(template: str) -> set[str]:
    """The parts of a message that a template reads, dotted."""
    return set(re.findall(r"value_json((?:\.[A-Za-z_]+)+)", template))


def is_in(schema: Any, path: list[str], whole: Any) -> bool:
    """Whether a schema names a part of a message."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    return not path or (
        path[0] in schema.get("properties", {}) and is_in(schema["properties"][path[0]], path[1:], whole)
    )


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("queue", entities.QUEUE),
        ("agent", entities.AGENT),
        ("bridge_asterisk", entities.ASTERISK),
        ("bridge_info", entities.INFO),
        ("bridge_health", entities.HEALTH),
    ],
)
def test_entities_show_what_the_contract_has(message: str, shown: tuple[entities.Entity, ...]) -> None:
    """Every part that a template reads is named by the message's model."""
    schema = BY_NAME[message].models[0].model_json_schema(mode="serialization")
    for entity in shown:
        read = paths_in(json.dumps(entity.component()))
        assert read
        for path in read:
            assert is_in(schema, path.split(".")[1:], schema), (entity.key, path)


def test_nothing_of_a_caller_is_shown() -> None:
    """Queues and agents are shown by figures; what a message has of callers is read by none of the templates."""
    told = b"".join(each.to_bytes() for each in devices().values()).decode()
    assert "callers_waiting" in examples()["queue"]
    for word in ("caller_number", "caller_name", "callers_waiting", "current_call.", "uniqueid", "json_attributes"):
        assert word not in told


def test_keys_and_identifiers_are_each_there_once() -> None:
    """No entity of a device hides another, and all of their identifiers are different over all devices."""
    found = [
        component["unique_id"]
        for name, device in devices().items()
        if name != "agent_read_only"
        for component in device.components.values()
    ]
    of_gateway = (*entities.ASTERISK, *entities.INFO, *entities.HEALTH)
    assert len(set(found)) == len(found) == len(entities.QUEUE) + len(entities.AGENT) + 1 + len(of_gateway)


def test_options_are_told_apart() -> None:
    """A reason is never taken for one of the two options that are none."""
    assert pause.options(["lunch"]) == ["Not paused", "Paused", "lunch"]
    assert {each.lower() for each in pause.options([])} < pause.NO_OPTIONS
    for each in pause.NO_OPTIONS:
        with pytest.raises(ValueError, match="something else"):
            HomeAssistantConfig(pause_reasons=(each.capitalize(),))


# Coming and going ----------------------------------------------------------------------------------------------------


def test_a_queue_that_goes_is_let_go_of() -> None:
    """It is told of when it is first heard of, whatever is told of it, and again when it has come back."""
    hall, post = Hall(), Post()
    narrator = DiscoveryNarrator(post, DISCOVERY, DEVICES, wants=lambda _kind, _name: True, reasons=list)
    topic = DISCOVERY.topic("queue", "support")

    def tell(outcomes: list[Outcome]) -> list[str]:
        post.sent.clear()
        for outcome in outcomes:
            narrator.announce(outcome)
        return [each.topic for each in post.sent]

    assert tell(hall.join(1, "a")) == [topic]
    assert tell(hall.join(2, "b")) == []
    assert narrator.board.topics() == [topic]
    assert tell(hall.apply(facts.QueueGone("support", Occasion(at(3))), 3)) == [topic]
    assert narrator.board.topics() == []
    assert narrator.board.render(topic, at(4)) is None
    assert tell(hall.join(5, "c")) == [topic]
