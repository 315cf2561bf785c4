"""Telling of the sessions: their events, the records of their calls, and what each session's topic shows."""

from collections import Counter
from collections.abc import Iterable, Mapping

from gateway.domain.facts import CallRecord, Outcome, SessionRefreshed
from gateway.domain.instant import SECOND
from gateway.domain.session import AgentSession, SessionEvent
from gateway.mqtt.boards import Board
from gateway.mqtt.narrator import NamedTopics, Names
from gateway.mqtt.presentation import Presentation
from gateway.mqtt.stream import Stream
from gateway.mqtt.topics import Topics


class SessionBoard(Board[AgentSession]):
    """The sessions' topics. An ended session's message stays for a time, and only while no successor has its topic."""

    def __init__(self, stream: Stream, presentation: Presentation, *, ended_retention: int) -> None:
        super().__init__(stream.publisher, lambda session, seq, now: presentation.session(session, seq=seq, now=now))
        self._ended_retention = ended_retention
        self._expiring: dict[str, int] = {}

    def show(self, topic: str, session: AgentSession, seq: int | None = None) -> None:  # noqa: D102 - see Board
        shown = self._shown.get(topic)
        succeeds = shown is not None and shown.session_id != session.session_id
        if session.end_time is not None:
            expires = session.end_time + self._ended_retention
            if succeeds or (shown is None and expires <= session.changed_at):
                return
            self._expiring.setdefault(topic, expires)
        else:
            self._expiring.pop(topic, None)
        if succeeds:
            self._seq_of.pop(topic, None)
        super().show(topic, session, seq)

    def expiry(self, topic: str, now: int) -> int | None:  # noqa: D102 - see Board
        expires = self._expiring.get(topic)
        if expires is None:
            return None
        return max(1, (expires - now) // SECOND) if expires > now else 0

    def moves(self, topic: str) -> bool:  # noqa: D102 - see Board
        return topic not in self._expiring

    def expire(self, now: int) -> list[AgentSession]:
        """Remove the messages of sessions that ended long enough before *now*, and return the sessions."""
        gone = [topic for topic, at in self._expiring.items() if at <= now]
        sessions = [session for topic in gone if (session := self.remove(topic)) is not None]
        for topic in gone:
            del self._expiring[topic]
        return sessions


class SessionNarrator:
    """Tells of sessions.

    Args:
        stream: Where events go.
        topics: Their names.
        presentation: Their contents.
        refused: How often names were to be told that make no topic.
        ended_retention: Microseconds for which the message of an ended session stays.

    Attributes:
        board: What the sessions' topics show.
    """

    def __init__(
        self,
        stream: Stream,
        topics: Topics,
        presentation: Presentation,
        refused: Counter[Names],
        *,
        ended_retention: int,
    ) -> None:
        self.board = SessionBoard(stream, presentation, ended_retention=ended_retention)
        self._stream = stream
        self._topics = topics
        self._presentation = presentation
        self._named = NamedTopics(stream, "session", topics.session, topics.session_event, refused)

    def restore(self, sessions: Iterable[AgentSession], previous: Mapping[str, int]) -> None:
        """Show what was shown in an earlier life."""
        for session in sorted(sessions, key=lambda each: (each.end_time is None, each.start_time)):
            topic = self._topic_of(session)
            if topic is not None:
                self.board.restore(topic, session, previous)

    def announce(self, outcome: Outcome) -> None:
        """Tell an outcome, if it is of a session."""
        match outcome:
            case SessionEvent():
                self._event(outcome)
            case SessionRefreshed():
                topic = self._topic_of(outcome.session)
                if topic is not None:
                    self.board.show(topic, outcome.session)
            case CallRecord():
                self._call_record(outcome)
            case _:
                pass

    def _event(self, event: SessionEvent) -> None:
        topic = self._topic_of(event.session)
        if topic is None:
            return
        seq = self._stream.send(
            topic,
            lambda seq, previous: self._presentation.session_event(event, seq=seq, previous_seq=previous),
        )
        self.board.show(topic, event.session, seq)

    def _call_record(self, record: CallRecord) -> None:
        session = record.session
        if self._topic_of(session) is None:
            return
        self._stream.send(
            self._topics.call(session.group, session.agent, session.address),
            lambda seq, previous: self._presentation.call_record(record, seq=seq, previous_seq=previous),
            "",
        )

    def _topic_of(self, session: AgentSession) -> str | None:
        return self._named.of((session.group, session.agent, session.address), session.changed_at)
