"""A connection for trying the broker out: it leaves no will, and says what the broker told of its limits."""

import asyncio
from collections.abc import Sequence
from typing import Any

from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import ConnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.errors import MqttConnectionError
from gateway.mqtt.connection import Connection
from gateway.mqtt.interface import Inbound, MqttSettings
from gateway.mqtt.packets import FAILURE, UnsupportedVersionError


class Probe(Connection):
    """A connection that keeps what comes, and on which a publish can be waited for.

    Attributes:
        received: Every message so far.
        retain_available: Whether the broker keeps messages.
        maximum_qos: The highest quality of service that the broker takes.
    """

    def __init__(self, settings: MqttSettings, version: str) -> None:
        self.received: list[Inbound] = []
        self.retain_available = True
        self.maximum_qos = 2
        self._news = asyncio.Event()
        self._answers: dict[int, asyncio.Future[str | None]] = {}
        super().__init__(settings, version, "no/will", self._keep, self._answered)
        self._client.will_clear()

    async def publish_and_wait(self, topic: str, payload: bytes, *, retain: bool = False) -> str | None:
        """Publish with QoS 1 and return why the broker refused it; None if it did not say no.

        Raises:
            MqttConnectionError: The connection was lost, or no answer came in time.
        """
        return await self._answer(self.publish_now(topic, payload, retain=retain))

    async def subscribe_or_not(self, topic_filters: Sequence[str]) -> set[str]:
        """Subscribe with QoS 1, to what is published here too, and return the filters that the broker refused.

        Raises:
            MqttConnectionError: The connection was lost, or no answer came in time.
        """
        if self.version == "5":
            wanted: Any = [(each, SubscribeOptions(1)) for each in topic_filters]
        else:
            wanted = [(each, 1) for each in topic_filters]
        codes: Sequence[Any] = await self.unless_lost(self.subscribe(wanted))
        values = [code.value if isinstance(code, ReasonCode) else code for code in codes]
        return {each for each, value in zip(topic_filters, values, strict=False) if value >= FAILURE}

    async def until(self, count: int, *, within: float) -> None:
        """Wait until so many messages have come, or for so many seconds, or until the connection is lost."""
        try:
            async with asyncio.timeout(within):
                while len(self.received) < count and not self.lost.done():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return

    async def _answer(self, identifier: int) -> str | None:
        future = self._answers.setdefault(identifier, asyncio.get_running_loop().create_future())
        lost: asyncio.Future[Any] = self.lost
        await asyncio.wait({future, lost}, timeout=self.timeout, return_when=asyncio.FIRST_COMPLETED)
        self._answers.pop(identifier, None)
        if not future.done():
            raise MqttConnectionError(self.lost.result().reason if self.lost.done() else "a publish was not answered")
        return future.result()

    def _keep(self, connection: Connection, message: Inbound) -> None:  # noqa: ARG002 (it is this one)
        self.received.append(message)
        self._news.set()

    def _answered(self, identifier: int, refusal: str | None) -> None:
        future = self._answers.setdefault(identifier, asyncio.get_running_loop().create_future())
        if not future.done():
            future.set_result(refusal)

    def _on_connect(
        self,
        client: PahoClient,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.retain_available = getattr(properties, "RetainAvailable", 1) != 0
        self.maximum_qos = getattr(properties, "MaximumQoS", 2)
        super()._on_connect(client, userdata, flags, reason_code, properties)


async def open_probe(settings: MqttSettings) -> Probe:
    """Connect once, by the version that the settings say or the broker takes.

    Raises:
        MqttAuthenticationError: The login is refused.
        MqttConnectionError: There is no connection for another reason.
    """
    probe = Probe(settings, "3.1.1" if settings.protocol == "3.1.1" else "5")
    try:
        await probe.open()
    except UnsupportedVersionError:
        if settings.protocol != "auto":
            raise
        probe = Probe(settings, "3.1.1")
        await probe.open()
    return probe
