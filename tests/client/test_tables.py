"""The tables that people look at: what fits into a terminal is whole, and what does not is named."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gateway.cli import tables
from gateway.cli.tables import AGENT_COLUMNS, QUEUE_COLUMNS, SESSION_COLUMNS, Column

ROW = {"agent": "Björn Horváth", "state": "BUSY_ON_CALL", "address": "PJSIP/2001", "group": "support", "level": "100 %"}
EVERY: Sequence[Sequence[Column[Any]]] = (SESSION_COLUMNS, AGENT_COLUMNS, QUEUE_COLUMNS)


def drawn(columns: Sequence[Column[Any]], cells: Sequence[str], width: int) -> list[str]:
    """A table of one row as a terminal shows it, line by line."""
    console = Console(width=width, legacy_windows=False)
    with console.capture() as capture:
        console.print(tables.table("they", columns, [[(cell, "") for cell in cells]], width))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("columns", EVERY, ids=lambda columns: columns[-1].key)
@pytest.mark.parametrize("width", [80, 100, 132, 200])
def test_what_is_shown_is_whole(columns: Sequence[Column[Any]], width: int) -> None:
    """In a terminal of usual widths no head and no cell is cut, and a column is there or is named as missing."""
    cells = [ROW.get(column.key, "0:00") for column in columns]
    title, head, _, row = drawn(columns, cells, width)
    _, _, missing = title.partition(", without ")
    left_out = missing.split(", ") if missing else []
    assert head.split() == [column.key for column in columns if column.key not in left_out]
    expected = " ".join(cell for column, cell in zip(columns, cells, strict=True) if column.key not in left_out)
    assert row.split() == expected.split()
    assert left_out or width > 80
    assert not left_out or width < 132


@given(
    widths=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 9)), min_size=1, max_size=12),
    width=st.integers(1, 120),
)
def test_no_more_is_left_out_than_must_be(widths: list[tuple[int, int]], width: int) -> None:
    """Columns go in their order until the rest fits; one more, and it would not; those that never go stay."""
    columns: list[Column[Any]] = [Column(f"c{n}", lambda *_: 0, spared=spared) for n, (_, spared) in enumerate(widths)]
    cells = ["x" * its for its, _ in widths]
    title = tables.table("they", columns, [[(cell, "") for cell in cells]], width).title
    left_out = str(title).partition(", without ")[2].split(", ")
    shown = [n for n, column in enumerate(columns) if column.key not in left_out]
    taken = {n: max(len(cells[n]), len(columns[n].key)) for n in range(len(columns))}

    def room(places: list[int]) -> int:
        return sum(taken[n] for n in places) + 2 * (len(places) - 1)

    gone = [n for n in range(len(columns)) if n not in shown]
    assert all(columns[n].spared for n in gone)
    assert room(shown) <= width or not any(columns[n].spared for n in shown)
    if gone:
        last = max(gone, key=lambda n: (columns[n].spared, n))
        assert room(sorted([*shown, last])) > width
        assert all(columns[n].spared == 0 or columns[n].spared >= columns[last].spared for n in shown)
