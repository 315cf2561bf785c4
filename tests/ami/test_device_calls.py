"""Calls on the agents' devices that came by no queue: who dialled, from when to when, and what is none of them.

The scripts are what real phones on real Asterisks brought. ``a``, ``b`` and ``t`` are channels of the agents' phones A
and B and of a trunk; ``l1`` and ``l2`` the halves of a Local channel.
"""

from collections import Counter
from dataclasses import dataclass

import pytest

from gateway.ami.lists import Channels
from gateway.ami.message import AmiMessage, Arrival
from gateway.ami.translate import EVENTS, Translator
from gateway.domain.caller import Direction
from gateway.domain.facts import DeviceCallBegan, DeviceCallEnded, Fact
from gateway.domain.session import Cause
from tests.ami.script import Line, attended, blind, connect, enter, hangup, instant, leave, line, new_translator

DEVICES = {"a": "PJSIP/1001", "b": "PJSIP/1002", "c": "PJSIP/1003", "t": "PJSIP/trunk"}
AGENTS = {"pjsip/1001", "pjsip/1002"}
IN, OUT = Direction.INCOMING, Direction.OUTGOING
RING, RINGING, UP = "4", "5", "6"
QUEUE = "support"


def name_of(channel: str) -> str:
    """The name of a channel: ``a``, ``a2`` and so on are of the same device, ``l1`` and ``m2`` halves of Local ones."""
    if channel[0] in "lm":
        return f"Local/1001@agents-0000000{channel[0]};{channel[1]}"
    return f"{DEVICES[channel[0]]}-0000000{channel[1:] or 0}"


def new(at: float, channel: str, state: str = "0") -> Line:
    """Newchannel."""
    return line(at, "Newchannel", Channel=name_of(channel), Uniqueid=channel, ChannelState=state)


def state(at: float, channel: str, number: str) -> Line:
    """Newstate."""
    return line(at, "Newstate", Channel=name_of(channel), Uniqueid=channel, ChannelState=number)


def dial(at: float, dialler: str | None, rung: str, rung_state: str = "0") -> Line:
    """DialBegin; nobody dials what Asterisk was ordered to."""
    by = {} if dialler is None else {"Channel": name_of(dialler), "Uniqueid": dialler}
    to = {"DestChannel": name_of(rung), "DestUniqueid": rung, "DestChannelState": rung_state}
    return Line(at, "DialBegin", by | to)


def rings(at: float, dialler: str | None, phone: str) -> list[Line]:
    """A phone is rung."""
    return [new(at, phone), dial(at + 1, dialler, phone), state(at + 2, phone, RINGING)]


def pair(at: float, letter: str = "l") -> list[Line]:
    """A Local channel is made."""
    one, two = f"{letter}1", f"{letter}2"
    return [
        new(at, one),
        new(at, two, RING),
        line(at, "LocalBridge", LocalOneUniqueid=one, LocalTwoUniqueid=two),
    ]


def join(at: float, caller: str) -> list[Line]:
    """A caller comes into a queue."""
    return [line(at, "QueueCallerJoin", Queue=QUEUE, Uniqueid=caller, Position="1", Count="1")]


def called(at: float, caller: str, leg: str) -> Line:
    """AgentCalled."""
    headers = {"Queue": QUEUE, "Interface": "PJSIP/1001", "Uniqueid": caller, "DestUniqueid": leg}
    return Line(at, "AgentCalled", headers)


def connected(at: float, caller: str, leg: str) -> list[Line]:
    """A queue connects a caller."""
    return [
        line(at, "QueueCallerLeave", Queue=QUEUE, Uniqueid=caller, Position="1", Count="0"),
        connect(at, caller, leg),
    ]


Told = tuple[str, Direction | bool, float]


@dataclass(frozen=True, slots=True)
class Case:
    """A script, and what is told of it: the channel, which way or whether it was answered, and when."""

    name: str
    lines: list[Line]
    told: list[Told]


def case(name: str, *parts: Line | list[Line], told: list[Told]) -> Case:
    """A case from its parts in their order."""
    lines: list[Line] = []
    for part in parts:
        lines += part if isinstance(part, list) else [part]
    return Case(name, lines, told)


