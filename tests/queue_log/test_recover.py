"""What a log gives back of a gap: calls, pauses, logins, at a second's grain, and nothing that is not certain."""

from dataclasses import replace

import pytest

from gateway.domain.call import EndedBy
from gateway.domain.facts import CallAnswered, CallClosed, CallEnded, CallMissed, ContactLost, MemberAdded, MemberTold
from gateway.domain.member import DeviceState, Member
from gateway.domain.session import Cause
from gateway.domain.state import AgentSessionEvent, AgentSessionState
from gateway.queue_log.known import Heard
from gateway.queue_log.reading import Missing
from gateway.queue_log.recovered_calls import Legs
from gateway.queue_log.waiting import WaitingCallers
from tests.domain.support import ALICE, EPOCH, PHONE, QUEUE, Desk, at, call_of, since, story_of, us
from tests.queue_log.gaps import desk_with, key, log, recover, stamp

BOB = replace(ALICE, interface="PJSIP/1002", state_interface="PJSIP/1002", member_name="Bob")
TWIN = replace(BOB, member_name="Alice")

# Calls -------------------------------------------------------------------------------------------------------------


def test_a_call_that_nobody_watched_is_counted() -> None:
    """With its times, its waiting, its caller, and who ended it; the wrap-up after it runs out in its time."""
    desk = desk_with()
    recover(
        desk,
        """
        100|a.1|support|NONE|ENTERQUEUE||5550100|1|Zoe
        104|a.1|support|Alice|CONNECT|4|a.2|2
        110|a.1|support|Alice|COMPLETECALLER|4|6|1
        """,
        90,
        200,
    )
    assert story_of(desk.told)[1:] == [("BUSY", 104), ("WRAPUP", 110), ("READY", 125)]
    assert [event.occasion.cause for event in desk.events[1:]] == [Cause.RECOVERED, Cause.RECOVERED, Cause.TIMER]
    (record,) = desk.records
    assert (record.talk_time, record.ended_by, record.transferred_to) == (us(6), EndedBy.CALLER, None)
    assert (record.call.caller_number, record.call.caller_name) == ("5550100", "Zoe")
    assert (record.call.queued_at, record.call.time_to_answer, record.call.ring_time) == (at(100), us(4), us(2))
    assert desk.session.figures.total_wrap_up_time == us(15)
    assert desk.session.complete


def test_the_time_to_answer_may_be_the_ringing() -> None:
    """As it is configured."""
    desk = desk_with()
    lines = "104|a.1|support|Alice|CONNECT|4|a.2|2\n110|a.1|support|Alice|COMPLETECALLER|4|6|1"
    recover(desk, lines, 90, 200, time_to_answer="ring")
    assert desk.session.figures.time_to_answer == us(2)


@pytest.mark.parametrize(
    ("line", "by", "to"),
    [
        ("COMPLETEAGENT|4|6|1", EndedBy.AGENT, None),
        ("BLINDTRANSFER|2000|phones|4|6|1", EndedBy.TRANSFER, "2000"),
        ("ATTENDEDTRANSFER|BRIDGE|0f3e|4|6|1", EndedBy.TRANSFER, None),
        ("ATTENDEDTRANSFER|APP|Queue|4|6|1", EndedBy.TRANSFER, "Queue"),
        ("ATTENDEDTRANSFER|LINK|Local/x;1|Local/x;2|4|6|1", EndedBy.TRANSFER, None),
    ],
)
def test_a_call_ends_as_the_log_says(line: str, by: EndedBy, to: str | None) -> None:
    """By whom, and where to as far as the log tells."""
    desk = desk_with()
    recover(desk, f"104|a.1|support|Alice|CONNECT|4|a.2|2\n110|a.1|support|Alice|{line}", 90, 200)
    (record,) = desk.records
    assert (record.talk_time, record.ended_by, record.transferred_to) == (us(6), by, to)


def test_a_call_that_was_open_ends_after_the_talk_that_the_log_tells() -> None:
    """Its answer is known exactly, so that the whole seconds of talk put its end within the second of the line."""
    desk = desk_with()
    desk.answer(80.75)
    recover(desk, "110|a.1|support|Alice|COMPLETEAGENT|4|30|1", 90, 200)
    assert story_of(desk.told)[2:] == [("WRAPUP", 110.75), ("READY", 125.75)]
    assert desk.records[0].talk_time == us(30)


