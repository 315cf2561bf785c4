"""What goes out: works the outbox off over the connection of the moment, in the loop's steps."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from gateway.errors import MqttConnectionError
from gateway.guard import tell
from gateway.mqtt.connection import Connection, Loss
from gateway.mqtt.interface import MqttListener, Retained
from gateway.mqtt.outbox import Entry, Outbox

_logger = logging.getLogger(__name__)

MARKS_WITHIN: Final = 0.1
"""Seconds after which snapshots leave though there are events enough to send."""


class Sender:
    """The outbox, and the connection it leaves by.

    What is asked for leaves in the loop's next step, so that the listener is never asked to render while it is in
    the middle of a change, and one step serves all that one burst of events brought.

    Attributes:
        outbox: What waits and what is under way.
        heard: Whether the broker has acknowledged anything on this connection.
        taken: Publishes that a broker has taken.
        in_a_hurry: Whether more is about to be told at once.
    """

    def __init__(self, outbox: Outbox, window: int, state_topic: str, listener: MqttListener) -> None:
        """Keep *window* messages under way at most; *state_topic* is where ``online`` and ``offline`` go."""
        self.outbox = outbox
        self.heard = False
        self.taken = 0
        self.in_a_hurry = False
        self._window = window
        self._state_topic = state_topic
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: Connection | None = None
        self._leaving = False
        self._step_due = False
        self._marks_due: float | None = None  # by the loop's clock, while marks wait
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @property
    def attached(self) -> bool:
        """Whether there is a connection to send on."""
        return self._connection is not None

    def start(self) -> None:
        """Note the running loop; what came before waits for it."""
        self._loop = asyncio.get_running_loop()
        self.step_soon()

    def attach(self, connection: Connection, births: Iterable[str]) -> None:
        """Send on *connection*: the retained topics *births* first, then ``online``, then what waited."""
        self.outbox.connected([*births, self._state_topic])
        self._connection = connection
        self._leaving = self.heard = False
        connection.after_read = self.step
        self.step_soon()

    def detach(self, *, blame: bool) -> None:
        """Send no more for now; *blame* says whether what was under way may have cost the connection."""
        self._connection = None
        culprit = self.outbox.disconnected(blame=blame and not self._leaving)
        if culprit is None:
            return
        if culprit.topic == self._state_topic:
            self.outbox.mark(culprit.topic)  # without it no other message can be trusted, so it is never given up
            return
        _logger.warning("a message for %s cost three connections and is set aside", culprit.topic)
        tell(self._listener.mqtt_set_aside, culprit.topic)

    def acknowledged(self, identifier: int, refusal: str | None) -> None:
        """Let go of what the broker has, or has refused."""
        self.heard = True
        entry = self.outbox.acknowledged(identifier)
        if entry is not None and refusal is not None:
            self._refused(entry, refusal)
        elif entry is not None:
            self.taken += 1

    async def drain(self) -> None:
        """Wait until everything is acknowledged."""
        await self._until(lambda: self.outbox.is_empty)

    async def leave(self) -> None:
        """Send nothing new but ``offline`` and wait until all that is under way is acknowledged.

        Raises:
            MqttConnectionError: If the connection is lost meanwhile.
        """
        connection = self._connection
        assert connection is not None
        self._leaving = True
        await connection.unless_lost(self._until(lambda: not self.outbox.under_way))
        self._publish(connection, Entry(self._state_topic, None), Retained(b"offline"))
        await connection.unless_lost(self._until(lambda: not self.outbox.under_way))

    def step_soon(self) -> None:
        """Have the loop look at the outbox in its next step."""
        if not self._step_due and self._loop is not None:
            self._step_due = True
            self._loop.call_soon(self.step_if_due)

    def step_if_due(self) -> None:
        """What is due in the loop's next step, now."""
        if self._step_due:
            self.step()

    def step(self) -> None:
        """Send what the window allows, and wake who waits. Not for who is in the middle of a change."""
        self._step_due = False
        connection = self._connection
        if connection is not None and not self._leaving:
            self._work_off(connection)
        for holds, waiter in self._waiters:
            if not waiter.done() and holds():
                waiter.set_result(None)

    def _work_off(self, connection: Connection) -> None:
        """Send what the window allows: the events first, as they are ready, and the snapshots are yet to be made.

        While there is more to come at once, snapshots are left for their successors; but some leave in any case.
        """
        window = min(self._window, connection.receive_maximum)
        due = self._marks_due is not None and connection.now() >= self._marks_due
        if due:
            for _ in range(window):
                if not self._send_next(connection, self.outbox.take(window, events=False)):
                    break
        while self._send_next(connection, self.outbox.take(window, marks=False)):
            pass
        connection.flush()
        if not self.in_a_hurry:
            while self._send_next(connection, self.outbox.take(window)):
                pass
            connection.flush()
        if not self.outbox.has_marks:
            self._marks_due = None
        elif due or self._marks_due is None:
            self._marks_due = connection.now() + MARKS_WITHIN

    def _send_next(self, connection: Connection, entry: Entry | None) -> bool:
        """Send *entry*, if there is one; returns whether there may be another."""
        if entry is None:
            return False
        self._send(connection, entry)
        return not connection.lost.done()

    def _send(self, connection: Connection, entry: Entry) -> None:
        content = self._render(entry) if entry.is_mark else None
        if entry.is_mark and content is None:
            self.outbox.forget(entry)
            return
        try:
            self._publish(connection, entry, content)
        except ValueError as error:
            self.outbox.forget(entry)
            self._refused(entry, str(error))
        except MqttConnectionError as error:
            self.outbox.put_back(entry)
            connection.abort(Loss(str(error)))

    def _publish(self, connection: Connection, entry: Entry, content: Retained | None) -> None:
        identifier = connection.publish_now(
            entry.topic,
            content.payload if content is not None else entry.payload or b"",
            retain=content is not None,
            expiry=content.expiry if content is not None else None,
            correlation_data=entry.correlation_data,
        )
        self.outbox.sent(identifier, entry, connection.now())

    def _render(self, entry: Entry) -> Retained | None:
        if entry.topic == self._state_topic:
            return Retained(b"online")
        content = tell(self._listener.render, entry.topic)
        if content is None and entry.removes:
            return Retained(b"")  # sent on a connection that is gone, so it may not have arrived
        entry.removes = content is not None and not content.payload
        return content

    def _refused(self, entry: Entry, reason: str) -> None:
        _logger.debug("a publish to %s is refused: %s", entry.topic, reason)
        tell(self._listener.mqtt_refused, entry.topic, reason)

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds* is true after a step."""
        if holds():
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((holds, waiter))
        try:
            await waiter
        finally:
            self._waiters.remove((holds, waiter))
