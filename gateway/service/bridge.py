"""The bridge topics: what the gateway is, how it does, and whether its picture of Asterisk is current."""

import json
import resource
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

from gateway import __version__
from gateway.clock import Clock
from gateway.domain.handler import AgentHandler
from gateway.mqtt.announcer import Announcer
from gateway.mqtt.interface import Inbound, Retained
from gateway.mqtt.payloads import (
    CONTRACT,
    AgentHandlerPayload,
    BridgeAsteriskPayload,
    BridgeHealthPayload,
    BridgeInfoPayload,
)
from gateway.mqtt.presentation import Presentation, seconds, time_of_day
from gateway.mqtt.stream import Publisher
from gateway.mqtt.topics import Topics
from gateway.service.ledger import Ledger
from gateway.service.picture import Picture

CAPABILITIES: Final = ["session", "call", "agent", "set", "create_session", "measurement_period", "resync", "health"]
"""What of the contract this version does."""

_STATM: Final = Path("/proc/self/statm")


class Outbox(Protocol):
    """What is waiting for the broker."""

    @property
    def depth(self) -> int:
        """Messages."""

    @property
    def depth_bytes(self) -> int:
        """Their size."""


class Bridge:
    """Renders the retained topics, and is told what the broker does.

    Args:
        topics: Their names.
        announcer: Renders the sessions.
        presentation: Times of day.
        picture: Whether it is current.
        handler: What there is to count.
        publisher: Where messages go.
        clock: For uptime.

    Attributes:
        on_gone: Is told the numbers of messages that need to be kept no longer.
        on_command: Takes a message on a command topic.
        rights_missing: What the AMI user may not do.
        commands_answered: How many commands were answered.
        outbox: What waits for the broker.
        ledger: What must be kept before it is shown.
        on_login: Is told that a login succeeded, by the name of the link.
        ami_counts: Of what came over AMI: lines that made no sense, and events that nobody wants.
        refused: Publishes that the broker refused, by topic.
        dropped: Events that no longer fitted into the outbox.
    """

    def __init__(
        self,
        topics: Topics,
        announcer: Announcer,
        presentation: Presentation,
        picture: Picture,
        handler: AgentHandler,
        *,
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        self.on_gone: Callable[[int], None] = lambda _: None
        self.on_command: Callable[[Inbound], None] = lambda _: None
        self.rights_missing: Callable[[], list[str]] = list
        self.commands_answered: Callable[[], int] = int
        self.outbox: Outbox | None = None
        self.ledger: Ledger | None = None
        self.on_login: Callable[[str], None] = lambda _: None
        self.ami_counts: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.refused: Counter[str] = Counter()
        self.dropped = 0
        self._topics = topics
        self._announcer = announcer
        self._presentation = presentation
        self._picture = picture
        self._handler = handler
        self._publisher = publisher
        self._clock = clock
        self._started = clock.now()
        self._found: set[str] = set()
        self._was_connected = False
        self._overtaken: str | None = None
        self._render: dict[str, Callable[[], bytes]] = {
            topics.bridge_asterisk: lambda: self._asterisk().to_bytes(),
            topics.bridge_info: lambda: self._info().to_bytes(),
            topics.bridge_health: lambda: self._health().to_bytes(),
        }

    # Told by the picture -------------------------------------------------------------------------------------------

    def picture_changed(self) -> None:
        """Link or picture changed: say so, behind all that was told before it.

        That the picture is current was put in its place already, before the events that were held.
        """
        self._publisher.refresh(self._topics.bridge_asterisk, requeue=not self._picture.current)
        if self._picture.current:
            self._publisher.refresh(self._topics.bridge_info)
            self._remove_unknown()

    def publish_health(self) -> None:
        """Publish ``bridge/health`` and ``bridge/info`` now."""
        self._publisher.refresh(self._topics.bridge_health)
        self._publisher.refresh(self._topics.bridge_info)

    def store_changed(self) -> None:
        """The store refuses, or takes what it is given again. What is told of it waits with all else until it does."""
        failure = self.ledger.failure if self.ledger is not None else None
        if failure is not None:
            self._tell("STORE_FAILED", reason=failure)
        else:
            self._renew_stream()
            self._tell("STORE_RECOVERED")
            for topic in self._announcer.topics():
                self._publisher.refresh(topic)
        if self.ledger is not None:
            self.ledger.refresh_at_once(self._topics.bridge_health)

    # Told and asked by the MQTT client -----------------------------------------------------------------------------

    def mqtt_connected(self, protocol: str) -> None:  # noqa: ARG002 - it is the client's to log
        """The broker took us."""
        self._was_connected = True
        self.on_login("mqtt")

    def mqtt_disconnected(self, reason: str) -> None:
        """The connection is gone; what waits is kept."""

    def mqtt_command(self, inbound: Inbound) -> None:
        """A message on a command topic."""
        self.on_command(inbound)

    def mqtt_found_retained(self, topic: str, payload: bytes) -> None:
        """The broker has a retained message of an earlier life: it goes, unless it is of this life too.

        One of our stream with a ``seq`` that was never given proves that more was told than the store knows: it is of
        an earlier time, though the file looks as if it had never been away.
        """
        known = self._announcer.seq if self._was_connected or self.ledger is None else self.ledger.last_seq
        seq = _seq_of(payload, self._presentation.stream)
        if seq is not None and seq > known:
            self._overtaken = f"the broker had seq {seq} of the stream {self._presentation.stream}, the store {known}"
            self._renew_stream()
        if topic in self._render:
            return
        self._found.add(topic)
        if self._picture.current:
            self._remove_unknown()

    def mqtt_refused(self, topic: str, reason: str) -> None:
        """The broker refused a publish: counted, and told once for each topic."""
        self.refused[topic] += 1
        if self.refused[topic] == 1 and topic != self._topics.bridge_event:
            self._tell("PUBLISH_REFUSED", topic=topic, reason=reason)

    def events_dropped(self, count: int, topic: str) -> None:
        """The oldest events no longer fitted into the store; the first of them was for *topic*."""
        self.dropped += count
        self._tell("EVENTS_DROPPED", count=count, topic=topic)

    def mqtt_set_aside(self, topic: str) -> None:
        """A message cost three connections, and is not tried again."""
        self.dropped += 1
        self._tell("MESSAGE_SET_ASIDE", topic=topic)

    def mqtt_gone(self, number: int) -> None:
        """An event needs to be kept no longer."""
        self.on_gone(number)

    def mqtt_twin(self, reason: str) -> None:
        """Another gateway takes our connection again and again."""
        self._tell("TWIN_FOUND", base=self._topics.base, reason=reason)

    def render(self, topic: str) -> Retained | None:
        """What a retained topic shows now."""
        if self.ledger is not None:
            self.ledger.commit_if_due()
        render = self._render.get(topic)
        if render is not None:
            return Retained(render())
        if self.ledger is not None and self.ledger.failure is not None:
            return None  # it may show what is not kept; with the store's return everything is sent anew
        shown = self._announcer.render(topic, self._picture.as_of(), self._picture.now())
        # What is shown nowhere is gone, or of an earlier life: an empty payload removes it.
        return shown or Retained(b"")

    def retained_topics(self) -> Iterable[str]:
        """Everything that must be on the broker; whether the picture is current comes last."""
        yield self._topics.bridge_info
        yield self._topics.bridge_health
        yield from self._announcer.topics()
        yield self._topics.bridge_asterisk

    # How -----------------------------------------------------------------------------------------------------------

    def _renew_stream(self) -> None:
        """Begin a new stream if the store was overtaken; where it refuses just now, as soon as it can be used."""
        if self._overtaken is None or self.ledger is None:
            return
        stream = str(uuid4())
        renumbered = self.ledger.renew(stream)
        if renumbered is None:
            return
        reason, self._overtaken = self._overtaken, None
        self._presentation.stream = stream
        self._announcer.begin_anew(renumbered.previous, renumbered.renumbered)
        self._tell("STORE_RESTORED", reason=reason)
        for topic in self.retained_topics():
            self._publisher.refresh(topic)

    def _remove_unknown(self) -> None:
        for topic in self._found:
            if not self._announcer.shows(topic):
                self._publisher.refresh(topic)
        self._found.clear()

    def _tell(self, event: str, **details: str | float) -> None:
        self._announcer.bridge_event(event, self._picture.now(), **details)

    def _seq(self) -> int:
        """Number of the last event that is kept: while the store refuses, one that is not may never be told."""
        if self.ledger is None or self.ledger.failure is None:
            return self._announcer.seq
        return self.ledger.seq

    def _asterisk(self) -> BridgeAsteriskPayload:
        link = self._picture.link
        return BridgeAsteriskPayload(
            stream=self._presentation.stream,
            seq=self._seq(),
            link=link.link,
            current=self._picture.current,
            since=self._presentation.at(link.since),
            version=link.version,
            started_at=link.started_at,
            last_error=link.last_error,
        )

    def _info(self) -> BridgeInfoPayload:
        sessions = list(self._handler.sessions())
        queues = sum(1 for _ in self._handler.queues())
        return BridgeInfoPayload(
            contract=CONTRACT,
            version=__version__,
            stream=self._presentation.stream,
            seq=self._seq(),
            node=self._presentation.node,
            started_at=time_of_day(self._started.wall),
            queues=queues,
            groups=queues,
            agents=len({session.agent for session in sessions}),
            sessions=len(sessions),
            agent_handler=AgentHandlerPayload(
                name=self._presentation.node,
                acd_groups=sorted(self._handler.queues()),
                usable_addresses=sorted({session.address for session in sessions}),
            ),
            queues_without_wrap_up=self._handler.queues_without_wrap_up(),
            capabilities=CAPABILITIES,
            rights_missing=self.rights_missing(),
        )

    def _health(self) -> BridgeHealthPayload:
        now = self._clock.now()
        malformed, unwanted = self.ami_counts()
        return BridgeHealthPayload(
            stream=self._presentation.stream,
            seq=self._seq(),
            at=time_of_day(now.wall),
            uptime=seconds(now.steady - self._started.steady),
            ami_lag=None if self._picture.lag is None else seconds(self._picture.lag),
            outbox_depth=self.outbox.depth if self.outbox else 0,
            outbox_bytes=self.outbox.depth_bytes if self.outbox else 0,
            events_handled=self._picture.events_handled,
            ami_malformed=malformed,
            ami_dropped=unwanted,
            commands_answered=self.commands_answered(),
            publishes_refused=self.refused.total(),
            names_refused=self._announcer.names_refused.total(),
            completions_unmatched=self._picture.completions_unmatched,
            events_lost=self.dropped,
            store_failure=None if self.ledger is None else self.ledger.failure,
            memory=_resident_bytes(),
        )


def _seq_of(payload: bytes, stream: str) -> int | None:
    """The ``seq`` of a retained message of *stream*; None for any other message, as anybody may have sent it."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or body.get("stream") != stream:
        return None
    seq = body.get("seq")
    return seq if isinstance(seq, int) else None


def _resident_bytes() -> int:
    """Resident set of this process, bytes; its peak where the kernel tells no more."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
