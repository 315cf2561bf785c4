"""A call centre of thousands of static members, and what somebody else sees of Asterisk while it is listed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.lab import pbx
from tests.lab.driver import Driver

BETWEEN: Final = 0.01
"""Seconds between two questions of a probe."""


@dataclass(frozen=True, slots=True)
class BulkMember(pbx.Member):
    """A member whose device is a state of its own: thousands of hints would be another subject."""

    @property
    def state_interface(self) -> str:
        """What its device state is taken from."""
        return f"Custom:{self.phone}"


def queues(count: int, members: int) -> list[pbx.Queue]:
    """So many queues, with so many members each, nobody in two of them."""
    return [
        pbx.Queue(
            f"q{number:04d}",
            wrapuptime=1,
            members=tuple(
                BulkMember(f"Agent {number * members + place}", f"a{number * members + place}")
                for place in range(members)
            ),
        )
        for number in range(count)
    ]


@dataclass(slots=True)
class Delays:
    """How long something took, each time, in seconds."""

    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        """Count, median, 95 per cent, and the longest, in milliseconds."""
        taken = sorted(self.seconds) or [0.0]
        middle, most = taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 95 // 100)]
        return f"{len(taken)} times, median {middle * 1e3:.1f}, 95 % {most * 1e3:.1f}, longest {taken[-1] * 1e3:.1f} ms"

    async def add(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do it, and note how long it took."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await work()
        self.seconds.append(loop.time() - begin)


@asynccontextmanager
async def probing(work: Callable[[], Awaitable[object]]) -> AsyncIterator[Delays]:
    """Do something again and again, and note how long it takes each time."""
    delays = Delays()

    async def again_and_again() -> None:
        while True:
            await delays.add(work)
            await asyncio.sleep(BETWEEN)

    task = asyncio.create_task(again_and_again(), name="lab.probe")
    try:
        yield delays
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def loop_delays(step: float = 0.005) -> AsyncIterator[Delays]:
    """How much later than asked for this loop gives somebody a turn."""
    delays = Delays()

    async def sleep_on() -> None:
        loop = asyncio.get_running_loop()
        while True:
            begin = loop.time()
            await asyncio.sleep(step)
            delays.seconds.append(loop.time() - begin - step)

    task = asyncio.create_task(sleep_on(), name="lab.loop delays")
    try:
        yield delays
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def pausing(driver: Driver, member: pbx.Member, queue: str) -> Callable[[], Awaitable[object]]:
    """Pause and unpause a member by turns: each needs the lock of its queue."""
    paused = False

    async def turn() -> None:
        nonlocal paused
        paused = not paused
        await driver.ask("QueuePause", Interface=member.interface, Queue=queue, Paused="1" if paused else "0")

    return turn
