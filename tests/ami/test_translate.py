"""From AMI events to facts: times, callers, and what each event means."""

import pytest

from gateway.ami.translate import EVENTS
from gateway.domain.call import CallKey
from gateway.domain.facts import CallAnswered, CallMissed, MemberAdded, MemberRemoved, MemberTold
from gateway.domain.instant import SECOND
from tests.ami.script import EPOCH, PHONE, QUEUE, Line, connect, hangup, instant, line, new_translator, play
from tests.ami.test_members import EVENT


def member_line(at: float, name: str, **changes: str) -> Line:
    """A member event."""
    return Line(at, name, EVENT | {"event": name} | changes)


def join(at: float, caller: str = "c", queue: str = QUEUE) -> Line:
    """QueueCallerJoin."""
    return line(at, "QueueCallerJoin", Uniqueid=caller, Queue=queue)


def called(at: float, caller: str = "c", phone: str = PHONE) -> Line:
    """AgentCalled."""
    return line(at, "AgentCalled", Uniqueid=caller, Queue=QUEUE, Interface=phone)


def answer_of(*script: Line, mode: str = "queue") -> CallAnswered:
    """The one answer in a script."""
    facts = play(script, new_translator(mode))  # type: ignore[arg-type]
    (fact,) = [each for each in facts if isinstance(each, CallAnswered)]
    return fact


def test_an_event_happened_when_it_is_stamped() -> None:
    """The Timestamp counts, to the microsecond, whenever the event comes; else its arrival does."""
    translator = new_translator()
    stamped = member_line(1000.125, "QueueMemberStatus").message()
    assert translator.instant(stamped) == instant(1000.125)
    bare = member_line(2000, "QueueMemberStatus").message(stamped=False)
    assert translator.instant(bare) == instant(2000)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("QueueMemberAdded", MemberAdded),
        ("QueueMemberPause", MemberTold),
        ("QueueMemberStatus", MemberTold),
        ("QueueMemberPenalty", MemberTold),
        ("QueueMemberRinginuse", MemberTold),
    ],
)
def test_member_events_tell_the_whole_member(name: str, kind: type[MemberAdded | MemberTold]) -> None:
    """Each has the member as it is then; that of a pause is known as one."""
    (fact,) = play([member_line(1000, name)])
    assert type(fact) is kind
    assert isinstance(fact, MemberAdded | MemberTold)
    assert (fact.member.member_name, fact.member.penalty, fact.occasion.at) == ("Alice", 3, instant(1000))
    assert getattr(fact, "pause_told", False) == (name == "QueueMemberPause")


def test_a_removal_names_the_membership() -> None:
    """With the time of the login that ends, where it is told."""
    (fact,) = play([member_line(1000, "QueueMemberRemoved")])
    assert isinstance(fact, MemberRemoved)
    assert (fact.queue, fact.interface, fact.login_stamp) == ("support", "Local/1001@ctx/n", EPOCH)
    (old,) = play([member_line(1000, "QueueMemberRemoved", logintime="")])
    assert isinstance(old, MemberRemoved)
    assert old.login_stamp is None


def test_an_answer_has_its_callers_times() -> None:
    """Joined, rung and answered give waiting and ringing; the call is told by both channels."""
    fact = answer_of(join(1000), called(3000), connect(5000.5))
    call = fact.call
    assert (fact.queue, fact.interface, fact.occasion.at) == (QUEUE, PHONE, instant(5000.5))
    assert call.key == CallKey("c", "p")
    assert (call.linkedid, call.caller_number, call.caller_name) == ("c", "5550100", None)
    assert (call.queued_at, call.offered_at, call.answered_at) == (instant(1000), instant(3000), instant(5000.5))
    assert (call.time_to_answer, call.ring_time) == (4_000_500, 2_000_500)


def test_time_to_answer_may_be_the_ringing() -> None:
    """By the operator's choice it is from the last AgentCalled of this member for this caller."""
    fact = answer_of(
        join(1000),
        called(2000),
        called(3000),
        called(3500, "d"),
        called(4000, phone="PJSIP/1002"),
        connect(5000),
        mode="ring",
    )
    assert (fact.call.time_to_answer, fact.call.ring_time) == (2_000_000, 2_000_000)


