"""The PBX under the queues: channels, devices, and everything it says. It takes time as a value, and waits for nothing.

Names, headers and their order are Asterisk 22's, as recordings of real ones show them.
"""

import itertools
import random
import uuid
from collections.abc import Callable, Iterable
from typing import Final

from gateway.simulate.agenda import Agenda
from gateway.simulate.channels import DOWN, Bridge, Channel
from gateway.simulate.queues import INVALID, Member, Queue
from gateway.simulate.wire import Event, Fields

CONTEXT: Final = "internal"
_CAUSES: Final = {0: "Unknown", 16: "Normal Clearing"}
_APART: Final = 5
"""Microseconds at least between the time stamps of two events."""


class Pbx:
    """Channels, devices, queues; and who is told.

    Args:
        agenda: What is due when.
        queues: What queues.conf has.
        tell: Takes each event.
        write: Takes each line of the queue_log.
        seed: Of what is drawn by lot.

    Attributes:
        queues: By name, in small letters.
        channels: By Uniqueid.
        started: When it started, microseconds since 1970.
        processed: How many calls there were.
        stamp: The time stamp of the last event: a little after the agenda's present where much happens at once.
        on_status: Told of a member whose device is in another state, and when.
    """

    def __init__(
        self,
        agenda: Agenda,
        queues: Iterable[Queue],
        *,
        tell: Callable[[Event], None],
        write: Callable[[str], None] = lambda _: None,
        seed: int = 0,
    ) -> None:
        self.agenda = agenda
        self.queues = {queue.name.lower(): queue for queue in queues}
        self.channels: dict[str, Channel] = {}
        self.started = agenda.now
        self.processed = 0
        self.on_status: Callable[[Member, int], None] = lambda _member, _at: None
        self._tell = tell
        self._write = write
        self._random = random.Random(f"pbx {seed}")  # noqa: S311  names, not secrets
        self._devices: dict[str, int] = {}
        self._numbers = itertools.count()
        self._suffixes = itertools.count()
        self.stamp = 0
        self.log("NONE", "NONE", "NONE", "QUEUESTART")

    # What it says ---------------------------------------------------------------------------------------------------

    def say(self, name: str, privilege: str, *blocks: Fields) -> None:
        """Tell an event. Time stamps of one moment differ by microseconds, as do real ones."""
        self.stamp = max(self.agenda.now, self.stamp + _APART)
        self._tell(Event(name, privilege, [field for block in blocks for field in block], self.stamp))

    def log(self, callid: str, queue: str, agent: str, event: str, *data: object) -> None:
        """Write a line of the queue_log. Without data it ends in a bar."""
        seconds = self.agenda.now // 1_000_000
        self._write("|".join([str(seconds), callid, queue, agent, event, *map(str, data or ("",))]))

    # Devices --------------------------------------------------------------------------------------------------------

    def device(self, interface: str) -> int:
        """A device's state."""
        return self._devices.get(interface.lower(), INVALID)

    def set_device(self, interface: str, status: int) -> None:
        """A device is in another state: each queue that has it as a member tells so."""
        if self._devices.get(interface.lower()) == status:
            return
        self._devices[interface.lower()] = status
        for member in self.members_on(interface):
            member.status = status
            self.say("QueueMemberStatus", "agent", member.event())
            self.on_status(member, self.stamp)

    def members_on(self, interface: str) -> list[Member]:
        """The members whose state is a device's."""
        folded = interface.lower()
        return [
            member
            for queue in self.queues.values()
            for member in queue.members
            if member.state_interface.lower() == folded
        ]

    # Channels -------------------------------------------------------------------------------------------------------

    def make_channel(
        self, endpoint: str, exten: str, *, state: int = DOWN, of: Channel | None = None, caller: tuple[str, str]
    ) -> Channel:
        """Make a channel, and tell so.

        Args:
            endpoint: Such as ``PJSIP/1001``.
            exten: Where it is in the dialplan.
            state: ``DOWN``, or ``RING`` for one that calls.
            of: The channel for which this one is made; None for the first of a call.
            caller: Number and name of who is at its end.
        """
        uniqueid = f"{self.agenda.now // 1_000_000}.{next(self._numbers)}"
        channel = Channel(
            name=f"{endpoint}-{next(self._suffixes):08x}",
            uniqueid=uniqueid,
            linkedid=uniqueid if of is None else of.linkedid,
            context=CONTEXT,
            exten=exten,
            priority=1,
            since=self.agenda.now,
            state=state,
            caller=caller,
        )
        self.channels[uniqueid] = channel
        self.processed += of is None
        self.say("Newchannel", "call", channel.block())
        return channel

    def new_state(self, channel: Channel, state: int) -> None:
        """A channel rings, or is answered."""
        channel.state = state
        self.say("Newstate", "call", channel.block())

    def hang_up(self, channel: Channel, cause: int = 16) -> None:
        """A channel is gone."""
        del self.channels[channel.uniqueid]
        self.say("Hangup", "call", channel.block(), [("Cause", str(cause)), ("Cause-txt", _CAUSES[cause])])

    def hang_up_elsewhere(self, caller: Channel, *, was_answered: bool) -> None:
        """A caller who is in no queue any more hangs up."""
        cause = [("Cause", "16")]
        self.say("HangupRequest", "call", caller.block(), cause if was_answered else [])
        self.say("SoftHangupRequest", "call", caller.block(), cause)
        self.hang_up(caller, 16 if was_answered else 0)

    # Bridges --------------------------------------------------------------------------------------------------------

    def make_bridge(self, *channels: Channel) -> Bridge:
        """Join channels in a new bridge."""
        bridge = Bridge(str(uuid.UUID(int=self._random.getrandbits(128), version=4)))
        self.say("BridgeCreate", "call", bridge.block())
        for channel in channels:
            channel.bridge = bridge.uniqueid
            bridge.size += 1
            self.say("BridgeEnter", "call", bridge.block(), channel.block())
        return bridge

    def leave_bridge(self, bridge: Bridge, channel: Channel) -> None:
        """A channel goes out of a bridge."""
        bridge.size -= 1
        self.say("BridgeLeave", "call", bridge.block(), channel.block())
        channel.bridge = ""

    def destroy_bridge(self, bridge: Bridge) -> None:
        """A bridge is empty."""
        self.say("BridgeDestroy", "call", bridge.block())
