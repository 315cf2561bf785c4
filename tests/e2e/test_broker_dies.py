"""The broker is restarted and killed under load, with its own persistence and without.

Two subscribers look on: one stays connected as long as there is a broker, the other, whom the broker is to remember, is
away when it happens. What a broker has acknowledged and then forgets is its own loss: the second one misses it, sees
so by a step in ``seq``, and all of it is among what a witness saw the broker acknowledge. All else reaches both.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.aftermath import gaps
from tests.e2e.checks import check_all, not_retained
from tests.e2e.load import versions, watched
from tests.e2e.running import Running, running
from tests.e2e.witness import Witness
from tests.lab import callcentre
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import BASE, current
from tests.lab.persistent import PersistentSubscriber
from tests.lab.subscriber import Received, Subscriber

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

AWAY = 3.2
"""Seconds for which the second subscriber is away before the broker goes.

A broker that closes three connections within seconds each, without a word, is taken for one with a second gateway.
"""

DOWN = 0.7
"""Seconds without a broker."""


@dataclass(slots=True)
class Onlookers:
    """Broker, gateway, and the two who are subscribed to everything."""

    broker: Broker
    witness: Witness
    gateway: Running
    staying: PersistentSubscriber
    away: PersistentSubscriber

    async def lose(self, end: Callable[[], None]) -> set[int]:
        """End the broker by *end* while the second is away, start it anew, and return what it had acknowledged."""
        await self.away.leave()
        await asyncio.sleep(AWAY)
        self.witness.shut()
        since = len(self.staying.messages)
        await asyncio.to_thread(end)
        await self.staying.stay()
        await self.staying.leave()
        acknowledged = set(self.witness.acknowledged)
        await asyncio.sleep(DOWN)
        await asyncio.to_thread(self.broker.start)
        await self.staying.come()
        await self.away.come()
        self.witness.open()  # not before the two are subscribed, or what comes now would be nobody's
        await current(self.staying, since=since)
        return acknowledged


def numbers(messages: list[Received]) -> set[int]:
    """The ``seq`` of all events and call records."""
    return {content["seq"] for _, content in not_retained(messages)}


def steps(messages: list[Received]) -> set[int]:
    """What is missing between the numbers, as a client can tell."""
    seen = numbers(messages)
    return set(range(min(seen), max(seen) + 1)) - seen


@pytest.mark.parametrize("version", versions("22"))
async def test_the_broker_is_restarted_and_killed(version: str, tmp_path: Path) -> None:
    """Who was connected has everything; who was away has all but what the broker acknowledged and forgot."""
    # It saves after each so many changes, not on its way out alone.
    saving = ("autosave_on_changes true", "autosave_interval 20")
    asterisk = Asterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    with Broker(tmp_path / "broker", persistence=True, settings=saving) as broker:
        staying = PersistentSubscriber(broker.port, BASE, "staying")
        away = PersistentSubscriber(broker.port, BASE, "away")
        async with (
            Witness(broker) as witness,
            watched(asterisk, tmp_path) as lab,
            away,
            running(
                asterisk,
                broker,
                tmp_path,
                wrap_up=callcentre.WRAP_UP,
                changes={"mqtt": {"port": witness.port}},
                subscriber=staying,
                module="tests.e2e.impatient",
            ) as gateway,
        ):
            lab.open()
            since = len(gateway.messages)
            onlookers = Onlookers(broker, witness, gateway, staying, away)
            forgotten: dict[str, set[int]] = {}

            await onlookers.lose(broker.stop)
            assert away.remembered
            forgotten["restart"] = await _missing(onlookers)

            acknowledged = await onlookers.lose(broker.kill)
            forgotten["kill"] = await _missing(onlookers)
            assert forgotten["kill"] <= acknowledged

            broker.persistence = False
            acknowledged = await onlookers.lose(broker.stop)
            assert not away.remembered
            forgotten["restart without persistence"] = await _missing(onlookers) - forgotten["kill"]
            assert forgotten["restart without persistence"] <= acknowledged

            before = set().union(*forgotten.values())
            acknowledged = await onlookers.lose(broker.kill)
            assert not away.remembered
            forgotten["kill without persistence"] = await _missing(onlookers) - before
            assert forgotten["kill without persistence"] <= acknowledged

            judgement = await lab.finish(gateway)
            found = check_all(gateway.messages, judgement)
            assert not gaps(gateway.messages[since:])
            assert steps(away.messages) == set().union(*forgotten.values())
            await _retained_is_whole(broker, staying)
            gateway.check_log()
    counts = {how: len(which) for how, which in forgotten.items()}
    print(f"Asterisk {version}: {found}; acknowledged and forgotten by the broker: {counts}")
    assert counts["restart"] == 0
    assert counts["restart without persistence"] > 0
    assert counts["kill without persistence"] > 0


async def _missing(onlookers: Onlookers) -> set[int]:
    """What the one who was away lacks of what the other has, once both have the next event."""
    last = max(numbers(onlookers.staying.messages))
    for each in (onlookers.staying, onlookers.away):
        await each.wait_for(lambda m: bool(numbers([m]) - set(range(last + 1))))
    seen = numbers(onlookers.away.messages)
    return {number for number in numbers(onlookers.staying.messages) if number <= last} - seen


async def _retained_is_whole(broker: Broker, staying: Subscriber) -> None:
    """Whoever comes now finds retained what was last told on each topic."""
    told = {t: m.json["seq"] for t, m in staying.latest.items() if _is_session(t)}
    async with Subscriber(broker.port, BASE) as late:
        for topic in told:
            await late.shown(topic)
        assert {t: m.json["seq"] for t, m in late.latest.items() if _is_session(t)} == told


def _is_session(topic: str) -> bool:
    return topic.startswith("session/") and not topic.endswith("/event")
