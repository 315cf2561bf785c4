"""Events on their way to the program."""

from gateway.client import EventStream, Hole, Overrun


async def test_what_does_not_fit_is_counted_and_told() -> None:
    """A program that is too slow loses the oldest events and is told how many, before the rest."""
    stream = EventStream(limit=2)
    for number in range(5):
        stream.put(Hole("t", number, number + 2))
    stream.close()
    assert [event async for event in stream] == [Overrun(3), Hole("t", 3, 5), Hole("t", 4, 6)]


async def test_a_closed_stream_ends() -> None:
    """The iteration ends with the client, also for one who waits already."""
    stream = EventStream()
    stream.close()
    assert [event async for event in stream] == []
