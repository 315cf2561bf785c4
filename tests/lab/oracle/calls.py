"""From events to queue calls: when each was queued, offered, answered, and when the agent stopped talking."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tests.lab import tap
from tests.lab.wire import Message

SETTLE: Final = 200_000  # microseconds within which a channel that left its bridge may enter another
INTERRUPTED: Final = "interrupted"


@dataclass(slots=True)
class Call:
    """One answer of one caller by one member.

    Attributes:
        joined: The caller's QueueCallerJoin, None if it was not seen.
        offered: The member's last AgentCalled for this caller before the answer.
        answered: AgentConnect.
        ended: When the agent's talking ended; None if it goes on.
        ended_by: ``caller``, ``agent``, ``transfer`` as AgentComplete says, ``interrupted``, or None.
        completed: The AgentComplete, None if there was none.
    """

    queue: str
    name: str
    interface: str
    uniqueid: str
    leg: str
    joined: int | None
    offered: int | None
    answered: int
    ended: int | None = None
    ended_by: str | None = None
    completed: Message | None = None

    @property
    def talk(self) -> int:
        """From the answer to the end; an error for a call that goes on."""
        assert self.ended is not None
        return self.ended - self.answered

    @property
    def time_to_answer(self) -> int | None:
        """The caller's waiting, from joining the queue to the answer."""
        return None if self.joined is None else self.answered - self.joined

    @property
    def ring_time(self) -> int | None:
        """The agent's ringing, from the last offer to the answer."""
        return None if self.offered is None else self.answered - self.offered


class _Follower:
    """Walks through the events once, with who is in which bridge and which calls are open."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._open: dict[str, Call] = {}  # by the leg's Uniqueid
        self._alone: dict[str, int] = {}  # leg of an open call: since when it has nobody to talk to
        self._bridges: dict[str, set[str]] = {}
        self._joined: dict[tuple[str, str], int] = {}
        self._offered: dict[tuple[str, str, str], int] = {}
        self._last = 0
        self._handlers: dict[str, Callable[[Message], None]] = {
            "QueueCallerJoin": self._caller_joined,
            "AgentCalled": self._agent_called,
            "AgentConnect": self._answered,
            "AgentComplete": self._completed,
            "BridgeEnter": self._entered,
            "BridgeLeave": self._left,
            "Hangup": lambda event: self._ended(event["Uniqueid"], event.time),
            "LocalOptimizationBegin": self._replaced,
            "BlindTransfer": self._blind,
            "AttendedTransfer": self._attended,
        }

    def take(self, event: Message) -> None:
        if event.event == tap.LOST:
            self._interrupt()
            return
        if "Timestamp" not in event:
            return
        self._last = event.time
        self._settle(event.time)
        if handler := self._handlers.get(event.event):
            handler(event)

    def finish(self) -> None:
        """Close what is alone at the end of the recording: nothing came to change it."""
        self._settle(self._last + SETTLE + 1)

    def _caller_joined(self, event: Message) -> None:
        self._joined[event["Queue"], event["Uniqueid"]] = event.time

    def _agent_called(self, event: Message) -> None:
        self._offered[event["Queue"], event["Interface"], event["Uniqueid"]] = event.time

    def _answered(self, event: Message) -> None:
        queue, interface, uniqueid = event["Queue"], event["Interface"], event["Uniqueid"]
        call = Call(
            queue=queue,
            name=event["MemberName"],
            interface=interface,
            uniqueid=uniqueid,
            leg=event["DestUniqueid"],
            joined=self._joined.get((queue, uniqueid)),
            offered=self._offered.get((queue, interface, uniqueid)),
            answered=event.time,
        )
        self.calls.append(call)
        self._open[call.leg] = call

    def _completed(self, event: Message) -> None:
        """Give the call its reason; where the Dest block is missing, the oldest such call without one."""
        leg, uniqueid = event.get("DestUniqueid"), event.get("Uniqueid")
        member = [c for c in self.calls if c.queue == event["Queue"] and c.interface == event["Interface"]]
        without = [c for c in member if c.completed is None]
        candidates = (
            [c for c in without if leg and c.leg == leg]
            or [c for c in without if not leg and uniqueid and c.uniqueid == uniqueid]
            or [c for c in without if not leg and not uniqueid]
        )
        if candidates:
            call = candidates[0]
            call.completed = event
            call.ended_by = call.ended_by or event["Reason"]

    def _replaced(self, event: Message) -> None:
        """A Local channel goes out of the way: what is behind it takes its place."""
        call = self._open.pop(event["LocalOneUniqueid"], None)
        if call is not None:
            call.leg = event["SourceUniqueid"]
            self._open[call.leg] = call

    def _entered(self, event: Message) -> None:
        if event.get("BridgeType") == "agent_hold":  # where the agents of a pool wait, each for itself
            return
        members = self._bridges.setdefault(event["BridgeUniqueid"], set())
        members.add(event["Uniqueid"])
        if len(members) > 1:
            for channel in members:
                self._alone.pop(channel, None)

    def _left(self, event: Message) -> None:
        members = self._bridges.setdefault(event["BridgeUniqueid"], set())
        members.discard(event["Uniqueid"])
        for channel in (event["Uniqueid"], *(members if len(members) == 1 else ())):
            if channel in self._open:
                self._alone.setdefault(channel, event.time)

    def _blind(self, event: Message) -> None:
        """End the talk of the agent who transfers, and that of the agent whom the caller transfers."""
        transferer = event.get("TransfererUniqueid", "")
        for leg in [leg for leg, call in self._open.items() if transferer in (leg, call.uniqueid)]:
            self._ended(leg, event.time)

    def _attended(self, event: Message) -> None:
        for header in ("OrigTransfererUniqueid", "SecondTransfererUniqueid"):
            self._ended(event.get(header, ""), event.time)

    def _ended(self, leg: str, time: int) -> None:
        call = self._open.pop(leg, None)
        if call is not None:
            call.ended = self._alone.pop(leg, time)

    def _settle(self, now: int) -> None:
        for leg in [leg for leg, since in self._alone.items() if now - since > SETTLE]:
            self._ended(leg, now)

    def _interrupt(self) -> None:
        """Asterisk is gone, and its calls with it, at the last that was heard of it."""
        for leg in list(self._open):
            call = self._open[leg]
            if leg not in self._alone:
                call.ended_by = INTERRUPTED
            self._ended(leg, self._last)
        self._bridges.clear()
        self._alone.clear()


def follow(events: Iterable[Message]) -> list[Call]:
    """Return the calls that were answered, in the order of their answers."""
    follower = _Follower()
    for event in events:
        follower.take(event)
    follower.finish()
    return follower.calls
