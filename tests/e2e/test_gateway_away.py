"""The gateway is away for long under load, and the queue_log is rotated twice meanwhile.

``CTI_GATEWAY_AWAY_SECONDS=600`` in the environment makes it ten minutes; ``CTI_GATEWAY_FAULTS=long``, every version.
"""

import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import check_aftermath, gaps
from tests.e2e.load import versions, watched
from tests.e2e.running import Running, running
from tests.lab import callcentre, oracle, rotation
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import current
from tests.lab.oracle import Judgement, Session

AWAY = float(os.environ.get("CTI_GATEWAY_AWAY_SECONDS", "9"))
SEED = int(os.environ.get("CTI_GATEWAY_AWAY_SEED", "1"))

RIGHT_AFTER = 2.0
"""Seconds from when the picture is current to when every state must be right."""

UNDER_WAY = 1.0
"""Seconds of these for which a change may be on its way to the subscriber, who gets ten minutes' events just then."""

States = dict[tuple[str, str, str], str]


@pytest.mark.lab
@pytest.mark.timeout(AWAY + 180)
@pytest.mark.parametrize("version", versions("22"))
async def test_away_while_the_log_is_rotated(version: str, broker: Broker, tmp_path: Path) -> None:
    """No call is missing, talk is right within a second a call, and soon after the return every state is right."""
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    async with (
        watched(asterisk, tmp_path) as lab,
        running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP) as gateway,
    ):
        lab.open(seed=SEED)
        await asyncio.sleep(4)
        since = len(gateway.messages)
        await gateway.gateway.kill()
        await asyncio.sleep(AWAY / 3)
        await rotation.rotate(asterisk)
        await asyncio.sleep(AWAY / 3)
        await rotation.logrotate(asterisk, tmp_path)
        await asyncio.sleep(AWAY / 3)
        began = time.monotonic()
        await gateway.gateway.start()
        await current(gateway.subscriber, since=since, within=60)
        took = time.monotonic() - began
        await asyncio.sleep(RIGHT_AFTER)
        at, shown = time.time(), _shown(gateway)
        await asyncio.sleep(2)
        await lab.finish_calls(gateway)
        judgement = oracle.judge(lab.tap.events, rotation.whole(asterisk.queue_log), callcentre.WRAP_UP)
        found = check_aftermath(gateway.messages, judgement)
        _check_states(shown, judgement, at)
        gateway.check_log()
        archived = sorted(each.name for each in asterisk.queue_log.parent.glob("queue_log?*"))
    print(f"Asterisk {version}, away for {AWAY:g} s, seed {SEED}: current after {took:.1f} s, {found}")
    assert archived == ["queue_log.0", "queue_log.1.gz"]
    assert [gap.complete for gap in gaps(gateway.messages[since:])] == [True]
    assert found["recovered"] > AWAY / 2, "too little happened to prove anything"


def _shown(gateway: Running) -> States:
    """The state of each session as it stands on the broker."""
    sessions = [m.json for t, m in gateway.subscriber.latest.items() if t.startswith("session/") and "/event" not in t]
    return {(each["group"], each["agent"], each["address"]): each["state"] for each in sessions}


def _check_states(shown: States, judgement: Judgement, at: float) -> None:
    """What stood on the broker *at* that time is what Asterisk had by then, or just before."""
    by_place: dict[tuple[str, str, str], Session] = {}
    for session in judgement.sessions:
        if session.started / 1e6 <= at - UNDER_WAY:
            by_place[session.key] = session
    assert by_place.keys() <= shown.keys()
    for place, session in by_place.items():
        if session.started / 1e6 <= at:
            assert shown[place] in _states(session, at), (place, at, session.steps)


def _states(session: Session, at: float) -> set[str]:
    """The state at that time, and those just before it."""
    before = [step.state for step in session.steps if step.at / 1e6 <= at - UNDER_WAY]
    return {*before[-1:], *(step.state for step in session.steps if at - UNDER_WAY < step.at / 1e6 <= at)}
