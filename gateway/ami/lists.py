"""Lists that Asterisk answers with: channels, members, callers, configuration. Each is the truth of its moment."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.ami.members import FromWall, member_of_list, number
from gateway.ami.message import AmiMessage
from gateway.ami.text import caller_name, caller_text
from gateway.domain.call import Call, CallKey
from gateway.domain.instant import SECOND
from gateway.domain.member import Member, fold

LIST_EVENTS: Final = frozenset({
    "QueueParams", "QueueMember", "QueueEntry", "QueueStatusComplete", "QueueSummary", "QueueSummaryComplete",
    "CoreShowChannel", "CoreShowChannelsComplete",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of CoreShowChannels; ``bridge`` is ``""`` outside of any."""

    uniqueid: str
    linkedid: str | None
    name: str
    bridge: str
    application: str
    data: str
    caller_number: str | None
    caller_name: str | None


@dataclass(slots=True)
class Channels:
    """All channels of one moment, by Uniqueid."""

    channels: dict[str, Channel] = field(default_factory=dict)

    def add(self, message: AmiMessage) -> None:
        """Take one CoreShowChannel."""
        fields = message.fields
        channel = Channel(
            uniqueid=fields.get("uniqueid", ""),
            linkedid=fields.get("linkedid") or None,
            name=fields.get("channel", ""),
            bridge=fields.get("bridgeid", ""),
            application=fields.get("application", ""),
            data=fields.get("applicationdata", ""),
            caller_number=caller_text(fields.get("calleridnum")),
            caller_name=caller_name(fields),
        )
        self.channels[channel.uniqueid] = channel

    def bridges(self) -> dict[str, str]:
        """Each channel's bridge."""
        return {uniqueid: channel.bridge for uniqueid, channel in self.channels.items()}

    def pairs(self) -> Iterator[tuple[str, str]]:
        """The halves of Local channels that belong together: their names differ in ``;1`` and ``;2`` only."""
        by_name = {channel.name: channel.uniqueid for channel in self.channels.values()}
        for name, one in by_name.items():
            if name.endswith(";1") and (two := by_name.get(f"{name[:-1]}2")) is not None:
                yield one, two

    def calls(self, queue: str, interface: str, now: int) -> Iterator[Call]:
        """The calls of a queue that the member talks in.

        The caller's channel is in the application Queue with that queue's name, the member's in AppQueue, both in
        one bridge. When it was answered no list tells.
        """
        device = device_of(interface)
        for leg in self.channels.values():
            if leg.application != "AppQueue" or not leg.bridge or fold(leg.name.rpartition("-")[0]) != device:
                continue
            for caller in self.channels.values():
                if caller.bridge == leg.bridge and caller.application == "Queue" and _is_in(queue, caller.data):
                    yield Call(
                        key=CallKey(caller.uniqueid, leg.uniqueid),
                        linkedid=caller.linkedid,
                        caller_number=caller.caller_number,
                        caller_name=caller.caller_name,
                        found_at=now,
                    )


@dataclass(slots=True)
class QueueList:
    """What QueueStatus told of one queue."""

    name: str | None = None
    members: list[Member] = field(default_factory=list)
    waiting: list[tuple[str, int]] = field(default_factory=list)

    def add(self, message: AmiMessage, from_wall: FromWall) -> None:
        """Take one message of the list. ``waiting``: a caller's Uniqueid and microseconds of waiting."""
        match message.event:
            case "QueueParams":
                self.name = message.fields.get("queue")
            case "QueueMember":
                self.members.append(member_of_list(message.fields, from_wall))
            case "QueueEntry":
                waited = (number(message.fields.get("wait")) or 0) * SECOND
                self.waiting.append((message.fields.get("uniqueid", ""), waited))


def queue_names(answer: Iterable[AmiMessage]) -> list[str]:
    """The queues that QueueSummary lists."""
    return [message.fields["queue"] for message in answer if message.event == "QueueSummary"]


def wrap_up_times(answer: AmiMessage) -> dict[str, int]:
    """Seconds of wrap-up by queue (folded), from GetConfig of queues.conf; 0 for a queue that sets none.

    Categories and lines are numbered in file order; of repeated lines the last one wins, as it does in Asterisk.
    """
    categories = {key.rpartition("-")[2]: value for key, value in answer.fields.items() if key.startswith("category-")}
    times = {fold(name): 0 for name in categories.values() if name != "general"}
    lines = [(key, value) for key, value in answer.fields.items() if key.startswith("line-")]
    for key, value in sorted(lines):
        name, _, setting = value.partition("=")
        category = categories.get(key.split("-")[1], "general")
        seconds = number(setting.strip())
        if name.strip().lower() == "wrapuptime" and category != "general" and seconds is not None:
            times[fold(category)] = max(0, seconds)
    return times


def device_of(interface: str) -> str:
    """The part of a channel's name that an interface gives: options of a Local channel are not in it."""
    parts = interface.split("/")
    kept = parts[:2] if parts[0].lower() == "local" else parts
    return fold("/".join(kept))


def _is_in(queue: str, data: str) -> bool:
    return fold(data.partition(",")[0].strip()) == fold(queue)