def test_a_talk_that_the_log_counts_too_long_is_not_believed() -> None:
    """The line's second holds."""
    desk = desk_with()
    desk.answer(80.75)
    recover(desk, "110|a.1|support|Alice|COMPLETEAGENT|4|300|1", 90, 200)
    assert desk.records[0].talk_time == pytest.approx(us(30.25), abs=2)


def test_what_is_known_of_one_call_does_not_lengthen_another() -> None:
    """That one ended late in its second says nothing of the talk of another that ended in it, too."""
    desk = desk_with(ALICE, BOB, wrap_up=0)
    desk.answer(88.9)
    lines = """
    99|b.1|support|Bob|CONNECT|4|b.2|2
    101|a.1|support|Alice|COMPLETECALLER|4|13|1
    101|b.1|support|Bob|COMPLETECALLER|4|2|1
    101|c.1|support|Bob|CONNECT|4|c.2|2
    104|c.1|support|Bob|COMPLETECALLER|4|3|1
    """
    recover(desk, lines, 90, 200)
    assert [record.talk_time for record in desk.records] == [us(13), us(2), us(3)]


def test_nothing_of_the_gap_is_before_or_behind_it() -> None:
    """A line of the second in which contact was lost, or regained, happened within the gap."""
    desk = desk_with()
    recover(desk, "90|a.1|support|Alice|CONNECT|4|a.2|2\n99|a.1|support|Alice|COMPLETEAGENT|4|9|1", 90.6, 99.2)
    assert story_of(desk.told)[1:] == [("BUSY", 90.6), ("WRAPUP", 99.2)]


def test_a_call_found_open_gets_its_answer_from_the_log() -> None:
    """A list had shown it without its times."""
    desk = desk_with()
    desk.listed(50, ALICE, calls=[call_of("a", None, found=50)])
    recover(desk, "40|a.1|support|Alice|CONNECT|4|a.2|2\n60|NONE|NONE|NONE|CONFIGRELOAD|", 55, 65)
    (call,) = desk.session.calls
    assert (call.answered_at, call.time_to_answer) == (at(40), us(4))
    desk.end(70)
    assert desk.session.figures.total_talk_time == us(30)


def test_a_call_found_open_gets_its_answer_from_its_end() -> None:
    """Where its CONNECT is not read any more."""
    desk = desk_with()
    desk.listed(50, ALICE, calls=[call_of("a", None, found=50)])
    recover(desk, "70|a.1|support|Alice|COMPLETEAGENT|4|30|1", 55, 75)
    assert desk.session.figures.total_talk_time == us(30)
    assert desk.session.figures.time_to_answer == us(4)


def test_a_call_goes_on_if_its_agent_still_talks() -> None:
    """Asterisk completes the call of an agent reached by an attended transfer, who talks on."""
    desk = desk_with()
    lines = "104|a.1|support|Alice|CONNECT|4|a.2|2\n110|a.1|support|Alice|COMPLETECALLER|4|6|1"
    recovery = recover(desk, lines, 90, 200, legs=Legs({"a.2": "PJSIP/1001-00000001"}, {"a.2"})).recovery
    assert desk.session.state is AgentSessionState.BUSY_ON_CALL
    assert [each.call.key for each in recovery.calls.open] == [key("a")]
    assert recovery.calls.ended == []


def test_a_caller_whose_id_changed_is_known_by_the_talk() -> None:
    """An attended transfer may be logged under another channel."""
    desk = desk_with()
    lines = "104|a.1|support|Alice|CONNECT|4|a.2|2\n134|z.1|support|Alice|ATTENDEDTRANSFER|APP|Queue|4|30|1"
    recover(desk, lines, 90, 200)
    assert desk.records[0].talk_time == us(30)


def test_the_same_caller_twice_is_two_calls() -> None:
    """Sent back into the queue to the same agent: the ends go with the answers, in whatever order they come."""
    desk = desk_with(wrap_up=None)
    recovery = recover(
        desk,
        """
        100|a.1|support|Alice|CONNECT|4|a.2|2
        120|a.1|support|Alice|CONNECT|1|b.2|1
        130|a.1|support|Alice|COMPLETECALLER|1|10|1
        131|a.1|support|Alice|COMPLETECALLER|4|31|1
        131|a.1|support|Alice|COMPLETECALLER|4|31|1
        """,
        90,
        200,
    ).recovery
    assert [record.talk_time for record in desk.records] == [us(10), us(31)]
    assert recovery.calls.unmatched == 1


