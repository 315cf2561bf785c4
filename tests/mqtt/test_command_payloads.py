"""What a command may look like: everything the contract calls BAD_PAYLOAD, and that nothing else comes of any bytes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.state import AgentSessionState
from gateway.mqtt.commands import (
    MAX_COMMAND_BYTES,
    BadPayloadError,
    BridgeRequest,
    Command,
    CreateSession,
    SetState,
    check_name,
    parse,
)

MODELS: list[type[Command]] = [SetState, CreateSession, BridgeRequest]
CREATE = {"group": "support", "address": "PJSIP/1001"}
SET = {"state": "NOT_READY"}
LONG = "é" * 40  # 80 bytes of UTF-8
CONTROLS = ["\x00", "\n", "\r", "\t", "\x1f", "\x7f", "\x85", "\x9f"]


def set_state(payload: bytes | str) -> SetState:
    """A command on a topic that takes a state in plain text too."""
    return parse(SetState, payload if isinstance(payload, bytes) else payload.encode(), plain="state")


def of(model: type[Command], value: object) -> Command:
    """A command in JSON."""
    return parse(model, json.dumps(value).encode(), plain="state" if model is SetState else None)


@pytest.mark.parametrize("state", [state.name for state in AgentSessionState])
@pytest.mark.parametrize("form", ["{}", " {}\r\n", '"{}"', ' "{}" ', '{{"state": "{}"}}', '\n{{"state":"{}"}}\n'])
def test_a_state_in_plain_text_or_json(state: str, form: str) -> None:
    """Bare, as a JSON string or in an object, with white space around it: it is the same command."""
    command = set_state(form.format(state))
    assert (command.requested.name, command.reason, command.id, command.names_reason) == (state, None, None, False)


@pytest.mark.parametrize("text", ["ready", "Ready", "READY!", "READY NOT_READY", "", "1", "null", "true", "[]", "NaN"])
def test_plain_text_that_is_no_state(text: str) -> None:
    """Case counts, and a number, a list or null is no state."""
    with pytest.raises(BadPayloadError):
        set_state(text)


def test_a_whole_command() -> None:
    """Every key has its place; times are read to the microsecond, in whatever zone."""
    command = of(SetState, SET | {"reason": "lunch", "id": "42", "sent_at": "2026-11-22T08:00:00.123456+01:00"})
    assert isinstance(command, SetState)
    assert (command.requested, command.reason, command.id) == (AgentSessionState.NOT_READY, "lunch", "42")
    assert command.names_reason
    assert command.sent_at_wall == 1_795_330_800_123_456
    assert of(SetState, SET).sent_at_wall is None


def test_a_reason_may_be_taken_away() -> None:
    """Null and the empty reason are a key that is there; without the key the reason stays."""
    for reason in (None, ""):
        command = of(SetState, SET | {"reason": reason})
        assert isinstance(command, SetState)
        assert (command.names_reason, command.reason or None) == (True, None)


def test_create_session_has_defaults() -> None:
    """READY, no reason, penalty 0 and the address as state interface."""
    command = of(CreateSession, CREATE)
    assert isinstance(command, CreateSession)
    assert (command.state, command.reason, command.penalty, command.state_interface) == ("READY", None, 0, None)
    full = CREATE | {"state": "NOT_READY", "reason": "x", "penalty": 3, "state_interface": "hint:1@x", "id": 7}
    assert of(CreateSession, full).id == 7


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (SetState, {}),
        (SetState, {"state": 1}),
        (SetState, {"state": None}),
        (SetState, {"state": "ready"}),
        (SetState, SET | {"reason": 5}),
        (SetState, SET | {"State": "READY"}),
        (SetState, SET | {"penalty": 1}),
        (SetState, [SET]),
        (CreateSession, {"group": "support"}),
        (CreateSession, {"address": "PJSIP/1001"}),
        (CreateSession, CREATE | {"group": ""}),
        (CreateSession, CREATE | {"address": " "}),
        (CreateSession, CREATE | {"state_interface": ""}),
        (CreateSession, CREATE | {"state": "BUSY_WRAPUP"}),
        (CreateSession, CREATE | {"penalty": "3"}),
        (CreateSession, CREATE | {"penalty": 3.0}),
        (CreateSession, CREATE | {"penalty": True}),
        (CreateSession, CREATE | {"penalty": -1}),
        (CreateSession, CREATE | {"penalty": 2**31}),
        (CreateSession, CREATE | {"penalty": 10**400}),
        (CreateSession, "READY"),
        (BridgeRequest, {}),
        (BridgeRequest, {"request": "restart"}),
        (BridgeRequest, "resync"),
        (BridgeRequest, None),
    ],
)
def test_wrong_types_and_keys_are_refused(model: type[Command], value: object) -> None:
    """A missing key, an unknown one, a wrong type or a value that is none of those allowed."""
    with pytest.raises(BadPayloadError) as caught:
        of(model, value)
    assert str(caught.value)


@pytest.mark.parametrize(("model", "base"), [(SetState, SET), (CreateSession, CREATE), (BridgeRequest, {})])
@pytest.mark.parametrize(
    ("command_id", "good"),
    [
        ("42", True),
        ("", True),
        (42, True),
        (-(10**30), True),
        ("é" * 64, True),
        ("é" * 65, False),
        (1.5, False),
        (True, False),
        ([], False),
        ({}, False),
        ("a\nb", False),
    ],
)
def test_ids(model: type[Command], base: dict[str, Any], command_id: object, good: bool) -> None:  # noqa: FBT001
    """A string of up to 128 bytes or an integer is an id; nothing else is, and no control character is in one."""
    value = base | {"id": command_id} | ({"request": "health"} if model is BridgeRequest else {})
    if good:
        assert of(model, value).id == command_id
        assert of(model, value | {"id": None}).id is None
        return
    with pytest.raises(BadPayloadError):
        of(model, value)


@pytest.mark.parametrize("command_id", ["42", 42, None])
def test_the_id_of_a_wrong_command_is_known(command_id: str | int | None) -> None:
    """What is wrong otherwise is answered with its id."""
    with pytest.raises(BadPayloadError) as caught:
        of(SetState, {"state": "BUSY", "id": command_id})
    assert caught.value.command_id == command_id


@pytest.mark.parametrize(
    "sent_at",
    [
        "2026-11-22T07:00:00",
        "2026-11-22",
        "1795330800",
        1_795_330_800,
        "now",
        "",
        "2026-13-22T07:00:00Z",
        "2026-11-22T25:00:00Z",
        False,
    ],
)
def test_times_that_are_none(sent_at: object) -> None:
    """``sent_at`` is RFC 3339 with a zone."""
    with pytest.raises(BadPayloadError):
        of(SetState, SET | {"sent_at": sent_at})


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"])
def test_times_at_the_edge_of_the_calendar(sent_at: str) -> None:
    """They are far away, and break nothing."""
    assert abs(of(SetState, SET | {"sent_at": sent_at}).sent_at_wall or 0) > 10**15


@pytest.mark.parametrize("char", [*CONTROLS, "|", ",", ";"])
@pytest.mark.parametrize("key", ["group", "address", "reason", "state_interface"])
def test_characters_that_must_not_reach_asterisk(key: str, char: str) -> None:
    """Control characters and ``|`` ``,`` ``;`` are refused in every value of create_session, wherever they stand."""
    for text in (f"a{char}b", f"{char}b", f"a{char}"):
        with pytest.raises(BadPayloadError):
            of(CreateSession, CREATE | {key: text})
    if key == "reason":
        with pytest.raises(BadPayloadError):
            of(SetState, SET | {key: f"a{char}b"})


@pytest.mark.parametrize("key", ["address", "reason", "state_interface"])
def test_what_app_queue_would_cut_is_refused(key: str) -> None:
    """79 bytes of UTF-8 are as much as it keeps; a group may be longer, as it names a queue that exists."""
    assert getattr(of(CreateSession, CREATE | {key: LONG[:-1] + "x"}), key) == LONG[:-1] + "x"
    with pytest.raises(BadPayloadError):
        of(CreateSession, CREATE | {key: LONG})
    with pytest.raises(BadPayloadError):
        of(SetState, SET | {"reason": LONG})
    assert getattr(of(CreateSession, CREATE | {"group": LONG}), "group", None) == LONG


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff",
        b'{"state": "\xff"}',
        b'{"state": "READY"',
        b'{"state": "READY"} {}',
        b'{"state": "READY", "state": "READY"}',
        b'{"state": "READY", "id": NaN}',
        b'{"state": "READY", "id": 1e999}',
        b'{"state": "READY", "reason": "\\ud800"}',
        b'{"state": "READY", "id": "\\udfff"}',
        b'{"state": "READY", "\\ud800": 1}',
        b'{"state": "READY", "id": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbfREADY",
        b"[" * 8000,
        b'{"a":' * 3000,
        b'{"state": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_bytes_that_are_no_command(payload: bytes) -> None:
    """Not UTF-8, not JSON, one key twice, no number, half a character, or nested beyond reason."""
    with pytest.raises(BadPayloadError) as caught:
        set_state(payload)
    str(caught.value).encode()


def test_too_long_is_refused() -> None:
    """16 KiB are the most, white space included."""
    assert set_state(b"READY" + b" " * (MAX_COMMAND_BYTES - 5)).state == "READY"
    with pytest.raises(BadPayloadError):
        set_state(b"READY" + b" " * (MAX_COMMAND_BYTES - 4))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["READY", "a\nb", LONG]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["state", "reason", "id", "sent_at", "group", "address", "penalty", "state_interface", "request"]


def understood(model: type[Command], payload: bytes, plain: str | None) -> tuple[Command | None, str]:
    """The command in a payload, if it is one, and the words and id that would be sent back."""
    try:
        command = parse(model, payload, plain=plain)
    except BadPayloadError as error:
        return None, f"{error} {json.dumps(error.command_id)}"
    return command, json.dumps(command.id)


@settings(max_examples=300)
@given(
    st.sampled_from(MODELS),
    st.binary(max_size=300)
    | st.text(max_size=300).map(str.encode)
    | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), JSON, max_size=6).map(
        lambda value: json.dumps(value).encode()
    ),
)
def test_any_bytes_are_a_command_or_bad(model: type[Command], payload: bytes) -> None:
    """Whatever comes is understood or refused with words that can be sent; nothing else comes of it."""
    for plain in (None, "state"):
        command, words = understood(model, payload, plain)
        assert len(words.encode()) < 20_000
        for key in ("reason", "address", "state_interface"):
            value = getattr(command, key, None)
            assert value is None or check_name(value) == value
