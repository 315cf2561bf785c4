"""The client: what a program sees of a gateway over MQTT, and what it may ask of it."""

import asyncio
import random as random_module
import ssl
from collections.abc import Callable, Collection, Iterable
from types import TracebackType
from typing import Final, Literal, Self, TypeVar
from uuid import uuid4
from weakref import WeakSet

from gateway.client.asking import Asking
from gateway.client.link import Link
from gateway.client.news import Event
from gateway.client.stream import LIMIT, EventStream
from gateway.client.view import Snapshot, View
from gateway.mqtt.agent_payloads import AgentPayload
from gateway.mqtt.commands import BridgeRequest, Command, CreateSession, MeasurementPeriod, SetState
from gateway.mqtt.interface import Inbound, MqttSettings
from gateway.mqtt.payloads import (
    AnswerPayload,
    BridgeAsteriskPayload,
    BridgeHealthPayload,
    BridgeInfoPayload,
    SessionPayload,
)
from gateway.mqtt.queue_payloads import GroupPayload, QueuePayload
from gateway.mqtt.topics import Topics, decode_level

Kind = Literal["sessions", "agents", "groups", "queues", "calls"]
ALL: Final[tuple[Kind, ...]] = ("sessions", "agents", "groups", "queues", "calls")

_FILTERS: Final[dict[Kind, tuple[str, ...]]] = {
    "sessions": ("session/+/+/+", "session/+/+/+/event"),
    "agents": ("agent/+", "agent/+/event"),
    "groups": ("group/+", "group/+/event"),
    "queues": ("queue/+", "queue/+/event"),
    "calls": ("call/+/+/+",),
}
_BRIDGE: Final = ("bridge/state", "bridge/asterisk", "bridge/info", "bridge/health", "bridge/event")

_Shown = TypeVar("_Shown", SessionPayload, AgentPayload, GroupPayload, QueuePayload)


