"""Agents of app_agent_pool on a real Asterisk: members whose device is the agent's login."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.broker import Broker
from tests.e2e.checks import check_all
from tests.e2e.running import Running, running, settled
from tests.lab import oracle, pbx
from tests.lab.agent_pool import Desk, PoolAgent, PoolAsterisk
from tests.lab.driver import ANSWER_DELAY, Driver
from tests.lab.subscriber import Received
from tests.lab.tap import Tap

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

ANN: Final = PoolAgent("1001", "Ann", wrap_up=2.0)
BEN: Final = PoolAgent("1002", "Ben")
CLEO: Final = PoolAgent("1003", "Cleo", stays=False)
QUEUES: Final = (
    (pbx.Queue("pool", wrapuptime=1, strategy="linear"), (ANN, BEN)),
    (pbx.Queue("direct", wrapuptime=1), (CLEO,)),
)
WRAP_UP: Final = {"pool": 1, "direct": 1}
TALK: Final = ANSWER_DELAY + 0.2
"""Seconds: before a Local channel is answered to the end, half of a call can be hung up without the other."""


HALVES: Final = 0.1
"""Seconds between the ends of the two halves of a Local channel on a busy machine: the gateway goes by the phone behind
them, and the oracle by the half in front."""


class Show:
    """What is told of one agent's session, one thing after another, however late the test looks."""

    def __init__(self, gateway: Running, queue: str, agent: PoolAgent) -> None:
        self._gateway = gateway
        address = agent.interface.replace("/", "%2F")
        self._topic = f"session/{queue}/{agent.name}/{address}"
        self._place = 0

    def events(self) -> list[str]:
        """Its events so far: state, reason where there is one, and nothing of what leaves the state as it is."""
        found = [m.json for m in self._gateway.messages if m.topic == f"{self._topic}/event"]
        sessions = [each["session"] for each in found if each["event"] != "UPDATE"]
        return [f"{each['state']} {each['reason'] or ''}".strip() for each in sessions]

    async def until(self, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for the next event or snapshot in which the session stands so, behind the one found before."""

        def stands_so(message: Received) -> bool:
            if message.topic == f"{self._topic}/event":
                return matches(message.json["session"])
            return message.topic == self._topic and bool(message.payload) and matches(message.json)

        found = await self._gateway.subscriber.wait_for(stands_so, since=self._place)
        self._place = self._gateway.messages.index(found, self._place)
        session: dict[str, Any] = found.json.get("session", found.json)
        return session

    async def is_in(self, state: str) -> dict[str, Any]:
        """Wait until the session is in a state."""
        return await self.until(lambda session: session["state"] == state)


async def test_agents_of_a_pool(asterisk_version: str, broker: Broker, tmp_path: Path) -> None:
    """Login and logoff open and close the device, calls end with the talk, and the pool's wrap-up makes unavailable."""
    async with (
        PoolAsterisk(asterisk_version, QUEUES, keep_logs=tmp_path / "asterisk") as asterisk,
        Tap(asterisk, tmp_path / "ami.raw") as tap,
        Driver(asterisk) as driver,
        running(asterisk, broker, tmp_path, wrap_up=WRAP_UP) as gateway,
    ):
        ann, ben, cleo = Show(gateway, "pool", ANN), Show(gateway, "pool", BEN), Show(gateway, "direct", CLEO)
        desks = [Desk(driver, agent) for agent in (ANN, BEN, CLEO)]
        for each in (ann, ben, cleo):
            assert (await each.is_in("NOT_READY"))["reason"] == "device unavailable"
        await asyncio.gather(*(desk.log_in() for desk in desks))
        for each in (ann, ben, cleo):
            await each.until(lambda session: session["state"] == "READY" and session["asterisk"]["available"])

        await asyncio.gather(
            _pool_wrap_up(driver, ann), _soft_logoff(driver, ben, desks[1]), _hangs_up(driver, cleo, desks[2])
        )
        await desks[0].log_off(soft=False)
        await ann.is_in("NOT_READY")
        await settled(gateway, quiet=WRAP_UP["pool"] + 0.1)

        unavailable = "NOT_READY device unavailable"
        assert ann.events() == [unavailable, "READY", "BUSY_ON_CALL", "BUSY_WRAPUP", "READY", unavailable]
        for each in (ben, cleo):
            assert each.events() == [unavailable, *["READY", "BUSY_ON_CALL", "BUSY_WRAPUP"] * 2, unavailable]
        await tap.snapshot()
        log = asterisk.queue_log.read_text("utf-8")
        found = check_all(gateway.messages, oracle.judge(tap.events, log, WRAP_UP), besides=HALVES)
        assert (found["sessions"], found["calls"]) == (3, 5)
        ended_by = sorted((m.json["agent"], m.json["ended_by"]) for m in gateway.messages if m.topic[:5] == "call/")
        assert ended_by == [
            ("Ann", "caller"),
            ("Ben", "agent"),
            ("Ben", "caller"),
            ("Cleo", "agent"),
            ("Cleo", "caller"),
        ]
        gateway.check_log()


def _stands(session: dict[str, Any]) -> tuple[str, str]:
    return session["state"], session["asterisk"]["device_state"]


async def _pool_wrap_up(driver: Driver, ann: Show) -> None:
    """A call after which the pool leaves the agent alone for longer than the queue does."""
    caller = await driver.call("pool")
    connect = await driver.answered(caller)
    assert connect["MemberName"] == "Ann"
    await ann.is_in("BUSY_ON_CALL")
    await asyncio.sleep(TALK)
    await driver.hang_up(caller.phone)
    await ann.is_in("BUSY_WRAPUP")
    assert not (await ann.is_in("READY"))["asterisk"]["available"]
    await ann.until(lambda session: session["asterisk"]["available"])


async def _soft_logoff(driver: Driver, ben: Show, desk: Desk) -> None:
    """A call that the agent ends by the key, and one in which the pool is asked to log him off after it."""
    await driver.wait_for("AgentConnect", MemberName="Ann")
    connect = await driver.answered(await driver.call("pool"))
    assert connect["MemberName"] == "Ben"
    await ben.is_in("BUSY_ON_CALL")
    await asyncio.sleep(TALK)
    await desk.dial("*")
    await ben.is_in("BUSY_WRAPUP")
    caller = await driver.call("pool")
    await driver.wait_for("AgentConnect", Uniqueid=caller.uniqueid, MemberName="Ben")
    await desk.log_off(soft=True)
    await ben.until(lambda session: _stands(session) == ("BUSY_ON_CALL", "INUSE"))
    await asyncio.sleep(TALK)
    await driver.hang_up(caller.phone)
    await driver.wait_for("AgentLogoff", Agent=BEN.number)
    await ben.is_in("NOT_READY")


async def _hangs_up(driver: Driver, cleo: Show, desk: Desk) -> None:
    """Two calls whose Local channel goes out of the way; in the second the agent puts the phone down."""
    for number in (1, 2):
        since = driver.mark()
        caller = await driver.call("direct")
        await driver.answered(caller)
        await driver.wait_for("LocalOptimizationEnd", since=since)
        await cleo.is_in("BUSY_ON_CALL")
        if number == 1:
            await driver.hang_up(caller.phone)
            await cleo.is_in("READY")
        else:
            await desk.hang_up()
    await cleo.is_in("NOT_READY")