def test_the_record_of_a_call_that_ended_just_before_the_gap_is_closed() -> None:
    """Its AgentComplete was not heard, but its line says who ended it."""
    desk = desk_with()
    desk.answer(80)
    desk.end(90)
    recover(desk, "90|a.1|support|Alice|COMPLETEAGENT|4|10|1", 90.01, 100)
    assert [(record.ended_by, record.talk_time) for record in desk.records] == [(EndedBy.AGENT, us(10))]


def test_a_call_of_a_member_that_was_removed_while_it_rang_is_nobodys() -> None:
    """As it is where somebody watches."""
    desk = desk_with()
    lines = """
        100|MANAGER|support|PJSIP/1001|REMOVEMEMBER|
        101|a.1|support|Alice|CONNECT|4|a.2|2
        109|a.1|support|Alice|COMPLETEAGENT|4|8|1
        """
    recovery = recover(desk, lines, 90, 200).recovery
    assert desk.records == []
    assert recovery.unplaced == []


def test_a_call_of_somebody_unknown_is_told_and_counted_for_nobody() -> None:
    """From its answer to its end, with the name that the log has."""
    desk = desk_with()
    lines = "100|a.1|support|Mallory|CONNECT|4|a.2|2\n109|a.1|support|Mallory|COMPLETEAGENT|4|9|1"
    (unplaced,) = recover(desk, lines, 90, 200).recovery.unplaced
    assert unplaced[:4] == ("support", "Mallory", at(100), at(109))
    assert desk.records == []


def test_missed_calls_are_counted() -> None:
    """Each attempt once, also two within one second."""
    desk = desk_with()
    lines = "\n".join(f"{second}|a.1|support|Alice|RINGNOANSWER|0" for second in (100, 100, 101))
    recovered = recover(desk, lines, 90, 200)
    assert desk.session.figures.calls_missed == 3
    assert len({fact.attempt for fact in recovered.said if isinstance(fact, CallMissed)}) == 3


# Members -----------------------------------------------------------------------------------------------------------


def test_pauses_come_back_with_their_reasons() -> None:
    """The lines of all queues are passed over, as those of each queue follow; a change of reason is one pause."""
    desk = desk_with()
    recover(
        desk,
        f"""
        100|NONE|NONE|Alice|PAUSEALL|tea | cake
        100|NONE|support|Alice|PAUSE|tea | cake
        110|NONE|support|Alice|UNPAUSE|Auto-Unpause
        110|NONE|support|Alice|PAUSE|{"é" * 60}
        120|NONE|support|Alice|UNPAUSE|back again
        130|NONE|support|Alice|PAUSE|
        """,
        90,
        200,
    )
    told = [("NOT_READY", 100), ("UPDATE", 110), ("READY", 120), ("NOT_READY", 130)]
    assert story_of(desk.told)[1:] == told
    reasons = [event.session.reason for event in desk.events[1:]]
    assert reasons == ["tea | cake", "é" * 39 + "�", None, None]


def test_a_penalty_comes_back() -> None:
    """It is told by the interface."""
    desk = desk_with()
    recover(desk, "100|NONE|support|PJSIP/1001|PENALTY|7", 90, 200)
    assert desk.session.member.penalty == 7


@pytest.mark.parametrize("logged_as", [BOB.interface, BOB.member_name])
@pytest.mark.parametrize("version", ["with LoginTime", "without"])
def test_a_login_is_that_of_who_is_there_now(logged_as: str, version: str) -> None:
    """The log has the interface, or the name where it is set to that; the list after the gap has the rest."""
    desk = desk_with()
    now = replace(BOB, penalty=4, wrap_up_time=5, paused=True, paused_reason="lunch")
    if version == "with LoginTime":
        now = replace(now, login_stamp=stamp(101), login_time=at(101))
    lines = f"""
        100|MANAGER|support|{logged_as}|ADDMEMBER|
        150|NONE|support|Bob|PAUSE|lunch
        """
    recover(desk, lines, 90, 200, present=[ALICE, now])
    session = desk.handler.session(QUEUE, BOB.interface)
    assert session is not None
    assert (session.agent, session.start_time, session.member.penalty) == ("Bob", at(100), 4)
    assert (session.state, session.reason, session.state_since) == (AgentSessionState.NOT_READY, "lunch", at(150))
    assert session.complete
    desk.listed(201, ALICE, now)
    assert len(list(desk.handler.sessions())) == 2
    assert list(desk.handler.ended()) == []


