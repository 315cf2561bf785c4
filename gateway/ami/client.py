"""The link to Asterisk as the rest of the gateway sees it: it comes, stays, is lost and comes back."""

import asyncio
import logging
import random as random_module
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.ami.action import OutgoingAction
from gateway.ami.connection import AmiConnection
from gateway.ami.login import log_in
from gateway.ami.message import AmiMessage
from gateway.backoff import Backoff
from gateway.clock import Arrival, Clock
from gateway.errors import (
    AmiActionError,
    AmiAuthenticationError,
    AmiConnectionError,
    AmiError,
    AmiProtocolError,
    AmiTimeoutError,
)
from gateway.guard import tell

# A link that stood this long was a good one: the next attempt after it starts with the shortest delay.
GOOD_LINK_MICROSECONDS: Final = 5_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """Where Asterisk is and how patient to be with it. All times in seconds.

    Attributes:
        host: Name or address.
        port: 5038, with TLS usually 5039.
        username: Section of ``manager.conf``.
        secret: Its secret.
        tls: What to trust; None for a connection in plain text.
        tls_server_name: The name the certificate must bear; None if it is ``host``.
        wanted: Names of the events to hand on; None for all.
        withhold_callers: Whether numbers and names of callers are left out of what is handed on.
        action_timeout: Until the answer to an action is complete.
        connect_timeout: Until the greeting is there, name look-up and TLS included.
        ping_interval: Between two Pings.
        ping_timeout: Until the Pong; the link is cut without it.
        backoff_initial: Bound of the first delay before connecting again; it doubles each time.
        backoff_max: Bound of the longest.
        login_retry: Delay after a refused login.
    """

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    tls: ssl.SSLContext | None = None
    tls_server_name: str | None = None
    wanted: frozenset[str] | None = None
    withhold_callers: bool = False
    action_timeout: float = 5.0
    connect_timeout: float = 10.0
    ping_interval: float = 5.0
    ping_timeout: float = 5.0
    backoff_initial: float = 0.5
    backoff_max: float = 30.0
    login_retry: float = 60.0


@dataclass(frozen=True, slots=True)
class Pong:
    """A Ping and its answer: how far Asterisk is, and what its clock says.

    Attributes:
        sent_steady: Microseconds of the monotonic clock when Ping was written.
        received_steady: The same when the answer was read.
        timestamp: Asterisk's wall clock when it answered, microseconds since the epoch; None if it did not say.
    """

    sent_steady: int
    received_steady: int
    timestamp: int | None


class AmiListener(Protocol):
    """What is told about the link. All calls come from the loop's own turn, in wire order; none may wait."""

    def ami_connected(self, greeting: str) -> None:
        """Asterisk has accepted the login. Called before any message behind it is handed on."""

    def ami_message(self, message: AmiMessage) -> None:
        """An event that belongs to no action of the gateway's."""

    def ami_read(self, *, more: bool) -> None:
        """What was to be handed on at once has been; *more* has come, and waits for its turn."""

    def ami_pong(self, pong: Pong) -> None:
        """Asterisk has answered a Ping."""

    def ami_disconnected(self, reason: str, last_contact: Arrival) -> None:
        """The link is gone; once for every ``ami_connected``. *last_contact*: when Asterisk's last byte came."""

    def ami_unreachable(self, reason: str) -> None:
        """An attempt to connect or log in has failed; told each time."""


