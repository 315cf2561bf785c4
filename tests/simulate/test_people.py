"""People behave as people do, the same seed makes the same people, and the books balance."""

from collections import Counter
from functools import cache
from itertools import pairwise

import pytest

from gateway.queue_log.parse import parse as parse_line
from gateway.simulate.agenda import SECOND, Agenda
from gateway.simulate.day import BEGINS, ENDS, HOUR, Day, shift
from gateway.simulate.simulation import CallCenter, Plan
from gateway.simulate.wire import Event
from tests.simulate.recorded import Message, parse
from tests.simulate.scripted import START

DAY = round((ENDS - BEGINS) * SECOND)


class Watched:
    """A call center over a whole day, and everything it said."""

    def __init__(self, plan: Plan, length: int = DAY) -> None:
        self.told: list[Message] = []
        self.log: list[str] = []
        self.center = CallCenter(plan, START, tell=self._take, write=self.log.append)
        self.center.agenda.run(START + length)

    def _take(self, event: Event) -> None:
        self.told.append(parse(event.encode()))

    def count(self, kind: str) -> int:
        """How many events of a kind there were."""
        return sum(each.kind == kind for each in self.told)


def callers(day: Watched) -> int:
    """How many people called."""
    return sum(each["Channel"].startswith("PJSIP/trunk") for each in day.told if each.kind == "Newchannel")


@cache
def a_day() -> Watched:
    """A day of twelve agents."""
    return Watched(Plan(agents=12, calls_per_hour=150, start=BEGINS, seed=3))


def test_the_same_seed_is_the_same_day() -> None:
    """Two call centers of one plan say the same, byte for byte; another seed says something else."""

    def told(seed: int) -> bytes:
        said: list[bytes] = []
        center = CallCenter(
            Plan(seed=seed), START, tell=lambda event: said.append(event.encode()), write=lambda _: None
        )
        center.agenda.run(START + 600 * SECOND)
        return b"".join(said)

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_a_day_has_everything() -> None:
    """In a day callers are answered, give up and are transferred; agents come, have lunch and breaks, and go."""
    day = a_day()
    told = Counter(each.kind for each in day.told)
    for kind in ("AgentConnect", "QueueCallerAbandon", "AgentRingNoAnswer", "BlindTransfer", "Hold"):
        assert told[kind] > 5, kind
    assert told["QueueMemberAdded"] == told["QueueMemberRemoved"] > 5
    reasons = {each["PausedReason"] for each in day.told if each.kind == "QueueMemberPause"}
    assert {"lunch", "coffee", "meeting", "training", "back-office"} <= reasons
    assert {each["Status"] for each in day.told if each.kind == "QueueMemberStatus"} == {"1", "2", "5", "6"}


def test_lunch_is_at_noon() -> None:
    """Pauses for lunch begin between twelve and two, give or take a few minutes."""
    lunches = [each for each in a_day().told if each.kind == "QueueMemberPause" and each["PausedReason"] == "lunch"]
    times = [BEGINS + (each.at - START) / SECOND for each in lunches]
    assert min(times) > 11.9 * HOUR
    assert max(times) < 14.1 * HOUR


def test_nobody_calls_when_it_is_closed() -> None:
    """Callers come from nine to half past five."""
    joins = [
        BEGINS + (each.at - START) / SECOND
        for each in a_day().told
        if each.kind == "Newchannel" and each["Channel"].startswith("PJSIP/trunk")
    ]
    assert 9 * HOUR <= min(joins) < 9.1 * HOUR
    assert 17.4 * HOUR < max(joins) <= 17.5 * HOUR


def test_callers_come_as_often_as_asked() -> None:
    """In the 8.5 hours there are as many callers as the plan says, as far as chance lets them be."""
    assert callers(a_day()) == pytest.approx(150 * 8.5, rel=0.1)


def test_the_books_balance() -> None:
    """Who joined was answered, gave up or was sent on; every channel and bridge is gone in the end."""
    day = a_day()
    center, queues = day.center, list(day.center.truth.queues.values())
    assert sum(each.joined for each in queues) == day.count("QueueCallerJoin") == day.count("QueueCallerLeave")
    assert sum(each.answered for each in queues) == day.count("AgentConnect") == day.count("AgentComplete")
    left = sum(each.abandoned + each.timed_out for each in queues)
    assert left == day.count("QueueCallerAbandon")
    assert sum(each.joined for each in queues) == sum(each.answered for each in queues) + left
    assert sum(each.calls for each in center.truth.sessions) == day.count("AgentConnect")
    assert sum(each.missed for each in center.truth.sessions) == day.count("AgentRingNoAnswer")
    assert day.count("Newchannel") == day.count("Hangup")
    assert day.count("BridgeEnter") == day.count("BridgeLeave")
    assert not center.pbx.channels


def test_nobody_is_rung_who_may_not_be() -> None:
    """No phone rings that is in use, or whose member is paused or wraps up."""
    paused: dict[tuple[str, str], bool] = {}
    free_from: dict[tuple[str, str], int] = {}
    busy: set[str] = set()
    for each in a_day().told:
        key = (each.get("Queue"), each.get("Interface"))
        if each.kind.startswith("QueueMember"):
            paused[key] = each["Paused"] == "1"
            (busy.discard if each["Status"] == "1" else busy.add)(key[1])
        elif each.kind == "AgentComplete":
            free_from[key] = (each.at // SECOND + 15) * SECOND
        elif each.kind == "AgentCalled":
            assert not paused.get(key)
            assert key[1] not in busy
            assert each.at >= free_from.get(key, 0)


def test_stamps_never_go_back() -> None:
    """Each event is told after the one before, by its stamp."""
    stamps = [each.at for each in a_day().told]
    assert all(one < two for one, two in pairwise(stamps))


def test_every_line_of_the_log_can_be_read() -> None:
    """The queue_log is one, line for line, and says of calls what the events say."""
    lines = [parse_line(line.encode()) for line in a_day().log]
    assert all(line is not None for line in lines)
    names = Counter(line.split("|")[4] for line in a_day().log)
    day = a_day()
    assert names["CONNECT"] == day.count("AgentConnect")
    assert names["ENTERQUEUE"] == day.count("QueueCallerJoin")
    assert names["BLINDTRANSFER"] == day.count("BlindTransfer")
    assert names["ABANDON"] + names["EXITWITHTIMEOUT"] == day.count("QueueCallerAbandon")


def test_a_faster_day_is_the_same_day() -> None:
    """At ten times the speed a tenth of the time goes by for the same number of callers, and wrap-up is shorter too."""
    slow = Watched(Plan(start=12 * HOUR), 600 * SECOND)
    fast = Watched(Plan(start=12 * HOUR, speed=10), 60 * SECOND)
    assert callers(slow) == pytest.approx(callers(fast), abs=1)
    assert [day.center.pbx.queues["support"].wrapuptime for day in (slow, fast)] == [15, 2]


def test_after_the_day_comes_the_next() -> None:
    """The evening is followed by the next morning, with everybody coming anew."""
    agenda = Agenda(START)
    day = Day(agenda, 17.9 * HOUR, 1)
    assert not day.is_open
    agenda.run(day.next_begins() + SECOND)
    assert day.time == pytest.approx(BEGINS, abs=2)
    assert day.next_instant(shift(0).begins) is not None
    two = Watched(Plan(agents=6, calls_per_hour=60, start=17.5 * HOUR), round(2.5 * HOUR) * SECOND)
    assert two.count("QueueMemberAdded") >= 3
    assert two.count("AgentConnect") > 10
