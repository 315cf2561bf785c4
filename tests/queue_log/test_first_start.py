"""The very first start: what the log tells of the sessions of those who are there, and of no others."""

from dataclasses import replace
from typing import Any

from gateway.domain.facts import TimePassed
from gateway.domain.member import Member
from gateway.domain.session import Cause
from gateway.domain.state import AgentSessionState
from gateway.queue_log.reading import Missing
from gateway.queue_log.recover import Gap, Recovery
from gateway.queue_log.survey import Survey
from tests.domain.support import ALICE, EPOCH, PHONE, Desk, at, since, us
from tests.queue_log.gaps import Recovered, recover, stamp

BOB = replace(ALICE, interface="PJSIP/1002", state_interface="PJSIP/1002", member_name="Bob")


def gaps(desk: Desk) -> dict[str, list[tuple[float, float]]]:
    """The gaps of each open session, by interface."""
    return {
        session.address: [(since(gap.begin), since(gap.end)) for gap in session.gaps]
        for session in desk.handler.sessions()
    }


def first_start(lines: str, begin: float, *present: Member, **more: Any) -> tuple[Desk, Recovered]:
    """A desk that never saw anything, and what it makes of the log from *begin* on; contact begins at 200."""
    desk = Desk()
    desk.handler.seen_since = at(begin)
    return desk, recover(desk, lines, begin, 200, present=present, first=True, **more)


CAME = replace(ALICE, login_time=at(100), login_stamp=stamp(100))


def test_at_the_first_start_a_session_is_told_from_its_login_on() -> None:
    """Every event is recovered, the line of the login as well as what followed it; nothing is missing."""
    desk, _ = first_start(
        """
        100|MANAGER|support|PJSIP/1001|ADDMEMBER|
        110|a.1|support|NONE|ENTERQUEUE||5550100|1
        114|a.1|support|Alice|CONNECT|4|a.2|2
        120|a.1|support|Alice|COMPLETEAGENT|4|6|1
        150|NONE|support|Alice|PAUSE|lunch
        """,
        100,
        replace(CAME, paused=True, paused_reason="lunch", last_pause=at(150)),
    )
    assert desk.story == [("NEW_SESSION", 100), ("BUSY", 114), ("WRAPUP", 120), ("READY", 135), ("NOT_READY", 150)]
    assert {each.occasion.cause for each in desk.events} == {Cause.RECOVERED, Cause.TIMER}
    assert desk.session.complete
    assert desk.session.figures.total_talk_time == us(6)
    assert desk.records[0].call.caller_number == "5550100"


def test_at_the_first_start_sessions_that_are_over_are_nobodys() -> None:
    """No session exists for an earlier login, of whoever it was, and its calls are not told as of nobody."""
    desk, recovered = first_start(
        """
        60|MANAGER|support|PJSIP/1001|ADDMEMBER|
        61|MANAGER|support|PJSIP/1002|ADDMEMBER|
        64|a.1|support|Alice|CONNECT|4|a.2|2
        66|b.1|support|Bob|CONNECT|4|b.2|2
        69|b.1|support|Bob|COMPLETECALLER|4|3|1
        70|a.1|support|Alice|COMPLETEAGENT|4|6|1
        80|MANAGER|support|PJSIP/1002|REMOVEMEMBER|
        99|MANAGER|support|PJSIP/1001|REMOVEMEMBER|
        100|MANAGER|support|PJSIP/1001|ADDMEMBER|
        """,
        50,
        CAME,
        replace(ALICE, queue="sales", login_time=at(50), login_stamp=stamp(50)),
    )
    assert [(each.group, each.start_time) for each in desk.handler.sessions()] == [
        ("sales", at(50)),
        ("support", at(100)),
    ]
    assert list(desk.handler.ended()) == []
    assert recovered.recovery.unplaced == []
    assert desk.session.figures.number_of_calls == 0


def test_at_the_first_start_the_last_of_two_logins_of_a_second_counts() -> None:
    """LoginTime is in whole seconds; which line is its is told by what followed it."""
    desk, _ = first_start(
        """
        99|MANAGER|support|PJSIP/1001|ADDMEMBER|
        100|MANAGER|support|PJSIP/1001|REMOVEMEMBER|
        100|MANAGER|support|PJSIP/1001|ADDMEMBER|
        """,
        99,
        CAME,
    )
    assert desk.story == [("NEW_SESSION", 100)]


def test_at_the_first_start_asterisks_own_begins_nothing_anew() -> None:
    """QUEUESTART is written when its members are there already; who sits there now came with that start."""
    desk, _ = first_start(
        """
        101|NONE|NONE|NONE|QUEUESTART|
        114|a.1|support|Alice|CONNECT|4|a.2|2
        120|a.1|support|Alice|COMPLETEAGENT|4|6|1
        """,
        98,
        replace(CAME, membership="static", login_time=at(98), login_stamp=stamp(98)),
    )
    assert desk.story == [("NEW_SESSION", 98), ("BUSY", 114), ("WRAPUP", 120), ("READY", 135)]
    assert desk.session.complete


