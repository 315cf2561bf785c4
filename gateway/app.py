"""The service: what ``run`` does, until a signal ends it."""

import asyncio
import logging
import signal
from collections.abc import Callable

from gateway.assembly import build
from gateway.clock import SystemClock
from gateway.config import GatewayConfig
from gateway.memory import collect_seldom
from gateway.rereading import Rereading
from gateway.systemd import Systemd

_log = logging.getLogger(__name__)


async def serve(config: GatewayConfig, reread: Callable[[], GatewayConfig] | None = None) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP has the configuration read anew.

    Args:
        config: The configuration.
        reread: Reads it anew, or raises ConfigError; None: it is what it is.

    Raises:
        ConfigError: See ``build``.
        StoreError: See ``build``.
        AmiAuthenticationError: Asterisk refuses the login and never took it.
        MqttAuthenticationError: The broker refuses the login and never took it.
    """
    collect_seldom()
    gateway = build(config, SystemClock())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    systemd = Systemd()
    if reread is not None:
        rereading = Rereading(gateway.tuning, config, reread, systemd)
        loop.add_signal_handler(signal.SIGHUP, rereading.reread)
    _log.info(
        "node %s: Asterisk at %s:%d, broker at %s:%d",
        config.node,
        config.asterisk.host,
        config.asterisk.port,
        config.mqtt.host,
        config.mqtt.port,
    )
    await gateway.run(stop, systemd)
