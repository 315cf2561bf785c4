"""Every message that the simulator can say is one that a real Asterisk said: its headers, their order, their values."""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

import pytest

from gateway.simulate.actions import Actions
from gateway.simulate.agenda import SECOND
from gateway.simulate.day import HOUR
from gateway.simulate.people import Manners
from gateway.simulate.simulation import CallCenter, Plan
from gateway.simulate.wire import Action, Event
from tests.simulate.recorded import VERSIONS, Message, all_messages, messages, parse
from tests.simulate.scripted import START

_SHAPES: Final = (
    (re.compile(r""), "empty"),
    (re.compile(r"[0-9]{9,}\.[0-9]{6}"), "time stamp"),
    (re.compile(r"(lab-)?[0-9]{9,}\.[0-9]+"), "channel"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "bridge"),
    (re.compile(r"[0-9]{9,10}"), "epoch"),
    (re.compile(r"\+?[0-9]+"), "number"),
    (re.compile(r"[0-9]+\.[0-9]"), "percent"),
    (re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}"), "duration"),
    (re.compile(r"(PJSIP/[^ ]+-[0-9a-f]{8}|Local/[^ ]+-[0-9a-f]{8};[12])"), "channel name"),
    (re.compile(r"(PJSIP|Local)/[^ ]+"), "interface"),
)
_FREE: Final = re.compile(
    r"(Dest|Transferee|Transferer)?(CallerIDNum|CallerIDName|ConnectedLineNum|ConnectedLineName|Context|Exten)"
    r"|Queue|MemberName|Name|PausedReason|Extension|Application|ApplicationData|StateInterface|DialString"
)
"""What a dialplan, a person or a configuration chooses."""


_PREFIX: Final = re.compile(r"^(Dest|Transferee|Transferer)(?=Channel|Caller|Connected|Uniqueid|Linkedid)")


def shape(value: str) -> str:
    """What kind of value it is; a word is its own kind."""
    return next((name for pattern, name in _SHAPES if pattern.fullmatch(value)), value)


@cache
def a_day() -> list[Message]:
    """One message of each kind and shape that a whole day of a call center brings."""
    found: dict[tuple[object, ...], Message] = {}

    def take(event: Event) -> None:
        message = parse(event.encode())
        shapes = tuple(shape(value) for key, value in message.headers if not _FREE.fullmatch(key))
        found.setdefault((message.names, shapes), message)

    plan = Plan(agents=8, calls_per_hour=150, start=8.6 * HOUR, speed=10, manners=Manners(patience=900))
    center = CallCenter(plan, START, tell=take)
    center.agenda.run(START + 3600 * SECOND)
    assert center.truth.queues["support"].timed_out
    return list(found.values())


@pytest.mark.parametrize("version", VERSIONS)
def test_no_event_has_headers_of_its_own(version: str) -> None:
    """Each event of a day has the headers, in the order, that a real Asterisk gave it, for 16 and for 22."""
    known = {(each.kind, each.names) for each in messages(version)}
    told = {(each.kind, each.names) for each in a_day()}
    # 16 and 22 differ in when they tell a cause with it.
    assert {kind for kind, _ in told - known} <= {"HangupRequest"}, told - known


@cache
def known_shapes() -> dict[str, set[str]]:
    """The kinds of values that a real Asterisk 22 wrote under each header, be it the caller's or the phone's."""
    known: dict[str, set[str]] = {}
    for each in all_messages():
        for key, value in each.headers:
            known.setdefault(_PREFIX.sub("", key), set()).add(shape(value))
    known["Status"].add("number")
    return known


def strange(told: list[Message]) -> set[tuple[str, str, str]]:
    """The values of kinds that no real Asterisk wrote there."""
    return {
        (each.kind, key, value)
        for each in told
        for key, value in each.headers
        if not _FREE.fullmatch(key) and shape(value) not in known_shapes()[_PREFIX.sub("", key)]
    }


def test_no_value_has_a_shape_of_its_own() -> None:
    """Each value is of a kind that a real Asterisk 22 wrote under that header."""
    assert not strange(a_day())


ASKED: Final = {
    "Ping": "Ping",
    "CoreSettings": "AMIversion",
    "CoreStatus": "CoreStartupDate",
}
LISTS: Final = {
    "QueueSummary": ("QueueSummary", "QueueSummaryComplete"),
    "QueueStatus": ("QueueParams", "QueueMember", "QueueEntry", "QueueStatusComplete"),
    "CoreShowChannels": ("CoreShowChannel", "CoreShowChannelsComplete"),
}


