"""Wrap-up: when it starts, how long it lasts, what ends it, and who may ask for it."""

from dataclasses import replace

import pytest

from gateway.domain.facts import WrapUpConfigured
from gateway.domain.member import DeviceState
from gateway.domain.session import Cause, Rules, SessionEvent
from gateway.domain.state import AgentSessionState
from tests.domain.support import ALICE, QUEUE, Desk, at, call_of, refreshed, us

S = AgentSessionState


def test_wrap_up_follows_the_talk_and_ends_at_its_deadline_exactly() -> None:
    """It starts when the talk ends and is over that many seconds later, whenever the time is looked at."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20.25)
    assert desk.session.deadline == at(35.25)
    assert desk.tick(35.2) == []
    desk.tick(60)
    assert desk.story == [("NEW_SESSION", 0), ("BUSY", 10), ("WRAPUP", 20.25), ("READY", 35.25)]
    assert desk.events[-1].occasion.cause is Cause.TIMER
    assert desk.session.figures.total_wrap_up_time == us(15)


def test_wrap_up_is_over_at_its_deadline_also_if_the_next_fact_comes_first() -> None:
    """What happens after the deadline finds the wrap-up over, though no timer was heard."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.pause(40, "lunch")
    assert desk.story[-2:] == [("READY", 35), ("NOT_READY", 40)]
    assert [event.occasion.cause for event in desk.events[-2:]] == [Cause.TIMER, Cause.ASTERISK]


def test_wrap_up_time_counts_when_it_ends() -> None:
    """While it runs the total does not move, and the average is over all calls."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    assert desk.session.figures.total_wrap_up_time == 0
    desk.tick(35)
    desk.talk(40, 50, "b")
    desk.remove(50.5)
    figures = desk.last_ended.figures
    assert (figures.number_of_calls, figures.total_wrap_up_time) == (2, us(15.5))
    assert figures.average_wrap_up_time == us(7.75)


@pytest.mark.parametrize("limit", [None, 0.0])
def test_no_wrap_up_where_it_is_unknown_or_none(limit: float | None) -> None:
    """READY follows the talk at once."""
    desk = Desk(wrap_up=limit)
    desk.add()
    desk.talk(10, 20)
    assert desk.story[-1] == ("READY", 20)
    assert desk.session.wrap_up_limit == (None if limit is None else 0)


def test_the_members_own_limit_wins() -> None:
    """A member's Wrapuptime that is not zero holds against the queue's; zero means the queue's."""
    desk = Desk(replace(ALICE, wrap_up_time=4))
    desk.add()
    desk.talk(10, 20)
    assert desk.session.deadline == at(24)
    other = Desk(replace(ALICE, wrap_up_time=0))
    other.add()
    other.talk(10, 20)
    assert other.session.deadline == at(35)


def test_a_new_limit_leaves_the_running_wrap_up_alone() -> None:
    """A changed limit is shown at once and holds from the next wrap-up on."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    (session,) = refreshed(desk.apply(WrapUpConfigured(QUEUE.upper(), us(5))))
    assert session.wrap_up_limit == us(5)
    desk.tick(60)
    desk.talk(70, 80, "b")
    desk.tick(100)
    assert [each for each in desk.story if each[0] == "READY"] == [("READY", 35), ("READY", 85)]


def test_a_new_pause_cuts_it() -> None:
    """A pause in the wrap-up is NOT_READY at once, and the wrap-up counts up to it."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.pause(24, "lunch")
    assert desk.story[-2:] == [("WRAPUP", 20), ("NOT_READY", 24)]
    assert (desk.session.reason, desk.session.figures.total_wrap_up_time) == ("lunch", us(4))
    assert desk.tick(100) == []


