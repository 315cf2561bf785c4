"""Whatever a log says, in whatever order: recovery neither breaks nor tells what TAPI forbids."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.facts import TimePassed
from gateway.queue_log.parse import parse
from gateway.queue_log.survey import Survey
from gateway.queue_log.waiting import MOST, WaitingCallers
from tests.domain.support import ALICE, EPOCH, at
from tests.queue_log.gaps import desk_with, log, recover, stamp

BOB = replace(ALICE, interface="PJSIP/1002", member_name="Bob")
TWIN = replace(ALICE, interface="PJSIP/1003")
NOW = [
    ALICE,
    replace(BOB, login_stamp=stamp(150), login_time=at(150)),
    replace(TWIN, queue="sales", login_time=at(120)),
]

EVENTS = st.sampled_from([
    "ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "COMPLETECALLER", "BLINDTRANSFER", "ATTENDEDTRANSFER", "RINGNOANSWER",
    "ABANDON", "PAUSE", "UNPAUSE", "PAUSEALL", "ADDMEMBER", "REMOVEMEMBER", "PENALTY", "QUEUESTART", "CONFIGRELOAD",
    "AGENTLOGIN", "OUTCALL",
])  # fmt: skip
DATA = st.sampled_from(["", "0", "3", "4", "a.2", "b.2", "PAUSED", "lunch", "wrapup", "x", "99999999999"])
LINES = st.tuples(
    st.integers(70, 230),
    st.sampled_from(["a.1", "b.1", "NONE", "MANAGER"]),
    st.sampled_from(["support", "SUPPORT", "sales", "NONE"]),
    st.sampled_from(["Alice", "Bob", "Mallory", "NONE", "PJSIP/1001", "PJSIP/1002", "PJSIP/1003", "PJSIP/9"]),
    EVENTS,
    st.lists(DATA, max_size=6),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=60), st.booleans(), st.booleans(), st.integers(1, 9))
def test_any_lines_are_survived(lines: list[tuple[object, ...]], in_order: bool, twins: bool, parts: int) -> None:  # noqa: FBT001
    """Time never goes back, and no forbidden step is told: the model would refuse it."""
    if in_order:
        lines.sort(key=lambda line: str(line[0]).zfill(4))
    entries = []
    for time, callid, queue, agent, event, data in lines:
        assert isinstance(time, int)
        assert isinstance(data, list)
        entry = parse("|".join((str(EPOCH + time), f"{callid}", f"{queue}", f"{agent}", f"{event}", *data)).encode())
        assert entry is not None
        entries.append(entry)
    desk = desk_with(ALICE, *([TWIN] if twins else []))
    desk.answer(80, "a")
    recovered = recover(desk, entries, 90, 200, present=NOW, parts=parts)
    passed = [fact.now for fact in recovered.facts if isinstance(fact, TimePassed)]
    assert passed == sorted(passed)
    assert all(at(90) <= each <= at(200) for each in passed)
    assert passed[-1] == at(200)
    for each in recovered.recovery.unplaced:
        assert each.begin <= each.end <= at(200)
    desk.listed(201, *NOW[:2])
    desk.listed(202, *NOW[:2])
    assert all(at(0) <= event.occasion.at <= at(260) for event in desk.events)


def test_a_survey_wants_to_know_who_logged_in_and_who_is_strange() -> None:
    """Of queues in which all who are named are known, nothing is asked; after a start of Asterisk, of all."""
    desk = desk_with()
    survey = Survey()
    survey.take(log("100|NONE|support|Alice|PAUSE|lunch\n101|a.1|support|NONE|ENTERQUEUE||1|1"))
    assert survey.queues_to_list(desk.handler) == set()
    survey.take(log("102|NONE|sales|Alice|PAUSE|lunch\n103|MANAGER|tech|PJSIP/1|ADDMEMBER|"))
    assert survey.queues_to_list(desk.handler) == {"sales", "tech"}
    assert not survey.restarted
    survey.take(log("104|NONE|NONE|NONE|QUEUESTART|"))
    assert survey.queues_to_list(desk.handler) == {"sales", "tech", "support"}
    assert survey.restarted


def test_callers_whose_leaving_was_missed_do_not_pile_up() -> None:
    """The longest known go first; a start of Asterisk forgets all."""
    callers = WaitingCallers()
    (line,) = log("100|a.1|support|NONE|ENTERQUEUE||1|1")
    for number in range(MOST + 5):
        callers.take(line._replace(callid=f"c.{number}"))
    assert callers.find("c.4", "support") is None
    assert callers.find("c.5", "support") is not None
    assert len(callers.as_json()) == MOST
    callers.take(line._replace(event="QUEUESTART"))
    assert callers.as_json() == []
