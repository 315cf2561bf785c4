"""How ``watch`` and ``send`` find the gateway: by its configuration, or by the broker's address and the base topic."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import DEFAULT_CONFIG, ExitStatus, complain, config_or_exit
from gateway.errors import MqttAuthenticationError, MqttConnectionError

if TYPE_CHECKING:
    from gateway.client import GatewayClient

FAILED: Final = 1
"""Exit status where the broker cannot be reached, or an answer is an error."""

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help=f"The gateway's TOML file. Default: {DEFAULT_CONFIG}, without --broker."
    ),
]
BrokerAddress = Annotated[
    str | None, typer.Option("--broker", metavar="HOST[:PORT]", help="The broker, instead of a configuration file.")
]
BaseTopic = Annotated[
    str | None, typer.Option("--base", metavar="TOPIC", help="The gateway's base topic, such as cti/pbx1.")
]
Username = Annotated[str | None, typer.Option("--username", "-u", metavar="NAME", help="The broker's user.")]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="A file with the user's password in one line.")
]
Tls = Annotated[bool, typer.Option("--tls", help="Encrypt, and verify by the system's authorities; port 8883.")]
TlsCaFile = Annotated[
    Path | None, typer.Option("--tls-ca-file", metavar="FILE", help="Encrypt, and verify by this authority.")
]


@dataclass(frozen=True, slots=True)
class Target:
    """What the options say.

    Attributes:
        config: The configuration file; None for the default, or none at all.
        broker: The broker's address, which stands for a configuration.
        base: The gateway's base topic.
        username: The broker's user.
        password_file: Where the password is.
        tls: Whether to encrypt.
        tls_ca_file: The authority, where it is not one of the system's.
    """

    config: Path | None
    broker: str | None
    base: str | None
    username: str | None
    password_file: Path | None
    tls: bool
    tls_ca_file: Path | None

    def client(self, **arguments: Any) -> "GatewayClient":
        """A client of that gateway; *arguments* are the client's own.

        Raises:
            typer.Exit: If the options or the configuration cannot be used; it was told why.
        """
        from gateway.client import GatewayClient  # noqa: PLC0415  keeps --help quick

        try:
            place = self._by_config() if self.broker is None else self._by_address(self.broker)
            return GatewayClient(**{**place, **arguments})
        except (OSError, ValueError) as error:
            raise usage(str(error)) from error

    def _by_config(self) -> dict[str, Any]:
        config = config_or_exit(self.config or DEFAULT_CONFIG)
        mqtt = config.mqtt
        return {
            "host": mqtt.host,
            "port": mqtt.port,
            "protocol": mqtt.protocol,
            "username": self.username or mqtt.username,
            "password": self._password() or (mqtt.password and mqtt.password.get_secret_value()),
            "tls": _context(mqtt.tls_ca_file, mqtt.tls_cert_file, mqtt.tls_key_file) if mqtt.tls else False,
            **({"base": self.base} if self.base else {"prefix": mqtt.prefix, "node": config.node}),
        }

    def _by_address(self, address: str) -> dict[str, Any]:
        if self.base is None:
            raise ValueError("--broker needs --base, the gateway's base topic, such as cti/pbx1")
        encrypted = self.tls or self.tls_ca_file is not None
        host, port = split_address(address)
        return {
            "host": host,
            "port": port or (8883 if encrypted else 1883),
            "base": self.base,
            "username": self.username,
            "password": self._password(),
            "tls": _context(self.tls_ca_file) if encrypted else False,
        }

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        return self.password_file.read_text(encoding="utf-8").removesuffix("\n")


def usage(text: str) -> typer.Exit:
    """Tell what is wrong with the command line, and return what ends the command."""
    complain(text)
    return typer.Exit(ExitStatus.CONFIGURATION)


def unreachable(error: MqttAuthenticationError | MqttConnectionError) -> typer.Exit:
    """Tell why there is no connection, and return what ends the command."""
    if isinstance(error, MqttAuthenticationError):
        complain(f"the broker refused the login: {error}")
        return typer.Exit(ExitStatus.BROKER_LOGIN_REFUSED)
    complain(f"the broker cannot be reached: {error}")
    return typer.Exit(FAILED)


def split_address(address: str) -> tuple[str, int | None]:
    """Host and port of ``host``, ``host:port``, ``[::1]:port`` or ``::1``.

    Raises:
        ValueError: If the port is none.
    """
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host.strip("[]") and not host.endswith("]")):
        return address.strip("[]"), None
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"--broker: {port!r} is no port")
    return host.strip("[]"), int(port)


def _context(
    ca_file: "os.PathLike[str] | None",
    cert_file: "os.PathLike[str] | None" = None,
    key_file: "os.PathLike[str] | None" = None,
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if ca_file is None else os.fspath(ca_file))
    if cert_file is not None:
        context.load_cert_chain(cert_file, key_file)
    return context
