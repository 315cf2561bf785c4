"""Topic names: encoding of levels, building and taking apart."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.mqtt.topics import (
    MAX_TOPIC_BYTES,
    CommandAddress,
    TopicNameError,
    Topics,
    decode_level,
    encode_level,
    response_topic,
)

TOPICS = Topics("acme/cti", "pbx/1")
BASE = "acme/cti/pbx%2F1"

NASTY = st.sampled_from([*"/+#%", "\0", "\x1f", "\x7f", "\x9f", "\ufdd0", "\ufdef", "\ufffe", "\U0010ffff", "é"])
NAMES = st.text(st.one_of(st.characters(codec="utf-8"), NASTY), min_size=1, max_size=40)


def is_forbidden(char: str) -> bool:
    """Whether the contract says that *char* is encoded, put here in other words than in the code."""
    point = ord(char)
    return (
        char in "/+#%" or point < 0x20 or 0x7F <= point <= 0x9F or 0xFDD0 <= point <= 0xFDEF or point & 0xFFFE == 0xFFFE
    )


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Alice", "Alice"),
        ("PJSIP/1001", "PJSIP%2F1001"),
        ("100%", "100%25"),
        ("a+b#c", "a%2Bb%23c"),
        ("Kovács Ágnes", "Kovács Ágnes"),
        ("tab\there", "tab%09here"),
        ("\x85", "%C2%85"),
        ("\ufdd0\uffff\U0001fffe", "%EF%B7%90%EF%BF%BF%F0%9F%BF%BE"),
        ("$SYS", "$SYS"),
        (" ", " "),
    ],
)
def test_levels_read_as_the_contract_says(name: str, level: str) -> None:
    """What may not stand in a level is percent-encoded as UTF-8; all else stays."""
    assert encode_level(name) == level
    assert decode_level(level) == name


@given(NAMES)
@example("%2F")
@example("%")
def test_any_name_survives_encoding(name: str) -> None:
    """Decoding gives the name back, whatever the name, and with hex digits of either case."""
    level = encode_level(name)
    assert decode_level(level) == name
    lower = "".join(f"%{part[:2].lower()}{part[2:]}" if i else part for i, part in enumerate(level.split("%")))
    assert decode_level(lower) == name


@given(NAMES)
def test_a_level_holds_nothing_forbidden_and_encodes_nothing_else(name: str) -> None:
    """A level has no forbidden character but the escape's own, and keeps every allowed one."""
    level = encode_level(name)
    assert not any(is_forbidden(char) for char in level.replace("%", ""))
    assert level == "".join(
        "".join(f"%{byte:02X}" for byte in char.encode()) if is_forbidden(char) else char for char in name
    )


@given(NAMES, NAMES)
def test_distinct_names_have_distinct_levels(one: str, other: str) -> None:
    """No two names share a level."""
    assume(one != other)
    assert encode_level(one) != encode_level(other)


@pytest.mark.parametrize("name", ["", "\ud800", "a\udfffb"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """An empty name and one that is not UTF-8 have no level."""
    with pytest.raises(TopicNameError):
        encode_level(name)


@pytest.mark.parametrize("level", ["", "%", "a%2", "%zz", "%2g", "%FF", "%C3", "%ED%A0%80", "100%"])
def test_what_is_no_level_is_refused(level: str) -> None:
    """A level with a broken escape, or escapes that are not UTF-8, stands for no name."""
    with pytest.raises(TopicNameError):
        decode_level(level)


@given(st.text(max_size=30))
def test_decoding_anything_gives_a_name_or_an_error(level: str) -> None:
    """No text from a topic makes decoding fail in another way."""
    try:
        name = decode_level(level)
    except TopicNameError:
        return
    assert name


def test_topics_stand_where_the_contract_says() -> None:
    """Every topic has the contract's place under prefix and node."""
    assert TOPICS.base == BASE
    assert {
        TOPICS.bridge_state,
        TOPICS.bridge_asterisk,
        TOPICS.bridge_info,
        TOPICS.bridge_health,
        TOPICS.bridge_event,
        TOPICS.bridge_request,
    } == {f"{BASE}/bridge/{each}" for each in ("state", "asterisk", "info", "health", "event", "request")}
    session = f"{BASE}/session/support/Alice/PJSIP%2F1001"
    assert TOPICS.session("support", "Alice", "PJSIP/1001") == session
    assert TOPICS.session_event("support", "Alice", "PJSIP/1001") == f"{session}/event"
    assert TOPICS.call("support", "Alice", "PJSIP/1001") == f"{BASE}/call/support/Alice/PJSIP%2F1001"
    assert (TOPICS.agent("A"), TOPICS.agent_event("A")) == (f"{BASE}/agent/A", f"{BASE}/agent/A/event")
    assert (TOPICS.group("G"), TOPICS.group_event("G")) == (f"{BASE}/group/G", f"{BASE}/group/G/event")
    assert (TOPICS.queue("Q"), TOPICS.queue_event("Q")) == (f"{BASE}/queue/Q", f"{BASE}/queue/Q/event")


@given(NAMES, NAMES, NAMES)
def test_command_topics_parse_back(group: str, agent: str, address: str) -> None:
    """What a commander builds from a session's topic is read as that session."""
    assert TOPICS.parse_command(TOPICS.session_set(group, agent, address)) == CommandAddress(
        "session_set", group=group, agent=agent, address=address
    )
    assert TOPICS.parse_command(TOPICS.agent(agent) + "/set") == CommandAddress("agent_set", agent=agent)
    assert TOPICS.parse_command(TOPICS.agent(agent) + "/create_session") == CommandAddress(
        "create_session", agent=agent
    )
    assert TOPICS.parse_command(TOPICS.agent(agent) + "/measurement_period") == CommandAddress(
        "agent_period", agent=agent
    )
    assert TOPICS.parse_command(TOPICS.queue(group) + "/measurement_period") == CommandAddress(
        "queue_period", queue=group
    )
    assert TOPICS.parse_command(TOPICS.bridge_request) == CommandAddress("bridge_request")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        BASE,
        f"{BASE}x/bridge/request",
        "acme/cti/other/bridge/request",
        f"{BASE}/bridge/state",
        f"{BASE}/session/g/a/set",
        f"{BASE}/session/g/a/x/set/response",
        f"{BASE}/queue/q/set",
        f"{BASE}/agent/set",
    ],
)
def test_other_topics_are_no_commands(topic: str) -> None:
    """Foreign topics and answers are not taken for commands."""
    assert TOPICS.parse_command(topic) is None


