"""Charts as pictures in a page: bars, lying where names are long, in colours that people tell apart who see few."""

import sys
from collections.abc import Sequence
from html import escape
from typing import Any, Final

import pygal  # type: ignore[import-untyped]
from pygal.style import Style  # type: ignore[import-untyped]

from gateway.report.figures import Figures

# pygal puts a finder of its plugins, in the way of Python 2, among those that every import asks; there are no plugins.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

_HOUR: Final = 3_600_000_000
_MOST: Final = 40
"""Bars of a chart; the others are in the table."""
_WIDTH: Final = 1100
_BAR: Final = 24
"""Height of a lying bar with its name."""
_EDGES: Final = 150
"""Height of all that is not bars."""

Bars = Sequence[tuple[str, Figures]]

# In this order: on a call, wrap-up, ready, not ready.
_STYLE: Final = Style(
    background="transparent",
    plot_background="transparent",
    font_family="sans-serif",
    colors=("#0072B2", "#56B4E9", "#009E73", "#E69F00"),
    opacity="1",
    foreground="#222222",
    foreground_strong="#111111",
    foreground_subtle="#888888",
    title_font_size=18,
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=14,
)


def hours(title: str, bars: Bars, *, lying: bool) -> str:
    """Time in each state, one above or beside the other."""
    kind = pygal.HorizontalStackedBar if lying else pygal.StackedBar
    return _chart(
        kind,
        title,
        [name for name, _ in bars],
        {
            "on a call": [_hours(figures.busy_on_call) for _, figures in bars],
            "wrap-up": [_hours(figures.busy_wrapup) for _, figures in bars],
            "ready": [_hours(figures.ready) for _, figures in bars],
            "not ready": [_hours(figures.total_not_ready) for _, figures in bars],
        },
        "hours",
    )


def calls(title: str, bars: Bars, *, lying: bool) -> str:
    """Calls handled, and missed."""
    kind = pygal.HorizontalStackedBar if lying else pygal.StackedBar
    return _chart(
        kind,
        title,
        [name for name, _ in bars],
        {
            "handled": [figures.number_of_calls for _, figures in bars],
            "missed": [figures.calls_missed for _, figures in bars],
        },
        "calls",
        colors=(_STYLE.colors[0], _STYLE.colors[3]),
    )


def times(title: str, each: Sequence[tuple[str, int]]) -> str:
    """Times, microseconds, by name."""
    return _chart(pygal.HorizontalBar, title, [name for name, _ in each], {"": [_hours(t) for _, t in each]}, "hours")


def _hours(time: int) -> float:
    return round(time / _HOUR, 2)


def _chart(
    kind: Any,
    title: str,
    names: Sequence[str],
    series: dict[str, list[Any]],
    unit: str,
    *,
    colors: tuple[str, ...] = _STYLE.colors,
) -> str:
    if not names:
        return ""
    shown, lying = names[:_MOST], kind in {pygal.HorizontalBar, pygal.HorizontalStackedBar}
    rest = f" (the first {_MOST} of {len(names)})" if len(names) > _MOST else ""
    style = Style(**(_STYLE.to_dict() | {"colors": colors, "font_family": "sans-serif"}))
    chart = kind(
        style=style,
        js=[],
        disable_xml_declaration=True,
        title=title + rest,
        **{"x_title" if lying else "y_title": unit},
        show_legend="" not in series,
        width=_WIDTH,
        height=_EDGES + _BAR * len(shown) if lying else 380,
        legend_at_bottom=True,
        legend_at_bottom_columns=4,
        truncate_label=34,
        spacing=6,
        explicit_size=False,
    )
    for label, values in series.items():
        first = values[:_MOST]
        chart.add(label, first[::-1] if lying else first)  # lying bars are drawn from below
    chart.x_labels = shown[::-1] if lying else shown
    return _figure(chart.render(is_unicode=True), title + rest)


def _figure(svg: str, title: str) -> str:
    # The picture's own script only knows what there is on a page with pygal's: it is left out.
    while (begin := svg.find("<script")) >= 0:
        svg = svg[:begin] + svg[svg.index("</script>", begin) + len("</script>") :]
    return f'<figure role="img" aria-label="{escape(title)}">{svg}</figure>'
