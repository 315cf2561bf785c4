"""A client's link to the broker: made, lost, made again."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from gateway.backoff import Backoff
from gateway.errors import MqttAuthenticationError, MqttConnectionError
from gateway.mqtt.connection import Connection, Loss
from gateway.mqtt.interface import Inbound, MqttSettings
from gateway.mqtt.packets import UnsupportedVersionError

_log: Final = logging.getLogger(__name__)

_FENCE: Final = "cti-gateway/client/fence"
"""A filter that nobody is subscribed to; to give it up is a question that changes nothing."""


class LinkListener(Protocol):
    """Who is told what comes. Called on the event loop, one at a time."""

    def link_connecting(self) -> None:
        """There is a connection; what is retained comes next."""

    def link_ready(self) -> None:
        """All that was retained has come."""

    def link_lost(self, reason: str) -> None:
        """The connection is gone; the next is tried for."""

    def link_message(self, message: Inbound) -> None:
        """A message."""

    def link_refused(self, identifier: int, reason: str) -> None:
        """The broker refused the publish *identifier*."""


class Link:
    """Keeps one connection to the broker at a time.

    Args:
        settings: How to reach it.
        filters: What is subscribed to.
        listener: Who is told.
        random: In [0, 1), spreads the reconnections.
    """

    def __init__(
        self, settings: MqttSettings, filters: Iterable[str], listener: LinkListener, random: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._filters = list(filters)
        self._listener = listener
        self._backoff = Backoff(settings.backoff_initial, settings.backoff_max, random)
        self._connection: Connection | None = None
        self._replayed = 0
        self._answers: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._warned = ""

    @property
    def connection(self) -> Connection:
        """The connection that there is.

        Raises:
            MqttConnectionError: If there is none.
        """
        if self._connection is None or self._connection.lost.done():
            raise MqttConnectionError("there is no connection to the broker")
        return self._connection

    async def open(self) -> None:
        """Connect for the first time, and keep connected from then on.

        Raises:
            MqttAuthenticationError: If the broker refuses the login.
            MqttConnectionError: If it cannot be reached.
        """
        await self._connect()
        self._task = asyncio.create_task(self._keep(), name="client.link")

    async def close(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    async def expect_answers(self, topic: str) -> None:
        """Subscribe to a topic on which answers come, unless it is so already.

        Raises:
            MqttConnectionError: If there is no connection, or it is lost.
        """
        if topic not in self._answers:
            await self.connection.follow([topic])
            self._answers.add(topic)

    async def _keep(self) -> None:
        while True:
            if self._connection is not None:
                loss = await asyncio.shield(self._connection.lost)
                self._connection = None
                self._warn_once(f"connection lost: {loss.reason}")
                self._listener.link_lost(loss.reason)
            await asyncio.sleep(self._backoff.next())
            try:
                await self._connect()
            except MqttAuthenticationError as error:
                self._warn_once(f"the login is refused: {error}")
                await asyncio.sleep(self._settings.login_retry)
            except MqttConnectionError as error:
                self._warn_once(f"no connection: {error}")

    async def _connect(self) -> None:
        connection = await self._open()
        try:
            self._answers.clear()
            self._listener.link_connecting()
            await connection.follow(self._filters)
            await self._all_replayed(connection)
        except BaseException:  # cancelled or failed: nobody else would end it
            connection.abort(Loss("not subscribed"))
            raise
        self._connection = connection
        self._backoff.reset()
        self._warned = ""
        self._listener.link_ready()

    async def _all_replayed(self, connection: Connection) -> None:
        """Wait until all that is retained has come.

        A broker sends no more at once than its window, and the rest as that is acknowledged: with each question
        answered that brought something, more may have come.
        """
        before = -1
        while self._replayed != before:
            before = self._replayed
            await connection.unsubscribe_from([_FENCE])

    async def _open(self) -> Connection:
        if self._settings.protocol != "auto":
            return await self._open_version(self._settings.protocol)
        try:
            return await self._open_version("5")
        except UnsupportedVersionError:
            return await self._open_version("3.1.1")

    async def _open_version(self, version: str) -> Connection:
        connection = Connection(self._settings, version, None, self._received, self._acknowledged)
        await connection.open()
        return connection

    def _received(self, connection: Connection, message: Inbound) -> None:  # noqa: ARG002 - there is one at a time
        self._replayed += message.retained
        self._listener.link_message(message)

    def _acknowledged(self, identifier: int, refusal: str | None) -> None:
        if refusal is not None:
            self._listener.link_refused(identifier, refusal)

    def _warn_once(self, fact: str) -> None:
        level = logging.DEBUG if fact == self._warned else logging.WARNING
        self._warned = fact
        _log.log(level, "broker %s:%d: %s", self._settings.host, self._settings.port, fact)
