"""Callers of a gap, read back: each counted once, each as it left, whichever side of the loss it was told on."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain import facts
from gateway.domain.caller import WaitingCaller, WayOut
from gateway.domain.instant import SECOND
from gateway.domain.queue import CallerEvent
from gateway.domain.session import Cause, Occasion
from gateway.queue_log.parse import Entry
from gateway.queue_log.recovered_callers import HeardCaller, Kind, RecoveredCallers
from tests.domain.hall import Hall, events
from tests.domain.support import EPOCH, Desk, at, since
from tests.domain.test_queue_properties import NAMES, Visit, histories
from tests.queue_log.gaps import log, recover

LINES = {
    WayOut.CONNECTED: "CONNECT|{wait}|leg|1",
    WayOut.ABANDONED: "ABANDON|1|1|{wait}",
    WayOut.TIMED_OUT: "EXITWITHTIMEOUT|1|1|{wait}",
    WayOut.EMPTY: "EXITEMPTY|1|1|{wait}",
    WayOut.KEY: "EXITWITHKEY|7|1|1|{wait}",
    WayOut.WITHDRAWN: "WITHDRAW|1|1|{wait}|info",
}


def callers(
    hall: Hall, begin: float, end: float, *heard: HeardCaller
) -> tuple[RecoveredCallers, list[facts.QueueFact]]:
    """What recovers a gap in that hall, and what it tells."""
    told: list[facts.QueueFact] = []
    found = RecoveredCallers(
        hall.book.queues(), at(begin), at(end), lambda wall: wall, heard=heard, tell=lambda _, fact: told.append(fact)
    )
    return found, told


@pytest.mark.parametrize("way", WayOut)
def test_each_line_is_its_way_out(way: WayOut) -> None:
    """With the seconds that the log says it took, the place, and the key."""
    found, told = callers(Hall(), 0, 100)
    (entry,) = log(f"50|c|support|NONE|{LINES[way].format(wait=12)}")
    found.take(entry, at(50))
    (fact,) = told
    assert isinstance(fact, facts.CallerLeft)
    assert (fact.way, fact.caller.uniqueid, since(fact.caller.joined_at)) == (way, "c", 38)
    assert fact.occasion == Occasion(at(50), Cause.RECOVERED)
    assert fact.caller.position == (None if way is WayOut.CONNECTED else 1)
    assert fact.key == ("7" if way is WayOut.KEY else None)


def test_a_joining_says_who() -> None:
    """Number, name where it is logged, and place; what is withheld is nobody's."""
    found, told = callers(Hall(), 0, 100)
    for entry in log("5|c|support|NONE|ENTERQUEUE||5550100|2|O'Brien\n6|d|support|NONE|ENTERQUEUE|||1"):
        found.take(entry, at(5))
    one, other = (fact.caller for fact in told if isinstance(fact, facts.CallerJoined))
    assert (one.number, one.name, one.position) == ("5550100", "O'Brien", 2)
    assert (other.number, other.name, other.position) == (None, None, 1)


def test_other_lines_say_nothing_of_callers() -> None:
    """Members come and go, calls end."""
    found, told = callers(Hall(), 0, 100)
    for entry in log(
        "5|NONE|support|Alice|PAUSE|lunch\n6|c|support|Alice|COMPLETECALLER|1|2|1\n7|c|q|A|RINGNOANSWER|1"
    ):
        found.take(entry, at(5))
    assert told == []
    assert found.sift_end(log("150|NONE|support|Alice|PAUSE|lunch")) == set()


def test_what_is_clearly_older_was_told() -> None:
    """Lines from before the gap are read again, and change nothing."""
    found, told = callers(Hall(), 100, 200)
    for entry in log("80|c|support|NONE|ENTERQUEUE||1|1\n85|c|support|NONE|ABANDON|1|1|5"):
        found.take(entry, at(100))
    assert told == []