def test_a_login_and_logout_come_back_by_the_name_of_an_earlier_session() -> None:
    """Whoever always sat at that interface sits there again."""
    desk = desk_with(ALICE, replace(BOB, queue="sales"))
    lines = """
        100|MANAGER|support|PJSIP/1002|ADDMEMBER|PAUSED
        105|NONE|support|Bob|UNPAUSE|
        110|b.1|support|Bob|CONNECT|4|b.2|2
        120|b.1|support|Bob|COMPLETEAGENT|4|10|1
        130|MANAGER|support|PJSIP/1002|REMOVEMEMBER|
        """
    recovery = recover(desk, lines, 90, 200).recovery
    (session,) = desk.handler.ended()
    assert (session.agent, session.start_time, session.end_time) == ("Bob", at(100), at(130))
    assert session.figures.number_of_calls == 1
    assert session.figures.total_wrap_up_time == us(10)
    assert recovery.unplaced == []


def test_a_login_of_somebody_without_a_name_is_told() -> None:
    """Nobody is guessed at: the session, and its calls, are nobody's."""
    desk = desk_with()
    lines = """
        100|MANAGER|support|PJSIP/1009|ADDMEMBER|
        110|b.1|support|Grace|CONNECT|4|b.2|2
        120|b.1|support|Grace|COMPLETEAGENT|4|10|1
        130|MANAGER|support|PJSIP/1009|REMOVEMEMBER|
        """
    unplaced = recover(desk, lines, 90, 200).recovery.unplaced
    assert [each[:4] for each in unplaced] == [
        ("support", "Grace", at(110), at(120)),
        ("support", "PJSIP/1009", at(100), at(130)),
    ]
    assert len(list(desk.handler.sessions())) == 1


def test_a_member_named_as_its_interface_has_no_other_name() -> None:
    """Its first line says so, and its session begins at its login."""
    desk = desk_with()
    lines = """
        100|MANAGER|support|PJSIP/1009|ADDMEMBER|
        110|b.1|support|PJSIP/1009|CONNECT|4|b.2|2
        120|b.1|support|PJSIP/1009|COMPLETEAGENT|4|10|1
        """
    recovery = recover(desk, lines, 90, 200).recovery
    session = desk.handler.session(QUEUE, "PJSIP/1009")
    assert session is not None
    assert (session.agent, session.start_time, session.figures.number_of_calls) == ("PJSIP/1009", at(100), 1)
    assert recovery.unplaced == []


def test_two_who_sat_at_one_interface_are_not_told_apart() -> None:
    """A name that is not always the same is none."""
    desk = desk_with(ALICE, replace(BOB, queue="sales"), replace(BOB, queue="tech", member_name="Grace"))
    (unplaced,) = recover(desk, "100|MANAGER|support|PJSIP/1002|ADDMEMBER|", 90, 200).recovery.unplaced
    assert unplaced[:4] == ("support", "PJSIP/1002", at(100), at(200))


def test_a_call_still_talked_at_the_logout_counts_into_the_session_that_ended() -> None:
    """And brings no wrap-up."""
    desk = desk_with()
    lines = """
        100|a.1|support|Alice|CONNECT|4|a.2|2
        110|MANAGER|support|PJSIP/1001|REMOVEMEMBER|
        120|MANAGER|support|PJSIP/1001|ADDMEMBER|
        130|a.1|support|Alice|COMPLETEAGENT|4|30|1
        """
    recover(desk, lines, 90, 200, present=[replace(ALICE, login_stamp=stamp(120), login_time=at(120))])
    assert desk.records[0].session.figures.total_talk_time == us(30)
    assert desk.records[0].session.end_time == at(110)
    assert desk.session.figures.number_of_calls == 0
    assert desk.session.start_time == at(120)
    assert desk.session.state is AgentSessionState.READY


def test_a_member_that_came_without_a_line_is_there_since_its_login_time() -> None:
    """A static one, by a reload: its calls are its own from then on."""
    desk = desk_with()
    static = replace(BOB, membership="static", login_stamp=stamp(100), login_time=at(100))
    lines = "100|b.1|support|Bob|CONNECT|4|b.2|2\n120|b.1|support|Bob|COMPLETEAGENT|4|20|1"
    recover(desk, lines, 90, 200, present=[static])
    session = desk.handler.session(QUEUE, BOB.interface)
    assert session is not None
    assert (session.start_time, session.figures.total_talk_time) == (at(100), us(20))