def answered(ask: Callable[[Actions], bytes]) -> list[Message]:
    """What a call center in the middle of a busy day answers."""
    center = CallCenter(Plan(agents=8, calls_per_hour=900, speed=1), START, tell=lambda _: None)
    center.agenda.run(START + 300 * SECOND)
    raw = ask(Actions(center.pbx, center.membership))
    return [parse(each) for each in raw.split(b"\r\n\r\n") if each]


def carried(name: str, **headers: str) -> Callable[[Actions], bytes]:
    """Ask by one action, with all rights."""
    action = Action({"action": name, **{key.lower(): value for key, value in headers.items()}})
    rights = frozenset({"agent", "reporting", "config"})
    return lambda actions: actions.carry_out(action, rights).encode("1")


@pytest.mark.parametrize("name", [*ASKED, *LISTS])
def test_each_answer_has_asterisks_headers(name: str) -> None:
    """Answers, and the events of lists, have the real ones' headers, in their order, with their kinds of values."""
    told = answered(carried(name))
    assert {each.kind for each in told} == {"Response Success", *LISTS.get(name, ())}
    assert {(each.kind, each.names) for each in told} <= {(each.kind, each.names) for each in messages("22")}
    assert {key for _, key, _ in strange(told)} <= {"ActionID", "AsteriskVersion"}


REFUSED: Final[tuple[tuple[str, dict[str, str], str], ...]] = (
    ("QueueAdd", {"Queue": "support", "Interface": "PJSIP/1001"}, "Unable to add interface: Already there"),
    ("QueueAdd", {"Queue": "nix", "Interface": "PJSIP/1"}, "Unable to add interface to queue: No such queue"),
    ("QueueAdd", {"Interface": "PJSIP/1"}, "'Queue' not specified."),
    ("QueueAdd", {"Queue": "support"}, "'Interface' not specified."),
    ("QueuePenalty", {"Interface": "PJSIP/1", "Penalty": "2"}, "Invalid interface, queuename or penalty"),
    ("QueuePenalty", {"Interface": "PJSIP/1001", "Penalty": "-3"}, "Invalid interface, queuename or penalty"),
    ("QueuePause", {"Interface": "PJSIP/1", "Paused": "1"}, "Interface not found"),
    ("QueuePause", {"Paused": "1"}, "Need 'Interface' and 'Paused' parameters."),
    ("QueueRemove", {"Queue": "support", "Interface": "PJSIP/1"}, "Unable to remove interface: Not there"),
    ("QueueRemove", {"Queue": "support", "Interface": "PJSIP/1001"}, "Member not dynamic"),
    (
        "QueueRemove",
        {"Queue": "nix", "Interface": "PJSIP/1"},
        "Unable to remove interface from queue: No such queue",
    ),
    ("QueueRemove", {"Interface": "PJSIP/1"}, "Need 'Queue' and 'Interface' parameters."),
    ("GetConfig", {"Filename": "nix.conf"}, "Config file not found"),
    ("GetConfig", {}, "Filename not specified"),
    ("Nonsense", {}, "Invalid/unknown command: Nonsense. Use Action: ListCommands to show available commands."),
)


@pytest.mark.parametrize(("name", "headers", "words"), REFUSED)
def test_refusals_are_in_asterisks_words(name: str, headers: dict[str, str], words: str) -> None:
    """What cannot be done is refused in the words that a real Asterisk had for it."""
    assert words in {each.get("Message") for each in messages("22")}
    (answer,) = answered(carried(name, **headers))
    assert (answer.kind, answer["Message"]) == ("Response Error", words)


DONE: Final = (
    ("QueueAdd", {"Queue": "sales", "Interface": "PJSIP/1", "MemberName": "Dyna"}, "QueueMemberAdded"),
    ("QueuePause", {"Interface": "PJSIP/1001", "Paused": "true", "Reason": "lunch"}, "QueueMemberPause"),
    ("QueuePenalty", {"Interface": "PJSIP/1001", "Penalty": "2"}, "QueueMemberPenalty"),
    ("QueueLog", {"Queue": "sales", "Event": "X", "Message": "y"}, ""),
)


@pytest.mark.parametrize(("name", "headers", "event"), DONE)
def test_what_is_done_is_answered_and_told(name: str, headers: dict[str, str], event: str) -> None:
    """An action that succeeds is answered in Asterisk's words, and its event has Asterisk's headers."""
    told: list[Event] = []
    center = CallCenter(Plan(agents=4, calls_per_hour=0), START, tell=told.append)
    told.clear()
    (answer,) = (parse(carried(name, **headers)(Actions(center.pbx, center.membership))),)
    assert answer["Message"] in {each.get("Message") for each in messages("22")}
    assert [each.name for each in told if each.name == event] == ([event] * len(told) if event else [])
    for each in told:
        assert parse(each.encode()).names in {known.names for known in messages("22") if known.kind == each.name}
