"""What the scripted Asterisk sends: events made ahead, in the order in which they go out."""

from collections.abc import Iterator
from itertools import cycle, islice

from tests.bench import templates
from tests.bench.floor import Floor

AT_ONCE = 200
"""Calls that go on at the same time."""


def calls(floor: Floor, first: int, count: int) -> Iterator[bytes]:
    """The events of *count* calls from number *first* on, each answered by the next member.

    They begin one after the other, and each comes to its next stage when some more have begun, so that at any time
    there are calls in all stages, as in a call center where nobody waits for anybody else's call; and nobody has two.
    """
    events: dict[int, list[bytes]] = {}
    for number, step in _steps(floor, count):
        if step == 0:
            events[number] = templates.call_events(first + number, floor.desk((first + number) % floor.sessions))
        yield events[number][step]
        if step == len(templates.CALL) - 1:
            del events[number]


def stamped_places(floor: Floor, first: int, count: int) -> dict[str, tuple[int, int]]:
    """Where in ``calls`` each caller joins and is answered, by the caller's Uniqueid."""
    joins, connects = [0] * count, [0] * count
    for place, (number, step) in enumerate(_steps(floor, count)):
        if step == templates.JOINS:
            joins[number] = place
        elif step == templates.CONNECTS:
            connects[number] = place
    return {templates.caller_of(first + number): (joins[number], connects[number]) for number in range(count)}


def _steps(floor: Floor, count: int) -> Iterator[tuple[int, int]]:
    """Call, counted from 0, and step of each event of *count* calls, in order."""
    stages = templates.STAGES
    last = max(stages)
    stride = max(1, (min(AT_ONCE, floor.sessions) - 1) // last)
    for begun in range(count + last * stride):
        for stage in range(last, -1, -1):
            number = begun - stage * stride
            if 0 <= number < count:
                yield from ((number, step) for step, its in enumerate(stages) if its == stage)


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
