"""A shift that began before the gateway was ever started: what the queue_log tells of it stands there at once.

``CTI_GATEWAY_SHIFT_SECONDS=600`` in the environment makes it a longer one.
"""

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import check_aftermath, gaps
from tests.e2e.checks import told_sessions
from tests.e2e.load import watched
from tests.e2e.running import running, settled
from tests.lab import callcentre, oracle, pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.oracle import Judgement
from tests.lab.tap import Tap
from tests.lab.wire import ActionRefusedError

SECONDS = float(os.environ.get("CTI_GATEWAY_SHIFT_SECONDS", "15"))
SEED = int(os.environ.get("CTI_GATEWAY_SHIFT_SEED", "1"))
WRAP_UP = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
TWINS = [agent for agent in callcentre.AGENTS if agent.name == "Twin"]
CAROL, FRANK = pbx.Member("Carol", "a5"), pbx.Member("Frank", "a6")
CAROL_ADDRESS = "Local%2Fa5@agents%2Fn"

pytestmark = [pytest.mark.lab, pytest.mark.timeout(SECONDS * 2 + 180)]


def since(judgement: Judgement, started: float) -> Judgement:
    """Without the sessions that were over when the gateway was started, which nobody can be told of."""
    there = [each for each in judgement.sessions if each.ended is None or each.ended / 1e6 > started]
    calls = [call for session in there for call in session.handled]
    return replace(judgement, sessions=tuple(there), calls=tuple(calls))


async def test_a_random_shift(asterisk_version: str, broker: Broker, tmp_path: Path) -> None:
    """Counts are exact and times within a second a call, of all that happened since each login; nothing is a gap."""
    asterisk = Asterisk(asterisk_version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    async with watched(asterisk, tmp_path) as lab:
        lab.open(seed=SEED, rate=2.0)
        await asyncio.sleep(SECONDS)
        for twin in TWINS:  # of two with one name, the log alone does not tell that somebody who is gone was one
            with suppress(ActionRefusedError):
                await lab.driver.add("third", twin)
        started = time.time()
        async with running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP) as gateway:
            await asyncio.sleep(SECONDS / 5)
            judgement = since(await lab.finish(gateway), started)
            found = check_aftermath(gateway.messages, judgement)
            (gap,) = gaps(gateway.messages)
            gateway.check_log()
        sessions = [told.last for told in told_sessions(gateway.messages)]
        assert all(each["complete"] for each in sessions if each["agent"] != "Twin")
        assert gap.end - gap.begin >= SECONDS
    print(f"Asterisk {asterisk_version}, {SECONDS:g} s, seed {SEED}: {found}")
    assert found["recovered"] > SECONDS / 3, "too little happened to prove anything"


async def test_states_and_figures_stand_at_once(
    asterisk: Asterisk, tap: Tap, driver: Driver, broker: Broker, tmp_path: Path
) -> None:
    """On the phone, paused, free or gone: whoever sees the first picture sees it as it is, told as recovered."""
    await driver.add("empty", CAROL)
    await driver.completed(await driver.answered(await driver.call("empty", talk=1.2)))
    await driver.remove("empty", CAROL)
    await driver.add("empty", CAROL)
    await driver.add("sales", FRANK, paused=True)
    await driver.completed(await driver.answered(await driver.call("empty", talk=2.0)))
    await driver.completed(await driver.answered(await driver.call("support", talk=1.0)))
    await driver.pause(pbx.EVA, queue="sales", reason="lunch")
    caller = await driver.call("empty", talk=60.0)
    connect = await driver.answered(caller)
    await asyncio.sleep(1.1)  # the log knows whole seconds
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP) as gateway:
        shown = {
            (m.json["group"], m.json["agent"]): m.json
            for topic, m in gateway.subscriber.latest.items()
            if topic.startswith("session/") and not topic.endswith("/event")
        }
        carol = shown["empty", "Carol"]
        assert (carol["state"], carol["number_of_calls"], carol["complete"]) == ("BUSY_ON_CALL", 1, True)
        assert carol["total_talk_time"] == pytest.approx(2.0, abs=1.0)
        assert carol["current_call"]["uniqueid"] == connect["Uniqueid"]
        assert (shown["sales", "Kovács Éva"]["state"], shown["sales", "Kovács Éva"]["reason"]) == ("NOT_READY", "lunch")
        assert shown["sales", "Frank"]["state"] == "NOT_READY"
        assert all(each["complete"] for each in shown.values())
        await driver.hang_up(caller.phone)
        await driver.completed(connect)
        await settled(gateway, quiet=max(WRAP_UP.values()) + 1.5)
        await tap.snapshot()
        judgement = oracle.judge(tap.events, asterisk.queue_log.read_text("utf-8"), WRAP_UP)
        there = replace(judgement, sessions=tuple(each for each in judgement.sessions if each.ended is None))
        check_aftermath(gateway.messages, there)
        told = [m.json for m in gateway.messages if m.topic.startswith("session/") and m.topic.endswith("/event")]
        recovered = [each for each in told if each["at"] <= carol["current_call"]["answered_at"]]
        assert {each["cause"] for each in recovered} <= {"recovered", "timer"}
        gateway.check_log()


async def test_a_call_that_ended_unseen_before_the_gateway(
    asterisk: Asterisk, driver: Driver, broker: Broker, tmp_path: Path
) -> None:
    """A redirect leaves no line: the agent is free, the call counts, and how long it was is a gap and no guess."""
    await driver.add("empty", CAROL)
    caller = await driver.call("empty", talk=60.0)
    connect = await driver.answered(caller)
    await driver.redirect(caller)
    await driver.wait_for("Hangup", Uniqueid=connect["DestUniqueid"])
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP) as gateway:
        shown = await gateway.subscriber.wait_for(
            lambda m: m.topic == f"session/empty/Carol/{CAROL_ADDRESS}" and m.json["state"] == "READY"
        )
        assert shown.json["number_of_calls"] == 1
        assert shown.json["total_talk_time"] == 0
        assert [gap["why"] for gap in shown.json["gaps"]] == ["a call ended, and nobody saw when"]
        gateway.check_log()
