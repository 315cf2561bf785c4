"""The doctor's own link to Asterisk: one login, answers, and a count of the events that come meanwhile."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from gateway.ami.action import OutgoingAction
from gateway.ami.connection import AmiConnection
from gateway.ami.login import log_in
from gateway.ami.message import AmiMessage
from gateway.clock import Clock
from gateway.errors import AmiConnectionError, AmiError

CONNECT_TIMEOUT = 10.0
ANSWER_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class AmiTarget:
    """Where Asterisk is and as whom to log in; ``server_name`` is the name its certificate must bear."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


@dataclass(slots=True)
class Heard:
    """What came of its own accord.

    Attributes:
        kinds: Events by class (``agent``, ``call``, ``system``); the greeting's FullyBooted is one of ``system``.
        stamped: Those that say when they happened.
        unstamped: Those that do not, though events of their kind could.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    stamped: int = 0
    unstamped: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, message: AmiMessage) -> None:
        """Count one event."""
        self.kinds.update(kind for kind in message.fields.get("privilege", "").split(",") if kind != "all")
        if "timestamp" in message.fields:
            self.stamped += 1
        elif message.event != "FullyBooted":  # the one sent after a login never has a time
            self.unstamped += 1
        self._news.set()

    async def until(self, *kinds: str, within: float) -> None:
        """Wait until an event of each of *kinds* has come, for *within* seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not all(self.kinds[kind] for kind in kinds):
                    self._news.clear()
                    await self._news.wait()


class AmiLink:
    """A logged-in connection."""

    def __init__(self, connection: AmiConnection, heard: Heard, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self.heard = heard

    async def ask(
        self, name: str, headers: Mapping[str, str] | None = None, *, as_list: bool = False
    ) -> list[AmiMessage]:
        """Do an action.

        Raises:
            AmiActionError: Asterisk said no.
            AmiTimeoutError: No answer in time.
            AmiConnectionError: The link is lost.
        """
        return await self._connection.request(OutgoingAction(name, headers, as_list=as_list), ANSWER_TIMEOUT)

    async def clock_offset(self) -> float | None:
        """Seconds by which Asterisk's clock is ahead of this machine's; None if it does not tell its time.

        The quickest of three tries, and the middle of its way there and back.
        """
        best: tuple[int, float] | None = None
        for _ in range(3):
            before = self._clock.now()
            (answer,) = await self.ask("Ping")
            after = self._clock.now()
            try:
                stamp = float(answer.fields.get("timestamp", ""))
            except ValueError:
                return None
            took = after.steady - before.steady
            offset = stamp - (before.wall + took // 2) / 1_000_000
            best = min(best, (took, offset)) if best is not None else (took, offset)
        return None if best is None else best[1]


@asynccontextmanager
async def logged_in(target: AmiTarget, clock: Clock) -> AsyncIterator[AmiLink]:
    """Connect and log in once.

    Raises:
        AmiAuthenticationError: The login is refused.
        AmiError: There is no link for another reason.
    """
    heard = Heard()
    connection = AmiConnection(clock=clock, wanted=None, on_event=heard.take, on_lost=lambda _: None)
    try:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await connection.connect(target.host, target.port, tls=target.tls, tls_server_name=target.server_name)
        except TimeoutError as error:
            raise AmiConnectionError(f"no greeting within {CONNECT_TIMEOUT:g} s") from error
        await log_in(
            lambda action: connection.request(action, ANSWER_TIMEOUT), target.username, target.secret, lambda _: None
        )
        yield AmiLink(connection, heard, clock)
        with suppress(AmiError):
            await connection.request(OutgoingAction("Logoff"), 1.0)
    finally:
        connection.close()


def own_address(host: str, port: int) -> str | None:
    """The address from which this machine speaks to *host*; None if that cannot be told. Nothing is sent."""
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(where)
            address: str = probe.getsockname()[0]
            return address
    except OSError:
        return None