# One name, two members ---------------------------------------------------------------------------------------------

TWO_CALLS = """
    100|a.1|support|Alice|CONNECT|4|a.2|2
    110|a.1|support|Alice|COMPLETEAGENT|4|10|1
    """


def gaps(desk: Desk) -> dict[str, list[tuple[float, float]]]:
    """The gaps of each session, by address."""
    return {each.address: [(since(gap.begin), since(gap.end)) for gap in each.gaps] for each in desk.handler.sessions()}


def test_a_call_of_two_of_one_name_is_a_gap_for_both() -> None:
    """As long as the call was; neither has it."""
    desk = desk_with(ALICE, TWIN)
    recover(desk, TWO_CALLS, 90, 200)
    assert gaps(desk) == {PHONE: [(100, 110)], TWIN.interface: [(100, 110)]}
    assert desk.records == []


def test_a_call_of_two_of_one_name_is_told_by_its_channel() -> None:
    """As long as the channel is there."""
    desk = desk_with(ALICE, TWIN)
    legs = Legs({"a.2": "PJSIP/1002-0000001f"})
    recovery = recover(desk, "100|a.1|support|Alice|CONNECT|4|a.2|2", 90, 200, legs=legs).recovery
    assert [each.interface for each in recovery.calls.open] == [TWIN.interface]
    assert gaps(desk) == {PHONE: [], TWIN.interface: []}


def test_a_call_of_two_of_one_name_is_not_of_the_one_that_was_paused() -> None:
    """Asterisk offers no call to a paused member; unless a pause in between may have been of either."""
    desk = desk_with(ALICE, replace(TWIN, paused=True, last_pause=at(20)))
    recover(desk, TWO_CALLS, 90, 200)
    assert desk.session.figures.number_of_calls == 1
    assert gaps(desk) == {PHONE: [], TWIN.interface: []}
    desk = desk_with(ALICE, replace(TWIN, paused=True, last_pause=at(20)))
    recover(desk, "95|NONE|support|Alice|UNPAUSE|\n" + TWO_CALLS, 90, 200)
    assert desk.session.figures.number_of_calls == 0
    assert gaps(desk) == {PHONE: [(95, 200)], TWIN.interface: [(95, 200)]}


def test_what_may_be_missing_of_a_session_is_told_before_it_ends() -> None:
    """One of two of one name is removed in a call of either."""
    desk = desk_with(ALICE, TWIN)
    lines = "100|a.1|support|Alice|CONNECT|4|a.2|2\n105|MANAGER|support|PJSIP/1002|REMOVEMEMBER|"
    recover(desk, lines, 90, 200)
    assert [(since(gap.begin), since(gap.end)) for gap in desk.last_ended.gaps] == [(100, 105)]
    assert gaps(desk) == {PHONE: [(100, 200)]}


def test_the_one_that_is_left_of_two_of_one_name_is_certain() -> None:
    """From the other's logout on."""
    desk = desk_with(ALICE, TWIN)
    recover(desk, "95|MANAGER|support|PJSIP/1002|REMOVEMEMBER|\n" + TWO_CALLS, 90, 200)
    assert desk.session.figures.number_of_calls == 1
    assert desk.session.complete


# What is known already ---------------------------------------------------------------------------------------------


def test_what_was_watched_changes_nothing() -> None:
    """Calls, pauses, logins and misses of before the gap, read again, tell nothing."""
    desk = desk_with(since=80.2)
    desk.pause(81.3, "lunch")
    desk.unpause(82.4)
    desk.talk(83.1, 85.6, "a")
    desk.miss(86.2, "c")
    desk.remove(87.1)
    desk.add(87.6)
    desk.pause(88.3, "lunch")
    desk.answer(89.1, "b")
    told = len(desk.told)
    recovered = recover(
        desk,
        """
        70|NONE|support|Alice|PAUSE|old
        80|MANAGER|support|PJSIP/1001|ADDMEMBER|
        81|NONE|support|Alice|PAUSE|lunch
        82|NONE|support|Alice|UNPAUSE|
        83|a.1|support|Alice|CONNECT|4|a.2|2
        85|a.1|support|Alice|COMPLETEAGENT|4|2|1
        86|c.1|support|Alice|RINGNOANSWER|5000
        87|MANAGER|support|PJSIP/1001|REMOVEMEMBER|
        87|MANAGER|support|PJSIP/1001|ADDMEMBER|
        88|NONE|support|Alice|PAUSE|lunch
        89|b.1|support|Alice|CONNECT|4|b.2|2
        """,
        89.5,
        89.9,
    )
    assert [fact for fact in recovered.said if not isinstance(fact, CallClosed)] == []
    assert desk.told[told:] == []