@pytest.mark.parametrize("tail", ["session/g//x/set", "session/g/a%/x/set", "agent/a%FF/set"])
def test_levels_that_stand_for_no_name_are_told(tail: str) -> None:
    """A command whose topic cannot be read is one all the same: its sender must hear of it."""
    assert TOPICS.parse_command(f"{BASE}/{tail}") == CommandAddress("unreadable")


@given(NAMES, NAMES, NAMES)
def test_only_what_comes_and_goes_is_searched_for(group: str, agent: str, address: str) -> None:
    """Snapshots of sessions, agents, groups and queues count as retained; events and the bridge's own do not."""
    assert all(
        TOPICS.is_retained(each)
        for each in (
            TOPICS.session(group, agent, address),
            TOPICS.agent(agent),
            TOPICS.group(group),
            TOPICS.queue(group),
        )
    )
    assert not any(
        TOPICS.is_retained(each)
        for each in (TOPICS.session_event(group, agent, address), TOPICS.agent_event(agent), TOPICS.bridge_state)
    )


def test_filters_are_the_contracts() -> None:
    """The filters cover each kind of command and each kind of retained snapshot."""
    assert TOPICS.command_filters() == [
        f"{BASE}/session/+/+/+/set",
        f"{BASE}/agent/+/set",
        f"{BASE}/agent/+/create_session",
        f"{BASE}/agent/+/measurement_period",
        f"{BASE}/queue/+/measurement_period",
        f"{BASE}/bridge/request",
    ]
    assert TOPICS.retained_filters() == [
        f"{BASE}/{each}" for each in ("session/+/+/+", "agent/+", "group/+", "queue/+")
    ]


def test_a_topic_is_no_longer_than_mqtt_allows() -> None:
    """65,535 bytes of UTF-8 are a topic, one more is an error."""
    room = MAX_TOPIC_BYTES - len(f"{BASE}/queue/")
    assert TOPICS.queue("q" * room)
    with pytest.raises(TopicNameError):
        TOPICS.queue("q" * (room + 1))
    with pytest.raises(TopicNameError):
        TOPICS.queue("é" * (room // 2 + 1))
    with pytest.raises(TopicNameError):
        TOPICS.queue_event("q" * room)
    with pytest.raises(TopicNameError):
        response_topic("q" * MAX_TOPIC_BYTES)


def test_an_answer_goes_beside_the_command() -> None:
    """Without a Response Topic the answer's topic is the command's and ``/response``."""
    assert response_topic(TOPICS.bridge_request) == f"{BASE}/bridge/request/response"


@pytest.mark.parametrize(("prefix", "node"), [("", "n"), ("a+", "n"), ("a/#", "n"), ("a\0", "n"), ("a", "")])
def test_a_base_must_be_a_topic(prefix: str, node: str) -> None:
    """A prefix with a wildcard, or no node, is refused at once."""
    with pytest.raises(TopicNameError):
        Topics(prefix, node)
