"""What the delays between attempts promise."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.backoff import Backoff


def test_delays_double_up_to_the_cap() -> None:
    """Without luck the bounds are initial, twice that, and so on, and never beyond the maximum."""
    backoff = Backoff(0.5, 3.0, lambda: 1.0)
    assert [backoff.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_reset_begins_again() -> None:
    """After a good link the first delay is the shortest."""
    backoff = Backoff(0.5, 3.0, lambda: 1.0)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 0.5


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=2000))
def test_every_delay_is_between_zero_and_the_cap(draws: list[float]) -> None:
    """Whatever is drawn, however often, a delay is drawn from all of zero to the cap."""
    numbers = iter(draws)
    backoff = Backoff(0.5, 30.0, lambda: next(numbers))
    for count, draw in enumerate(draws):
        assert backoff.next() == draw * min(0.5 * 2 ** min(count, 10), 30.0)