@pytest.mark.parametrize("known", range(5))
def test_of_the_second_in_which_contact_was_lost_what_was_not_told_counts(known: int) -> None:
    """However many of the pauses in that second had come."""
    desk = desk_with()
    for number, reason in enumerate(["a", None, "b", "c"][:known], 1):
        if reason is None:
            desk.unpause(90 + number / 10)
        else:
            desk.pause(90 + number / 10, reason)
    lines = """
        90|NONE|support|Alice|PAUSE|a
        90|NONE|support|Alice|UNPAUSE|
        90|NONE|support|Alice|PAUSE|b
        90|NONE|support|Alice|PAUSE|c
        """
    recover(desk, lines, 90.5, 100)
    names = [(name, event.session.reason) for (name, _), event in zip(story_of(desk.told), desk.events, strict=True)]
    assert names[1:] == [("NOT_READY", "a"), ("READY", None), ("NOT_READY", "b"), ("UPDATE", "c")]


@pytest.mark.parametrize("known", range(4))
def test_a_new_login_in_the_second_in_which_contact_was_lost_is_one(known: int) -> None:
    """However much of logout and login had come."""
    desk = desk_with()
    for number in range(1, known + 1):
        if number == 2:
            desk.add(90.2)
        else:
            desk.remove(90 + number / 10)
    lines = """
        90|MANAGER|support|PJSIP/1001|REMOVEMEMBER|
        90|MANAGER|support|PJSIP/1001|ADDMEMBER|
        90|MANAGER|support|PJSIP/1001|REMOVEMEMBER|
        """
    recover(desk, lines, 90.5, 100)
    assert [name for name, _ in story_of(desk.told)] == ["NEW_SESSION", "END", "NEW_SESSION", "END"]


def test_missed_calls_that_were_told_are_not_counted_again() -> None:
    """The log does not name the attempt, but its time and caller do."""
    desk = desk_with()
    for second in (87.9, 88.9):
        attempt = ("missed", "a.1", f"{second}", str(at(second)))
        desk.apply(CallMissed(QUEUE, PHONE, attempt, replace(desk.events[0].occasion, at=at(second))))
    lines = "\n".join(f"{second}|a.1|support|Alice|RINGNOANSWER|0" for second in range(87, 93))
    recover(desk, lines, 89.5, 200)
    assert desk.session.figures.calls_missed == 6


def test_what_amis_events_tell_since_is_left_to_them() -> None:
    """Of the second of the login only what came before it, and of later ones nothing."""
    desk = desk_with()
    lines = """
        100|NONE|support|Alice|PAUSE|before
        100|NONE|support|Alice|UNPAUSE|
        100|NONE|support|Alice|PAUSE|behind
        101|NONE|support|Alice|UNPAUSE|
        102|a.1|support|Alice|CONNECT|4|a.2|2
        """
    heard = [
        Heard(at(100.7), "PAUSE", QUEUE, "Alice", PHONE),
        Heard(at(101.2), "UNPAUSE", QUEUE, "Alice", PHONE),
    ]
    recovered = recover(desk, lines, 90, 100.6, heard=heard)
    reasons = [fact.member.paused_reason for fact in recovered.said if isinstance(fact, MemberTold)]
    assert reasons == ["before", None]


# Restart -----------------------------------------------------------------------------------------------------------

RESTART = """
    100|a.1|support|Alice|CONNECT|4|a.2|2
    107|NONE|support|Bob|PAUSE|lunch
    120|NONE|NONE|NONE|QUEUESTART|
    """


def test_a_restart_interrupts_calls_at_the_last_sign_of_life() -> None:
    """And the time in which nobody knows whether Asterisk lived is a gap."""
    desk = desk_with(ALICE, BOB)
    recovery = recover(desk, RESTART, 90, 200).recovery
    assert recovery.restarted
    (record,) = desk.records
    assert (record.ended_by, record.talk_time) == (EndedBy.INTERRUPTED, us(7))
    assert (107, 120) in gaps(desk)[PHONE]
    assert recovery.calls.open == []


