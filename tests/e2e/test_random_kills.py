"""The gateway is killed again and again at random moments under load, and nothing is lost or told twice.

``CTI_GATEWAY_KILLS=100`` in the environment makes it a hundred. The broker is set up as the sample has it, and the
subscriber is one that it remembers, which is away itself now and then.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.broker import SampleBroker
from tests.e2e.aftermath import check_aftermath
from tests.e2e.load import watched
from tests.e2e.running import Running, running
from tests.lab import callcentre
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import BASE, current
from tests.lab.persistent import PersistentSubscriber

KILLS = int(os.environ.get("CTI_GATEWAY_KILLS", "5"))
SEED = int(os.environ.get("CTI_GATEWAY_KILLS_SEED", "1"))

LIFE = 6.0
"""Seconds at most from a start to the next kill."""

AWAY = 2.0
"""Seconds at most for which the subscriber is away."""


@pytest.mark.lab
@pytest.mark.timeout(KILLS * (LIFE + AWAY) * 2 + 180)
async def test_killed_at_random_under_load(asterisk_version: str, tmp_path: Path) -> None:
    """0 calls lost, 0 doubled, no hole in seq, nothing told twice with a new seq, no session doubled."""
    user, password = "wallboard", SampleBroker.USERS["wallboard"]
    login = {"mqtt": {"username": "cti-gateway", "password": SampleBroker.USERS["cti-gateway"]}}
    asterisk = Asterisk(asterisk_version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    with SampleBroker(tmp_path / "broker") as broker:
        subscriber = PersistentSubscriber(broker.port, BASE, "wallboard 1", username=user, password=password)
        async with (
            watched(asterisk, tmp_path) as lab,
            running(
                asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, changes=login, subscriber=subscriber
            ) as gateway,
        ):
            lab.open(seed=SEED, rate=1.7)
            await _kill_again_and_again(gateway, subscriber, random.Random(SEED))
            judgement = await lab.finish(gateway)
            found = check_aftermath(gateway.messages, judgement)
            gateway.check_log()
    print(f"Asterisk {asterisk_version}, {KILLS} kills, seed {SEED}: {found}")
    assert found["calls"] > KILLS, "too little happened to prove anything"


async def _kill_again_and_again(gateway: Running, subscriber: PersistentSubscriber, rng: random.Random) -> None:
    since = 0
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.05, LIFE))
        since = len(subscriber.messages)
        is_away = rng.random() < 0.3
        if is_away:
            await subscriber.leave()
        await gateway.gateway.kill()
        await gateway.gateway.start()
        if is_away:
            await asyncio.sleep(rng.uniform(0, AWAY))
            await subscriber.come()
        if rng.random() < 0.7:  # else it is killed while it makes its picture
            await current(subscriber, since=since)
    await current(subscriber, since=since)
