"""Calls on the agents' own devices that came by no queue, told by their channels. Sans-I/O.

A channel is one of a device's by its name. One that begins with ``Ring`` was dialled from: the agent calls out. One
that is answered was rung: by a queue, which is none of these calls; by another channel, which is a call that comes in;
or by nobody, when Asterisk itself was ordered to (Originate): that is dialling on the agent's behalf, and a call out.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.ami.calls import QueueCalls
from gateway.ami.lists import Channel, Channels
from gateway.domain.caller import Direction
from gateway.domain.device import device_of_channel
from gateway.domain.facts import AgentFact, DeviceCallBegan, DeviceCallEnded
from gateway.domain.session import Cause, Occasion

DIALLING: Final = ("3", "4")
"""``ChannelState`` of a channel on which somebody dials, or has dialled: Dialing, Ring."""

UP: Final = "6"
"""``ChannelState`` of an answered channel."""

_RUNG: Final = frozenset({"AppDial", "AppDial2", "AppQueue", ""})
"""Applications of a channel that was rung, as CoreShowChannels tells them; others run the dialplan of who dialled."""

_ORDERED: Final = ""
"""Stands for the dialler where there is none."""

Fields = Mapping[str, str]


@dataclass(slots=True)
class TrackedDeviceCall:
    """A call on an agent's device: of which channel, who dialled, and whether somebody was talked with."""

    uniqueid: str
    direction: Direction
    answered: bool


