"""From AMI events to facts of the session model: the one place that speaks both languages.

Sans-I/O: messages in, facts out, in the order of the wire. It tells versions of Asterisk apart by what their events
hold, never by number.
"""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.ami.calls import QueueCalls, TimeToAnswer
from gateway.ami.device_calls import DeviceCalls
from gateway.ami.members import member_of_event, number
from gateway.ami.message import AmiMessage
from gateway.ami.queue_callers import CALLER_EVENTS, QueueCallers
from gateway.ami.text import caller_name, caller_text, timestamp
from gateway.ami.ways_out import ReadLog
from gateway.domain.call import Call, CallKey
from gateway.domain.facts import CallAnswered, CallMissed, Fact, MemberAdded, MemberRemoved, MemberTold
from gateway.domain.instant import SECOND
from gateway.domain.session import Occasion
from gateway.timeline import Timeline

Fields = Mapping[str, str]

EVENTS: Final = frozenset({
    "QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause", "QueueMemberStatus", "QueueMemberPenalty",
    "QueueMemberRinginuse", "QueueCallerJoin", "AgentCalled", "AgentConnect", "AgentComplete", "AgentRingNoAnswer",
    "BridgeEnter", "BridgeLeave", "Hangup", "BlindTransfer", "AttendedTransfer", "LocalBridge",
    "LocalOptimizationBegin", "Newchannel", "Newstate", "DialBegin",
}) | CALLER_EVENTS  # fmt: skip
"""Events that become facts."""


