"""A broker that is away or takes nothing, under load: what it costs in memory, and what comes afterwards.

``CTI_GATEWAY_OUTAGE_EVENTS=20000`` in the environment makes the outage long enough for its cost to be measured.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.service.backlog import MESSAGES
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.mqtt.recorder import Subscriber
from tests.service.live import TOPICS, Live, live
from tests.service.outage import health_of, load, process, resident, written

EVENTS = int(os.environ.get("CTI_GATEWAY_OUTAGE_EVENTS", "1500"))
WARM = MESSAGES + 500
"""Events before the measurement, so that the client has all that it may have."""
MEASURED_FROM = 10_000
"""Events from which on the growth of a process says something about a single one."""
MOST = 200
"""Bytes of memory that an event may cost."""


@pytest.mark.timeout(120 + EVENTS / 50)
async def test_an_outage_costs_disk_and_no_memory(
    tmp_path: Path, asterisk: ScriptedAsterisk, capsys: pytest.CaptureFixture[str]
) -> None:
    """All events arrive in order after it; while it lasts, an event costs less than 200 bytes of memory."""
    path, filters = tmp_path / "gateway.db", [f"{TOPICS.base}/+/+/event", f"{TOPICS.base}/session/+/+/+/event"]
    with Broker(tmp_path / "broker", persistence=True) as broker:
        async with (
            Subscriber(broker, *filters, TOPICS.bridge_event, session=True) as subscriber,
            process(broker, asterisk, tmp_path) as gateway,
        ):
            await subscriber.until(lambda: any(b"RESYNC_FINISHED" in each for each in subscriber.payloads))
            broker.stop()
            known = len(subscriber.seen)
            await written(path, await load(asterisk, WARM))
            before = resident(gateway.pid)
            expected = await written(path, await load(asterisk, EVENTS, first=WARM))
            grown = resident(gateway.pid) - before
            broker.start()
            await subscriber.until(lambda: len(subscriber.seen) > known, 60)
            began = time.monotonic()
            # After a reconnection some may come twice.
            await subscriber.until(lambda: len(set(subscriber.payloads)) >= expected, 60 + EVENTS / 100)
            rate = (expected - known) / (time.monotonic() - began)
            after = resident(gateway.pid) - before
    with capsys.disabled():
        print(
            f"\n{EVENTS} session events while the broker was away: {grown / EVENTS:.0f} bytes of memory each;"
            f" {expected} messages, received at {rate:.0f} a second; {after / EVENTS:.0f} bytes by then"
        )
    numbers = list(dict.fromkeys(json.loads(each)["seq"] for each in subscriber.payloads))
    assert numbers[:expected] == list(range(1, expected + 1))
    if EVENTS >= MEASURED_FROM:
        assert grown < MOST * EVENTS
        assert after < MOST * EVENTS


async def resynced(gateway: Live) -> int:
    """Wait until the picture's making is told, and return the place in the messages behind it."""
    client = gateway.client
    await client.wait_for(lambda m: m.topic == "bridge/event" and m.json["event"] == "RESYNC_FINISHED")
    return len(client.messages)


async def taken(gateway: Live, events: int) -> str:
    """Let so many events happen, wait until they are handled, and return the last reason."""
    picture = gateway.gateway.picture
    before = picture.events_handled
    reason = await load(gateway.asterisk, events, burst=50)
    await gateway.asterisk.until(lambda: picture.events_handled >= before + events, "events to be handled")
    return reason


async def told(gateway: Live, reason: str, since: int) -> list[dict[str, Any]]:
    """All events from that place on, once a session has told that reason."""
    await gateway.client.wait_for(
        lambda m: is_event(m.topic) and m.json["session"]["reason"] == reason, since=since, within=90
    )
    return [m.json for m in gateway.client.messages[since:] if m.topic.endswith("/event")]


def is_event(topic: str) -> bool:
    """Whether it is that of a session's events."""
    return topic.startswith("session/") and topic.endswith("/event")


async def test_a_broker_that_takes_nothing_blocks_nothing(tmp_path: Path, asterisk: ScriptedAsterisk) -> None:
    """Asterisk is read on, the client has its bounded part, health tells of all of it, and then all come in order."""
    events = MESSAGES + 500
    with Broker(tmp_path / "broker") as broker:
        async with live(broker, asterisk) as gateway:
            since, last = await resynced(gateway), gateway.gateway.ledger.seq
            broker.freeze()
            reason = await taken(gateway, events)
            assert gateway.gateway.mqtt.depth <= MESSAGES
            await asterisk.until(lambda: gateway.gateway.ledger.depth >= events, "events to be kept")
            assert gateway.gateway.ledger.depth_bytes > 1_000 * events
            broker.thaw()
            seqs = [each["seq"] for each in await told(gateway, reason, since)]
            assert seqs[-1] >= last + events
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            assert (await health_of(gateway))["events_lost"] == 0


async def test_past_the_bound_the_oldest_events_are_lost_and_told(tmp_path: Path, asterisk: ScriptedAsterisk) -> None:
    """What was lost is counted, told in a few words and shown as a step in seq; no snapshot is lost."""
    with Broker(tmp_path / "broker") as broker:
        async with live(broker, asterisk, outbox_limit_mb=1) as gateway:
            client = gateway.client
            since, last = await resynced(gateway), gateway.gateway.ledger.seq
            broker.freeze()
            reason = await taken(gateway, 1_500)
            broker.thaw()
            await told(gateway, reason, since)
            health = await health_of(gateway)
            stream = [m.json for m in client.messages[since:] if m.topic.endswith("/event")]
            seqs = [each["seq"] for each in stream if each["seq"] > last]
            assert seqs == sorted(set(seqs))
            lost = seqs[-1] - last - len(seqs)
            assert health["events_lost"] == lost > 300
            dropped = [each for each in stream if each["event"] == "EVENTS_DROPPED"]
            assert 0 < sum(each["count"] for each in dropped) <= lost
            assert len(dropped) < lost / 5
            assert all(each["topic"].endswith("/event") for each in dropped)
            await client.wait_for(
                lambda m: m.topic == "session/Support/Alice/PJSIP%2F1001" and m.json["reason"] == reason, since=since
            )


async def test_an_orderly_stop_sends_what_waits(tmp_path: Path, asterisk: ScriptedAsterisk) -> None:
    """What is still in the store when the end is asked for leaves before ``offline``, with a broker that takes it."""
    events = MESSAGES + 300
    with Broker(tmp_path / "broker") as broker:
        async with Subscriber(broker, f"{TOPICS.base}/session/+/+/+/event", TOPICS.bridge_state) as subscriber:
            async with live(broker, asterisk) as gateway:
                broker.freeze()
                await taken(gateway, events)
                broker.thaw()
            await subscriber.until_seen(TOPICS.bridge_state, b"offline")
            assert len(subscriber.seen) >= events
            assert subscriber.seen[-1].payload == b"offline"
