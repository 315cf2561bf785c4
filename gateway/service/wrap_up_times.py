"""The queues' wrap-up times: what the operator says, else what queues.conf says, where it may be read."""

import logging
from collections.abc import Mapping
from functools import partial

from gateway.ami.lists import wrap_up_times
from gateway.domain.facts import WrapUpConfigured
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import fold
from gateway.errors import AmiActionError, AmiTimeoutError
from gateway.service.asterisk import Asterisk
from gateway.service.picture import Picture

_log = logging.getLogger(__name__)


class WrapUpTimes:
    """Learns them, and warns of each queue whose time stays unknown, once.

    Args:
        asterisk: Who may answer: only to a user with the right ``config`` or ``system``.
        picture: Told what is learned.
        handler: Knows of which queues the time is not known.
        configured: Seconds by queue that the operator says.
    """

    def __init__(
        self, asterisk: Asterisk, picture: Picture, handler: AgentHandler, *, configured: Mapping[str, int]
    ) -> None:
        self._asterisk = asterisk
        self._picture = picture
        self._handler = handler
        self._configured = _by_queue(configured)
        self._readable = True
        self._warned: set[str] = set()

    def configure(self, wrap_up: Mapping[str, int]) -> None:
        """Take what the operator says now: seconds by queue. What is no longer said is asked for the next time."""
        before, self._configured = self._configured, _by_queue(wrap_up)
        for queue in before | self._configured:
            if before.get(queue) != self._configured.get(queue):
                told = WrapUpConfigured(queue, self._configured.get(queue))
                self._picture.in_order(partial(self._picture.apply, told))

    def begin_anew(self) -> None:
        """The link is a new one: Asterisk may be asked again."""
        self._readable = True

    async def learn(self) -> None:
        """Ask, and have the picture know.

        Raises:
            AmiConnectionError: If the link is lost meanwhile.
        """
        times: dict[str, int | None] = {}
        if self._readable:
            try:
                answer = await self._asterisk.action("GetConfig", {"Filename": "queues.conf"})
            except (AmiActionError, AmiTimeoutError) as error:
                self._readable = False
                _log.debug("queues.conf cannot be read over AMI: %s", error)
            else:
                times.update({queue: seconds * SECOND for queue, seconds in wrap_up_times(answer[0]).items()})
        times.update(self._configured)
        for queue, limit in times.items():
            self._picture.apply(WrapUpConfigured(queue, limit))

    def warn(self) -> None:
        """Name each queue whose time is not known, unless that was done."""
        for queue in self._handler.queues_without_wrap_up():
            if queue not in self._warned:
                self._warned.add(queue)
                _log.warning("the wrap-up time of queue %s is not known: set it in [asterisk.wrap_up]", queue)


def _by_queue(wrap_up: Mapping[str, int]) -> dict[str, int]:
    """Microseconds by the folded name."""
    return {fold(queue): seconds * SECOND for queue, seconds in wrap_up.items()}