def test_a_pause_of_the_call_is_kept_for_after_it() -> None:
    """A pause set during the call waits until the wrap-up is over; it is told as pending meanwhile."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.pause(12, "lunch")
    assert (desk.story[-1], desk.session.pending_state) == (("UPDATE", 12), S.NOT_READY)
    desk.end(20)
    assert (desk.session.state, desk.session.pending_state) == (S.BUSY_WRAPUP, S.NOT_READY)
    assert desk.device(21, DeviceState.INUSE) != []
    assert desk.session.state is S.BUSY_WRAPUP
    desk.tick(35)
    assert desk.story[-2:] == [("WRAPUP", 20), ("NOT_READY", 35)]
    assert (desk.session.reason, desk.session.pending_state) == ("lunch", None)


def test_the_same_pause_again_does_not_cut_it() -> None:
    """A pause of the call that is ordered once more in the wrap-up is no new one."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.pause(12, "lunch")
    desk.end(20)
    desk.pause(25, "lunch")
    desk.tick(60)
    assert desk.story[-2:] == [("WRAPUP", 20), ("NOT_READY", 35)]


def test_a_new_reason_cuts_it() -> None:
    """Another reason in the wrap-up, of a pause kept for after it, is NOT_READY at once."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.pause(12, "lunch")
    desk.end(20)
    desk.pause(25, "meeting")
    assert desk.story[-1] == ("NOT_READY", 25)
    assert (desk.session.reason, desk.session.figures.total_wrap_up_time) == ("meeting", us(5))


def test_a_new_call_cuts_it_by_way_of_ready() -> None:
    """An AgentConnect in the wrap-up ends it, and READY is told between, at the same instant."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.device(22, DeviceState.RINGING)
    assert desk.session.state is S.BUSY_WRAPUP
    desk.answer(25, "b")
    assert desk.story[-3:] == [("WRAPUP", 20), ("READY", 25), ("BUSY", 25)]
    assert desk.session.figures.total_wrap_up_time == us(5)


def test_the_logout_cuts_it() -> None:
    """The end of the session ends the wrap-up, which counts up to it."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.remove(22)
    assert desk.story[-2:] == [("WRAPUP", 20), ("END", 22)]
    assert desk.last_ended.figures.total_wrap_up_time == us(2)


def test_ready_cannot_shorten_what_asterisk_enforces() -> None:
    """An unpause in the wrap-up is told as pending READY, and comes at the deadline."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.unpause(22)
    assert (desk.story[-1], desk.session.pending_state) == (("UPDATE", 22), S.READY)
    desk.tick(35)
    assert desk.story[-1] == ("READY", 35)
    assert desk.session.pending_state is None


def test_ready_was_asked_for_one_wrap_up_only() -> None:
    """What was pending in one wrap-up is not in the next."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20, "a")
    desk.unpause(22)
    desk.tick(35)
    desk.talk(40, 50, "b")
    assert (desk.session.state, desk.session.pending_state) == (S.BUSY_WRAPUP, None)


def test_a_pause_taken_back_in_the_wrap_up_leaves_ready_pending() -> None:
    """What was pending turns from NOT_READY to READY."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.pause(12)
    desk.end(20)
    desk.unpause(22)
    assert desk.session.pending_state is S.READY
    desk.tick(35)
    assert desk.story[-1] == ("READY", 35)


def test_a_device_event_in_the_wrap_up_asks_for_nothing() -> None:
    """Only a pause or unpause is a wish: QueueMemberStatus leaves the pending state alone."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.device(21, DeviceState.NOT_INUSE)
    assert (desk.session.state, desk.session.pending_state) == (S.BUSY_WRAPUP, None)


def test_an_unreachable_device_waits_for_the_end_of_it() -> None:
    """A device that goes away in the wrap-up makes the session NOT_READY when that is over."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.device(25, DeviceState.UNAVAILABLE)
    assert desk.session.state is S.BUSY_WRAPUP
    desk.tick(40)
    assert (desk.story[-1], desk.session.reason) == (("NOT_READY", 35), "device unavailable")


# Manual wrap-up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["wrapup", "wrap-up", "acw"])
@pytest.mark.parametrize("limit", [None, 15.0])
def test_manual_wrap_up_lasts_until_the_unpause(reason: str, limit: float | None) -> None:
    """A pause of the call with such a reason is BUSY_WRAPUP after it until unpaused, also past the deadline."""
    desk = Desk(wrap_up=limit)
    desk.add()
    desk.answer(10)
    desk.pause(12, reason)
    assert desk.session.pending_state is S.BUSY_WRAPUP
    (event,) = desk.end(20)
    assert isinstance(event, SessionEvent)
    assert (event.session.state, event.session.pending_state) == (S.BUSY_WRAPUP, None)
    assert desk.tick(100) == []
    desk.unpause(120)
    assert desk.story[-2:] == [("WRAPUP", 20), ("READY", 120)]
    assert desk.session.figures.total_wrap_up_time == us(100)


