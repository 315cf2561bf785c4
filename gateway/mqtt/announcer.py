"""What the model has to tell, as messages: events in the order of ``seq``, and the snapshots beside them."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from gateway.domain.facts import CallRecord, Outcome, SessionRefreshed
from gateway.domain.instant import SECOND
from gateway.domain.session import AgentSession, SessionEvent
from gateway.mqtt.interface import Retained
from gateway.mqtt.payloads import BridgeEventPayload
from gateway.mqtt.presentation import Presentation
from gateway.mqtt.topics import TopicNameError, Topics

_log: Final = logging.getLogger(__name__)

UNDECODABLE: Final = "\ufffd"
"""Stands in a name for what Asterisk sent that is no UTF-8: two such names could be one topic."""


class Publisher(Protocol):
    """Where messages go."""

    def send(
        self, topic: str, payload: bytes, *, seq: int | None = None, correlation_data: bytes | None = None
    ) -> None:
        """Keep a message until the broker has it, in this order."""

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Send what ``render`` gives for a retained topic when its turn comes; *requeue*: behind all that waits."""


class Announcer:
    """Numbers the events of the stream, and knows what each retained session topic shows.

    Args:
        publisher: Where messages go.
        topics: Their names.
        presentation: Their contents.
        ended_retention: Microseconds for which the message of an ended session stays.

    Attributes:
        seq: Number of the last event; 0 before the first.
        names_refused: Group, agent and address that make no topic: how often one was to be told.
    """

    def __init__(
        self, publisher: Publisher, topics: Topics, presentation: Presentation, *, ended_retention: int
    ) -> None:
        self.seq = 0
        self.names_refused: Counter[tuple[str, str, str]] = Counter()
        self._publisher = publisher
        self._topics = topics
        self._presentation = presentation
        self._ended_retention = ended_retention
        self._topic_by_names: dict[tuple[str, str, str], str | None] = {}
        self._previous: dict[str, int] = {}
        self._changed: dict[str, int] = {}
        self._shown: dict[str, AgentSession] = {}
        self._seq_of: dict[str, int] = {}
        self._expiring: dict[str, int] = {}
        self._held: list[Outcome] | None = None
        self._batch: list[tuple[str, bytes, int]] | None = None
        self._refresh_next: list[str] = []

    def restore(self, seq: int, previous: Mapping[str, int], sessions: Iterable[AgentSession]) -> None:
        """Go on from what was kept: the numbers told, and the sessions shown."""
        self.seq = seq
        self._previous.update(previous)
        for session in sorted(sessions, key=lambda each: (each.end_time is None, each.start_time)):
            topic = self._topic_of(session)
            if topic is not None:
                self._show(session)
                if (last := previous.get(f"{topic}/event")) is not None:
                    self._seq_of[session.session_id] = last

    def take_previous(self) -> dict[str, int]:
        """The last ``seq`` of each topic that was told on since the last call; what must be kept over a restart."""
        changed, self._changed = self._changed, {}
        return changed

    # Telling -------------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Keep what is told from now on until ``release``: the picture is not current."""
        if self._held is None:
            self._held = []

    def release(self, then_refresh: str) -> int:
        """Tell what was held: snapshots first, then the retained topic *then_refresh*, then the events.

        Whoever sees that topic say that the picture is current has seen all of the picture.

        Returns:
            How many events were held.
        """
        held, self._held = self._held or [], None
        batch: list[tuple[str, bytes, int]] = []
        self._batch = batch
        for outcome in held:
            self._announce(outcome)
        self._batch = None
        self._publisher.refresh(then_refresh, requeue=True)
        for topic, payload, seq in batch:
            self._publisher.send(topic, payload, seq=seq)
        return len(batch)

    def tell(self, outcomes: Iterable[Outcome]) -> None:
        """Publish outcomes in order, or hold them."""
        if self._held is not None:
            self._held.extend(outcomes)
            return
        for outcome in outcomes:
            self._announce(outcome)

    def bridge_event(self, event: str, at: int, **details: str | float | list[str] | None) -> None:
        """Tell on ``bridge/event``: *at* is an instant, *details* what the event is about. Never held."""
        topic = self._topics.bridge_event
        seq = self._next()
        payload = BridgeEventPayload(
            stream=self._presentation.stream,
            seq=seq,
            previous_seq=self._previous.get(topic),
            event=event,
            at=self._presentation.at(at),
            **details,
        )
        self._emit(topic, payload.to_bytes(), seq)

    # Snapshots -----------------------------------------------------------------------------------------------------

    def session_topics(self) -> list[str]:
        """Every retained session topic there is."""
        return list(self._shown)

    def shows(self, topic: str) -> bool:
        """Whether there is anything to show on a session topic."""
        return topic in self._shown

    def render_session(self, topic: str, now: int) -> Retained | None:
        """What a session topic shows at *now*, an instant; None for a topic that shows nothing."""
        session = self._shown.get(topic)
        if session is None:
            return None
        payload = self._presentation.session(session, seq=self._seq_of.get(session.session_id), now=now)
        expires = self._expiring.get(topic)
        expiry = None if expires is None else max(1, (expires - now) // SECOND)
        return Retained(payload.to_bytes(), expiry)

    def refresh_some(self, count: int) -> None:
        """Send *count* sessions' snapshots again, in turn: duration and rate move by themselves."""
        for _ in range(min(count, len(self._shown))):
            if not self._refresh_next:
                self._refresh_next = list(self._shown)
            topic = self._refresh_next.pop()
            if topic in self._shown and topic not in self._expiring:
                self._publisher.refresh(topic)

    def expire(self, now: int) -> list[AgentSession]:
        """Remove the messages of sessions that ended long enough before *now*, and return the sessions."""
        gone = [topic for topic, at in self._expiring.items() if at <= now]
        sessions = []
        for topic in gone:
            session = self._shown.pop(topic)
            self._seq_of.pop(session.session_id, None)
            sessions.append(session)
            del self._expiring[topic]
            self._publisher.refresh(topic)
        return sessions

    # How -----------------------------------------------------------------------------------------------------------

    def _announce(self, outcome: Outcome) -> None:
        match outcome:
            case SessionEvent():
                self._session_event(outcome)
            case SessionRefreshed():
                self._show(outcome.session)
            case CallRecord():
                self._call_record(outcome)
            case _:
                pass

    def _session_event(self, event: SessionEvent) -> None:
        session = event.session
        topic = self._topic_of(session)
        if topic is None:
            return
        seq = self._next()
        event_topic = f"{topic}/event"
        payload = self._presentation.session_event(event, seq=seq, previous_seq=self._previous.get(event_topic))
        self._emit(event_topic, payload.to_bytes(), seq)
        self._show(session, seq)

    def _call_record(self, record: CallRecord) -> None:
        session = record.session
        if self._topic_of(session) is None:
            return
        topic = self._topics.call(session.group, session.agent, session.address)
        seq = self._next()
        payload = self._presentation.call_record(record, seq=seq, previous_seq=self._previous.get(topic))
        self._emit(topic, payload.to_bytes(), seq)

    def _emit(self, topic: str, payload: bytes, seq: int) -> None:
        self._previous[topic] = self._changed[topic] = seq
        if self._batch is None:
            self._publisher.send(topic, payload, seq=seq)
        else:
            self._batch.append((topic, payload, seq))

    def _show(self, session: AgentSession, seq: int | None = None) -> None:
        """Let the session's topic show it, unless it ended and a successor has had the topic, or its time is over."""
        topic = self._topic_of(session)
        if topic is None:
            return
        shown = self._shown.get(topic)
        if session.end_time is not None:
            if shown is None and session.end_time + self._ended_retention <= session.changed_at:
                return
            if shown is not None and shown.session_id != session.session_id:
                return
            self._expiring.setdefault(topic, session.end_time + self._ended_retention)
        else:
            self._expiring.pop(topic, None)
        if shown is not None and shown.session_id != session.session_id:
            self._seq_of.pop(shown.session_id, None)
        self._shown[topic] = session
        if seq is not None:
            self._seq_of[session.session_id] = seq
        self._publisher.refresh(topic)

    def _topic_of(self, session: AgentSession) -> str | None:
        """The session's topic; None where its names make none."""
        names = (session.group, session.agent, session.address)
        if names not in self._topic_by_names:
            self._topic_by_names[names] = self._make_topic(session)
        elif self._topic_by_names[names] is None:
            self.names_refused[names] += 1
        return self._topic_by_names[names]

    def _make_topic(self, session: AgentSession) -> str | None:
        """A name that cannot be a level is told once, and harms nothing else."""
        names = (session.group, session.agent, session.address)
        why = "it was not valid UTF-8" if any(UNDECODABLE in name for name in names) else None
        if why is None:
            try:
                self._topics.session_event(*names)  # the longest of a session's topics
                return self._topics.session(*names)
            except TopicNameError as error:
                why = str(error)
        self.names_refused[names] += 1
        _log.warning("cannot publish the session %r: %s", names, why)
        self.bridge_event("NAME_REFUSED", session.changed_at, names=[repr(name) for name in names], message=why)
        return None

    def _next(self) -> int:
        self.seq += 1
        return self.seq