@pytest.mark.parametrize(("mode", "waited"), [("queue", 4 * SECOND), ("ring", 2 * SECOND)])
def test_what_was_not_seen_is_in_the_answer(mode: str, waited: int) -> None:
    """HoldTime and RingTime, both in whole seconds, stand in for a join and an offer that nobody saw."""
    fact = answer_of(connect(5000), mode=mode)
    assert (fact.call.queued_at, fact.call.offered_at) == (None, None)
    assert (fact.call.time_to_answer, fact.call.ring_time) == (waited, 2 * SECOND)


def test_a_caller_found_waiting() -> None:
    """A list tells since when, at a second's grain; an event tells it better."""
    translator = new_translator()
    translator.callers.found_waiting("c", QUEUE, instant(1000))
    (fact,) = [each for each in play([connect(5000)], translator) if isinstance(each, CallAnswered)]
    assert fact.call.time_to_answer == 4 * SECOND
    other = new_translator()
    play([join(1500)], other)
    other.callers.found_waiting("c", QUEUE, instant(1000))
    (fact,) = [each for each in play([connect(5000)], other) if isinstance(each, CallAnswered)]
    assert fact.call.time_to_answer == 3_500_000


def test_a_caller_who_comes_again_waits_anew() -> None:
    """Also in the same queue with the same channel; in another queue it is another waiting."""
    fact = answer_of(join(0), join(500, queue="sales"), join(9000), connect(10_000))
    assert fact.call.time_to_answer == SECOND


def test_callers_who_are_gone_are_forgotten() -> None:
    """A hang-up, or two lists of channels without them, let go of callers: the hang-up's event may be behind a list."""
    translator = new_translator()
    play([join(0), called(0), join(0, "d"), join(0, "e"), *hangup(1000, "c")], translator)
    assert translator.callers.sweep({"e"}) == []
    assert translator.callers.is_known("d")
    assert translator.callers.sweep({"e"}) == ["d"]
    assert set(translator.callers._callers) == {"e"}
    assert translator.callers.joined("c", QUEUE) is None
    assert translator.callers.offered("c", QUEUE, PHONE) is None


def test_each_attempt_is_missed_once() -> None:
    """AgentRingNoAnswer tells the attempt by its channel; without one, by its time."""
    missed = {"Queue": QUEUE, "Interface": PHONE, "Uniqueid": "c", "RingTime": "5000"}
    script = [
        Line(1000, "AgentRingNoAnswer", missed | {"DestUniqueid": "p1"}),
        Line(2000, "AgentRingNoAnswer", missed | {"DestUniqueid": "p2"}),
        Line(3000, "AgentRingNoAnswer", missed),
        Line(4000, "AgentRingNoAnswer", missed),
    ]
    facts = [each for each in play(script) if isinstance(each, CallMissed)]
    assert len({fact.attempt for fact in facts}) == 4
    assert all((fact.queue, fact.interface) == (QUEUE, PHONE) for fact in facts)


def test_what_time_decided_before_an_event_is_told_before_it() -> None:
    """Facts stand in the order in which things happened, also if no timer ran between."""
    script = [
        connect(0),
        line(1, "BridgeEnter", BridgeUniqueid="B", Uniqueid="p"),
        line(1, "BridgeEnter", BridgeUniqueid="B", Uniqueid="c"),
        line(5000, "BridgeLeave", BridgeUniqueid="B", Uniqueid="c"),
        member_line(7000, "QueueMemberPause"),
    ]
    translator = new_translator()
    facts = [fact for each in script for fact in translator.receive(each.message())]
    told = ["CallerLeft", "CallAnswered", "CallEnded", "CallClosed", "MemberTold"]
    assert [type(fact).__name__ for fact in facts] == told


@pytest.mark.parametrize("name", ["QueueEntry", "ChanSpyStart", "MusicOnHoldStart", "Hold", "FullyBooted", ""])
def test_other_events_say_nothing(name: str) -> None:
    """An event that the model does not know brings no fact."""
    assert name not in EVENTS
    assert play([line(0, name, Queue=QUEUE, Uniqueid="c")]) == []


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_without_headers_breaks_nothing(name: str) -> None:
    """Blocks may be missing: whatever is not there, no event of those that are known fails."""
    translator = new_translator()
    play([line(0, name), connect(1), line(2, name)], translator)
