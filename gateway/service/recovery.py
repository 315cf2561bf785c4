"""What happened while nobody watched: read back from the queue_log, before anything that came since is applied."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.ami.calls import TimeToAnswer
from gateway.ami.lists import Channels, QueueList
from gateway.ami.message import AmiMessage
from gateway.ami.text import timestamp
from gateway.ami.translate import Translator
from gateway.domain.facts import Fact
from gateway.domain.handler import AgentHandler
from gateway.domain.member import Member
from gateway.errors import AmiActionError
from gateway.queue_log.known import Heard
from gateway.queue_log.reading import Reading
from gateway.queue_log.recover import Gap
from gateway.queue_log.recover import Recovery as LogRecovery
from gateway.queue_log.recovered_calls import Legs
from gateway.queue_log.survey import Survey
from gateway.service.asterisk import Asterisk
from gateway.service.following import Following
from gateway.timeline import Timeline

_log = logging.getLogger(__name__)

_LINES: Final = {
    "AgentConnect": "CONNECT",
    "AgentComplete": "COMPLETE",
    "AgentRingNoAnswer": "RINGNOANSWER",
    "QueueMemberAdded": "ADDMEMBER",
    "QueueMemberRemoved": "REMOVEMEMBER",
}
"""Events and the lines that Asterisk writes with them."""


@dataclass(slots=True)
class Recovered:
    """What a recovery came to. ``unplaced``: what happened and no session could be given."""

    restarted: bool = False
    complete: bool = True
    unplaced: list[str] = field(default_factory=list)


class Recovery:
    """Fills the gap between the last contact and the login after it.

    Args:
        asterisk: Lists channels and members as they are after the gap.
        handler: The model.
        translator: Follows the open calls.
        timeline: Where instants come from.
        following: The log.
        time_to_answer: What the figures count.
    """

    def __init__(
        self,
        asterisk: Asterisk,
        handler: AgentHandler,
        translator: Translator,
        timeline: Timeline,
        following: Following,
        *,
        time_to_answer: TimeToAnswer,
    ) -> None:
        self._asterisk = asterisk
        self._handler = handler
        self._translator = translator
        self._timeline = timeline
        self._following = following
        self._time_to_answer: TimeToAnswer = time_to_answer

    async def survey(self, reading: Reading) -> tuple[Survey, Channels, list[Member]]:
        """Look through the log once, and ask for what it takes to understand it.

        Raises:
            AmiConnectionError: If the link is lost meanwhile.
            AmiTimeoutError: If Asterisk does not answer in time.
        """
        survey = Survey()
        for chunk in reading.chunks():
            survey.take(chunk)
        channels = Channels()
        try:
            for message in await self._asterisk.action("CoreShowChannels", as_list=True):
                if message.event == "CoreShowChannel":
                    channels.add(message)
        except AmiActionError:
            _log.debug("channels cannot be listed; calls that went on through the gap may not be told from others")
        present: list[Member] = []
        # Of a time without lines only the list of all queues tells who is still there.
        wanted = set(self._handler.queues()) if reading.missing else survey.queues_to_list(self._handler)
        for queue in sorted(wanted):
            listed = QueueList()
            for message in await self._asterisk.action("QueueStatus", {"Queue": queue}, as_list=True):
                listed.add(message, self._timeline.from_wall)
            present += listed.members
        return survey, channels, present

    def recover(
        self,
        reading: Reading,
        survey: Survey,
        channels: Channels,
        present: Iterable[Member],
        *,
        gap: Gap,
        heard: Iterable[AmiMessage],
        apply: Callable[[Fact], None],
    ) -> Recovered:
        """Apply the facts of the gap, in order, and hand the open calls over to whoever follows them from now on."""
        log = LogRecovery(
            self._handler,
            gap,
            self._timeline.from_wall,
            survey,
            present=present,
            heard=[each for each in map(self._heard, heard) if each is not None],
            callers=self._following.callers,
            legs=Legs(
                {uniqueid: channel.name for uniqueid, channel in channels.channels.items()},
                {uniqueid for uniqueid, channel in channels.channels.items() if channel.bridge},
            ),
            missing=reading.missing,
            time_to_answer=self._time_to_answer,
        )
        for chunk in reading.chunks():
            for fact in log.take(chunk):
                apply(fact)
        for fact in log.finish():
            apply(fact)
        calls = self._translator.calls
        ended = set(log.calls.ended)
        over = [each for each in calls.open_calls() if (each.queue, each.interface, each.key) in ended]
        # The model is told of their ends by the log; who follows them must only let them go.
        calls.end_unseen(over, gap.begin)
        for going_on in log.calls.open:
            calls.connect(going_on.queue, going_on.interface, going_on.call)
        self._following.was_read_back(reading.place)
        unplaced = [f"{each.queue}, {each.agent}: {each.why}" for each in log.unplaced]
        for each in unplaced:
            _log.warning("the queue_log tells of something that no session can be given: %s", each)
        return Recovered(log.restarted, reading.complete, unplaced)

    def _heard(self, message: AmiMessage) -> Heard | None:
        """What the log must not tell again."""
        event = _LINES.get(message.event)
        if message.event == "QueueMemberPause":
            event = "PAUSE" if message.fields.get("paused") == "1" else "UNPAUSE"
        if event is None:
            return None
        stamped = timestamp(message.fields.get("timestamp"))
        steady = message.arrival.steady
        at = self._timeline.now(steady) if stamped is None else self._timeline.instant(stamped, steady)
        fields = message.fields
        return Heard(at, event, fields.get("queue", ""), fields.get("membername", ""), fields.get("interface", ""))