class Translator:
    """Keeps what it takes to understand an event: callers, channels, calls.

    Args:
        timeline: Where time stamps become instants.
        time_to_answer: ``queue``: from the caller's joining the queue; ``ring``: from ringing the agent.
        read_log: Looks at the queue_log; None where there is none.

    Attributes:
        calls: The open queue calls.
        waiting: The callers in queues, and how they leave.
        callers: The callers before they are answered.
        devices: The calls on the agents' devices that came by no queue.
    """

    def __init__(self, timeline: Timeline, time_to_answer: TimeToAnswer, read_log: ReadLog | None = None) -> None:
        self.calls = QueueCalls(time_to_answer)
        self.waiting = QueueCallers(read_log)
        self.callers = self.waiting.callers
        self.devices = DeviceCalls(self.calls)
        self._timeline = timeline
        self._time_to_answer = time_to_answer
        self._translate: dict[str, Callable[[Fields, int], list[Fact]]] = {
            "QueueMemberAdded": self._member_added,
            "QueueMemberRemoved": self._member_removed,
            "QueueMemberPause": self._member_pause,
            "QueueMemberStatus": self._member,
            "QueueMemberPenalty": self._member,
            "QueueMemberRinginuse": self._member,
            "QueueCallerJoin": self._caller_join,
            "AgentCalled": self._agent_called,
            "AgentConnect": self._agent_connect,
            "AgentComplete": self._agent_complete,
            "AgentRingNoAnswer": self._ring_no_answer,
            "BridgeEnter": self._bridge_enter,
            "BridgeLeave": self._bridge_leave,
            "Hangup": self._hangup,
            "BlindTransfer": self._blind_transfer,
            "AttendedTransfer": self._attended_transfer,
            "LocalBridge": self._local_bridge,
            "LocalOptimizationBegin": self._local_optimization,
            "Newchannel": self._new_channel,
            "Newstate": self._new_state,
            "DialBegin": self._dial_begin,
            "QueueCallerLeave": self._caller_leave,
            "QueueCallerAbandon": _nothing_else,
            "HangupRequest": _nothing_else,
            "SoftHangupRequest": _nothing_else,
        }

    def receive(self, message: AmiMessage) -> list[Fact]:
        """The facts in one event, behind those that time had decided before it; none for one that says nothing."""
        translate = self._translate.get(message.event)
        if translate is None:
            return []
        at = self.instant(message)
        fields = message.fields
        callers = self.waiting.receive(message.event, fields, at, self._timeline.now(message.arrival.steady))
        return [*self.calls.advance(at), *callers, *translate(fields, at)]

    def instant(self, message: AmiMessage) -> int:
        """When an event happened: by its ``Timestamp``, else by its arrival."""
        stamped = timestamp(message.fields.get("timestamp"))
        if stamped is None:
            return self._timeline.now(message.arrival.steady)
        return self._timeline.instant(stamped, message.arrival.steady)

    def next_deadline(self) -> int | None:
        """Instant at which ``advance`` is due; None while nothing is undecided."""
        deadlines = (self.calls.next_deadline(), self.waiting.ways_out.next_deadline())
        return min((each for each in deadlines if each is not None), default=None)

    def advance(self, now: int) -> list[Fact]:
        """What the passing of time decides."""
        return [*self.calls.advance(now), *self.waiting.ways_out.advance(now)]

    def lose_contact(self) -> list[Fact]:
        """What can be decided now that no more events will come."""
        return list(self.waiting.ways_out.lose_contact())

    def interrupt(self, at: int) -> list[Fact]:
        """Asterisk is another one now: every call ended with the old one, which was last heard at *at*."""
        return [*self.devices.interrupt(at), *self.calls.interrupt(at)]

    def _member(self, fields: Fields, at: int) -> list[Fact]:
        return [MemberTold(member_of_event(fields, self._timeline.from_wall), Occasion(at))]

    def _member_pause(self, fields: Fields, at: int) -> list[Fact]:
        return [MemberTold(member_of_event(fields, self._timeline.from_wall), Occasion(at), pause_told=True)]

    def _member_added(self, fields: Fields, at: int) -> list[Fact]:
        return [MemberAdded(member_of_event(fields, self._timeline.from_wall), Occasion(at))]

    def _member_removed(self, fields: Fields, at: int) -> list[Fact]:
        login_stamp = number(fields.get("logintime")) or None
        return [MemberRemoved(fields.get("queue", ""), fields.get("interface", ""), Occasion(at), login_stamp)]

    def _caller_join(self, fields: Fields, _at: int) -> list[Fact]:
        self.devices.join_queue(fields.get("uniqueid", ""))
        return []

    def _caller_leave(self, fields: Fields, _at: int) -> list[Fact]:
        self.devices.leave_queue(fields.get("uniqueid", ""))
        return []

    def _agent_called(self, fields: Fields, _at: int) -> list[Fact]:
        self.devices.offer(fields.get("destuniqueid", ""))
        return []

    def _agent_connect(self, fields: Fields, at: int) -> list[Fact]:
        queue, interface = fields.get("queue", ""), fields.get("interface", "")
        uniqueid = fields.get("uniqueid", "")
        # Where no AgentCalled was seen, RingTime holds: whole seconds, from the start of the cycle.
        offered_at = self.callers.offered(uniqueid, queue, interface)
        queued_at = self.callers.joined(uniqueid, queue)
        ring_time = at - offered_at if offered_at is not None else _seconds(fields.get("ringtime"))
        waited = at - queued_at if queued_at is not None else _seconds(fields.get("holdtime"))
        call = Call(
            key=CallKey(uniqueid, fields.get("destuniqueid", "")),
            linkedid=fields.get("linkedid") or None,
            caller_number=caller_text(fields.get("calleridnum")),
            caller_name=caller_name(fields),
            queued_at=queued_at,
            offered_at=offered_at,
            answered_at=at,
            time_to_answer=waited if self._time_to_answer == "queue" else ring_time,
            ring_time=ring_time,
        )
        self.calls.connect(queue, interface, call)
        self.devices.connect(call.key.dest_uniqueid)
        return [CallAnswered(queue, interface, call, Occasion(at))]

    def _agent_complete(self, fields: Fields, at: int) -> list[Fact]:
        return list(self.calls.complete(fields, at))

    def _ring_no_answer(self, fields: Fields, at: int) -> list[Fact]:
        attempt = ("missed", fields.get("uniqueid", ""), fields.get("destuniqueid", ""), str(at))
        return [CallMissed(fields.get("queue", ""), fields.get("interface", ""), attempt, Occasion(at))]

    def _bridge_enter(self, fields: Fields, _at: int) -> list[Fact]:
        kind = fields.get("bridgetype", "")
        self.calls.enter_bridge(fields.get("bridgeuniqueid", ""), fields.get("uniqueid", ""), kind)
        self.devices.enter_bridge(fields.get("uniqueid", ""))
        return []

    def _bridge_leave(self, fields: Fields, at: int) -> list[Fact]:
        self.calls.leave_bridge(fields.get("uniqueid", ""), at)
        return []

    def _hangup(self, fields: Fields, at: int) -> list[Fact]:
        channel = fields.get("uniqueid", "")
        return [*self.devices.hang_up(channel, at), *self.calls.hang_up(channel, at)]

    def _blind_transfer(self, fields: Fields, at: int) -> list[Fact]:
        return [*self.devices.transfer(fields, at), *self.calls.transfer(fields, at, blind=True)]

    def _attended_transfer(self, fields: Fields, at: int) -> list[Fact]:
        return [*self.devices.transfer(fields, at), *self.calls.transfer(fields, at, blind=False)]

    def _local_bridge(self, fields: Fields, _at: int) -> list[Fact]:
        self.calls.bridges.pair(fields.get("localoneuniqueid", ""), fields.get("localtwouniqueid", ""))
        return []

    def _local_optimization(self, fields: Fields, _at: int) -> list[Fact]:
        self.calls.optimize(fields.get("localoneuniqueid", ""), fields.get("sourceuniqueid", ""))
        return []

    def _new_channel(self, fields: Fields, at: int) -> list[Fact]:
        return list(self.devices.new_channel(fields, at))

    def _new_state(self, fields: Fields, at: int) -> list[Fact]:
        return list(self.devices.new_state(fields, at))

    def _dial_begin(self, fields: Fields, at: int) -> list[Fact]:
        return list(self.devices.dial_begin(fields, at))


def _nothing_else(_fields: Fields, _at: int) -> list[Fact]:
    """All that an event tells is of callers."""
    return []


def _seconds(text: str | None) -> int | None:
    seconds = number(text)
    return None if seconds is None else seconds * SECOND
