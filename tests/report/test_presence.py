"""How long people were there: whatever queues they were in at once."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.report.past import Interval, Life, union
from gateway.report.presence import Presence, presence, without
from gateway.report.report import GroupBy, make_report
from gateway.store.ended import ArchivedCall, Spell
from tests.report.test_past import LIFE

BY: tuple[GroupBy, ...] = ("agent", "group", "day")
NOT_READY, WRAPUP = 0, 3
END = 1000


def life(
    agent: str, group: str, began: int, until: int, calls: tuple[Interval, ...] = (), **spells: tuple[int, int, int]
) -> Life:
    """A session with its calls, and spells of a state by reason."""
    made = Life(f"{agent} in {group}", agent, group, f"PJSIP/{agent}", began, until, until, began, 0, 0)
    made.calls = [ArchivedCall(made.session_id, "1.1", "1.2", *call, call[1] - call[0], 1, 1) for call in calls]
    made.spells = [Spell(made.session_id, *spell, reason) for reason, spell in spells.items()]
    return made


def test_three_queues_are_one_person() -> None:
    """Logged in is from the first login to the last logout; what lies between two shifts is not in it."""
    lives = [life("Ann", "a", 0, 100), life("Ann", "b", 20, 120), life("Ann", "a", 200, 250), life("Bob", "a", 0, 60)]
    assert presence(lives, 0, END) == Presence(120 + 50 + 60, 120 + 50 + 60)
    assert presence(lives, 50, 210) == Presence(70 + 10 + 10, 70 + 10 + 10)


def test_who_is_on_a_call_in_one_queue_is_available_in_none() -> None:
    """A call and its wrap-up in one queue end being available, a pause in one of two does not."""
    first = life("Ann", "a", 0, 100, ((10, 30),), wrapup=(WRAPUP, 30, 35))
    second = life("Ann", "b", 0, 100, lunch=(NOT_READY, 50, 60))
    assert presence([first, second], 0, END) == Presence(100, 75)
    both = life("Ann", "a", 0, 100, ((10, 30),), wrapup=(WRAPUP, 30, 35), lunch=(NOT_READY, 55, 70))
    assert presence([both, second], 0, END) == Presence(100, 70)


def test_of_one_session_it_is_that_sessions_own() -> None:
    """Who has but one session is logged in as long as it lasts, and available as long as it is ready."""
    figures = LIFE.figures(LIFE.began, LIFE.until)
    assert presence([LIFE], LIFE.began, LIFE.until) == Presence(figures.session_duration, figures.ready)


def test_a_report_has_it_by_agent_group_and_day() -> None:
    """By group somebody in two queues counts in each of them; by day, and in all, once."""
    lives = [life("Ann", "a", 0, 150), life("Ann", "b", 50, 150), life("Bob", "b", 120, 160)]
    days = [("one", 0, 100), ("two", 100, 200)]
    told = {by: {head[by]: there.logged_in for head, _, there in make_report(lives, days, by).rows} for by in BY}
    assert told == {"agent": {"Ann": 150, "Bob": 40}, "group": {"a": 150, "b": 140}, "day": {"one": 100, "two": 90}}
    assert make_report(lives, days, "agent").presence == Presence(190, 190)


INTERVALS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)).map(lambda pair: (pair[0], sum(pair))))


@given(INTERVALS, INTERVALS)
@settings(max_examples=300)
def test_what_is_left_is_what_was_not_taken(whole: list[Interval], taken: list[Interval]) -> None:
    """Instant by instant."""

    def instants(intervals: list[Interval]) -> set[int]:
        return {instant for began, ended in intervals for instant in range(began, ended)}

    left = without(union(whole), union(taken))
    assert instants(left) == instants(whole) - instants(taken)
    assert left == sorted(left)
    assert all(began < ended for began, ended in left)


@given(st.randoms(use_true_random=False))
def test_nobody_is_available_longer_than_logged_in(chance: random.Random) -> None:
    """And cutting the time anywhere loses nothing of either."""
    lives = []
    for number in range(chance.randrange(1, 6)):
        began = chance.randrange(100)
        until = began + chance.randrange(1, 100)
        calls = tuple(sorted((at := chance.randrange(began, until), at + chance.randrange(1, 20)) for _ in range(2)))
        pause = (NOT_READY, at := chance.randrange(began, until), min(until, at + 10))
        lives.append(life(chance.choice(("Ann", "Bob")), str(number), began, until, calls, lunch=pause))
    whole, cut = presence(lives, 0, END), chance.randrange(200)
    parts = presence(lives, 0, cut), presence(lives, cut, END)
    assert 0 <= whole.available <= whole.logged_in
    assert whole.logged_in == sum(each.logged_in for each in parts)
    assert whole.available == sum(each.available for each in parts)
