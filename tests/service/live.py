"""A whole gateway in this process, between an Asterisk that follows a script and a real broker."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gateway import assembly
from gateway.clock import SystemClock
from gateway.config import (
    AsteriskConfig,
    CommandsConfig,
    GatewayConfig,
    HomeAssistantConfig,
    HttpConfig,
    MqttConfig,
    SessionConfig,
    StoreConfig,
)
from gateway.mqtt.topics import Topics
from gateway.running import Gateway
from tests.ami.queue_model import Member
from tests.ami.scripted_asterisk import ReceivedAction, ScriptedAsterisk, Session
from tests.broker import Broker
from tests.contract import validation
from tests.lab.subscriber import Subscriber
from tests.one_o_clock import one_o_clock

TOPICS = Topics("cti", "pbx1")
ALICE, BOB = "PJSIP/1001", "PJSIP/1002"
TIMEOUT = 10.0
"""Seconds that a command may take: a machine that stalls answers none."""


def queue_summary(session: Session, action: ReceivedAction) -> None:
    """Answer QueueSummary as Asterisk does."""
    queues = session.server.model.queues.values()
    events = [("QueueSummary", [("Queue", queue.name), ("LoggedIn", str(len(queue.members)))]) for queue in queues]
    session.send_list(action, "Queue summary will follow", events, "QueueSummaryComplete")


def pbx(version: str = "22") -> ScriptedAsterisk:
    """Two queues: Alice is in both, dynamic in ``Support`` and static in ``sales``; Bob is dynamic in ``sales``."""
    asterisk = ScriptedAsterisk(version=version)
    asterisk.on("QueueSummary", queue_summary)
    asterisk.model.add_queue("Support", Member("Support", "Alice", ALICE))
    asterisk.model.add_queue(
        "sales", Member("sales", "Alice", ALICE, membership="static"), Member("sales", "Bob", BOB, penalty=2)
    )
    return asterisk


@dataclass(repr=False)
class Live:
    """A gateway whose picture is current, and a client of its broker."""

    gateway: Gateway
    asterisk: ScriptedAsterisk
    client: Subscriber

    async def send(self, topic: str, payload: object, **arguments: Any) -> None:
        """Publish a command; what is no text is JSON."""
        text = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        await self.client.publish(topic.removeprefix(f"{TOPICS.base}/"), text, **arguments)

    async def ask(self, topic: str, payload: object, **arguments: Any) -> Any:
        """Publish a command and return the answer."""
        since = len(self.client.messages)
        await self.send(topic, payload, **arguments)
        return await self.answer(topic, since=since)

    async def answer(self, topic: str, *, since: int) -> Any:
        """The first answer on a command's topic from that place on."""
        response = f"{topic}/response".removeprefix(f"{TOPICS.base}/")
        return (await self.client.wait_for(lambda m: m.topic == response, since=since)).json

    def answers(self) -> list[Any]:
        """All answers so far, in their order."""
        return [each.json for each in self.client.messages if each.topic.endswith("/response")]

    def events(self) -> list[Any]:
        """All session events so far."""
        return [
            each.json for each in self.client.messages if each.topic.endswith("/event") and "session/" in each.topic
        ]

    def asked(self, *names: str) -> list[tuple[str, dict[str, str]]]:
        """What Asterisk was asked to change, without what every action has."""
        wanted = names or ("QueuePause", "QueueAdd", "QueueRemove")
        return [
            (action.name, {key: value for key, value in action.headers if key not in {"Action", "ActionID"}})
            for action in self.asterisk.actions
            if action.name in wanted
        ]

    async def call(self, queue: str, interface: str, name: str, uniqueid: str = "1.1") -> None:
        """Let a member answer a caller, and wait until that is told."""
        since = len(self.client.messages)
        fields = {"Queue": queue, "Interface": interface, "MemberName": name, "HoldTime": 1, "RingTime": 1}
        leg = {"Uniqueid": uniqueid, "Linkedid": uniqueid, "DestUniqueid": f"{uniqueid}1"}
        self.asterisk.send_event("AgentConnect", **fields, **leg)
        await self.client.wait_for(
            lambda m: m.topic.endswith("/event") and m.json["event"] == "BUSY" and m.json["session"]["group"] == queue,
            since=since,
        )


@asynccontextmanager
async def live(
    broker: Broker,
    asterisk: ScriptedAsterisk,
    *,
    session: Mapping[str, Any] | None = None,
    protocol: str = "auto",
    store: Path | None = None,
    outbox_limit_mb: int = 512,
    keep_days: int = 400,
    listen: str = "",
    home_assistant: Mapping[str, Any] | None = None,
    **commands: Any,
) -> AsyncIterator[Live]:
    """Run a gateway until the ``with`` ends, from the moment its picture is current; with a new store, or *store*.

    Meanwhile this process is in a time zone in which it is one o'clock.

    All that was published until then is held against the schemas of the contract, but for what a test publishes itself.
    """
    directory = Path(tempfile.mkdtemp(prefix="cti-gateway-store-"))
    config = GatewayConfig(
        node="pbx1",
        asterisk=AsteriskConfig(
            port=asterisk.port, username=asterisk.username, password=SecretStr(asterisk.secret), queue_log=None
        ),
        mqtt=MqttConfig.model_validate({"port": broker.port, "username": None, "protocol": protocol}),
        session=SessionConfig.model_validate(session or {}),
        commands=CommandsConfig.model_validate({"timeout": TIMEOUT, "addresses": ("*",), **commands}),
        store=StoreConfig(path=store or directory / "gateway.db", outbox_limit_mb=outbox_limit_mb, keep_days=keep_days),
        http=HttpConfig.model_validate({"listen": listen}),
        home_assistant=HomeAssistantConfig.model_validate(home_assistant or {}),
    )
    with one_o_clock():
        gateway = assembly.build(config, SystemClock())
        stop = asyncio.Event()
        async with Subscriber(broker.port, TOPICS.base) as client:
            task = asyncio.create_task(gateway.run(stop), name="gateway under test")
            try:
                await client.wait_for(lambda m: m.topic == "bridge/asterisk" and bool(m.json["current"]))
                await client.wait_for(lambda m: m.topic == "bridge/state" and m.payload == b"online")
                yield Live(gateway, asterisk, client)
                told = (each for each in client.messages if not each.retained)  # those are of another life
                validation.check(each for each in told if (each.topic, each.payload) not in client.own)
            finally:
                stop.set()
                await task
                shutil.rmtree(directory)
