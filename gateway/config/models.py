"""The configuration as values: one frozen model for each table of the file, with every default.

Knows nothing of files or of the environment, so that a test or a tool can make a configuration in memory.
"""

import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator
from pydantic_core.core_schema import ValidationInfo

from gateway.config.kinds import (
    DAY_S,
    Count,
    Days,
    FilePath,
    Flag,
    Host,
    Listen,
    ListenAddress,
    Megabytes,
    OptionalPath,
    OptionalText,
    Pattern,
    Port,
    Prefix,
    Reason,
    Seconds,
    Text,
    TimeOfDay,
    WholeSeconds,
    wrong,
)

CommandName = Literal["set", "create_session", "end_session", "measurement_period", "resync"]

_NO_CHOICES = frozenset({"none", "paused", "not paused"})
"""What no reason can be called in Home Assistant: see gateway/mqtt/discovery/pause.py."""

_PASSWORD = Field(description="a password of one line, better given as password_file")


def _password(value: object) -> object:
    """Refuse a password that cannot be one line; "" counts as none given."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, str) and any(character in text for character in "\r\n\0"):
        raise ValueError
    return None if text == "" else value


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Link(_Table):
    """What both links have; ``tls`` stands first because other keys depend on it."""

    tls: Flag = False
    tls_ca_file: OptionalPath = None

    @field_validator("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_server_name", check_fields=False)
    @classmethod
    def _only_with_tls(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and not info.data.get("tls", True):
            raise wrong("no value here unless tls = true")
        return value


class AsteriskConfig(_Link):
    """``[asterisk]``: the link to the manager interface.

    Attributes:
        tls: Whether the link is encrypted.
        tls_ca_file: The authority that signed Asterisk's certificate; None for the system's.
        tls_server_name: The name in Asterisk's certificate, where it is not ``host``.
        host: Host name or address.
        port: TCP port; 5038, or 5039 with TLS.
        username: The AMI user.
        password: The AMI user's secret.
        password_file: Where ``password`` was read from, if from a file named here.
        queue_log: Asterisk's queue_log; None: gaps stay gaps.
        resync_interval: Seconds between two comparisons of the picture with Asterisk's.
        wrap_up: Wrap-up in whole seconds per queue, over what Asterisk's own configuration says.
    """

    tls_server_name: Annotated[OptionalText, Field(examples=["pbx1.example.net"])] = None
    host: Host = "127.0.0.1"
    port: Annotated[Port, Field(examples=[5038])] = Field(
        default_factory=lambda data: 5039 if data.get("tls") else 5038
    )
    username: Annotated[Text, Field(examples=["cti-gateway"])] = "cti-gateway"
    password: Annotated[SecretStr, BeforeValidator(_password), _PASSWORD]
    password_file: Annotated[OptionalPath, Field(examples=["/etc/cti-gateway/asterisk.password"])] = None
    queue_log: Annotated[OptionalPath, Field(examples=["/var/log/asterisk/queue_log"])] = Path(
        "/var/log/asterisk/queue_log"
    )
    resync_interval: Seconds = 60.0
    wrap_up: dict[Text, Annotated[int, Field(strict=True, ge=0, le=DAY_S)]] = Field(
        default={},
        description="queues and their wrap-up in whole seconds, from 0 to 86400",
        examples=[{"support": 15}],
    )


class MqttConfig(_Link):
    """``[mqtt]``: the link to the broker.

    Attributes:
        tls: Whether the link is encrypted.
        tls_ca_file: The authority that signed the broker's certificate; None for the system's.
        tls_cert_file: The gateway's own certificate, where the broker asks for one.
        tls_key_file: The key of ``tls_cert_file``; None where it stands in the same file.
        host: Host name or address.
        port: TCP port; 1883, or 8883 with TLS.
        username: The broker's user; None: anonymous.
        password: The user's password; None: none is sent.
        password_file: Where ``password`` was read from, if from a file named here.
        prefix: Stands before every topic, as it is.
        protocol: MQTT version; ``auto`` is 5, or 3.1.1 where the broker refuses 5.
        publish_caller_id: Whether callers' numbers and names are published.
    """

    tls_cert_file: OptionalPath = None
    tls_key_file: OptionalPath = None
    host: Host = "127.0.0.1"
    port: Annotated[Port, Field(examples=[1883])] = Field(
        default_factory=lambda data: 8883 if data.get("tls") else 1883
    )
    username: Annotated[OptionalText, Field(examples=["cti-gateway"])] = "cti-gateway"
    password: Annotated[SecretStr | None, BeforeValidator(_password), _PASSWORD] = None
    password_file: Annotated[OptionalPath, Field(examples=["/etc/cti-gateway/mqtt.password"])] = None
    prefix: Prefix = "cti"
    protocol: Annotated[Literal["auto", "5", "3.1.1"], Field(description='"auto", "5" or "3.1.1"')] = "auto"
    publish_caller_id: Flag = True


class SessionConfig(_Table):
    """``[session]``: what a session is and how it is told.

    Attributes:
        agent_identity: Which of the member's names is the agent's.
        time_to_answer: ``queue``: the caller's waiting counts; ``ring``: the agent's ringing.
        statistics_interval: Seconds between two snapshots of a session in which nothing happens.
        ended_retention: Whole seconds for which an ended session's message stays.
        rollover: Local time of day at which sessions end and begin anew; None: never.
        wrap_up_pause_reasons: Pause reasons that mean manual wrap-up, the first being the one the gateway sets; empty:
            there is no manual wrap-up.
        unreachable_is_not_ready: Whether a phone that cannot be reached makes its session NOT_READY.
    """

    agent_identity: Annotated[
        Literal["member_name", "interface", "state_interface"],
        Field(description='"member_name", "interface" or "state_interface"'),
    ] = "member_name"
    time_to_answer: Annotated[Literal["queue", "ring"], Field(description='"queue" or "ring"')] = "queue"
    statistics_interval: Seconds = 60.0
    ended_retention: Annotated[WholeSeconds, Field(examples=[3600])] = 3600
    rollover: TimeOfDay = None
    wrap_up_pause_reasons: tuple[Reason, ...] = Field(
        default=("wrapup", "wrap-up", "acw"),
        description="a list of pause reasons, each at most 79 bytes of UTF-8, without | , ; (empty: no manual wrap-up)",
    )
    unreachable_is_not_ready: Flag = True


class CommandsConfig(_Table):
    """``[commands]``: the gateway's own policy on what may be asked of it.

    Attributes:
        timeout: Seconds to wait for Asterisk's own event before TIMEOUT is answered.
        max_age: Whole seconds after which a command is STALE.
        max_in_flight: Commands under way at once before BUSY is answered.
        max_per_second: Commands a second before BUSY is answered; one to an agent counts for each of its sessions.
        allow: Commands that are obeyed.
        addresses: Patterns of the interfaces that create_session may log in.
        groups: Patterns of the groups in which commands are obeyed.
        reasons: Patterns of the pause reasons that may be given.
    """

    timeout: Annotated[Seconds, Field(examples=[5])] = 5.0
    max_age: WholeSeconds = 10
    max_in_flight: Count = 100
    max_per_second: Count = 100
    allow: tuple[CommandName, ...] = Field(
        default=("set", "create_session", "end_session", "measurement_period", "resync"),
        description='a list of "set", "create_session", "end_session", "measurement_period", "resync"',
    )
    addresses: tuple[Pattern, ...] = Field(
        default=("PJSIP/*", "SIP/*", "IAX2/*", "DAHDI/*", "Agent/*"),
        description="a list of patterns of interfaces, in which * and ? stand for any characters",
    )
    groups: tuple[Pattern, ...] = Field(
        default=("*",), description="a list of patterns of groups, in which * and ? stand for any characters"
    )
    reasons: tuple[Pattern, ...] = Field(
        default=("*",), description="a list of patterns of reasons, in which * and ? stand for any characters"
    )


class StoreConfig(_Table):
    """``[store]``: the file in which facts and unsent messages are kept.

    Attributes:
        path: The file.
        synchronous: How SQLite writes; ``normal`` is faster and may lose the last moment at power loss.
        outbox_limit_mb: Megabytes of unsent messages past which the oldest events go.
        keep_days: Days for which ended sessions and their calls are kept for reports; 0: they are not.
    """

    path: FilePath = Path("/var/lib/cti-gateway/gateway.db")
    synchronous: Annotated[Literal["full", "normal"], Field(description='"full" or "normal"')] = "full"
    outbox_limit_mb: Megabytes = 512
    keep_days: Days = 400


class HttpConfig(_Table):
    """``[http]``.

    Attributes:
        listen: Where ``/metrics``, ``/healthz`` and the wallboard are served; None: nowhere.
    """

    listen: Listen = ListenAddress("127.0.0.1", 9810)


class HomeAssistantConfig(_Table):
    """``[home_assistant]``: what Home Assistant finds by itself.

    Attributes:
        discovery: Whether it is told of queues and agents.
        prefix: Its discovery prefix.
        queues: Patterns of the queues that it is told of.
        agents: Patterns of the agents that it is told of.
        pause_reasons: Pause reasons that it offers for an agent.
    """

    discovery: Flag = False
    prefix: Annotated[Prefix, Field(examples=["homeassistant"])] = "homeassistant"
    queues: tuple[Pattern, ...] = Field(
        default=("*",), description="a list of patterns of queues, in which * and ? stand for any characters"
    )
    agents: tuple[Pattern, ...] = Field(
        default=("*",), description="a list of patterns of agents, in which * and ? stand for any characters"
    )
    pause_reasons: tuple[Reason, ...] = Field(
        default=(),
        description="a list of pause reasons, each at most 79 bytes of UTF-8, without | , ;",
        examples=[["lunch"]],
    )

    @field_validator("pause_reasons")
    @classmethod
    def _can_be_chosen(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise wrong("each reason once")
        if any(each.strip() != each for each in value):
            raise wrong("reasons without a blank at either end")
        if any(each.lower() in _NO_CHOICES for each in value):
            raise wrong('reasons other than "none", "paused" and "not paused", which mean something else there')
        return value


class GatewayConfig(_Table):
    """The whole configuration. Only ``asterisk`` has no default, because its password has none.

    Attributes:
        node: This Asterisk's name in every topic; the host name unless given.
        asterisk: The link to Asterisk.
        mqtt: The link to the broker.
        session: What a session is and how it is told.
        commands: What may be asked of the gateway.
        store: Where facts are kept.
        http: What is served over HTTP.
        home_assistant: What Home Assistant finds by itself.
    """

    node: Annotated[Text, Field(examples=["pbx1"])] = Field(default_factory=socket.gethostname)
    asterisk: AsteriskConfig
    mqtt: MqttConfig = MqttConfig()
    session: SessionConfig = SessionConfig()
    commands: CommandsConfig = CommandsConfig()
    store: StoreConfig = StoreConfig()
    http: HttpConfig = HttpConfig()
    home_assistant: HomeAssistantConfig = HomeAssistantConfig()