def test_manual_wrap_up_set_in_the_wrap_up() -> None:
    """A pause with such a reason in a wrap-up by timer prolongs it."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.pause(25, "acw")
    desk.tick(50)
    assert desk.session.state is S.BUSY_WRAPUP
    desk.unpause(60)
    assert desk.story[-2:] == [("WRAPUP", 20), ("READY", 60)]


def test_manual_wrap_up_taken_back_before_the_deadline() -> None:
    """After the unpause it goes on until the deadline that Asterisk enforces."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.pause(12, "wrapup")
    desk.end(20)
    desk.unpause(25)
    assert (desk.session.state, desk.session.pending_state) == (S.BUSY_WRAPUP, S.READY)
    desk.tick(40)
    assert desk.story[-1] == ("READY", 35)


def test_manual_wrap_up_ends_with_another_reason() -> None:
    """A pause with any other reason is NOT_READY at once; another wrap-up reason changes nothing."""
    desk = Desk(wrap_up=None)
    desk.add()
    desk.answer(10)
    desk.pause(12, "wrapup")
    desk.end(20)
    desk.pause(25, "acw")
    assert desk.session.state is S.BUSY_WRAPUP
    desk.pause(30, "lunch")
    assert desk.story[-1] == ("NOT_READY", 30)


def test_such_a_pause_outside_of_a_call_is_not_ready() -> None:
    """A wrap-up reason with no call known to this session is a pause like any other."""
    desk = Desk()
    desk.add()
    desk.pause(5, "wrapup")
    assert (desk.session.state, desk.session.reason) == (S.NOT_READY, "wrapup")


def test_such_a_pause_from_before_the_call_is_not_manual_wrap_up() -> None:
    """Only one set during the call or its wrap-up counts: this one is kept for after the wrap-up."""
    desk = Desk()
    desk.add()
    desk.pause(5, "wrapup")
    desk.answer(10)
    assert desk.session.pending_state is S.NOT_READY
    desk.end(20)
    desk.tick(60)
    assert desk.story[-3:] == [("BUSY", 10), ("WRAPUP", 20), ("NOT_READY", 35)]


def test_such_a_pause_ordered_again_in_the_call_is_manual_wrap_up() -> None:
    """Asking for wrap-up in a call holds, also of an agent who was paused with that reason before it."""
    desk = Desk()
    desk.add()
    desk.pause(5, "wrapup")
    desk.answer(10)
    desk.pause(15, "wrapup")
    assert desk.session.pending_state is S.BUSY_WRAPUP
    desk.end(20)
    desk.tick(60)
    assert desk.session.state is S.BUSY_WRAPUP


def test_a_wrap_up_pause_of_a_call_found_open_is_taken_to_be_set_in_it() -> None:
    """Nobody tells whether it was set before; a pause found without a call was."""
    paused = replace(ALICE, paused=True, paused_reason="acw")
    found = Desk(paused, wrap_up=None)
    found.listed(50, paused, calls=[call_of("a", None, found=50)])
    found.end(60)
    assert found.session.state is S.BUSY_WRAPUP
    before = Desk(paused, wrap_up=None)
    before.listed(50, paused)
    before.talk(55, 60)
    assert before.session.state is S.NOT_READY


def test_a_wrap_up_reason_that_a_list_shows_in_a_call_is_manual_wrap_up() -> None:
    """A change of reason whose event was missed counts as set when it is seen."""
    desk = Desk(wrap_up=None)
    desk.add()
    desk.answer(10)
    desk.pause(12, "lunch")
    desk.listed(15, replace(desk.member, paused_reason="wrapup"))
    assert desk.session.pending_state is S.BUSY_WRAPUP
    desk.end(20)
    assert desk.session.state is S.BUSY_WRAPUP


