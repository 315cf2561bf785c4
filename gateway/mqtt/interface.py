"""What the MQTT client needs to be told, what it hands on, and who it talks to."""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """How to reach the broker and how to behave towards it. Times are seconds.

    Attributes:
        host: Name or address of the broker.
        port: Its TCP port.
        username: User name; None logs in without one.
        password: The user's password; None sends none.
        tls: Context of a TLS connection; None speaks plain TCP.
        protocol: ``auto`` tries MQTT 5 at each connection and speaks 3.1.1 if the broker refuses that version.
        client_id: Stable over restarts, so that commands sent during a short loss arrive.
        session_expiry: How long an MQTT 5 broker keeps commands for a client that is away.
        keep_alive: A silent broker is given up after at most twice as long; so is one that owes a PUBACK.
        window: QoS 1 messages under way at once; a broker's lower Receive Maximum wins.
        backoff_initial: First ceiling of the random wait before a new try; it doubles with each failure.
        backoff_max: Its highest ceiling.
        login_retry: Wait after a refused login, if one was accepted before.
        twin_wait: Wait after the connection was taken over three times within seconds.
        connect_timeout: Time for a CONNACK or SUBACK.
        stop_timeout: Time for the orderly end.
    """

    host: str
    port: int
    client_id: str
    session_expiry: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    keep_alive: int = 15
    window: int = 100
    backoff_initial: float = 0.5
    backoff_max: float = 30.0
    login_retry: float = 60.0
    twin_wait: float = 60.0
    connect_timeout: float = 10.0
    stop_timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message on a command topic.

    Attributes:
        topic: Where it was sent.
        payload: As it came; at most 1 MiB under MQTT 5, which the protocol sees to.
        retained: It has the retain flag. Under MQTT 5 that is also so if it was sent with the flag just now, under
            3.1.1 only for what the broker kept.
        replayed: Retained and told because of our subscription, as far as can be told: under MQTT 5 what comes in
            the first second of a subscription counts.
        resumed: It came on a resumed MQTT 5 session before the SUBACK: it may have been sent while we were away.
        duplicate: The broker says that it may have sent it before: the acknowledgement was lost with a connection.
        response_topic: The sender's Response Topic, None if there is none (always under 3.1.1).
        correlation_data: The sender's Correlation Data, likewise.
    """

    topic: str
    payload: bytes
    retained: bool = False
    replayed: bool = False
    resumed: bool = False
    duplicate: bool = False
    response_topic: str | None = None
    correlation_data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Retained:
    """What a retained topic holds now.

    Attributes:
        payload: The message; ``b""`` removes what the broker has.
        expiry: Seconds after which an MQTT 5 broker forgets it by itself; None is never.
    """

    payload: bytes
    expiry: int | None = None


class MqttListener(Protocol):
    """Who is told what the broker does, and asked what to publish.

    All methods are called on the event loop, one at a time, and must not block. An exception from one is logged and
    changes nothing else.
    """

    def mqtt_connected(self, protocol: str) -> None:
        """The broker took us, by version *protocol* (``5`` or ``3.1.1``); the retained topics are asked for next."""

    def mqtt_disconnected(self, reason: str) -> None:
        """The connection is gone; once for each ``mqtt_connected``."""

    def mqtt_command(self, inbound: Inbound) -> None:
        """A message on a command topic, in the order of arrival.

        What was sent while we were away may come before ``mqtt_connected``.
        """

    def mqtt_found_retained(self, topic: str, payload: bytes) -> None:
        """The broker has a retained message of an earlier life on *topic*; told after a start only.

        What a broker keeps in order with its answers is told before ``mqtt_connected``. If the connection is lost
        before the search is over, what was published over it is found, too.
        """

    def mqtt_refused(self, topic: str, reason: str) -> None:
        """A publish was refused and is not tried again; told every time."""

    def mqtt_set_aside(self, topic: str) -> None:
        """A message for *topic* cost three connections and is not tried again."""

    def mqtt_gone(self, number: int) -> None:
        """The event sent with *number* is kept no longer: the broker has it, or it is refused or set aside."""

    def mqtt_twin(self, reason: str) -> None:
        """Another client with our client id takes the connection away again and again; we wait."""

    def render(self, topic: str) -> Retained | None:
        """What to send on a retained topic, asked for at the moment of sending; None if there is nothing to send."""

    def retained_topics(self) -> Iterable[str]:
        """Everything that must be on the broker, in the order to send it; asked for after each connection."""
