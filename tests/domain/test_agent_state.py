"""An agent's state: one for all sessions, told once for each change."""

from itertools import pairwise

import pytest

from gateway.domain import facts
from gateway.domain.agent import AgentEvent, AgentRefreshed, AgentRemoved, AgentState
from gateway.domain.caller import Direction
from gateway.domain.session import Cause, Occasion
from tests.domain.floor import OTHER, PHONE, Floor
from tests.domain.support import at, since

S = AgentState


def test_values_are_those_of_tapi() -> None:
    """State and event have the numbers of AGENT_STATE and AGENT_EVENT."""
    assert [(each.name, each.value) for each in S] == [
        ("NOT_READY", 0),
        ("READY", 1),
        ("BUSY_ACD", 2),
        ("BUSY_INCOMING", 3),
        ("BUSY_OUTGOING", 4),
        ("UNKNOWN", 5),
    ]


@pytest.mark.parametrize("acd", [False, True])
@pytest.mark.parametrize("other", [None, *Direction])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("second", [None, False, True])
def test_first_that_fits(*, acd: bool, other: Direction | None, paused: bool, second: bool | None) -> None:
    """An ACD call outweighs another call, that a session which is READY, and that any session at all."""
    floor = Floor()
    floor.add(0)
    if second is not None:
        floor.add(1, "sales")
        floor.pause(2, "sales", paused=second)
    if other is not None:
        floor.other_call(3, other)
    if acd:
        floor.answer(4)
    if paused:
        floor.pause(5)
    if acd:
        wanted = S.BUSY_ACD
    elif other is not None:
        wanted = S.BUSY_INCOMING if other is Direction.INCOMING else S.BUSY_OUTGOING
    else:
        wanted = S.NOT_READY if paused and second is not False else S.READY
    assert floor.agent().state is wanted
    assert floor.story[-1][0] == wanted.name


def test_wrap_up_is_not_ready() -> None:
    """In wrap-up an agent is NOT_READY, unless another session is READY."""
    floor = Floor(wrap_up=10)
    floor.add(0)
    floor.talk(5, 8)
    floor.tick(18)
    floor.add(20, "sales")
    floor.talk(25, 28, "b")
    assert floor.story == [
        ("READY", 0),
        ("BUSY_ACD", 5),
        ("NOT_READY", 8),
        ("READY", 18),
        ("BUSY_ACD", 25),
        ("READY", 28),
    ]


def test_an_event_for_each_change_and_none_for_the_same() -> None:
    """Pauses in one of two sessions, a second call and a second session change no state, and are shown all the same."""
    floor = Floor()
    floor.add(0)
    for told in (floor.add(1, "sales"), floor.pause(2), floor.unpause(3)):
        assert [type(each) for each in told] == [AgentRefreshed]
    floor.answer(4)
    assert [type(each) for each in floor.answer(5, "b", "sales")] == [AgentRefreshed]
    assert [type(each) for each in floor.end(6)] == [AgentRefreshed]
    floor.end(7, "b", "sales")
    assert floor.story == [("READY", 0), ("BUSY_ACD", 4), ("READY", 7)]
    previous = [each for each in floor.told if isinstance(each, AgentEvent)]
    assert previous[0].previous is None
    for before, event in pairwise(previous):
        assert event.previous is not None
        assert (event.previous.state, event.previous.since) == (before.agent.state, before.agent.state_since)


def test_an_event_has_the_cause_of_what_brought_it() -> None:
    """What a command does to a session it does to the agent."""
    floor = Floor()
    floor.add(0)
    member = floor.book.sessions_of("Alice")[0].member
    gone = facts.MemberRemoved(member.queue, member.interface, Occasion(at(3), Cause.COMMAND, "42"))
    event = floor.apply(gone)[0]
    assert isinstance(event, AgentEvent)
    assert (event.occasion.cause, event.occasion.command_id, since(event.occasion.at)) == (Cause.COMMAND, "42", 3)


def test_an_agent_without_session_or_figure_is_gone() -> None:
    """The last session's end makes the state UNKNOWN, and removes an agent of whom there is no figure."""
    floor = Floor()
    floor.add(0)
    told = floor.remove(60)
    assert [type(each) for each in told] == [AgentEvent, AgentRemoved]
    assert floor.story[-1] == ("UNKNOWN", 60)
    assert floor.book.agent("Alice") is None
    assert list(floor.book.agents()) == []


def test_an_agent_with_a_figure_stays_to_the_end_of_its_window() -> None:
    """What was counted is shown after the last session, until the window is over."""
    floor = Floor(day=1000)
    floor.add(0)
    floor.talk(10, 20)
    floor.remove(60)
    assert floor.agent().state is S.UNKNOWN
    deadline = floor.book.next_deadline()
    assert deadline == at(1000)
    told = floor.tick(1000)
    assert [type(each) for each in told] == [AgentRemoved]
    assert floor.book.agent("Alice") is None
    assert floor.book.next_deadline() is None


def test_a_session_that_takes_over_is_no_change() -> None:
    """A session ended and another begun at the same instant, as a rollover does, leave the agent as it was."""
    floor = Floor()
    floor.add(0)
    told = floor._center._note(facts.TimePassed(at(50)), floor.handler.roll_over(at(50)), at(50))
    assert not [each for each in told if isinstance(each, AgentEvent)]
    assert floor.agent().state is S.READY
    assert floor.agent().state_since == at(0)


def test_agents_are_told_apart() -> None:
    """What one agent does is nothing to another."""
    floor = Floor()
    floor.add(0)
    floor.add(1, phone=OTHER, name="Bob")
    floor.answer(2, phone=OTHER)
    floor.other_call(3, phone=PHONE)
    assert floor.agent().state is S.BUSY_INCOMING
    assert floor.agent("Bob").state is S.BUSY_ACD


def test_the_oldest_of_several_calls_tells_the_state() -> None:
    """An agent who calls out in a call that came in is still busy with that one, and then with the other."""
    floor = Floor()
    floor.add(0)
    floor.other_call(1, Direction.INCOMING, "x")
    floor.other_call(2, Direction.OUTGOING, "y")
    floor.other_end(3, "x")
    floor.other_end(4, "y")
    assert floor.story == [("READY", 0), ("BUSY_INCOMING", 1), ("BUSY_OUTGOING", 3), ("READY", 4)]


def test_a_device_of_nobody() -> None:
    """A call on a device at which nobody is logged in is nobody's; nor is it after a login."""
    floor = Floor()
    floor.add(0)
    assert floor.other_call(1, phone=OTHER) == []
    floor.add(2, phone=OTHER, name="Bob")
    assert floor.other_end(3) == []
    assert floor.agent("Bob").figures.number_of_incoming_calls == 0


def test_devices_come_and_go_with_the_sessions() -> None:
    """A device is an agent's from the first session at it to the last."""
    floor = Floor()
    assert not floor.book.has_device("pjsip/1001")
    floor.add(0)
    floor.add(1, "sales")
    floor.remove(2)
    assert floor.book.has_device("pjsip/1001")
    floor.remove(3, "sales")
    assert not floor.book.has_device("pjsip/1001")
