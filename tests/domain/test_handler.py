"""Sessions of one Asterisk: when one begins, when it ends, and which fact concerns which."""

from dataclasses import replace

import pytest

from gateway.domain.facts import CallAnswered, CallEnded, MemberAdded, MemberRemoved, MemberTold
from gateway.domain.member import Member
from gateway.domain.session import REMEMBERED, Cause, Occasion
from gateway.domain.sessions import AgentIdentity
from gateway.domain.state import AgentSessionState
from tests.domain.support import ALICE, PHONE, QUEUE, Desk, at, call_of, refreshed, since, story_of, us, wanted

S = AgentSessionState
STATIC = replace(ALICE, membership="static")


def logged_in(seconds: float, member: Member = ALICE) -> Member:
    """The member with the LoginTime that Asterisk tells since 16.23."""
    return replace(member, login_time=at(int(seconds)), login_stamp=at(int(seconds)) // 1_000_000)


# Beginning ---------------------------------------------------------------------------------------------------------


def test_a_login_begins_a_session_at_its_time() -> None:
    """QueueMemberAdded begins it at the event's time, whatever whole second LoginTime says."""
    desk = Desk(logged_in(7))
    desk.add(7.25)
    session = desk.session
    assert (session.agent, session.group, session.address) == ("Alice", QUEUE, PHONE)
    assert (since(session.start_time), session.unseen, session.complete) == (7.25, 0, True)


def test_a_member_found_began_at_its_login_time() -> None:
    """A list that first shows a member begins the session at LoginTime; what was before the first sight is a gap."""
    desk = Desk()
    desk.handler.seen_since = at(100)
    desk.listed(100.5, logged_in(40))
    session = desk.session
    assert (since(session.start_time), session.unseen) == (40, us(60.5))
    assert [(since(gap.begin), since(gap.end)) for gap in session.gaps] == [(40, 100)]
    assert desk.events[0].occasion.cause is Cause.RESYNC


def test_a_member_found_without_login_time_began_when_it_was_found() -> None:
    """Before 16.23 no list tells it: the session begins at the list's time."""
    desk = Desk()
    desk.handler.seen_since = at(100)
    desk.listed(100.5, ALICE)
    assert (since(desk.session.start_time), desk.session.gaps) == (100.5, ())


def test_a_login_just_after_the_first_sight_is_no_gap() -> None:
    """LoginTime is cut to whole seconds, so that it may seem to lie before what was seen."""
    desk = Desk()
    desk.handler.seen_since = at(100.5)
    desk.listed(101, logged_in(100))
    assert desk.session.complete


@pytest.mark.parametrize(
    ("identity", "agent"),
    [("member_name", "Alice"), ("interface", "Local/1001@ctx/n"), ("state_interface", PHONE)],
)
def test_the_agent_is_what_the_operator_says(identity: AgentIdentity, agent: str) -> None:
    """One of the member's names is the agent; the interface where there is no such name."""
    member = replace(ALICE, interface="Local/1001@ctx/n")
    desk = Desk(member, identity=identity)
    desk.add()
    assert desk.session.agent == agent
    nameless = Desk(replace(member, member_name="", state_interface=""), identity=identity)
    nameless.add()
    assert nameless.session.agent == member.interface


def test_two_interfaces_with_one_name_are_one_agent() -> None:
    """They have two sessions; and a membership in another queue has one more."""
    desk = Desk()
    desk.add()
    desk.add(1, replace(ALICE, interface="PJSIP/1002"))
    desk.add(2, replace(ALICE, queue="sales"))
    assert len(desk.handler.sessions_of("Alice")) == 3
    assert len({session.session_id for session in desk.handler.sessions()}) == 3
    assert sorted(desk.handler.queues()) == ["sales", "support"]


def test_names_are_matched_as_asterisk_does() -> None:
    """Queue and interface in any ASCII case are the same; answers are in Asterisk's spelling; agents are exact."""
    desk = Desk()
    desk.add()
    assert desk.handler.session("SUPPORT", "pjsip/1001") == desk.session
    assert desk.handler.find("Support", "Alice", "pJSIP/1001") == desk.session
    assert desk.handler.find("support", "alice", PHONE) is None
    assert desk.handler.queue("SuPPort") == "support"
    assert desk.handler.queue("none") is None


def test_a_login_told_again_changes_nothing() -> None:
    """Also if a list had shown the member before its event came, with and without LoginTime."""
    for member in (ALICE, logged_in(5)):
        desk = Desk()
        desk.add(5.1, member)
        assert desk.add(5.1) == []
        found = Desk()
        found.listed(5.2, member)
        assert found.add(5.1, member) == []
        assert found.add(5.3, member) == []


def test_realtime_stays_realtime() -> None:
    """Lists say ``static`` of a realtime member; it stays realtime, also when its name is another."""
    realtime = replace(ALICE, membership="realtime")
    desk = Desk()
    desk.listed(1, STATIC)
    desk.change(2, realtime)
    desk.listed(3, STATIC)
    assert desk.session.member.membership == "realtime"
    bob = replace(realtime, member_name="Bob")
    desk.change(4, bob)
    desk.listed(5, replace(bob, membership="static"))
    assert (desk.session.agent, desk.session.member.membership) == ("Bob", "realtime")
    desk.listed(6)
    desk.listed(7)
    desk.listed(8, replace(bob, membership="static"))
    assert desk.session.member.membership == "realtime"


# Ending ------------------------------------------------------------------------------------------------------------


def test_one_list_without_the_member_ends_nothing() -> None:
    """The first list that lacks it asks for a second at once; the member in that one, or in any event, goes on."""
    desk = Desk(STATIC)
    desk.listed(1, STATIC)
    assert wanted(desk.listed(10)) == [QUEUE]
    assert desk.listed(10.1, STATIC) == []
    assert wanted(desk.listed(20)) == [QUEUE]
    desk.change(20.1, replace(STATIC, penalty=1))
    assert wanted(desk.listed(30)) == [QUEUE]
    assert desk.story == [("NEW_SESSION", 1)]


def test_two_lists_without_the_member_end_its_session() -> None:
    """It ended when the first one was sent; a list of another queue says nothing of it."""
    desk = Desk(STATIC)
    desk.listed(1, STATIC)
    desk.listed(10)
    desk.handler.apply(MemberAdded(replace(ALICE, queue="sales"), Occasion(at(10))))
    assert story_of(desk.listed(10.5)) == [("END", 10)]
    assert desk.events[-1].occasion.cause is Cause.RESYNC
    assert [session.group for session in desk.handler.sessions()] == ["sales"]


def test_a_new_login_is_a_new_session() -> None:
    """Logout and login give another session_id, and figures from nothing."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    first = desk.session.session_id
    desk.remove(30)
    desk.add(40)
    assert desk.session.session_id != first
    assert desk.session.figures.number_of_calls == 0
    assert desk.story[-2:] == [("END", 30), ("NEW_SESSION", 40)]


def test_a_reload_ends_no_session() -> None:
    """The LoginTime of a static member jumps with a reload; it stays the same session."""
    desk = Desk(logged_in(0, STATIC))
    desk.listed(1, desk.member)
    desk.talk(10, 20)
    desk.listed(50, logged_in(45, STATIC))
    assert [name for name, _ in desk.story if name in ("NEW_SESSION", "END")] == ["NEW_SESSION"]
    assert since(desk.session.start_time) == 0


def test_a_jump_of_a_dynamic_members_login_time_is_another_login() -> None:
    """The logout was missed: the old session ends at the new login at the latest, and a new one begins then."""
    desk = Desk(logged_in(0))
    desk.add(0.5)
    desk.pause(10)
    desk.listed(60, logged_in(47))
    assert desk.story[-2:] == [("END", 47), ("NEW_SESSION", 60)]
    assert since(desk.session.start_time) == 47


def test_a_jump_of_login_time_is_told_by_its_text() -> None:
    """An instant that moved because the clock was set is no other login: what Asterisk wrote is the same."""
    desk = Desk(logged_in(0))
    desk.add(0.5)
    told = replace(desk.member, login_time=at(3000))
    assert desk.listed(60, told) != []
    assert desk.story == [("NEW_SESSION", 0.5)]


def test_a_login_whose_logout_was_missed_before_login_time_was_told() -> None:
    """Without LoginTime the event of a login of a known member is another login."""
    desk = Desk()
    desk.add()
    desk.add(60)
    assert desk.story == [("NEW_SESSION", 0), ("END", 60), ("NEW_SESSION", 60)]


def test_a_static_member_that_is_dynamic_now_was_added_anew() -> None:
    """A reload took it away without an event, and somebody added it: that is a new login."""
    desk = Desk(STATIC)
    desk.listed(1, STATIC)
    desk.add(60, logged_in(60))
    assert desk.story[-2:] == [("END", 60), ("NEW_SESSION", 60)]


def test_old_events_that_a_list_overtook_leave_the_new_login_alone() -> None:
    """A list shows a member as it is; the logout and the login before it may be told behind it."""
    desk = Desk(logged_in(0))
    desk.add(0.5)
    desk.listed(60, logged_in(59))
    session_id = desk.session.session_id
    assert desk.change(58.9, replace(logged_in(0), penalty=1)) == []
    old_stamp = logged_in(0).login_stamp
    assert desk.apply(MemberRemoved(QUEUE, PHONE, Occasion(at(59)), old_stamp)) == []
    assert desk.apply(MemberAdded(logged_in(59), Occasion(at(59.5)))) == []
    assert desk.session.session_id == session_id


def test_a_logout_of_the_login_that_is_known_ends_it() -> None:
    """A removal with the session's own LoginTime counts, also if a list just showed the member."""
    desk = Desk()
    desk.listed(60, logged_in(59))
    desk.apply(MemberRemoved(QUEUE, PHONE, Occasion(at(59.9)), logged_in(59).login_stamp))
    assert desk.story[-1][0] == "END"


def test_another_agent_at_the_interface_is_another_session() -> None:
    """A member that has another name ends the session of the one before."""
    desk = Desk(STATIC)
    desk.listed(1, STATIC)
    desk.listed(50, replace(STATIC, member_name="Bob"))
    assert desk.story[-2:] == [("END", 50), ("NEW_SESSION", 50)]
    assert desk.session.agent == "Bob"
    assert desk.handler.find(QUEUE, "Alice", PHONE) == desk.last_ended


def test_facts_of_nobody_tell_nothing() -> None:
    """A logout, a missed call, an end or a record of what is not known is passed over."""
    desk = Desk()
    for told in (desk.remove(1), desk.miss(2), desk.end(3), desk.close(), desk.tick(4), desk.listed(5)):
        assert told == []


# Restart of Asterisk -----------------------------------------------------------------------------------------------


def test_a_member_that_comes_back_after_a_restart_continues() -> None:
    """Within the minute, by a list or by the event of a login, it is the same session, though LoginTime is new."""
    for membership in ("static", "dynamic"):
        member = logged_in(0, replace(ALICE, membership=membership))
        back = logged_in(110, member)
        for how in ("list", "event"):
            desk = Desk(member)
            desk.add(0.5)
            desk.lose(100, 105)
            desk.restart(100, 165)
            if how == "list":
                desk.listed(120, back)
            else:
                desk.add(120, back)
            desk.tick(200)
            assert desk.story == [("NEW_SESSION", 0.5)]
            assert desk.handler.next_deadline() is None


def test_a_member_that_does_not_come_back_ended_at_the_last_contact() -> None:
    """Lists that lack it say nothing within the minute; after it the session ended when Asterisk was last heard."""
    desk = Desk()
    desk.add()
    desk.lose(100, 105)
    desk.restart(100, 165)
    assert [desk.listed(110), desk.listed(111), desk.tick(164)] == [[], [], []]
    assert desk.handler.next_deadline() == at(165)
    assert story_of(desk.tick(165)) == [("END", 100)]
    assert desk.events[-1].occasion.cause is Cause.RESYNC
    assert desk.last_ended.gaps == ()
    desk.add(170)
    assert desk.story[-1] == ("NEW_SESSION", 170)


def test_a_wrap_up_does_not_end_a_session_that_is_awaited() -> None:
    """Whether it goes on is not known: no timer moves it until it is back, and its end is at the last contact."""
    desk = Desk()
    desk.add()
    desk.talk(90, 99)
    desk.restart(100, 165)
    assert desk.tick(120) == []
    assert story_of(desk.tick(165)) == [("END", 100)]
    assert desk.last_ended.figures.total_wrap_up_time == us(1)


def test_a_wrap_up_goes_on_when_the_member_is_back() -> None:
    """What was due meanwhile is told as it was; what is not due yet comes at its time."""
    for back, story in ((110, [("READY", 114)]), (130, [("READY", 114)])):
        desk = Desk()
        desk.add()
        desk.talk(90, 99)
        desk.restart(100, 165)
        desk.tick(109)
        desk.listed(back, desk.member)
        desk.tick(140)
        assert desk.story[3:] == story


def test_a_call_shows_that_the_member_is_back() -> None:
    """Who takes a call from the new Asterisk is a member of it."""
    desk = Desk()
    desk.add()
    desk.restart(100, 165)
    desk.answer(120)
    desk.tick(200)
    assert desk.session.state is S.BUSY_ON_CALL


def test_another_agent_after_a_restart() -> None:
    """The one who is not there any more ended at the last contact."""
    desk = Desk(STATIC)
    desk.listed(1, STATIC)
    desk.restart(100, 165)
    desk.listed(110, replace(STATIC, member_name="Bob"))
    assert desk.story[-2:] == [("END", 100), ("NEW_SESSION", 110)]


def test_two_restarts_in_a_row() -> None:
    """The minute begins anew, and the last contact is still the one with the Asterisk that had the member."""
    desk = Desk()
    desk.add()
    desk.restart(100, 165)
    desk.restart(150, 215)
    assert desk.tick(165) == []
    assert story_of(desk.tick(215)) == [("END", 100)]


# Calls and sessions ------------------------------------------------------------------------------------------------


def test_a_call_belongs_for_ever_to_the_session_in_which_it_was_answered() -> None:
    """The new session of the member is never on it, also if its answer is told again."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.remove(12)
    desk.add(14)
    assert desk.session.state is S.READY
    assert desk.answer(10) == []
    (event,) = [each for each in desk.end(20) if each in desk.events]
    assert event.session.session_id == "session-1"
    assert desk.answer(10) == desk.end(20) == []
    assert desk.session.figures.number_of_calls == 0
    desk.close()
    assert desk.answer(10) == []
    assert desk.records[0].session.session_id == "session-1"


def test_what_the_session_before_counted_does_not_count_again() -> None:
    """A call and a miss told again after another login change nothing, nor while there is no session."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    desk.miss(50, "m")
    desk.remove(60)
    assert desk.answer(10) == desk.miss(50, "m") == []
    desk.add(61)
    assert desk.answer(10) == desk.miss(50, "m") == []


def test_a_session_of_weeks_takes_no_more_room_than_one_of_a_day() -> None:
    """What was counted lately is known, and does not count again; what was counted long ago is not remembered."""
    desk = Desk(wrap_up=0)
    desk.add()
    for number in range(100):
        desk.talk(10 * number, 10 * number + 5, f"call{number}")
        desk.miss(10 * number + 7, f"miss{number}")
    assert len(desk.session.told) == REMEMBERED
    for number in range(100 - REMEMBERED // 2, 100):
        assert desk.answer(1000, f"call{number}") == desk.miss(1000, f"miss{number}") == []
    assert (desk.session.figures.number_of_calls, desk.session.figures.calls_missed) == (100, 100)


def test_a_call_answered_where_nobody_is_logged_in_waits_for_a_list() -> None:
    """A member that came without an event, and took a call before a list could show it, is on that call."""
    desk = Desk(STATIC)
    assert wanted(desk.answer(10)) == [QUEUE]
    assert desk.answer(10) == []
    desk.listed(10.1, STATIC)
    assert desk.story == [("NEW_SESSION", 10.1)]
    assert desk.session.calls[0].answered_at == at(10)


def test_a_call_of_a_member_that_was_removed_while_it_rang_is_nobodys() -> None:
    """The list does not show the member, and a later login has nothing to do with the call."""
    desk = Desk()
    desk.add()
    desk.remove(9)
    desk.answer(10)
    desk.listed(10.1)
    desk.add(12)
    assert desk.session.state is S.READY
    desk.end(20)
    desk.close()
    assert (desk.records, desk.session.figures.number_of_calls) == ([], 0)


def test_a_call_that_is_over_when_the_list_comes_keeps_nobody_busy() -> None:
    """Its end came before the list that shows the member: the session is not on it."""
    desk = Desk(STATIC)
    desk.answer(10)
    desk.end(10.05)
    desk.listed(10.1, STATIC)
    assert desk.session.state is S.READY


def test_facts_are_told_of_the_members_own_queue() -> None:
    """A call in one queue is none in the other queue of the same interface."""
    desk = Desk()
    desk.add()
    desk.handler.apply(MemberAdded(replace(ALICE, queue="sales"), Occasion(at(1))))
    desk.answer(10)
    other = desk.handler.session("sales", PHONE)
    assert other is not None
    assert (desk.session.state, other.state) == (S.BUSY_ON_CALL, S.READY)
    assert desk.handler.apply(CallEnded("sales", PHONE, call_of("a", 10).key, Occasion(at(20)))) == []


# Ended sessions ----------------------------------------------------------------------------------------------------


def test_an_ended_session_is_found_until_it_is_forgotten() -> None:
    """Its triple finds it while nobody has taken its place; then there is none."""
    desk = Desk()
    desk.add()
    desk.remove(10)
    assert desk.handler.find(QUEUE.upper(), "Alice", PHONE) == desk.last_ended
    desk.handler.forget(desk.last_ended.session_id)
    assert desk.handler.find(QUEUE, "Alice", PHONE) is None
    desk.handler.forget("session-1")


def test_ended_sessions_are_let_go_when_a_successor_comes() -> None:
    """Many logins keep one session each membership: the handler does not grow with the shift."""
    desk = Desk()
    for shift in range(50):
        desk.add(shift * 10)
        desk.remove(shift * 10 + 5)
    assert len(list(desk.handler.ended())) == 1
    desk.add(1000)
    assert list(desk.handler.ended()) == []
    assert desk.handler.find(QUEUE, "Alice", PHONE) == desk.session


def test_a_forgotten_session_still_counts_its_open_call() -> None:
    """It cannot be found any more; the call that outlasts it is told and recorded, and then it is gone."""
    desk = Desk()
    desk.add()
    desk.answer(10)
    desk.remove(20)
    desk.handler.forget("session-1")
    assert desk.handler.find(QUEUE, "Alice", PHONE) is None
    assert [session.session_id for session, _ in desk.handler.open_calls()] == ["session-1"]
    assert story_of(desk.end(8000)) == [("UPDATE", 8000)]
    desk.close()
    assert desk.records[0].talk_time == us(7990)
    assert list(desk.handler.ended()) == []


def test_queues_whose_wrap_up_is_unknown_are_named() -> None:
    """A queue without a known limit is named until one is known."""
    desk = Desk(wrap_up=None)
    assert desk.handler.queues_without_wrap_up() == [QUEUE]
    desk.handler.add_queue("sales", limit=0)
    assert desk.handler.queues_without_wrap_up() == [QUEUE]
    desk.handler.remove_queue(QUEUE)
    assert desk.handler.queues_without_wrap_up() == []


def test_the_next_deadline_is_the_earliest_of_what_runs() -> None:
    """Timers of sessions that went another way are passed over."""
    desk = Desk()
    desk.add()
    sales = replace(ALICE, queue="sales", wrap_up_time=3)
    desk.handler.apply(MemberAdded(sales, Occasion(at(0))))
    desk.talk(10, 20)
    call = call_of("b", 15)
    desk.handler.apply(CallAnswered("sales", PHONE, call, Occasion(at(15))))
    desk.handler.apply(CallEnded("sales", PHONE, call.key, Occasion(at(21))))
    assert desk.handler.next_deadline() == at(24)
    paused = replace(sales, paused=True, paused_reason="lunch")
    desk.handler.apply(MemberTold(paused, Occasion(at(22)), pause_told=True))
    assert desk.handler.next_deadline() == at(35)
    desk.tick(35)
    assert desk.handler.next_deadline() is None


def test_outcomes_of_a_snapshot_are_the_session_as_it_is() -> None:
    """What is told of a change without an event is the session after it."""
    desk = Desk()
    desk.add()
    (session,) = refreshed(desk.change(5, replace(ALICE, penalty=7)))
    assert session == desk.session
