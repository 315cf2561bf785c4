"""Rows as text, as CSV and as JSON."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from gateway.report.figures import TIMES

Row = Mapping[str, object]
Format = Literal["table", "csv", "json"]
"""How rows are written."""


def written(rows: Sequence[Row], names: Sequence[str], how: Format) -> Iterator[str]:
    """The lines of all rows; *names* are the columns, in order."""
    match how:
        case "csv":
            yield from _csv(rows, names)
        case "json":
            yield from _json(rows)
        case _:
            yield from _text(rows, names)


def _csv(rows: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="")
    for values in (names, *([_plain(row.get(name)) for name in names] for row in rows)):
        writer.writerow(values)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _plain(value: object) -> object:
    """A value in a field: JSON's words for truth and for nothing, objects as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in "=+-@\t\r" and value:
        return f"'{value}"  # a spreadsheet would take a name that begins so for a formula
    return "" if value is None else value


def _json(rows: Sequence[Row]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(rows, 1):
        yield f"  {json.dumps(row, ensure_ascii=False)}{',' if number < len(rows) else ''}"
    yield "]"


def _text(rows: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    """Columns of equal width, times as hours, minutes and seconds, a heading of words one below the other."""
    cells = [[shown(name, row.get(name)) for name in names] for row in rows]
    heads = [name.split("_") for name in names]
    depth = max(map(len, heads), default=0)
    heading = [[head[level - depth] if len(head) >= depth - level else "" for head in heads] for level in range(depth)]
    lines = [*heading, *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    left = [all(isinstance(row.get(name), str) for row in rows) for name in names]
    for number, line in enumerate(lines):
        if number == depth:
            yield "  ".join("-" * width for width in widths)
        yield "  ".join(
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(line, widths, left, strict=True)
        ).rstrip()
    if not rows:
        yield "  ".join("-" * width for width in widths)


def shown(name: str, value: object) -> str:
    """A value for people to read."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key or '(none)'} {clock(time)}" for key, time in value.items())
    if name in TIMES and isinstance(value, int | float):
        return clock(value)
    text = str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def clock(time: object) -> str:
    """Seconds as hours, minutes and seconds."""
    whole = round(float(str(time)))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
