"""The manager interface's actions: what Asterisk 22 answers to each."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.simulate.agenda import SECOND
from gateway.simulate.channels import Channel
from gateway.simulate.membership import TRUE, Membership, RefusedError
from gateway.simulate.pbx import Pbx
from gateway.simulate.wire import Action, Fields, encode, stamp

VERSION: Final = "22.10.1"
BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
UNKNOWN: Final = "Invalid/unknown command: {}. Use Action: ListCommands to show available commands."
DENIED: Final = "Permission denied"


@dataclass(slots=True)
class Answer:
    """What comes back.

    Attributes:
        fields: Headers of the response, after Response and ActionID.
        items: Events of a list, without their ActionID.
        complete: The name of the event that ends the list; empty where it is none.
        error: Why it cannot be; then the rest does not count.
        id_first: Whether the list's events have their ActionID before all else, as those of channels do.
    """

    fields: Fields = field(default_factory=list)
    items: Iterable[tuple[str, Fields]] = ()
    complete: str = ""
    error: str = ""
    id_first: bool = False

    def encode(self, action_id: str) -> bytes:
        """It on the wire; without *action_id* the header is missing everywhere."""
        name = [("ActionID", action_id)] if action_id else []
        if self.error:
            return encode([("Response", "Error"), *name, ("Message", self.error)])
        start = [("EventList", "start")] if self.complete else []
        parts = [encode([("Response", "Success"), *name, *start, *self.fields])]
        count = 0
        for event, fields in self.items:
            count += 1
            body = [*name, *fields] if self.id_first else [*fields, *name]
            parts.append(encode([("Event", event), *body]))
        if self.complete:
            end = [("EventList", "Complete"), ("ListItems", str(count))]
            parts.append(encode([("Event", self.complete), *name, *end]))
        return b"".join(parts)


class Actions:
    """What can be asked of a PBX by somebody who is logged in.

    Args:
        pbx: The PBX.
        membership: Who is a member.
    """

    def __init__(self, pbx: Pbx, membership: Membership) -> None:
        self._pbx = pbx
        self._membership = membership
        read = frozenset({"agent"})
        self._known: Mapping[str, tuple[frozenset[str], Callable[[Action], Answer]]] = {
            "ping": (frozenset(), self._ping),
            "coresettings": (frozenset({"system", "reporting"}), self._core_settings),
            "corestatus": (frozenset({"system", "reporting"}), self._core_status),
            "coreshowchannels": (frozenset({"system", "reporting"}), self._core_show_channels),
            "getconfig": (frozenset({"system", "config"}), self._get_config),
            "queuesummary": (frozenset(), self._queue_summary),
            "queuestatus": (frozenset(), self._queue_status),
            "queueadd": (read, self._queue_add),
            "queueremove": (read, self._queue_remove),
            "queuepause": (read, self._queue_pause),
            "queuepenalty": (read, self._queue_penalty),
            "queuelog": (read, self._queue_log),
        }

    def carry_out(self, action: Action, rights: frozenset[str]) -> Answer:
        """Do what is asked, and answer.

        Args:
            action: What.
            rights: The classes that the client may write.
        """
        if not action.name:
            return Answer(error="Missing action in request")
        needed, do = self._known.get(action.name.lower(), (None, None))
        if needed is None or do is None:
            return Answer(error=UNKNOWN.format(action.name))
        if needed and not needed & rights:
            return Answer(error=DENIED)
        try:
            return do(action)
        except RefusedError as error:
            return Answer(error=str(error))

    # The core -------------------------------------------------------------------------------------------------------

    def _ping(self, _: Action) -> Answer:
        return Answer([("Ping", "Pong"), ("Timestamp", stamp(self._pbx.agenda.now))])

    def _core_settings(self, _: Action) -> Answer:
        return Answer([
            ("AMIversion", "11.0.0"),
            ("AsteriskVersion", VERSION),
            ("SystemName", ""),
            ("CoreMaxCalls", "0"),
            ("CoreMaxLoadAvg", "0.000000"),
            ("CoreRunUser", ""),
            ("CoreRunGroup", ""),
            ("CoreMaxFilehandles", "0"),
            ("CoreRealTimeEnabled", "No"),
            ("CoreCDRenabled", "No"),
            ("CoreHTTPenabled", "No"),
            ("SoundsSearchCustomDir", "No"),
        ])  # fmt: skip

    def _core_status(self, _: Action) -> Answer:
        started = time.localtime(self._pbx.started / SECOND)
        date, at = time.strftime("%Y-%m-%d", started), time.strftime("%H:%M:%S", started)
        calls = sum(channel.uniqueid == channel.linkedid for channel in self._pbx.channels.values())
        return Answer([
            ("CoreStartupDate", date),
            ("CoreStartupTime", at),
            ("CoreReloadDate", date),
            ("CoreReloadTime", at),
            ("CoreCurrentCalls", str(calls)),
            ("CoreProcessedCalls", str(self._pbx.processed)),
        ])  # fmt: skip

    def _core_show_channels(self, _: Action) -> Answer:
        items = [("CoreShowChannel", self._channel(channel)) for channel in self._pbx.channels.values()]
        fields = [("Message", "Channels will follow")]
        return Answer(fields, items, "CoreShowChannelsComplete", id_first=True)

    def _channel(self, channel: Channel) -> Fields:
        minutes, seconds = divmod((self._pbx.agenda.now - channel.since) // SECOND, 60)
        duration = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
        return [
            *channel.block(),
            ("Application", channel.application),
            ("ApplicationData", channel.data),
            ("Duration", duration),
            ("BridgeId", channel.bridge),
        ]

    def _get_config(self, action: Action) -> Answer:
        filename = action.get("Filename")
        if not filename:
            return Answer(error="Filename not specified")
        if filename != "queues.conf":
            return Answer(error="Config file not found")
        fields = [("Category-000000", "general"), ("Line-000000-000000", "autofill=yes")]
        for number, queue in enumerate(self._pbx.queues.values(), 1):
            fields.append((f"Category-{number:06d}", queue.name))
            lines = ["strategy=rrmemory", f"timeout={queue.timeout}", f"wrapuptime={queue.wrapuptime}", "ringinuse=no"]
            static = [member for member in queue.members if member.membership == "static"]
            lines += [f"member={member.interface},{member.penalty},{member.name}" for member in static]
            fields += [(f"Line-{number:06d}-{place:06d}", line) for place, line in enumerate(lines)]
        return Answer(fields)

    # Queues ---------------------------------------------------------------------------------------------------------

    def _queue_summary(self, action: Action) -> Answer:
        now, wanted = self._pbx.agenda.now, action.get("Queue").lower()
        items = [
            ("QueueSummary", queue.summary(now)) for name, queue in self._pbx.queues.items() if wanted in {"", name}
        ]
        return Answer([("Message", "Queue summary will follow")], items, "QueueSummaryComplete")

    def _queue_status(self, action: Action) -> Answer:
        now, wanted, who = self._pbx.agenda.now, action.get("Queue").lower(), action.get("Member")
        items: list[tuple[str, Fields]] = []
        for name, queue in self._pbx.queues.items():
            if wanted in {"", name}:
                items.append(("QueueParams", queue.params()))
                members = [member for member in queue.members if who in {"", member.interface, member.name}]
                items += [("QueueMember", member.entry()) for member in members]
                items += [("QueueEntry", entry) for entry in queue.entries(now)]
        return Answer([("Message", "Queue status will follow")], items, "QueueStatusComplete")

    def _queue_add(self, action: Action) -> Answer:
        self._membership.add(
            action.get("Queue"),
            action.get("Interface"),
            name=action.get("MemberName"),
            penalty=max(0, _number(action.get("Penalty")) or 0),
            paused=_is_true(action.get("Paused")),
            reason=action.get("Reason"),
            state_interface=action.get("StateInterface"),
            wrapuptime=max(0, _number(action.get("Wrapuptime")) or 0),
        )
        return _done("Added interface to queue")

    def _queue_remove(self, action: Action) -> Answer:
        self._membership.remove(action.get("Queue"), action.get("Interface"))
        return _done("Removed interface from queue")

    def _queue_pause(self, action: Action) -> Answer:
        interface, paused = action.get("Interface"), action.get("Paused")
        if not interface or not paused:
            return Answer(error="Need 'Interface' and 'Paused' parameters.")
        is_paused = _is_true(paused)
        self._membership.pause(interface, paused=is_paused, queue_name=action.get("Queue"), reason=action.get("Reason"))
        return _done(f"Interface {'paused' if is_paused else 'unpaused'} successfully")

    def _queue_penalty(self, action: Action) -> Answer:
        interface, penalty = action.get("Interface"), action.get("Penalty")
        if not interface or not penalty:
            return Answer(error="Need 'Interface' and 'Penalty' parameters.")
        self._membership.set_penalty(interface, _number(penalty) or 0, action.get("Queue"))
        return _done("Interface penalty set successfully")

    def _queue_log(self, action: Action) -> Answer:
        queue, event = action.get("Queue"), action.get("Event")
        if not queue or not event:
            return Answer(error="Need 'Queue' and 'Event' parameters.")
        self._pbx.log(action.get("UniqueID") or "NONE", queue, action.get("Interface"), event, action.get("Message"))
        return _done("Event added successfully")


def _done(message: str) -> Answer:
    return Answer([("Message", message)])


def _is_true(text: str) -> bool:
    return text.lower() in TRUE


def _number(text: str) -> int | None:
    """An integer as Asterisk reads one; None for what is none."""
    try:
        return int(text)
    except ValueError:
        return None
