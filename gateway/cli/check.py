"""``cti-gateway check``: whether the configuration can be used, and what it means."""

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigOption, config_or_exit
from gateway.config import AsteriskConfig, GatewayConfig, MqttConfig


def check(*, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check the configuration alone: nothing is connected to.

    Exit status: 0 it can be used, 2 it cannot; each mistake is told on a line of its own.
    """
    settings = config_or_exit(config)
    for line in (f"ok: {config}", *summary(settings)):
        typer.echo(line.encode(errors="backslashreplace"))


def summary(config: GatewayConfig) -> list[str]:
    """Return in a few lines what the gateway would do; no secrets."""
    from gateway.mqtt.topics import Topics  # noqa: PLC0415  keeps --help quick

    asterisk, mqtt, listen = config.asterisk, config.mqtt, config.http.listen
    version = {"auto": "MQTT 5, else 3.1.1", "5": "MQTT 5", "3.1.1": "MQTT 3.1.1"}[mqtt.protocol]
    return [
        f"node      {config.node}",
        f"topics    {Topics(mqtt.prefix, config.node).base}/...",
        f"Asterisk  {_link(asterisk)}",
        f"queue_log {asterisk.queue_log or 'none: gaps stay gaps'}",
        f"broker    {_link(mqtt)}, {version}",
        f"commands  {', '.join(config.commands.allow) or 'none'}",
        f"store     {config.store.path}",
        f"HTTP      {f'{listen.host} port {listen.port}' if listen else 'off'}",
    ]


def _link(link: AsteriskConfig | MqttConfig) -> str:
    user = f"as {link.username}" if link.username else "anonymously"
    return f"{link.host} port {link.port} {user}{', TLS' if link.tls else ', not encrypted'}"
