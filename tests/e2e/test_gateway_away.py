"""The gateway is away for long under load, and the queue_log is rotated twice meanwhile.

``CTI_GATEWAY_AWAY_SECONDS=600`` in the environment makes it ten minutes; ``CTI_GATEWAY_FAULTS=long``, every version.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import check_aftermath, gaps
from tests.e2e.checks import moment
from tests.e2e.load import versions, watched
from tests.e2e.running import running
from tests.lab import callcentre, oracle, rotation
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import current
from tests.lab.oracle import Judgement, Session
from tests.lab.subscriber import Received

AWAY = float(os.environ.get("CTI_GATEWAY_AWAY_SECONDS", "9"))
SEED = int(os.environ.get("CTI_GATEWAY_AWAY_SEED", "1"))

RIGHT_AFTER = 2.0
"""Seconds from when it is told that the picture is current to when every state must be right."""

UNDER_WAY = 1.0
"""Seconds of these for which a change may be on its way to the broker: a snapshot waits for events before it."""

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
        await asyncio.sleep(RIGHT_AFTER + 2)
        await lab.finish_calls(gateway)
        judgement = oracle.judge(lab.tap.events, rotation.whole(asterisk.queue_log), callcentre.WRAP_UP)
        found = check_aftermath(gateway.messages, judgement)
        at = _told_current(gateway.messages[since:]) + RIGHT_AFTER
        _check_states(_shown(gateway.messages, at), judgement, at)
        gateway.check_log()
        archived = sorted(each.name for each in asterisk.queue_log.parent.glob("queue_log?*"))
    print(f"Asterisk {version}, away for {AWAY:g} s, seed {SEED}: current after {took:.1f} s, {found}")
    assert archived == ["queue_log.0", "queue_log.1.gz"]
    assert [gap.complete for gap in gaps(gateway.messages[since:])] == [True]
    assert found["recovered"] > AWAY / 2, "too little happened to prove anything"


def _told_current(messages: Sequence[Received]) -> float:
    """When it was told that the picture is current, in seconds since 1970: just behind the sessions as they are."""
    told = 0.0
    for message in messages:
        if message.topic == "bridge/asterisk" and message.json["current"]:
            return max(told, moment(message.json["since"]))
        if _is_session(message):
            told = moment(message.json["as_of"])
    raise AssertionError("it was never told")


def _shown(messages: Sequence[Received], at: float) -> States:
    """The state of each session as it had been published by then.

    By the time that a snapshot says of itself: a subscriber that gets the events of ten minutes just then is behind.
    """
    sessions = [m.json for m in messages if _is_session(m)]
    published = [each for each in sessions if moment(each["as_of"]) <= at]
    return {(each["group"], each["agent"], each["address"]): each["state"] for each in published}


def _is_session(message: Received) -> bool:
    return message.topic.startswith("session/") and not message.topic.endswith("/event") and bool(message.payload)


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
