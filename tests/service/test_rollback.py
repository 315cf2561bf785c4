"""A store whose bytes are put back in place, as a virtual machine's snapshot does: the broker knows better."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import StoreWriteError
from gateway.service.backlog import MESSAGES
from gateway.store.contents import Batch
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.e2e.checks import check_order, not_retained
from tests.lab.subscriber import Received, Subscriber
from tests.mqtt.recorder import Subscriber as KeptSubscriber
from tests.service.live import BOB, TOPICS, Live, live
from tests.service.outage import load, process, written
from tests.store.support import pieces, put_pieces


async def pause(gateway: Live, client: Subscriber, *reasons: str) -> None:
    """Pause Bob for one reason after another, and wait until each is told."""
    for reason in reasons:
        gateway.asterisk.send_events(gateway.asterisk.model.pause(BOB, "1", "sales", reason))
        await heard(client, reason)


async def heard(client: Subscriber, reason: str) -> Received:
    """The event of Bob's session with that reason."""
    return await client.wait_for(
        lambda m: m.topic.startswith("session/sales/Bob") and m.topic.endswith("/event") and said(m, reason)
    )


def said(message: Received, reason: str) -> bool:
    """Whether it tells of that reason."""
    return bool(message.json["session"]["reason"] == reason)


def streams(client: Subscriber) -> list[str]:
    """The streams in the order in which they were first told on."""
    return list(dict.fromkeys(each["stream"] for _, each in not_retained(client.messages)))


def of_stream(client: Subscriber, stream: str) -> list[Received]:
    """What was told on one stream."""
    return [m for m in client.messages if m.topic.endswith("/event") and m.json["stream"] == stream]


def restored(client: Subscriber) -> list[Any]:
    """What was told of it."""
    return [m.json for m in client.messages if m.topic == "bridge/event" and m.json["event"] == "STORE_RESTORED"]


async def check_retained(broker: Broker, stream: str) -> None:
    """Everything that is retained is of that stream."""
    async with Subscriber(broker.port, TOPICS.base) as late:
        await late.publish("mark", b"all told")
        await late.wait_for(lambda m: m.topic == "mark")
        assert {"bridge/health", "session/sales/Bob/PJSIP%2F1002"} <= late.latest.keys()
        apart = {"bridge/state", "mark"}
        # A snapshot comes a moment behind its event.
        await late.wait_for(
            lambda _: {m.json["stream"] for m in late.latest.values() if m.topic not in apart} == {stream}
        )


@pytest.mark.parametrize("is_orderly", [True, False])
async def test_a_store_put_back_in_place_begins_a_new_stream(
    tmp_path: Path, asterisk: ScriptedAsterisk, *, is_orderly: bool
) -> None:
    """No number of the old stream is given twice, the restoration is told, and all that is retained is sent anew."""
    path = tmp_path / "gateway.db"
    with Broker(tmp_path / "broker") as broker:
        async with Subscriber(broker.port, TOPICS.base) as client:
            async with live(broker, asterisk, store=path) as gateway:
                await pause(gateway, client, "a", "b")
                snapshot = pieces(path)
                if not is_orderly:
                    assert snapshot["gateway.db-wal"]
                    await pause(gateway, client, "c", "d")
            if is_orderly:
                snapshot = pieces(path)
                async with live(broker, asterisk, store=path) as gateway:
                    await pause(gateway, client, "c", "d")
            inode = path.stat().st_ino
            put_pieces(path, snapshot)
            assert path.stat().st_ino == inode
            async with live(broker, asterisk, store=path) as gateway:
                await pause(gateway, client, "e", "f")
                old, new = streams(client)
                await check_retained(broker, new)
                assert [(each["stream"], each["seq"]) for each in restored(client)] == [
                    (new, restored(client)[0]["seq"])
                ]
                assert old in restored(client)[0]["reason"]
            check_order(of_stream(client, old))
            check_order(of_stream(client, new))
            assert of_stream(client, new)[0].json["seq"] == 1
            async with live(broker, asterisk, store=path) as gateway:
                await pause(gateway, client, "g")
            assert streams(client) == [old, new]
            check_order(of_stream(client, new))


