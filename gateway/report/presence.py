"""How long people were there, and to be had: an agent in three queues at once counts once, unlike three sessions.

Times of sessions add up and are exact; these are what somebody means who asks how many hours an agent has worked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.report.past import WRAPUP, Interval, Life, overlap, union


@dataclass(frozen=True, slots=True)
class Presence:
    """Of one agent, or the sum over several; microseconds.

    Attributes:
        logged_in: Time in at least one queue.
        available: Time ready in at least one queue, and in none on a call or in wrap-up.
    """

    logged_in: int = 0
    available: int = 0


def presence(lives: Iterable[Life], begin: int, end: int) -> Presence:
    """Of all agents whose sessions these are, between two times of day."""
    by_agent: dict[str, list[Life]] = {}
    for life in lives:
        by_agent.setdefault(life.agent, []).append(life)
    logged_in = available = 0
    for theirs in by_agent.values():
        logged_in += _length([(life.began, life.until) for life in theirs], begin, end)
        ready = union(each for life in theirs for each in without(_seen(life), _not_ready(life)))
        busy = union(each for life in theirs for each in _busy(life))
        available += _length(without(ready, busy), begin, end)
    return Presence(logged_in, available)


def without(whole: Sequence[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """What is left of some time when other time is taken out of it; both in order, none over another."""
    left: list[Interval] = []
    place = 0
    for began, ended in whole:
        at = began
        while place and taken[place - 1][1] > at:
            place -= 1
        while place < len(taken) and taken[place][0] < ended:
            if taken[place][1] > at:
                if taken[place][0] > at:
                    left.append((at, taken[place][0]))
                at = taken[place][1]
            place += 1
        if at < ended:
            left.append((at, ended))
    return left


def _seen(life: Life) -> list[Interval]:
    return [(life.first_seen, life.until)] if life.first_seen < life.until else []


def _busy(life: Life) -> list[Interval]:
    return life.talks() + [(each.began, each.ended) for each in life.spells if each.state == WRAPUP]


def _not_ready(life: Life) -> list[Interval]:
    return union(life.talks() + [(each.began, each.ended) for each in life.spells])


def _length(intervals: Sequence[Interval], begin: int, end: int) -> int:
    return sum(overlap(*each, begin, end) for each in union(intervals))
