"""A flood of commands: each is answered, Asterisk is asked no faster than the limit, and its events are still told."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

import pytest

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.service.live import BOB, TOPICS, Live, live

PER_SECOND: Final = 20
COMMANDS: Final = 300
SUPPORT: Final = TOPICS.session_set("sales", "Bob", BOB)
AGENT: Final = f"{TOPICS.agent('Alice')}/set"


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk) -> AsyncIterator[Live]:
    """A gateway with a low limit."""
    async with live(broker, asterisk, max_per_second=PER_SECOND, max_age=60, timeout=10) as running:
        yield running


@pytest.mark.parametrize(("topic", "sessions"), [(SUPPORT, 1), (AGENT, 2)])
async def test_a_flood_is_answered_and_asterisk_spared(gateway: Live, topic: str, sessions: int) -> None:
    """What is over the limit is BUSY; and in the midst of it a pause that Asterisk tells comes through."""
    since, began = len(gateway.client.messages), time.monotonic()
    states = ("NOT_READY", "READY")
    for number in range(COMMANDS):
        await gateway.send(topic, {"state": states[number % 2], "id": number})
        if number == COMMANDS // 2:
            gateway.asterisk.send_event(
                "QueueMemberPenalty", Queue="sales", MemberName="Bob", Interface=BOB, Penalty=7, Paused=0, Status=1
            )
    await gateway.client.wait_for(
        lambda message: (
            message.topic.startswith("session/sales/Bob")
            and message.topic.count("/") == 3
            and message.json["asterisk"]["penalty"] == 7
        ),
        since=since,
        within=30,
    )
    async with asyncio.timeout(60):
        while len(gateway.answers()) < COMMANDS:
            count = len(gateway.client.messages)
            await gateway.client.wait_for(lambda m: m.topic.endswith("/response"), since=count, within=30)
    took = time.monotonic() - began
    answers = gateway.answers()
    assert sorted(answer["id"] for answer in answers) == list(range(COMMANDS))
    codes = Counter(answer["code"] for answer in answers)
    assert set(codes) == {None, "BUSY"}
    assert codes[None] >= PER_SECOND / sessions
    assert len(gateway.asked()) <= PER_SECOND * (1 + took) + sessions
