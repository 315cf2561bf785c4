"""Callers of queues, from events and lists: real conversations, and what versions and blocks leave out."""

from dataclasses import replace

import pytest

from gateway.ami.lists import QueueList
from gateway.domain.caller import WayOut
from gateway.domain.facts import CallerGone, CallerJoined, CallerLeft, ChannelsListed, Fact
from gateway.domain.instant import SECOND
from gateway.domain.session import Cause
from tests.ami.recordings import names
from tests.ami.script import QUEUE, Line, connect, hangup, instant, line, new_translator, play_all
from tests.ami.test_lists import message
from tests.queue_log.watched import tour


def join(at: float, who: str = "c", **headers: str) -> Line:
    """QueueCallerJoin."""
    block = {"Uniqueid": who, "Linkedid": who, "CallerIDNum": "5550100", "CallerIDName": "O\\'Brien", "Position": "1"}
    return Line(at, "QueueCallerJoin", {"Queue": QUEUE} | block | headers)


def leave(at: float, who: str = "c", **headers: str) -> Line:
    """QueueCallerLeave."""
    return Line(at, "QueueCallerLeave", {"Queue": QUEUE, "Uniqueid": who, "Position": "1"} | headers)


def of_callers(told: list[Fact]) -> list[tuple[str, float]]:
    """The facts of callers: name or way out, and the millisecond."""
    kinds = (CallerJoined, CallerLeft, CallerGone)
    return [
        (fact.way.value if isinstance(fact, CallerLeft) else type(fact).__name__, (fact.occasion.at - instant(0)) / 1e3)
        for fact in told
        if isinstance(fact, kinds)
    ]


def test_an_answered_caller() -> None:
    """Who it is, when it joined, when it left, and that its channel ended."""
    told = play_all([join(100), leave(2100), connect(2101), *hangup(5000, "c")])
    assert of_callers(told) == [("CallerJoined", 100), ("CONNECTED", 2100), ("CallerGone", 5000)]
    joined, left = told[0], told[1]
    assert isinstance(joined, CallerJoined)
    assert isinstance(left, CallerLeft)
    caller = joined.caller
    assert (caller.number, caller.name, caller.position, caller.linkedid) == ("5550100", "O'Brien", 1, "c")
    assert left.caller.joined_at == instant(100)


def test_a_caller_who_hangs_up() -> None:
    """HangupRequest or SoftHangupRequest before QueueCallerAbandon; of other channels they mean nothing."""
    for event in ("HangupRequest", "SoftHangupRequest"):
        abandon = line(2000, "QueueCallerAbandon", Queue=QUEUE, Uniqueid="c", HoldTime="2")
        script = [join(0), line(1999, event, Uniqueid="c"), abandon, leave(2001)]
        assert of_callers(play_all(script)) == [("CallerJoined", 0), ("ABANDONED", 2001)]
        script[1] = line(1999, event, Uniqueid="another")
        assert of_callers(play_all(script)) == [("CallerJoined", 0), ("TIMED_OUT", 2001)]


def test_a_caller_whose_joining_nobody_saw() -> None:
    """HoldTime says how long it waited, of one who is given up and of one who is answered."""
    abandon = line(9000, "QueueCallerAbandon", Queue=QUEUE, Uniqueid="c", HoldTime="7")
    for script in ([abandon, leave(9000)], [leave(9000), connect(9000)]):
        (left,) = [fact for fact in play_all(script) if isinstance(fact, CallerLeft)]
        waited = 7 if abandon in script else 4
        assert left.occasion.at - left.caller.joined_at == waited * SECOND


def test_an_agents_channel_keeps_the_way_open() -> None:
    """Without a log: while the channel that was rung is there, an answer is waited for."""
    called = line(1000, "AgentCalled", Queue=QUEUE, Uniqueid="c", DestUniqueid="p", Interface="PJSIP/1001")
    script = [join(0), called, leave(3000)]
    assert of_callers(play_all([*script, connect(9000)]))[1:] == [("CONNECTED", 3000)]
    translator = new_translator()
    assert of_callers(play_all(script, translator, until=8000)) == [("CallerJoined", 0)]
    assert of_callers(play_all(hangup(8000, "p"), translator)) == [("KEY", 3000)]


def test_a_queue_that_is_listed() -> None:
    """Who waits, in its order and since when, to the second; the threshold; and it tells joinings that nobody saw."""
    translator = new_translator()
    listed = QueueList()
    for each in (
        message("QueueParams", queue=QUEUE, servicelevel="20"),
        message("QueueEntry", queue=QUEUE, position="2", uniqueid="d", wait="3", calleridnum="unknown"),
        message("QueueEntry", queue=QUEUE, position="1", uniqueid="c", wait="12", calleridnum="5550100"),
    ):
        listed.add(each, lambda wall: wall)
    fact = translator.waiting.listed(QUEUE, listed, instant(20_000), asked_at=instant(19_900))
    assert [(each.uniqueid, each.number, each.joined_at) for each in fact.waiting] == [
        ("c", "5550100", instant(8_000)),
        ("d", None, instant(17_000)),
    ]
    assert fact.service_level == 20 * SECOND
    assert fact.occasion.cause is Cause.RESYNC
    assert translator.callers.joined("c", QUEUE) == instant(8_000)


def test_channels_that_are_listed() -> None:
    """Are handed on as they are."""
    fact = new_translator().waiting.channels_listed({"c"}, instant(5))
    assert fact == ChannelsListed({"c"}, replace(fact.occasion, at=instant(5)))


def test_the_end_of_contact() -> None:
    """Who was given up is decided; of who was not nothing is known."""
    translator = new_translator()
    script = [join(0), join(0, "d"), line(1000, "QueueCallerAbandon", Uniqueid="c", Queue=QUEUE), leave(1000)]
    play_all([*script, leave(1000, "d")], translator, until=0)
    assert of_callers(translator.lose_contact()) == [("TIMED_OUT", 1000)]


@pytest.mark.parametrize("name", names())
def test_real_conversations(name: str) -> None:
    """Every caller who joined left once, in the way that the queue_log of the same minutes has."""
    recorded, translator = tour(name), new_translator()
    told = [
        fact
        for each in recorded.messages
        if not each.action_id
        for fact in (*translator.receive(each), *translator.advance(translator.instant(each)))
    ]
    while (deadline := translator.next_deadline()) is not None:
        told += translator.advance(deadline)
    lines = {"CONNECT": WayOut.CONNECTED, "ABANDON": WayOut.ABANDONED}
    logged = [(each.callid, each.queue, lines[each.event]) for each in recorded.log if each.event in lines]
    left = [(fact.caller.uniqueid, fact.queue, fact.way) for fact in told if isinstance(fact, CallerLeft)]
    assert sorted(left) == sorted(logged)
    joined = [fact.caller.uniqueid for fact in told if isinstance(fact, CallerJoined)]
    assert sorted(joined) == sorted(each.callid for each in recorded.log if each.event == "ENTERQUEUE")
