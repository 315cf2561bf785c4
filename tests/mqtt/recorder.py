"""A listener that records what it is told, and a subscriber of a library's making that records what the broker has."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Self

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.mqtt.client import Inbound, MqttClient, MqttSettings, Retained
from gateway.mqtt.topics import Topics
from tests.broker import Broker

TOPICS = Topics("cti", "pbx1")
WAIT = 30.0  # seconds; nothing here takes one, unless it is broken


class Changes:
    """Wakes whoever waits for a condition each time something is recorded."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Something was recorded."""
        self._event.set()

    async def until(self, condition: Callable[[], bool], seconds: float = WAIT) -> None:
        """Wait until *condition* holds."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._event.clear()
                await self._event.wait()


async def eventually(condition: Callable[[], bool], seconds: float = WAIT) -> None:
    """Wait until *condition* holds that nothing tells when it comes to hold, such as a line in a log."""
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


class Recorder:
    """Records every call; renders from ``contents``, or first from ``only_once`` as a listener that forgets."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.contents: dict[str, Retained] = {}
        self.only_once: dict[str, Retained] = {}
        self.told: list[tuple[object, ...]] = []
        self.commands: list[Inbound] = []
        self.found: list[str] = []
        self.rendered: list[str] = []

    def count(self, kind: str) -> int:
        """How often *kind* was told."""
        return sum(each[0] == kind for each in self.told)

    async def until(self, condition: Callable[[], bool], seconds: float = WAIT) -> None:
        """Wait until *condition* holds, looked at after each call."""
        await self.changes.until(condition, seconds)

    async def until_told(self, kind: str, times: int = 1) -> None:
        """Wait until *kind* was told that often."""
        await self.until(lambda: self.count(kind) >= times)

    def mqtt_connected(self, protocol: str) -> None:
        """Record."""
        self._tell("connected", protocol)

    def mqtt_disconnected(self, reason: str) -> None:
        """Record."""
        self._tell("disconnected", reason)

    def mqtt_command(self, inbound: Inbound) -> None:
        """Record."""
        self.commands.append(inbound)
        self._tell("command", inbound.topic)

    def mqtt_found_retained(self, topic: str, payload: bytes) -> None:
        """Record."""
        assert payload
        self.found.append(topic)
        self._tell("found", topic)

    def mqtt_refused(self, topic: str, reason: str) -> None:
        """Record."""
        self._tell("refused", topic, reason)

    def mqtt_gone(self, number: int) -> None:
        """Note it."""
        self._tell("gone", number)

    def mqtt_set_aside(self, topic: str) -> None:
        """Record."""
        self._tell("set_aside", topic)

    def mqtt_twin(self, reason: str) -> None:
        """Record."""
        self._tell("twin", reason)

    def render(self, topic: str) -> Retained | None:
        """Return what the test put there."""
        self.rendered.append(topic)
        return self.only_once.pop(topic, None) or self.contents.get(topic)

    def retained_topics(self) -> Iterable[str]:
        """Return what the test put there, in that order."""
        return list(self.contents)

    def _tell(self, *what: object) -> None:
        self.told.append(what)
        self.changes.tell()


def settings_for(broker: Broker, **changes: object) -> MqttSettings:
    """Settings for *broker*, with short waits, and *changes*."""
    values: dict[str, object] = {
        "host": broker.host,
        "port": broker.port,
        "client_id": "gateway",
        "session_expiry": 10,
        "backoff_initial": 0.05,
        "backoff_max": 0.1,
        "login_retry": 0.1,
        "twin_wait": 60.0,
        "connect_timeout": 5.0,
        "stop_timeout": 2.0,
    }
    return MqttSettings(**{**values, **changes})  # type: ignore[arg-type]  # the dataclass names what is wrong


@dataclass
class Running:
    """A running client, its listener, and its task."""

    client: MqttClient
    recorder: Recorder
    task: asyncio.Task[None]

    async def end(self) -> None:
        """Cancel the task and wait for it."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@contextlib.asynccontextmanager
async def running(
    settings: MqttSettings, recorder: Recorder | None = None, *, wait: bool = True, login_ever_succeeded: bool = False
) -> AsyncIterator[Running]:
    """Run a client until the ``with`` ends; with *wait* from the moment it is connected."""
    recorder = recorder or Recorder()
    client = MqttClient(settings, TOPICS, recorder, login_ever_succeeded=login_ever_succeeded)
    task = asyncio.create_task(client.run(), name="client under test")
    try:
        if wait:
            await recorder.until_told("connected")
        yield Running(client, recorder, task)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True)
class Seen:
    """A message as a subscriber saw it."""

    topic: str
    payload: bytes
    retain: bool
    properties: Properties | None = field(default=None, compare=False)


class Subscriber:
    """An aiomqtt client that records everything it is sent; with a *session* it misses nothing over reconnections."""

    def __init__(self, broker: Broker, *filters: str, name: str = "subscriber", session: bool = False) -> None:
        self.seen: list[Seen] = []
        self.changes = Changes()
        self._broker = broker
        self._filters = filters or ("cti/#",)
        self._name = name
        self._session = session
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def payloads(self) -> list[bytes]:
        """The payloads in their order."""
        return [each.payload for each in self.seen]

    def on(self, topic: str) -> list[Seen]:
        """What was seen on *topic*."""
        return [each for each in self.seen if each.topic == topic]

    async def until(self, condition: Callable[[], bool], seconds: float = WAIT) -> None:
        """Wait until *condition* holds, looked at after each message."""
        await self.changes.until(condition, seconds)

    async def until_seen(self, topic: str, payload: bytes) -> None:
        """Wait until *payload* was seen on *topic*."""
        await self.until(lambda: any(each.topic == topic and each.payload == payload for each in self.seen))

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="subscriber")
        await self._ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with client_of(self._broker, self._name, session=self._session) as client:
                    await client.subscribe([(each, SubscribeOptions(qos=1)) for each in self._filters])
                    self._ready.set()
                    async for message in client.messages:
                        self._record(message)
            await asyncio.sleep(0.02)  # the broker may be away; the test decides for how long

    def _record(self, message: aiomqtt.Message) -> None:
        payload = message.payload
        assert isinstance(payload, bytes | bytearray)
        self.seen.append(Seen(str(message.topic), bytes(payload), bool(message.retain), message.properties))
        self.changes.tell()


def client_of(broker: Broker, name: str, *, session: bool = False, user: str | None = None) -> aiomqtt.Client:
    """An MQTT 5 client of aiomqtt's own, to act as somebody else."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    if session:
        properties.SessionExpiryInterval = 3600
    return aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=name,
        username=user,
        password=user,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=not session,
        properties=properties,
    )


async def retained_on(broker: Broker, topic_filter: str, *, user: str | None = None) -> dict[str, bytes]:
    """What the broker keeps under *topic_filter* at this moment."""
    found: dict[str, bytes] = {}
    marker = "retained-query/end"
    async with client_of(broker, "query", user=user) as client:
        await client.subscribe([(topic_filter, SubscribeOptions(qos=1)), (marker, SubscribeOptions(qos=1))])
        await client.publish(marker, b"", qos=1)  # comes after what was retained
        async for message in client.messages:
            if str(message.topic) == marker:
                return found
            payload = message.payload
            assert isinstance(payload, bytes | bytearray)
            if message.retain:
                found[str(message.topic)] = bytes(payload)
    raise AssertionError("the marker did not come")