def test_who_is_listed_after_a_restart_goes_on_and_who_is_not_ended_with_the_old_one() -> None:
    """Static and persistent members come back without a line."""
    desk = desk_with(ALICE, BOB)
    recover(desk, RESTART, 90, 200)
    desk.listed(201, ALICE)
    desk.tick(300)
    assert desk.session.start_time == at(0)
    assert [(each.agent, each.end_time) for each in desk.handler.ended()] == [("Bob", at(107))]


@pytest.mark.parametrize(("login", "sessions"), [(150, 1), (190, 2)])
def test_a_login_after_a_restart_goes_on_within_a_minute(login: int, sessions: int) -> None:
    """Later it is a new session, and the old one ended with the old Asterisk."""
    desk = desk_with()
    now = replace(ALICE, login_stamp=stamp(login), login_time=at(login))
    recover(desk, f"{RESTART}\n{login}|MANAGER|support|PJSIP/1001|ADDMEMBER|", 90, 250, present=[now])
    desk.listed(251, now)
    desk.tick(400)
    starts = [event for event in desk.events if event.event is AgentSessionEvent.NEW_SESSION]
    ends = [event.session.end_time for event in desk.events if event.event is AgentSessionEvent.END]
    assert len(starts) == sessions
    assert ends == [at(107)] * (sessions - 1)


def test_after_a_restart_the_one_of_two_names_that_logged_in_is_meant() -> None:
    """The other one was not seen since."""
    desk = desk_with(ALICE, TWIN)
    lines = f"{RESTART}\n150|MANAGER|support|PJSIP/1002|ADDMEMBER|\n160|NONE|support|Alice|PAUSE|tea"
    recover(desk, lines, 90, 250)
    session = desk.handler.session(QUEUE, TWIN.interface)
    assert session is not None
    assert (session.state, session.reason) == (AgentSessionState.NOT_READY, "tea")


# Missing lines -----------------------------------------------------------------------------------------------------


def test_a_time_without_lines_is_a_gap_for_all() -> None:
    """The lines around it count; who was a member before is believed only if the list has the same login."""
    desk = desk_with(ALICE, BOB)
    lines = """
        95|a.1|support|Alice|CONNECT|4|a.2|2
        99|a.1|support|Alice|COMPLETEAGENT|4|4|1
        150|c.1|support|Alice|CONNECT|4|c.2|2
        152|d.1|support|Bob|CONNECT|4|d.2|2
        159|c.1|support|Alice|COMPLETEAGENT|4|9|1
        159|d.1|support|Bob|COMPLETEAGENT|4|7|1
        """
    missing = [Missing(EPOCH + 99, EPOCH + 150, "gone")]
    recovery = recover(desk, lines, 90, 200, missing=missing, present=[ALICE]).recovery
    assert gaps(desk) == {PHONE: [(99, 150)], BOB.interface: [(99, 150)]}
    assert desk.session.figures.number_of_calls == 2
    assert [each.agent for each in recovery.unplaced] == ["Bob"]


def test_what_is_missing_to_the_end_is_a_gap_to_the_end() -> None:
    """There is no log any more."""
    desk = desk_with()
    recovered = recover(desk, [], 90, 200, missing=[Missing(EPOCH + 80, None, "there is no file")])
    assert recovered.said == [ContactLost(at(90), at(200), "there is no file")]


def test_what_is_missing_of_a_time_that_was_watched_is_no_gap() -> None:
    """AMI told it."""
    desk = desk_with()
    recovered = recover(desk, [], 90, 200, missing=[Missing(EPOCH + 70, EPOCH + 80, "gone")])
    assert recovered.said == []


# The first start ---------------------------------------------------------------------------------------------------


