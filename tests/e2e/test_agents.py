"""Agents with SIP phones: what is told of each is the sum, by hand, of what the phones did."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.broker import Broker
from tests.e2e.running import Running, running, settled
from tests.lab.driver import Driver
from tests.lab.phones import Phones
from tests.lab.phones_log import PhoneLog
from tests.lab.phones_pbx import PhoneExchange, PhoneQueue
from tests.lab.phones_script import Script

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

CALLER, ALICE, BOB = "101", "102", "103"
ALICES, BOBS = "Agent 102", "Agent 103"
WRAP_UP: Final = 1
TALK: Final = 0.6  # seconds
TOLERANCE: Final = 0.050  # seconds for each call, against the phones' logs
QUEUES: Final = (
    PhoneQueue("108", ALICE, wrapuptime=WRAP_UP),
    PhoneQueue("109", ALICE, "behind", wrapuptime=WRAP_UP),
    PhoneQueue("118", ALICE, "optimised", wrapuptime=WRAP_UP),
    PhoneQueue("119", BOB, wrapuptime=WRAP_UP),
)
PHONES: Final = (CALLER, ALICE, BOB, "111", "112", "113")

Logs = dict[str, PhoneLog]
Counts = tuple[int, int, int]
Act = Callable[[Driver], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    Attributes:
        scripts: What the phones do; the last one is started when the others can be called.
        alice: ACD, incoming and outgoing calls that it brings Alice.
        bob: And Bob.
        states: What Alice is in it, one state after the other, until she is READY again.
        acd: The phone that talks for a queue in it, which stops when ``ends`` says.
        ends: When, by the logs.
        act: What is done over AMI besides.
    """

    scripts: Sequence[Script]
    alice: Counts = (0, 0, 0)
    bob: Counts = (0, 0, 0)
    states: tuple[str, ...] = ()
    acd: str | None = None
    ends: Callable[[Logs], int] = lambda logs: logs[CALLER].request("BYE")
    act: Act | None = None


def caller(number: str, *, talks: float = TALK) -> Script:
    """The caller calls a number, talks, and hangs up."""
    return Script(CALLER).calls(number).waits(talks).hangs_up()


def answers(number: str) -> Script:
    """A phone answers, and is hung up."""
    return Script(number).answers().is_hung_up()


async def dial_for_alice(driver: Driver) -> None:
    """Have Asterisk call Alice, and when she answers, Bob."""
    await driver.ask("Originate", Channel=f"PJSIP/{ALICE}", Context="phones", Exten=BOB, Priority="1", Async="true")


STEPS: Final = {
    "a call from the first queue": Step(
        [answers(ALICE), caller("108")], alice=(1, 0, 0), states=("BUSY_ACD", "READY"), acd=ALICE
    ),
    "a call from the second, behind a Local channel": Step(
        [answers(ALICE), caller("109")], alice=(1, 0, 0), states=("BUSY_ACD", "READY"), acd=ALICE
    ),
    "a call from the third, through a Local channel that goes out of the way": Step(
        [answers(ALICE), caller("118")], alice=(1, 0, 0), states=("BUSY_ACD", "READY"), acd=ALICE
    ),
    "Alice calls Bob": Step(
        [answers(BOB), Script(ALICE).calls(BOB).waits(TALK).hangs_up()],
        alice=(0, 0, 1),
        bob=(0, 1, 0),
        states=("BUSY_OUTGOING", "READY"),
    ),
    "Bob calls Alice": Step(
        [answers(ALICE), Script(BOB).calls(ALICE).waits(TALK).hangs_up()],
        alice=(0, 1, 0),
        bob=(0, 0, 1),
        states=("BUSY_INCOMING", "READY"),
    ),
    "Asterisk dials for Alice": Step(
        [answers(BOB), Script(ALICE).answers().waits(2 * TALK).hangs_up()],
        alice=(0, 0, 1),
        bob=(0, 1, 0),
        states=("BUSY_OUTGOING", "READY"),
        act=dial_for_alice,
    ),
    "Bob is called and transfers to Alice": Step(
        [answers(ALICE), Script(BOB).answers().waits(TALK).transfers(ALICE), caller(BOB, talks=3 * TALK)],
        alice=(0, 1, 0),
        bob=(0, 1, 0),
        states=("BUSY_INCOMING", "READY"),
    ),
    "Alice asks Bob in a queue call, and gives it to him": Step(
        [
            Script(ALICE).answers().consults(BOB).waits(TALK).transfers_to_consulted(BOB),
            answers(BOB),
            caller("108", talks=4 * TALK),
        ],
        alice=(1, 0, 1),
        bob=(0, 1, 0),
        states=("BUSY_ACD", "READY"),
        acd=ALICE,
        ends=lambda logs: logs[ALICE].transferred,
    ),
    "Alice behind a Local channel transfers to Bob": Step(
        [Script(ALICE).answers().waits(TALK).transfers(BOB), answers(BOB), caller("109", talks=3 * TALK)],
        alice=(1, 0, 0),
        bob=(0, 1, 0),
        states=("BUSY_ACD", "READY"),
        acd=ALICE,
        ends=lambda logs: logs[ALICE].request("REFER"),
    ),
    "Alice calls Bob's queue": Step(
        [answers(BOB), Script(ALICE).calls("119").waits(2.0).hangs_up()],
        alice=(0, 0, 1),
        bob=(1, 0, 0),
        states=("BUSY_OUTGOING", "READY"),
        acd=BOB,
        ends=lambda logs: logs[ALICE].request("BYE"),
    ),
}


