"""What the client publishes: order, the outbox over losses, retained topics, refusals. On a real Mosquitto."""

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.mqtt.client import MqttClient, Retained
from tests.broker import Broker
from tests.mqtt.proxy import Proxy
from tests.mqtt.recorder import TOPICS, Recorder, Running, Subscriber, retained_on, running, settings_for

EVENT = TOPICS.bridge_event
QUEUE = TOPICS.queue("q")
OTHER = TOPICS.queue("other")


def numbers(subscriber: Subscriber) -> list[int]:
    """The numbers that were sent as events."""
    return [int(each.payload) for each in subscriber.on(EVENT)]


def send_numbers(run: Running, first: int, last: int) -> None:
    """Send *first* to *last* as events."""
    for number in range(first, last + 1):
        run.client.send(EVENT, b"%d" % number, seq=number)


def assert_in_order_but_for_repeated_runs(seen: Sequence[int], last: int) -> None:
    """Check that all of 0 to *last* came, first deliveries in order, and repeats only as a run from further back."""
    assert list(dict.fromkeys(seen)) == list(range(last + 1))
    assert all(after <= before + 1 for before, after in itertools.pairwise(seen))


async def test_births_then_online_then_what_waited(broker: Broker) -> None:
    """After connecting, the retained topics leave in the listener's order, then online, then events sent before."""
    recorder = Recorder()
    recorder.contents = {OTHER: Retained(b"1"), QUEUE: Retained(b"2")}
    async with Subscriber(broker) as subscriber:
        client = MqttClient(settings_for(broker), TOPICS, recorder)
        client.send(EVENT, b"early")
        client.refresh(QUEUE)
        assert (client.depth, client.connected) == (1, False)
        task = asyncio.create_task(client.run())
        await subscriber.until(lambda: len(subscriber.seen) >= 4)
        assert [(each.topic, each.payload) for each in subscriber.seen] == [
            (OTHER, b"1"),
            (QUEUE, b"2"),
            (TOPICS.bridge_state, b"online"),
            (EVENT, b"early"),
        ]
        assert client.connected
        client.stop()
        await task
    assert (client.depth, client.depth_bytes, client.connected) == (0, 0, False)


async def test_events_and_snapshots_leave_as_asked_for(broker: Broker) -> None:
    """Each snapshot is as it is when its turn comes, and what is ready may be ahead of it; but not of a fence."""
    async with Subscriber(broker) as subscriber, running(settings_for(broker)) as run:
        await run.client.drain()
        run.client.refresh(QUEUE)
        run.client.refresh(OTHER, requeue=True)
        run.client.send(EVENT, b"after")
        run.client.refresh(QUEUE)
        run.recorder.contents = {QUEUE: Retained(b"as it is by then"), OTHER: Retained(b"o")}
        await run.client.drain()
        run.client.refresh(QUEUE)
        await run.client.drain()
        await subscriber.until(lambda: len(subscriber.seen) >= 5)
    assert subscriber.payloads[1:5] == [b"as it is by then", b"o", b"after", b"as it is by then"]


async def test_what_nobody_renders_is_not_sent(broker: Broker) -> None:
    """A topic with nothing to send, or whose rendering fails, holds nothing up."""

    class Faulty(Recorder):
        def render(self, topic: str) -> Retained | None:
            if topic == QUEUE:
                raise LookupError(topic)
            return super().render(topic)

    async with Subscriber(broker) as subscriber, running(settings_for(broker), Faulty()) as run:
        run.client.refresh(QUEUE)
        run.client.refresh(OTHER)
        run.client.send(EVENT, b"after")
        await run.client.drain()
        await subscriber.until_seen(EVENT, b"after")
    assert not subscriber.on(QUEUE)
    assert not subscriber.on(OTHER)


async def test_an_empty_payload_removes_what_is_retained(broker: Broker) -> None:
    """After a removal the broker has nothing on the topic."""
    recorder = Recorder()
    recorder.contents = {QUEUE: Retained(b"1")}
    async with running(settings_for(broker), recorder) as run:
        await run.client.drain()
        assert await retained_on(broker, QUEUE) == {QUEUE: b"1"}
        recorder.contents = {QUEUE: Retained(b"")}
        run.client.refresh(QUEUE)
        await run.client.drain()
        assert await retained_on(broker, QUEUE) == {}


