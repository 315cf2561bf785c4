"""QueueBook: all queues and groups of one Asterisk, and which fact concerns which of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from gateway.domain import facts
from gateway.domain.caller import WaitingCaller
from gateway.domain.facts import Fact, ListWanted, Outcome
from gateway.domain.group import ACDGroup, ACDGroupEvent, GroupEvent, GroupRefreshed
from gateway.domain.headcount import Headcount
from gateway.domain.instant import SECOND
from gateway.domain.member import fold
from gateway.domain.queue import ACDQueue, ACDQueueEvent, CallerEvent, QueueEvent, QueueRefreshed
from gateway.domain.queue_figures import UNSERVED
from gateway.domain.session import AgentSession, Cause, Occasion, SessionEvent
from gateway.domain.trails import Answered, Trail, Trails
from gateway.domain.window import Calendar, local_day, set_window

SAME: Final = 2 * SECOND
"""How far two tellings of one joining or leaving may lie apart: lists and the queue_log have whole seconds."""

LAGGING: Final = SECOND // 2
"""How long a caller whom a list lacks is waited for: the event of the leaving may be behind the list."""


class QueueBook:
    """Holds the queues, and applies facts to them.

    Args:
        calendar: Knows the local days.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._queues: dict[str, ACDQueue] = {}
        self._headcount = Headcount()
        self._trails = Trails()
        self._missing: dict[tuple[str, str], int] = {}
        self._next_window: int | None = None
        self._changed: set[str] = set()
        self._answered: dict[str, Answered] = {}
        self._answered_kept: set[str] = set()
        self._answered_changed: set[str] = set()
        self._acts: dict[type, Callable[[Any], list[Outcome]]] = {
            facts.CallerJoined: self._joined,
            facts.CallerLeft: self._left,
            facts.CallerGone: self._caller_gone,
            facts.CallEnded: self._call_ended,
            facts.ChannelsListed: self._channels_listed,
            facts.QueueListed: self._listed,
            facts.QueueGone: self._queue_gone,
            facts.PeriodSet: self._period_set,
            facts.AsteriskRestarted: self._restarted,
            facts.TimePassed: self._time_passed,
        }

    # What is known -------------------------------------------------------------------------------------------------

    def queue(self, name: str) -> ACDQueue | None:
        """A queue by its name, in any case; None if there is none."""
        return self._queues.get(fold(name))

    def queues(self) -> Iterable[ACDQueue]:
        """All queues."""
        return self._queues.values()

    def groups(self) -> Iterable[ACDGroup]:
        """All groups: one for each queue."""
        return map(_group, self._queues.values())

    def next_deadline(self) -> int | None:
        """Instant at which ``TimePassed`` is due: the end of a window, or of waiting for an event."""
        if not self._missing:
            return self._next_window
        missing = min(self._missing.values())
        return missing if self._next_window is None else min(missing, self._next_window)

    # Kept over a restart -------------------------------------------------------------------------------------------

    def take_changed(self) -> dict[str, ACDQueue | None]:
        """The queues that were changed since the last call, by name; None for one that is there no more."""
        changed, self._changed = self._changed, set()
        return {name: self._queues.get(fold(name)) for name in changed}

    def take_answered(self) -> dict[str, Answered | None]:
        """Callers whose call is over, by channel, as far as that changed; None for one that is kept in vain.

        Those who hang up at the end of their call were never kept.
        """
        changed, self._answered_changed = self._answered_changed, set()
        taken = {each: self._answered.get(each) for each in changed}
        taken = {each: known for each, known in taken.items() if known is not None or each in self._answered_kept}
        self._answered_kept.difference_update(taken)
        self._answered_kept.update(each for each, known in taken.items() if known is not None)
        return taken

    def restore(
        self, queues: Iterable[ACDQueue], sessions: Iterable[AgentSession], answered: Iterable[Answered] = ()
    ) -> None:
        """Go on from what was kept, before the first fact."""
        for each in answered:
            self._trails.enter(each.uniqueid, each.linkedid, each.queue)
            self._trails.stop(each.uniqueid)
            self._answered[each.uniqueid] = each
            self._answered_kept.add(each.uniqueid)
        for queue in queues:
            key = fold(queue.name)
            self._queues[key] = queue
            for departure in queue.departures:
                self._trails.enter(departure.uniqueid, departure.linkedid, key)
                self._trails.stop(departure.uniqueid)
            for caller in queue.waiting:
                self._trails.enter(caller.uniqueid, caller.linkedid, key)
        for session in sessions:
            for call in session.calls:
                self._trails.enter(call.key.uniqueid, call.linkedid, fold(session.group))
                self._trails.stop(call.key.uniqueid)
            self._headcount.note(session)
        for key, queue in self._queues.items():
            self._queues[key] = replace(queue, agents=self._headcount.of(key))
        self._note_windows()

    # What happens --------------------------------------------------------------------------------------------------

    def apply(self, fact: Fact, sessions: Sequence[Outcome], at: int) -> list[Outcome]:
        """Take one fact, and what the sessions told of it, at an instant. Returns what to tell, in order."""
        outcomes: list[Outcome] = []
        if self._next_window is not None and at >= self._next_window:
            outcomes += self._begin_windows(at)
        act = self._acts.get(type(fact))
        if act is not None:
            outcomes += act(fact)
        touched: dict[str, None] = {}
        for outcome in sessions:
            if isinstance(outcome, SessionEvent):
                outcomes += self._session(outcome, touched)
        for key in touched:
            # How many agents there are follows from the sessions: it is not kept with the queue.
            self._queues[key] = queue = replace(self._queues[key], agents=self._headcount.of(key))
            outcomes += (QueueRefreshed(queue), GroupRefreshed(_group(queue)))
        return outcomes

    def _joined(self, fact: facts.CallerJoined) -> list[Outcome]:
        key, outcomes = self._learn(fact.queue, fact.occasion)
        return outcomes + self._join(key, fact.caller, fact.occasion)

    def _join(self, key: str, caller: WaitingCaller, occasion: Occasion, *, late: int = 0) -> list[Outcome]:
        queue = self._queues[key]
        self._missing.pop((key, caller.uniqueid), None)
        place = self._place(key, caller.uniqueid)
        if place is not None:
            known = queue.waiting[place - 1]
            if caller.joined_at - late <= known.joined_at + SAME:
                return self._told_again(key, known, caller, occasion)
            self._store(key, queue.without(caller.uniqueid))  # that it left and came again was not seen
        before = self._trails.before(caller.uniqueid, caller.linkedid)
        outcomes = [] if before is None else self._depart(before)
        self._trails.enter(caller.uniqueid, caller.linkedid, key)
        self._forget_answered(caller.uniqueid)
        flowed_in = before is not None and before.queue != key
        queue = self._store(key, self._queues[key].join(caller, flowed_in=flowed_in))
        joined, last = replace(occasion, at=caller.joined_at), len(queue.waiting)
        return [*outcomes, CallerEvent(None, caller, max(1, min(caller.position or last, last)), None, queue, joined)]

    def _told_again(self, key: str, known: WaitingCaller, caller: WaitingCaller, occasion: Occasion) -> list[Outcome]:
        """The event of a joining that a list had shown has the exact time; nothing else of it is news."""
        if occasion.cause is not Cause.ASTERISK or caller.joined_at == known.joined_at:
            return []
        queue = self._queues[key]
        exact = replace(caller, position=known.position)
        waiting = tuple(exact if each is known else each for each in queue.waiting)
        return [QueueRefreshed(self._store(key, replace(queue, waiting=waiting)))]

    def _left(self, fact: facts.CallerLeft) -> list[Outcome]:
        """A caller left: it is taken to have waited, unless that it left then is known."""
        key, outcomes = self._learn(fact.queue, fact.occasion)
        queue, caller, at = self._queues[key], fact.caller, fact.occasion.at
        self._missing.pop((key, caller.uniqueid), None)
        place = self._place(key, caller.uniqueid)
        position = caller.position or place
        if place is not None:
            known = queue.waiting[place - 1]
            if at < known.joined_at - SAME:
                return outcomes  # an earlier passage, told late
            caller = _merged(known, caller)
        elif fact.occasion.cause is not Cause.ASTERISK and queue.has_let_go(caller.uniqueid, at, SAME):
            return outcomes
        self._trails.enter(caller.uniqueid, caller.linkedid, key)
        self._trails.stop(caller.uniqueid)
        queue = self._store(key, queue.leave(caller, fact.way, at))
        return [*outcomes, CallerEvent(fact.way, caller, position, fact.key, queue, fact.occasion)]

    def _call_ended(self, fact: facts.CallEnded) -> list[Outcome]:
        """A caller's call is over: if the channel is still there, another queue may be next."""
        answered = self._trails.answered(fact.key.uniqueid)
        if answered is not None:
            self._answered[answered.uniqueid] = answered
            self._answered_changed.add(answered.uniqueid)
        return []

    def _forget_answered(self, uniqueid: str) -> None:
        if self._answered.pop(uniqueid, None) is not None:
            self._answered_changed.add(uniqueid)

    def _caller_gone(self, fact: facts.CallerGone) -> list[Outcome]:
        """A channel ended. Who was given up, and joined no further queue, came to the end of the guide."""
        last = self._trails.queue_of(fact.uniqueid)
        waited = last is not None and self._trails.waits(fact.uniqueid, last)
        self._trails.end(fact.uniqueid)
        self._forget_answered(fact.uniqueid)
        queue = None if last is None else self._queues.get(last)
        if last is None or queue is None:
            return []
        if waited:  # that it left was not seen
            return [QueueRefreshed(self._store(last, queue.without(fact.uniqueid)))]
        changed, departure = queue.depart(fact.uniqueid)
        if departure is None:
            return []
        if departure.way not in UNSERVED or not queue.counts(fact.occasion.at):
            self._store(last, changed)
            return []
        changed = replace(changed, figures=changed.figures.with_final_disposition())
        return [QueueRefreshed(self._store(last, changed))]

    def _place(self, key: str, uniqueid: str) -> int | None:
        """The place of a caller in a queue, from 1; None if it does not wait there."""
        return self._queues[key].position_of(uniqueid) if self._trails.waits(uniqueid, key) else None

    def _channels_listed(self, fact: facts.ChannelsListed) -> list[Outcome]:
        """Whose channel was not there is gone; of those who wait the queue's own list must say so."""
        outcomes: list[Outcome] = []
        for uniqueid, key in self._trails.all():
            queue = self._queues.get(key)
            if uniqueid not in fact.channels and (queue is None or not self._trails.waits(uniqueid, key)):
                outcomes += self._caller_gone(facts.CallerGone(uniqueid, fact.occasion))
        return outcomes

    def _depart(self, before: Trail) -> list[Outcome]:
        """A caller joined another queue than this: it has left this one, even if nobody saw that."""
        queue = self._queues.get(before.queue)
        if queue is None:
            return []
        if self._place(before.queue, before.uniqueid) is not None:
            self._trails.stop(before.uniqueid)
            return [QueueRefreshed(self._store(before.queue, queue.without(before.uniqueid)))]
        changed, departure = queue.depart(before.uniqueid)
        if departure is not None:
            self._store(before.queue, changed)
        return []

    def _listed(self, fact: facts.QueueListed) -> list[Outcome]:
        """A list is the truth of its moment; events of what it shows may come behind it."""
        key, outcomes = self._learn(fact.queue, fact.occasion, listed=True)
        queue = self._queues[key]
        if fact.service_level is not None and fact.service_level != queue.service_level:
            outcomes.append(QueueRefreshed(self._store(key, replace(queue, service_level=fact.service_level))))
        listed = {caller.uniqueid for caller in fact.waiting}
        for caller in self._queues[key].waiting:
            if caller.uniqueid not in listed:
                self._missing.setdefault((key, caller.uniqueid), fact.occasion.at + LAGGING)
        for caller in fact.waiting:
            outcomes += self._join(key, caller, fact.occasion, late=fact.late)
        return outcomes

    def _queue_gone(self, fact: facts.QueueGone) -> list[Outcome]:
        queue = self._queues.pop(fold(fact.queue), None)
        if queue is None:
            return []
        self._changed.add(queue.name)
        self._note_windows()
        return [
            QueueEvent(ACDQueueEvent.QUEUE_REMOVED, queue, fact.occasion),
            GroupEvent(ACDGroupEvent.GROUP_REMOVED, _group(queue), fact.occasion),
        ]

    def _period_set(self, fact: facts.PeriodSet) -> list[Outcome]:
        key = None if fact.queue is None else fold(fact.queue)
        if key is None or key not in self._queues:
            return []
        window = set_window(fact.seconds, fact.occasion.at)
        queue = self._store(key, self._queues[key].begin_window(window))
        self._note_windows()
        return [QueueRefreshed(queue)]

    def _restarted(self, fact: facts.AsteriskRestarted) -> list[Outcome]:
        """No channel of the old Asterisk is there any more; how those who waited then left, nothing tells."""
        outcomes: list[Outcome] = []
        for uniqueid, key in self._trails.all():
            queue = self._queues.get(key)
            place = None if queue is None else self._place(key, uniqueid)
            if queue is None or place is None or queue.waiting[place - 1].joined_at <= fact.last_contact:
                gone = facts.CallerGone(uniqueid, Occasion(fact.last_contact, Cause.RESYNC))
                outcomes += self._caller_gone(gone)
        return outcomes

    def _time_passed(self, fact: facts.TimePassed) -> list[Outcome]:
        """Let go of those whom a list lacked and no event has explained: how they left nobody knows."""
        outcomes: list[Outcome] = []
        for (key, uniqueid), deadline in list(self._missing.items()):
            if deadline <= fact.now:
                del self._missing[key, uniqueid]
                if key in self._queues and self._trails.waits(uniqueid, key):
                    self._trails.stop(uniqueid)
                    outcomes.append(QueueRefreshed(self._store(key, self._queues[key].without(uniqueid))))
        return outcomes

    # Sessions ------------------------------------------------------------------------------------------------------

    def _session(self, event: SessionEvent, touched: dict[str, None]) -> list[Outcome]:
        """Note in which queue the number of agents changed: a list tells of many, and the queue is told once."""
        outcomes: list[Outcome] = []
        if event.session.end_time is None:
            _, outcomes = self._learn(event.session.group, event.occasion)
        key = fold(event.session.group)
        if self._headcount.note(event.session) and key in self._queues:
            touched[key] = None
        return outcomes

    # Windows -------------------------------------------------------------------------------------------------------

    def _begin_windows(self, now: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for key, queue in list(self._queues.items()):
            window = queue.window.following(now, self._calendar)
            if window is not queue.window:
                outcomes.append(QueueRefreshed(self._store(key, queue.begin_window(window))))
        self._note_windows()
        return outcomes

    def _note_windows(self) -> None:
        self._next_window = min((queue.window.end for queue in self._queues.values()), default=None)

    # How -----------------------------------------------------------------------------------------------------------

    def _learn(self, name: str, occasion: Occasion, *, listed: bool = False) -> tuple[str, list[Outcome]]:
        """The key of a queue, and what to tell if it was not known; then a list must tell the rest of it."""
        key = fold(name)
        if key in self._queues:
            return key, []
        window = local_day(occasion.at, self._calendar)
        queue = self._store(key, ACDQueue(name, window, agents=self._headcount.of(key)))
        self._note_windows()
        outcomes: list[Outcome] = [
            GroupEvent(ACDGroupEvent.NEW_GROUP, _group(queue), occasion),
            QueueEvent(ACDQueueEvent.NEW_QUEUE, queue, occasion),
        ]
        return key, outcomes if listed else [*outcomes, ListWanted(name)]

    def _store(self, key: str, queue: ACDQueue) -> ACDQueue:
        self._queues[key] = queue
        self._changed.add(queue.name)
        return queue


def _group(queue: ACDQueue) -> ACDGroup:
    return ACDGroup(queue.name, (queue.name,), queue.agents)


def _merged(known: WaitingCaller, told: WaitingCaller) -> WaitingCaller:
    """What is known of a caller who leaves: since when it waited, and who it is."""
    return replace(
        known,
        linkedid=known.linkedid or told.linkedid,
        number=known.number or told.number,
        name=known.name or told.name,
    )
