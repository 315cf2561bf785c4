"""States and calls of one session: what each fact tells, and what it does not."""

from dataclasses import replace

import pytest

from gateway.domain.call import EndedBy
from gateway.domain.facts import CallAnswered
from gateway.domain.instant import SECOND
from gateway.domain.member import DeviceState, Member
from gateway.domain.session import Cause, Occasion, Rules
from gateway.domain.state import AgentSessionState
from tests.domain.support import ALICE, Desk, at, call_of, refreshed, since, story_of, us

S = AgentSessionState


@pytest.mark.parametrize(
    ("member", "state", "reason"),
    [
        (ALICE, S.READY, None),
        (replace(ALICE, device_state=DeviceState.UNKNOWN), S.READY, None),
        (replace(ALICE, paused=True), S.NOT_READY, None),
        (replace(ALICE, paused=True, paused_reason="lunch"), S.NOT_READY, "lunch"),
        (replace(ALICE, device_state=DeviceState.INVALID), S.NOT_READY, "device invalid"),
        (replace(ALICE, device_state=DeviceState.UNAVAILABLE), S.NOT_READY, "device unavailable"),
        (
            replace(ALICE, paused=True, paused_reason="lunch", device_state=DeviceState.UNAVAILABLE),
            S.NOT_READY,
            "lunch",
        ),
    ],
)
def test_the_first_state_is_what_asterisk_says(member: Member, state: S, reason: str | None) -> None:
    """NEW_SESSION alone tells it: no second event follows, and nothing was before."""
    desk = Desk(member)
    desk.add()
    (event,) = desk.events
    assert (desk.session.state, desk.session.reason) == (state, reason)
    assert (desk.story, event.previous) == ([("NEW_SESSION", 0)], None)
    assert event.session == desk.session
    assert since(desk.session.start_time) == 0


def test_the_operator_may_let_unreachable_be_ready() -> None:
    """With ``unreachable_is_not_ready`` off a device that is away leaves the session READY and not available."""
    desk = Desk(replace(ALICE, device_state=DeviceState.UNAVAILABLE), rules=Rules(unreachable_is_not_ready=False))
    desk.add()
    assert desk.session.state is S.READY
    assert not desk.session.available(at(1))


def test_pause_and_unpause() -> None:
    """They are NOT_READY with the reason and READY without; each event says what was before."""
    desk = Desk()
    desk.add()
    desk.pause(5, "lunch")
    desk.unpause(8)
    assert desk.story == [("NEW_SESSION", 0), ("NOT_READY", 5), ("READY", 8)]
    previous = desk.events[-1].previous
    assert previous is not None
    assert (previous.state, since(previous.since), previous.reason) == (S.NOT_READY, 5, "lunch")
    assert desk.session.reason is None


def test_another_reason_is_an_update() -> None:
    """The state stays and is the same since; the reason is told."""
    desk = Desk()
    desk.add()
    desk.pause(5, "lunch")
    desk.pause(6, "meeting")
    assert desk.story[-1] == ("UPDATE", 6)
    assert (desk.session.reason, since(desk.session.state_since)) == ("meeting", 5)


def test_the_same_state_again_tells_nothing() -> None:
    """A pause of a paused agent with the same reason, and an unpause of a free one, are no events."""
    desk = Desk()
    desk.add()
    assert desk.unpause(1) == []
    desk.pause(5, "lunch")
    assert desk.pause(6, "lunch") == []


def test_a_version_that_tells_no_reason_with_other_events_keeps_it() -> None:
    """Before 13.8 only the event of a pause tells the reason; that a device changed does not take it away."""
    desk = Desk()
    desk.add()
    desk.pause(5, "lunch")
    desk.change(6, replace(desk.member, paused_reason=None, reason_told=False, device_state=DeviceState.INUSE))
    assert desk.session.reason == "lunch"
    assert desk.session.member.paused_reason == "lunch"
    assert desk.story[-1] == ("NOT_READY", 5)


def test_device_penalty_and_availability_send_the_snapshot_alone() -> None:
    """What is no figure and no state changes without an event."""
    desk = Desk()
    desk.add()
    for seconds, member in ((1, replace(ALICE, penalty=3)), (2, replace(ALICE, device_state=DeviceState.RINGING))):
        (session,) = refreshed(desk.change(seconds, member))
        assert session.member == member
    assert desk.story == [("NEW_SESSION", 0)]