async def test_expiry_and_correlation_data_reach_the_subscriber(broker: Broker) -> None:
    """Under MQTT 5 a snapshot has its expiry, and an answer the asker's correlation data."""
    recorder = Recorder()
    recorder.contents = {QUEUE: Retained(b"1", expiry=3600)}
    async with Subscriber(broker) as subscriber, running(settings_for(broker), recorder) as run:
        run.client.send("somebody/answers", b"x")
        run.client.send(EVENT, b"answer", correlation_data=b"\x00\xff")
        await subscriber.until_seen(EVENT, b"answer")
    assert 3590 <= getattr(subscriber.on(QUEUE)[0].properties, "MessageExpiryInterval", 0) <= 3600
    assert getattr(subscriber.on(EVENT)[0].properties, "CorrelationData", None) == b"\x00\xff"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_order_survives_restarts_of_the_broker(tmp_path: Path, protocol: str) -> None:
    """A subscriber with a session gets every event in order over two restarts in mid-flow; only runs come twice."""
    with Broker(tmp_path / "b", persistence=True) as broker:
        async with (
            Subscriber(broker, EVENT, session=True) as subscriber,
            running(settings_for(broker, protocol=protocol)) as run,
        ):
            for part in range(3):
                send_numbers(run, part * 400, part * 400 + 399)
                await subscriber.until(lambda part=part: len(set(numbers(subscriber))) > part * 400 + 50)  # type: ignore[misc]
                if part < 2:
                    broker.restart()
            await subscriber.until(lambda: len(set(numbers(subscriber))) == 1200)
            assert run.recorder.count("connected") == 3
    assert_in_order_but_for_repeated_runs(numbers(subscriber), 1199)


async def test_order_survives_a_network_that_breaks(broker: Broker) -> None:
    """Cut again and again in mid-flow, with PUBACKs lost, the events come complete and in order."""
    async with (
        Proxy(broker) as proxy,
        Subscriber(broker, EVENT) as subscriber,
        running(settings_for(broker, port=proxy.port, twin_wait=0.1)) as run,
    ):
        for part in range(5):
            send_numbers(run, part * 300, part * 300 + 299)
            await subscriber.until(lambda part=part: len(set(numbers(subscriber))) > part * 300 + 50)  # type: ignore[misc]
            proxy.drop()
            await run.recorder.until_told("connected", part + 2)
        await subscriber.until(lambda: len(set(numbers(subscriber))) == 1500)
        assert run.recorder.count("set_aside") == 0
    assert_in_order_but_for_repeated_runs(numbers(subscriber), 1499)


async def test_a_frozen_broker_costs_nothing_but_time(broker: Broker) -> None:
    """Frozen for less than the keep alive it goes on; frozen for longer it is given up, and all comes in order."""
    async with Subscriber(broker, EVENT) as subscriber:
        async with running(settings_for(broker, keep_alive=60)) as run:
            await run.client.drain()
            broker.freeze()
            send_numbers(run, 0, 499)
            assert run.client.depth == 500
            broker.thaw()
            await run.client.drain()
            assert run.recorder.count("disconnected") == 0
        async with running(settings_for(broker, keep_alive=1)) as run:
            await run.client.drain()
            broker.freeze()
            send_numbers(run, 500, 999)
            await run.recorder.until_told("disconnected")
            broker.thaw()
            await run.client.drain()
            await subscriber.until(lambda: len(set(numbers(subscriber))) == 1000)
    assert_in_order_but_for_repeated_runs(numbers(subscriber), 999)


async def test_a_broker_that_owes_an_acknowledgement_is_left(broker: Broker) -> None:
    """One that answers pings and yet acknowledges nothing is given up after two keep alives, and tried again."""
    async with Proxy(broker) as proxy, running(settings_for(broker, port=proxy.port, keep_alive=1)) as run:
        await run.client.drain()
        proxy.swallow_pubacks = True
        run.client.send(EVENT, b"1")
        await run.recorder.until_told("disconnected")
        assert "no PUBACK" in str(run.recorder.told[-1])
        proxy.swallow_pubacks = False
        await run.client.drain()


async def test_a_broker_that_forgot_is_told_everything_again(broker: Broker) -> None:
    """After a broker without persistence comes back, every retained topic and online are there again."""
    recorder = Recorder()
    recorder.contents = {TOPICS.queue(f"q{number}"): Retained(b"%d" % number) for number in range(200)}
    expected = {topic: content.payload for topic, content in recorder.contents.items()}
    expected[TOPICS.bridge_state] = b"online"
    async with running(settings_for(broker), recorder) as run:
        await run.client.drain()
        assert await retained_on(broker, "cti/#") == expected
        broker.kill()
        await recorder.until_told("disconnected")
        assert not run.client.connected
        recorder.contents[QUEUE] = Retained(b"new meanwhile")
        run.client.refresh(QUEUE)
        broker.start()
        await recorder.until_told("connected", 2)
        await run.client.drain()
        assert await retained_on(broker, "cti/#") == {**expected, QUEUE: b"new meanwhile"}


async def test_a_removal_is_not_lost_with_the_connection(broker: Broker) -> None:
    """A removal asked for while the broker is away is done when it is back, though the topic is no birth any more."""
    recorder = Recorder()
    recorder.contents = {QUEUE: Retained(b"1"), OTHER: Retained(b"2")}
    async with Proxy(broker) as proxy, running(settings_for(broker, port=proxy.port), recorder) as run:
        await run.client.drain()
        proxy.swallow_pubacks = True

        recorder.contents = {OTHER: Retained(b"2")}
        recorder.only_once[QUEUE] = Retained(b"")
        run.client.refresh(QUEUE)
        await proxy.until_published(4)  # behind the three births
        proxy.drop()
        proxy.swallow_pubacks = False
        await recorder.until_told("connected", 2)
        await run.client.drain()
        assert await retained_on(broker, "cti/+/queue/+") == {OTHER: b"2"}


