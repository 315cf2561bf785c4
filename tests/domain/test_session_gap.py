"""A gap that concerns one session alone."""

from dataclasses import replace

from gateway.domain.facts import SessionGap
from tests.domain.support import ALICE, PHONE, QUEUE, Desk, at, refreshed, since


def test_a_gap_of_one_session_is_noted_in_it_alone() -> None:
    """As far as the session was there; told again, it changes nothing."""
    desk = Desk()
    other = replace(ALICE, interface="PJSIP/1002")
    desk.add(0, other)
    desk.add(10, ALICE)
    gap = SessionGap(QUEUE.upper(), PHONE.lower(), at(5), at(20), "two of one name")
    (session,) = refreshed(desk.apply(gap))
    assert [(since(each.begin), since(each.end), each.why) for each in session.gaps] == [(10, 20, "two of one name")]
    assert desk.apply(gap) == []
    neighbour = desk.handler.session(QUEUE, other.interface)
    assert neighbour is not None
    assert neighbour.complete


def test_a_gap_of_nobody_is_none() -> None:
    """The session may have ended meanwhile."""
    desk = Desk()
    desk.add(0)
    desk.remove(10)
    assert desk.apply(SessionGap(QUEUE, PHONE, at(5), at(8), "two of one name")) == []
