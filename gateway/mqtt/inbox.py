"""What one connection brings in: commands, and retained messages of an earlier life."""

import asyncio
from dataclasses import replace

from gateway.guard import tell
from gateway.mqtt.connection import Connection
from gateway.mqtt.interface import Inbound, MqttListener
from gateway.mqtt.topics import Topics

QUIET = 1.0  # seconds after a subscription, or its last retained message, in which the next one is expected


class Inbox:
    """Sorts what comes in. Made anew for each connection, as what is resumed or replayed depends on its age."""

    def __init__(self, topics: Topics, listener: MqttListener) -> None:
        self._topics = topics
        self._listener = listener
        # Those of the bridge are always there; they are looked at for the ``seq`` they have.
        self._bridge_topics = (topics.bridge_asterisk, topics.bridge_info, topics.bridge_health)
        self._searched = [*topics.retained_filters(), *self._bridge_topics]
        self._subscribed_at: float | None = None
        self._searching = False
        self._last_found = 0.0

    async def subscribe(self, connection: Connection, *, search: bool) -> None:
        """Subscribe to the commands, and with *search* to what may be retained of an earlier life.

        A broker that keeps its answers in order has told all of that when this returns.

        Raises:
            MqttConnectionError: If the connection is lost meanwhile.
        """
        await connection.subscribe_to(self._topics.command_filters(), commands=True)
        self._subscribed_at = connection.now()
        if search:
            self._searching = True
            await connection.subscribe_to(self._searched, commands=False)
            # Retained messages follow the SUBACK. What is answered behind them is a question that changes nothing.
            await connection.unsubscribe_from([self._topics.bridge_state])

    async def end_search(self, connection: Connection) -> None:
        """Return when no retained message has come for a while, and unsubscribe from them.

        Raises:
            MqttConnectionError: If the connection is lost meanwhile.
        """
        until = connection.now() + QUIET
        while connection.now() < until:
            await asyncio.sleep(until - connection.now())
            until = max(until, self._last_found + QUIET)
        self._searching = False
        await connection.unsubscribe_from(self._searched)

    def received(self, connection: Connection, message: Inbound) -> None:
        """Hand a command on, note a retained message, ignore all else: a faulty broker sends more than we asked for."""
        if self._topics.parse_command(message.topic) is not None:
            resumed = connection.session_present and self._subscribed_at is None
            replayed = message.retained and not resumed and self._may_be_replay(connection)
            tell(self._listener.mqtt_command, replace(message, replayed=replayed, resumed=resumed))
        elif self._searching and message.retained and message.payload and self._is_searched(message.topic):
            self._last_found = connection.now()
            tell(self._listener.mqtt_found_retained, message.topic, message.payload)

    def _is_searched(self, topic: str) -> bool:
        return topic in self._bridge_topics or self._topics.is_retained(topic)

    def _may_be_replay(self, connection: Connection) -> bool:
        # Under 3.1.1 the flag is set on nothing else; under MQTT 5 also on what is published with it now.
        if connection.version != "5" or self._subscribed_at is None:
            return True
        return connection.now() - self._subscribed_at < QUIET
