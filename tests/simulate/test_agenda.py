"""What is due when."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulate.agenda import Agenda


@given(st.lists(st.integers(0, 1000)))
def test_everything_happens_in_its_order_at_its_time(times: list[int]) -> None:
    """Happenings come by time, those of one time as they were arranged, each with the present at its own time."""
    agenda = Agenda(0)
    happened: list[tuple[int, int, int]] = []
    for number, time in enumerate(times):
        agenda.at(time, lambda number=number, time=time: happened.append((time, number, agenda.now)))  # type: ignore[misc]
    agenda.run(2000)
    assert happened == sorted((time, number, time) for number, time in enumerate(times))
    assert agenda.now == 2000
    assert agenda.next_at is None


def test_what_is_called_off_does_not_happen() -> None:
    """A happening can be called off until it happens, and a second time without harm."""
    agenda = Agenda(0)
    happened: list[int] = []
    agenda.at(1, lambda: happened.append(1)).call_off()
    kept = agenda.at(2, lambda: happened.append(2))
    assert agenda.next_at == 2
    agenda.run(5)
    kept.call_off()
    assert happened == [2]


def test_a_happening_may_arrange_the_next() -> None:
    """What is arranged meanwhile happens too if it is due, and the past is now."""
    agenda = Agenda(10)
    happened: list[int] = []

    def arrange() -> None:
        agenda.at(3, lambda: happened.append(agenda.now))

    agenda.at(12, arrange)
    agenda.run(20)
    assert happened == [12]


def test_a_run_can_be_cut_short() -> None:
    """With a limit no more happens, and the present stays where that was."""
    agenda = Agenda(0)
    for time in (1, 2, 3):
        agenda.at(time, lambda: None)
    assert agenda.run(10, limit=2) == 2
    assert agenda.now == 2
    assert agenda.run(10) == 1


def test_on_a_clock_nothing_happens_in_the_past() -> None:
    """Run by a clock, what is late happens at the clock's time."""
    agenda = Agenda(0)
    happened: list[int] = []
    agenda.at(5, lambda: happened.append(agenda.now))
    agenda.run(9, is_clock=True)
    assert happened == [9]
