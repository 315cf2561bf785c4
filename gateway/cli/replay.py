"""``cti-gateway replay``: the figures of every session from a queue_log."""

import csv
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import typer

from gateway.cli.options import ExitStatus, complain
from gateway.domain.instant import SECOND
from gateway.errors import ReplayError
from gateway.localtime import LocalTime


class GroupBy(StrEnum):
    """What the figures are summed by."""

    SESSION = "session"
    AGENT = "agent"
    QUEUE = "queue"
    DAY = "day"


class OutputFormat(StrEnum):
    """How they are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


DAY_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def replay(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="A queue_log; rotated or compressed too.")],
    *,
    begin: Annotated[
        datetime | None, typer.Option("--from", formats=DAY_FORMATS, help="Local time from which on sessions count.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=DAY_FORMATS, help="Local time; a day is not in it itself.")
    ] = None,
    wrap_up: Annotated[
        list[str] | None, typer.Option(metavar="QUEUE=SECONDS", help="Wrap-up of a queue; may be repeated.")
    ] = None,
    wrap_up_reason: Annotated[
        list[str] | None, typer.Option(help="A pause reason that means wrap-up. [default: wrapup, wrap-up, acw]")
    ] = None,
    members: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Lines 'interface,name', where the log does not tell.")
    ] = None,
    rotated: Annotated[bool, typer.Option(help="Read the rotated files beside each FILE too.")] = False,
    group_by: Annotated[GroupBy, typer.Option(help="What is summed.")] = GroupBy.SESSION,
    output: Annotated[OutputFormat, typer.Option("--format", help="How it is written.")] = OutputFormat.TABLE,
) -> None:
    """Tell the figures of every session from a queue_log of any size, without Asterisk, broker or store.

    A member whose login the log does not tell begins where it is first named, and is not complete.

    Exit status: 0 done, 2 a file or an option cannot be used.
    """
    from gateway.replay.lines import size_of, with_rotated  # noqa: PLC0415  keeps --help quick
    from gateway.replay.replay import Span  # noqa: PLC0415
    from gateway.replay.replay import replay as play  # noqa: PLC0415
    from gateway.replay.rules import ReplayRules  # noqa: PLC0415
    from gateway.replay.tally import Tally, names_of  # noqa: PLC0415
    from gateway.report.table import written  # noqa: PLC0415

    defaults = ReplayRules()
    rules = ReplayRules(
        _wrap_ups(wrap_up or []), frozenset(wrap_up_reason) if wrap_up_reason else defaults.wrap_up_reasons
    )
    calendar = LocalTime(_same, _same)
    tally = Tally(group_by.value, lambda instant: date.fromtimestamp(instant / SECOND).isoformat())  # noqa: DTZ012 - local day
    midnights: Callable[[int], int] | None = None
    if group_by is GroupBy.DAY:
        midnights = lambda instant: calendar.next_time(instant, time())  # noqa: E731
    try:
        paths = [each for file in files for each in with_rotated(file)] if rotated else files
        with Meter(2 * size_of(paths)) as meter:
            found = play(
                paths,
                tally.take,
                rules=rules,
                span=Span(_seconds(begin), _seconds(end)),
                known=_members(members),
                next_rollover=midnights,
                progress=meter.advance,
            )
    except ReplayError as error:
        complain(str(error))
        raise typer.Exit(ExitStatus.CONFIGURATION) from error
    _remark(found.lines, found.garbage, found.unplaced, found.unsure)
    for line in written(list(tally.rows()), names_of(group_by.value), output.value):
        typer.echo(line.encode(errors="backslashreplace"))


def _remark(lines: int, garbage: int, unplaced: int, unsure: Sequence[str]) -> None:
    """Tell on standard error what the figures cannot."""
    complain(f"{lines} lines" + (f", and {garbage} that are none of a queue_log" if garbage else ""))
    if unplaced:
        complain(f"calls of which the log does not tell whose they are: {unplaced}")
    if unsure:
        shown = ", ".join(unsure[:10]) + (", ..." if len(unsure) > 10 else "")  # noqa: PLR2004 - a line's worth
        complain(f"whose these interfaces are the log does not tell for certain (--members can): {shown}")


def _same(instant: int) -> int:
    return instant


def _seconds(local: datetime | None) -> int | None:
    return None if local is None else round(local.timestamp())


def _wrap_ups(texts: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts:
        queue, equals, seconds = text.rpartition("=")
        if not (queue and equals and seconds.isascii() and seconds.isdigit()):
            raise typer.BadParameter(f"{text!r} is not like support=15", param_hint="--wrap-up")
        found[queue] = int(seconds) * SECOND
    return found


def _members(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReplayError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or not all(row):  # noqa: PLR2004 - interface and name
            raise ReplayError(f"{path}: line {number} is not like PJSIP/1001,Alice")
    return {interface.strip(): name.strip() for interface, name in rows}


class Meter:
    """Shows on standard error how far it is: a line that changes on a terminal, else one for each tenth.

    Args:
        whole: Bytes in all.
    """

    def __init__(self, whole: int) -> None:
        self._whole = max(1, whole)
        self._done = 0
        self._shown = -1
        self._step, self._end = (1, "") if sys.stderr.isatty() else (10, "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._end and self._shown >= 0:
            typer.echo("\r\x1b[K", err=True, nl=False)

    def advance(self, more: int) -> None:
        """That many more bytes were read."""
        self._done += more
        percent = min(100, self._done * 100 // self._whole)
        if percent // self._step != self._shown // self._step:
            self._shown = percent
            start = "" if self._end else "\r"
            typer.echo(f"{start}cti-gateway: {percent} % read{self._end}", err=True, nl=False)
