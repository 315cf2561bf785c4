"""SIGHUP: the configuration is read again, and what of it may change while the gateway runs does."""

import logging
from collections.abc import Callable
from typing import Final

from pydantic import BaseModel

from gateway.config import GatewayConfig
from gateway.config.differences import changed_keys
from gateway.errors import ConfigError
from gateway.service.tuning import Tuning
from gateway.systemd import Systemd

_log = logging.getLogger(__name__)

REREAD: Final = frozenset(
    {
        *("commands.allow", "commands.groups", "commands.addresses", "commands.reasons"),
        *("commands.max_in_flight", "commands.max_per_second"),
        *("asterisk.wrap_up", "asterisk.resync_interval", "session.statistics_interval"),
    }
)
"""Keys that a running gateway takes anew with SIGHUP."""


class Rereading:
    """Takes the configuration anew, and says what of it takes a restart.

    Args:
        tuning: Where it goes.
        config: What the gateway runs with.
        read: Reads it, or raises ConfigError.
        systemd: Is told.
    """

    def __init__(
        self, tuning: Tuning, config: GatewayConfig, read: Callable[[], GatewayConfig], systemd: Systemd
    ) -> None:
        self._tuning = tuning
        self._config = config
        self._read = read
        self._systemd = systemd

    def reread(self) -> None:
        """Read, and take what may change. What cannot be used as a whole changes nothing."""
        self._systemd.reloading()
        try:
            config = self._read()
        except ConfigError as error:
            for line in str(error).splitlines():
                _log.error("the configuration cannot be used, all stays as it is: %s", line)
        else:
            self._take(config)
        self._systemd.ready()

    def _take(self, config: GatewayConfig) -> None:
        changed = set(changed_keys(self._config, config))
        for key in sorted(changed - REREAD):
            _log.warning("%s has changed in the configuration: that takes a restart", key)
        taken = sorted(changed & REREAD)
        _log.info("the configuration was read again: %s", ", ".join(taken) or "nothing to take from it")
        commands, tuning = config.commands, self._tuning
        tuning.set_policy(
            commands=commands.allow,
            groups=commands.groups,
            addresses=commands.addresses,
            reasons=commands.reasons,
            limit=commands.max_in_flight,
            per_second=commands.max_per_second,
        )
        tuning.set_intervals(resync=config.asterisk.resync_interval, statistics=config.session.statistics_interval)
        if "asterisk.wrap_up" in changed:
            tuning.set_wrap_up(config.asterisk.wrap_up)
        self._config = _with_taken(self._config, config)


def _with_taken(running: GatewayConfig, read: GatewayConfig) -> GatewayConfig:
    """What the gateway runs with after it took of *read* what it may."""
    tables: dict[str, BaseModel] = {}
    for key in REREAD:
        table, name = key.split(".")
        tables[table] = tables.get(table, getattr(running, table)).model_copy(
            update={name: getattr(getattr(read, table), name)}
        )
    return running.model_copy(update=tables)