class GatewayClient:
    """One gateway, over one connection to its broker, for one event loop.

    An asynchronous context manager, to be entered once: inside there is a picture of all sessions, agents, groups and
    queues, kept up to date. A lost connection is made again by itself; ``current`` tells whether the picture is what
    Asterisk has now.

    Args:
        host: The broker.
        port: Its TCP port.
        base: The gateway's base topic, ``{prefix}/{node}``.
        prefix: Instead of *base*: the gateway's ``mqtt.prefix``.
        node: Instead of *base*: the gateway's ``node``, as it stands in its configuration.
        username: The broker's user; None logs in without one.
        password: The user's password; None sends none.
        tls: True for a connection that is verified by the system's authorities, or a context of one's own.
        wants: What to subscribe to, besides the bridge.
        timeout: Seconds to wait for the answer to a command; the gateway takes ``commands.timeout`` for its own.
        client_id: The MQTT client id; None for a new one.
        session_expiry: Seconds for which the broker keeps what is missed in a loss; needs a *client_id* of one's own
            to outlive the program. 0: what is told during a loss is missed, and shown by a ``Hole``.
        answers_on: A topic of one's own for answers; None for the command's own ``/response``.
        protocol: MQTT version; ``auto`` is 5, or 3.1.1 where the broker refuses 5.
        random: In [0, 1), spreads the reconnections.
    """

    def __init__(
        self,
        host: str,
        port: int = 1883,
        *,
        base: str | None = None,
        prefix: str = "cti",
        node: str | None = None,
        username: str | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | bool = False,
        wants: Collection[Kind] = ALL,
        timeout: float = 10.0,
        client_id: str | None = None,
        session_expiry: int = 0,
        answers_on: str | None = None,
        protocol: Literal["auto", "5", "3.1.1"] = "auto",
        random: Callable[[], float] = random_module.random,
    ) -> None:
        """Do nothing yet.

        Raises:
            ValueError: If neither *base* nor *node* is given, or they make no topic.
        """
        self._topics = _topics(base, prefix, node)
        self._view = View()
        self._streams: WeakSet[EventStream] = WeakSet()  # one that nobody iterates over any more is gone
        self._waiting: list[asyncio.Future[None]] = []
        self._timeout = timeout
        settings = MqttSettings(
            host,
            port,
            client_id=client_id or f"cti-gateway-client-{uuid4().hex[:12]}",
            session_expiry=session_expiry,
            username=username,
            password=password,
            tls=_context(tls),
            protocol=protocol,
        )
        tails = [*_BRIDGE, *(each for kind in ALL if kind in wants for each in _FILTERS[kind])]
        filters = [f"{self._topics.base}/{tail}" for tail in tails]
        self._link = Link(settings, filters, self, random)
        self._asking = Asking(self._link, answers_on)

    async def __aenter__(self) -> Self:
        """Connect, and return when all that is retained has come.

        Raises:
            MqttAuthenticationError: If the broker refuses the login.
            MqttConnectionError: If it cannot be reached.
        """
        await self._link.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._link.close()
        for stream in self._streams:
            stream.close()

    # What there is -------------------------------------------------------------------------------------------------

    @property
    def base(self) -> str:
        """The gateway's base topic."""
        return self._topics.base

    @property
    def current(self) -> bool:
        """Whether the picture is what Asterisk has now."""
        return not self._view.why_not_current

    @property
    def why_not_current(self) -> str:
        """Why it is not, in words; empty if it is."""
        return self._view.why_not_current

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the broker."""
        return self._view.connected

    @property
    def asterisk(self) -> BridgeAsteriskPayload | None:
        """The link to Asterisk; None where the gateway has told nothing."""
        return self._view.asterisk

    @property
    def info(self) -> BridgeInfoPayload | None:
        """What the gateway is, likewise."""
        return self._view.info

    @property
    def health(self) -> BridgeHealthPayload | None:
        """How it does, likewise."""
        return self._view.health

    def sessions(self, *, group: str | None = None, agent: str | None = None) -> list[SessionPayload]:
        """Every session, those that ended lately too; of a *group* or an *agent* only, if given."""
        return [
            session
            for session in self._all(SessionPayload)
            if group in (None, session.group) and agent in (None, session.agent)
        ]

    def session(self, group: str, agent: str, address: str) -> SessionPayload | None:
        """One session; None if there is none."""
        return self._one(SessionPayload, self._topics.session(group, agent, address))

    def agents(self) -> list[AgentPayload]:
        """Every agent."""
        return self._all(AgentPayload)

    def agent(self, agent: str) -> AgentPayload | None:
        """One agent; None if there is none."""
        return self._one(AgentPayload, self._topics.agent(agent))

    def groups(self) -> list[GroupPayload]:
        """Every ACD group."""
        return self._all(GroupPayload)

    def queues(self) -> list[QueuePayload]:
        """Every queue."""
        return self._all(QueuePayload)

    def queue(self, queue: str) -> QueuePayload | None:
        """One queue; None if there is none."""
        return self._one(QueuePayload, self._topics.queue(queue))

    def events(self, *, limit: int = LIMIT) -> EventStream:
        """All that is told from now on, in order, until the client is closed.

        Session, agent, queue, group and bridge events, call records; and between them ``Hole`` where messages were
        missed, ``Overrun`` where more than *limit* events waited to be taken, and ``PictureChanged``.
        """
        stream = EventStream(limit=limit)
        self._streams.add(stream)
        return stream

    async def until(self, condition: Callable[[], bool], *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Wait until *condition* holds, looked at after each message and each change of the connection.

        Raises:
            TimeoutError: If it does not within *timeout* seconds.
        """
        async with asyncio.timeout(timeout):
            while not condition():
                news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(news)
                await news

    # What may be asked ---------------------------------------------------------------------------------------------
    # Each returns the answer, which is ok, and raises CommandFailedError, NoAnswerError or MqttConnectionError as
    # Asking.ask does, and ValueError for what the gateway would refuse as BAD_PAYLOAD.

    async def set_state(
        self, group: str, agent: str, address: str, state: str, *, reason: str | None = None
    ) -> AnswerPayload:
        """``put_State`` of one session; without a *reason* a reason stays."""
        return await self._ask(self._topics.session_set(group, agent, address), _set_state(state, reason))

    async def agent_set_state(self, agent: str, state: str, *, reason: str | None = None) -> AnswerPayload:
        """``put_State`` of all sessions of an agent; the answer has ``sessions``, and is ok only if all are."""
        return await self._ask(f"{self._topics.agent(agent)}/set", _set_state(state, reason))

    async def create_session(
        self,
        agent: str,
        group: str,
        address: str,
        *,
        state: str = "READY",
        reason: str | None = None,
        penalty: int = 0,
        state_interface: str | None = None,
    ) -> AnswerPayload:
        """Log an agent in; *state* is READY or NOT_READY."""
        command = CreateSession.model_validate(
            {
                "group": group,
                "address": address,
                "state": state,
                "reason": reason,
                "penalty": penalty,
                "state_interface": state_interface,
            }
        )
        return await self._ask(f"{self._topics.agent(agent)}/create_session", command)

    async def end_session(self, group: str, agent: str, address: str) -> AnswerPayload:
        """Log out."""
        return await self.set_state(group, agent, address, "SESSION_ENDED")

    async def set_measurement_period(
        self, seconds: int, *, agent: str | None = None, queue: str | None = None
    ) -> AnswerPayload:
        """``put_MeasurementPeriod`` of an agent or of a queue, which begins anew.

        Raises:
            ValueError: If not exactly one of *agent* and *queue* is given.
        """
        if (agent is None) is (queue is None):
            raise ValueError("give an agent or a queue")
        topic = self._topics.agent(agent) if agent is not None else self._topics.queue(queue or "")
        return await self._ask(f"{topic}/measurement_period", MeasurementPeriod(seconds=seconds))

    async def resync(self) -> AnswerPayload:
        """Let the gateway ask Asterisk for everything anew."""
        return await self._ask(self._topics.bridge_request, BridgeRequest(request="resync"))

    async def publish_health(self) -> AnswerPayload:
        """Let the gateway publish its health now; it comes as ``health``."""
        return await self._ask(self._topics.bridge_request, BridgeRequest(request="health"))

    # Told by the link ----------------------------------------------------------------------------------------------

    def link_connecting(self) -> None:
        """There is a connection."""
        self._view.connecting()

    def link_ready(self) -> None:
        """The picture is complete."""
        self._tell(self._view.ready())

    def link_lost(self, reason: str) -> None:  # noqa: ARG002 - the link has logged it
        """The connection is gone."""
        self._asking.lost()
        self._tell(self._view.lost())

    def link_message(self, message: Inbound) -> None:
        """A message."""
        if self._asking.take(message):
            return
        topic = message.topic.removeprefix(f"{self._topics.base}/")
        if topic != message.topic:
            self._tell(self._view.take(topic, message.payload, retained=message.retained))

    def link_refused(self, identifier: int, reason: str) -> None:
        """The broker refused a command."""
        self._asking.refused(identifier, reason)

    # How -----------------------------------------------------------------------------------------------------------

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            for stream in self._streams:
                stream.put(event)
        waiting, self._waiting = self._waiting, []
        for news in waiting:
            if not news.done():
                news.set_result(None)

    async def _ask(self, topic: str, command: Command) -> AnswerPayload:
        return await self._asking.ask(topic, command, timeout=self._timeout)

    def _all(self, kind: type[_Shown]) -> list[_Shown]:
        return [each for each in self._view.snapshots.values() if isinstance(each, kind)]

    def _one(self, kind: type[_Shown], topic: str) -> _Shown | None:
        found: Snapshot | None = self._view.snapshots.get(topic.removeprefix(f"{self._topics.base}/"))
        return found if isinstance(found, kind) else None


def _set_state(state: str, reason: str | None) -> SetState:
    return SetState.model_validate({"state": state} if reason is None else {"state": state, "reason": reason})


def _topics(base: str | None, prefix: str, node: str | None) -> Topics:
    if base is not None:
        prefix, _, level = base.rstrip("/").rpartition("/")
        node = decode_level(level)
    if node is None:
        raise ValueError("give the base topic, or the node")
    return Topics(prefix, node)


def _context(tls: ssl.SSLContext | bool) -> ssl.SSLContext | None:  # noqa: FBT001 - as the caller gave it
    if isinstance(tls, bool):
        return ssl.create_default_context() if tls else None
    return tls