CASES = [
    case(
        "one agent calls the other",
        new(0, "a", RING),
        rings(10, "a", "b"),
        state(3000, "b", UP),
        state(3001, "a", UP),
        enter(3002, "B", "b", "a"),
        leave(9000, "B", "a"),
        hangup(9001, "a", "b"),
        told=[("a", OUT, 0), ("b", IN, 3000), ("a", True, 9001), ("b", True, 9001.5)],
    ),
    case(
        "nobody answers",
        new(0, "a", RING),
        rings(10, "a", "b"),
        hangup(9000, "b"),
        hangup(9001, "a"),
        told=[("a", OUT, 0), ("a", False, 9001)],
    ),
    case(
        "a call from outside",
        new(0, "t", RING),
        rings(10, "t", "a"),
        state(3000, "a", UP),
        hangup(9000, "a", "t"),
        told=[("a", IN, 3000), ("a", True, 9000)],
    ),
    case(
        "an agent calls an announcement",
        new(0, "a", RING),
        state(100, "a", UP),
        hangup(9000, "a"),
        told=[("a", OUT, 0), ("a", True, 9000)],
    ),
    case(
        "an agent calls into a queue",
        new(0, "b", RING),
        join(10, "b"),
        new(20, "a"),
        called(21, "b", "a"),
        dial(22, "b", "a"),
        state(1000, "a", UP),
        connected(1001, "b", "a"),
        state(1002, "b", UP),
        enter(1003, "B", "a", "b"),
        leave(9000, "B", "b", "a"),
        hangup(9001, "b", "a"),
        told=[("b", OUT, 0), ("b", True, 9001)],
    ),
    case(
        "a queue rings a phone directly",
        new(0, "t", RING),
        join(1, "t"),
        new(2, "a"),
        called(3, "t", "a"),
        dial(4, "t", "a"),
        state(5, "a", RINGING),
        state(1000, "a", UP),
        connected(1001, "t", "a"),
        hangup(9000, "a", "t"),
        told=[],
    ),
    case(
        "a queue rings a phone behind a Local channel, which then transfers to another phone",
        new(0, "t", RING),
        join(1, "t"),
        pair(2),
        called(3, "t", "l1"),
        dial(3, "t", "l1"),
        rings(5, "l2", "a"),
        state(1000, "a", UP),
        connected(1001, "t", "l1"),
        enter(1002, "B", "a", "l2"),
        enter(1002, "C", "l1", "t"),
        blind(5000, "a"),
        leave(5001, "B", "l2", "a"),
        hangup(5002, "a"),
        rings(5003, "l2", "b"),
        state(6000, "b", UP),
        hangup(9000, "l1", "t", "l2", "b"),
        told=[("b", IN, 6000), ("b", True, 9001.5)],
    ),
    case(
        "a queue's Local channel answers before it dials the phone",
        new(0, "t", RING),
        join(1, "t"),
        pair(2),
        called(3, "t", "l1"),
        dial(3, "t", "l1"),
        connected(500, "t", "l1"),
        rings(600, "l2", "a"),
        state(1000, "a", UP),
        hangup(9000, "l1", "t", "l2", "a"),
        told=[],
    ),
    case(
        "a queue's Local channel dials another, and that the phone",
        new(0, "t", RING),
        join(1, "t"),
        pair(2),
        called(3, "t", "l1"),
        dial(3, "t", "l1"),
        pair(5, "m"),
        dial(6, "l2", "m1"),
        rings(8, "m2", "a"),
        state(1000, "a", UP),
        hangup(9000, "a", "m1", "m2", "l1", "l2", "t"),
        told=[],
    ),
    case(
        "a phone that a queue rings forwards to another",
        new(0, "t", RING),
        join(1, "t"),
        new(2, "a"),
        called(3, "t", "a"),
        dial(4, "t", "a"),
        pair(10),
        dial(11, "t", "l1"),
        hangup(12, "a"),
        rings(15, "l2", "b"),
        state(1000, "b", UP),
        connected(1001, "t", "l1"),
        hangup(9000, "l1", "t", "l2", "b"),
        told=[],
    ),
    case(
        "a phone forwards a call of no queue",
        new(0, "t", RING),
        rings(10, "t", "a"),
        pair(20),
        dial(21, "t", "l1"),
        hangup(22, "a"),
        rings(25, "l2", "b"),
        state(1000, "b", UP),
        hangup(9000, "l1", "l2", "b", "t"),
        told=[("b", IN, 1000), ("b", True, 9001)],
    ),
    case(
        "an attended transfer",
        new(0, "t", RING),
        rings(1, "t", "a"),
        state(1000, "a", UP),
        enter(1001, "B", "a", "t"),
        new(2000, "a2", RING),
        rings(2001, "a2", "b"),
        state(3000, "b", UP),
        state(3001, "a2", UP),
        enter(3002, "C", "b", "a2"),
        leave(4000, "B", "t"),
        leave(4000, "C", "a2"),
        enter(4001, "C", "t"),
        attended(4001.5, "a", "a2"),
        hangup(4003, "a", "a2"),
        hangup(9000, "b", "t"),
        told=[
            ("a", IN, 1000),
            ("a2", OUT, 2000),
            ("b", IN, 3000),
            ("a", True, 4001.5),
            ("a2", True, 4001.5),
            ("b", True, 9000),
        ],
    ),
    case(
        "a conference, and a transfer that is refused",
        new(0, "t", RING),
        rings(1, "t", "a"),
        state(1000, "a", UP),
        blind(2000, "a", result="Fail"),
        new(3000, "a2", RING),
        attended(4000, "a", "a2", kind="Threeway"),
        hangup(9000, "a2", "a"),
        told=[("a", IN, 1000), ("a2", OUT, 3000), ("a2", False, 9000), ("a", True, 9000.5)],
    ),
    case(
        "a blind transfer",
        new(0, "t", RING),
        rings(1, "t", "a"),
        state(1000, "a", UP),
        blind(2000, "a"),
        hangup(2002, "a"),
        rings(2003, "t", "b"),
        state(3000, "b", UP),
        hangup(9000, "b", "t"),
        told=[("a", IN, 1000), ("a", True, 2000), ("b", IN, 3000), ("b", True, 9000)],
    ),
    case(
        "a consultation by code, through a Local channel that nobody dials",
        new(0, "t", RING),
        rings(1, "t", "a"),
        state(1000, "a", UP),
        pair(2000),
        rings(2001, "l2", "b"),
        state(3000, "b", UP),
        hangup(4000, "a"),
        hangup(9000, "b"),
        told=[("a", IN, 1000), ("b", IN, 3000), ("a", True, 4000), ("b", True, 9000)],
    ),
    case(
        "Asterisk is ordered to call for an agent, and somebody answers",
        new(0, "a"),
        state(2, "a", RINGING),
        dial(3, None, "a"),
        state(1000, "a", UP),
        rings(1002, "a", "b"),
        state(3000, "b", UP),
        enter(3001, "B", "b", "a"),
        hangup(9000, "a", "b"),
        told=[("a", OUT, 1000), ("b", IN, 3000), ("a", True, 9000), ("b", True, 9000.5)],
    ),
    case(
        "Asterisk is ordered to call for an agent, and nobody answers",
        new(0, "a"),
        dial(3, None, "a"),
        state(1000, "a", UP),
        rings(1002, "a", "b"),
        hangup(9000, "b", "a"),
        told=[("a", OUT, 1000), ("a", False, 9000.5)],
    ),
    case(
        "Asterisk is ordered to call for an agent through a Local channel",
        pair(0),
        dial(1, None, "l1"),
        rings(2, "l2", "a"),
        state(1000, "a", UP),
        rings(1002, "l1", "b"),
        enter(1003, "B", "a", "l2"),
        state(3000, "b", UP),
        hangup(9000, "a", "l2", "l1", "b"),
        told=[("a", OUT, 1000), ("b", IN, 3000), ("a", True, 9000), ("b", True, 9001.5)],
    ),
    case(
        "a phone that answers before it is told that it is rung",
        new(0, "t", RING),
        new(10, "a"),
        state(11, "a", UP),
        dial(12, "t", "a", UP),
        hangup(9000, "a", "t"),
        told=[("a", IN, 12), ("a", True, 9000)],
    ),
    case(
        "phones of nobody",
        new(0, "c", RING),
        rings(10, "c", "t"),
        state(1000, "t", UP),
        state(1001, "c", UP),
        hangup(9000, "c", "t"),
        told=[],
    ),
]

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def translator_of_agents() -> Translator:
    """A translator that knows the agents' devices."""
    translator = new_translator()
    translator.devices.is_agents = AGENTS.__contains__
    return translator


