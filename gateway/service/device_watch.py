"""The calls on agents' devices where no event tells of them: after a loss, after a login, and behind a hint."""

import logging
from collections.abc import Sequence

from gateway.ami.lists import Channels
from gateway.ami.translate import Translator
from gateway.domain.agents import AgentBook
from gateway.domain.device import devices_of_hint
from gateway.domain.facts import HintTold
from gateway.domain.session import Cause, Occasion
from gateway.errors import AmiActionError, AmiTimeoutError
from gateway.service.asterisk import Asterisk
from gateway.service.picture import Picture

_log = logging.getLogger(__name__)


class DeviceWatch:
    """Has a part in every comparison of the picture with Asterisk's.

    Args:
        asterisk: Who answers.
        picture: What is compared.
        translator: Follows the calls.
        agents: Whose devices are looked at.
    """

    def __init__(self, asterisk: Asterisk, picture: Picture, translator: Translator, agents: AgentBook) -> None:
        self._asterisk = asterisk
        self._picture = picture
        self._devices = translator.devices
        self._agents = agents
        self._asked: set[str] = set()

    def begin_anew(self) -> None:
        """Another connection: what hints stand for may have changed."""
        self._asked.clear()

    def listed(self, channels: Channels) -> None:
        """All channels are listed, and the queue calls have taken what is theirs: take the calls that go on."""
        for fact in self._devices.relist(channels, self._picture.now()):
            self._picture.apply(fact)

    def lacking(self, channels: Channels) -> Sequence[str]:
        """The calls that a list lacks, whose end may just not have been told yet."""
        return self._devices.lacking(channels.channels)

    def end_unseen(self, suspects: Sequence[str], at: int) -> None:
        """End those that have not ended meanwhile, as of *at*, when they were last seen."""
        for fact in self._devices.end_unseen(suspects, at):
            self._picture.apply(fact)

    async def members_listed(self) -> None:
        """All agents are known: ask what devices their hints are, and take the calls on devices that are new.

        Each hint is asked for once in the life of a connection. One that Asterisk does not tell is no device.

        Raises:
            AmiConnectionError: If the link is lost meanwhile.
        """
        for hint in sorted(self._agents.hints() - self._asked):
            await self._learn(hint)
            self._asked.add(hint)
        self._picture.in_order(self._adopt)

    async def _learn(self, hint: str) -> None:
        extension, _, context = hint.partition(":")[2].partition("@")
        try:
            answer = await self._asterisk.action("ExtensionState", {"Exten": extension, "Context": context})
        except (AmiActionError, AmiTimeoutError) as error:
            _log.warning("what devices %s stands for cannot be asked (%s): calls on them are not told", hint, error)
            return
        devices = devices_of_hint(answer[0].fields.get("hint", ""))
        told = HintTold(hint, devices, Occasion(self._picture.now(), Cause.RESYNC))
        self._picture.in_order(lambda: self._picture.apply(told))

    def _adopt(self) -> None:
        for fact in self._devices.adopt(self._picture.now()):
            self._picture.apply(fact)
