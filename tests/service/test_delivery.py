"""Commands as a real broker delivers them: kept, late, large, with or without somewhere to answer to."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.service.live import ALICE, TOPICS, Live, live

SET = TOPICS.session_set("sales", "Alice", ALICE)
PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


async def publish(broker: Broker, payload: str, *, retain: bool = False) -> None:
    """Send a command as somebody who comes and goes."""
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.publish(SET, payload, qos=1, retain=retain)


@PROTOCOLS
async def test_a_command_is_answered_under_either_version(
    broker: Broker, asterisk: ScriptedAsterisk, protocol: str
) -> None:
    """Beside the command's topic, where nothing else was asked for or can be."""
    async with live(broker, asterisk, protocol=protocol) as gateway:
        answer = await gateway.ask(SET, {"state": "NOT_READY", "id": 1})
        assert (answer["status"], answer["state"], answer["id"]) == ("ok", "NOT_READY", 1)


@PROTOCOLS
async def test_a_kept_command_is_stale(broker: Broker, asterisk: ScriptedAsterisk, protocol: str) -> None:
    """What the broker retained is answered STALE once, and not carried out."""
    await publish(broker, "NOT_READY", retain=True)
    try:
        async with live(broker, asterisk, protocol=protocol) as gateway:
            answer = await gateway.answer(SET, since=0)
            assert (answer["code"], answer["changed"]) == ("STALE", False)
            assert (await gateway.ask(SET, {"state": "READY", "id": 2}))["status"] == "ok"
            assert [headers["Paused"] for _, headers in gateway.asked()] == ["false"]
            assert len(gateway.answers()) == 2
    finally:
        await publish(broker, "", retain=True)


async def test_a_command_sent_while_away_needs_its_time(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """With a young ``sent_at`` it is carried out, without any it is STALE: it may have waited for long."""
    async with live(broker, asterisk):
        pass
    await publish(broker, "NOT_READY")
    await publish(broker, f'{{"state": "READY", "id": "young", "sent_at": "{datetime.now(UTC).isoformat()}"}}')
    async with live(broker, asterisk) as gateway:
        await gateway.client.wait_for(lambda _: len(gateway.answers()) == 2)
        assert [(each["id"], each["code"]) for each in gateway.answers()] in (
            [(None, "STALE"), ("young", None)],
            [(None, "STALE"), ("young", "LINK_DOWN")],  # it came before there was a picture
        )


async def test_what_is_too_long_is_answered(gateway: Live) -> None:
    """Over 16 KiB it is bad, whatever is in it."""
    assert (await gateway.ask(SET, "READY" + " " * 16_384))["code"] == "BAD_PAYLOAD"


@pytest.mark.parametrize(
    ("wanted", "used"),
    [("desk/7", "desk/7"), (f"{SET}/response", f"{SET}/response"), ("cti/pbx1/bridge/state", f"{SET}/response")],
)
async def test_answers_go_where_they_may(broker: Broker, gateway: Live, wanted: str, used: str) -> None:
    """To the Response Topic with the Correlation Data; never to a topic that only a gateway may write to."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ResponseTopic, properties.CorrelationData = wanted, b"\x07"
    assert gateway.answers() == []
    async with aiomqtt.Client(broker.host, broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        for topic in ("desk/#", f"{SET}/response", "cti/pbx1/bridge/state"):
            await client.subscribe(topic, qos=1)
        await client.publish(SET, "READY", qos=1, properties=properties)
        seen: list[Any] = []
        async with asyncio.timeout(30):
            while not seen:
                message = await anext(aiter(client.messages))
                if not message.retain:  # what is kept on bridge/state comes with the subscription
                    seen.append((str(message.topic), getattr(message.properties, "CorrelationData", None)))
    assert seen == [(used, b"\x07")]