def of_devices(facts: list[Fact]) -> list[Told]:
    """What was told of devices."""
    told: list[Told] = []
    for fact in facts:
        if isinstance(fact, DeviceCallBegan):
            told.append((fact.uniqueid, fact.direction, (fact.occasion.at - instant(0)) / 1000))
        elif isinstance(fact, DeviceCallEnded):
            told.append((fact.uniqueid, fact.answered, (fact.occasion.at - instant(0)) / 1000))
    return told


def tell(translator: Translator, lines: list[Line]) -> list[Told]:
    """What the events bring of devices."""
    return of_devices([fact for each in lines for fact in translator.receive(each.message())])


@cases
def test_what_is_told(case: Case) -> None:
    """Each call on a device is told once, from dialling or from the answer to its end; a queue's calls are not."""
    assert tell(translator_of_agents(), case.lines) == case.told


@cases
def test_the_address_is_the_device(case: Case) -> None:
    """A call is told of the device that its channel is one of."""
    translator = translator_of_agents()
    for each in case.lines:
        for fact in translator.receive(each.message()):
            if isinstance(fact, DeviceCallBegan):
                assert fact.address == DEVICES[fact.uniqueid[0]].lower()


@cases
def test_nothing_is_remembered_of_what_is_over(case: Case) -> None:
    """When all channels have ended nothing is left of them."""
    translator = translator_of_agents()
    tell(translator, case.lines)
    tell(translator, hangup(9999, *{each.headers["Uniqueid"] for each in case.lines if "Uniqueid" in each.headers}))
    devices = translator.devices
    left = (devices._calls, devices._dialled_by, devices._offered, devices._waiting, devices._strangers)
    assert not any(left)