class AmiClient:
    """Keeps one logged-in connection to Asterisk, and puts actions on it."""

    def __init__(
        self,
        settings: AmiSettings,
        listener: AmiListener,
        *,
        clock: Clock,
        random: Callable[[], float] = random_module.random,
        login_ever_succeeded: bool = False,
    ) -> None:
        """Keep; nothing happens before ``run``.

        Args:
            settings: Where and how.
            listener: Told in wire order. An exception in it is logged and changes nothing here.
            clock: Read once per chunk of bytes.
            random: Draws the delays between attempts.
            login_ever_succeeded: Whether these credentials have been good before, so that a refusal is
                waited out and does not end ``run``.
        """
        self._settings = settings
        self._listener = listener
        self._clock = clock
        self._backoff = Backoff(settings.backoff_initial, settings.backoff_max, random)
        self._login_ever_succeeded = login_ever_succeeded
        self._connection: AmiConnection | None = None
        self._connected_at = clock.now()
        self._told_reason: str | None = None
        self._malformed = self._dropped = 0

    @property
    def malformed(self) -> int:
        """Lines without a header name that were left out of their message."""
        return self._malformed + (self._connection.decoder.malformed if self._connection is not None else 0)

    @property
    def dropped(self) -> int:
        """Events thrown away unparsed because nobody wants their name."""
        return self._dropped + (self._connection.decoder.dropped if self._connection is not None else 0)

    @property
    def connected(self) -> bool:
        """Whether Asterisk has accepted the login and the link still stands."""
        return self._connection is not None

    async def run(self) -> None:
        """Connect, log in, watch the link, and begin again when it is lost; ends only by cancellation.

        Raises:
            AmiAuthenticationError: If Asterisk refuses the login and no login ever succeeded.
        """
        while True:
            delay = await self._live()
            await asyncio.sleep(delay)

    async def action(
        self,
        name: str,
        headers: Mapping[str, str | Sequence[str]] | None = None,
        *,
        as_list: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109  # it belongs to the action, whose entry it removes
        on_message: Callable[[AmiMessage], None] | None = None,
    ) -> list[AmiMessage]:
        """Have Asterisk do something, once.

        Args:
            name: As Asterisk spells it.
            headers: In the order to send them; a sequence repeats the header. No Action, no ActionID.
            as_list: Whether a list of events up to its ``...Complete`` belongs to the answer.
            timeout: Seconds until the answer must be complete; None for the settings' ``action_timeout``.
            on_message: Called with the response and each event of the list, at its place among the
                events that go to the listener.

        Returns:
            The response, and with *as_list* the events of the list, its ``...Complete`` included.

        Raises:
            AmiValueError: Something in it must not reach the wire; nothing was sent.
            AmiActionError: Asterisk said no.
            AmiTimeoutError: The answer was not complete in time; what comes of it later is dropped.
            AmiConnectionError: There is no link, or it was lost before the answer: then whether the action was
                carried out is not known. It is never sent again.
        """
        action = OutgoingAction(name, headers, as_list=as_list, on_message=on_message)
        if self._connection is None:
            raise AmiConnectionError(f"{name}: not connected to Asterisk")
        return await self._connection.request(action, self._settings.action_timeout if timeout is None else timeout)

    async def ping(self) -> Pong:
        """Ask Asterisk for a sign of life now; the listener hears of it too.

        Raises:
            AmiTimeoutError: No answer within ``ping_timeout``, nor when the actions sent before it have had their time.
            AmiConnectionError: There is no link, or it was lost before the answer.
            AmiActionError: Asterisk answered with an error, as it does while it goes down.
        """
        if self._connection is None:
            raise AmiConnectionError("Ping: not connected to Asterisk")
        return await self._ping(self._connection)

    async def _live(self) -> float:
        """One connection from its beginning to its end; returns the seconds to wait before the next."""
        connection = AmiConnection(
            clock=self._clock,
            wanted=self._settings.wanted,
            withhold_callers=self._settings.withhold_callers,
            on_event=lambda event: self._event(connection, event),
            on_read=lambda more: self._listener.ami_read(more=more),
            on_lost=lambda reason: self._lost(connection, reason),
        )
        try:
            await self._open(connection)
            await self._watch(connection)
        except AmiAuthenticationError as error:
            if not self._login_ever_succeeded:
                tell(self._listener.ami_unreachable, str(error))
                raise
            self._unreachable(str(error))
            return self._settings.login_retry
        except AmiError as error:
            self._unreachable(str(error))
        finally:
            connection.close()
            self._malformed += connection.decoder.malformed
            self._dropped += connection.decoder.dropped
        return self._backoff.next()

    async def _open(self, connection: AmiConnection) -> None:
        settings = self._settings
        try:
            async with asyncio.timeout(settings.connect_timeout):
                greeting = await connection.connect(
                    settings.host, settings.port, tls=settings.tls, tls_server_name=settings.tls_server_name
                )
        except TimeoutError as error:
            if connection.protocol is None:
                raise AmiConnectionError(f"no connection within {settings.connect_timeout:g} s") from error
            raise AmiProtocolError(
                f"connected, but no Asterisk greeted within {settings.connect_timeout:g} s"
            ) from error

        def answered(message: AmiMessage) -> None:
            if message.response == "Success":
                self._logged_in(connection, greeting)

        await log_in(
            lambda action: connection.request(action, settings.action_timeout),
            settings.username,
            settings.secret,
            answered,
        )

    async def _watch(self, connection: AmiConnection) -> None:
        """Ping until the link ends: AMI has no sign of life of its own, and a dead peer says nothing."""
        while not connection.lost.done():
            await asyncio.wait({connection.lost}, timeout=self._settings.ping_interval)
            if connection.lost.done():
                return
            try:
                await self._ping(connection)
            except AmiTimeoutError:
                connection.drop("no answer to Ping")
            except (AmiConnectionError, AmiActionError):
                continue  # the first is what ends the loop; the second is an answer, from an Asterisk that goes down

    async def _ping(self, connection: AmiConnection) -> Pong:
        pongs: list[Pong] = []

        def answered(message: AmiMessage) -> None:
            if message.response == "Success":
                timestamp = _microseconds(message.fields.get("timestamp", ""))
                pongs.append(Pong(action.sent.steady, message.arrival.steady, timestamp))
                tell(self._listener.ami_pong, pongs[0])

        action = OutgoingAction("Ping", on_message=answered)
        await connection.request(action, max(self._settings.ping_timeout, connection.patience()))
        return pongs[0]

    def _logged_in(self, connection: AmiConnection, greeting: str) -> None:
        self._connection = connection
        self._connected_at = self._clock.now()
        self._login_ever_succeeded = True
        self._told_reason = None
        _log.info("connected to Asterisk at %s:%d: %s", self._settings.host, self._settings.port, greeting)
        tell(self._listener.ami_connected, greeting)

    def _event(self, connection: AmiConnection, event: AmiMessage) -> None:
        if connection is self._connection:  # before the login is accepted nothing is Asterisk's word
            self._listener.ami_message(event)

    def _lost(self, connection: AmiConnection, reason: AmiConnectionError) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        if connection.last_contact.steady - self._connected_at.steady >= GOOD_LINK_MICROSECONDS:
            self._backoff.reset()
        level = logging.INFO if connection.closed_by_gateway else logging.WARNING
        _log.log(level, "lost Asterisk at %s:%d: %s", self._settings.host, self._settings.port, reason)
        tell(self._listener.ami_disconnected, str(reason), connection.last_contact)

    def _unreachable(self, reason: str) -> None:
        level = logging.DEBUG if reason == self._told_reason else logging.WARNING
        self._told_reason = reason
        _log.log(level, "no link to Asterisk at %s:%d: %s", self._settings.host, self._settings.port, reason)
        tell(self._listener.ami_unreachable, reason)


def _microseconds(stamp: str) -> int | None:
    """``1795333716.211055`` in microseconds; None if it is not such a number."""
    seconds, _, fraction = stamp.strip().partition(".")
    digits = fraction[:6].ljust(6, "0")
    if not (seconds.isascii() and seconds.isdigit() and digits.isascii() and digits.isdigit()):
        return None
    return int(seconds) * 1_000_000 + int(digits)
