"""When the agent stops talking: every observed case, in every order in which its events may come."""

import random
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ami.calls import REMEMBERED, QueueCalls
from gateway.ami.lists import Channels
from gateway.ami.message import AmiMessage, Arrival
from gateway.ami.translate import Translator
from gateway.domain.call import Call, CallKey
from gateway.domain.facts import CallAnswered, CallClosed, CallEnded
from gateway.domain.session import Cause, Occasion
from tests.ami.call_scripts import CASES, Case
from tests.ami.script import (
    PHONE,
    QUEUE,
    End,
    Line,
    answered,
    blind,
    complete,
    connect,
    ends,
    enter,
    hangup,
    instant,
    leave,
    line,
    new_translator,
    play,
)

BY_NAME = {case.name: case for case in CASES}
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
#: Milliseconds within which events of one act change places.
SHUFFLED = 3.0


@cases
def test_the_talk_ends_when_the_agent_stops(case: Case) -> None:
    """The end, by whom, and where to, are what the phones' own logs said; each end is told once."""
    assert ends(play(case.lines)) == case.ends


@cases
def test_every_event_told_twice_changes_nothing(case: Case) -> None:
    """A script whose events all come twice in a row has the same ends."""
    twice = [each for line_ in case.lines for each in (line_, line_)]
    assert ends(play(twice)) == case.ends


@cases
def test_nothing_is_remembered_of_what_is_over(case: Case) -> None:
    """When all channels have ended nothing is left of them but the calls whose completion may still come."""
    translator = new_translator()
    play(case.lines, translator)
    left = {each for line_ in case.lines for key, each in line_.headers.items() if key.endswith("Uniqueid")}
    play(hangup(1_000_000, *sorted(left)), translator)
    assert not translator.calls._by_channel
    assert not translator.calls._timers
    assert not translator.calls.bridges._bridge_of
    assert not translator.calls.bridges._channels
    assert not translator.calls.bridges._other_half
    assert list(translator.calls.open_calls()) == []


def channels_of(each: Line) -> set[str]:
    """The channels whose own order an event keeps: those that it moves, ends or replaces."""
    match each.name:
        case "BridgeEnter" | "BridgeLeave" | "Hangup":
            return {each.headers["Uniqueid"]}
        case "LocalOptimizationBegin":
            return {each.headers["LocalOneUniqueid"], each.headers["SourceUniqueid"]}
        case _:
            return set()


def shuffled(lines: list[Line], chance: random.Random) -> list[Line]:
    """The lines with those that lie within 3 ms in any order, but for the order of each channel's own events.

    The times stay where they are, as Asterisk stamps events in the order in which it sends them.
    """
    clusters: list[list[Line]] = []
    for each in sorted(lines, key=lambda each: each.at):
        if clusters and each.at - clusters[-1][0].at <= SHUFFLED:
            clusters[-1].append(each)
        else:
            clusters.append([each])
    result: list[Line] = []
    for cluster in clusters:
        rest = list(cluster)
        for place in cluster:
            behind: set[str] = set()
            free = []
            for each in rest:
                about = channels_of(each)
                if not about & behind:
                    free.append(each)
                behind |= about
            chosen = chance.choice(free)
            rest.remove(chosen)
            result.append(chosen._replace(at=place.at))
    return result


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CASES), st.randoms(use_true_random=False))
def test_the_order_of_what_comes_at_once_does_not_matter(case: Case, chance: random.Random) -> None:
    """Events within 3 ms of each other may come in any order: each call ends once, and within 3 ms of when it did."""
    wanted = {end.leg: end for end in case.ends}
    found = {end.leg: end for end in ends(play(shuffled(case.lines, chance)))}
    assert found.keys() == wanted.keys()
    for leg, end in found.items():
        assert abs(end.at - wanted[leg].at) <= SHUFFLED
        assert end.by in (wanted[leg].by, "transfer", "caller")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(CASES), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_calls_at_once_do_not_touch_each_other(several: list[Case], chance: random.Random) -> None:
    """Cases mixed event by event, each with channels and members of its own, end as they do alone."""
    lines = []
    wanted = defaultdict(list)
    for number, case in enumerate(several):
        shift = chance.randrange(0, 20_000)
        for each in case.lines:
            headers = {
                key: f"{value}-{number}" if "Uniqueid" in key or key == "Interface" else value
                for key, value in each.headers.items()
            }
            lines.append(Line(each.at + shift, each.name, headers))
        for end in case.ends:
            wanted[number].append(End(f"{end.leg}-{number}", end.at + shift, end.by, end.to))
    lines.sort(key=lambda each: each.at)
    found = ends(play(lines))
    for number, expected in wanted.items():
        mine = [end for end in found if end.leg.endswith(f"-{number}")]
        assert sorted(mine, key=lambda end: end.leg) == sorted(expected, key=lambda end: end.leg)


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 80))
def test_no_disorder_whatever_breaks_it(chance: random.Random, count: int) -> None:
    """Any events of any cases in any order and number: no exception, no call that ends twice or before its answer."""
    lines = [chance.choice(chance.choice(CASES).lines) for _ in range(count)]
    translator = new_translator()
    begun: set[CallKey] = set()
    over: list[tuple[str, CallKey]] = []
    for number, each in enumerate(lines):
        for fact in play([each._replace(at=number * 50.0)], translator, until=number * 50.0):
            if isinstance(fact, CallAnswered):
                begun.add(fact.call.key)
            elif isinstance(fact, CallEnded):
                assert fact.key in begun
                over.append((fact.queue, fact.key))
    assert len(over) == len(set(over))


