"""The messages by which Home Assistant finds devices, each with all its entities.

Device-based discovery, which Home Assistant knows from 2024.12 on: one message for a device, where there were one for
each entity. Nothing but these messages is published for it; the entities read the contract's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.mqtt.discovery import entities, pause
from gateway.mqtt.discovery.entities import Entity
from gateway.mqtt.discovery.names import SEPARATOR, DeviceKind, DiscoveryTopics
from gateway.mqtt.payloads import Payload
from gateway.mqtt.topics import Topics

MANUFACTURER: Final = "cti-gateway"
QOS: Final = 1
"""Of commands, and of what Home Assistant subscribes to: a figure that gets lost would stay wrong until the next."""

Components = dict[str, dict[str, object]]


class DevicePayload(Payload):
    """A device; the words are Home Assistant's."""

    device: Mapping[str, object]
    origin: Mapping[str, str]
    availability: Sequence[Mapping[str, str]]
    availability_mode: str = "all"
    components: Mapping[str, Mapping[str, object]]


class Devices:
    """Makes the devices.

    Args:
        topics: The gateway's own topics.
        discovery: What devices are called.
        node: The node, as a name.
        version: The gateway's.
    """

    def __init__(self, topics: Topics, discovery: DiscoveryTopics, *, node: str, version: str) -> None:
        self._topics = topics
        self._discovery = discovery
        self._node = node
        self._version = version
        self._online = {"topic": topics.bridge_state}
        self._current = {
            "topic": topics.bridge_asterisk,
            "value_template": "{{ 'online' if value_json.current else 'offline' }}",
        }

    def gateway(self) -> DevicePayload:
        """The gateway itself. What it says of itself holds whether or not it has a link to Asterisk."""
        components: Components = {}
        for topic, shown in (
            (self._topics.bridge_asterisk, entities.ASTERISK),
            (self._topics.bridge_info, entities.INFO),
            (self._topics.bridge_health, entities.HEALTH),
        ):
            components |= self._components("gateway", "", topic, shown)
        return self._payload(
            "gateway",
            "",
            f"CTI gateway {self._node}",
            components,
            availability=[self._online],
            sw_version=self._version,
        )

    def queue(self, name: str) -> DevicePayload:
        """A queue."""
        components = self._components("queue", name, self._topics.queue(name), entities.QUEUE)
        return self._payload("queue", name, f"Queue {name}", components, availability=[self._online, self._current])

    def agent(self, name: str, reasons: Sequence[str] | None) -> DevicePayload:
        """An agent, with a select to pause it with one of *reasons* or without; None: it may not be paused."""
        topic = self._topics.agent(name)
        components = self._components("agent", name, topic, entities.AGENT)
        # A component of which nothing but the platform is told is one that is not there, or not any more.
        components["pause"] = {"platform": "select"}
        if reasons is not None:
            components["pause"] |= {
                "name": "Pause",
                "icon": "mdi:account-clock",
                "options": pause.options(reasons),
                "value_template": pause.shown(reasons),
                "command_topic": f"{topic}/set",
                "command_template": pause.COMMAND,
                **self._common("agent", name, topic, "pause"),
            }
        return self._payload("agent", name, f"Agent {name}", components, availability=[self._online, self._current])

    def _components(self, kind: DeviceKind, name: str, topic: str, shown: Iterable[Entity]) -> Components:
        return {each.key: each.component() | self._common(kind, name, topic, each.key) for each in shown}

    def _common(self, kind: DeviceKind, name: str, topic: str, key: str) -> dict[str, object]:
        unique_id = SEPARATOR.join((self._discovery.device(kind, name), key))
        return {"unique_id": unique_id, "state_topic": topic, "qos": QOS}

    def _payload(
        self,
        kind: DeviceKind,
        name: str,
        title: str,
        components: Components,
        *,
        availability: Sequence[Mapping[str, str]],
        **more: str,
    ) -> DevicePayload:
        device = {
            "identifiers": [self._discovery.device(kind, name)],
            "name": title,
            "manufacturer": MANUFACTURER,
            "model": kind.capitalize(),
            **more,
        }
        if kind != "gateway":
            device["via_device"] = self._discovery.device("gateway")
        return DevicePayload(
            device=device,
            origin={"name": MANUFACTURER, "sw_version": self._version},
            availability=availability,
            components=components,
        )
