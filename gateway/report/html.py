"""A report as one page that needs nothing else: tables, and charts as pictures in it. It prints, and runs no script."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

from gateway.report import charts
from gateway.report.figures import Figures, columns, reasons, seconds
from gateway.report.report import SESSION_HEAD, Report, head_of
from gateway.report.table import clock, shown

_CSS: Final = """
:root { color-scheme: light; }
body { font: 14px/1.4 sans-serif; margin: 2em auto; max-width: 110em; padding: 0 1.5em; color: #111; background: #fff; }
h2 { margin: 2em 0 .5em; break-after: avoid; }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1em; font-variant-numeric: tabular-nums; }
table { font-size: .93em; }
th, td { padding: .25em .4em; border-bottom: 1px solid #ccc; text-align: right; vertical-align: top; }
thead th { border-bottom: 2px solid #666; vertical-align: bottom; }
tbody th { font-weight: normal; }
.text { text-align: left; overflow-wrap: break-word; min-width: 5em; max-width: 13em; }
th:first-child { min-width: 10em; }
.time { text-align: left; white-space: nowrap; }
tfoot :is(th, td) { font-weight: bold; border-top: 2px solid #666; }
dl { display: flex; flex-wrap: wrap; gap: 1em 3em; margin: 1em 0; }
dl div { display: flex; flex-direction: column-reverse; }
dt { color: #444; }
dd { margin: 0; font-size: 1.8em; font-weight: bold; line-height: 1.1; }
p { max-width: 60em; }
figure { margin: 1em 0; break-inside: avoid; }
figure svg { width: 100%; height: auto; max-width: 80em; }
.scroll { overflow-x: auto; }
@media print {
  @page { size: A4 landscape; margin: 1cm; }
  body { font-size: 8.5px; margin: 0; padding: 0; max-width: none; }
  .scroll { overflow: visible; }
  th, td { padding: .2em .35em; }
  figure svg { max-width: 100%; max-height: 17cm; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; }
  tr { break-inside: avoid; }
}
"""

#: What a page shows of the columns, and what it calls them; all of them are in the CSV.
_PEOPLE: Final = {"logged_in": "logged in", "available": "available"}
_SUMS: Final = {
    "session_duration": "in sessions", "ready": "ready", "not_ready": "not ready", "busy_on_call": "on a call",
    "busy_wrapup": "wrap-up", "number_of_calls": "calls", "calls_missed": "missed", "average_talk_time": "average talk",
    "average_wrap_up_time": "average wrap-up", "average_time_to_answer": "average answer",
    "longest_time_to_answer": "longest answer", "acd_call_rate": "calls an hour", "complete": "complete",
}  # fmt: skip
_WORDS: Final = {"session_start_time": "from", "session_end_time": "to"}
_NOTE: Final = (
    "Logged in and available are times of people. All others are sums over sessions: somebody who is in three queues "
    "at once has three of them. An answer's time is counted from the caller's coming."
)


def page(report: Report, *, node: str) -> str:
    """The whole page."""
    first, last = report.days[0][0], report.days[-1][0]
    span = first if first == last else f"{first} to {last}"
    title = escape(f"{node}: {span}")
    by = report.group_by
    bars = [(str(head.get(by) or _session_name(head)), figures) for head, figures, _ in report.rows]
    parts = [
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_CSS}</style></head><body><main><h1>{title}</h1>",
        _summary(report),
        _figures_table(report),
        f"<p>{_NOTE}</p>",
        charts.hours(f"Hours by {by}", bars, lying=by != "day"),
        charts.calls(f"Calls by {by}", bars, lying=by != "day"),
    ]
    if len(report.days) > 1 and by != "day":
        parts.append(charts.calls("Calls by day", list(report.by_day.items()), lying=False))
    parts += [_reasons(report.total), _sessions(report), "</main></body></html>"]
    return "\n".join(parts)


def _session_name(head: dict[str, object]) -> str:
    return f"{head['agent']}, {head['group']}, {_local(head['session_start_time'])}"


def _summary(report: Report) -> str:
    """What somebody asks first."""
    whole = columns(report.total)
    told = {
        "calls handled": f"{whole['number_of_calls']:,}",
        "logged in": clock(seconds(report.presence.logged_in)),
        "available": clock(seconds(report.presence.available)),
        "average talk": clock(whole["average_talk_time"]),
        "average answer": clock(whole["average_time_to_answer"]),
        "agents": str(len({life.agent for life, _ in report.sessions})),
    }
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in told.items()) + "</dl>"


def _reasons(whole: Figures) -> str:
    found = reasons([whole])
    if not found:
        return ""
    title = "Time not ready by reason"
    times = [(reason or "(no reason)", whole.not_ready[reason]) for reason in found]
    rows = [[reason, clock(time / 1_000_000)] for reason, time in times]
    return charts.times(title, times) + _table(title, ("reason",), ("time",), rows)


def _figures_table(report: Report) -> str:
    head = report.head
    names = _SUMS if report.group_by == "session" else _PEOPLE | _SUMS
    rows = [[_cell(name, each.get(name)) for name in (*head, *names)] for each in report.table()]
    people = {"logged_in": seconds(report.presence.logged_in), "available": seconds(report.presence.available)}
    whole = people | columns(report.total)
    foot = ["All", *([""] * (len(head) - 1)), *(_cell(name, whole.get(name)) for name in names)]
    return _table("Figures", head, tuple(names.values()), rows, foot=foot)


def _sessions(report: Report) -> str:
    if report.group_by == "session":
        return ""
    rows = []
    for life, figures in report.sessions:
        values = head_of(life) | columns(figures)
        rows.append([_cell(name, values.get(name)) for name in (*SESSION_HEAD, *_SUMS)])
    return _table("Sessions", SESSION_HEAD, ("lasted", *list(_SUMS.values())[1:]), rows)


def _cell(name: str, value: object) -> str:
    if name in _WORDS:
        return _local(value)
    return f"{value:.1f}" if name == "acd_call_rate" and isinstance(value, float) else shown(name, value)


def _local(value: object) -> str:
    """A time of day in this machine's time zone, as the days of a report are."""
    if value is None:
        return "goes on"
    return datetime.fromisoformat(str(value)).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _table(
    title: str, head: Sequence[str], names: Sequence[str], rows: Iterable[Sequence[str]], *, foot: Sequence[str] = ()
) -> str:
    """A table: some columns that say what a row is of, then figures."""
    kinds = ["time" if name in _WORDS or name == "day" else "text" for name in head]

    def line(cells: Sequence[str], scope: str) -> str:
        said = []
        for number, cell in enumerate(cells):
            kind = f' class="{kinds[number]}"' if number < len(kinds) else ""
            tag = "th" if scope == "col" or (number == 0 and scope == "row") else "td"
            scoped = f' scope="{scope}"' if tag == "th" else ""
            said.append(f"<{tag}{scoped}{kind}>{escape(cell)}</{tag}>")
        return f"<tr>{''.join(said)}</tr>"

    words = [_WORDS.get(name, name.replace("_", " ")) for name in head]
    top = line([*words, *names], "col")
    body = "".join(line(cells, "row") for cells in rows)
    end = f"<tfoot>{line(foot, 'row')}</tfoot>" if foot else ""
    return (
        f'<h2>{escape(title)}</h2><div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f"<table><thead>{top}</thead><tbody>{body}</tbody>{end}</table></div>"
    )
