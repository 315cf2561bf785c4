"""The gateway at work: runs its parts, and ends them in order."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.ami.client import AmiClient
from gateway.errors import StoreWriteError
from gateway.http.health import read_health
from gateway.mqtt.client import MqttClient
from gateway.service.commander import Commander
from gateway.service.ledger import Ledger
from gateway.service.picture import Picture
from gateway.service.tuning import Tuning
from gateway.service.upkeep import Upkeep
from gateway.store.store import Store
from gateway.systemd import Systemd

if TYPE_CHECKING:
    from gateway.http.server import HttpServer

_log = logging.getLogger(__name__)

DRAIN_WITHIN: Final = 2.0
"""Seconds that the broker is given, at an orderly stop, to take what waits for it."""

LEAVE_WITHIN: Final = 1.0
"""Seconds that it is given after that to take ``offline``. Both together, with all else, are less than five."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts, made and connected, nothing running yet."""

    picture: Picture
    upkeep: Upkeep
    commander: Commander
    ami: AmiClient
    mqtt: MqttClient
    ledger: Ledger
    store: Store
    tuning: Tuning
    http: "HttpServer | None"

    async def run(self, stop: asyncio.Event, systemd: Systemd | None = None) -> None:
        """Run until *stop* is set, then end in order. *systemd* is told how that goes.

        Raises:
            AmiAuthenticationError: If Asterisk refuses the login and never took it.
            MqttAuthenticationError: If the broker refuses the login and never took it.
        """
        systemd = systemd or Systemd({})
        mqtt = asyncio.create_task(self.mqtt.run(), name="mqtt")
        others = [
            asyncio.create_task(self.ami.run(), name="ami"),
            asyncio.create_task(self.upkeep.run(), name="upkeep"),
            asyncio.create_task(systemd.supervise(self._status, self._check_store), name="systemd"),
            asyncio.create_task(stop.wait(), name="stop"),
        ]
        if self.http is not None:
            others.append(asyncio.create_task(self.http.run(), name="http"))
        try:
            await asyncio.sleep(0)  # the tasks begin: both links are being tried
            systemd.ready()
            done, _ = await asyncio.wait((mqtt, *others), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            _log.info("stopping")
            systemd.stopping()
            await self._end(mqtt, others)
            self.ledger.commit()
            self.store.close()
            _log.info("stopped")

    def _status(self) -> str:
        return read_health(self.picture, self.mqtt, self.ledger).as_line()

    def _check_store(self) -> None:
        """Read the store: where that hangs, the gateway does. That it refuses is told, and no restart mends it."""
        with suppress(StoreWriteError):
            self.store.messages(None, 1)

    async def _end(self, mqtt: asyncio.Task[None], others: Sequence[asyncio.Task[Any]]) -> None:
        """Answer what runs, say that the picture is not current, and leave the broker in order."""
        await self.commander.stop()
        self.picture.stop()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self.mqtt.connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_WITHIN):
                    await self.ledger.drain()
        self.mqtt.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN + 0.5):
                await asyncio.gather(mqtt, return_exceptions=True)