def test_at_the_first_start_a_session_older_than_the_log_is_read_has_a_gap_before_it() -> None:
    """What happened since then counts; a pause from before it is in force at its first sight."""
    desk, _ = first_start(
        """
        114|a.1|support|Alice|CONNECT|4|a.2|2
        120|a.1|support|Alice|COMPLETEAGENT|4|6|1
        """,
        100,
        replace(CAME, login_time=at(20), login_stamp=stamp(20), paused=True, paused_reason="sick", last_pause=at(50)),
    )
    assert gaps(desk) == {PHONE: [(20, 100)]}
    assert desk.session.figures.number_of_calls == 1
    assert (desk.session.state, desk.session.reason) == (AgentSessionState.NOT_READY, "sick")


def test_at_the_first_start_what_the_log_lacks_is_a_gap() -> None:
    """A log that does not go back to the login leaves the time up to its first line open."""
    lines = "114|a.1|support|Alice|CONNECT|4|a.2|2\n120|a.1|support|Alice|COMPLETEAGENT|4|6|1"
    desk, _ = first_start(lines, 100, CAME, missing=[Missing(EPOCH + 100, EPOCH + 114, "it does not go back that far")])
    assert gaps(desk) == {PHONE: [(100, 114)]}
    assert desk.session.figures.number_of_calls == 1


def test_at_the_first_start_a_paused_login_is_paused() -> None:
    """Also where its line does not say so; with the reason, if that is still the same pause."""
    for data in ("", "PAUSED"):
        desk, _ = first_start(
            f"100|c.1|support|PJSIP/1001|ADDMEMBER|{data}",
            100,
            replace(CAME, paused=True, paused_reason="not yet", last_pause=at(100)),
        )
        assert (desk.story, desk.session.reason) == ([("NEW_SESSION", 100)], "not yet")


def test_at_the_first_start_without_login_times_the_log_alone_tells_them() -> None:
    """Before 16.23 a list has none: a login whose line is there is one, and of others nothing is told."""
    nameless = replace(ALICE, login_time=None, login_stamp=None)
    desk, recovered = first_start(
        """
        60|NONE|NONE|NONE|QUEUESTART|
        100|MANAGER|support|PJSIP/1001|ADDMEMBER|
        114|a.1|support|Alice|CONNECT|4|a.2|2
        116|b.1|support|Bob|CONNECT|4|b.2|2
        119|b.1|support|Bob|COMPLETEAGENT|4|3|1
        120|a.1|support|Alice|COMPLETEAGENT|4|6|1
        """,
        50,
        nameless,
        replace(BOB, membership="static", login_time=None, login_stamp=None),
    )
    assert [each.member.member_name for each in desk.handler.sessions()] == ["Alice"]
    assert (desk.session.start_time, desk.session.figures.number_of_calls) == (at(100), 1)
    assert recovered.recovery.unplaced == []


def test_at_the_first_start_a_call_of_somebody_who_left_is_not_that_of_a_namesake() -> None:
    """Two of one name sat in the queue when it was answered: whose it was is not certain, and stays a gap."""
    twin = replace(CAME, interface="PJSIP/1003", login_time=at(150), login_stamp=stamp(150))
    for login in ("70|MANAGER|support|PJSIP/1003|ADDMEMBER|\n", ""):
        desk, _ = first_start(
            f"""
            {login}100|MANAGER|support|PJSIP/1001|ADDMEMBER|
            114|a.1|support|Alice|CONNECT|4|a.2|2
            120|a.1|support|Alice|COMPLETEAGENT|4|6|1
            130|MANAGER|support|PJSIP/1003|REMOVEMEMBER|
            134|b.1|support|Alice|CONNECT|4|b.2|2
            140|b.1|support|Alice|COMPLETEAGENT|4|6|1
            150|MANAGER|support|PJSIP/1003|ADDMEMBER|
            """,
            60,
            CAME,
            twin,
        )
        assert gaps(desk) == {PHONE: [(114, 120)], "PJSIP/1003": []}
        assert desk.session.figures.number_of_calls == 1
        assert list(desk.handler.ended()) == []


def test_members_without_a_line_may_arrive_a_few_at_a_time() -> None:
    """In the order of their logins, and to the same effect as all at once."""
    desk = Desk()
    desk.handler.seen_since = at(100)
    present = [
        replace(ALICE, interface=f"PJSIP/{n}", member_name=f"{n}", login_time=at(100 + n), membership="static")
        for n in range(7)
    ]
    recovery = Recovery(desk.handler, Gap(at(100), at(200)), lambda wall: wall, Survey(), present=present, first=True)
    sizes = []
    while facts := recovery.arrivals(3):
        told = [fact for fact in facts if not isinstance(fact, TimePassed)]
        sizes.append(len(told))
        for fact in facts:
            desk.apply(fact)
    assert sizes == [3, 3, 1]
    assert [fact for fact in recovery.finish() if not isinstance(fact, TimePassed)] == []
    assert [session.start_time for session in desk.handler.sessions()] == [at(100 + n) for n in range(7)]