async def test_agents(asterisk_version: str, broker: Broker, tmp_path: Path) -> None:
    """Calls, talk and wrap-up of two agents, one in three queues, are what the phones' logs add up to."""
    async with (
        PhoneExchange(asterisk_version, PHONES, QUEUES, keep_logs=tmp_path / "asterisk") as exchange,
        Driver(exchange) as driver,
        running(exchange, broker, tmp_path, wrap_up={each.number: WRAP_UP for each in QUEUES}) as gateway,
        Phones(exchange, tmp_path / "phones") as phones,
    ):
        for agent in (ALICES, BOBS):
            await told(gateway, agent, ("READY",), since=0, name="the beginning")
        sums = {ALICES: [0, 0, 0], BOBS: [0, 0, 0]}
        talk = {ALICES: 0.0, BOBS: 0.0}
        for name, step in STEPS.items():
            place = len(gateway.messages)
            logs = await play(phones, driver, step)
            for agent, counts in ((ALICES, step.alice), (BOBS, step.bob)):
                sums[agent] = [a + b for a, b in zip(sums[agent], counts, strict=True)]
            if step.acd is not None:
                talk[f"Agent {step.acd}"] += (step.ends(logs) - logs[step.acd].answered()) / 1e6
            for agent, wanted in sums.items():
                shown = await shows(gateway, agent, wanted, name)
                assert shown["total_acd_talk_time"] == pytest.approx(talk[agent], abs=TOLERANCE * (1 + wanted[0]))
            await driver.idle()
            await told(gateway, ALICES, step.states, since=place, name=name)
        await settled(gateway)  # the sessions are shown each for itself, before or after their agent
        for agent, wanted in sums.items():
            check(gateway, await wrapped_up(gateway, agent, wanted[0] * WRAP_UP))
        gateway.check_log()


async def play(phones: Phones, driver: Driver, step: Step) -> Logs:
    """Let the phones play one step to its end."""
    playing = await phones.start(step.scripts[:-1])
    playing += await phones.start(step.scripts[-1:])
    if step.act is not None:
        await step.act(driver)
    logs = await asyncio.gather(*(each.done(20) for each in playing))
    return {each.number: log for each, log in zip(playing, logs, strict=True)}


async def shows(gateway: Running, agent: str, wanted: list[int], name: str) -> Any:
    """Wait until an agent's topic has these counts."""
    try:
        return await gateway.subscriber.shown(f"agent/{agent}", lambda shown: counts_of(shown) == wanted)
    except TimeoutError as error:
        raise AssertionError(f"{name}: {agent} has not {wanted}: {error}") from None


def counts_of(agent: Any) -> list[int]:
    """ACD, incoming and outgoing calls of an agent."""
    return [agent[key] for key in ("number_of_acd_calls", "number_of_incoming_calls", "number_of_outgoing_calls")]


async def told(gateway: Running, agent: str, states: tuple[str, ...], *, since: int, name: str) -> None:
    """Wait until an agent's events have told these states, and nothing else, but for READY between them."""
    topic = f"agent/{agent}/event"
    if states:
        await gateway.subscriber.wait_for(lambda m: m.topic == topic and m.json["event"] == states[-1], since=since)
    found = [m.json["event"] for m in gateway.messages[since:] if m.topic == topic]
    assert tuple(each for each in found if each != "NOT_READY") == states, name


async def wrapped_up(gateway: Running, agent: str, seconds: int) -> Any:
    """Wait until all wrap-ups of an agent are over, and return what its topic shows."""
    shown = await gateway.subscriber.shown(f"agent/{agent}", lambda shown: shown["total_wrap_up_time"] >= seconds)
    assert shown["total_wrap_up_time"] == seconds
    return shown


def check(gateway: Running, agent: Any) -> None:
    """An agent is the sum of its sessions, as their own topics show them."""
    sessions = [
        message.json
        for topic, message in gateway.subscriber.latest.items()
        if topic.startswith("session/") and topic.split("/")[2] == agent["agent"] and topic.count("/") == 3
    ]
    assert len(sessions) == len(agent["sessions"])
    assert sum(each["number_of_calls"] for each in sessions) == agent["number_of_acd_calls"]
    for figure, of_agent in (
        ("total_talk_time", "total_acd_talk_time"),
        ("total_wrap_up_time", "total_wrap_up_time"),
        ("total_call_time", "total_acd_call_time"),
    ):
        assert sum(each[figure] for each in sessions) == pytest.approx(agent[of_agent], abs=0.001 * len(sessions))
    rate = agent["number_of_acd_calls"] / (active_time(gateway, agent) / 3600)
    assert agent["overall_call_rate"] == pytest.approx(rate, rel=0.001)


def active_time(gateway: Running, agent: Any) -> float:
    """Seconds in which an agent had a session that was not NOT_READY, by what was told of the sessions."""
    states: dict[str, str] = {}
    total, since = 0.0, 0.0
    for message in sorted(
        (m for m in gateway.messages if m.topic.startswith("session/") and m.topic.endswith("/event")),
        key=lambda m: m.json["seq"],
    ):
        if message.topic.split("/")[2] != agent["agent"]:
            continue
        at = datetime.fromisoformat(message.json["at"]).timestamp()
        total += at - since if any(state != "NOT_READY" for state in states.values()) else 0.0
        since = at
        states[message.topic] = message.json["session"]["state"]
    assert any(state != "NOT_READY" for state in states.values())
    return total + datetime.fromisoformat(agent["as_of"]).timestamp() - since
