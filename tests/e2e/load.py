"""A call centre at work while a test breaks things, and what the oracle says of it afterwards."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.e2e.running import Running, settled
from tests.lab import callcentre, oracle
from tests.lab.asterisk import Asterisk
from tests.lab.callcentre import CallCentre
from tests.lab.driver import Driver
from tests.lab.oracle import Judgement
from tests.lab.tap import LOST, OPENED, Tap

LONG: Final = os.environ.get("CTI_GATEWAY_FAULTS") == "long"
"""Whether every fault is tried on every version, and for as long as it may last outside; else a shorter run."""

SEED: Final = int(os.environ.get("CTI_GATEWAY_FAULTS_SEED", "1"))


PATIENCE: Final = 4.0
"""Seconds that the last calls have to end by themselves."""


def versions(short: str) -> list[str]:
    """The versions of Asterisk that a fault is tried on: one of them in the shorter run."""
    return ["16", "22"] if LONG else [short]


@dataclass(slots=True)
class Watched:
    """An Asterisk with a recorder and a driver on it.

    Attributes:
        traffic: The call centre at its work, None while it rests.
    """

    asterisk: Asterisk
    tap: Tap
    driver: Driver
    traffic: asyncio.Task[None] | None = None

    @property
    def down(self) -> list[tuple[float, float]]:
        """From when to when nothing was heard of Asterisk, as it went and came back, in seconds since 1970."""
        events = self.tap.events
        last = [before.time / 1e6 for before, event in pairwise(events) if event.event == LOST]
        opened = [event.time / 1e6 for event in events if event.event == OPENED]
        return list(zip(last, opened[1:], strict=True))

    def open(self, *, seed: int = SEED, rate: float = 2.0) -> None:
        """Let the call centre begin its work."""
        self.traffic = asyncio.create_task(CallCentre(self.driver, seed=seed, rate=rate).run(None), name="traffic")

    async def close(self) -> None:
        """End the work: no new calls, no more whims. An agent who was about to come back does not."""
        if self.traffic is not None:
            self.traffic.cancel()
            await asyncio.gather(self.traffic, return_exceptions=True)
            self.traffic = None

    async def finish(self, gateway: Running) -> Judgement:
        """End the work, wait until the last call and its wrap-up are told, and judge."""
        await self.finish_calls(gateway)
        return oracle.judge(self.tap.events, self.asterisk.queue_log.read_text("utf-8"), callcentre.WRAP_UP)

    async def finish_calls(self, gateway: Running) -> None:
        """End the work, and wait until the last call and its wrap-up are told."""
        await self.close()
        try:
            await self.driver.idle(within=PATIENCE)
        except TimeoutError:
            await self.driver.command("channel request hangup all")
            await self.driver.idle()
        await settled(gateway, quiet=max(callcentre.WRAP_UP.values()) + 1.5)
        await self.tap.snapshot()


@asynccontextmanager
async def watched(asterisk: Asterisk, directory: Path) -> AsyncIterator[Watched]:
    """Start the Asterisk with a recorder and a driver; the work begins with ``open``."""
    async with asterisk, Tap(asterisk, directory / "ami.raw") as tap, Driver(asterisk) as driver:
        world = Watched(asterisk, tap, driver)
        try:
            yield world
        finally:
            await world.close()
