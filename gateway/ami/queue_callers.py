"""The callers of queues: from events and lists to facts. Sans-I/O."""

from collections.abc import Callable, Container, Mapping
from typing import Final

from gateway.ami.callers import Callers
from gateway.ami.lists import QueueList
from gateway.ami.members import number
from gateway.ami.text import caller_name, caller_text
from gateway.ami.ways_out import ReadLog, WaysOut
from gateway.domain.caller import WaitingCaller
from gateway.domain.facts import ChannelsListed, QueueFact, QueueListed
from gateway.domain.instant import SECOND
from gateway.domain.session import Cause, Occasion

Fields = Mapping[str, str]

CALLER_EVENTS: Final = frozenset({
    "QueueCallerJoin", "QueueCallerAbandon", "QueueCallerLeave", "AgentCalled", "AgentConnect", "HangupRequest",
    "SoftHangupRequest", "Hangup",
})  # fmt: skip
"""Events of which a caller may be the subject."""


class QueueCallers:
    """Knows when each caller joined, and finds out how it left.

    Args:
        read_log: Looks at the queue_log; None where there is none.

    Attributes:
        callers: When each joined, and to whom it was offered.
        ways_out: Decides how each left.
    """

    def __init__(self, read_log: ReadLog | None = None) -> None:
        self.callers = Callers()
        self.ways_out = WaysOut(read_log, self.callers.is_offered)
        self._hold_times: dict[str, int] = {}
        self._acts: dict[str, Callable[[Fields, int, int], list[QueueFact]]] = {
            "QueueCallerJoin": self._join,
            "QueueCallerAbandon": self._abandon,
            "QueueCallerLeave": self._leave,
            "AgentCalled": self._offer,
            "AgentConnect": self._connect,
            "HangupRequest": self._request_hangup,
            "SoftHangupRequest": self._request_hangup,
            "Hangup": self._hang_up,
        }

    def receive(self, event: str, fields: Fields, at: int, heard_at: int) -> list[QueueFact]:
        """An event that happened at one instant and came at another."""
        act = self._acts.get(event)
        if act is None or not fields.get("uniqueid"):
            return []  # one without a caller tells nothing of callers
        return act(fields, at, heard_at)

    def listed(self, queue: str, listed: QueueList, now: int, *, asked_at: int) -> QueueListed:
        """A queue as QueueStatus showed it: the answer came at *now*."""
        waiting = []
        for fields in sorted(listed.waiting, key=lambda each: number(each.get("position")) or 0):
            joined_at = now - (_seconds(fields, "wait") or 0)
            self.callers.found_waiting(fields.get("uniqueid", ""), queue, joined_at)
            waiting.append(_caller(fields, joined_at))
        occasion = Occasion(now, Cause.RESYNC)
        return QueueListed(queue, tuple(waiting), listed.service_level, occasion, max(0, now - asked_at))

    def channels_listed(self, channels: Container[str], now: int) -> ChannelsListed:
        """CoreShowChannels."""
        self.callers.sweep(channels)
        return ChannelsListed(channels, Occasion(now, Cause.RESYNC))

    def _join(self, fields: Fields, at: int, _heard_at: int) -> list[QueueFact]:
        queue = fields.get("queue", "")
        self.callers.join(fields.get("uniqueid", ""), queue, at)
        return self.ways_out.join(queue, _caller(fields, at))

    def _abandon(self, fields: Fields, _at: int, _heard_at: int) -> list[QueueFact]:
        uniqueid = fields.get("uniqueid", "")
        self._hold_times[uniqueid] = _seconds(fields, "holdtime") or 0
        self.ways_out.abandon(uniqueid)
        return []

    def _leave(self, fields: Fields, at: int, heard_at: int) -> list[QueueFact]:
        waited = self._hold_times.pop(fields.get("uniqueid", ""), 0)
        self.ways_out.leave(fields.get("queue", ""), self._leaver(fields, at, waited), at, heard_at=heard_at)
        return []

    def _offer(self, fields: Fields, at: int, _heard_at: int) -> list[QueueFact]:
        uniqueid, queue, interface = fields.get("uniqueid", ""), fields.get("queue", ""), fields.get("interface", "")
        self.callers.offer(uniqueid, queue, interface, at, leg=fields.get("destuniqueid", ""))
        return []

    def _connect(self, fields: Fields, at: int, _heard_at: int) -> list[QueueFact]:
        leaver = self._leaver(fields, at, _seconds(fields, "holdtime") or 0)
        return self.ways_out.connect(fields.get("queue", ""), leaver, at)

    def _request_hangup(self, fields: Fields, _at: int, _heard_at: int) -> list[QueueFact]:
        uniqueid = fields.get("uniqueid", "")
        if self.callers.is_known(uniqueid):
            self.ways_out.request_hangup(uniqueid)
        return []

    def _hang_up(self, fields: Fields, at: int, _heard_at: int) -> list[QueueFact]:
        uniqueid = fields.get("uniqueid", "")
        if not self.callers.hang_up(uniqueid):
            return []
        self._hold_times.pop(uniqueid, None)
        return self.ways_out.hang_up(uniqueid, at)

    def _leaver(self, fields: Fields, at: int, waited: int) -> WaitingCaller:
        """A caller at its end; where its joining was not seen, it *waited* as long as Asterisk tells."""
        joined_at = self.callers.joined(fields.get("uniqueid", ""), fields.get("queue", ""))
        return _caller(fields, at - waited if joined_at is None else joined_at)


def _caller(fields: Fields, joined_at: int) -> WaitingCaller:
    return WaitingCaller(
        fields.get("uniqueid", ""),
        joined_at,
        linkedid=fields.get("linkedid") or None,
        number=caller_text(fields.get("calleridnum")),
        name=caller_name(fields),
        position=number(fields.get("position")),
    )


def _seconds(fields: Fields, name: str) -> int | None:
    seconds = number(fields.get(name))
    return None if seconds is None else seconds * SECOND
