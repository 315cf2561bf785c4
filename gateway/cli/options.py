"""What the commands have in common: the configuration's path, exit statuses, and how an error is told."""

import os
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.config import GatewayConfig, load_config
from gateway.errors import ConfigError

DEFAULT_CONFIG: Final = Path("/etc/cti-gateway/gateway.toml")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The TOML file.", show_default=True)]


class ExitStatus(IntEnum):
    """Why the command ended."""

    STOPPED = 0
    CONFIGURATION = 2
    STORE = 3
    AMI_LOGIN_REFUSED = 4
    BROKER_LOGIN_REFUSED = 5


def complain(text: str) -> None:
    """Print *text* on standard error."""
    # A path on the command line may hold bytes that are no UTF-8.
    typer.echo(f"cti-gateway: {text}".encode(errors="backslashreplace"), err=True)


def config_or_exit(path: Path) -> GatewayConfig:
    """Return the configuration of the file and the environment, or say what is wrong with it and exit with 2."""
    try:
        return load_config(path, os.environ)
    except ConfigError as error:
        complain(f"the configuration cannot be used:\n{error}")
        raise typer.Exit(ExitStatus.CONFIGURATION) from error
