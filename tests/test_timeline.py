"""The line of instants: drift, steps of Asterisk's clock, late arrivals, and times of day."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.timeline import SHORT_ROUND_TRIP, STEP, Timeline

SECOND = 1_000_000
EPOCH = 1_795_000_000 * SECOND
ROUND_TRIPS = st.integers(0, SHORT_ROUND_TRIP)
STEPS = st.integers(2 * SECOND, 86_400 * SECOND) | st.integers(-86_400 * SECOND, -2 * SECOND)


class Clocks:
    """An Asterisk whose clock drifts and is set, seen from a machine whose monotonic clock runs evenly.

    Attributes:
        true: Microseconds that have truly passed.
        ahead: How far Asterisk's clock is ahead of true time, without its drift.
    """

    def __init__(self, *, ahead: int = 0, drift: float = 0.0) -> None:
        self.true = 0
        self.ahead = ahead
        self._drift = drift
        self.timeline = Timeline(steady=self.steady, wall=EPOCH)

    @property
    def steady(self) -> int:
        """The gateway's monotonic clock."""
        return self.true + 777_000_000

    @property
    def asterisk(self) -> int:
        """Asterisk's time of day."""
        return EPOCH + self.ahead + self.true + round(self.true * self._drift)

    def ping(self, round_trip: int = 2_000, *, lopsided: float = 0.5) -> bool:
        """One Ping; whether it showed a step. *lopsided*: the part of the round trip before Asterisk answered."""
        sent = self.steady
        self.true += round(round_trip * lopsided)
        timestamp = self.asterisk
        self.true += round_trip - round(round_trip * lopsided)
        step = self.timeline.pong(sent=sent, received=self.steady, timestamp=timestamp)
        return step is not None

    def event(self, late: int = 0) -> int:
        """The instant of an event that happens now and comes so much later."""
        stamped = self.asterisk
        self.true += late
        return self.timeline.instant(stamped, self.steady)


@given(st.integers(-(10**15), 10**15), ROUND_TRIPS, st.floats(0, 1))
def test_the_first_round_trip_says_where_asterisks_clock_stands(ahead: int, round_trip: int, lopsided: float) -> None:
    """However far the clocks are apart, "now" is Asterisk's to within half the round trip, and that is no step."""
    clocks = Clocks(ahead=ahead)
    assert not clocks.ping(round_trip, lopsided=lopsided)
    assert abs(clocks.timeline.now(clocks.steady) - clocks.asterisk) <= round_trip / 2 + 1
    assert clocks.timeline.steps == []


@given(st.lists(st.tuples(st.integers(1, 60), ROUND_TRIPS, st.floats(0, 1)), max_size=60), st.floats(-2e-3, 2e-3))
def test_drift_is_no_step(waits: list[tuple[int, int, float]], drift: float) -> None:
    """A clock that runs too fast or too slow by up to two parts in a thousand is followed without a step."""
    clocks = Clocks(drift=drift)
    clocks.ping()
    for seconds, round_trip, lopsided in waits:
        clocks.true += seconds * SECOND
        assert not clocks.ping(round_trip, lopsided=lopsided)
    assert clocks.event() == clocks.asterisk
    assert abs(clocks.timeline.now(clocks.steady) - clocks.asterisk) <= SHORT_ROUND_TRIP


@given(STEPS, st.integers(0, 5 * SECOND), st.integers(0, 3600 * SECOND), ROUND_TRIPS)
def test_a_step_is_seen_once_and_durations_across_it_are_true(by: int, before: int, after: int, trip: int) -> None:
    """Forth or back: what lies between an event before the step and one after it is what truly passed."""
    clocks = Clocks()
    clocks.ping(0)
    clocks.true += 100 * SECOND
    first, passed = clocks.event(), clocks.true
    clocks.true += before
    clocks.ahead += by
    assert clocks.ping(trip)
    assert not clocks.ping(trip)
    clocks.true += after
    second, passed = clocks.event(), clocks.true - passed
    assert abs((second - first) - passed) <= trip / 2 + 1
    assert len(clocks.timeline.steps) == 1
    assert abs(clocks.timeline.steps[0].by - by) <= trip / 2 + 1