def test_the_operator_names_the_reasons() -> None:
    """Without reasons there is no manual wrap-up; with others, those count."""
    for reasons, state in ((frozenset[str](), S.NOT_READY), (frozenset({"notes"}), S.BUSY_WRAPUP)):
        desk = Desk(wrap_up=None, rules=Rules(wrap_up_reasons=reasons))
        desk.add()
        desk.answer(10)
        desk.pause(12, "notes")
        desk.end(20)
        assert desk.session.state is state


# The end of the talk comes to be known late ------------------------------------------------------------------------


def test_a_pause_that_came_before_the_end_was_told_cuts_the_wrap_up() -> None:
    """The end of a talk may be told after a pause that followed it: the wrap-up is what lay between."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.pause(20.125, "lunch")
    desk.end(20)
    assert (desk.story[-1], desk.session.reason) == (("NOT_READY", 20.125), "lunch")
    assert desk.session.figures.total_wrap_up_time == us(0.125)


def test_of_two_pauses_before_the_end_was_told_the_last_one_cuts() -> None:
    """A pause without a reason cuts as well, and so does another reason."""
    for first, reasons in (("lunch", (None,)), (None, (None, "meeting"))):
        desk = Desk()
        desk.add()
        desk.answer(10)
        if first is not None:
            desk.pause(12, first)
        for number, reason in enumerate(reasons, start=1):
            desk.pause(20 + number / 8, reason)
        desk.end(20)
        assert desk.session.state is S.NOT_READY
        assert desk.session.figures.total_wrap_up_time == us(len(reasons) / 8)


def test_a_wrap_up_pause_that_came_before_the_end_was_told() -> None:
    """With a wrap-up to be set in it is manual wrap-up; without one the agent was READY by then."""
    for limit, state in ((15.0, S.BUSY_WRAPUP), (None, S.NOT_READY)):
        desk = Desk(wrap_up=limit)
        desk.add()
        desk.answer(10)
        desk.pause(20.125, "wrapup")
        desk.end(20)
        assert desk.session.state is state
        desk.tick(100)
        assert desk.session.state is state


def test_a_call_that_ended_long_ago_brings_a_wrap_up_that_is_over() -> None:
    """Told after its deadline, the wrap-up is told as it was, and READY at its deadline."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.end(20)
    desk.listed(300, desk.member)
    assert desk.story[-2:] == [("WRAPUP", 20), ("READY", 35)]
    assert desk.events[-1].occasion.cause is Cause.TIMER


