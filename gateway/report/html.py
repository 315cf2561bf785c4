"""A report as one page that needs nothing else: tables, and charts as pictures in it. It prints, and runs no script."""

import sys
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import pygal  # type: ignore[import-untyped]
from pygal.style import Style  # type: ignore[import-untyped]

from gateway.report.figures import Figures, columns, reasons
from gateway.report.report import SESSION_HEAD, Report, head_of
from gateway.report.table import clock, shown

# pygal puts a finder of its plugins, in the way of Python 2, among those that every import asks; there are no plugins.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

_HOUR: Final = 3_600_000_000
_MOST: Final = 40
"""Bars of a chart; the others are in the table."""

# Colours that people tell apart who see few, in this order: on a call, wrap-up, ready, not ready.
_STYLE: Final = Style(
    background="transparent",
    plot_background="transparent",
    font_family="sans-serif",
    colors=("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#D55E00", "#999999"),
)

_CSS: Final = """
:root { color-scheme: light; }
body { font: 14px/1.4 sans-serif; margin: 2em auto; max-width: 78em; padding: 0 1em; color: #111; background: #fff; }
table { border-collapse: collapse; width: 100%; margin: 1em 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .5em; border-bottom: 1px solid #ccc; text-align: right; vertical-align: top; }
th { border-bottom: 2px solid #666; vertical-align: bottom; }
.text { text-align: left; }
tfoot td { font-weight: bold; border-top: 2px solid #666; }
figure { margin: 1em 0; break-inside: avoid; }
figure svg { width: 100%; height: auto; max-height: 28em; }
.scroll { overflow-x: auto; }
@media print {
  @page { size: A4 landscape; margin: 1cm; }
  body { font-size: 8px; margin: 0; max-width: none; }
  .scroll { overflow: visible; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
}
"""

#: What a page shows of the columns; all of them are in the CSV.
_SHOWN: Final = (
    "session_duration", "ready", "not_ready", "busy_on_call", "busy_wrapup", "number_of_calls", "calls_missed",
    "average_talk_time", "average_wrap_up_time", "average_time_to_answer", "longest_time_to_answer", "acd_call_rate",
    "complete",
)  # fmt: skip


def page(report: Report, *, node: str) -> str:
    """The whole page."""
    first, last = report.days[0][0], report.days[-1][0]
    span = first if first == last else f"{first} to {last}"
    title = escape(f"{node}: sessions {span}")
    by = report.group_by
    grouped = [(str(head.get(by) or head.get("agent")), figures) for head, figures in report.rows]
    parts = [
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_CSS}</style></head><body><h1>{title}</h1>",
        _figures_table((by,) if by != "session" else SESSION_HEAD, report),
        _chart(f"Hours by {by}", grouped, "hours"),
        _chart(f"Calls by {by}", grouped, "calls"),
    ]
    if len(report.days) > 1 and by != "day":
        parts.append(_chart("Calls by day", list(report.by_day.items()), "calls"))
    parts += [_reasons(report), _sessions(report), "</body></html>"]
    return "\n".join(parts)


def _chart(title: str, each: Sequence[tuple[str, Figures]], what: str) -> str:
    """A picture of bars, one on top of the other for hours."""
    shown_ = each[:_MOST]
    if not shown_:
        return ""
    names = [name for name, _ in shown_]
    if what == "hours":
        chart = pygal.StackedBar(**_options(title, "hours"))
        for label, of in (
            ("on a call", [figures.busy_on_call for _, figures in shown_]),
            ("wrap-up", [figures.busy_wrapup for _, figures in shown_]),
            ("ready", [figures.ready for _, figures in shown_]),
            ("not ready", [figures.total_not_ready for _, figures in shown_]),
        ):
            chart.add(label, [round(time / _HOUR, 2) for time in of])
    else:
        chart = pygal.Bar(**_options(title, "calls"))
        chart.add("handled", [figures.number_of_calls for _, figures in shown_])
        chart.add("missed", [figures.calls_missed for _, figures in shown_])
    chart.x_labels = names
    rest = f" (the first {_MOST} of {len(each)})" if len(each) > _MOST else ""
    return _figure(chart.render(is_unicode=True), title + rest)


def _options(title: str, unit: str) -> dict[str, object]:
    return {
        "style": _STYLE,
        "js": [],
        "disable_xml_declaration": True,
        "title": title,
        "y_title": unit,
        "x_label_rotation": 30,
        "width": 1100,
        "height": 380,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 4,
        "pretty_print": False,
        "show_minor_x_labels": True,
        "explicit_size": False,
    }


def _figure(svg: str, title: str) -> str:
    # The picture's own script only knows what there is on a page with pygal's: it is left out.
    while (begin := svg.find("<script")) >= 0:
        svg = svg[:begin] + svg[svg.index("</script>", begin) + len("</script>") :]
    return f'<figure role="img" aria-label="{escape(title)}">{svg}</figure>'


def _reasons(report: Report) -> str:
    whole = report.total
    found = reasons([whole])
    if not found:
        return ""
    chart = pygal.HorizontalBar(**_options("Time not ready by reason", ""))
    for reason in found[:_MOST]:
        chart.add(reason or "(no reason)", [round(whole.not_ready[reason] / _HOUR, 2)])
    rows = [[reason or "(no reason)", clock(whole.not_ready[reason] / 1_000_000)] for reason in found]
    return _figure(chart.render(is_unicode=True), "Time not ready by reason") + _table(
        "Time not ready by reason", ("reason", "time"), rows, text=1
    )


def _figures_table(head: Sequence[str], report: Report) -> str:
    rows = [[_cell(name, each.get(name)) for name in (*head, *_SHOWN)] for each in report.table()]
    total = columns(report.total)
    foot = ["All", *([""] * (len(head) - 1)), *(_cell(name, total.get(name)) for name in _SHOWN)]
    return _table("Figures", (*head, *_SHOWN), rows, text=len(head), foot=foot)


def _sessions(report: Report) -> str:
    if report.group_by == "session":
        return ""
    rows = []
    for life, figures in report.sessions:
        values = head_of(life) | columns(figures)
        rows.append([_cell(name, values.get(name)) for name in (*SESSION_HEAD, *_SHOWN)])
    return _table("Sessions", (*SESSION_HEAD, *_SHOWN), rows, text=len(SESSION_HEAD))


def _cell(name: str, value: object) -> str:
    return shown(name, value)


def _table(
    title: str, names: Sequence[str], rows: Iterable[Sequence[str]], *, text: int, foot: Sequence[str] = ()
) -> str:
    """A table, of which the first *text* columns are words."""

    def line(cells: Sequence[str], tag: str) -> str:
        classes = (' class="text"' if number < text else "" for number in range(len(cells)))
        inner = (f"<{tag}{kind}>{escape(cell)}</{tag}>" for cell, kind in zip(cells, classes, strict=True))
        return f"<tr>{''.join(inner)}</tr>"

    head = line([name.replace("_", " ") for name in names], "th")
    body = "".join(line(cells, "td") for cells in rows)
    end = f"<tfoot>{line(foot, 'td')}</tfoot>" if foot else ""
    return (
        f'<h2>{escape(title)}</h2><div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody>{end}'
        "</table></div>"
    )
