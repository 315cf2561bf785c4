"""A subscriber that the broker remembers: it may go away, and has what was published meanwhile when it comes back."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import aiomqtt
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import ConnectFlags
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.lab.subscriber import Subscriber

EXPIRY = 24 * 3600  # seconds for which the broker keeps its session


class PersistentSubscriber(Subscriber):
    """A `Subscriber` with an MQTT session of its own (MQTT 5, QoS 1), in which everything of its visits is kept.

    Attributes:
        remembered: Whether the broker still knew it when it last came.
    """

    def __init__(
        self, port: int, base: str, name: str, *, username: str | None = None, password: str | None = None
    ) -> None:
        """Describe it; *name* is its client id."""
        super().__init__(port, base)
        self._name = name
        self._login = (username, password)
        self.remembered = False

    async def __aenter__(self) -> Self:
        await self.come()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def come(self) -> None:
        """Connect, and go on with the session if the broker has it."""
        host, port = self._address
        username, password = self._login
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = EXPIRY
        self._client = _Client(
            host,
            port,
            identifier=self._name,
            username=username,
            password=password,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=properties,
        )
        await self._client.__aenter__()
        self.remembered = self._client.session_present
        self._task = asyncio.create_task(self._read(), name=f"lab.subscriber {self._name}")
        await self._client.subscribe(self._filter, qos=1)

    async def leave(self) -> None:
        """Disconnect, or take note that the broker is gone; the session stays.

        What was acknowledged by then is kept: no broker would send it again.
        """
        if self._client is not None and self._task is not None:
            with suppress(aiomqtt.MqttError):
                await self._client.__aexit__(None, None, None)
            with suppress(aiomqtt.MqttError):
                await self._task
        self._client = self._task = None

    async def stay(self) -> None:
        """Wait until the connection is lost."""
        assert self._task is not None
        with suppress(aiomqtt.MqttError):
            await asyncio.shield(self._task)


class _Client(aiomqtt.Client):
    """aiomqtt's client, which does not hand on whether the broker knew the session."""

    session_present = False

    def _on_connect(
        self,
        client: PahoClient,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.session_present = flags.session_present
        super()._on_connect(client, userdata, flags, reason_code, properties)