def test_what_changes_beside_an_event_is_shown_behind_it() -> None:
    """A device, a penalty or a limit that comes with a pause, or with the end of a wrap-up, is in a snapshot, too."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    told = desk.device(40, DeviceState.INUSE)
    assert story_of(told) == [("READY", 35)]
    assert [session.member.device_state for session in refreshed(told)] == [DeviceState.INUSE]
    told = desk.change(50, replace(desk.member, paused=True, wrap_up_time=9))
    assert story_of(told) == [("NOT_READY", 50)]
    assert [session.wrap_up_limit for session in refreshed(told)] == [us(9)]
    assert refreshed(desk.pause(60, "lunch")) == []


def test_a_device_that_goes_away_and_returns() -> None:
    """It makes the session NOT_READY with the reason, and READY again."""
    desk = Desk()
    desk.add()
    desk.device(3, DeviceState.UNAVAILABLE)
    assert desk.session.reason == "device unavailable"
    desk.device(4, DeviceState.INVALID)
    assert (desk.story[-1], desk.session.reason) == (("UPDATE", 4), "device invalid")
    desk.device(5, DeviceState.NOT_INUSE)
    assert desk.story[-1] == ("READY", 5)


# Calls -------------------------------------------------------------------------------------------------------------


def test_a_call_is_handled_when_its_talking_ends() -> None:
    """Number, talk time and time to answer change together, with the event of the next state and not before."""
    desk = Desk()
    desk.add()
    desk.answer(10, joined=5.5, offered=9)
    assert desk.session.figures.number_of_calls == 0
    assert desk.events[-1].session.calls[0].answered_at == at(10)
    desk.end(20.5)
    figures = desk.events[-1].session.figures
    assert (figures.number_of_calls, figures.total_talk_time) == (1, us(10.5))
    assert (figures.time_to_answer, figures.longest_time_to_answer, figures.ring_time) == (us(4.5), us(4.5), us(1))
    assert desk.story == [("NEW_SESSION", 0), ("BUSY", 10), ("WRAPUP", 20.5)]


def test_the_record_of_a_call() -> None:
    """It comes when all is known, and has the times, who ended it, where it went, and the session it counted in."""
    desk = Desk()
    desk.add()
    desk.answer(10, joined=5)
    desk.end(20)
    assert desk.records == []
    desk.close("a", EndedBy.TRANSFER, "1234")
    (record,) = desk.records
    assert (since(record.ended_at), record.talk_time, record.call.time_to_answer) == (20, us(10), us(5))
    assert (record.ended_by, record.transferred_to) == (EndedBy.TRANSFER, "1234")
    assert (record.session.session_id, record.occasion.cause) == (desk.session.session_id, Cause.ASTERISK)
    assert desk.close("a", EndedBy.CALLER) == []


def test_a_missed_call_is_an_update() -> None:
    """Each attempt counts once, however many for one caller, and is no call."""
    desk = Desk()
    desk.add()
    desk.miss(5, "m")
    desk.miss(8, "n")
    assert desk.miss(5, "m") == []
    assert desk.story == [("NEW_SESSION", 0), ("UPDATE", 5), ("UPDATE", 8)]
    figures = desk.session.figures
    assert (figures.calls_missed, figures.number_of_calls) == (2, 0)


def test_answered_though_paused() -> None:
    """READY is put between, at the same instant; the pause waits for after the call."""
    desk = Desk(wrap_up=None)
    desk.add()
    desk.pause(5, "lunch")
    desk.answer(10)
    assert desk.story[-2:] == [("READY", 10), ("BUSY", 10)]
    assert desk.session.pending_state is S.NOT_READY
    assert desk.session.time_in(S.READY, at(10)) == us(5)
    desk.end(20)
    assert (desk.story[-1], desk.session.reason) == (("NOT_READY", 20), "lunch")


def test_answered_though_unreachable() -> None:
    """A device that was said to be away answers: READY is put between."""
    desk = Desk(replace(ALICE, device_state=DeviceState.UNAVAILABLE))
    desk.add()
    desk.answer(10)
    assert desk.story[-2:] == [("READY", 10), ("BUSY", 10)]


def test_overlapping_calls_are_all_counted() -> None:
    """Talk adds up, BUSY is left with the last one, and that one's end begins the wrap-up."""
    desk = Desk()
    desk.add()
    desk.answer(10, "a", joined=8)
    desk.answer(12, "b", joined=3)
    assert desk.story[-1] == ("BUSY", 10)
    desk.end(20, "a")
    assert (desk.story[-1], desk.session.state) == (("UPDATE", 20), S.BUSY_ON_CALL)
    assert [call.key.uniqueid for call in desk.session.calls] == ["b.1"]
    desk.end(30, "b")
    desk.tick(100)
    assert desk.story[-2:] == [("WRAPUP", 30), ("READY", 45)]
    figures = desk.session.figures
    assert (figures.number_of_calls, figures.total_talk_time) == (2, us(28))
    assert (figures.longest_time_to_answer, figures.total_wrap_up_time) == (us(9), us(15))


