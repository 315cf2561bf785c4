"""Queue calls from AgentConnect to the end of the agent's talking, told by the channels. Sans-I/O.

The rule is that of the phones: AgentComplete comes late after a redirect or a transfer behind a Local channel, and
too early where an agent's consultation is completed into a call; the channel of the agent's phone is never wrong.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal

from gateway.ami.bridges import Bridges
from gateway.ami.completions import Completion, TrackedCall, completion, match
from gateway.ami.lists import Channels
from gateway.ami.text import caller_text
from gateway.domain.call import Call, CallKey, EndedBy
from gateway.domain.facts import CallClosed, CallEnded, CallFact
from gateway.domain.instant import SECOND
from gateway.domain.member import MembershipKey, membership_key
from gateway.domain.session import Cause, Occasion

ALONE: Final = SECOND // 5
"""Microseconds after which a leg without company will get none: optimisation and consultation need one or two
milliseconds between leaving a bridge and entering another."""

RECORD_WAIT: Final = SECOND
"""Microseconds that a call's record waits for AgentComplete."""

REMEMBERED: Final = 8
"""Ended calls of a membership that are remembered, as their AgentComplete may still come: with the end of a redirected
caller, hours later, when it adds nothing; or a second time."""

Fields = Mapping[str, str]
TimeToAnswer = Literal["queue", "ring"]


