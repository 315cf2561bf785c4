"""The picture of Asterisk: what comes over the link, in one right order, into the model; and whether it is current."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from gateway.ami.client import Pong
from gateway.ami.message import AmiMessage
from gateway.ami.text import timestamp
from gateway.ami.translate import Translator
from gateway.clock import Arrival, Clock
from gateway.domain.callcenter import CallCenter
from gateway.domain.facts import (
    AsteriskRestarted,
    ContactLost,
    Fact,
    ListWanted,
    Outcome,
    TimePassed,
)
from gateway.domain.instant import SECOND
from gateway.domain.session import SessionEvent
from gateway.mqtt.announcer import Announcer
from gateway.mqtt.presentation import time_of_day
from gateway.queue_log.recover import Gap
from gateway.service.alarm import Alarm
from gateway.service.applying import Applying
from gateway.service.lateness import Lateness
from gateway.service.recovery import Recovered
from gateway.timeline import Timeline

_log = logging.getLogger(__name__)

RETURN_TIME: Final = 60 * SECOND
"""How long after a restart of Asterisk a member may come back into its session."""

RELOADED: Final = "Reload"
"""The event of a module's reload, which changes static members without a word."""

Link = Literal["up", "down", "resyncing"]


@dataclass(slots=True)
class LinkState:
    """What ``bridge/asterisk`` tells. ``since`` is an instant; the texts are None where nothing is known."""

    link: Link
    since: int
    version: str | None = None
    started_at: str | None = None
    last_error: str | None = None


