"""What the scripted Asterisk sends: events made ahead, in the order in which they go out."""

from collections.abc import Iterator
from itertools import cycle, islice

from tests.bench import templates
from tests.bench.floor import Floor

AT_ONCE = 200
"""Calls that go on at the same time, step by step."""


def calls(floor: Floor, first: int, count: int) -> Iterator[bytes]:
    """The events of *count* calls from number *first* on, each answered by the next member."""
    at_once = min(AT_ONCE, floor.sessions)
    for begin in range(first, first + count, at_once):
        numbers = range(begin, min(begin + at_once, first + count))
        together = [templates.call_events(number, floor.desk(number % floor.sessions)) for number in numbers]
        for step in zip(*together, strict=True):
            yield from step


def stamped_places(floor: Floor, first: int, count: int) -> dict[str, tuple[int, int]]:
    """Where in ``calls`` each caller joins and is answered, by the caller's Uniqueid."""
    at_once = min(AT_ONCE, floor.sessions)
    places: dict[str, tuple[int, int]] = {}
    for begin in range(0, count, at_once):
        size = min(at_once, count - begin)
        start = begin * len(templates.CALL)
        for number in range(size):
            joins, connects = (start + place * size + number for place in (templates.JOINS, templates.CONNECTS))
            places[templates.caller_of(first + begin + number)] = (joins, connects)
    return places


def pauses(floor: Floor, first: int, count: int) -> Iterator[bytes]:
    """Pauses and their ends, over all members in turn."""
    for number in range(first, first + count):
        paused = (number // floor.sessions) % 2 == 0
        yield templates.pause_event(floor.desk(number % floor.sessions), "lunch" if paused else "")


def noise(floor: Floor, count: int) -> Iterator[bytes]:
    """Events that nobody wants."""
    block = [event for number in range(250) for event in templates.noise_events(number, floor.desk(number))]
    return islice(cycle(block), count)


def mixed(floor: Floor, first: int, count: int, beside: int) -> Iterator[bytes]:
    """The events of *count* calls with *beside* events that nobody wants before each."""
    unwanted = noise(floor, count * len(templates.CALL) * beside)
    for event in calls(floor, first, count):
        yield from islice(unwanted, beside)
        yield event