@cases
def test_neighbours_may_change_places(case: Case) -> None:
    """Events of several channels that come within a millisecond come in either order, and the same is told."""
    wanted = Counter((channel, what) for channel, what, _ in case.told)
    for n in range(len(case.lines) - 1):
        one, two = case.lines[n], case.lines[n + 1]
        of_one, of_two = _channels(one), _channels(two)
        if two.at - one.at > 1 or of_one & of_two or one.name == "LocalBridge":
            continue
        swapped = [*case.lines[:n], two, one, *case.lines[n + 2 :]]
        told = tell(translator_of_agents(), swapped)
        assert Counter((channel, what) for channel, what, _ in told) == wanted, (one, two)


def _channels(each: Line) -> set[str]:
    return {value for key, value in each.headers.items() if key.endswith("niqueid") and not key.startswith("Bridge")}


def hand_over(first: Translator, second: Translator) -> None:
    """Give the second what the first would have kept."""
    second.calls.restore(filter(None, first.calls.take_changed().values()))
    second.callers.restore(filter(None, first.callers.take_changed().values()))
    second.devices.restore(filter(None, first.devices.take_changed().values()))


@cases
def test_a_restart_of_the_gateway(case: Case) -> None:
    """A call that was told to begin before the gateway was restarted is told to end after it, with what was known."""
    for cut in range(len(case.lines)):
        first, second = translator_of_agents(), translator_of_agents()
        begun = tell(first, case.lines[:cut])
        hand_over(first, second)
        open_ = {channel for channel, what, _ in begun if isinstance(what, Direction)} - {
            channel for channel, what, _ in begun if isinstance(what, bool)
        }
        told = tell(second, case.lines[cut:])
        assert open_ <= {channel for channel, what, _ in told if isinstance(what, bool)}


def test_events_that_must_come() -> None:
    """All that it takes is let through by the link."""
    assert {each.name for case in CASES for each in case.lines} <= EVENTS


# After a loss ------------------------------------------------------------------------------------------------------


def channels(*rows: tuple[str, str, str, str]) -> Channels:
    """A list of channels: each with its application, state and bridge."""
    listed = Channels()
    for channel, application, number, bridge in rows:
        fields = {
            "event": "CoreShowChannel",
            "channel": name_of(channel),
            "uniqueid": channel,
            "application": application,
            "applicationdata": QUEUE if application == "Queue" else "",
            "channelstate": number,
            "bridgeid": bridge,
        }
        listed.add(AmiMessage(fields, Arrival(wall=0, steady=0)))
    return listed


def relist(translator: Translator, listed: Channels, at: float = 0) -> list[Told]:
    """What a list brings of devices."""
    translator.calls.relist(listed, instant(at))
    return of_devices(list(translator.devices.relist(listed, instant(at))))


