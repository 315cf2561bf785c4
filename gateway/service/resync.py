"""Making the picture of Asterisk anew after a (re)connection, and comparing it while it stands."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

from gateway.ami.completions import TrackedCall
from gateway.ami.lists import Channels, QueueList, queue_names
from gateway.ami.message import AmiMessage
from gateway.ami.translate import Translator
from gateway.domain.facts import MembersListed, QueueGone, SessionGap
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import Member, fold
from gateway.domain.session import Cause, Occasion
from gateway.errors import AmiActionError, AmiConnectionError, AmiTimeoutError
from gateway.mqtt.presentation import time_of_day
from gateway.queue_log.reading import Reading
from gateway.queue_log.recover import Gap
from gateway.service.asterisk import Asterisk
from gateway.service.device_watch import DeviceWatch
from gateway.service.following import Following
from gateway.service.pacing import Pace, Slices
from gateway.service.picture import Picture
from gateway.service.recovery import Recovery, begin_of_first_gap
from gateway.service.wrap_up_times import WrapUpTimes
from gateway.timeline import SHORT_ROUND_TRIP, Timeline

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

BOOT_RETRY: Final = 1.0
"""Seconds between two questions whether app_queue answers: AMI takes logins before the modules are loaded."""

HEARD_FOR: Final = round(1.3 * SECOND)
"""Microseconds from the login until the log is read back: it tells whole seconds, and the events of the first one tell
which of its lines they stand for."""

MEASUREMENTS: Final = 3
"""How often Asterisk is asked at most for its clock before an event that made it doubtful is applied."""

LAGGING_EVENTS: Final = 0.3
"""Seconds to wait for events that a list is ahead of, before what it lacks is taken to have ended unseen."""

LATE_EVENTS: Final = 3.0
"""The same at most, where the log has told of all that nobody saw: then what is lacking has just ended, and a busy
Asterisk tells it late."""

REST_BEFORE_CURRENT: Final = 1.0
"""Seconds of rest for each second that Asterisk takes for a list, while the picture is being made."""

REST: Final = 4.0
"""The same while the picture stands and is compared."""

ENDED_UNSEEN: Final = "a call ended, and nobody saw when"

_RIGHTS: Final = {
    "CoreStatus": "write=reporting (or system): a restart of Asterisk cannot be told from a lost link",
    "CoreSettings": "write=reporting (or system): Asterisk's version is not known",
    "CoreShowChannels": "write=reporting (or system): calls in progress cannot be found after a loss",
}


class Resync:
    """Asks Asterisk for what it knows, and puts the answers where they stand in its stream.

    Args:
        asterisk: Who answers.
        picture: What is made.
        handler: The model.
        translator: Knows the open calls.
        timeline: Where instants come from.
        wrap_up: The wrap-up times.
        following: Asterisk's queue_log; None where there is none.
        recovery: Reads it back.
        devices: The calls on the agents' devices.

    Attributes:
        rights_missing: What the AMI user may not do, and what that costs.
        count: Resyncs and reconciliations done.
        stamp: Date and time at which the Asterisk was started that the model is of; None before the first.
    """

    def __init__(
        self,
        asterisk: Asterisk,
        picture: Picture,
        handler: AgentHandler,
        translator: Translator,
        timeline: Timeline,
        *,
        wrap_up: WrapUpTimes,
        following: Following | None = None,
        recovery: Recovery | None = None,
        devices: DeviceWatch,
    ) -> None:
        self._following = following
        self._recovery = recovery
        self._devices = devices
        self.rights_missing: list[str] = []
        self.count = 0
        self._asterisk = asterisk
        self._picture = picture
        self._handler = handler
        self._translator = translator
        self._timeline = timeline
        self._wrap_up = wrap_up
        self.stamp: list[str] | None = None
        self._learned: list[str] | None = None
        self._busy = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether Asterisk is being asked, so that queues wanted meanwhile are listed before it ends."""
        return self._busy.locked()

    async def after_connect(self) -> None:
        """Make the picture after a (re)connection, and say that it is current.

        Raises:
            AmiConnectionError: If the link is lost meanwhile; the next connection begins anew.
        """
        async with self._busy:
            self.rights_missing = []
            self._wrap_up.begin_anew()
            self._devices.begin_anew()
            await self._until_answered(self._asterisk.ping)
            restarted = await self._learn_who_answers()
            await self._until_booted()
            last_contact = self._picture.last_contact
            await self._wrap_up.learn()
            recovered_from = await self._recover(last_contact, restarted=restarted)
            if recovered_from is None:
                self._picture.begin(restarted=restarted)
                self._take_over_stamp()
            last_seen = last_contact if recovered_from is None else recovered_from
            await self._compare(ended_unseen_at=None if restarted else last_seen, pace=Pace(REST_BEFORE_CURRENT))
            self._picture.complete()

    async def reconcile(self, *, rest: float = REST) -> None:
        """Compare the picture with Asterisk's; ``link`` and ``current`` stay as they are.

        Args:
            rest: Seconds of rest for each second that Asterisk takes for a list.

        Raises:
            AmiConnectionError: If the link is lost meanwhile.
            AmiTimeoutError: If Asterisk does not answer; nothing was concluded then.
        """
        async with self._busy:
            await self._compare(ended_unseen_at=self._picture.now(), pace=Pace(rest))

    async def list_wanted(self) -> None:
        """List the queues that the model wants to see (again).

        Raises:
            AmiConnectionError: If the link is lost meanwhile.
            AmiTimeoutError: If Asterisk does not answer.
        """
        async with self._busy:
            await self._list_wanted()

    async def list_queue(self, queue: str) -> None:
        """List one queue now."""
        await self._list(queue, Channels())

    async def measure_clock(self) -> None:
        """Measure Asterisk's clock, because an event made one doubt it.

        An answer that was long on its way says nothing of it, and would leave the event an hour off where the clock was
        set by one: it is asked again.
        """
        try:
            for _ in range(MEASUREMENTS):
                pong = await self._asterisk.ping()
                if pong.received_steady - pong.sent_steady <= SHORT_ROUND_TRIP:
                    break
        except (AmiConnectionError, AmiTimeoutError, AmiActionError):
            _log.debug("Asterisk's clock could not be measured")
        finally:
            self._picture.settle_doubt()

    async def _recover(self, last_contact: int | None, *, restarted: bool) -> int | None:
        """Read the gap back from the log, and apply what waited since.

        Returns the instant from which on it was read back; None if it was not, and nothing was applied.
        """
        if self._following is None or self._recovery is None:
            return None
        connected_at = self._picture.connected_at
        is_first = last_contact is None and not any(True for _ in self._handler.sessions())
        present = await self._until_answered(self._list_everybody) if is_first else None
        begin = last_contact if present is None else begin_of_first_gap(present, connected_at)
        # Lines come late: what the log tells of the moment of the login must be there, and its event too.
        await asyncio.sleep(max(0, connected_at + HEARD_FOR - self._picture.now()) / SECOND)
        reading = None if begin is None else self._following.read_back(self._timeline.wall(begin) // SECOND)
        if reading is None or begin is None:
            self._following.start(self._timeline.wall(self._picture.now()) // SECOND)
            return None
        with reading:
            await self._read_back(reading, Gap(begin, connected_at), present, restarted=restarted)
        return begin

    async def _read_back(self, reading: Reading, gap: Gap, present: list[Member] | None, *, restarted: bool) -> None:
        """Apply a gap. *present*: the members of all queues, if nothing was ever seen before it; else None."""
        recovery = self._recovery
        assert recovery is not None
        survey = await recovery.survey(reading)
        channels = await self._until_answered(recovery.list_channels)
        is_first = present is not None
        if present is None:
            wanted = recovery.queues_to_list(reading, survey)
            pace = Pace(REST_BEFORE_CURRENT)
            present = await self._until_answered(lambda: recovery.list_members(wanted, pace))
        slices = Slices()
        heard = list(self._picture.heard)
        self._picture.begin_recovery(gap)
        recovered = await recovery.recover(
            reading,
            survey,
            channels,
            present,
            gap=gap,
            heard=heard,
            apply=self._picture.apply,
            slices=slices,
            whole=self._picture.goes_on,
            first=is_first,
        )
        self._picture.end_recovery(recovered, gap, restarted=restarted)
        self._take_over_stamp()
        if slices.cancelled:
            raise asyncio.CancelledError

    async def _list_everybody(self) -> list[Member]:
        """The members of all queues."""
        assert self._recovery is not None
        names = queue_names(await self._summary())
        return await self._recovery.list_members(names, Pace(REST_BEFORE_CURRENT))

    # Steps ---------------------------------------------------------------------------------------------------------

    async def _learn_who_answers(self) -> bool:
        """Version and start-up stamp. Returns whether another Asterisk than the last one answers."""
        settings = await self._optional("CoreSettings")
        if settings is not None:
            self._picture.link.version = settings.fields.get("asteriskversion") or None
        status = await self._optional("CoreStatus")
        if status is None:
            return False
        stamp = [status.fields.get("corestartupdate", ""), status.fields.get("corestartuptime", "")]
        restarted = self.stamp is not None and stamp != self.stamp
        self._learned = stamp
        self._picture.link.started_at = _started_at(stamp)
        return restarted

    def _take_over_stamp(self) -> None:
        """What a restart brings is applied: where the link is lost before, it is still to be told."""
        if self._learned is not None:
            self.stamp, self._learned = self._learned, None

    async def _until_booted(self) -> None:
        """Wait until app_queue answers."""
        told = False
        while True:
            try:
                await self._asterisk.action("QueueSummary", as_list=True)
            except AmiActionError as error:
                if not told:
                    _log.info("waiting for Asterisk to load its queues: %s", error.message)
                    told = True
                await asyncio.sleep(BOOT_RETRY)
            except AmiTimeoutError:
                _log.warning("Asterisk does not answer QueueSummary; asking again")
            else:
                return

    async def _compare(self, *, ended_unseen_at: int | None, pace: Pace) -> None:
        channels = await self._list_channels(ended_unseen_at)
        await self._wrap_up.learn()
        names = queue_names(await self._until_answered(self._summary))
        known = {fold(name): name for name in names}
        for gone in [name for name in self._handler.queues() if fold(name) not in known]:
            names.append(gone)
        for name in names:
            await pace.keep(partial(self._until_answered, partial(self._list, name, channels)))
        await self._list_wanted()
        await self._devices.members_listed()
        for name in [name for name in self._handler.queues() if fold(name) not in known]:
            self._handler.remove_queue(name)
            self._picture.in_order(partial(self._tell_gone, name))
        self._wrap_up.warn()
        self.count += 1

    def _tell_gone(self, queue: str) -> None:
        self._picture.apply(QueueGone(queue, Occasion(self._picture.now(), Cause.RESYNC)))

    async def _summary(self) -> list[AmiMessage]:
        return await self._asterisk.action("QueueSummary", as_list=True)

    async def _list_channels(self, ended_unseen_at: int | None) -> Channels:
        """Compare open calls with the channels there are; end those that nobody talks in any more."""
        channels = Channels()
        calls = self._translator.calls

        def take(message: AmiMessage) -> None:
            if message.event == "CoreShowChannel":
                channels.add(message)

        def conclude() -> None:
            calls.relist(channels, self._picture.now())
            self._devices.listed(channels)
            self._picture.apply(self._translator.waiting.channels_listed(channels.channels, self._picture.now()))

        answer = await self._optional(
            "CoreShowChannels",
            as_list=True,
            on_message=lambda message: self._picture.in_order(
                conclude if message.event == "CoreShowChannelsComplete" else lambda: take(message)
            ),
        )
        if answer is None or ended_unseen_at is None:
            return channels
        suspects, of_devices = calls.lacking(), self._devices.lacking(channels)
        if suspects or of_devices:
            await self._until_explained(suspects)
            self._picture.in_order(lambda: self._end_unseen(suspects, ended_unseen_at))
            self._picture.in_order(lambda: self._devices.end_unseen(of_devices, ended_unseen_at))
        return channels

    async def _until_explained(self, suspects: Sequence[TrackedCall]) -> None:
        """Wait for the events that may tell of the ends of the calls that a list lacks."""
        looks = 1 if self._recovery is None else round(LATE_EVENTS / LAGGING_EVENTS)
        for _ in range(looks):
            await asyncio.sleep(LAGGING_EVENTS)
            if all(each.ended_at is not None for each in suspects):
                return

    def _end_unseen(self, suspects: Sequence[TrackedCall], at: int) -> None:
        calls, connected_at = self._translator.calls, self._picture.connected_at
        over = [each for each in suspects if each.ended_at is None and not calls.bridges.has_company(each.leg)]
        for fact in calls.end_unseen(over, at):
            self._picture.apply(fact)
        for each in over:
            if each.ended_at is not None and each.ended_at < connected_at:
                self._picture.apply(SessionGap(each.queue, each.interface, each.ended_at, connected_at, ENDED_UNSEEN))

    async def _list(self, queue: str, channels: Channels) -> list[AmiMessage]:
        """QueueStatus of one queue, applied where it stands in the stream."""
        listed, asked_at = QueueList(), self._picture.now()

        def take(message: AmiMessage) -> None:
            if message.event == "QueueStatusComplete":
                now = self._timeline.now(message.arrival.steady)
                self._apply_list(queue, listed, channels, now, asked_at=asked_at)
            else:
                listed.add(message, self._timeline.from_wall)

        return await self._asterisk.action(
            "QueueStatus",
            {"Queue": queue},
            as_list=True,
            on_message=lambda message: self._picture.in_order(lambda: take(message)),
        )

    def _apply_list(self, queue: str, listed: QueueList, channels: Channels, now: int, *, asked_at: int) -> None:
        if listed.name is not None:
            self._handler.add_queue(listed.name)
            self._picture.apply(self._translator.waiting.listed(listed.name, listed, now, asked_at=asked_at))
        elif self._handler.queue(queue) is None:
            self._tell_gone(queue)  # only the log had told of it
        calls = []
        for member in listed.members:
            if member.in_call is False or self._translator.calls.is_talking(member.queue, member.interface):
                continue
            for call in channels.calls(member.queue, member.interface, now):
                self._translator.calls.connect(member.queue, member.interface, call)
                calls.append((member.interface, call))
        occasion = Occasion(now, Cause.RESYNC)
        self._picture.apply(MembersListed(listed.name or queue, tuple(listed.members), occasion, tuple(calls)))

    async def _list_wanted(self) -> None:
        wanted = self._picture.wanted
        while wanted:
            queue = next(iter(wanted))
            del wanted[queue]
            await self._until_answered(partial(self._list, queue, Channels()))

    # How -----------------------------------------------------------------------------------------------------------

    async def _optional(
        self, name: str, *, as_list: bool = False, on_message: Callable[[AmiMessage], None] | None = None
    ) -> AmiMessage | None:
        """The answer to an action that the AMI user may lack the right for; None if it does."""
        try:
            answer = await self._until_answered(
                lambda: self._asterisk.action(name, as_list=as_list, on_message=on_message)
            )
        except AmiActionError as error:
            missing = _RIGHTS.get(name, name)
            if missing not in self.rights_missing:
                self.rights_missing.append(missing)
                _log.warning("%s refused (%s); needed: %s", name, error.message, missing)
            return None
        return answer[0]

    async def _until_answered(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Ask again after a time-out: a busy Asterisk is late, and a dead link ends by itself."""
        while True:
            try:
                return await ask()
            except AmiTimeoutError as error:
                _log.warning("%s; asking again", error)


def _started_at(stamp: Sequence[str]) -> str | None:
    """CoreStatus' start-up date and time, which are in the server's local time: taken to be this machine's."""
    try:
        local = datetime.fromisoformat(f"{stamp[0]}T{stamp[1]}").astimezone()
    except ValueError:
        return None
    return time_of_day(int(local.astimezone(UTC).timestamp()) * SECOND)
