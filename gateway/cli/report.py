"""``cti-gateway report``: the sessions of past days, from the store."""

import time as clock
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigOption, ExitStatus, complain, config_or_exit
from gateway.cli.replay import OutputFormat
from gateway.errors import StoreError

MOST_DAYS = 3660
"""Days of one report; more is a mistake in a date."""


class ReportGroup(StrEnum):
    """What the figures are summed by."""

    AGENT = "agent"
    GROUP = "group"
    DAY = "day"
    SESSION = "session"


class ReportFormat(StrEnum):
    """How they are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


def report(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    begin: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day. [default: today]")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, in it. [default: the first]")
    ] = None,
    group_by: Annotated[ReportGroup, typer.Option(help="What is summed.")] = ReportGroup.AGENT,
    output: Annotated[ReportFormat, typer.Option("--format", help="How it is written.")] = ReportFormat.TABLE,
) -> None:
    """Report the sessions of past days from the store: calls, time logged in and ready, pauses by reason.

    Days are those of this machine's time zone. The gateway may run meanwhile.

    Exit status: 0 done, 2 configuration or options, 3 the store cannot be read.
    """
    settings = config_or_exit(config)
    from gateway.domain.session import Rules  # noqa: PLC0415  keeps --help quick
    from gateway.report.past import lives  # noqa: PLC0415
    from gateway.report.report import make_report  # noqa: PLC0415
    from gateway.report.table import written  # noqa: PLC0415
    from gateway.store.past import read_past  # noqa: PLC0415

    first = (begin or datetime.now()).date()  # noqa: DTZ005 - local days are what is asked for
    days = _days(first, first if end is None else end.date())
    try:
        past = read_past(settings.store.path, days[0][1], days[-1][2], Rules())
    except StoreError as error:
        complain(f"the store cannot be used: {error}")
        raise typer.Exit(ExitStatus.STORE) from error
    made = make_report(lives(past, clock.time_ns() // 1000), days, group_by.value)
    if output is ReportFormat.HTML:
        from gateway.report.html import page  # noqa: PLC0415

        typer.echo(page(made, node=settings.node).encode(errors="backslashreplace"))
        return
    how = OutputFormat(output.value)
    for line in written(list(made.table()), made.names, how.value):
        typer.echo(line.encode(errors="backslashreplace"))


def _days(first: date, last: date) -> Sequence[tuple[str, int, int]]:
    """The local days from one to another, both in it."""
    count = (last - first).days + 1
    if not 0 < count <= MOST_DAYS:
        raise typer.BadParameter(f"{last} is before {first}, or too long after it", param_hint="--to")
    dates = [first + timedelta(days=each) for each in range(count + 1)]
    begins = [round(datetime.combine(each, time()).timestamp() * 1_000_000) for each in dates]
    return [(day.isoformat(), begins[each], begins[each + 1]) for each, day in enumerate(dates[:-1])]