# One at a time -----------------------------------------------------------------------------------------------------


def test_a_leg_without_company_is_waited_for() -> None:
    """The end is told 200 ms after the leg was left alone, as of that moment; company within that time undoes it."""
    translator = new_translator()
    play(answered(), translator, until=0)
    assert play(leave(5000, "B", "c"), translator, until=5000) == []
    assert translator.next_deadline() == instant(5200)
    assert translator.advance(instant(5199)) == []
    (fact,) = translator.advance(instant(5200))
    assert isinstance(fact, CallEnded)
    assert fact.occasion.at == instant(5000)


def test_the_next_deadline_is_the_earliest() -> None:
    """Of several legs left alone the one that was left first is decided first."""
    translator = new_translator()
    script = [*answered(), *answered("d", "q", "B2"), *leave(5000, "B", "c"), *leave(5100, "B2", "d")]
    play(script, translator, until=5100)
    assert translator.next_deadline() == instant(5200)
    assert [end.leg for end in ends(translator.advance(instant(5250)))] == ["p"]
    assert translator.next_deadline() == instant(5300)


@pytest.mark.parametrize(("back", "at"), [(5199, 9000.0), (5300, 5000.0)])
def test_company_within_200_ms_by_the_events_own_time(back: float, at: float) -> None:
    """What counts is when the events happened, also if all of them arrive in one read."""
    script = [*answered(), *leave(5000, "B", "c"), *enter(back, "B", "d"), *leave(9000, "B", "p", "d")]
    translator = new_translator()
    facts = [fact for each in script for fact in translator.receive(each.message())]
    facts += translator.advance(instant(20_000))
    facts += translator.advance(instant(20_000))
    assert [(end.leg, end.at) for end in ends(facts)] == [("p", at)]


def test_a_completion_ends_a_call_whose_leg_is_not_known() -> None:
    """Without events of class ``call`` there is nothing else to go by."""
    assert ends(play([connect(0), complete(5000, "agent")])) == [End("p", 5000, "agent")]


def test_a_completion_does_not_end_a_call_whose_leg_still_talks() -> None:
    """The end is the leg's, however much later; by whom, a completion long before it cannot know."""
    translator = new_translator()
    assert play([*answered(), complete(5000, "caller")], translator)[1:] == []
    assert translator.calls.is_talking(QUEUE.upper(), PHONE.lower())
    assert ends(play(leave(90_000, "B", "p", "c"), translator)) == [End("p", 90_000, None)]
    assert not translator.calls.is_talking(QUEUE, PHONE)


def test_a_record_waits_a_second_for_the_completion() -> None:
    """A completion within the second says who ended the call; one after it adds nothing and is no stray."""
    for late, by in ((900.0, "agent"), (1100.0, None)):
        translator = new_translator()
        script = [*answered(), *leave(5000, "B", "p", "c"), *hangup(5001, "p"), complete(5000 + late, "agent", leg="")]
        assert ends(play(script, translator)) == [End("p", 5000, by)]
        assert translator.calls.unmatched == 0


def test_a_record_goes_out_as_soon_as_all_is_known() -> None:
    """With the end where the completion came first, with the completion where the end did: nothing is waited for."""
    over = [*leave(5000, "B", "p", "c"), *hangup(5001, "p")]
    for script in ([complete(4999, "agent"), *over], [*over, complete(5002, "agent")]):
        assert ends(play([*answered(), *script], until=5100)) == [End("p", 5000, "agent")]


