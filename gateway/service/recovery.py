"""What happened while nobody watched: read back from the queue_log, before anything that came since is applied."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from gateway.ami.calls import TimeToAnswer
from gateway.ami.lists import Channels, QueueList
from gateway.ami.message import AmiMessage
from gateway.ami.translate import Translator
from gateway.domain.facts import Fact
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import Member
from gateway.domain.queues import QueueBook
from gateway.errors import AmiActionError
from gateway.queue_log.known import Heard
from gateway.queue_log.reading import Reading
from gateway.queue_log.recover import Gap
from gateway.queue_log.recover import Recovery as LogRecovery
from gateway.queue_log.recovered_callers import HeardCaller, Kind
from gateway.queue_log.recovered_calls import Legs
from gateway.queue_log.survey import Survey
from gateway.service.asterisk import Asterisk
from gateway.service.following import Following
from gateway.service.pacing import Pace, Slices
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

_KINDS: Final[Mapping[str, Kind]] = {
    "QueueCallerJoin": "joined",
    "QueueCallerLeave": "left",
    "AgentConnect": "connected",
}
"""The same of callers."""


PART: Final = 100
"""Lines that are understood before others get a turn."""

DAY: Final = 24 * 60 * 60 * SECOND
"""How far the log is read back at the very first start, at most."""


def begin_of_first_gap(present: Iterable[Member], now: int) -> int | None:
    """From when on to read the log at the very first start: the earliest login, a day ago at most.

    Where a dynamic member's LoginTime is not told, the log alone may tell it. None where nobody is there of whom
    anything could be read.
    """
    logins = [each.login_time for each in present if each.login_time is not None or each.membership == "dynamic"]
    if not logins:
        return None
    return min(max(now - DAY, min(now - DAY if login is None else login for login in logins)), now)


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
        queues: Know who waits.
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
        queues: QueueBook,
        time_to_answer: TimeToAnswer,
    ) -> None:
        self._asterisk = asterisk
        self._handler = handler
        self._translator = translator
        self._timeline = timeline
        self._following = following
        self._queues = queues
        self._time_to_answer: TimeToAnswer = time_to_answer

    async def survey(self, reading: Reading) -> Survey:
        """Look through the log once."""
        survey, slices = Survey(), Slices()
        for chunk in reading.chunks():
            survey.take(chunk)
            await slices.turn()
        return survey

    async def list_channels(self) -> Channels:
        """The channels there are now.

        Raises:
            AmiConnectionError: If the link is lost meanwhile.
            AmiTimeoutError: If Asterisk does not answer in time.
        """
        channels = Channels()
        try:
            for message in await self._asterisk.action("CoreShowChannels", as_list=True):
                if message.event == "CoreShowChannel":
                    channels.add(message)
        except AmiActionError:
            _log.debug("channels cannot be listed; calls that went on through the gap may not be told from others")
        return channels

    async def list_members(self, queues: Iterable[str], pace: Pace) -> list[Member]:
        """The members of some queues as they are now.

        Raises:
            AmiConnectionError: If the link is lost meanwhile.
            AmiTimeoutError: If Asterisk does not answer in time.
        """
        present: list[Member] = []
        for queue in sorted(queues):
            listed = QueueList()
            ask = partial(self._asterisk.action, "QueueStatus", {"Queue": queue}, as_list=True)
            for message in await pace.keep(ask):
                listed.add(message, self._timeline.from_wall)
            present += listed.members
        return present

    def queues_to_list(self, reading: Reading, survey: Survey) -> set[str]:
        """The queues whose members must be known to understand the log.

        Of a time without lines only the list of all queues tells who is still there.
        """
        return set(self._handler.queues()) if reading.missing else survey.queues_to_list(self._handler)

    async def recover(
        self,
        reading: Reading,
        survey: Survey,
        channels: Channels,
        present: Iterable[Member],
        *,
        gap: Gap,
        heard: Sequence[AmiMessage],
        apply: Callable[[Fact], None],
        slices: Slices,
        whole: Callable[[], bool],
        first: bool = False,
    ) -> Recovered:
        """Apply the facts of the gap, in order, and hand the open calls over to whoever follows them from now on.

        Others get their turns by *slices*; while *whole* says so, a cancellation does not leave the gap half applied.
        """
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
            first=first,
            queues=self._queues.queues(),
            heard_callers=heard_callers(heard, self._translator.instant),
        )
        for chunk in reading.chunks():
            for start in range(0, len(chunk), PART):
                for fact in log.take(chunk[start : start + PART]):
                    apply(fact)
                    await slices.turn(whole=whole)
        while facts := log.arrivals(PART):
            for fact in facts:
                apply(fact)
                await slices.turn(whole=whole)
        for fact in log.finish():
            apply(fact)
            await slices.turn(whole=whole)
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
        fields, at = message.fields, self._translator.instant(message)
        return Heard(at, event, fields.get("queue", ""), fields.get("membername", ""), fields.get("interface", ""))


def heard_callers(heard: Iterable[AmiMessage], instant: Callable[[AmiMessage], int]) -> list[HeardCaller]:
    """What came of callers, as the log's lines have it: one who is connected has left by that."""
    events: list[HeardCaller] = []
    for message in heard:
        kind = _KINDS.get(message.event)
        if kind is None:
            continue
        queue, uniqueid = message.fields.get("queue", ""), message.fields.get("uniqueid", "")
        if kind == "connected":
            last = next((each for each in reversed(events) if (each.queue, each.uniqueid) == (queue, uniqueid)), None)
            if last is not None and last.kind == "left":
                events.remove(last)
        events.append(HeardCaller(instant(message), kind, queue, uniqueid))
    return events