def test_calls_found() -> None:
    """A list shows the calls that go on: who dialled by what the channel does, and none that a queue has to do with."""
    listed = channels(
        ("a", "Dial", RING, ""),
        ("b", "AppDial", UP, "B"),
        ("t", "Dial", UP, "B"),
        ("b2", "AppDial", RINGING, ""),
        ("a2", "AppDial", UP, ""),
        ("b3", "AppDial2", UP, ""),
        ("c", "AppDial", UP, "D"),
    )
    translator = translator_of_agents()
    assert relist(translator, listed, 5) == [("a", OUT, 5), ("b", IN, 5)]
    assert relist(translator, listed, 6) == []
    assert tell(translator, [*hangup(10, "a"), *hangup(11, "b")]) == [("a", False, 10), ("b", True, 11)]


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "AppQueue", UP, "B"), ("t", "Queue", UP, "B")],
        [("l1", "AppQueue", UP, "B"), ("t", "Queue", UP, "B"), ("l2", "Dial", UP, "C"), ("a", "AppDial", UP, "C")],
        [("a", "AppDial", UP, "B"), ("t", "Queue", UP, "B")],
    ],
    ids=["direct", "behind a Local channel", "its Local channel optimised away"],
)
def test_a_queues_calls_are_not_found(rows: list[tuple[str, str, str, str]]) -> None:
    """The phone that talks for a queue is in no other call, by whatever way the queue reached it."""
    assert relist(translator_of_agents(), channels(*rows)) == []


def test_a_list_may_be_ahead_of_the_events() -> None:
    """What a list shows, and what the events behind it tell again, is told once."""
    translator = translator_of_agents()
    lines = [new(0, "t", RING), *rings(1, "t", "a")]
    tell(translator, lines)
    assert relist(translator, channels(("a", "AppDial", UP, "B"), ("t", "Dial", UP, "B")), 4) == [("a", IN, 4)]
    assert tell(translator, [state(5, "a", UP), *enter(6, "B", "a", "t")]) == []


def test_agents_that_a_list_shows_later() -> None:
    """Calls on devices that turn out to be agents' are told then, but for those that have ended meanwhile."""
    translator = new_translator()
    agents: set[str] = set()
    translator.devices.is_agents = agents.__contains__
    listed = channels(("a", "Dial", UP, "B"), ("b", "AppDial", UP, "B"))
    assert relist(translator, listed) == []
    tell(translator, hangup(5, "a"))
    agents |= AGENTS
    assert of_devices(list(translator.devices.adopt(instant(6)))) == [("b", IN, 6)]
    assert of_devices(list(translator.devices.adopt(instant(7)))) == []


def test_calls_that_ended_unseen() -> None:
    """What a list lacks ended when it was last seen; what an event ends meanwhile is told once."""
    translator = translator_of_agents()
    tell(translator, [new(0, "a", RING), state(1, "a", UP), new(2, "b", RING), new(3, "b2", RING)])
    lacking = translator.devices.lacking({"b2"})
    assert lacking == ["a", "b"]
    tell(translator, hangup(10, "b"))
    ended = list(translator.devices.end_unseen(lacking, instant(4)))
    assert of_devices(list(ended)) == [("a", True, 4)]
    assert [each.occasion.cause for each in ended] == [Cause.RESYNC]


def test_an_answer_that_was_not_seen() -> None:
    """An agent who dialled before the loss and talks after it was answered."""
    translator = translator_of_agents()
    tell(translator, [new(0, "a", RING)])
    relist(translator, channels(("a", "Dial", UP, "B"), ("t", "AppDial", UP, "B")))
    assert tell(translator, hangup(10, "a")) == [("a", True, 10)]


def test_another_asterisk() -> None:
    """Every call ended with the Asterisk it was on."""
    translator = translator_of_agents()
    tell(translator, [new(0, "a", RING), *join(1, "t"), *rings(2, "t", "b")])
    assert of_devices(list(translator.interrupt(instant(5)))) == [("a", False, 5)]
    assert not list(filter(None, translator.devices.take_changed().values()))


def test_recorded_names_cost_a_look_up() -> None:
    """Of a channel that is nobody's device nothing is kept."""
    translator = translator_of_agents()
    tell(translator, [new(0, "t", RING), *rings(1, "t", "c"), state(5, "c", UP)])
    devices = translator.devices
    assert not any((devices._calls, devices._dialled_by, devices._offered, devices._strangers))