def test_where_a_transfer_went_may_be_told_behind_its_end() -> None:
    """Hang-up and completion before the event of the transfer: the record has the target all the same."""
    script = [
        *answered(),
        complete(5000, "transfer"),
        *leave(5000.5, "B", "p", "c"),
        *hangup(5001, "p"),
        blind(5002, "p"),
    ]
    assert ends(play(script)) == [End("p", 5000.5, "transfer", "2000")]


def test_many_calls_of_one_member_are_followed() -> None:
    """Completions of the last calls still find theirs, however many there were; older ones are let go."""
    translator = new_translator()
    for number in range(40):
        begin = number * 10_000
        script = [*answered(f"c{number}", f"p{number}", f"B{number}", at=begin)]
        script += [*leave(begin + 5000, f"B{number}", f"p{number}", f"c{number}"), *hangup(begin + 5001, f"p{number}")]
        assert [end.at for end in ends(play(script, translator, until=begin + 9999))] == [begin + 5000]
    for number in range(40 - REMEMBERED, 40):
        play([complete(500_000 + number, "caller", caller=f"c{number}", leg="", talk=400)], translator)
    assert translator.calls.unmatched == 0
    play([complete(600_000, "caller", caller="c1", leg="", talk=600)], translator)
    assert translator.calls.unmatched == 1


# After a loss ------------------------------------------------------------------------------------------------------


def test_a_restart_interrupts_what_was_talked() -> None:
    """Every open call ends when the old Asterisk was last heard, and its record goes out at once."""
    calls = QueueCalls()
    calls.connect(QUEUE, PHONE, Call(CallKey("c", "p"), answered_at=instant(0)))
    calls.enter_bridge("B", "p")
    calls.enter_bridge("B", "c")
    assert ends(calls.interrupt(instant(7000))) == [End("p", 7000, "interrupted")]
    assert calls.next_deadline() is None
    assert calls.interrupt(instant(8000)) == []


def test_a_restart_does_not_interrupt_what_was_over() -> None:
    """A leg that had been left alone just before ended then."""
    translator = new_translator()
    play([*answered(), *leave(5000, "B", "c")], translator, until=5000)
    assert ends(translator.calls.interrupt(instant(5100))) == [End("p", 5000, None)]


def listed(*uniqueids: str, bridge: str = "", application: str = "", data: str = "") -> list[AmiMessage]:
    """CoreShowChannel of each of these, in one bridge."""
    about = {"bridgeid": bridge, "application": application, "applicationdata": data}
    return [
        AmiMessage({"event": "CoreShowChannel", "uniqueid": each, "channel": f"PJSIP/{each}-1", **about}, Arrival(0, 0))
        for each in uniqueids
    ]


def relisted(translator: Translator, at: float, *messages: AmiMessage) -> list[str]:
    """Take a list of channels, and return the legs of the calls that nobody talks in by it."""
    channels = Channels()
    for message in messages:
        channels.add(message)
    translator.calls.relist(channels, instant(at))
    return sorted(tracked.leg for tracked in translator.calls.lacking())


def test_a_list_of_channels_without_the_leg_ends_a_call() -> None:
    """A call whose leg is gone, and so is its caller, ended when it was last seen, unless an event tells it better."""
    translator = new_translator()
    play([*answered(), *answered("d", "q", "B2"), *answered("e", "r", "B3")], translator, until=0)
    assert relisted(translator, 5000, *listed("q", "d", bridge="B2")) == ["p", "r"]
    suspects = translator.calls.lacking()
    play(hangup(6001, "r"), translator)
    facts = translator.calls.end_unseen(suspects, instant(9000))
    (ended, *_) = facts
    assert isinstance(ended, CallEnded)
    assert (ended.key.dest_uniqueid, ended.occasion) == ("p", Occasion(instant(9000), Cause.RESYNC))
    assert [fact.key.dest_uniqueid for fact in facts if isinstance(fact, CallEnded)] == ["p"]


def test_a_caller_who_is_elsewhere_keeps_no_call_open() -> None:
    """A redirect or a transfer that nobody saw: the caller is there, the agent's phone is not."""
    translator = new_translator()
    play(answered(), translator, until=0)
    assert relisted(translator, 5000, *listed("c", "x", bridge="B7", application="Dial")) == ["p"]
    elsewhere = listed("c", bridge="B7", application="Queue", data="another,t")
    assert relisted(translator, 5000, *elsewhere, *listed("x", bridge="B7", application="AppQueue")) == ["p"]


