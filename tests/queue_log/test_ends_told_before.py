"""Ends of calls that were told before contact was lost, and that the log tells once more."""

from dataclasses import replace

import pytest

from gateway.domain.call import CallKey, EndedBy
from gateway.domain.facts import CallAnswered
from gateway.domain.session import Occasion
from gateway.domain.state import AgentSessionState
from tests.domain.support import ALICE, QUEUE, Desk, at, call_of, us
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


TWICE = """\
97|a.1|support|Alice|CONNECT|1|a.2|1
99|a.1|support|Alice|COMPLETEAGENT|1|{talk}|1
99|a.1|support|Alice|CONNECT|0|a.3|0
"""
"""A caller whom Alice answers, who is put into the queue again at once and has Alice again."""


def answered_again(desk: Desk, seconds: float) -> None:
    """Alice answers the caller of call ``a`` once more."""
    call = replace(call_of("a", seconds), key=CallKey("a.1", "a.3"))
    desk.apply(CallAnswered(QUEUE, ALICE.interface, call, Occasion(at(seconds))))


@pytest.mark.parametrize("talk", [0, 1, 2, 3])
@pytest.mark.parametrize("parts", [1, 3])
def test_an_end_that_was_told_does_not_end_the_callers_next_call(talk: int, parts: int) -> None:
    """An end that the log has before a call's beginning is another's, also of the same caller and agent."""
    desk = desk_with(wrap_up=None)
    desk.answer(97.9, "a")
    desk.end(99.25, "a")
    answered_again(desk, 99.5)
    recover(desk, TWICE.format(talk=talk), 100, 110, parts=parts)
    assert desk.session.state is AgentSessionState.BUSY_ON_CALL
    assert [(record.call.key.dest_uniqueid, record.talk_time) for record in desk.records] == [("a.2", us(1.35))]


def test_an_end_that_was_not_told_is_of_the_call_before() -> None:
    """Contact was lost between the second answer and the news of the first end, which came late."""
    desk = desk_with(wrap_up=None)
    desk.answer(97.9, "a")
    answered_again(desk, 99.5)
    recover(desk, TWICE.format(talk=1), 100, 110)
    assert desk.session.state is AgentSessionState.BUSY_ON_CALL
    assert [record.call.key.dest_uniqueid for record in desk.records] == ["a.2"]
    assert [call.key.dest_uniqueid for call in desk.session.calls] == ["a.3"]


def test_the_end_of_the_next_call_is_its_own() -> None:
    """Behind its beginning an end of that caller may be of it."""
    desk = desk_with(wrap_up=None)
    desk.answer(97.9, "a")
    desk.end(99.25, "a")
    answered_again(desk, 99.5)
    recover(desk, TWICE.format(talk=1) + "104|a.1|support|Alice|COMPLETECALLER|0|5|1", 100, 110)
    assert desk.session.state is AgentSessionState.READY
    assert [record.call.key.dest_uniqueid for record in desk.records] == ["a.2", "a.3"]
