"""Telling of the agents: their events, and what each agent's topic shows."""

from collections import Counter
from collections.abc import Iterable, Mapping

from gateway.domain.agent import AgentEvent, AgentRefreshed, AgentRemoved
from gateway.domain.facts import Outcome
from gateway.mqtt.agent_presentation import AgentPresentation
from gateway.mqtt.boards import Board
from gateway.mqtt.narrator import NamedTopics, Names
from gateway.mqtt.stream import Stream
from gateway.mqtt.topics import Topics


class AgentBoard(Board[AgentRefreshed]):
    """The agents' topics. What they show moves by itself while a rate does: of calls, by the hours that go on."""

    def moves(self, topic: str) -> bool:  # noqa: D102 - see Board
        shown = self.shown(topic)
        return (
            shown is not None and shown.agent.active_since is not None and shown.agent.figures.number_of_acd_calls > 0
        )


class AgentNarrator:
    """Tells of agents.

    Args:
        stream: Where events go.
        topics: Their names.
        presentation: Their contents.
        refused: How often names were to be told that make no topic.

    Attributes:
        board: What the agents' topics show.
    """

    def __init__(
        self, stream: Stream, topics: Topics, presentation: AgentPresentation, refused: Counter[Names]
    ) -> None:
        self.board = AgentBoard(
            stream.publisher,
            lambda shown, seq, now: presentation.agent(shown.agent, shown.sessions, seq=seq, now=now),
        )
        self._stream = stream
        self._presentation = presentation
        self._named = NamedTopics(stream, "agent", topics.agent, topics.agent_event, refused)

    def restore(self, agents: Iterable[AgentRefreshed], previous: Mapping[str, int]) -> None:
        """Show what was shown in an earlier life; *previous* has the last ``seq`` of each topic."""
        for each in agents:
            topic = self._topic_of(each.agent.name, each.agent.state_since)
            if topic is not None:
                self.board.restore(topic, each, previous)

    def announce(self, outcome: Outcome) -> None:
        """Tell an outcome, if it is of an agent."""
        match outcome:
            case AgentEvent():
                self._event(outcome)
            case AgentRefreshed():
                topic = self._topic_of(outcome.agent.name, outcome.agent.state_since)
                if topic is not None:
                    self.board.show(topic, outcome)
            case AgentRemoved():
                topic = self._topic_of(outcome.name, 0)
                if topic is not None:
                    self.board.remove(topic)
                self._named.forget((outcome.name,))
            case _:
                pass

    def _event(self, event: AgentEvent) -> None:
        topic = self._topic_of(event.agent.name, event.occasion.at)
        if topic is None:
            return
        seq = self._stream.send(
            topic,
            lambda seq, previous: self._presentation.event(event, seq=seq, previous_seq=previous),
        )
        self.board.show(topic, AgentRefreshed(event.agent, event.sessions), seq)

    def _topic_of(self, name: str, at: int) -> str | None:
        return self._named.of((name,), at)
