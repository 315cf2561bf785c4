"""What the model has to tell, as messages: events in the order of ``seq``, and the snapshots beside them."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from math import ceil

from gateway.domain.facts import Outcome
from gateway.domain.session import AgentSession
from gateway.mqtt.interface import Retained
from gateway.mqtt.narrator import Names, Narrator
from gateway.mqtt.presentation import Presentation
from gateway.mqtt.session_narrator import SessionNarrator
from gateway.mqtt.stream import Publisher, Stream
from gateway.mqtt.topics import Topics


class Announcer:
    """Hands every outcome to those who tell of its kind, or holds it while the picture is not current.

    Args:
        publisher: Where messages go.
        topics: Their names.
        presentation: Their contents.
        ended_retention: Microseconds for which the message of an ended session stays.

    Attributes:
        stream: Numbers the events.
        names_refused: Names that make no topic: how often one was to be told.
        sessions: Tells of the sessions.
        narrators: All who tell, in the order in which each outcome is handed to them.
    """

    def __init__(
        self, publisher: Publisher, topics: Topics, presentation: Presentation, *, ended_retention: int
    ) -> None:
        self.stream = Stream(publisher, presentation, topics.bridge_event)
        self.names_refused: Counter[Names] = Counter()
        self.sessions = SessionNarrator(
            self.stream, topics, presentation, self.names_refused, ended_retention=ended_retention
        )
        self.narrators: list[Narrator] = [self.sessions]
        self._publisher = publisher
        self._held: deque[Outcome] | None = None

    @property
    def seq(self) -> int:
        """Number of the last event; 0 before the first."""
        return self.stream.seq

    def restore(self, seq: int, previous: Mapping[str, int], sessions: Iterable[AgentSession]) -> None:
        """Go on from what was kept: the numbers told, and the sessions shown."""
        self.stream.restore(seq, previous)
        self.sessions.restore(sessions, previous)

    def begin_anew(self, previous: Mapping[str, int], renumbered: Mapping[int, int]) -> None:
        """Go on in another stream, whose UUID the presentation has.

        Args:
            previous: The last ``seq`` of each topic in it.
            renumbered: The ``seq`` there of events that were numbered in the old stream, by the one they had.
        """
        self.stream.begin_anew(previous)
        for narrator in self.narrators:
            narrator.board.begin_anew(renumbered)

    # Telling -------------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Keep what is told from now on until ``release``: the picture is not current."""
        if self._held is None:
            self._held = deque()

    def release(self, then_refresh: str) -> int:
        """Tell what was held: snapshots first, then the retained topic *then_refresh*, then the events.

        Whoever sees that topic say that the picture is current has seen all of the picture.

        Returns:
            How many events were held.
        """
        held, self._held = self._held or deque(), None
        self.stream.collect()
        while held:  # of a large call center they are many: what is told makes room for what is made of it
            self._announce(held.popleft())
        self._publisher.refresh(then_refresh, requeue=True)
        return self.stream.let_go()

    def tell(self, outcomes: Iterable[Outcome]) -> None:
        """Publish outcomes in order, or hold them."""
        if self._held is not None:
            self._held.extend(outcomes)
            return
        for outcome in outcomes:
            self._announce(outcome)

    def bridge_event(self, event: str, at: int, **details: str | float | list[str] | None) -> None:
        """Tell on ``bridge/event``: *at* is an instant, *details* what the event is about. Never held."""
        self.stream.bridge_event(event, at, **details)

    def _announce(self, outcome: Outcome) -> None:
        for narrator in self.narrators:
            narrator.announce(outcome)

    # Snapshots -----------------------------------------------------------------------------------------------------

    def topics(self) -> list[str]:
        """Every retained topic of the model."""
        return [topic for narrator in self.narrators for topic in narrator.board.topics()]

    def shown(self) -> Iterable[object]:
        """Everything that the retained topics of the model show."""
        return (thing for narrator in self.narrators for thing in narrator.board.things())

    def shows(self, topic: str) -> bool:
        """Whether there is anything to show on a topic of the model."""
        return any(narrator.board.shown(topic) is not None for narrator in self.narrators)

    def render(self, topic: str, as_of: int, now: int | None = None) -> Retained | None:
        """What a topic of the model shows; None for one that shows nothing. See ``Board.render``."""
        for narrator in self.narrators:
            if (retained := narrator.board.render(topic, as_of, now)) is not None:
                return retained
        return None

    def refresh_share(self, share: float) -> None:
        """Send that *share* (0 to 1) of the snapshots again, in turn: durations and rates move by themselves."""
        for narrator in self.narrators:
            narrator.board.refresh_some(ceil(len(narrator.board) * share))

    def expire(self, now: int) -> list[AgentSession]:
        """Remove the messages of sessions that ended long enough before *now*, and return the sessions."""
        return self.sessions.board.expire(now)
