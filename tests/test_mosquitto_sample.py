"""The broker's sample files, on a real Mosquitto: that it takes them, and whom they let do what."""

import asyncio
import queue
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import aiomqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.broker import SAMPLES, Broker, SampleBroker

USERS = SampleBroker.USERS
NOT_AUTHORISED = 0x87
WITHIN = 60.0  # seconds; nothing here takes one, unless it is broken

SESSION = "cti/pbx1/session/support/Alice/PJSIP%2F1001"
OTHER = "cti/pbx1/session/support/Bob/PJSIP%2F1002"


@pytest.fixture
def sample_broker(tmp_path: Path) -> Iterator[SampleBroker]:
    """A running Mosquitto on the samples."""
    with SampleBroker(tmp_path / "broker") as broker:
        yield broker


@asynccontextmanager
async def client(broker: Broker, user: str) -> AsyncIterator[aiomqtt.Client]:
    """Connect as one of the sample's users."""
    protocol = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client(
        broker.host, broker.port, username=user, password=USERS[user], protocol=protocol
    ) as connected:
        yield connected


def publish(broker: Broker, user: str, *topics: str, password: str | None = None) -> list[int]:
    """Publish on each topic as *user* and return the reason codes with which the broker acknowledges."""
    answers: queue.Queue[int] = queue.Queue()

    def on_publish(_client: object, _data: object, _mid: int, code: ReasonCode, _properties: Properties | None) -> None:
        answers.put(code.value)

    publisher = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    publisher.username_pw_set(user, password or USERS[user])
    publisher.on_publish = on_publish
    publisher.connect(broker.host, broker.port)
    publisher.loop_start()
    codes = []
    for topic in topics:
        publisher.publish(topic, b"READY", qos=1)
        codes.append(answers.get(timeout=WITHIN))
    publisher.disconnect()
    publisher.loop_stop()
    return codes


async def readable(broker: Broker, user: str, topics: list[str], last: str) -> set[str]:
    """Return which of *topics*, published by the gateway, reach *user*; *last* must."""
    async with client(broker, user) as reader, client(broker, "cti-gateway") as gateway:
        await reader.subscribe("#", qos=1)
        for topic in [*topics, last]:
            await gateway.publish(topic, b"x", qos=1)
        seen: set[str] = set()
        async with asyncio.timeout(WITHIN):
            async for message in reader.messages:
                if message.topic.value == last:
                    break
                seen.add(message.topic.value)
        return seen


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
async def test_nobody_enters_without_a_password(
    sample_broker: SampleBroker, transport: Literal["tcp", "websockets"]
) -> None:
    """The sample lets in no one unknown, by neither listener."""
    port = sample_broker.websocket_port if transport == "websockets" else sample_broker.port
    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authori[sz]ed"):
        async with aiomqtt.Client(sample_broker.host, port, transport=transport):
            pass


def test_gateway_may_publish_under_its_prefix_alone(sample_broker: Broker) -> None:
    """The gateway's user writes everything under the prefix and nothing beside it."""
    codes = publish(
        sample_broker, "cti-gateway", SESSION, "cti/pbx1/bridge/state", f"{SESSION}/set/response", "other/x"
    )
    assert [code < 0x80 for code in codes] == [True, True, True, False]


HOME_ASSISTANT = "homeassistant"
"""The user that the sample has commented out."""


def test_home_assistant_and_the_gateway_may_do_what_discovery_needs(tmp_path: Path) -> None:
    """With the commented lines made real, the gateway tells of its own devices alone, and agents are paused."""
    acl = (SAMPLES / "acl").read_text()
    lines = [
        line.removeprefix("#") if re.match("#(user|topic) .*homeassistant", line) else line for line in acl.splitlines()
    ]
    start = lines.index(f"user {HOME_ASSISTANT}")
    lines[start:] = [line.removeprefix("#") if line.startswith("#topic") else line for line in lines[start:]]
    users = {**USERS, HOME_ASSISTANT: "five"}
    with Broker(tmp_path / "broker", users=users, acl="\n".join(lines) + "\n") as broker:
        config = "homeassistant/device/cti__pbx1/agent__Alice/config"
        other = "homeassistant/device/cti__pbx2/agent__Alice/config"
        codes = publish(broker, "cti-gateway", config, other, "homeassistant/status")
        assert [code < 0x80 for code in codes] == [True, False, False]
        commands = ("cti/pbx1/agent/Alice/set", f"{SESSION}/set", "cti/pbx1/agent/Alice", "homeassistant/status")
        codes = publish(broker, HOME_ASSISTANT, *commands, password=users[HOME_ASSISTANT])
        assert [code < 0x80 for code in codes] == [True, False, False, True]


