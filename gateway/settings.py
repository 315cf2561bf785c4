"""What the links need to be told, from the configuration."""

import ssl
from pathlib import Path

from gateway.ami.client import AmiSettings
from gateway.ami.lists import LIST_EVENTS
from gateway.ami.tls import tls_context
from gateway.ami.translate import EVENTS
from gateway.config import GatewayConfig
from gateway.errors import ConfigError
from gateway.mqtt.interface import MqttSettings
from gateway.mqtt.topics import TopicNameError, Topics
from gateway.service.picture import RELOADED


def topics_of(config: GatewayConfig) -> Topics:
    """The names of the topics.

    Raises:
        ConfigError: If prefix or node make none.
    """
    try:
        return Topics(config.mqtt.prefix, config.node)
    except TopicNameError as error:
        raise ConfigError(f"node or mqtt.prefix: {error}") from None


def ami_settings(config: GatewayConfig) -> AmiSettings:
    """The link to Asterisk.

    Raises:
        ConfigError: If a file that it names cannot be used.
    """
    asterisk = config.asterisk
    return AmiSettings(
        host=asterisk.host,
        port=asterisk.port,
        username=asterisk.username,
        secret=asterisk.password.get_secret_value(),
        tls=tls_context(_text(asterisk.tls_ca_file)) if asterisk.tls else None,
        tls_server_name=asterisk.tls_server_name,
        wanted=EVENTS | LIST_EVENTS | {RELOADED},
        withhold_callers=not config.mqtt.publish_caller_id,
    )


def mqtt_settings(config: GatewayConfig, topics: Topics, *, leave_within: float) -> MqttSettings:
    """The link to the broker, which at the end gets *leave_within* seconds to take ``offline``.

    Raises:
        ConfigError: If a file that it names cannot be used.
    """
    mqtt = config.mqtt
    return MqttSettings(
        host=mqtt.host,
        port=mqtt.port,
        client_id=f"cti-gateway {topics.base}",
        session_expiry=config.commands.max_age,
        username=mqtt.username,
        password=None if mqtt.password is None else mqtt.password.get_secret_value(),
        tls=_mqtt_tls(config) if mqtt.tls else None,
        protocol=mqtt.protocol,
        stop_timeout=leave_within,
    )


def _mqtt_tls(config: GatewayConfig) -> ssl.SSLContext:
    mqtt = config.mqtt
    context = tls_context(_text(mqtt.tls_ca_file))
    if mqtt.tls_cert_file is not None:
        try:
            context.load_cert_chain(mqtt.tls_cert_file, mqtt.tls_key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"mqtt.tls_cert_file: {mqtt.tls_cert_file}: cannot be used: {error}") from None
    return context


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
