"""Ways out of queues: what events and log lines decide together, and what events decide alone."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ami.ways_out import CONNECTING, LOOKS, LoggedExit, WaysOut
from gateway.domain.caller import WaitingCaller, WayOut
from gateway.domain.facts import CallerGone, CallerLeft, QueueFact
from gateway.domain.instant import SECOND
from tests.ami.script import instant

QUEUE = "support"
WRITTEN = [way for way in WayOut if way is not WayOut.CONNECTED]


class Door:
    """The way out of a queue: events and lines, each at a millisecond, and the facts that came of them.

    Attributes:
        lines: Lines that the log has and nobody has read.
        ringing: Callers for whom an agent's channel is still there.
        told: What was decided, in order.
    """

    def __init__(self, *, has_log: bool = True) -> None:
        self.lines: list[LoggedExit] = []
        self.ringing: set[str] = set()
        self.told: list[QueueFact] = []
        self.ways = WaysOut(self._read if has_log else None, self.ringing.__contains__)
        self._joined: dict[str, int] = {}

    def _read(self, _since: int) -> Iterable[LoggedExit]:
        lines, self.lines = self.lines, []
        return lines

    def write(self, at: float, who: str, way: WayOut, *, queue: str = QUEUE, key: str | None = None) -> None:
        """A line, at its whole second."""
        self.lines.append(LoggedExit(who, queue, way, instant(at) // SECOND * SECOND, key))

    def join(self, at: float, who: str = "c", *, queue: str = QUEUE) -> None:
        """QueueCallerJoin."""
        self._joined[who] = instant(at)
        self.told += self.ways.join(queue, WaitingCaller(who, instant(at)))

    def leave(self, at: float, who: str = "c", *, queue: str = QUEUE, abandoned: bool = True) -> None:
        """QueueCallerAbandon, unless it is an exit by key or to an agent, and QueueCallerLeave."""
        if abandoned:
            self.ways.abandon(who)
        self.ways.leave(queue, WaitingCaller(who, self._joined[who]), instant(at), heard_at=instant(at))

    def connect(self, at: float, who: str = "c", *, queue: str = QUEUE) -> None:
        """AgentConnect."""
        self.told += self.ways.connect(queue, WaitingCaller(who, self._joined[who]), instant(at))

    def hang_up(self, at: float, who: str = "c") -> None:
        """Hangup of the caller."""
        self.told += self.ways.hang_up(who, instant(at))

    def run(self, until: float = 60_000) -> None:
        """Let timers run out."""
        while (deadline := self.ways.next_deadline()) is not None and deadline <= instant(until):
            self.told += self.ways.advance(deadline)

    @property
    def story(self) -> list[tuple[str, float]]:
        """What was told, with its millisecond."""
        return [
            (fact.way.value if isinstance(fact, CallerLeft) else type(fact).__name__, _at(fact)) for fact in self.told
        ]


def _at(fact: QueueFact) -> float:
    return (fact.occasion.at - instant(0)) / 1000


@pytest.mark.parametrize("way", WRITTEN)
def test_the_log_tells_how(way: WayOut) -> None:
    """Found at the first look, told at the exact time of the event."""
    door = Door()
    door.join(100)
    door.write(5432, "c", way, key="7" if way is WayOut.KEY else None)
    door.leave(5432, abandoned=way is not WayOut.KEY)
    assert door.story == [("CallerJoined", 100)]
    assert door.ways.next_deadline() == instant(5432) + LOOKS[0]
    door.run(5452)
    assert door.story[1:] == [(way.value, 5432)]
    left = door.told[1]
    assert isinstance(left, CallerLeft)
    assert left.key == ("7" if way is WayOut.KEY else None)
    assert door.ways.next_deadline() is None


def test_an_answer_is_told_at_once() -> None:
    """AgentConnect follows the leaving, and decides it; its line in the log tells nothing more."""
    door = Door()
    door.join(0)
    door.leave(4000, abandoned=False)
    door.connect(4001)
    door.write(4001, "c", WayOut.CONNECTED)
    assert door.story[1:] == [("CONNECTED", 4000)]
    door.run()
    door.join(4500)
    door.write(4900, "c", WayOut.TIMED_OUT)
    door.leave(4900)
    door.run()
    assert door.story[1:] == [("CONNECTED", 4000), ("CallerJoined", 4500), ("TIMED_OUT", 4900)]


def test_a_line_that_comes_late_is_found() -> None:
    """The log is looked at again, for a second."""
    door = Door()
    door.join(0)
    door.leave(4000)
    door.run(4600)
    assert door.story[1:] == []
    door.write(4000, "c", WayOut.EMPTY)
    door.run()
    assert door.story[1:] == [("EMPTY", 4000)]


@pytest.mark.parametrize("has_log", [True, False])
def test_without_a_line_events_decide(has_log: bool) -> None:  # noqa: FBT001
    """Hung up before it was given up: abandoned. Given up: timed out. Neither: by key."""
    door = Door(has_log=has_log)
    for who in "abc":
        door.join(0, who)
    door.ways.request_hangup("a")
    door.leave(1000, "a")
    door.leave(2000, "b")
    door.leave(3000, "c", abandoned=False)
    door.run()
    assert door.story[3:] == [("ABANDONED", 1000), ("TIMED_OUT", 2000), ("KEY", 3000)]
    assert door.ways.next_deadline() is None


def test_without_a_log_only_an_answer_is_waited_for() -> None:
    """Who was given up is told at once; an exit by key when AgentConnect does not come."""
    door = Door(has_log=False)
    door.join(0)
    door.leave(1000)
    assert door.ways.next_deadline() == instant(1000)
    door.run()
    door.join(2000)
    door.leave(3000, abandoned=False)
    assert door.ways.next_deadline() == instant(3000) + CONNECTING


@pytest.mark.parametrize("has_log", [True, False])
def test_an_agent_may_take_its_time(has_log: bool) -> None:  # noqa: FBT001
    """A gosub may run before AgentConnect: while the agent's channel is there, nothing is concluded."""
    door = Door(has_log=has_log)
    door.join(0)
    door.ringing.add("c")
    door.leave(3000, abandoned=False)
    door.run(9000)
    assert door.story[1:] == []
    door.connect(9000)
    assert door.story[1:] == [("CONNECTED", 3000)]


