"""The gateway's figures of a simulated call center are those of the simulator's own books.

``CTI_GATEWAY_SIMULATE_SECONDS=600`` in the environment makes it ten minutes, ``CTI_GATEWAY_SIMULATE_SPEED`` how much
faster than a day. ``-s`` shows the figures.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from gateway.app import build
from gateway.client import GatewayClient
from gateway.clock import SystemClock
from gateway.config import AsteriskConfig, GatewayConfig, HttpConfig, MqttConfig, SessionConfig, StoreConfig
from gateway.simulate.agenda import SECOND
from gateway.simulate.day import HOUR
from gateway.simulate.simulation import Plan, Simulation
from gateway.simulate.truth import SessionTruth
from tests.broker import Broker
from tests.simulate.running import running

SECONDS: Final = float(os.environ.get("CTI_GATEWAY_SIMULATE_SECONDS", "5"))
SPEED: Final = float(os.environ.get("CTI_GATEWAY_SIMULATE_SPEED", "90"))
IS_LONG: Final = SECONDS > 60
CALLS_PER_HOUR: Final = 6000 if IS_LONG else 1500
PLAN: Final = Plan(
    agents=500 if IS_LONG else 120,
    calls_per_hour=0,
    queues=8 if IS_LONG else 4,
    speed=SPEED,
    start=9.9 * HOUR,  # the late shift comes at ten
    seed=7,
)
PER_CALL: Final = 0.0005
"""Seconds: the events of one act are told within half a millisecond, and figures are rounded to one."""

pytestmark = pytest.mark.timeout(SECONDS + 120)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of one's own."""
    with Broker(tmp_path / "broker") as broker:
        yield broker


@asynccontextmanager
async def gateway(
    simulation: Simulation, broker: Broker, folder: Path, log: Path | None
) -> AsyncIterator[GatewayClient]:
    """A gateway between them, and a client whose picture is current."""
    config = GatewayConfig(
        node="simulated",
        asterisk=AsteriskConfig(
            port=simulation.server.port, password=SecretStr(simulation.server.account.secret), queue_log=log
        ),
        mqtt=MqttConfig(port=broker.port, username=None),
        session=SessionConfig(statistics_interval=3600),
        store=StoreConfig(path=folder / "gateway.db", synchronous="normal"),
        http=HttpConfig.model_validate({"listen": ""}),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(build(config, SystemClock()).run(stop), name="gateway under test")
    try:
        async with GatewayClient("127.0.0.1", broker.port, node="simulated", wants=("sessions", "queues")) as client:
            await client.until(lambda: client.current, timeout=30)
            yield client
    finally:
        stop.set()
        await task


async def test_the_figures_are_the_truth(broker: Broker, tmp_path: Path) -> None:
    """Every session and queue has the calls, talk, wrap-up, waits and abandons that there really were."""
    log = tmp_path / "queue_log"
    async with running(PLAN, queue_log=log) as simulation, gateway(simulation, broker, tmp_path, log) as client:
        # From here on: what was before the gateway came is known from the log alone, to the second.
        simulation.center.people.set_calls_per_hour(CALLS_PER_HOUR)
        await asyncio.sleep(SECONDS)
        await simulation.finish()
        truth = simulation.center.truth
        with suppress(TimeoutError):  # the last wrap-up ends now
            await client.until(lambda: not differences(client, simulation), timeout=10)
        wrong = differences(client, simulation)
        answered = sum(each.answered for each in truth.queues.values())
        print(f"{answered} calls in {SECONDS:g} s: {simulation.center.standing()}")
        assert not wrong, "\n".join([f"{len(wrong)} differences", *wrong[:20]])
        assert answered > SECONDS


Key = tuple[str, str, str]


def last(sessions: list[SessionTruth]) -> dict[Key, SessionTruth]:
    """The newest session of each membership: the one that its topic tells of."""
    return {(each.queue, each.agent, each.address): each for each in sessions}


def differences(client: GatewayClient, simulation: Simulation) -> list[str]:
    """What the gateway has otherwise than it was."""
    truth, wrong = simulation.center.truth, []
    for key, known in last(truth.sessions).items():
        session = client.session(*key)
        if session is None:
            wrong.append(f"{key}: not known")
            continue
        pairs = {
            "number_of_calls": (session.number_of_calls, known.calls),
            "total_talk_time": (session.total_talk_time, known.talk / SECOND),
            "longest_time_to_answer": (session.longest_time_to_answer, known.longest_wait / SECOND),
            "average_time_to_answer": (session.average_time_to_answer * known.calls, known.wait / SECOND),
            "calls_missed": (session.asterisk.calls_missed, known.missed),
            "complete": (session.complete, True),
        }
        rounded = PER_CALL * (known.calls + 1)
        wrong += [
            f"{key} {name}: {told} for {is_so}" for name, (told, is_so) in pairs.items() if abs(told - is_so) > rounded
        ]
        wrap_up = session.total_wrap_up_time - known.wrap_up / SECOND
        if not -rounded <= wrap_up <= known.nearly / SECOND + rounded:
            wrong.append(f"{key} total_wrap_up_time: {session.total_wrap_up_time} for {known.wrap_up / SECOND}")
    for queue in client.queues():
        known_queue = truth.queues[queue.queue]
        counts = {
            "answered": (queue.answered, known_queue.answered),
            "abandoned": (queue.total_calls_abandoned, known_queue.abandoned),
            "queued": (queue.total_calls_queued, known_queue.joined),
            "flowed out": (queue.total_calls_flowed_out, known_queue.timed_out),
            "waiting": (queue.current_calls_queued, 0),
        }
        wrong += [
            f"{queue.queue} {name}: {told} for {is_so}" for name, (told, is_so) in counts.items() if told != is_so
        ]
    return wrong