def test_at_the_first_start_the_sessions_of_those_who_are_there_come_back() -> None:
    """From their login, or from where the log is read; what lies before that is a gap, and others do not matter."""
    desk = Desk()
    desk.handler.seen_since = at(100)
    old = replace(ALICE, login_stamp=stamp(20), login_time=at(20), membership="static")
    new = replace(BOB, login_stamp=stamp(150), login_time=at(150))
    lines = """
        110|MANAGER|support|PJSIP/1007|ADDMEMBER|
        120|a.1|support|Alice|CONNECT|4|a.2|2
        130|a.1|support|Alice|COMPLETEAGENT|4|10|1
        149|b.1|support|Bob|CONNECT|4|b.2|2
        150|MANAGER|support|PJSIP/1002|ADDMEMBER|
        160|NONE|support|Bob|PAUSE|lunch
        """
    recover(desk, lines, 100, 200, present=[old, replace(new, paused=True, paused_reason="lunch", last_pause=at(160))])
    assert gaps(desk) == {PHONE: [(20, 100)], BOB.interface: []}
    assert desk.session.figures.number_of_calls == 1
    bob = desk.handler.session(QUEUE, BOB.interface)
    assert bob is not None
    assert (bob.start_time, bob.state, bob.state_since) == (at(150), AgentSessionState.NOT_READY, at(160))


def test_a_pause_from_before_the_login_was_seen_is_kept() -> None:
    """Where no pause was ordered since the login, the member was paused at it."""
    desk = Desk()
    desk.handler.seen_since = at(100)
    member = replace(ALICE, paused=True, paused_reason="sick", login_time=at(150), login_stamp=stamp(150))
    recover(desk, [], 100, 200, present=[member])
    assert (desk.session.state, desk.session.reason) == (AgentSessionState.NOT_READY, "sick")


# Around ------------------------------------------------------------------------------------------------------------


def test_callers_who_waited_before_the_gap_are_known_by_name() -> None:
    """Whoever follows the log live knows them, also over a restart."""
    callers = WaitingCallers()
    for entry in log("70|a.1|support|NONE|ENTERQUEUE||5550100|1\n71|b.1|support|NONE|ENTERQUEUE||5550101|1"):
        callers.take(entry)
    (entry,) = log("72|b.1|support|NONE|ABANDON|1|1|1")
    callers.take(entry)
    rows = callers.as_json()
    assert rows == [["a.1", "support", EPOCH + 70, "5550100", None]]
    desk = desk_with()
    lines = "104|a.1|support|Alice|CONNECT|34|a.2|2\n110|a.1|support|Alice|COMPLETECALLER|34|6|1"
    recover(desk, lines, 90, 200, callers=WaitingCallers.from_json([("a.1", "support", EPOCH + 70, "5550100", None)]))
    assert desk.records[0].call.caller_number == "5550100"
    assert desk.records[0].call.queued_at == at(70)


def test_events_that_come_again_over_ami_change_nothing() -> None:
    """A call recovered is the same call when its own event comes late."""
    desk = desk_with()
    recover(desk, "104|a.1|support|Alice|CONNECT|4|a.2|2", 90, 104.9)
    told = len(desk.told)
    desk.answer(104.95)
    desk.device(105, DeviceState.INUSE)
    assert story_of(desk.told[told:]) == []


def test_members_are_told_as_they_were_known() -> None:
    """Nothing but what the log says of them is changed."""
    member = Member(QUEUE, PHONE, "Alice", "hint:1@x", penalty=3, device_state=DeviceState.INUSE, wrap_up_time=9)
    desk = desk_with(member)
    recovered = recover(desk, "100|NONE|support|Alice|PAUSE|lunch", 90, 200)
    (fact,) = recovered.said
    assert isinstance(fact, MemberTold)
    assert fact.member == replace(member, paused=True, paused_reason="lunch", last_pause=at(100))
    assert not isinstance(fact, CallAnswered | CallEnded | MemberAdded)


@pytest.mark.parametrize("end", [93.5, 200])
def test_what_was_nobodys_before_a_login_is_not_that_logins(end: float) -> None:
    """A miss and a call of a member that had been removed belong to no session, however long the gap."""
    desk = desk_with()
    desk.remove(87.1)
    desk.add(89.6)
    lines = """
        87|MANAGER|support|PJSIP/1001|REMOVEMEMBER|
        87|c.1|support|Alice|RINGNOANSWER|3000
        88|a.1|support|Alice|CONNECT|4|a.2|2
        89|MANAGER|support|PJSIP/1001|ADDMEMBER|
        91|a.1|support|Alice|COMPLETEAGENT|4|3|1
        91|NONE|support|Alice|UNPAUSE|
        """
    recovery = recover(desk, lines, 90.5, end).recovery
    assert desk.session.figures.calls_missed == 0
    assert desk.records == []
    assert recovery.unplaced == []
