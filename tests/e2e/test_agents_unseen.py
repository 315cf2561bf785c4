"""Calls on the agents' phones that begin, go on or end while no gateway looks, and agents whose phone is a hint."""

from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.running import Running, running
from tests.e2e.test_agents import ALICE, ALICES, BOB, BOBS, CALLER, PHONES, QUEUES, WRAP_UP, counts_of
from tests.lab.driver import Driver
from tests.lab.gateway_process import current
from tests.lab.phones import Phone, Phones
from tests.lab.phones_pbx import PhoneExchange
from tests.lab.phones_script import Script

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

CAROL, CAROLS = "113", "Carol"
ANSWERS = "107"  # an extension that answers, and waits


async def test_calls_unseen(asterisk_version: str, broker: Broker, tmp_path: Path) -> None:
    """Who talks is busy over a kill, a call that nobody saw begin is found, and all of them count once."""
    async with (
        PhoneExchange(asterisk_version, PHONES, QUEUES, keep_logs=tmp_path / "asterisk") as exchange,
        Driver(exchange) as driver,
        Phones(exchange, tmp_path / "phones") as phones,
    ):
        await log_carol_in(driver)
        found = await calls_out(phones, driver, ALICE)
        async with running(exchange, broker, tmp_path, wrap_up={each.number: WRAP_UP for each in QUEUES}) as gateway:
            await state(gateway, ALICES, "BUSY_OUTGOING")
            bob, caller = await phones.start(
                [Script(BOB).answers().is_hung_up(), Script(CALLER).calls(BOB).is_hung_up()]
            )
            carol = await calls_out(phones, driver, CAROL)
            await state(gateway, BOBS, "BUSY_INCOMING")
            await state(gateway, CAROLS, "BUSY_OUTGOING")

            since = await kill(gateway)
            await hang_up(driver, ALICE, found)
            await state(gateway, ALICES, "READY", since=since)
            assert told(gateway, BOBS, since=since) == told(gateway, CAROLS, since=since) == []

            await gateway.gateway.kill()
            await hang_up(driver, BOB, bob, caller)
            alice = await calls_out(phones, driver, ALICE)
            since = len(gateway.messages)
            await gateway.gateway.start()
            await current(gateway.subscriber, since=since)
            assert (await state(gateway, ALICES, "BUSY_OUTGOING", since=since))["cause"] == "resync"
            assert (await state(gateway, BOBS, "READY", since=since))["cause"] == "resync"

            await hang_up(driver, ALICE, alice)
            await hang_up(driver, CAROL, carol)
            counts = {ALICES: [0, 0, 2], BOBS: [0, 1, 0], CAROLS: [0, 0, 1]}
            for agent, wanted in counts.items():
                await gateway.subscriber.shown(
                    f"agent/{agent}",
                    lambda shown, wanted=wanted: counts_of(shown) == wanted,  # type: ignore[misc]
                )
            await gateway.told_all()
            for agent, wanted in counts.items():
                assert counts_of(gateway.subscriber.latest[f"agent/{agent}"].json) == wanted
            gateway.check_log()


async def log_carol_in(driver: Driver) -> None:
    """An agent behind a Local channel, whose state interface is the hint of an extension, as FreePBX makes them."""
    await driver.ask("Command", Command=f"dialplan add extension {CAROL},hint,PJSIP/{CAROL} into hints")
    member = {"Interface": f"Local/{CAROL}@from-queue/n", "StateInterface": f"hint:{CAROL}@hints"}
    await driver.ask("QueueAdd", Queue="119", MemberName=CAROLS, **member)


async def calls_out(phones: Phones, driver: Driver, number: str) -> Phone:
    """A phone calls an extension that answers; returns when it has."""
    since = driver.mark()
    (phone,) = await phones.start([Script(number).calls(ANSWERS).is_hung_up()])
    await driver.wait_for("Newstate", since=since, Exten=ANSWERS, ChannelStateDesc="Up")
    return phone


async def hang_up(driver: Driver, number: str, *talking: Phone) -> None:
    """Hang up all channels of a phone, and wait until those who talked know."""
    for each in await driver.ask("CoreShowChannels"):
        if each.get("Channel", "").startswith(f"PJSIP/{number}-"):
            await driver.ask("Hangup", Channel=each["Channel"])
    for phone in talking:
        await phone.done(10)


async def kill(gateway: Running) -> int:
    """Kill the gateway, start it anew and wait for its picture; returns the place in the messages behind the kill."""
    await gateway.gateway.kill()
    since = len(gateway.messages)
    await gateway.gateway.start()
    await current(gateway.subscriber, since=since)
    return since


async def state(gateway: Running, agent: str, wanted: str, *, since: int = 0) -> Any:
    """Wait until an agent's event tells a state, and return it."""
    topic = f"agent/{agent}/event"
    message = await gateway.subscriber.wait_for(lambda m: m.topic == topic and m.json["event"] == wanted, since=since)
    return message.json


def told(gateway: Running, agent: str, *, since: int) -> list[str]:
    """What an agent's events have told that none had before; a run may come again with the numbers it had."""
    topic = f"agent/{agent}/event"
    before = {m.json["seq"] for m in gateway.messages[:since] if m.topic == topic}
    events = [m.json for m in gateway.messages[since:] if m.topic == topic]
    return [each["event"] for each in events if each["seq"] not in before]
