"""Ends of calls that were told before contact was lost, and that the log tells once more."""

from dataclasses import replace

from gateway.domain.call import EndedBy
from gateway.domain.facts import CallAnswered
from gateway.domain.session import Occasion
from gateway.domain.state import AgentSessionState
from tests.domain.support import ALICE, QUEUE, at, call_of, us
from tests.queue_log.gaps import desk_with, recover

TWIN = replace(ALICE, interface="PJSIP/1002", state_interface="PJSIP/1002")


def test_an_end_that_was_told_does_not_end_the_next_call() -> None:
    """The next call was answered about when a call of that length would have been, and goes on."""
    desk = desk_with(wrap_up=None)
    desk.answer(98, "a")
    desk.end(99.25, "a")
    desk.answer(99.5, "b")
    recover(desk, "99|a.1|support|Alice|COMPLETECALLER|4|1|1", 100, 110)
    assert desk.session.state is AgentSessionState.BUSY_ON_CALL
    assert [(record.talk_time, record.ended_by) for record in desk.records] == [(us(1.25), EndedBy.CALLER)]


def test_an_end_that_was_told_does_not_end_the_call_of_another_of_that_name() -> None:
    """Two of one name in a queue, both in calls: the line of the one says nothing of the other's."""
    desk = desk_with(ALICE, TWIN, wrap_up=None)
    desk.answer(98, "a")
    desk.apply(CallAnswered(QUEUE, TWIN.interface, call_of("b", 98.25), Occasion(at(98.25))))
    desk.end(99.25, "a")
    recover(desk, "99|a.1|support|Alice|COMPLETECALLER|4|1|1", 100, 110)
    twin = next(each for each in desk.handler.sessions() if each.address == TWIN.interface)
    assert twin.state is AgentSessionState.BUSY_ON_CALL
    assert len(desk.records) == 1
