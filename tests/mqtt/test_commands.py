"""What the client hands on of what comes in. On a real Mosquitto."""

import asyncio

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.mqtt.client import Inbound
from tests.broker import Broker
from tests.mqtt.proxy import Proxy
from tests.mqtt.recorder import TOPICS, Recorder, client_of, eventually, running, settings_for

SET = TOPICS.session_set("support", "Kovács Ágnes", "PJSIP/1001")
PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


async def command(broker: Broker, topic: str, payload: bytes, *, retain: bool = False) -> None:
    """Send a command as somebody else, and return when the broker has it."""
    async with client_of(broker, "commander") as commander:
        await commander.publish(topic, payload, qos=1, retain=retain)


@PROTOCOLS
async def test_every_kind_of_command_arrives_in_order(broker: Broker, protocol: str) -> None:
    """All command topics are heard, in the order sent, whatever the payload; others are not."""
    sent = [
        (SET, b"NOT_READY"),
        (TOPICS.agent("a") + "/set", b""),
        (TOPICS.agent("a") + "/create_session", b"\xff\x00"),
        (TOPICS.agent("a") + "/measurement_period", b"{}"),
        (TOPICS.queue("q") + "/measurement_period", b"x" * 20_000),
        (TOPICS.bridge_request, b'{"request": "health"}'),
    ]
    async with running(settings_for(broker, protocol=protocol)) as run, client_of(broker, "commander") as commander:
        for topic, payload in sent:
            await commander.publish(topic, payload, qos=1)
            await commander.publish(f"{topic}/response", payload, qos=1)
        await commander.publish(TOPICS.agent("a%") + "x/set", b"no name", qos=1)
        for number in range(500):
            await commander.publish(SET, b"%d" % number, qos=0)
        await commander.publish(TOPICS.bridge_request, b"end", qos=1)
        await run.recorder.until(
            lambda: run.recorder.commands[-1:] != [] and run.recorder.commands[-1].payload == b"end"
        )
        assert [(each.topic, each.payload) for each in run.recorder.commands if each.payload != b"no name"][:6] == sent
        assert [each.payload for each in run.recorder.commands if each.topic == SET][1:] == [
            b"%d" % n for n in range(500)
        ]
        assert not any(each.retained or each.replayed or each.resumed for each in run.recorder.commands)