def test_a_pause_at_the_very_instant_of_the_end_is_one_of_the_call() -> None:
    """It is kept for after the wrap-up."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.pause(20, "lunch")
    desk.end(20)
    desk.tick(60)
    assert desk.story[-2:] == [("WRAPUP", 20), ("NOT_READY", 35)]


@pytest.mark.parametrize(("limit", "counted"), [(15.0, 0.125), (0.0625, 0.0625), (None, 0)])
def test_a_logout_that_came_before_the_end_was_told_cuts_the_wrap_up(limit: float | None, counted: float) -> None:
    """What lay between the end of the talk and the logout is wrap-up of the ended session, as far as there was any."""
    desk = Desk(wrap_up=limit)
    desk.add()
    desk.answer(10)
    desk.remove(20.125)
    desk.end(20)
    assert desk.story[-2:] == [("END", 20.125), ("UPDATE", 20.125)]
    ended = desk.last_ended
    assert (ended.figures.total_wrap_up_time, ended.wrap_up) == (us(counted), None)
    assert (ended.figures.total_talk_time, ended.duration(at(100))) == (us(10), us(20.125))


def test_a_wrap_up_asked_for_lasts_to_a_logout_that_came_before_the_end_was_told() -> None:
    """Nothing is enforced, but the agent had asked for it in the call."""
    desk = Desk(wrap_up=None)
    desk.add()
    desk.answer(10)
    desk.pause(15, "wrapup")
    desk.remove(20.125)
    desk.end(20)
    assert desk.last_ended.figures.total_wrap_up_time == us(0.125)


@pytest.mark.parametrize(("limit", "counted"), [(15.0, 0.125), (0.0625, 0.0625), (None, 0)])
def test_a_call_that_came_before_the_end_was_told_cuts_the_wrap_up(limit: float | None, counted: float) -> None:
    """The next call was answered when the last one was over: what lay between is wrap-up; its own comes after it."""
    desk = Desk(wrap_up=limit)
    desk.add()
    desk.answer(10, "a")
    desk.answer(20.125, "b")
    desk.end(20, "a")
    assert desk.session.state is S.BUSY_ON_CALL
    assert desk.session.figures.total_wrap_up_time == us(counted)
    desk.end(30, "b")
    desk.tick(60)
    assert desk.session.figures.total_wrap_up_time == us(counted + (limit or 0))


def test_calls_at_once_have_no_wrap_up_between_them() -> None:
    """The end of one of two that overlap begins none, whatever comes after it."""
    desk = Desk()
    desk.add()
    desk.answer(10, "a")
    desk.answer(15, "b")
    desk.answer(20.125, "c")
    desk.end(20, "a")
    assert desk.session.figures.total_wrap_up_time == 0


def test_a_pause_in_the_next_call_does_not_touch_the_wrap_up_before_it() -> None:
    """The call cut it already; the pause is kept for after that call, as the manual wrap-up that it asks for."""
    desk = Desk()
    desk.add()
    desk.answer(10, "a")
    desk.answer(20.125, "b")
    desk.pause(20.25, "wrapup")
    desk.end(20, "a")
    assert desk.session.figures.total_wrap_up_time == us(0.125)
    desk.end(30, "b")
    desk.tick(60)
    assert desk.session.state is S.BUSY_WRAPUP


@pytest.mark.parametrize(("limit", "ready"), [(None, None), (0.0625, None), (15.0, 35)])
def test_a_wrap_up_taken_back_before_the_end_was_told(limit: float | None, ready: float | None) -> None:
    """Wrap-up that was asked for lasts to the unpause, and as long as Asterisk enforces it."""
    desk = Desk(wrap_up=limit)
    desk.add()
    desk.answer(10)
    desk.pause(15, "wrapup")
    desk.unpause(20.125)
    desk.end(20)
    assert desk.session.state is (S.READY if ready is None else S.BUSY_WRAPUP)
    desk.tick(60)
    assert desk.session.state is S.READY
    assert desk.session.figures.total_wrap_up_time == us(0.125 if ready is None else ready - 20)


def test_a_wrap_up_exchanged_for_a_break_before_the_end_was_told() -> None:
    """Another reason ends it, as it does when all is told in time."""
    desk = Desk(wrap_up=None)
    desk.add()
    desk.answer(10)
    desk.pause(15, "wrapup")
    desk.pause(20.125, "lunch")
    desk.end(20)
    assert (desk.session.state, desk.session.reason) == (S.NOT_READY, "lunch")
    assert desk.session.figures.total_wrap_up_time == us(0.125)


# What other calls bring --------------------------------------------------------------------------------------------


def test_a_last_call_of_others_makes_unavailable_only() -> None:
    """A LastCall that a snapshot tells of no call of this session is no wrap-up: Asterisk passes the agent over."""
    desk = Desk()
    desk.add()
    desk.change(30, replace(ALICE, last_call=at(30)))
    assert desk.session.state is S.READY
    assert not desk.session.available(at(44.999))
    assert desk.session.available(at(45))
    assert desk.handler.next_deadline() == at(45)
    (session,) = refreshed(desk.tick(45))
    assert session.available(at(45))
    assert desk.handler.next_deadline() is None


@pytest.mark.parametrize(
    ("state", "available"),
    [
        (DeviceState.UNKNOWN, True),
        (DeviceState.NOT_INUSE, True),
        (DeviceState.INUSE, False),
        (DeviceState.BUSY, False),
        (DeviceState.RINGING, False),
        (DeviceState.RINGINUSE, False),
        (DeviceState.ONHOLD, False),
    ],
)
def test_a_busy_device_stays_ready_and_is_not_available(state: DeviceState, available: bool) -> None:  # noqa: FBT001
    """A device busy with something else, or ringing, is no state of the session; a snapshot alone tells it."""
    desk = Desk(replace(ALICE, device_state=DeviceState.ONHOLD if available else DeviceState.UNKNOWN))
    desk.add()
    (session,) = refreshed(desk.device(5, state))
    assert (session.state, session.available(at(5))) == (S.READY, available)
    assert desk.story == [("NEW_SESSION", 0)]
