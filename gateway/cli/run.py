"""``cti-gateway run``: the service."""

import asyncio
import logging
import os
import resource
from collections.abc import Coroutine
from enum import StrEnum
from typing import Annotated, Any

import typer

from gateway import logs
from gateway.cli.options import DEFAULT_CONFIG, ConfigOption, ExitStatus, complain, config_or_exit
from gateway.config import load_config
from gateway.errors import AmiAuthenticationError, ConfigError, MqttAuthenticationError, StoreError


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a line looks: for people, or an object for whoever collects them."""

    TEXT = "text"
    JSON = "json"


def run(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    log_level: Annotated[LogLevel, typer.Option(help="How much is logged.")] = LogLevel.INFO,
    log_format: Annotated[LogFormat, typer.Option(help="How a line looks.")] = LogFormat.TEXT,
) -> None:
    """Run the service until SIGTERM or SIGINT. SIGHUP reads the configuration again and takes what may change.

    Exit status: 0 stopped in order, 2 configuration, 3 store, 4 Asterisk refused the login, 5 the broker did.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # passwords and callers would be in a core dump
    settings = config_or_exit(config)
    logs.configure(logging.getLevelNamesMapping()[log_level.name], log_format=log_format.value)
    from gateway.app import serve  # noqa: PLC0415  the service's libraries take longer to load than --help should

    raise typer.Exit(run_to_end(serve(settings, lambda: load_config(config, os.environ))))


def run_to_end(service: Coroutine[Any, Any, None]) -> ExitStatus:
    """Run *service* and return what its end means, having told on standard error why it was no orderly one.

    Any other exception is a mistake in the gateway and passes through with its traceback.
    """
    try:
        asyncio.run(service)
    except ConfigError as error:
        complain(f"the configuration cannot be used:\n{error}")
        return ExitStatus.CONFIGURATION
    except StoreError as error:
        complain(f"the store cannot be used: {error}")
        return ExitStatus.STORE
    except AmiAuthenticationError as error:
        complain(f"Asterisk refused the login: {error}")
        return ExitStatus.AMI_LOGIN_REFUSED
    except MqttAuthenticationError as error:
        complain(f"the broker refused the login: {error}")
        return ExitStatus.BROKER_LOGIN_REFUSED
    return ExitStatus.STOPPED
