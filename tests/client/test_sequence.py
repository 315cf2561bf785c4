"""Holes and repetitions, found whatever is lost and whatever comes again."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.client.news import Hole
from gateway.client.sequence import Sequence

TOPICS = ("session/a/b/c/event", "agent/b/event", "call/a/b/c")


@given(st.lists(st.tuples(st.sampled_from(TOPICS), st.booleans(), st.booleans()), max_size=60))
def test_a_hole_is_told_where_something_is_missing_and_nowhere_else(told: list[tuple[str, bool, bool]]) -> None:
    """Of each topic's messages, some lost and some repeated: new ones once, and a hole before each that follows a loss.

    Only what is lost before the first message of a topic cannot be known, without a snapshot.
    """
    sequence = Sequence()
    previous: dict[str, int] = {}
    seen: dict[str, int] = {}
    lost: set[str] = set()
    for seq, (topic, is_lost, comes_again) in enumerate(told, 1):
        before, previous[topic] = previous.get(topic), seq
        if is_lost:
            lost.add(topic)
            continue
        found = sequence.take(topic, "s", seq, before)
        if topic in lost and topic in seen:
            assert found == Hole(topic, seen[topic], seq)
        else:
            assert found is True
        seen[topic] = seq
        lost.discard(topic)
        if comes_again:
            assert sequence.take(topic, "s", seq, before) is False


def test_a_snapshot_says_what_was_told_before_we_came() -> None:
    """An event that follows the snapshot is no hole; one behind another that never came is."""
    sequence = Sequence()
    sequence.snapshot("t", "s", 7)
    assert sequence.take("t", "s", 9, 7) is True
    other = Sequence()
    other.snapshot("t", "s", 7)
    assert other.take("t", "s", 9, 8) == Hole("t", 7, 9)


def test_what_a_later_snapshot_has_was_missed_all_the_same() -> None:
    """After a loss the snapshot may have what nobody was told: the next event shows the hole."""
    sequence = Sequence()
    sequence.snapshot("t", "s", 7)
    sequence.snapshot("t", "s", 8)
    assert sequence.take("t", "s", 9, 8) == Hole("t", 7, 9)


def test_a_backlog_behind_the_snapshot_is_no_hole() -> None:
    """After an outage the snapshot comes first; the events that are in it already are told after it, all of them."""
    sequence = Sequence()
    sequence.snapshot("t", "s", 7)
    assert [sequence.take("t", "s", seq, seq - 1) for seq in (5, 6, 7, 8)] == [True] * 4


def test_a_new_stream_begins_anew() -> None:
    """Numbers of another stream are not compared with those of the last."""
    sequence = Sequence()
    assert sequence.take("t", "s", 100, 99) is True
    assert sequence.take("t", "other", 1, None) is True
    assert sequence.take("t", "other", 3, 1) is True
