"""What was handled in each queue: as the sessions' figures have it, however they end, and never less than before."""

import random

from hypothesis import given, settings

from gateway.domain.callcenter import CallCenter
from gateway.domain.session import SessionEvent
from gateway.http.tally import Tally
from tests.domain.histories import History, disordered, histories
from tests.domain.support import Desk, us
from tests.domain.test_properties import new_handler

EXAMPLES = settings(max_examples=60, deadline=None)


def figures_of(sessions: dict[str, SessionEvent], queue: str) -> tuple[int, int, int, int]:
    """The sums of what was last told of a queue's sessions."""
    told = [event.session.figures for event in sessions.values() if event.session.group == queue]
    return (
        sum(each.number_of_calls for each in told),
        sum(each.total_talk_time for each in told),
        sum(each.total_wrap_up_time for each in told),
        sum(each.calls_missed for each in told),
    )


@EXAMPLES
@given(histories())
def test_the_sums_are_those_of_all_sessions_and_never_fall(history: History) -> None:
    """After every fact each queue has what its sessions, ended ones too, have together."""
    tally, told = Tally(), {}
    center = CallCenter(new_handler(), tally)
    center.start(0)
    before: dict[str, tuple[int, int, int, int]] = {}
    for _, fact in disordered(history, random.Random(7)):
        for outcome in center.apply(fact):
            if isinstance(outcome, SessionEvent):
                told[outcome.session.session_id] = outcome
        for each in tally.handled():
            now = (each.calls, each.talk_time, each.wrap_up_time, each.missed)
            assert all(a >= b for a, b in zip(now, before.get(each.name, (0, 0, 0, 0)), strict=True))
            before[each.name] = now
    for queue, sums in before.items():
        assert sums == figures_of(told, queue)


def test_a_process_counts_from_zero_and_not_again_what_another_had_counted() -> None:
    """Sessions that were kept bring their queue, and of their figures only what is new."""
    desk = Desk()
    desk.add()
    desk.talk(10, 20)
    tally = Tally()
    tally.restore([desk.session])
    center = CallCenter(desk.handler, tally)
    center.start(0)
    assert [(each.name, each.calls) for each in tally.handled()] == [("support", 0)]
    desk.center = center
    desk.tick(60)
    desk.talk(100, 130, "b")
    desk.remove(140)
    assert [(each.calls, each.talk_time, each.wrap_up_time) for each in tally.handled()] == [
        (1, us(30), us(15) + us(10))
    ]
