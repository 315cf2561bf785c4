"""A simulation on this machine's clock, and a client that knows nothing of the gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.simulate.server import Account
from gateway.simulate.simulation import Plan, Simulation
from tests.lab.wire import Link

ACCOUNT = Account("cti-gateway", "simulated")


@asynccontextmanager
async def running(
    plan: Plan, *, account: Account = ACCOUNT, queue_log: Path | None = None
) -> AsyncIterator[Simulation]:
    """A simulation that runs until the ``with`` ends."""
    async with Simulation(plan, account, queue_log=queue_log) as simulation:
        task = asyncio.create_task(simulation.run(), name="simulation under test")
        try:
            yield simulation
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def linked(simulation: Simulation, link: Link) -> AsyncIterator[Link]:
    """Log a client in."""
    await link.open(simulation.server.port, ACCOUNT.username, simulation.server.account.secret)
    try:
        yield link
    finally:
        await link.close()
