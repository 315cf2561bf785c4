"""Telling Home Assistant of the devices: one message when a queue or an agent comes, and its removal when it goes."""

from collections.abc import Callable, Iterable, Sequence

from gateway.domain.agent import AgentEvent, AgentRefreshed, AgentRemoved
from gateway.domain.facts import Outcome
from gateway.domain.queue import ACDQueue, ACDQueueEvent, CallerEvent, QueueEvent, QueueRefreshed
from gateway.mqtt.boards import Board
from gateway.mqtt.discovery.devices import DevicePayload, Devices
from gateway.mqtt.discovery.names import DeviceKind, DiscoveryTopics
from gateway.mqtt.narrator import UNDECODABLE
from gateway.mqtt.stream import Publisher
from gateway.mqtt.topics import TopicNameError

Device = tuple[DeviceKind, str]
"""A kind, and the name of one of that kind."""

GATEWAY: Device = ("gateway", "")


class DeviceBoard(Board[Device]):
    """The discovery topics. What they show does not move by itself."""

    def moves(self, topic: str) -> bool:  # noqa: ARG002, D102 - see Board
        return False


class DiscoveryNarrator:
    """Tells of devices.

    Args:
        publisher: Where messages go.
        discovery: Their topics.
        devices: Their contents.
        wants: Whether Home Assistant is to find the queue or agent of that name.
        reasons: The pause reasons that it offers at present; None while agents may not be paused.

    Attributes:
        board: What the discovery topics show.
    """

    def __init__(
        self,
        publisher: Publisher,
        discovery: DiscoveryTopics,
        devices: Devices,
        *,
        wants: Callable[[DeviceKind, str], bool],
        reasons: Callable[[], Sequence[str] | None],
    ) -> None:
        self.board = DeviceBoard(publisher, lambda device, _seq, _now: self._render(device))
        self._discovery = discovery
        self._devices = devices
        self._wants = wants
        self._reasons = reasons
        self._known: dict[Device, str | None] = {}

    def restore(self, shown: Iterable[object]) -> None:
        """Tell of the gateway, and of what other narrators show of an earlier life: the things on their boards."""
        self._appear(GATEWAY)
        for thing in shown:
            match thing:
                case ACDQueue():
                    self._appear(("queue", thing.name))
                case AgentRefreshed():
                    self._appear(("agent", thing.agent.name))
                case _:
                    pass

    def announce(self, outcome: Outcome) -> None:
        """Tell an outcome, if by it a queue or an agent came or went."""
        match outcome:
            case AgentEvent() | AgentRefreshed():
                self._appear(("agent", outcome.agent.name))
            case AgentRemoved():
                self._vanish(("agent", outcome.name))
            case QueueEvent(event=ACDQueueEvent.QUEUE_REMOVED):
                self._vanish(("queue", outcome.queue.name))
            case QueueEvent() | CallerEvent() | QueueRefreshed():
                self._appear(("queue", outcome.queue.name))
            case _:
                pass

    def tell_anew(self) -> None:
        """What may be done with agents changed: tell of each of them again."""
        for (kind, name), topic in self._known.items():
            if kind == "agent" and topic is not None:
                self.board.show(topic, (kind, name))

    def _appear(self, device: Device) -> None:
        if device in self._known:
            return
        self._known[device] = topic = self._topic_of(*device)
        if topic is not None:
            self.board.show(topic, device)

    def _vanish(self, device: Device) -> None:
        topic = self._known.pop(device, None)
        if topic is not None:
            self.board.remove(topic)

    def _topic_of(self, kind: DeviceKind, name: str) -> str | None:
        """Where to tell of a device; None if it is not wanted, or its name makes no topic, as others have told."""
        if kind != "gateway" and (UNDECODABLE in name or not self._wants(kind, name)):
            return None
        try:
            self._render((kind, name))
            return self._discovery.topic(kind, name)
        except TopicNameError:
            return None

    def _render(self, device: Device) -> DevicePayload:
        kind, name = device
        if kind == "queue":
            return self._devices.queue(name)
        if kind == "agent":
            return self._devices.agent(name, self._reasons())
        return self._devices.gateway()
