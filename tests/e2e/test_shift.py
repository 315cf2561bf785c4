"""A shift on a real Asterisk, one thing after another, each of which must be told as the oracle says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.checks import check_all
from tests.e2e.running import Running, running, settled
from tests.lab import oracle, pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.tap import Tap

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

WRAP_UP = {queue.name: queue.wrapuptime for queue in pbx.QUEUES}
QUIET = max(WRAP_UP.values()) + 1.5
CAROL = pbx.Member("Carol", "a5")


@pytest.fixture
async def gateway(asterisk: Asterisk, broker: Broker, tap: Tap, tmp_path: Path) -> AsyncIterator[Running]:
    """The gateway on the lab's PBX; the tap is there before it."""
    assert tap.events
    async with running(asterisk, broker, tmp_path, wrap_up=WRAP_UP) as process:
        yield process


async def judge(gateway: Running, asterisk: Asterisk, tap: Tap) -> dict[str, int]:
    """Wait until all is told, and hold it against the oracle."""
    await settled(gateway, quiet=QUIET)
    await tap.snapshot()
    found = check_all(gateway.messages, oracle.judge(tap.events, asterisk.queue_log.read_text("utf-8"), WRAP_UP))
    gateway.check_log()
    return found


async def talk(driver: Driver, queue: str, **how: float | str) -> None:
    """One call from beginning to end."""
    caller = await driver.call(queue, **how)  # type: ignore[arg-type]
    await driver.completed(await driver.answered(caller), within=30)


async def test_a_shift(gateway: Running, asterisk: Asterisk, tap: Tap, driver: Driver) -> None:
    """Logins, pauses, calls ended by either side, wrap-up, abandon, no answer, logout in a call."""
    await driver.add("empty", CAROL)
    await driver.pause(CAROL, queue="empty", reason="lunch")
    await driver.pause(CAROL, queue="empty", reason="meeting")
    await driver.unpause(CAROL, queue="empty")
    await talk(driver, "support", talk=1.0)
    await talk(driver, "support", talk=0.8, ends="caller")
    await talk(driver, "sales", talk=0.7)

    # A pause in a call waits for the wrap-up; one after it does not.
    caller = await driver.call("empty", talk=1.5)
    caller_talks = await driver.answered(caller)
    await driver.pause(CAROL, queue="empty", reason="coffee")
    await driver.completed(caller_talks)
    await settled(gateway)
    await driver.unpause(CAROL, queue="empty")

    # Manual wrap-up, asked for in the call, ended by the agent after the deadline.
    caller = await driver.call("empty", talk=1.0)
    caller_talks = await driver.answered(caller)
    await driver.pause(CAROL, queue="empty", reason="wrapup")
    await driver.completed(caller_talks)
    await settled(gateway)
    await driver.unpause(CAROL, queue="empty")

    # Nobody answers: missed, paused by Asterisk, and the caller gives up.
    await driver.set_reply(pbx.DAVE.phone, "never")
    lost = await driver.call("auto", patience=5)
    await driver.wait_for("QueueMemberPause", Queue="auto", Paused="1")
    await driver.wait_for("QueueCallerAbandon", Uniqueid=lost.uniqueid)

    # A logout in a call: it counts into the session that is over. And back again.
    caller = await driver.call("empty", talk=60.0)
    caller_talks = await driver.answered(caller)
    await driver.remove("empty", CAROL)
    await driver.add("empty", CAROL, paused=True)
    await driver.hang_up(caller.phone)
    await driver.completed(caller_talks)
    await driver.unpause(CAROL, queue="empty")
    await talk(driver, "empty", talk=0.6)

    found = await judge(gateway, asterisk, tap)
    assert found["calls"] == 7
    assert found["missed"] == 1
    ended = next(m.json for m in gateway.messages if m.topic.endswith("/event") and m.json["event"] == "END")
    updates = [
        m.json["session"]
        for m in gateway.messages
        if m.topic.endswith("/event") and m.json.get("session", {}).get("session_id") == ended["session"]["session_id"]
    ]
    assert updates[-1]["state"] == "SESSION_ENDED"
    assert updates[-1]["number_of_calls"] == ended["session"]["number_of_calls"] + 1


