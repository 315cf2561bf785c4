"""Lists that Asterisk answers with: channels, members, callers, configuration. Each is the truth of its moment."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.ami.bridges import Bridges
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

_OF_POOL: Final = "AgentLogin"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of CoreShowChannels; ``bridge`` is ``""`` outside of any, ``state`` is the number of its state."""

    uniqueid: str
    linkedid: str | None
    name: str
    bridge: str
    application: str
    data: str
    caller_number: str | None
    caller_name: str | None
    state: str = ""


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
            state=fields.get("channelstate", ""),
        )
        self.channels[channel.uniqueid] = channel

    def bridges(self) -> dict[str, str]:
        """Each channel's bridge, ``""`` for the one in which agents of the pool wait, and nobody else."""
        talking = {each.bridge for each in self.channels.values() if each.application != _OF_POOL}
        return {
            uniqueid: channel.bridge if channel.bridge in talking else "" for uniqueid, channel in self.channels.items()
        }

    def of_pool(self) -> set[str]:
        """The channels of the agents of app_agent_pool, which stay up between their calls."""
        return {each.uniqueid for each in self.channels.values() if each.application == _OF_POOL}

    def is_in_another_call(self, leg: str, call: CallKey) -> bool:
        """Whether an agent of the pool is done with a call: what the queue dialled is gone, and so is the caller.

        Without its Local channel the agent is in one bridge with the caller.
        """
        agent, caller = self.channels.get(leg), self.channels.get(call.uniqueid)
        if agent is None or agent.application != _OF_POOL or call.dest_uniqueid in self.channels:
            return False
        return caller is None or caller.bridge != agent.bridge

    def pairs(self) -> Iterator[tuple[str, str]]:
        """The halves of Local channels that belong together: their names differ in ``;1`` and ``;2`` only."""
        by_name = {channel.name: channel.uniqueid for channel in self.channels.values()}
        for name, one in by_name.items():
            if name.endswith(";1") and (two := by_name.get(f"{name[:-1]}2")) is not None:
                yield one, two

    def queue_legs(self, bridges: Bridges) -> set[str]:
        """The channels that talk for a queue: those it rang, the phones behind them, and whom its callers talk with."""
        legs = {each.uniqueid for each in self.channels.values() if each.application == "AppQueue"}
        phones = {bridges.phone_behind(leg) for leg in legs}
        of_callers = {each.bridge for each in self.channels.values() if each.application == "Queue" and each.bridge}
        company = {
            each.uniqueid
            for each in self.channels.values()
            if each.bridge in of_callers and each.application != "Queue"
        }
        return legs | phones | company

    def company_in_queue(self, queue: str, uniqueid: str) -> str | None:
        """Whom a caller talks with in a queue, where a Local channel of the member was optimised away: one channel.

        None for a caller who is not there any more, or elsewhere, or whom the queue connected with another member.
        """
        caller = self.channels.get(uniqueid)
        if caller is None or not caller.bridge or caller.application != "Queue" or not _is_in(queue, caller.data):
            return None
        company = [each for each in self.channels.values() if each.bridge == caller.bridge and each is not caller]
        if len(company) != 1 or company[0].application == "AppQueue":
            return None
        return company[0].uniqueid

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
    waiting: list[Mapping[str, str]] = field(default_factory=list)
    service_level: int | None = None

    def add(self, message: AmiMessage, from_wall: FromWall) -> None:
        """Take one message of the list. ``waiting``: QueueEntry of each caller; ``service_level``: microseconds."""
        match message.event:
            case "QueueParams":
                self.name = message.fields.get("queue")
                threshold = number(message.fields.get("servicelevel"))
                self.service_level = None if threshold is None else threshold * SECOND
            case "QueueMember":
                self.members.append(member_of_list(message.fields, from_wall))
            case "QueueEntry":
                self.waiting.append(message.fields)


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