def test_a_leg_that_talks_with_nobody_keeps_no_call_open() -> None:
    """Parking by code leaves the phone alone with an announcement; it is in no bridge, or alone in one."""
    for bridge in ("", "B"):
        translator = new_translator()
        play(answered(), translator, until=0)
        assert relisted(translator, 5000, *listed("p", bridge=bridge), *listed("c", bridge="B9")) == ["p"]


def test_a_leg_whose_caller_was_exchanged_talks_on() -> None:
    """A consultation of the caller's was completed into the call while nobody watched."""
    translator = new_translator()
    play(answered(), translator, until=0)
    assert relisted(translator, 5000, *listed("p", "z", bridge="B9")) == []


def test_a_local_channel_optimised_away_unseen_ends_nothing() -> None:
    """The caller is in the queue's bridge with one channel that is no other member's: that is the phone."""
    translator = new_translator()
    play(answered("c", "local;1"), translator, until=0)
    there = listed("c", bridge="B", application="Queue", data="support,t,,,300")
    assert relisted(translator, 5000, *there, *listed("phone", bridge="B", application="AppDial")) == []
    assert ends(play(hangup(7000, "phone"), translator)) == [End("local;1", 7000, None)]


def test_a_caller_whom_the_queue_gave_to_another_keeps_no_call_open() -> None:
    """Sent into the same queue again and answered by somebody else: that call has a leg of its own."""
    translator = new_translator()
    play(answered(), translator, until=0)
    again = listed("c", bridge="B2", application="Queue", data="support")
    assert relisted(translator, 5000, *again, *listed("q", bridge="B2", application="AppQueue")) == ["p"]


@pytest.mark.parametrize(("mode", "waited"), [("queue", 4_000_000), ("ring", None)])
def test_a_call_found_open_waits_for_its_completion(mode: str, waited: int | None) -> None:
    """When it was answered is in AgentComplete; HoldTime is the caller's waiting, and says nothing of the ringing."""
    translator = new_translator(mode)  # type: ignore[arg-type]
    translator.calls.connect(QUEUE, PHONE, Call(CallKey("c", "p"), found_at=instant(0)))
    play(enter(0, "B", "p", "c"), translator)
    assert play([*leave(5000, "B", "p", "c"), *hangup(5001, "p")], translator, until=5001) == []
    facts = play([complete(5500, "agent", talk=30)], translator)
    assert ends(facts) == [End("p", 5000, "agent")]
    (ended, closed) = facts
    assert isinstance(ended, CallEnded)
    assert isinstance(closed, CallClosed)
    assert (ended.answered_at, ended.time_to_answer) == (instant(5500 - 30_000), waited)


def test_a_call_found_open_whose_completion_does_not_come() -> None:
    """Its end is told a second later, without the time of its answer."""
    translator = new_translator()
    translator.calls.connect(QUEUE, PHONE, Call(CallKey("c", "p"), found_at=instant(0)))
    facts = play(hangup(5000, "p"), translator)
    assert ends(facts) == [End("p", 5000, None)]
    assert isinstance(facts[0], CallEnded)
    assert facts[0].answered_at is None


def test_the_event_of_a_call_found_open_gives_it_its_times() -> None:
    """An AgentConnect that a list overtook is no second call."""
    translator = new_translator()
    translator.calls.connect(QUEUE, PHONE, Call(CallKey("c", "p"), found_at=instant(50)))
    facts = play([connect(40), *hangup(5000, "p"), complete(5001, "agent")], translator)
    assert ends(facts[1:]) == [End("p", 5000, "agent")]
    assert isinstance(facts[1], CallEnded)
    assert facts[1].answered_at is None


def test_an_unpaired_local_optimisation_leaves_others_alone() -> None:
    """A Local channel on the caller's side that is optimised away is not the agent's phone."""
    script = [*answered(), line(20, "LocalOptimizationBegin", LocalOneUniqueid="c", SourceUniqueid="c2")]
    script += [*leave(21, "B", "c"), *enter(21.5, "B", "c2"), *hangup(22, "c"), *leave(5000, "B", "c2", "p")]
    assert ends(play(script)) == [End("p", 5000, None)]
