"""What really happened, by the simulator's own books: what a gateway must have found out by itself.

It is written where things happen, not where they are told: no event is read for it.
"""

from dataclasses import dataclass, field
from typing import Final

from gateway.simulate.agenda import SECOND
from gateway.simulate.queues import SERVICE_LEVEL, Member, Queue

NEAR: Final = 500_000
"""Microseconds by which, on a machine that has time, nothing is told late."""


@dataclass(slots=True, eq=False)
class SessionTruth:
    """One membership from login to logout. All times are microseconds.

    Attributes:
        queue: The queue's name.
        agent: The member's name.
        address: Its interface.
        began: Since 1970.
        ended: Likewise; None: it goes on.
        calls: Talks that have ended.
        talk: In them.
        wait: Of their callers, from joining to the answer.
        longest_wait: Of one.
        missed: How often the phone rang in vain.
        wrap_up: In wrap-ups that have ended.
        cut: What each wrap-up lacked that was cut short.
        not_ready: From when to when it was paused, or without its phone, and had nothing to do; not what goes on.
    """

    queue: str
    agent: str
    address: str
    began: int
    ended: int | None = None
    calls: int = 0
    talk: int = 0
    wait: int = 0
    longest_wait: int = 0
    missed: int = 0
    wrap_up: int = 0
    cut: list[int] = field(default_factory=list)
    not_ready: list[tuple[int, int]] = field(default_factory=list)
    _is_paused: bool = False
    _is_unreachable: bool = False
    _idle_since: int | None = None
    _waits: list[int] = field(default_factory=list)
    _wrapping_up: tuple[int, int] | None = None

    def nearly(self, late: int = NEAR) -> int:
        """What whoever hears of everything up to *late* may have more: it ended wrap-ups by itself, at their limit."""
        return sum(each for each in self.cut if each < late)

    def end_wrap_up(self, at: int) -> None:
        """A wrap-up ends, at its limit if that was before."""
        if self._wrapping_up is not None:
            since, until = self._wrapping_up
            self.wrap_up += min(at, until) - since
            if at < until:
                self.cut.append(until - at)
            self._wrapping_up = None
            self._review(min(at, until))

    def pause(self, at: int) -> None:
        """It is paused, or for another reason."""
        self.end_wrap_up(at)
        self._is_paused = True
        self._review(at)

    def unpause(self, at: int) -> None:
        """It is paused no more."""
        self._pass_time(at)
        self._is_paused = False
        self._review(at)

    def reach(self, at: int, *, is_reachable: bool) -> None:
        """Its phone is there, or is not."""
        self._pass_time(at)
        self._is_unreachable = not is_reachable
        self._review(at)

    def end(self, at: int) -> None:
        """It ends."""
        self.end_wrap_up(at)
        self._end_idle(at)
        self.ended = at

    def answer(self, wait: int, at: int) -> None:
        """A talk begins."""
        self.end_wrap_up(at)
        self._waits.append(wait)
        self._review(at)

    def hang_up(self, talk: int, at: int, limit: int) -> None:
        """The oldest talk ends: a phone has one at a time."""
        wait = self._waits.pop(0)
        self.calls += 1
        self.talk += talk
        self.wait += wait
        self.longest_wait = max(self.longest_wait, wait)
        if self.ended is None and limit:
            self._wrapping_up = (at, at + limit)
        self._review(at)

    def active(self, until: int) -> list[tuple[int, int]]:
        """From when to when it was there and not NOT_READY, up to a moment."""
        end = until if self.ended is None else min(until, self.ended)
        idle = [*self.not_ready, *([] if self._idle_since is None else [(self._idle_since, end)])]
        found, since = [], self.began
        for begin, its_end in idle:
            found.append((since, min(begin, end)))
            since = its_end
        return [(begin, its_end) for begin, its_end in (*found, (since, end)) if begin < its_end]

    def _pass_time(self, at: int) -> None:
        """What was over before *at* is."""
        if self._wrapping_up is not None and self._wrapping_up[1] <= at:
            self.end_wrap_up(at)

    def _review(self, at: int) -> None:
        """Something changed: is there anything to do from *at* on, or does it wait for its agent?"""
        if self._waits or self._wrapping_up is not None or not (self._is_paused or self._is_unreachable):
            self._end_idle(at)
        elif self._idle_since is None and self.ended is None:
            self._idle_since = at

    def _end_idle(self, at: int) -> None:
        if self._idle_since is not None:
            self.not_ready.append((self._idle_since, at))
            self._idle_since = None

    @property
    def wraps_up_until(self) -> int | None:
        """The limit of a wrap-up that was not cut short; None without one."""
        return None if self._wrapping_up is None else self._wrapping_up[1]


