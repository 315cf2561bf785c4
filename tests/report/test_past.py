"""Figures of any time, from what the store holds."""

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.instant import SECOND
from gateway.report.figures import SUMS, Figures, total
from gateway.report.past import Life
from tests.domain.support import Desk, at
from tests.report.support import a_shift, lives_in, stored


def seconds_of(figures: Figures) -> dict[str, float]:
    """What a shift is held against."""
    names = ("session_duration", "ready", "busy_on_call", "busy_wrapup", "total_talk_time", "total_wrap_up_time")
    return {name: getattr(figures, name) / SECOND for name in names}


@pytest.fixture
def whole(tmp_path: Path) -> Life:
    """The shift, ended."""
    desk = a_shift()
    desk.remove(300)
    stored(tmp_path / "gateway.db", desk)
    (life,) = lives_in(tmp_path / "gateway.db")
    return life


def test_session_that_ended_has_the_figures_of_its_end(whole: Life) -> None:
    """Calls, times in every state, pauses by reason, misses."""
    figures = whole.figures(at(0), at(300))
    assert seconds_of(figures) == {
        "session_duration": 300, "ready": 170, "busy_on_call": 60, "busy_wrapup": 30, "total_talk_time": 60,
        "total_wrap_up_time": 30,
    }  # fmt: skip
    assert {reason: time / SECOND for reason, time in figures.not_ready.items()} == {"lunch": 20, "training": 20}
    assert (figures.number_of_calls, figures.calls_missed, figures.complete) == (2, 1, True)
    assert (figures.answers_timed, figures.longest_time_to_answer / SECOND) == (2, 6)


@given(st.lists(st.integers(1, 299), min_size=1, max_size=6, unique=True))
@settings(deadline=None)
def test_parts_of_a_session_add_up_to_the_whole(cuts: list[int]) -> None:
    """Wherever it is cut, no time and no call is lost, and none counts twice."""
    life = LIFE
    edges = [0, *sorted(cuts), 300]
    parts = total(life.figures(at(begin), at(end)) for begin, end in itertools.pairwise(edges))
    expected = life.figures(at(0), at(300))
    for name in SUMS:
        if name != "sessions":
            assert getattr(parts, name) == getattr(expected, name), name
    assert parts.not_ready == expected.not_ready
    assert parts.longest_time_to_answer == expected.longest_time_to_answer


def _life() -> Life:
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    desk = a_shift()
    desk.remove(300)
    with TemporaryDirectory() as folder:
        stored(Path(folder) / "gateway.db", desk)
        return lives_in(Path(folder) / "gateway.db")[0]


LIFE = _life()


def test_session_that_goes_on_is_known_up_to_the_last_contact(tmp_path: Path) -> None:
    """Where no gateway runs, nothing is said of what came after."""
    desk = a_shift()
    desk.pause(200, "away")
    desk.tick(260)
    stored(tmp_path / "gateway.db", desk)
    (life,) = lives_in(tmp_path / "gateway.db")
    figures = life.figures(at(0), at(10_000))
    assert life.ended is None
    assert seconds_of(figures)["session_duration"] == 260
    assert {reason: time / SECOND for reason, time in figures.not_ready.items()} == {
        "lunch": 20, "training": 20, "away": 60,
    }  # fmt: skip
    assert seconds_of(figures)["ready"] == 260 - 60 - 30 - 100


def test_call_and_wrap_up_that_go_on_are_time_but_do_not_count_yet(tmp_path: Path) -> None:
    """A call counts when its talking ends, a wrap-up's time when it is over."""
    path, desk = tmp_path / "gateway.db", Desk()
    desk.add(0)
    desk.talk(10, 40)
    desk.tick(50)
    stored(path, desk)
    (life,) = lives_in(path)
    assert life.figures(at(0), at(100)).busy_wrapup == 10 * SECOND
    assert life.figures(at(0), at(100)).total_wrap_up_time == 0
    path.unlink()
    desk.answer(60, "b")
    desk.tick(90)
    stored(path, desk)
    (life,) = lives_in(path)
    figures = life.figures(at(0), at(100))
    assert (figures.busy_on_call, figures.number_of_calls) == (60 * SECOND, 1)


def test_call_that_outlives_its_session_counts_in_it(tmp_path: Path) -> None:
    """Who is logged out in a call has it counted all the same."""
    desk = Desk()
    desk.add(0)
    desk.answer(10)
    desk.remove(20)
    desk.end(50)
    desk.close()
    stored(tmp_path / "gateway.db", desk)
    (life,) = lives_in(tmp_path / "gateway.db")
    figures = life.figures(at(0), at(100))
    assert (figures.number_of_calls, figures.total_talk_time / SECOND, figures.session_duration / SECOND) == (1, 40, 20)


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_what_is_read_from_rows_is_what_the_session_says(chance: random.Random) -> None:
    """Time in every state and every sum, whatever happens at the desk."""
    desk, now = Desk(wrap_up=chance.choice((None, 0, 7, 15))), 0
    desk.add(0)
    for number in range(chance.randrange(12)):
        now += chance.choice((1, 5, 14, 20))
        match chance.randrange(4):
            case 0:
                desk.pause(now, chance.choice((None, "lunch", "wrapup")))
            case 1:
                desk.unpause(now)
            case 2:
                desk.talk(now, now := now + chance.choice((3, 30)), f"c{number}", joined=now - 2)
            case _:
                desk.miss(now, f"m{number}")
    desk.remove(now := now + 20)
    session = desk.last_ended
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        stored(Path(folder) / "gateway.db", desk)
        (life,) = lives_in(Path(folder) / "gateway.db")
    whole, parts = life.figures(at(0), at(now)), life._part(at(0), at(now + 1))
    for name in SUMS:
        assert getattr(parts, name) == getattr(whole, name), name
    assert parts.not_ready == whole.not_ready
    assert parts.total_not_ready == session.time_in_state[0]
