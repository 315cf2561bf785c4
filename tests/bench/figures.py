"""Figures, what they should be, and how they are shown."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was measured.
        value: The median over the turns.
        unit: Of it.
        baseline: The baseline's median, None where it was not measured.
        ratio: Median of value over baseline, turn by turn; None where there is no baseline.
        target: In words; empty where there is none.
        met: Whether it is met; None where there is none.
        turns: The value of each turn.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    turns: tuple[float, ...] = ()


def figure(
    name: str,
    unit: str,
    turns: Sequence[float],
    baseline: Sequence[float] = (),
    *,
    target: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    of_ratio: bool = False,
) -> Figure:
    """A figure from its turns.

    Args:
        name: What was measured.
        unit: Of it.
        turns: One value a turn.
        baseline: The baseline's in the same turns.
        target: In words; made from the bounds if empty.
        at_least: The target, from below.
        at_most: The target, from above.
        of_ratio: Whether the bounds are of the ratio.
    """
    ratio = median([mine / its for mine, its in zip(turns, baseline, strict=True)]) if baseline else None
    value = median(turns)
    judged = ratio if of_ratio else value
    met = None
    if judged is not None and at_least is not None:
        met, words = judged >= at_least, f"≥ {at_least:,g}"
    elif judged is not None and at_most is not None:
        met, words = judged <= at_most, f"≤ {at_most:,g}"
    else:
        words = ""
    words += " x baseline" if of_ratio and words else ""
    its = median(baseline) if baseline else None
    return Figure(name, value, unit, its, ratio, target or words, met, tuple(turns))


_HEAD: Final = ("", "gateway", "baseline", "ratio", "target", "")


def table(figures: Iterable[Figure]) -> str:
    """The figures as aligned text."""
    rows = [_HEAD]
    for each in figures:
        verdict = "" if each.met is None else "met" if each.met else "NOT MET"
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        rows.append((each.name, _number(each.value, each.unit), _number(each.baseline), ratio, each.target, verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in {0, 4, 5} else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def as_json(figures: Iterable[Figure]) -> str:
    """The figures and the machine, for programs."""
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "machine": platform.machine()}
    return json.dumps({"machine": machine, "figures": [asdict(each) for each in figures]}, indent=1)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which *share* (0 to 1) of sorted values are."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return ""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
    return f"{text} {unit}".rstrip()
