"""The agents in the store."""

from collections.abc import Iterable
from typing import Final

from pydantic import TypeAdapter

from gateway.domain.agent import Agent, AgentRefreshed
from gateway.domain.agents import AgentBook
from gateway.mqtt.agent_narrator import AgentNarrator
from gateway.mqtt.narrator import Narrator
from gateway.service.kept import Kept
from gateway.store.contents import Batch, Saved

_AGENT: Final = TypeAdapter(Agent)


class KeptAgents:
    """Keeps agents over a restart, those too that nobody is shown any more.

    Args:
        book: Has them.
        narrators: Among them who tells of agents.
    """

    def __init__(self, book: AgentBook, narrators: Iterable[Narrator]) -> None:
        self._book = book
        self._narrators = list(narrators)
        self._kept = Kept("agent", _AGENT, book.take_changed)

    def collect(self, batch: Batch) -> None:
        """Add to a batch what has changed since the last."""
        self._kept.collect(batch)

    def restore(self, saved: Saved) -> None:
        """Give back what was kept, before anything runs."""
        self._book.restore(self._kept.read(saved), saved.sessions)
        shown = [AgentRefreshed(agent, self._book.sessions_of(agent.name)) for agent in self._book.agents()]
        for narrator in self._narrators:
            if isinstance(narrator, AgentNarrator):
                narrator.restore(shown, saved.previous)