async def test_what_was_made_before_the_broker_answered_is_of_the_new_stream(
    tmp_path: Path, asterisk: ScriptedAsterisk
) -> None:
    """It was numbered in the old stream, but none of it was told there; more than the client has at a time."""
    path, events = tmp_path / "gateway.db", MESSAGES + 200
    with Broker(tmp_path / "broker", persistence=True) as broker:
        async with KeptSubscriber(broker, f"{TOPICS.base}/#", session=True) as kept:
            async with Subscriber(broker.port, TOPICS.base) as client, live(broker, asterisk, store=path) as gateway:
                await pause(gateway, client, "a")
                snapshot = pieces(path)
                await pause(gateway, client, "b", "c")
            await kept.until(lambda: kept.seen[-1].payload == b"offline")
            before = len(kept.seen)
            broker.stop()
            put_pieces(path, snapshot)
            async with process(broker, asterisk, tmp_path):
                await asterisk.logged_in(2)
                await written(path, await load(asterisk, events))
                broker.start()
                # After a reconnection some may come twice.
                await kept.until(
                    lambda: len({m.payload for m in kept.seen[before:] if m.topic.endswith("/event")}) > events, 90
                )
            (old, new) = dict.fromkeys(body["stream"] for body in events_of(kept))
            told = [body for body in events_of(kept) if body["stream"] == old]
            assert sorted({body["seq"] for body in told}) == list(range(1, len({body["seq"] for body in told}) + 1))
            fresh = list({body["seq"]: body for body in events_of(kept) if body["stream"] == new}.values())
            assert [body["seq"] for body in fresh] == list(range(1, len(fresh) + 1))
            assert len(fresh) > events
            assert sum(body["event"] == "STORE_RESTORED" for body in fresh) == 1
            for body in fresh:
                assert all(
                    each["stream"] == new for each in body.values() if isinstance(each, dict) and "stream" in each
                )
                assert body.get("session", body)["seq"] == body["seq"]
            assert len({(body["stream"], body["seq"]) for body in events_of(kept)}) == len(unlike(events_of(kept)))


def events_of(subscriber: KeptSubscriber) -> list[dict[str, Any]]:
    """What is numbered of all that came."""
    return [json.loads(each.payload) for each in subscriber.seen if each.topic.endswith("/event")]


def unlike(bodies: list[dict[str, Any]]) -> set[str]:
    """Those that differ."""
    return {json.dumps(body) for body in bodies}


async def test_a_store_that_refused_is_not_taken_for_one_put_back(
    tmp_path: Path, asterisk: ScriptedAsterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be kept is not in the numbers that the broker retains, so that the stream goes on."""

    def refuse(_: Batch) -> None:
        raise StoreWriteError("no space left on the disk")

    path = tmp_path / "gateway.db"
    with Broker(tmp_path / "broker") as broker:
        async with Subscriber(broker.port, TOPICS.base) as client:
            async with live(broker, asterisk, store=path) as gateway:
                await pause(gateway, client, "a")
                monkeypatch.setattr(gateway.gateway.store, "write", refuse)
                since = len(client.messages)
                asterisk.send_events(asterisk.model.pause(BOB, "1", "sales", "b"))
                health = await client.wait_for(
                    lambda m: m.topic == "bridge/health" and m.json["store_failure"] is not None, since=since
                )
                assert health.json["store_failure"] == "no space left on the disk"
                last = max(each["seq"] for _, each in not_retained(client.messages))
                assert health.json["seq"] == last
            async with live(broker, asterisk, store=path) as gateway:
                await pause(gateway, client, "c")
            assert len(streams(client)) == 1
            check_order(client.messages)


async def test_only_a_number_never_given_proves_it(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """What anybody may have put on a topic changes nothing; proof that comes late is taken, too."""
    async with live(broker, asterisk) as gateway:
        client = gateway.client
        await pause(gateway, client, "a")
        listener, (stream,) = gateway.gateway.mqtt._listener, streams(client)
        last = max(each["seq"] for _, each in not_retained(client.messages))
        topic = TOPICS.agent("nobody")
        for payload in (
            b"",
            b"x",
            b"[1]",
            b"\xff",
            b"[" * 100_000,
            json.dumps({"stream": stream, "seq": last}).encode(),
            json.dumps({"stream": stream, "seq": None}).encode(),
            json.dumps({"stream": stream, "seq": "99999"}).encode(),
            json.dumps({"stream": "another", "seq": 99_999}).encode(),
        ):
            listener.mqtt_found_retained(topic, payload)
        await pause(gateway, client, "b")
        assert streams(client) == [stream]
        listener.mqtt_found_retained(topic, json.dumps({"stream": stream, "seq": 99_999}).encode())
        await pause(gateway, client, "c")
        assert len(streams(client)) == 2
        assert len(restored(client)) == 1
        await check_retained(broker, streams(client)[1])
