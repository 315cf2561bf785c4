"""What must be done again and again, or when something asks for it: resyncs, lists, refreshes, health."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.domain.handler import AgentHandler
from gateway.errors import AmiError
from gateway.memory import keep_what_there_is
from gateway.mqtt.announcer import Announcer
from gateway.service.answers import Code, CommandError
from gateway.service.bridge import Bridge
from gateway.service.following import SETTLE, Following
from gateway.service.picture import Picture
from gateway.service.resync import Resync

_log = logging.getLogger(__name__)

HEALTH_INTERVAL: Final = 30.0
"""Seconds between two ``bridge/health``."""

TICK: Final = 1.0
"""Seconds between two rounds of refreshing and forgetting."""


class Upkeep:
    """Owns the tasks that keep the picture.

    Args:
        picture: What is kept.
        resync: How.
        announcer: Refreshes and forgets.
        handler: The model.
        bridge: Publishes health.
        resync_interval: Seconds between two comparisons.
        statistics_interval: Seconds in which every session's snapshot is sent once.
        following: Asterisk's queue_log; None where there is none.
        keep_up: Reads on in what of it is read at once.

    Attributes:
        resync_interval: As it was given; it may be changed at any time.
        statistics_interval: Likewise.
    """

    def __init__(
        self,
        picture: Picture,
        resync: Resync,
        announcer: Announcer,
        handler: AgentHandler,
        bridge: Bridge,
        *,
        resync_interval: float,
        statistics_interval: float,
        following: Following | None = None,
        keep_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._following = following
        self._keep_up = keep_up
        self._picture = picture
        self._resync = resync
        self._announcer = announcer
        self._handler = handler
        self._bridge = bridge
        self.resync_interval = resync_interval
        self.statistics_interval = statistics_interval
        self._making: asyncio.Task[None] | None = None
        self._asked: set[asyncio.Task[None]] = set()
        picture.on_change = bridge.picture_changed
        picture.on_connected = self._make_picture
        picture.on_disconnected = self._stop_making
        picture.on_wanted = self._list_wanted
        picture.on_doubt = self._measure_clock
        picture.on_reloaded = self.compare_soon

    async def run(self) -> None:
        """Run until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._reconcile(), name="reconcile")
                tasks.create_task(self._tick(), name="refresh")
                tasks.create_task(self._tell_health(), name="health")
                tasks.create_task(self._follow(), name="queue_log")
        finally:
            self._stop_making()
            for task in list(self._asked):
                task.cancel()

    async def resync_now(self) -> None:
        """Compare the picture with Asterisk's for a command.

        Raises:
            CommandError: LINK_DOWN or TIMEOUT.
        """
        if not self._picture.current:
            raise CommandError(Code.LINK_DOWN, "there is no link to Asterisk, or the picture is being made already")
        try:
            await self._resync.reconcile()
        except AmiError as error:
            raise CommandError(Code.TIMEOUT, str(error)) from None

    def compare_soon(self) -> None:
        """A configuration was read anew, Asterisk's or the gateway's: compare the picture, if there is one."""
        if self._picture.current:
            self._start(self._resync.reconcile(), "reconciliation after a reload")

    # Asked for by the picture --------------------------------------------------------------------------------------

    def _make_picture(self) -> None:
        self._stop_making()
        self._making = self._start(self._resync.after_connect(), "resync")

    def _stop_making(self) -> None:
        if self._making is not None:
            self._making.cancel()
            self._making = None

    def _list_wanted(self) -> None:
        """While the picture is being made, or compared, what is wanted is listed there."""
        if self._picture.current and not self._resync.busy:
            self._start(self._resync.list_wanted(), "list wanted queues")

    def _measure_clock(self) -> None:
        self._start(self._resync.measure_clock(), "measure clock")

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(_until_lost(work, name), name=name)
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return task

    # Again and again -----------------------------------------------------------------------------------------------

    async def _reconcile(self) -> None:
        while True:
            await asyncio.sleep(self.resync_interval)
            if self._picture.current:
                await _until_lost(self._resync.reconcile(), "reconciliation")

    async def _tick(self) -> None:
        made = False
        while True:
            await asyncio.sleep(TICK)
            was_made, made = made, self._picture.current
            if not made:
                continue
            if not was_made:
                keep_what_there_is()
            self._announcer.refresh_share(min(1.0, TICK / self.statistics_interval))
            for session in self._announcer.expire(self._picture.now()):
                self._handler.forget(session.session_id)

    async def _tell_health(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_INTERVAL)
            self._bridge.publish_health()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(SETTLE)
            self._keep_up()
            if self._following is not None and self._picture.current:
                self._following.follow()


async def _until_lost(work: Coroutine[Any, Any, None], name: str) -> None:
    """Work that a lost link ends: the next connection begins anew."""
    try:
        await work
    except AmiError as error:
        _log.info("%s given up: %s", name, error)