def test_the_last_end_begins_the_wrap_up_in_whatever_order_the_ends_are_told() -> None:
    """An end that is told behind a later one does not move the wrap-up back."""
    desk = Desk()
    desk.add()
    desk.answer(10, "a")
    desk.answer(12, "b")
    desk.end(30.125, "b")
    desk.end(30, "a")
    desk.tick(100)
    assert desk.story[-3:] == [("UPDATE", 30.125), ("WRAPUP", 30.125), ("READY", 45.125)]
    assert desk.session.figures.total_talk_time == us(18.125 + 20)


def test_what_happened_before_the_last_event_is_told_as_of_it() -> None:
    """An ``at`` older than the session's last event is raised to it; the figures are exact."""
    desk = Desk(wrap_up=None)
    desk.add()
    desk.answer(10)
    desk.miss(20.125)
    desk.end(20)
    assert desk.story[-2:] == [("UPDATE", 20.125), ("READY", 20.125)]
    assert desk.session.figures.total_talk_time == us(10)


def test_a_call_told_again_changes_nothing() -> None:
    """Neither while it is talked nor after it was counted, in any order."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    assert desk.answer(10) == []
    desk.end(20)
    desk.close()
    before = desk.session
    for again in (desk.answer(10), desk.end(20), desk.close(), desk.answer(10), desk.end(20)):
        assert again == []
    assert desk.session == before


def test_the_same_caller_answered_twice_is_two_calls() -> None:
    """What tells calls apart is both channels."""
    desk = Desk(wrap_up=None)
    desk.add()
    first = call_of("a", 10)
    second = replace(call_of("a", 30), key=first.key._replace(dest_uniqueid="a.3"))
    desk.talk(10, 20)
    desk.apply(CallAnswered(ALICE.queue, ALICE.interface, second, Occasion(at(30))))
    assert desk.session.state is S.BUSY_ON_CALL
    assert desk.session.figures.number_of_calls == 1


# Calls found open --------------------------------------------------------------------------------------------------


def test_a_call_found_open_is_busy_at_first_sight() -> None:
    """A list that shows the member on a call begins the session in BUSY_ON_CALL; NEW_SESSION alone tells it."""
    desk = Desk()
    desk.listed(50, ALICE, calls=[call_of("a", None, found=50)])
    assert desk.story == [("NEW_SESSION", 50)]
    assert desk.session.state is S.BUSY_ON_CALL
    assert desk.session.calls[0].answered_at is None


def test_a_call_found_open_in_a_known_session() -> None:
    """It is told as BUSY when it is found, because of the resync."""
    desk = Desk()
    desk.add()
    desk.listed(50, ALICE, calls=[call_of("a", None, found=50)])
    assert desk.story[-1] == ("BUSY", 50)
    assert desk.events[-1].occasion.cause is Cause.RESYNC


def test_the_event_of_a_call_found_open_tells_when_it_was_answered() -> None:
    """An AgentConnect that a list overtook gives the call its times; a snapshot shows them."""
    desk = Desk()
    desk.listed(50, ALICE, calls=[call_of("a", None, found=50)])
    (session,) = refreshed(desk.answer(49.9, joined=40))
    assert session.calls[0].answered_at == at(49.9)
    desk.end(60)
    assert desk.session.figures.total_talk_time == us(10.1)
    assert desk.session.figures.time_to_answer == us(9.9)


def test_the_completion_of_a_call_found_open_tells_when_it_was_answered() -> None:
    """Answer and waiting that come to be known at the end count; the record has them."""
    desk = Desk()
    desk.listed(50, ALICE, calls=[call_of("a", None, found=50)])
    desk.end(60, answered_at=at(35), time_to_answer=us(4))
    desk.close("a", EndedBy.AGENT)
    figures = desk.session.figures
    assert (figures.total_talk_time, figures.time_to_answer, figures.answers_timed) == (us(25), us(4), 1)
    assert (desk.records[0].talk_time, desk.records[0].call.answered_at) == (us(25), at(35))


def test_a_call_found_open_whose_answer_stays_unknown() -> None:
    """It counts from when it was found; its record says that the talk time is not known."""
    desk = Desk()
    desk.listed(50, ALICE, calls=[call_of("a", None, found=50)])
    desk.end(60)
    desk.close("a")
    figures = desk.session.figures
    assert (figures.number_of_calls, figures.total_talk_time, figures.answers_timed) == (1, us(10), 0)
    assert desk.records[0].talk_time is None


# Time and gaps -----------------------------------------------------------------------------------------------------


def test_duration_runs_to_the_end_or_to_now() -> None:
    """SessionDuration is from the login on, and stands still after the logout."""
    desk = Desk()
    desk.add(5)
    assert desk.session.duration(at(65)) == us(60)
    desk.remove(105)
    assert desk.last_ended.duration(at(9999)) == us(100)


def test_the_rate_leaves_out_what_was_not_seen() -> None:
    """ACDCallRate is over the time without gaps, each counted once where they overlap."""
    desk = Desk(wrap_up=None)
    desk.add()
    desk.talk(10, 20)
    desk.lose(1000, 2000)
    desk.lose(1500, 2400)
    assert [(since(gap.begin), since(gap.end)) for gap in desk.session.gaps] == [(1000, 2000), (1500, 2400)]
    assert not desk.session.complete
    assert desk.session.acd_call_rate(at(5000)) == 1.0
    assert desk.session.duration(at(5000)) == us(5000)


def test_a_gap_told_again_is_one() -> None:
    """A loss of contact is noted once, told by a snapshot, and not before the session began."""
    desk = Desk()
    desk.add(50)
    (session,) = refreshed(desk.lose(20, 60))
    assert [(since(gap.begin), since(gap.end)) for gap in session.gaps] == [(50, 60)]
    assert desk.lose(20, 60) == []
    assert desk.lose(10, 40) == []
    assert desk.lose(70, 70) == []


def test_the_end_cuts_its_gaps() -> None:
    """No gap lasts longer than the session."""
    desk = Desk()
    desk.add()
    desk.lose(20, 60)
    desk.remove(40)
    assert [(since(gap.begin), since(gap.end)) for gap in desk.last_ended.gaps] == [(20, 40)]


# The end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["NOT_READY", "READY", "BUSY_WRAPUP"])
def test_an_ended_session_takes_no_more(before: str) -> None:
    """After the logout nothing changes it and nothing is told of it."""
    desk = Desk()
    desk.add()
    if before == "NOT_READY":
        desk.pause(5)
    if before == "BUSY_WRAPUP":
        desk.talk(5, 6)
    desk.remove(8)
    assert desk.story[-1] == ("END", 8)
    ended = desk.last_ended
    told = [desk.remove(9), desk.miss(9), desk.tick(100), desk.lose(7, 20), desk.end(9), desk.close()]
    assert [story_of(each) for each in told] == [[]] * len(told)
    assert desk.last_ended == ended


def test_a_logout_in_a_call() -> None:
    """The call counts into the old session when it ends: an UPDATE, no wrap-up; duration and rate stay frozen."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20, "a")
    desk.tick(60)
    desk.answer(3000, "b", joined=2990)
    desk.remove(3600)
    assert desk.story[-1] == ("END", 3600)
    assert [call.key.uniqueid for call in desk.last_ended.calls] == ["b.1"]
    desk.end(4000, "b")
    desk.close("b", EndedBy.CALLER)
    ended = desk.last_ended
    assert desk.story[-1] == ("UPDATE", 4000)
    assert (ended.state, ended.wrap_up, ended.calls) == (S.SESSION_ENDED, None, ())
    assert (ended.figures.number_of_calls, ended.figures.total_talk_time) == (2, us(1010))
    assert (ended.figures.longest_time_to_answer, ended.figures.total_wrap_up_time) == (us(10), us(15))
    assert (ended.duration(at(9000)), ended.acd_call_rate(at(9000))) == (us(3600), 1.0)
    assert desk.records[-1].session.session_id == ended.session_id


def test_the_times_in_all_states_are_the_session() -> None:
    """What was not seen and the times in the states add up to the duration, at any moment."""
    desk = Desk()
    desk.listed(10, replace(ALICE, login_time=at(0)))
    desk.pause(12)
    desk.answer(15)
    desk.unpause(16)
    desk.end(20)
    for seconds in (20, 21.5, 60):
        desk.tick(seconds)
        states = sum(desk.session.time_in(state, at(seconds)) for state in S)
        assert desk.session.unseen + states == desk.session.duration(at(seconds))
    assert desk.session.unseen == 10 * SECOND
    assert desk.session.time_in(S.BUSY_WRAPUP, at(60)) == us(15)