class Picture:
    """Takes what Asterisk says, applies it to the model, and has what follows told.

    Everything that comes over the link passes ``in_order``: while something must be known first (was Asterisk
    restarted? was its clock set?) it waits there, and is then applied as it came.

    Args:
        center: The model.
        translator: From AMI to facts.
        timeline: Where instants come from.
        announcer: Who tells.
        clock: Read for timers.
        asterisk_topic: The retained topic that says whether the picture is current.

    Attributes:
        link: The state of the link.
        current: Whether the picture is.
        settled: Whether all that the model has come to know has been told. While a picture is being made it has not,
            and the model must not be kept without what it brought: after a kill all of it is worked out anew.
        expectations: What commands wait for.
        events: Events taken, by name.
        losses: How often the link was lost.
        gaps: Losses after which a picture was made again, by what came of them: ``recovered``, ``partly`` or ``lost``.
        heard: Events that came since the login and wait for the verdict.
        connected_at: Instant of the login.
        wanted: Queues to be listed (again) at once.
        on_login: Told that the login succeeded, by the name of the link.
        on_burst: Called when events begin to be applied that came at once.
        on_applied: Called when what was applied must be kept: behind ``on_burst``, once for all of it; and told whether
            more has come and waits for its turn.
        on_change: Called when ``link`` or ``current`` changed.
        on_connected: Called when a link is there, and the picture has to be made.
        on_disconnected: Called when it is gone.
        on_wanted: Called when ``wanted`` got its first.
        on_reloaded: Called when Asterisk has read a configuration anew.
        on_doubt: Called when Asterisk's clock may have been set: measure it, then call ``settle_doubt``.
    """

    def __init__(
        self,
        center: CallCenter,
        translator: Translator,
        timeline: Timeline,
        announcer: Announcer,
        clock: Clock,
        *,
        asterisk_topic: str,
    ) -> None:
        self.current = False
        self.settled = True
        self._applying = Applying(center, self._tell)
        self.expectations = self._applying.expectations
        self.events: Counter[str] = Counter()
        self.losses = 0
        self.gaps: Counter[str] = Counter()
        self.wanted: dict[str, None] = {}
        self.heard: list[AmiMessage] = []
        self.connected_at = 0
        self.on_login: Callable[[str], None] = lambda _: None
        self.on_burst: Callable[[], None] = _nothing
        self.on_applied: Callable[[bool], None] = lambda _: None
        self.on_change: Callable[[], None] = _nothing
        self.on_connected: Callable[[], None] = _nothing
        self.on_disconnected: Callable[[], None] = _nothing
        self.on_wanted: Callable[[], None] = _nothing
        self.on_doubt: Callable[[], None] = _nothing
        self.on_reloaded: Callable[[], None] = _nothing
        self._center = center
        self._handler = center.handler
        self._translator = translator
        self._timeline = timeline
        self._announcer = announcer
        self._clock = clock
        self._asterisk_topic = asterisk_topic
        self.link = LinkState("down", self.now())
        self._last_contact: int | None = None
        self._last_sign: int | None = None
        self._begun = False
        self._stopped = False
        self._waiting: list[Callable[[], None]] | None = None
        self._lateness = Lateness(timeline)
        self._alarm = Alarm(self.now, lambda: self.in_order(self._pass_time))
        self._is_reading = self._is_unsettled = False
        self._changed: set[str] = set()
        announcer.hold()

    # Time ----------------------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The instant it is."""
        return self._timeline.now(self._clock.now().steady)

    def as_of(self) -> int:
        """The instant of which the picture is true: now, or when contact was lost."""
        return self.now() if self.current or self._last_contact is None else self._last_contact

    @property
    def last_contact(self) -> int | None:
        """Instant of the last sign of life before the link was lost; None while none was lost yet."""
        return self._last_contact

    @property
    def last_sign(self) -> int | None:
        """Instant of the last sign of life whose meaning is in the model; None before the first."""
        return self._last_sign

    def restore(self, *, last_contact: int) -> None:
        """Go on from an earlier life, which ended after *last_contact*, an instant."""
        self._last_contact = self._last_sign = last_contact

    @property
    def lag(self) -> int | None:
        """Microseconds between Asterisk's stamp on the last event and its arrival; None before the first."""
        return self._lateness.lag

    @property
    def events_handled(self) -> int:
        """Events taken."""
        return self.events.total()

    @property
    def completions_unmatched(self) -> int:
        """AgentComplete events that belong to no known call."""
        return self._translator.calls.unmatched

    # The link ------------------------------------------------------------------------------------------------------

    def ami_connected(self, greeting: str) -> None:
        """Asterisk took the login; nothing is applied before it is known whether it is the same Asterisk."""
        self._waiting = []
        self.settled = False
        self.heard = []
        self.connected_at = self.now()
        self._lateness.begin_anew()
        self.on_login("ami")
        self._change_link("resyncing")
        _log.info("making a picture of %s", greeting)
        self.on_connected()

    def ami_message(self, message: AmiMessage) -> None:
        """An event."""
        if not self._is_reading:
            self._is_reading = True
            self.on_burst()
        if self._waiting is not None and not self._begun:
            self.heard.append(message)
        self.in_order(lambda: self._take(message))

    def ami_read(self, *, more: bool) -> None:
        """What was handed on at once is applied, or waits."""
        if self._is_reading:
            self._is_reading, self._is_unsettled = False, True
            self._settle(more=more)

    def ami_pong(self, pong: Pong) -> None:
        """A Ping's answer: measures Asterisk's clock."""
        if self._waiting is None and self._begun:
            # What happened before the Ping came before its answer.
            self._last_sign = max(self._last_sign or 0, self._timeline.now(pong.sent_steady))
            self._settle_soon()
        if pong.timestamp is None:
            return
        step = self._timeline.pong(sent=pong.sent_steady, received=pong.received_steady, timestamp=pong.timestamp)
        if step is not None:
            _log.warning("Asterisk's clock was set by %+.3f s; durations are corrected by it", step.by / SECOND)
            self._announcer.bridge_event("CLOCK_STEPPED", step.at, seconds=round(step.by / SECOND, 3))

    def ami_disconnected(self, reason: str, last_contact: Arrival) -> None:
        """The link is lost: what is known stays, and stops moving."""
        if self._stopped:
            return
        self.losses += 1
        if self._begun:
            # Of a link that went before anything of it was applied, nothing was seen.
            self._last_contact = self._heard_until(last_contact)
        for fact in self._translator.lose_contact():
            if self._begun:
                self.apply(fact)
        self._waiting = None
        self._begun = False
        self._announcer.hold()
        self._alarm.stop()
        was_current, self.current = self.current, False
        self.link.last_error = reason
        self._change_link("down")
        if was_current and self._last_contact is not None:
            self._announcer.bridge_event("LINK_LOST", self._last_contact, reason=reason)
        self.on_disconnected()

    def ami_unreachable(self, reason: str) -> None:
        """An attempt to connect failed."""
        if self.link.last_error != reason:
            self.link.last_error = reason
            self.on_change()

    def stop(self) -> None:
        """An orderly stop: from now on the picture is not current."""
        self._stopped = True
        self._alarm.stop()
        self._last_contact = self.as_of()
        self.current = False
        self._announcer.hold()
        self.link.last_error = "the gateway was stopped"
        self._change_link("down")

    # Order ---------------------------------------------------------------------------------------------------------

    def in_order(self, act: Callable[[], None]) -> None:
        """Do *act* now, or in its turn behind what waits."""
        if self._waiting is None:
            act()
        else:
            self._waiting.append(act)

    def begin(self, *, restarted: bool) -> None:
        """It is known now whether the Asterisk that answers is the one from before the loss: apply what waits."""
        now = self.now()
        self._begun = True
        self._handler.seen_since = now
        if self._last_contact is not None:
            self.gaps["lost"] += 1
            self.apply(ContactLost(self._last_contact, now, self.link.last_error or "the link to Asterisk was lost"))
            if restarted:
                self._announcer.bridge_event("ASTERISK_RESTARTED", now)
                self.apply(AsteriskRestarted(self._last_contact, now + RETURN_TIME))
                for fact in self._translator.interrupt(self._last_contact):
                    self.apply(fact)
        self._flush()

    def begin_recovery(self, gap: Gap) -> None:
        """The gap is about to be read back: its facts come by ``apply``, while others get their turns."""
        self._handler.seen_since = gap.begin

    def goes_on(self) -> bool:
        """Whether what is begun has to be ended: all but an orderly stop, after which it is worked out anew."""
        return not self._stopped

    def end_recovery(self, recovered: Recovered, gap: Gap, *, restarted: bool) -> None:
        """All of the gap is applied: tell so, and apply what waits.

        Where the link was lost meanwhile, what waited is lost with it, and the next gap begins where this one ended.
        """
        now = self.now()
        whole = recovered.complete and not recovered.unplaced
        self.gaps["recovered" if whole else "partly"] += 1
        if self._waiting is None:
            self._last_contact = gap.end
        self._begun = self._waiting is not None
        if not recovered.complete:
            self._handler.seen_since = gap.end
        if restarted:
            self._announcer.bridge_event("ASTERISK_RESTARTED", now)
            if recovered.restarted:
                # The log has told how the calls ended; those that are open now began with the new Asterisk.
                interrupted: list[Fact] = [*self._translator.devices.interrupt(gap.begin)]
            else:
                self.apply(AsteriskRestarted(gap.begin, now + RETURN_TIME))
                interrupted = self._translator.interrupt(gap.begin)
            for fact in interrupted:
                self.apply(fact)
        self._announcer.bridge_event(
            "GAP_RECOVERED",
            now,
            begin=time_of_day(self._timeline.wall(gap.begin)),
            end=time_of_day(self._timeline.wall(gap.end)),
            complete=whole,
            unplaced=recovered.unplaced,
        )
        self._flush()

    def complete(self) -> None:
        """The picture is made: tell what was worked out, and say that it is current."""
        if self.link.link != "resyncing":
            return
        lost = self._last_contact is not None
        self._last_contact = None
        self._last_sign = max(self._last_sign or 0, self.connected_at)
        self.current = True
        self.link.last_error = None
        self._change_link("up", announce=False)
        self._announcer.release(self._asterisk_topic)
        self.settled = True
        changed, self._changed = len(self._changed), set()
        now = self.now()
        if lost:
            self._announcer.bridge_event("LINK_REGAINED", now)
        self._announcer.bridge_event("RESYNC_FINISHED", now, sessions_changed=changed)
        _log.info("the picture is current: %d sessions, %d of them new or changed", self._count(), changed)
        self.on_change()
        self._set_alarm()

    def _count(self) -> int:
        return sum(1 for _ in self._handler.sessions())

    def _flush(self) -> None:
        self.heard = []
        waiting, self._waiting = self._waiting or [], None
        for act in waiting:
            act()

    # Facts ---------------------------------------------------------------------------------------------------------

    def _take(self, message: AmiMessage) -> None:
        self.events[message.event] += 1
        if message.event == RELOADED:
            self.on_reloaded()
        stamped = timestamp(message.fields.get("timestamp"))
        if stamped is not None and self._lateness.is_doubtful(stamped, message.arrival):
            self._waiting = [lambda: self._take_undoubted(message)]
            self.on_doubt()
        else:
            self._take_undoubted(message)

    def settle_doubt(self) -> None:
        """Asterisk's clock was measured, or could not be: go on."""
        if self._waiting is not None and self.link.link != "down":
            self._flush()

    def _take_undoubted(self, message: AmiMessage) -> None:
        for fact in self._translator.receive(message):
            self.apply(fact)
        told_until = self._lateness.told_until(timestamp(message.fields.get("timestamp")), message.arrival)
        self._last_sign = max(self._last_sign or 0, told_until)
        self._settle_soon()

    def _heard_until(self, last_contact: Arrival) -> int:
        """Up to when all that happened was told and applied, of a link whose last byte came at *last_contact*."""
        if self._waiting is not None or (self.lag or 0) > SECOND:
            return max(self.connected_at, self._last_sign or 0)
        return self._timeline.now(last_contact.steady)

    def apply(self, fact: Fact) -> None:
        """Apply one fact to the model, have told what follows, and confirm the command that it confirms."""
        self._applying.apply(fact)

    def _tell(self, outcomes: list[Outcome]) -> None:
        self._settle_soon()
        for outcome in outcomes:
            if isinstance(outcome, ListWanted):
                self.wanted[outcome.queue] = None
                self.on_wanted()
            elif not self.current and isinstance(outcome, SessionEvent):
                self._changed.add(outcome.session.session_id)
        self._announcer.tell(outcomes)

    # Timers --------------------------------------------------------------------------------------------------------

    def _settle_soon(self) -> None:
        """Something was applied: once for all that one read, or one step of the loop, brings."""
        if not self._is_unsettled:
            self._is_unsettled = True
            if not self._is_reading:
                asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self, *, more: bool = False) -> None:
        if self._is_unsettled:
            self._is_unsettled = False
            self.on_applied(more)
            self._set_alarm()

    def _set_alarm(self) -> None:
        deadlines = [self._translator.next_deadline()]
        if self.current:
            deadlines.append(self._center.next_deadline())
        due = min((each for each in deadlines if each is not None), default=None)
        self._alarm.set(None if self.link.link == "down" else due)

    def _pass_time(self) -> None:
        now = self.now()
        for fact in self._translator.advance(now):
            self.apply(fact)
        if self.current:
            self.apply(TimePassed(now))
        self._set_alarm()

    def _change_link(self, link: Link, *, announce: bool = True) -> None:
        if link != self.link.link:
            self.link.link = link
            self.link.since = self.now()
        if announce:
            self.on_change()


def _nothing() -> None:
    """Nobody is interested yet."""
