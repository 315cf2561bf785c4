"""What ``watch`` shows of a client's picture."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from gateway.cli import tables
from gateway.cli.tables import AGENT_COLUMNS, QUEUE_COLUMNS, SESSION_COLUMNS, Column
from gateway.cli.text import plain
from gateway.client import (
    AgentEvent,
    BridgeEvent,
    Event,
    GatewayClient,
    Hole,
    Overrun,
    PictureChanged,
    QueueEvent,
    SessionEvent,
)
from gateway.client.news import FromGateway

_COLUMNS: Final[dict[str, Sequence[Column[Any]]]] = {
    "sessions": SESSION_COLUMNS,
    "agents": AGENT_COLUMNS,
    "queues": QUEUE_COLUMNS,
}


def sort_keys(kinds: Sequence[str]) -> list[str]:
    """What may be sorted by where these kinds of things are shown."""
    return list(dict.fromkeys(key for kind in kinds for key in tables.keys(_COLUMNS[kind])))


class Watching:
    """A client's picture, as it is asked for.

    Args:
        client: Whose.
        kinds: ``sessions``, ``agents``, ``queues``: what is shown.
        sort: Key to sort by, see ``tables.arranged``.
        group: The one group that is shown; None for all.

    Attributes:
        client: The client.
    """

    def __init__(self, client: GatewayClient, kinds: Sequence[str], *, sort: str | None, group: str | None) -> None:
        self.client = client
        self._kinds = kinds
        self._sort = sort
        self._group = group

    def drawn(self, now: datetime, width: int) -> RenderableType:
        """Everything, for a terminal that is so wide."""
        shown: list[RenderableType] = [Text(self._headline(), style=self._style())]
        for kind in self._kinds:
            columns, rows = self._rows(kind, now)
            shown += [Text(""), tables.table(f"{kind} ({len(rows)})", columns, rows, width)]
        return Group(*shown)

    def lines(self, now: datetime) -> list[str]:
        """Everything, for no terminal."""
        shown = [f"# {self._headline()}"]
        for kind in self._kinds:
            columns, rows = self._rows(kind, now)
            shown += [f"# {kind} ({len(rows)})", *tables.lines(columns, rows)]
        return shown

    def line(self, event: Event) -> str | None:
        """An event as one line; None for one that is not shown."""
        match event:
            case PictureChanged():
                return f"# {self._headline()}"
            case Hole():
                return f"# messages were missed on {plain(event.topic)} between seq {event.after} and {event.before}"
            case Overrun():
                return f"# {event.count} events were not shown: they came too fast"
            case BridgeEvent():
                return f"{event.at}\tbridge\t{event.event}"
            case _:
                return self._told(event)

    def _told(self, event: FromGateway) -> str | None:
        cells: tuple[str, ...]
        match event:
            case SessionEvent(session=session):
                groups = {session.group}
                cells = ("session", session.group, session.agent, session.address, event.event, session.state)
                cells += (session.reason or "",)
            case AgentEvent(agent=agent):
                groups = {each.group for each in agent.sessions}
                cells = ("agent", agent.agent, event.event)
            case QueueEvent(queue=queue):
                groups = {queue.group}
                cells = ("queue", queue.queue, event.event, f"waiting {queue.current_calls_queued}")
            case _:
                return None
        if self._group is not None and self._group not in groups:
            return None
        return "\t".join(plain(cell) for cell in (event.at, *cells))

    def _headline(self) -> str:
        why = self.client.why_not_current
        return f"{plain(self.client.base)}: {f'NOT CURRENT: {why}' if why else 'current'}"

    def _style(self) -> str:
        return "bold" if self.client.current else "bold reverse red"

    def _rows(self, kind: str, now: datetime) -> tuple[Sequence[Column[Any]], list[list[tuple[str, str]]]]:
        columns = _COLUMNS[kind]
        return columns, tables.arranged(self._things(kind), columns, now, self._sort)

    def _things(self, kind: str) -> Sequence[Any]:
        client, group = self.client, self._group
        if kind == "sessions":
            return client.sessions(group=group)
        if kind == "queues":
            return [queue for queue in client.queues() if group in (None, queue.group)]
        return [
            agent for agent in client.agents() if group is None or any(each.group == group for each in agent.sessions)
        ]