async def test_phones_that_cannot_be_reached(gateway: Running, asterisk: Asterisk, tap: Tap, driver: Driver) -> None:
    """A phone that goes makes its sessions NOT_READY, and its return READY."""
    for state in ("UNAVAILABLE", "NOT_INUSE", "UNAVAILABLE", "NOT_INUSE"):
        since = driver.mark()
        await driver.set_device(pbx.EVA.phone, state)
        await driver.wait_for("QueueMemberStatus", since=since, Interface=pbx.EVA.interface)
    found = await judge(gateway, asterisk, tap)
    assert found["calls"] == 0
    reasons = {
        m.json["session"]["reason"]
        for m in gateway.messages
        if m.topic.startswith("session/sales") and m.topic.endswith("/event")
    }
    assert reasons == {"device unavailable", None}


async def test_a_redirected_caller(gateway: Running, asterisk: Asterisk, tap: Tap, driver: Driver) -> None:
    """The talk ends when the caller is taken away, though AgentComplete comes much later."""
    caller = await driver.call("support", talk=30.0)
    await driver.answered(caller)
    await driver.redirect(caller)
    await settled(gateway)
    await driver.hang_up(caller.phone)
    await driver.idle()
    found = await judge(gateway, asterisk, tap)
    assert found["calls"] == 1


async def test_statistics_reset_in_a_call(gateway: Running, asterisk: Asterisk, tap: Tap, driver: Driver) -> None:
    """``queue reset stats`` takes nothing from a session, and the call that is open counts."""
    await talk(driver, "support", talk=0.6)
    caller = await driver.call("support", talk=60.0)
    caller_talks = await driver.answered(caller)
    await asterisk.cli("queue reset stats")
    await driver.hang_up(caller.phone)
    await driver.completed(caller_talks)
    found = await judge(gateway, asterisk, tap)
    assert found["calls"] == 2


async def test_reload_with_a_changed_file(gateway: Running, asterisk: Asterisk, tap: Tap, driver: Driver) -> None:
    """A reload ends no session, in a call neither; who is new in the file begins one, who is gone from it ends."""
    await driver.add("support", CAROL)
    await talk(driver, "sales", talk=0.6)
    caller = await driver.call("sales", talk=60.0)
    caller_talks = await driver.answered(caller)
    erin = pbx.Member("Erin", "a6")
    asterisk.rewrite_queues(
        pbx.queues_conf(
            [
                pbx.Queue("support", wrapuptime=3, members=(pbx.ALICE, erin)),
                pbx.Queue("sales", members=(pbx.BOB, pbx.EVA)),
                pbx.Queue("auto", wrapuptime=2, timeout=3, members=(pbx.DAVE,), options={"autopause": "yes"}),
                pbx.Queue("empty", wrapuptime=1),
            ]
        )
    )
    await asterisk.reload_queues()
    await tap.snapshot()
    since = len(gateway.messages)
    await gateway.subscriber.publish("bridge/request", '{"request": "resync", "id": 1}')
    await gateway.subscriber.wait_for(lambda m: m.topic == "bridge/request/response", since=since)
    await driver.hang_up(caller.phone)
    await driver.completed(caller_talks)
    await talk(driver, "sales", talk=0.6)
    await settled(gateway, quiet=QUIET)

    told = {
        (m.json["session"]["agent"], m.json["session"]["group"]): m.json
        for m in gateway.messages
        if m.topic.startswith("session/") and m.topic.endswith("/event")
    }
    assert told["Erin", "support"]["event"] == "NEW_SESSION"
    assert told["Bob Baker", "support"]["event"] == "END"
    assert told["Carol", "support"]["session"]["state"] == "READY"
    sales = [m.json for m in gateway.messages if m.topic.startswith("session/sales/") and m.topic.endswith("/event")]
    assert [each["event"] for each in sales].count("NEW_SESSION") == 2
    assert "END" not in [each["event"] for each in sales]
    assert sum(each["number_of_calls"] for each in _last_sessions(sales)) == 3
    gateway.check_log()


def _last_sessions(events: list[dict[str, dict[str, str | int]]]) -> list[dict[str, int]]:
    last = {event["session"]["session_id"]: event["session"] for event in events}
    return list(last.values())  # type: ignore[arg-type]
