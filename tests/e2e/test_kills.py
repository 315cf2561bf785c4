"""The gateway is killed: what it had told stays told, what it had seen stays seen, and it goes on where it was."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.checks import check_order, check_steps, told_sessions
from tests.e2e.running import Running, running, settled
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import current
from tests.lab.kept import last_kept
from tests.mqtt.recorder import eventually

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

WRAP_UP = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
CAROL = pbx.Member("Carol", "a5")
CAROL_IN_EMPTY = "session/empty/Carol/Local%2Fa5@agents%2Fn"


@pytest.fixture
async def gateway(asterisk: Asterisk, broker: Broker, tmp_path: Path) -> AsyncIterator[Running]:
    """The gateway on the lab's PBX."""
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP) as process:
        yield process


async def kill(gateway: Running) -> int:
    """Kill the gateway and start it anew; returns the place in the messages behind the kill."""
    since = len(gateway.messages)
    await gateway.gateway.kill()
    await gateway.gateway.start()
    return since


def shown(gateway: Running) -> dict[str, Any]:
    """Carol's session as it stands on the broker."""
    session: dict[str, Any] = gateway.subscriber.latest[CAROL_IN_EMPTY].json
    return session


async def test_killed_in_a_call(gateway: Running, driver: Driver) -> None:
    """The call goes on, is talked exactly as long as it was, and counts into the same session."""
    await driver.add("empty", CAROL)
    caller = await driver.call("empty", talk=60.0)
    connect = await driver.answered(caller)
    await settled(gateway)
    before = shown(gateway)
    assert before["state"] == "BUSY_ON_CALL"
    since = await kill(gateway)
    await current(gateway.subscriber, since=since)
    await driver.hang_up(caller.phone)
    complete = await driver.completed(connect)
    await settled(gateway, quiet=2.5)
    after = shown(gateway)
    assert after["session_id"] == before["session_id"]
    assert after["stream"] == before["stream"]
    assert after["session_start_time"] == before["session_start_time"]
    assert after["number_of_calls"] == 1
    assert after["total_talk_time"] == pytest.approx((complete.time - connect.time) / 1e6, abs=0.05)
    records = [m.json for m in gateway.messages if m.topic.startswith("call/")]
    assert after["average_time_to_answer"] == records[0]["time_to_answer"] > 0, (records, connect)
    assert after["total_wrap_up_time"] == 1.0
    _check(gateway)


async def test_killed_in_a_wrap_up(gateway: Running, asterisk: Asterisk, driver: Driver) -> None:
    """The wrap-up ends at the deadline that was set before, whoever runs then."""
    assert asterisk.pid
    await driver.add("support", CAROL, penalty=0)
    for member in (pbx.ALICE, pbx.BOB):
        await driver.pause(member, queue="support")
    connect = await driver.answered(await driver.call("support", talk=0.6))
    place = "session/support/Carol/Local%2Fa5@agents%2Fn"
    wrap_up = await gateway.subscriber.wait_for(lambda m: m.topic == f"{place}/event" and m.json["event"] == "WRAPUP")
    since = await kill(gateway)
    ready = await gateway.subscriber.wait_for(
        lambda m: m.topic == f"{place}/event" and m.json["event"] == "READY", since=since
    )
    assert connect["Interface"] == CAROL.interface
    assert ready.json["cause"] == "timer"
    assert ready.json["session"]["total_wrap_up_time"] == 3.0
    assert ready.json["previous"]["since"] == wrap_up.json["at"]
    await settled(gateway)
    _check(gateway)


async def test_what_the_broker_did_not_get_comes_after_the_kill(
    gateway: Running, broker: Broker, driver: Driver, tmp_path: Path
) -> None:
    """Events of a broker's outage survive a kill in the middle of it, and arrive in order, each once."""
    await driver.add("empty", CAROL)
    await settled(gateway)
    kept = last_kept(tmp_path / "gateway.db")
    broker.freeze()
    await driver.pause(CAROL, queue="empty", reason="one")
    await driver.pause(CAROL, queue="empty", reason="two")
    await driver.unpause(CAROL, queue="empty")
    # Three events of the session and two of the agent: the gateway has nobody to tell that it has them.
    await eventually(lambda: last_kept(tmp_path / "gateway.db") == kept + 5)
    since = await kill(gateway)
    broker.thaw()
    await current(gateway.subscriber, since=since)
    await settled(gateway, quiet=2.5)
    told = [m.json for m in gateway.messages if m.topic == f"{CAROL_IN_EMPTY}/event"]
    reasons = {each["seq"]: each["session"]["reason"] for each in told}
    assert [reasons[seq] for seq in sorted(reasons)] == [None, "one", "two", None]
    _check(gateway)


def _check(gateway: Running) -> None:
    for each in told_sessions(gateway.messages):
        check_steps(each)
    check_order(gateway.messages)
    gateway.check_log()
