"""What a peer can make large: each has a limit, past which the peer is refused and the gateway goes on."""

import asyncio
import json
import os
import resource
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.ami.framing import MAX_LINES, MAX_MESSAGE_SIZE, AmiDecoder
from gateway.clock import Arrival
from gateway.errors import AmiProtocolError
from gateway.mqtt.interface import MEBIBYTE, Inbound
from gateway.service import commander, repeats
from gateway.service.repeats import Deliveries, Repeats, Retained
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.service.live import ALICE, TOPICS, Live, live, pbx

SET = TOPICS.session_set("Support", "Alice", ALICE)
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
FLOOD = 300


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk with two queues."""
    async with pbx() as running:
        yield running


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk) -> AsyncIterator[Live]:
    """A gateway that may do everything."""
    async with live(broker, asterisk) as running:
        yield running


def resident() -> int:
    """Return the bytes of memory that this process uses now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("size", ["bytes", "lines", "no end"])
def test_a_huge_ami_message_is_refused(size: str) -> None:
    """A message of too many bytes or lines ends the connection, be it complete or not."""
    decoder = AmiDecoder()
    decoder.receive_data(BANNER, Arrival(0, 0))
    huge = {
        "bytes": b"Event: X\r\nA: " + b"x" * MAX_MESSAGE_SIZE + b"\r\n\r\n",
        "lines": b"Event: X\r\n" + b"a:b\r\n" * (MAX_LINES + 1) + b"\r\n",
        "no end": b"x" * (MAX_MESSAGE_SIZE + 10),
    }[size]
    with pytest.raises(AmiProtocolError, match=r"longer than|more than"):
        decoder.receive_data(huge, Arrival(0, 0))


async def test_a_huge_event_costs_the_link_and_nothing_else(gateway: Live, asterisk: ScriptedAsterisk) -> None:
    """An Asterisk that goes mad is left, and connected to again."""
    since = len(gateway.client.messages)
    asterisk.send_event("QueueMemberStatus", Junk="x" * (MAX_MESSAGE_SIZE + 1))
    lost = await gateway.client.wait_for(lambda m: m.topic == "bridge/asterisk" and not m.json["current"], since=since)
    since = gateway.client.messages.index(lost)
    await gateway.client.wait_for(lambda m: m.topic == "bridge/asterisk" and m.json["current"], since=since)


@pytest.mark.parametrize(("size", "code"), [(16_385, "BAD_PAYLOAD"), (MEBIBYTE - 200, "BAD_PAYLOAD"), (MEBIBYTE, None)])
async def test_a_huge_command_is_refused(gateway: Live, size: int, code: str | None) -> None:
    """A command over 16 KiB is answered so; one over a mebibyte does not even come, and the next one is heard."""
    if code is None:
        await gateway.send(SET, b" " * size)
    else:
        assert (await gateway.ask(SET, b" " * size))["code"] == code
    assert (await gateway.ask(SET, {"state": "NOT_READY", "id": "next"}))["status"] == "ok"


async def test_a_flood_of_commands_is_answered_within_bounds(gateway: Live, broker: Broker) -> None:
    """Thousands of commands at once: each has one answer, at most so many are carried out at a time, memory stays."""
    before = resident()
    answers: Counter[bytes] = Counter()
    codes: Counter[Any] = Counter()
    version = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client(broker.host, broker.port, protocol=version, max_inflight_messages=100) as client:
        await client.subscribe("answers", qos=1)
        for number in range(FLOOD):
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ResponseTopic = "answers"
            properties.CorrelationData = number.to_bytes(2, "big") * 500
            state = ("READY", "NOT_READY")[number % 2]
            payload = json.dumps({"state": state, "id": number, "reason": "x" * 70})
            # QoS 0: as quick as the socket takes them.
            await client.publish(SET, payload, qos=0, properties=properties)
        async with asyncio.timeout(60):
            async for message in client.messages:
                answers[bytes(getattr(message.properties, "CorrelationData", b""))] += 1
                codes[json.loads(bytes(message.payload))["code"]] += 1
                if len(answers) == FLOOD:
                    break
    assert set(answers.values()) == {1}
    assert codes[None]
    assert set(codes) <= {None, "BUSY", "TIMEOUT"}
    assert resident() - before < 64 * MEBIBYTE
    # And it is as quick as ever.
    assert (await gateway.ask(SET, {"state": "READY", "id": "after"}))["status"] == "ok"


async def test_repeats_of_a_command_under_way_are_not_kept_without_bound(
    broker: Broker, asterisk: ScriptedAsterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many repeats of a command that runs wait for its answer; further ones are told BUSY at once."""
    monkeypatch.setattr(commander, "MOST_WAITING", 5)
    asterisk.on("QueuePause", lambda _session, _action: None)  # never answered: it stays under way
    async with live(broker, asterisk, timeout=6) as gateway:
        since = len(gateway.client.messages)
        for _ in range(20):
            await gateway.send(SET, {"state": "NOT_READY", "id": "one"})
        await gateway.client.wait_for(
            lambda _: sum(m.topic.endswith("/response") for m in gateway.client.messages[since:]) == 20
        )
        codes = Counter(answer["code"] for answer in gateway.answers())
    assert codes["BUSY"] == 14
    assert codes.total() == 20


def inbound(number: int, *, retained: bool = False) -> Inbound:
    """Return one of many messages."""
    return Inbound(f"cti/pbx1/session/g/a{number}/x/set", b"READY", retained=retained, replayed=retained)


def test_what_is_remembered_of_commands_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many commands come within a minute, so many are remembered and the oldest are forgotten first."""
    monkeypatch.setattr(repeats, "MOST_REMEMBERED", 100)
    known, deliveries, retained = Repeats(), Deliveries(), Retained()
    for number in range(1000):
        known.remember("t", number, b"x", number).answer = b"answer"
        assert not deliveries.is_second(inbound(number), number)
        assert not retained.is_told(inbound(number, retained=True))
    assert known.find("t", 999, 1000) is not None
    assert known.find("t", 899, 1000) is None
    assert retained.is_told(inbound(999, retained=True))
    assert not retained.is_told(inbound(0, retained=True))
    assert max(len(known._known), len(deliveries._taken), len(retained._told)) <= 101


def test_the_lab_can_count_memory() -> None:
    """The figure that other tests compare is this process's."""
    assert resident() > os.sysconf("SC_PAGE_SIZE")