@dataclass(frozen=True, slots=True)
class Told:
    """Something that AMI tells at an instant, and the log at its second."""

    seconds: float
    kind: Kind
    visit: Visit

    @property
    def heard_as(self) -> Kind:
        """The event behind it."""
        return "connected" if self.kind == "left" and self.visit.way is WayOut.CONNECTED else self.kind

    @property
    def entry(self) -> Entry:
        """The line."""
        wait = int(self.visit.left) - int(self.visit.joined)
        event = "ENTERQUEUE||5550100|1" if self.kind == "joined" else LINES[self.visit.way].format(wait=wait)
        name, *data = event.split("|")
        return Entry(EPOCH + int(self.seconds), self.visit.who, self.visit.queue, "NONE", name, tuple(data))

    def apply(self, hall: Hall) -> None:
        """The event."""
        if self.kind == "joined":
            hall.join(self.seconds, self.visit.who, queue=self.visit.queue)
        else:
            hall.leave(self.seconds, self.visit.who, self.visit.way, queue=self.visit.queue)


@given(histories(), st.floats(0, 50_000), st.sampled_from([0.5, 5, 60, 20_000]), st.booleans(), st.integers(1, 9))
@settings(max_examples=300, deadline=None)
def test_a_hole_changes_no_count(
    visits: list[Visit],
    lost: float,
    length: float,
    at_an_event: bool,  # noqa: FBT001
    parts: int,
) -> None:
    """From whatever moment to whatever other: every caller's way is told once, waits are within a second each."""
    story = [Told(visit.joined, "joined", visit) for visit in visits]
    story += [Told(visit.left, "left", visit) for visit in visits]
    story.sort(key=lambda told: (told.seconds, told.kind == "joined"))
    if at_an_event and story:
        lost = story[int(lost) % len(story)].seconds
    regained = lost + length
    whole, holed = Hall(), Hall()
    for name in NAMES:
        whole.listed(0, queue=name)
        holed.listed(0, queue=name)
    for told in story:
        told.apply(whole)
        if told.seconds <= lost:
            told.apply(holed)
    fill(holed, story, lost, regained, parts)
    show(holed, visits, regained)
    after = [told for told in story if told.seconds > regained]
    for told in after:
        told.apply(holed)
    end = max((told.seconds for told in story), default=0) + 10
    for hall in (whole, holed):
        hall.time(max(end, regained + 10))
    assert _ways(holed) == _ways(whole)
    for name in NAMES:
        one, other = whole.queue(name), holed.queue(name)
        assert other.waiting == one.waiting == ()
        assert other.figures.waits == one.figures.waits
        assert other.figures.answered == one.figures.answered
        assert other.figures.total_calls_queued == one.figures.total_calls_queued
        assert other.figures.total_calls_flowed_out == one.figures.total_calls_flowed_out
        assert other.figures.total_calls_abandoned == one.figures.total_calls_abandoned
        assert abs(other.figures.wait_time - one.figures.wait_time) <= 1.1 * SECOND * one.figures.waits


def fill(hall: Hall, story: list[Told], lost: float, regained: float, parts: int) -> None:
    """Recover the gap from the lines that there are when the log is read, soon after the login; events come later."""
    until = regained + 1
    heard = [
        HeardCaller(at(told.seconds), told.heard_as, told.visit.queue, told.visit.who)
        for told in story
        if regained < told.seconds <= until
    ]
    lines = [told.entry for told in story if lost - 30 < told.seconds <= until + 1]
    queues = list(hall.book.queues())
    found = recover(Desk(), lines, lost, regained, parts=parts, queues=queues, heard_callers=heard)
    for fact in found.facts:
        if isinstance(fact, facts.QueueFact):
            hall.apply(fact, since(fact.occasion.at))


def show(hall: Hall, visits: list[Visit], seconds: float) -> None:
    """List every queue as it is then, to the second."""
    for name in NAMES:
        waiting = [
            WaitingCaller(visit.who, at(int(visit.joined)))
            for visit in sorted(visits, key=lambda each: each.joined)
            if visit.queue == name and visit.joined <= seconds < visit.left
        ]
        hall.listed(seconds, *waiting, queue=name)


def _ways(hall: Hall) -> Counter[tuple[str, str, str]]:
    """What was told of each caller in each queue, and how often."""
    return Counter(
        (each.queue.name, name, who)
        for each in hall.told
        if isinstance(each, CallerEvent)
        for name, who, _ in events([each])
    )