@dataclass(slots=True, eq=False)
class QueueTruth:
    """Callers of one queue: how many came, and how they left. Times are microseconds.

    Attributes:
        joined: All who came.
        flowed_in: Of them, those who had been in a queue before.
        answered: Those whom a member answered.
        in_time: Of them, those who waited ``SERVICE_LEVEL`` at most.
        abandoned: Those who hung up before.
        timed_out: Those who were sent on.
        waited: By all who left, answered or not.
        longest_wait: Of one.
    """

    joined: int = 0
    flowed_in: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    timed_out: int = 0
    waited: int = 0
    longest_wait: int = 0

    def leave(self, waited: int) -> None:
        """One of those who wait does so no more."""
        self.waited += waited
        self.longest_wait = max(self.longest_wait, waited)


class Truth:
    """The books.

    Attributes:
        sessions: Every membership there was, in the order of their beginnings.
        queues: By name.
    """

    def __init__(self) -> None:
        self.sessions: list[SessionTruth] = []
        self.queues: dict[str, QueueTruth] = {}
        self._sessions: dict[Member, SessionTruth] = {}

    def logged_in(self, member: Member, at: int) -> None:
        """A membership begins."""
        session = SessionTruth(member.queue, member.name, member.interface, at)
        session.reach(at, is_reachable=member.is_reachable)
        if member.paused:
            session.pause(at)
        self.sessions.append(session)
        self._sessions[member] = session

    def logged_out(self, member: Member, at: int) -> None:
        """A membership ends. A talk that goes on belongs to it."""
        self._sessions[member].end(at)

    def paused(self, member: Member, at: int) -> None:
        """A member is paused anew, or for another reason."""
        self._sessions[member].pause(at)

    def unpaused(self, member: Member, at: int) -> None:
        """A member is paused no more."""
        self._sessions[member].unpause(at)

    def device_changed(self, member: Member, at: int) -> None:
        """A member's phone is in another state."""
        self._sessions[member].reach(at, is_reachable=member.is_reachable)

    def missed(self, member: Member) -> None:
        """A member's phone rang in vain."""
        self._sessions[member].missed += 1

    def connected(self, member: Member, *, joined: int, at: int) -> None:
        """A member answers a caller."""
        self._sessions[member].answer(at - joined, at)
        queue = self._of(member.queue)
        queue.answered += 1
        queue.in_time += at - joined <= SERVICE_LEVEL * SECOND
        queue.leave(at - joined)

    def ended(self, member: Member, *, answered: int, at: int, limit: int) -> None:
        """A talk ends; *limit* is how long the wrap-up may be."""
        self._sessions[member].hang_up(at - answered, at, limit)

    def joined(self, queue: Queue, *, flowed_in: bool) -> None:
        """A caller enters a queue; *flowed_in*: having been in one before."""
        self._of(queue.name).joined += 1
        self._of(queue.name).flowed_in += flowed_in

    def abandoned(self, queue: Queue, *, waited: int) -> None:
        """A caller hangs up before anybody answers."""
        self._of(queue.name).abandoned += 1
        self._of(queue.name).leave(waited)

    def timed_out(self, queue: Queue, *, waited: int) -> None:
        """A caller has waited as long as the queue allows."""
        self._of(queue.name).timed_out += 1
        self._of(queue.name).leave(waited)

    def settle(self, at: int) -> None:
        """End every wrap-up whose limit has come by a moment."""
        for session in self.sessions:
            until = session.wraps_up_until
            if until is not None and until <= at:
                session.end_wrap_up(until)

    def _of(self, queue: str) -> QueueTruth:
        return self.queues.setdefault(queue, QueueTruth())
