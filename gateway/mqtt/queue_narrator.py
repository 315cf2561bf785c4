"""Telling of the queues and groups: their events, and what the topics of each show."""

from collections import Counter
from collections.abc import Iterable, Mapping

from gateway.domain.facts import Outcome
from gateway.domain.group import ACDGroup, ACDGroupEvent, GroupEvent, GroupRefreshed
from gateway.domain.queue import ACDQueue, ACDQueueEvent, CallerEvent, QueueEvent, QueueRefreshed
from gateway.mqtt.boards import Board
from gateway.mqtt.narrator import NamedTopics, Names
from gateway.mqtt.queue_payloads import QueueEventPayload
from gateway.mqtt.queue_presentation import QueuePresentation
from gateway.mqtt.stream import Stream
from gateway.mqtt.topics import Topics


class QueueBoard(Board[ACDQueue]):
    """The queues' topics. What they show moves by itself while somebody waits."""

    def moves(self, topic: str) -> bool:  # noqa: D102 - see Board
        queue = self.shown(topic)
        return queue is not None and bool(queue.waiting)


class GroupBoard(Board[ACDGroup]):
    """The groups' topics. What they show does not move by itself."""

    def moves(self, topic: str) -> bool:  # noqa: ARG002, D102 - see Board
        return False


class QueueNarrator:
    """Tells of queues.

    Args:
        stream: Where events go.
        topics: Their names.
        presentation: Their contents.
        refused: How often names were to be told that make no topic.

    Attributes:
        board: What the queues' topics show.
    """

    def __init__(
        self, stream: Stream, topics: Topics, presentation: QueuePresentation, refused: Counter[Names]
    ) -> None:
        self.board = QueueBoard(stream.publisher, lambda queue, seq, now: presentation.queue(queue, seq=seq, now=now))
        self._stream = stream
        self._presentation = presentation
        self._named = NamedTopics(stream, "queue", topics.queue, topics.queue_event, refused)

    def restore(self, queues: Iterable[ACDQueue], previous: Mapping[str, int]) -> None:
        """Show what was shown in an earlier life; *previous* has the last ``seq`` of each topic."""
        for queue in queues:
            topic = self._topic_of(queue, queue.window.begin)
            if topic is not None:
                self.board.restore(topic, queue, previous)

    def announce(self, outcome: Outcome) -> None:
        """Tell an outcome, if it is of a queue."""
        match outcome:
            case CallerEvent() | QueueEvent():
                self._event(outcome)
            case QueueRefreshed():
                topic = self._topic_of(outcome.queue, outcome.queue.window.begin)
                if topic is not None:
                    self.board.show(topic, outcome.queue)
            case _:
                pass

    def _event(self, event: CallerEvent | QueueEvent) -> None:
        topic = self._topic_of(event.queue, event.occasion.at)
        if topic is None:
            return

        def make(seq: int, previous: int | None) -> QueueEventPayload:
            if isinstance(event, CallerEvent):
                return self._presentation.caller_event(event, seq=seq, previous_seq=previous)
            return self._presentation.queue_event(event, seq=seq, previous_seq=previous)

        seq = self._stream.send(topic, make)
        if isinstance(event, QueueEvent) and event.event is ACDQueueEvent.QUEUE_REMOVED:
            self.board.remove(topic)
            self._named.forget((event.queue.name,))
        else:
            self.board.show(topic, event.queue, seq)

    def _topic_of(self, queue: ACDQueue, at: int) -> str | None:
        return self._named.of((queue.name,), at)


class GroupNarrator:
    """Tells of groups.

    Args:
        stream: Where events go.
        topics: Their names.
        presentation: Their contents.
        refused: How often names were to be told that make no topic.

    Attributes:
        board: What the groups' topics show.
    """

    def __init__(
        self, stream: Stream, topics: Topics, presentation: QueuePresentation, refused: Counter[Names]
    ) -> None:
        self.board = GroupBoard(stream.publisher, lambda group, seq, now: presentation.group(group, seq=seq, now=now))
        self._stream = stream
        self._presentation = presentation
        self._named = NamedTopics(stream, "group", topics.group, topics.group_event, refused)

    def restore(self, groups: Iterable[ACDGroup], previous: Mapping[str, int]) -> None:
        """Show what was shown in an earlier life; *previous* has the last ``seq`` of each topic."""
        for group in groups:
            topic = self._named.of((group.name,), 0)
            if topic is not None:
                self.board.restore(topic, group, previous)

    def announce(self, outcome: Outcome) -> None:
        """Tell an outcome, if it is of a group."""
        match outcome:
            case GroupEvent():
                self._event(outcome)
            case GroupRefreshed():
                topic = self._named.of((outcome.group.name,), 0)
                if topic is not None:
                    self.board.show(topic, outcome.group)
            case _:
                pass

    def _event(self, event: GroupEvent) -> None:
        topic = self._named.of((event.group.name,), event.occasion.at)
        if topic is None:
            return
        seq = self._stream.send(
            topic,
            lambda seq, previous: self._presentation.group_event(event, seq=seq, previous_seq=previous),
        )
        if event.event is ACDGroupEvent.GROUP_REMOVED:
            self.board.remove(topic)
            self._named.forget((event.group.name,))
        else:
            self.board.show(topic, event.group, seq)