class QueueCalls:
    """Follows every open queue call. Instants in, facts out; ``now`` for timers is an instant too.

    Args:
        time_to_answer: What that is: the caller's waiting (``queue``), which AgentComplete tells of a call found open
            too; or the agent's ringing (``ring``), which nothing tells afterwards.

    Attributes:
        bridges: Who talks with whom.
        unmatched: AgentComplete events that belong to no known call.
    """

    def __init__(self, time_to_answer: TimeToAnswer = "queue") -> None:
        self.bridges = Bridges()
        self.unmatched = 0
        self._time_to_answer = time_to_answer
        self._by_channel: dict[str, set[TrackedCall]] = {}
        self._of_member: dict[MembershipKey, deque[TrackedCall]] = {}
        self._changed: set[TrackedCall] = set()
        self._timers: dict[tuple[TrackedCall, Callable[[TrackedCall], list[CallFact]]], int] = {}

    # What is known -------------------------------------------------------------------------------------------------

    def next_deadline(self) -> int | None:
        """Instant at which ``advance`` is due; None while nothing is undecided."""
        return min(self._timers.values()) if self._timers else None

    def open_calls(self) -> Iterator[TrackedCall]:
        """The calls whose talk goes on, as far as is known."""
        for calls in self._of_member.values():
            yield from (call for call in calls if call.ended_at is None)

    def is_talking(self, queue: str, interface: str) -> bool:
        """Whether the member has an open call in the queue."""
        calls = self._of_member.get(membership_key(queue, interface), ())
        return any(call.ended_at is None for call in calls)

    def is_leg(self, channel: str) -> bool:
        """Whether the channel is the member's end of an open call, as the queue dialled it or as it was replaced."""
        return any(
            call.ended_at is None and (channel in call.dests or channel in call.ends_with)
            for call in self._by_channel.get(channel, ())
        )

    def take_changed(self) -> dict[str, TrackedCall | None]:
        """The calls that changed since the last call of this, by a name of each; None for one of which all was told."""
        changed, self._changed = self._changed, set()
        return {tracked.name: None if tracked.closed else tracked for tracked in changed}

    def restore(self, calls: Iterable[TrackedCall]) -> None:
        """Go on from what was kept; who talks with whom is not known yet."""
        for tracked in sorted(calls, key=_began):
            self._of_member.setdefault(membership_key(tracked.queue, tracked.interface), deque()).append(tracked)
            for channel in (*tracked.ends_with, tracked.key.uniqueid):
                self._watch(tracked, channel)
            if tracked.ended_at is not None:
                self._timers[tracked, self._close] = tracked.ended_at + RECORD_WAIT

    # What happens --------------------------------------------------------------------------------------------------

    def connect(self, queue: str, interface: str, call: Call) -> None:
        """AgentConnect, or a call found open."""
        calls = self._of_member.setdefault(membership_key(queue, interface), deque())
        for each in calls:
            if each.key == call.key:
                if each.call.answered_at is None and each.ended_at is None:
                    each.call = call  # a list had shown it before its event came
                    self._changed.add(each)
                return
        closed = [each for each in calls if each.closed]
        for each in closed[: max(0, len(closed) - REMEMBERED + 1)]:
            calls.remove(each)
        dest = call.key.dest_uniqueid
        tracked = TrackedCall(queue, interface, call, leg=dest, ends_with={dest}, dests={dest})
        calls.append(tracked)
        self._changed.add(tracked)
        self._watch(tracked, dest)
        self._watch(tracked, call.key.uniqueid)
        self._resolve(tracked)

    def enter_bridge(self, bridge: str, channel: str, kind: str = "") -> None:
        """BridgeEnter: ends doubts about legs without company, and may show the phone behind a Local channel."""
        self.bridges.enter(bridge, channel, kind)
        for tracked in self._near(channel):
            if tracked.ended_at is None:
                self._resolve(tracked)
                if tracked.alone_since is not None and self.bridges.has_company(tracked.leg):
                    self._keep_company(tracked)

    def leave_bridge(self, channel: str, at: int) -> None:
        """BridgeLeave: whoever is without company now may have stopped talking."""
        left_alone = self.bridges.leave(channel)
        for leg in (channel, left_alone):
            for tracked in list(self._by_channel.get(leg, ())) if leg else ():
                if tracked.leg == leg and tracked.ended_at is None and tracked.alone_since is None:
                    tracked.alone_since = at
                    self._changed.add(tracked)
                    self._timers[tracked, self._give_up] = at + ALONE

    def optimize(self, old: str, new: str) -> None:
        """LocalOptimizationBegin: the channel *new* takes the place of *old* in the caller's bridge."""
        for tracked in list(self._by_channel.get(old, ())):
            if old in tracked.ends_with:
                tracked.ends_with.discard(old)
                tracked.dests.add(new)
                self._follow(tracked, new)

    def hang_up(self, channel: str, at: int) -> list[CallFact]:
        """Hangup: of the agent's phone, the end of the talk."""
        told: list[CallFact] = []
        for tracked in list(self._by_channel.get(channel, ())):
            if channel in tracked.ends_with and tracked.ended_at is None:
                told += self._end(tracked, at)
            elif channel not in tracked.ends_with and channel != tracked.key.uniqueid:
                self._unwatch(tracked, channel)  # one that was optimised away
        self.bridges.hang_up(channel)
        return told

    def transfer(self, fields: Fields, at: int, *, blind: bool) -> list[CallFact]:
        """BlindTransfer or AttendedTransfer; one that was refused or made a conference ends nothing.

        The channel it was made with may be gone by then: the event only says where the call went.
        """
        if fields.get("result", "Success") != "Success" or fields.get("desttype") == "Threeway":
            return []
        if blind:
            transferers = [fields.get("transfereruniqueid")]
            target = fields.get("extension")
        else:
            transferers = [fields.get("origtransfereruniqueid"), fields.get("secondtransfereruniqueid")]
            # The target has no channel in an application, and now and then none is told: then whom it was consulted as.
            numbers = (fields.get("transfertargetcalleridnum"), fields.get("secondtransfererconnectedlinenum"))
            target = next(filter(None, map(caller_text, numbers)), fields.get("destapp"))
        told: list[CallFact] = []
        for channel in transferers:
            for tracked in list(self._by_channel.get(channel, ())) if channel else ():
                by_agent = channel == tracked.leg or channel in tracked.ends_with
                by_caller = blind and channel == tracked.key.uniqueid
                if by_agent or (by_caller and tracked.ended_at is None):
                    tracked.ended_by = EndedBy.TRANSFER
                    tracked.transferred_to = target or None
                    self._changed.add(tracked)
                    told += self._end(tracked, at) if tracked.ended_at is None else self._close_complete(tracked)
        return told

    def complete(self, fields: Fields, at: int) -> list[CallFact]:
        """AgentComplete: says who ended the call, and ends it only where nothing else can.

        A leg that talks, or was left alone just now, is waited for: Asterisk completes the call of an agent whose
        caller's consultation is completed into a call with him.
        """
        said = completion(fields, at)
        tracked = match(said, self._of_member.get(membership_key(said.queue, said.interface), ()))
        if tracked is None:
            self.unmatched += 1
            return []
        tracked.completion = said
        self._changed.add(tracked)
        if tracked.ended_at is not None:
            return self._close_complete(tracked)
        if self.bridges.has_company(tracked.leg) or tracked.alone_since is not None:
            return []
        return self._end(tracked, at)

    def advance(self, now: int) -> list[CallFact]:
        """Decide what time alone decides; one decision may bring the next."""
        told: list[CallFact] = []
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            tracked, decide = next(timer for timer, at in self._timers.items() if at == deadline)
            del self._timers[tracked, decide]
            told += decide(tracked)
        return told

    # After a loss --------------------------------------------------------------------------------------------------

    def interrupt(self, at: int) -> list[CallFact]:
        """Asterisk is another one now: every call ended with the old one."""
        told: list[CallFact] = []
        for tracked in list(self.open_calls()):
            if tracked.alone_since is None:
                tracked.ended_by = EndedBy.INTERRUPTED
            told += self._end(tracked, at, Cause.RESYNC)
        self.bridges = Bridges()
        self._by_channel.clear()
        return told + self.advance_all()

    def relist(self, channels: Channels, now: int) -> None:
        """CoreShowChannels: every channel with its bridge, and the Local pairs, as they are at *now*."""
        self.bridges.replace(channels.bridges(), channels.pairs(), channels.of_pool())
        for tracked in self.open_calls():
            if channels.is_in_another_call(tracked.leg, tracked.key):
                tracked.ends_with.discard(tracked.leg)
                tracked.leg = tracked.key.dest_uniqueid
                self._changed.add(tracked)
            elif tracked.leg not in channels.channels:
                phone = channels.company_in_queue(tracked.queue, tracked.key.uniqueid)
                if phone is not None:
                    self._follow(tracked, phone)
            self._resolve(tracked)
            if tracked.alone_since is None:
                continue
            if self.bridges.has_company(tracked.leg):
                self._keep_company(tracked)
            else:
                self._timers.setdefault((tracked, self._give_up), now)

    def lacking(self) -> list[TrackedCall]:
        """The open calls whose leg was in no bridge with another channel when the channels were listed last.

        The caller alone does not tell: one who was sent elsewhere is still there, long after the talk.
        """
        return [tracked for tracked in self.open_calls() if not self.bridges.has_company(tracked.leg)]

    def end_unseen(self, suspects: Iterable[TrackedCall], at: int) -> list[CallFact]:
        """End the calls that a list lacked and no event has ended since, as of *at*, when they were last seen."""
        told: list[CallFact] = []
        for tracked in suspects:
            if tracked.ended_at is None:
                # One that was read back may have been answered only after that.
                told += self._end(tracked, max(at, tracked.call.answered_at or 0), Cause.RESYNC)
        return told

    def advance_all(self) -> list[CallFact]:
        """Decide everything now."""
        return self.advance(max(self._timers.values(), default=0))

    # How -----------------------------------------------------------------------------------------------------------

    def _watch(self, tracked: TrackedCall, channel: str) -> None:
        if channel:
            self._by_channel.setdefault(channel, set()).add(tracked)

    def _unwatch(self, tracked: TrackedCall, channel: str) -> None:
        followed = self._by_channel.get(channel)
        if followed is not None:
            followed.discard(tracked)
            if not followed:
                del self._by_channel[channel]

    def _keep_company(self, tracked: TrackedCall) -> None:
        tracked.alone_since = None
        self._changed.add(tracked)
        self._timers.pop((tracked, self._give_up), None)

    def _follow(self, tracked: TrackedCall, leg: str) -> None:
        tracked.leg = leg
        self._changed.add(tracked)
        tracked.ends_with.add(leg)
        self._watch(tracked, leg)

    def _resolve(self, tracked: TrackedCall) -> None:
        """Go over from a Local channel to the phone behind it, as soon as that shows."""
        leg = self.bridges.phone_behind(tracked.leg)
        if leg != tracked.leg:
            self._follow(tracked, leg)

    def _near(self, channel: str) -> set[TrackedCall]:
        """Calls whose leg is in the bridge of *channel*, or one Local pair away from it."""
        near: set[TrackedCall] = set()
        for each in self.bridges.company_and_halves(channel):
            near |= self._by_channel.get(each, set())
        return near

    def _give_up(self, tracked: TrackedCall) -> list[CallFact]:
        """Nobody came to talk with a leg left alone: the talk ended when it was left."""
        if tracked.alone_since is None or tracked.ended_at is not None:
            return []
        return self._end(tracked, tracked.alone_since)

    def _end(self, tracked: TrackedCall, at: int, cause: Cause = Cause.ASTERISK) -> list[CallFact]:
        """The talk ended at *at*, or when the leg was left alone before."""
        self._changed.add(tracked)
        tracked.ended_at = at = at if tracked.alone_since is None else min(at, tracked.alone_since)
        self._timers.pop((tracked, self._give_up), None)
        self._timers[tracked, self._close] = at + RECORD_WAIT
        if tracked.call.answered_at is None and tracked.completion is None and cause is Cause.ASTERISK:
            return []  # when it was answered is in its AgentComplete, that comes with the end
        return self._tell_end(tracked, cause) + self._close_complete(tracked)

    def _close_complete(self, tracked: TrackedCall) -> list[CallFact]:
        """Close an ended call if all is known of it. AgentComplete that comes after the record adds nothing.

        One that says ``transfer`` may come before the event that says where to.
        """
        said = tracked.completion
        known = said is not None and (said.ended_by is not EndedBy.TRANSFER or tracked.ended_by is EndedBy.TRANSFER)
        if tracked.closed or not (known or tracked.ended_by is EndedBy.INTERRUPTED):
            return []
        return self._close(tracked)

    def _tell_end(self, tracked: TrackedCall, cause: Cause) -> list[CallFact]:
        if tracked.told or tracked.ended_at is None:
            return []
        tracked.told = True
        self._changed.add(tracked)
        answered_at, time_to_answer = _from_completion(tracked.call, tracked.completion)
        if self._time_to_answer == "ring":
            time_to_answer = None
        if answered_at is not None:
            tracked.call = replace(tracked.call, answered_at=answered_at, time_to_answer=time_to_answer)
        return [
            CallEnded(
                tracked.queue,
                tracked.interface,
                tracked.key,
                Occasion(tracked.ended_at, cause),
                answered_at=answered_at,
                time_to_answer=time_to_answer,
            )
        ]

    def _close(self, tracked: TrackedCall) -> list[CallFact]:
        self._timers.pop((tracked, self._close), None)
        told = self._tell_end(tracked, Cause.ASTERISK)
        tracked.closed = True
        self._changed.add(tracked)
        for channel in (*tracked.ends_with, *tracked.dests, tracked.key.uniqueid):
            self._unwatch(tracked, channel)
        by = tracked.ended_by
        if by is None and tracked.completion is not None and not _is_early(tracked.completion, tracked):
            by = tracked.completion.ended_by
        return [*told, CallClosed(tracked.queue, tracked.interface, tracked.key, by, tracked.transferred_to)]


def _began(tracked: TrackedCall) -> int:
    call = tracked.call
    return call.found_at or 0 if call.answered_at is None else call.answered_at


def _is_early(said: Completion, tracked: TrackedCall) -> bool:
    """Whether a completion came while the agent talked on: why it was made says nothing of who ended that talk."""
    return tracked.ended_at is not None and said.at < tracked.ended_at - RECORD_WAIT


def _from_completion(call: Call, said: Completion | None) -> tuple[int | None, int | None]:
    """Answer time and time to answer of a call found open, at a second's grain, where its completion tells them."""
    if call.answered_at is not None or said is None:
        return None, None
    return said.answered_at, said.hold_time


__all__ = ["ALONE", "RECORD_WAIT", "CallKey", "QueueCalls"]