async def test_wallboard_reads_everything_and_commands_nothing(sample_broker: Broker) -> None:
    """The wallboard sees all topics, and none of its publishes is taken."""
    topics = [SESSION, OTHER, f"{SESSION}/event", "cti/pbx2/queue/support", "cti/pbx1/bridge/state"]
    assert await readable(sample_broker, "wallboard", topics, "cti/end") == set(topics)
    commands = [f"{SESSION}/set", "cti/pbx1/agent/Alice/create_session", "cti/pbx1/bridge/request", SESSION]
    codes = await asyncio.to_thread(publish, sample_broker, "wallboard", *commands)
    assert codes == [NOT_AUTHORISED] * len(commands)


async def test_agent_reads_and_commands_its_own_sessions_alone(sample_broker: Broker) -> None:
    """An agent's user sees its sessions, its answers and the bridge; it may set its sessions and nothing else."""
    own = [SESSION, f"{SESSION}/event", f"{SESSION}/set/response", "cti/pbx1/bridge/asterisk"]
    others = [OTHER, f"{OTHER}/event", f"{OTHER}/set/response", "cti/pbx1/agent/Alice", "cti/pbx1/queue/support"]
    others += ["cti/pbx1/call/support/Alice/PJSIP%2F1001", f"{SESSION}/set"]
    assert await readable(sample_broker, "Alice", own + others, "cti/pbx1/bridge/state") == set(own)
    refused = [f"{OTHER}/set", "cti/pbx1/agent/Alice/create_session", SESSION, "cti/pbx1/bridge/request"]
    codes = await asyncio.to_thread(publish, sample_broker, "Alice", f"{SESSION}/set", *refused)
    assert codes[0] < NOT_AUTHORISED
    assert codes[1:] == [NOT_AUTHORISED] * len(refused)


async def test_agents_are_told_apart_by_their_user_name_alone(sample_broker: Broker) -> None:
    """No line of the sample names an agent: case counts, and a name that only begins alike is somebody else's."""
    alike = [
        "cti/pbx1/session/support/alice/x",
        "cti/pbx1/session/support/Alice Baker/x",
        "cti/pbx1/session/Alice/Bob/x",
    ]
    assert await readable(sample_broker, "Alice", alike, "cti/pbx1/bridge/state") == set()
    codes = await asyncio.to_thread(publish, sample_broker, "Alice", *(f"{topic}/set" for topic in alike))
    assert codes == [NOT_AUTHORISED] * len(alike)


async def test_supervisor_reads_everything_and_commands_agents_but_not_the_gateway(sample_broker: Broker) -> None:
    """A supervisor may send each command to sessions, agents and queues, and can forge nothing that is published."""
    topics = [SESSION, OTHER, f"{SESSION}/event", "cti/pbx2/queue/support", f"{OTHER}/set/response"]
    assert await readable(sample_broker, "supervisor", topics, "cti/end") == set(topics)
    allowed = [f"{SESSION}/set", f"{OTHER}/set", "cti/pbx1/agent/Bob/set", "cti/pbx1/agent/Bob/create_session"]
    allowed += ["cti/pbx1/agent/Bob/measurement_period", "cti/pbx1/queue/support/measurement_period"]
    refused = [
        SESSION,
        f"{SESSION}/event",
        f"{SESSION}/set/response",
        "cti/pbx1/bridge/state",
        "cti/pbx1/bridge/request",
    ]
    codes = await asyncio.to_thread(publish, sample_broker, "supervisor", *allowed, *refused)
    assert all(code < NOT_AUTHORISED for code in codes[: len(allowed)])
    assert codes[len(allowed) :] == [NOT_AUTHORISED] * len(refused)