class DeviceCalls:
    """Follows them. Only channels of agents' devices, and Local ones on the way to them, cost more than a look-up.

    Args:
        queue_calls: The answered queue calls, and who is on which side of a Local channel.

    Attributes:
        is_agents: Whether a device, folded, is an agent's.
    """

    def __init__(self, queue_calls: QueueCalls) -> None:
        self.is_agents: Callable[[str], bool] = lambda _: False
        self._queue_calls = queue_calls
        self._calls: dict[str, TrackedDeviceCall] = {}
        self._dialled_by: dict[str, str] = {}
        self._offered: set[str] = set()
        self._waiting: set[str] = set()
        self._strangers: dict[str, tuple[str, TrackedDeviceCall]] = {}
        self._changed: dict[str, TrackedDeviceCall | None] = {}

    # What is known -------------------------------------------------------------------------------------------------

    def restore(self, calls: Iterable[TrackedDeviceCall]) -> None:
        """Go on from what was kept."""
        self._calls = {call.uniqueid: call for call in calls}

    def take_changed(self) -> dict[str, TrackedDeviceCall | None]:
        """The calls that changed since the last call of this, by Uniqueid; None for one that is over."""
        changed, self._changed = self._changed, {}
        return changed

    # What happens --------------------------------------------------------------------------------------------------

    def join_queue(self, caller: str) -> None:
        """QueueCallerJoin: whatever is dialled for the caller from now on is a queue's ringing."""
        self._waiting.add(caller)

    def leave_queue(self, caller: str) -> None:
        """QueueCallerLeave."""
        self._waiting.discard(caller)

    def offer(self, leg: str) -> None:
        """AgentCalled: the queue rings *leg*."""
        self._offered.add(leg)

    def connect(self, leg: str) -> None:
        """AgentConnect: from now on the queue call's own end tells how long the leg is a queue's."""
        self._offered.discard(leg)

    def new_channel(self, fields: Fields, at: int) -> list[AgentFact]:
        """Newchannel."""
        return self._seen(fields, at)

    def new_state(self, fields: Fields, at: int) -> list[AgentFact]:
        """Newstate."""
        call = self._calls.get(fields.get("uniqueid", ""))
        if call is None:
            return self._seen(fields, at)
        if fields.get("channelstate") == UP and not call.answered:
            self._note_answer(call)
        return []

    def dial_begin(self, fields: Fields, at: int) -> list[AgentFact]:
        """DialBegin: who rings whom. A phone may answer before it is told that it is rung."""
        rung, name, dialler = fields.get("destuniqueid", ""), fields.get("destchannel", ""), fields.get("uniqueid")
        device = device_of_channel(name)
        if not self.is_agents(device) and not name.startswith("Local/"):
            return []
        self._dialled_by[rung] = dialler or _ORDERED
        if dialler in self._waiting:
            self._offered.add(rung)
        if fields.get("destchannelstate") == UP and self.is_agents(device):
            return self._answered(device, rung, at)
        return []

    def enter_bridge(self, channel: str) -> None:
        """BridgeEnter: who was dialled for by order talks now."""
        call = self._calls.get(channel)
        if call is not None and not call.answered:
            self._note_answer(call)

    def transfer(self, fields: Fields, at: int) -> list[AgentFact]:
        """BlindTransfer or AttendedTransfer: who transfers talks no longer, on neither of two channels.

        One that was refused, or made a conference, ends nothing.
        """
        if fields.get("result", "Success") != "Success" or fields.get("desttype") == "Threeway":
            return []
        transferers = ("transfereruniqueid", "origtransfereruniqueid", "secondtransfereruniqueid")
        return [fact for key in transferers for fact in self._end(fields.get(key, ""), Occasion(at))]

    def hang_up(self, channel: str, at: int) -> list[AgentFact]:
        """Hangup."""
        self._dialled_by.pop(channel, None)
        self._offered.discard(channel)
        self._waiting.discard(channel)
        self._strangers.pop(channel, None)
        return self._end(channel, Occasion(at))

    def _seen(self, fields: Fields, at: int) -> list[AgentFact]:
        device = device_of_channel(fields.get("channel", ""))
        if not self.is_agents(device):
            return []
        channel, state = fields.get("uniqueid", ""), fields.get("channelstate")
        if state in DIALLING and channel not in self._dialled_by:
            return self._begin(device, TrackedDeviceCall(channel, Direction.OUTGOING, answered=False), Occasion(at))
        return self._answered(device, channel, at) if state == UP else []

    def _answered(self, device: str, channel: str, at: int) -> list[AgentFact]:
        direction = self._direction(channel)
        if direction is None:
            return []
        call = TrackedDeviceCall(channel, direction, answered=direction is Direction.INCOMING)
        return self._begin(device, call, Occasion(at))

    def _direction(self, channel: str) -> Direction | None:
        """Which way a call went to a channel that was rung; None if a queue rang it, or nobody knows.

        Behind a Local channel the dialler is its other half: who rang that one is who began it.
        """
        passed: set[str] = set()
        while channel not in passed:
            if channel in self._offered or self._queue_calls.is_leg(channel):
                return None
            passed.add(channel)
            dialler = self._dialled_by.get(channel)
            if dialler is None:
                # A Local channel that a transfer made is rung by nobody; of a phone that is rung it is always told.
                return None if len(passed) == 1 else Direction.INCOMING
            if dialler == _ORDERED:
                return Direction.OUTGOING
            half = self._queue_calls.bridges.other_half(dialler)
            if half is None:
                return Direction.INCOMING
            channel = half
        return Direction.INCOMING

    # After a loss --------------------------------------------------------------------------------------------------

    def relist(self, channels: Channels, now: int) -> list[AgentFact]:
        """CoreShowChannels, behind what the queue calls take from it: the calls that go on and were not known.

        Those on devices that are no agent's yet are kept for ``adopt``.
        """
        there = channels.channels
        self._dialled_by = {rung: dialler for rung, dialler in self._dialled_by.items() if rung in there}
        self._offered &= there.keys()
        self._waiting &= there.keys()
        self._strangers.clear()
        queue_legs = channels.queue_legs(self._queue_calls.bridges)
        for channel in there.values():
            known = self._calls.get(channel.uniqueid)
            if known is not None:
                if not known.answered and channel.state == UP and channel.bridge:
                    self._note_answer(known)
            elif channel.uniqueid not in queue_legs and (direction := self._direction_of(channel)) is not None:
                answered = channel.state == UP
                call = TrackedDeviceCall(channel.uniqueid, direction, answered)
                self._strangers[channel.uniqueid] = (device_of_channel(channel.name), call)
        return self.adopt(now)

    def adopt(self, now: int) -> list[AgentFact]:
        """The calls that a list showed on devices which are agents' by now."""
        told: list[AgentFact] = []
        for device, call in list(self._strangers.values()):
            if self.is_agents(device):
                del self._strangers[call.uniqueid]
                told += self._begin(device, call, Occasion(now, Cause.RESYNC))
        return told

    def _direction_of(self, channel: Channel) -> Direction | None:
        """Which way a call goes whose channel a list shows; None for one that nobody talks on yet."""
        if channel.name.startswith("Local/"):
            return None
        if channel.uniqueid in self._dialled_by:
            return self._direction(channel.uniqueid) if channel.state == UP else None
        if channel.application == "AppDial":
            return Direction.INCOMING if channel.bridge else None
        if channel.application in _RUNG or channel.state not in (*DIALLING, UP):
            return None
        return Direction.OUTGOING

    def lacking(self, channels: Container[str]) -> list[str]:
        """The calls whose channel is not among *channels*."""
        return [channel for channel in self._calls if channel not in channels]

    def end_unseen(self, suspects: Iterable[str], at: int) -> list[AgentFact]:
        """End the calls that a list lacked and no event has ended since, as of *at*, when they were last seen."""
        return [fact for channel in suspects for fact in self._end(channel, Occasion(at, Cause.RESYNC))]

    def interrupt(self, at: int) -> list[AgentFact]:
        """Asterisk is another one now: every call ended with the old one."""
        self._dialled_by.clear()
        self._offered.clear()
        self._waiting.clear()
        self._strangers.clear()
        return self.end_unseen(list(self._calls), at)

    # How -----------------------------------------------------------------------------------------------------------

    def _begin(self, device: str, call: TrackedDeviceCall, occasion: Occasion) -> list[AgentFact]:
        if call.uniqueid in self._calls:
            return []
        self._calls[call.uniqueid] = self._changed[call.uniqueid] = call
        return [DeviceCallBegan(device, call.uniqueid, call.direction, occasion)]

    def _note_answer(self, call: TrackedDeviceCall) -> None:
        call.answered = True
        self._changed[call.uniqueid] = call

    def _end(self, channel: str, occasion: Occasion) -> list[AgentFact]:
        call = self._calls.pop(channel, None)
        if call is None:
            return []
        self._changed[channel] = None
        return [DeviceCallEnded(channel, call.answered, occasion)]