async def test_response_topic_and_correlation_data_are_handed_on(broker: Broker) -> None:
    """What the sender gave under MQTT 5 comes with the command; without it both are None."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ResponseTopic = "my/answers"
    properties.CorrelationData = b"\x00\xff"
    async with running(settings_for(broker)) as run, client_of(broker, "commander") as commander:
        await commander.publish(SET, b"READY", qos=1, properties=properties)
        await commander.publish(SET, b"READY", qos=1)
        await run.recorder.until_told("command", 2)
    assert run.recorder.commands == [
        Inbound(SET, b"READY", response_topic="my/answers", correlation_data=b"\x00\xff"),
        Inbound(SET, b"READY"),
    ]


async def test_a_retained_command_is_known_as_such_when_it_is_sent(broker: Broker) -> None:
    """Under MQTT 5 a command published with the retain flag has it, though it is no replay."""
    async with running(settings_for(broker)) as run:
        await asyncio.sleep(1.1)  # what comes in a subscription's first second cannot be told from a replay
        await command(broker, SET, b"READY", retain=True)
        await run.recorder.until_told("command")
    assert run.recorder.commands == [Inbound(SET, b"READY", retained=True)]


@PROTOCOLS
async def test_a_retained_command_is_known_as_replay_at_the_start(broker: Broker, protocol: str) -> None:
    """What the broker kept of an earlier time comes once, with both marks."""
    await command(broker, SET, b"READY", retain=True)
    async with running(settings_for(broker, protocol=protocol)) as run:
        await run.recorder.until_told("command")
        assert run.recorder.commands == [Inbound(SET, b"READY", retained=True, replayed=True)]


async def test_the_resumption_of_a_session_replays_nothing(broker: Broker) -> None:
    """Under MQTT 5 a retained command is told once a start, not once a connection."""
    await command(broker, SET, b"READY", retain=True)
    async with Proxy(broker) as proxy, running(settings_for(broker, port=proxy.port)) as run:
        await run.recorder.until_told("command")
        proxy.drop()
        await run.recorder.until_told("connected", 2)
        await command(broker, TOPICS.bridge_request, b"end")
        await run.recorder.until_told("command", 2)
        assert [each.topic for each in run.recorder.commands] == [SET, TOPICS.bridge_request]


async def test_what_was_sent_while_away_is_marked(broker: Broker) -> None:
    """A command that waited in an MQTT 5 session arrives, in order and marked; one sent later is not marked."""
    async with running(settings_for(broker)):
        pass
    for payload in (b"1", b"2", b"3"):
        await command(broker, SET, payload)
    recorder = Recorder()
    async with running(settings_for(broker), recorder):
        await command(broker, SET, b"4")
        await recorder.until_told("command", 4)
    assert recorder.commands == [
        Inbound(SET, b"1", resumed=True),
        Inbound(SET, b"2", resumed=True),
        Inbound(SET, b"3", resumed=True),
        Inbound(SET, b"4"),
    ]


async def test_a_command_whose_acknowledgement_was_lost_is_marked(broker: Broker) -> None:
    """If the broker cannot know that we had it, it comes again under MQTT 5, marked as a duplicate."""
    async with Proxy(broker) as proxy, running(settings_for(broker, port=proxy.port)) as run:
        await run.client.drain()
        proxy.swallow_pubacks = True
        await command(broker, SET, b"READY")
        await run.recorder.until_told("command")
        proxy.drop()
        proxy.swallow_pubacks = False
        await run.recorder.until_told("command", 2)
    assert run.recorder.commands == [
        Inbound(SET, b"READY"),
        Inbound(SET, b"READY", resumed=True, duplicate=True),
    ]


async def test_what_was_sent_too_long_ago_does_not_arrive(broker: Broker) -> None:
    """A session is kept no longer than asked for, so older commands are gone with it; 3.1.1 keeps none."""
    async with running(settings_for(broker, session_expiry=1)):
        pass
    await eventually(lambda: "Expiring client gateway due to timeout." in broker.log)
    await command(broker, SET, b"old")
    async with running(settings_for(broker, session_expiry=1)) as run:
        await command(broker, SET, b"new")
        await run.recorder.until_told("command")
    assert run.recorder.commands == [Inbound(SET, b"new")]


async def test_a_fault_in_the_listener_loses_nothing_else(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """If handling a command raises, the next one is handled and the connection stays."""

    class Faulty(Recorder):
        def mqtt_command(self, inbound: Inbound) -> None:
            if inbound.payload == b"bad":
                raise ValueError("a fault of ours")
            super().mqtt_command(inbound)

    async with running(settings_for(broker), Faulty()) as run:
        await command(broker, SET, b"bad")
        await command(broker, SET, b"good")
        await run.recorder.until_told("command")
        assert run.recorder.commands == [Inbound(SET, b"good")]
        assert run.recorder.count("disconnected") == 0
    assert "a fault of ours" in caplog.text


async def test_a_packet_over_a_mebibyte_does_not_arrive(broker: Broker) -> None:
    """Under MQTT 5 the broker keeps from us what we said is too large, and the connection stays."""
    async with running(settings_for(broker)) as run:
        await command(broker, SET, b"x" * (1024 * 1024))
        await command(broker, SET, b"x" * 1_000_000)
        await run.recorder.until_told("command")
        assert [len(each.payload) for each in run.recorder.commands] == [1_000_000]
        assert run.recorder.count("disconnected") == 0