@example(by=-2 * SECOND, late=SECOND)
@given(STEPS, st.integers(0, SECOND))
def test_an_event_of_before_the_step_may_come_behind_it(by: int, late: int) -> None:
    """Its stamp is of the old clock, and its instant is the true one all the same."""
    clocks = Clocks()
    clocks.ping(0)
    clocks.true += 100 * SECOND
    happened, stamped = clocks.true, clocks.asterisk
    clocks.ahead += by
    clocks.ping(0)
    clocks.true += late
    assert clocks.timeline.instant(stamped, clocks.steady) - EPOCH == happened


@given(st.integers(0, 600 * SECOND), ROUND_TRIPS)
def test_a_late_arrival_changes_nothing(late: int, round_trip: int) -> None:
    """An event that comes late has the instant it is stamped with; it makes one doubt, and a Ping tells the truth."""
    clocks = Clocks()
    clocks.ping(0)
    stamped = clocks.asterisk
    assert clocks.event(late) == stamped
    assert clocks.timeline.lag(stamped, clocks.steady) == late
    assert not clocks.ping(round_trip)
    assert clocks.event() == clocks.asterisk


@given(st.integers(SHORT_ROUND_TRIP + 1, 60 * SECOND), st.floats(0, 1))
def test_a_long_round_trip_says_nothing(round_trip: int, lopsided: float) -> None:
    """Neither a step nor a correction is taken from one, not even the first."""
    clocks = Clocks(ahead=3600 * SECOND)
    assert not clocks.ping(round_trip, lopsided=lopsided)
    now = clocks.timeline.now(0)
    clocks.ahead += 60 * SECOND
    assert not clocks.ping(round_trip, lopsided=lopsided)
    assert clocks.timeline.now(0) == now
    assert abs(clocks.timeline.lag(clocks.asterisk, clocks.steady) or 0) <= STEP
    assert not clocks.ping(0)
    assert abs(clocks.timeline.now(clocks.steady) - clocks.asterisk) <= 1


@settings(max_examples=60)
@given(st.lists(st.tuples(STEPS, st.integers(1, 5000)), max_size=5), st.integers(0, 5000))
def test_times_of_day_and_instants_are_inverse(steps: list[tuple[int, int]], back: int) -> None:
    """The time of day at an instant is Asterisk's, also of one before the last steps."""
    clocks = Clocks()
    clocks.ping(0)
    known = []
    for by, seconds in steps:
        clocks.true += seconds * SECOND
        known.append((clocks.event(), clocks.asterisk))
        clocks.true += 1
        clocks.ahead += by
        assert clocks.ping(0)
    clocks.true += back * SECOND + 1
    known.append((clocks.event(), clocks.asterisk))
    assert [clocks.timeline.wall(instant) for instant, _ in known] == [wall for _, wall in known]
    assert clocks.timeline.from_wall(known[-1][1]) == known[-1][0]


def test_a_time_that_has_not_come_yet_is_of_before_the_clock_was_set_back() -> None:
    """An hour that the clock shows twice is the earlier one as long as the later has not come."""
    clocks = Clocks()
    clocks.ping(0)
    clocks.true += 3000 * SECOND
    login = clocks.asterisk
    clocks.true += 60 * SECOND
    clocks.ahead -= 3600 * SECOND
    clocks.ping(0)
    clocks.true += 10 * SECOND
    clocks.timeline.now(clocks.steady)
    assert clocks.timeline.from_wall(login) == login
    clocks.true += 3700 * SECOND
    clocks.timeline.now(clocks.steady)
    assert clocks.timeline.from_wall(login) == login + 3600 * SECOND


@pytest.mark.parametrize("by", [STEP, -STEP])
def test_half_a_second_is_drift(by: int) -> None:
    """A move of exactly half a second is followed as drift; a microsecond more is a step."""
    clocks = Clocks()
    clocks.ping(0)
    clocks.ahead += by
    assert not clocks.ping(0)
    clocks.ahead += by + (1 if by > 0 else -1)
    assert clocks.ping(0)


def test_before_the_first_round_trip_this_machines_clock_is_the_best_guess() -> None:
    """Nothing looks like a step then."""
    clocks = Clocks(ahead=3600 * SECOND)
    assert clocks.timeline.now(clocks.steady) == EPOCH
    assert abs(clocks.timeline.lag(clocks.asterisk, clocks.steady) or 0) <= STEP
