"""What ``watch`` shows: tables of sessions, agents and queues, sorted and filtered. Pure: models in, text out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from gateway.cli.text import duration, plain, since
from gateway.client import Agent, Queue, Session

Shown = TypeVar("Shown")

STYLES: Final = {
    "READY": "green",
    "NOT_READY": "yellow",
    "BUSY_ON_CALL": "bold cyan",
    "BUSY_WRAPUP": "magenta",
    "SESSION_ENDED": "dim",
    "BUSY_ACD": "bold cyan",
    "BUSY_INCOMING": "cyan",
    "BUSY_OUTGOING": "cyan",
    "UNKNOWN": "dim",
}
"""Colours of states. The state's name stands there too: no colour alone tells anything."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Shown]):
    """A column.

    Attributes:
        key: What it is called for ``--sort``, and in its head.
        value: What it sorts by, at a time.
        text: What it shows, from that value.
        right: Whether it stands at the right.
        is_state: Whether it has the colour of a state.
        spared: In which order columns are left out where there is no room for all, from 1 on; 0: never.
    """

    key: str
    value: Callable[[Shown, datetime], Any]
    text: Callable[[Any], str] = str
    right: bool = False
    is_state: bool = False
    spared: int = 0


def _number(key: str, value: Callable[[Any], Any], text: Callable[[Any], str] = str, *, spared: int = 0) -> Column[Any]:
    return Column(key, lambda shown, _: value(shown), text, right=True, spared=spared)


def _name(key: str, value: Callable[[Any], str | None], *, is_state: bool = False, spared: int = 0) -> Column[Any]:
    return Column(key, lambda shown, _: plain(value(shown) or ""), is_state=is_state, spared=spared)


def _level(queue: Queue) -> float:
    return queue.service_level.percent


_FOR: Final[Column[Any]] = Column("for", lambda shown, now: since(shown.state_since, now), duration, right=True)

SESSION_COLUMNS: Final[tuple[Column[Session], ...]] = (
    _name("group", lambda session: session.group),
    _name("agent", lambda session: session.agent),
    _name("address", lambda session: session.address, spared=4),
    _name("state", lambda session: session.state, is_state=True),
    _FOR,
    _name("reason", lambda session: session.reason, spared=7),
    _number("calls", lambda session: session.number_of_calls),
    _number("missed", lambda session: session.asterisk.calls_missed, spared=3),
    _number("talk", lambda session: session.total_talk_time, duration, spared=6),
    _number("wrap-up", lambda session: session.total_wrap_up_time, duration, spared=5),
    _number("answer", lambda session: session.average_time_to_answer, lambda value: f"{value:.1f}", spared=1),
    _number("rate", lambda session: session.acd_call_rate, lambda value: f"{value:.1f}", spared=2),
)
AGENT_COLUMNS: Final[tuple[Column[Agent], ...]] = (
    _name("agent", lambda agent: agent.agent),
    _name("state", lambda agent: agent.state, is_state=True),
    _FOR,
    _number("sessions", lambda agent: len(agent.sessions), spared=2),
    _number("calls", lambda agent: agent.number_of_acd_calls),
    _number("in", lambda agent: agent.number_of_incoming_calls, spared=4),
    _number("out", lambda agent: agent.number_of_outgoing_calls, spared=3),
    _number("talk", lambda agent: agent.total_acd_talk_time, duration, spared=6),
    _number("wrap-up", lambda agent: agent.total_wrap_up_time, duration, spared=5),
    _number("rate", lambda agent: agent.overall_call_rate, lambda value: f"{value:.1f}", spared=1),
)
QUEUE_COLUMNS: Final[tuple[Column[Queue], ...]] = (
    _name("queue", lambda queue: queue.queue),
    _number("waiting", lambda queue: queue.current_calls_queued),
    Column(
        "longest",
        lambda queue, now: max((since(each.waiting_since, now) for each in queue.callers_waiting), default=0.0),
        duration,
        right=True,
    ),
    _number("ready", lambda queue: queue.agents.READY),
    _number("busy", lambda queue: queue.agents.BUSY_ON_CALL),
    _number("wrap-up", lambda queue: queue.agents.BUSY_WRAPUP, spared=2),
    _number("paused", lambda queue: queue.agents.NOT_READY, spared=3),
    _number("queued", lambda queue: queue.total_calls_queued, spared=1),
    _number("answered", lambda queue: queue.answered),
    _number("abandoned", lambda queue: queue.total_calls_abandoned),
    _number("level", _level, lambda value: f"{value:.0f} %", spared=4),
)


def keys(columns: Sequence[Column[Any]]) -> list[str]:
    """What may be sorted by."""
    return [column.key for column in columns]


def arranged(
    things: Iterable[Shown], columns: Sequence[Column[Shown]], now: datetime, sort: str | None
) -> list[list[tuple[str, str]]]:
    """Rows of texts and styles.

    Args:
        things: What to show.
        columns: How.
        now: For what grows by itself.
        sort: Key of the column to sort by, with a ``-`` before it for the largest first; None, or one that there is
            not, for the order of the columns.
    """
    rows = [[column.value(thing, now) for column in columns] for thing in things]
    rows.sort(key=lambda row: [str(value) for value in row[:3]])
    key = (sort or "").removeprefix("-")
    if key in keys(columns):
        place = keys(columns).index(key)
        rows.sort(key=lambda row: row[place], reverse=(sort or "").startswith("-"))
    return [
        [
            (column.text(value), STYLES.get(value, "") if column.is_state else "")
            for column, value in zip(columns, row, strict=True)
        ]
        for row in rows
    ]


def table(title: str, columns: Sequence[Column[Shown]], rows: Sequence[Sequence[tuple[str, str]]], width: int) -> Table:
    """A table for a terminal that is *width* wide: columns for which there is no room are named in the title."""
    missing = _left_out(columns, rows, width)
    if missing:
        title += f", without {', '.join(column.key for column in columns if column in missing)}"
    shown = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        expand=False,
    )
    places = [place for place, column in enumerate(columns) if column not in missing]
    for place in places:
        shown.add_column(columns[place].key, justify="right" if columns[place].right else "left", no_wrap=True)
    for row in rows:
        shown.add_row(*(Text(row[place][0], style=row[place][1]) for place in places))
    return shown


_BETWEEN: Final = 2  # cells between two columns


def _left_out(
    columns: Sequence[Column[Shown]], rows: Sequence[Sequence[tuple[str, str]]], width: int
) -> list[Column[Shown]]:
    """The columns that must go for the others to be there whole."""
    widths = [
        max(cell_len(text) for text in (column.key, *(row[place][0] for row in rows)))
        for place, column in enumerate(columns)
    ]
    excess = sum(widths) + _BETWEEN * (len(widths) - 1) - width
    missing: list[Column[Shown]] = []
    for column, its in sorted(zip(columns, widths, strict=True), key=lambda each: each[0].spared):
        if column.spared and excess > 0:
            missing.append(column)
            excess -= its + _BETWEEN
    return missing


def lines(columns: Sequence[Column[Any]], rows: Sequence[Sequence[tuple[str, str]]]) -> list[str]:
    """The same where there is no terminal: one line for each row, cells parted by tabs, the keys first."""
    return ["\t".join(keys(columns)), *("\t".join(text for text, _ in row) for row in rows)]