@pytest.mark.parametrize(("window", "settings", "expected"), [(7, [], 7), (50, ["max_inflight_messages 3"], 3)])
async def test_the_window_is_kept_and_the_brokers_is_respected(
    tmp_path: Path, window: int, settings: list[str], expected: int
) -> None:
    """No more publishes are under way than our window, or the broker's Receive Maximum if that is less."""
    with Broker(tmp_path / "b", settings=settings) as broker:
        async with Proxy(broker) as proxy, running(settings_for(broker, port=proxy.port, window=window)) as run:
            await run.client.drain()
            send_numbers(run, 0, 999)
            await run.client.drain()
            assert proxy.most_under_way == expected


async def test_what_is_withdrawn_while_the_broker_is_away_is_never_sent(tmp_path: Path) -> None:
    """Events that were taken back do not arrive, those behind them do, and no snapshot is lost."""
    with Broker(tmp_path / "b", persistence=True) as broker:
        await _withdraw_while_away(broker)


async def _withdraw_while_away(broker: Broker) -> None:
    async with Subscriber(broker, EVENT, session=True) as subscriber, running(settings_for(broker)) as run:
        await run.client.drain()
        broker.stop()
        await run.recorder.until_told("disconnected")
        run.recorder.contents[QUEUE] = Retained(b"kept")
        run.client.refresh(QUEUE)
        for number in range(10):
            run.client.send(EVENT, b"%d" % number, number=number)
        run.client.withdraw(6)
        assert run.client.depth == 3
        broker.start()
        await subscriber.until(lambda: numbers(subscriber)[-1:] == [9])
        await run.client.drain()
        assert await retained_on(broker, QUEUE) == {QUEUE: b"kept"}
        assert run.recorder.count("gone") == 3
    assert numbers(subscriber) == [7, 8, 9]


async def test_a_refused_publish_is_told_and_not_retried(tmp_path: Path) -> None:
    """Under MQTT 5 a publish the broker's access list forbids is told each time, and the others go on."""
    acl = "user gateway\ntopic read cti/#\ntopic write cti/pbx1/bridge/#\n"
    with Broker(tmp_path / "b", users={"gateway": "secret"}, acl=acl) as broker:
        settings = settings_for(broker, username="gateway", password="secret")
        async with (
            Proxy(broker) as proxy,
            running(settings_for(broker, port=proxy.port, username="gateway", password="secret")) as run,
        ):
            await run.client.drain()
            before = proxy.publishes
            run.recorder.contents[QUEUE] = Retained(b"x")
            run.client.refresh(QUEUE)
            run.client.send(OTHER, b"x")
            run.client.send(EVENT, b"allowed")
            await run.client.drain()
            assert proxy.publishes - before == 3
            refused = [each for each in run.recorder.told if each[0] == "refused"]
            assert sorted(str(each[1]) for each in refused) == sorted([QUEUE, OTHER])
            assert all("0x87" in str(each[2]) for each in refused)
    assert "secret" not in repr(settings)


async def test_what_can_never_be_sent_costs_no_connection(tmp_path: Path) -> None:
    """Larger than the broker takes, or to a topic that is none: refused at once, by us."""
    with Broker(tmp_path / "b", settings=["max_packet_size 2000"]) as broker:
        async with Subscriber(broker, EVENT) as subscriber, running(settings_for(broker)) as run:
            room = 2000 - 1 - 2 - 2 - len(EVENT) - 2 - 1
            run.client.send(EVENT, b"x" * (room + 1))
            run.client.send(EVENT, b"y" * room)
            for topic in ("", "a/+", "#", "a\0b", "\ud800", "t" * 70_000):
                run.client.send(topic, b"x")
            run.client.send(EVENT, b"end")
            await run.client.drain()
            await subscriber.until_seen(EVENT, b"end")
            assert run.recorder.count("refused") == 7
            assert run.recorder.count("disconnected") == 0
    assert subscriber.payloads == [b"y" * room, b"end"]


async def test_a_message_that_costs_three_connections_is_set_aside(broker: Broker) -> None:
    """One message the broker cannot bear is told and left out; those before and behind it arrive, in order."""
    async with (
        Proxy(broker) as proxy,
        Subscriber(broker, EVENT) as subscriber,
        running(settings_for(broker, port=proxy.port)) as run,
    ):
        await run.client.drain()
        proxy.poison = b"POISON"
        send_numbers(run, 0, 19)
        run.client.send(TOPICS.group_event("g"), b"POISON")
        send_numbers(run, 20, 39)
        await run.client.drain()
        await subscriber.until(lambda: len(set(numbers(subscriber))) == 40)
        assert [each for each in run.recorder.told if each[0] == "set_aside"] == [
            ("set_aside", TOPICS.group_event("g"))
        ]
        assert run.client.connected
    assert_in_order_but_for_repeated_runs(numbers(subscriber), 39)