def test_an_agent_who_goes_meanwhile() -> None:
    """When the channel is gone and nothing else was told, it was no answer."""
    door = Door(has_log=False)
    door.join(0)
    door.ringing.add("c")
    door.leave(3000, abandoned=False)
    door.run(5000)
    door.ringing.clear()
    door.run(7000)
    assert door.story[1:] == [("KEY", 3000)]


def test_an_answer_whose_event_is_lost() -> None:
    """The log's CONNECT holds, when AgentConnect does not come."""
    door = Door()
    door.join(0)
    door.ringing.add("c")
    door.leave(3000, abandoned=False)
    door.write(3000, "c", WayOut.CONNECTED)
    door.run(4500)
    assert door.story[1:] == [("CONNECTED", 3000)]


def test_an_answer_without_a_leaving() -> None:
    """AgentConnect is enough."""
    door = Door()
    door.join(0)
    door.connect(3000)
    assert door.story[1:] == [("CONNECTED", 3000)]


def test_each_caller_is_told_in_order() -> None:
    """What happens to a caller whose leaving is undecided waits behind it; other callers do not wait."""
    door = Door()
    door.join(0)
    door.leave(1000)
    door.join(1001, queue="sales")
    door.join(1002, "d")
    door.leave(2000, queue="sales")
    door.hang_up(2001)
    assert door.story == [("CallerJoined", 0), ("CallerJoined", 1002)]
    door.write(1000, "c", WayOut.TIMED_OUT)
    door.write(2000, "c", WayOut.ABANDONED, queue="SALES")
    door.run()
    assert door.story[2:] == [("TIMED_OUT", 1000), ("CallerJoined", 1001), ("ABANDONED", 2000), ("CallerGone", 2001)]
    assert isinstance(door.told[-1], CallerGone)


def test_a_caller_sent_round_within_a_second() -> None:
    """Lines of one caller in one queue are taken in their order, one for each stay."""
    door = Door()
    ways = [WayOut.EMPTY, WayOut.TIMED_OUT, WayOut.ABANDONED]
    for number, way in enumerate(ways):
        door.join(100 * number)
        door.write(100 * number + 50, "c", way)
        door.leave(100 * number + 50)
    door.run()
    assert [name for name, _ in door.story if name != "CallerJoined"] == [way.value for way in ways]


def test_the_line_of_an_earlier_stay_tells_nothing_of_a_later_one() -> None:
    """A line that came when its leaving was decided already is of that stay."""
    door = Door()
    door.join(0)
    door.leave(1000)
    door.run(2100)
    door.write(1000, "c", WayOut.EMPTY)
    door.join(5000)
    door.leave(6000)
    door.run()
    assert [name for name, _ in door.story if name != "CallerJoined"] == ["TIMED_OUT", "TIMED_OUT"]


def test_lines_are_not_kept_for_ever() -> None:
    """Of leavings that never come."""
    door = Door()
    door.join(0)
    for number in range(100):
        door.write(number * 1000, f"c{number}", WayOut.ABANDONED)
        door.leave(number * 1000)
        door.run(number * 1000 + 500)
    assert len(door.ways._lines) < 20


def test_the_end_of_contact_decides_what_it_can() -> None:
    """What the log tells, and who was given up; a caller whom an agent may have got is left for the recovery."""
    door = Door()
    for who in "abc":
        door.join(0, who)
    door.write(1000, "a", WayOut.WITHDRAWN)
    door.leave(1000, "a")
    door.leave(1000, "b")
    door.leave(1000, "c", abandoned=False)
    door.join(1001, "c", queue="sales")
    door.told += door.ways.lose_contact()
    assert door.story[3:] == [("WITHDRAWN", 1000), ("TIMED_OUT", 1000), ("CallerJoined", 1001)]
    assert door.ways.next_deadline() is None


@given(
    st.lists(st.tuples(st.sampled_from(WayOut), st.integers(1, 3000), st.integers(1, 3000)), min_size=1, max_size=6),
    st.integers(0, 900),
)
@settings(max_examples=200, deadline=None)
def test_any_stays_of_a_caller_are_told_as_they_were(stays: list[tuple[WayOut, int, int]], delay: int) -> None:
    """However long each took, and however late (below a second) the log's lines are: in order, exact, as it was."""
    door = Door()
    now, expected = 0, []
    due: list[tuple[float, WayOut, float]] = []
    for way, wait, pause in stays:
        joined, left = now + pause, now + pause + wait
        now = left
        for when, late, at in [each for each in due if each[0] <= left]:
            door.run(when)
            door.write(at, "c", late)
        due = [each for each in due if each[0] > left]
        door.run(joined)
        door.join(joined)
        expected += [("CallerJoined", float(joined)), (way.value, float(left))]
        if way is WayOut.CONNECTED:
            door.leave(left, abandoned=False)
            door.connect(left)
        else:
            due.append((left + delay, way, left))
            door.leave(left, abandoned=way is not WayOut.KEY)
    for when, late, at in due:
        door.run(when)
        door.write(at, "c", late)
    door.run(now + 60_000)
    assert door.story == expected
