"""A report: the sessions of a time, summed by agent, group or day."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from gateway.report.figures import Figures, columns, grouped, reasons, seconds, total
from gateway.report.past import Life, within
from gateway.report.presence import Presence, presence

GroupBy = Literal["session", "agent", "group", "day"]

Day = tuple[str, int, int]
"""A local day: its date, and when it begins and ends, microseconds since the epoch."""

SESSION_HEAD = ("agent", "group", "address", "session_start_time", "session_end_time")


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to tell.

    Attributes:
        days: The days of it, oldest first.
        group_by: By what it is summed.
        rows: Figures of each sum, or of each session, and for how long people were there.
        sessions: Each session with its figures.
        by_day: Figures of each day.
        presence: For how long people were there, all of them together.
    """

    days: Sequence[Day]
    group_by: GroupBy
    rows: list[tuple[dict[str, object], Figures, Presence]]
    sessions: list[tuple[Life, Figures]]
    by_day: dict[str, Figures]
    presence: Presence

    @property
    def total(self) -> Figures:
        """Of all sessions."""
        return total(figures for _, figures in self.sessions)

    @property
    def head(self) -> tuple[str, ...]:
        """The columns that say what a row is of."""
        return SESSION_HEAD if self.group_by == "session" else (self.group_by,)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, in order."""
        return (*self.head, *row({}, Figures(), Presence()))

    def table(self) -> Iterator[dict[str, object]]:
        """The rows, as the contract names and measures things."""
        for head, figures, there in self.rows:
            yield row(head, figures, there)


def row(head: dict[str, object], figures: Figures, there: Presence) -> dict[str, object]:
    """One row: what it is of, its figures, and the time not ready by reason, in seconds, the longest first."""
    by_reason = {reason: seconds(figures.not_ready[reason]) for reason in reasons([figures])}
    people: dict[str, object] = {"logged_in": seconds(there.logged_in), "available": seconds(there.available)}
    return head | people | columns(figures) | {"not_ready_by_reason": by_reason}


def make_report(lives: Iterable[Life], days: Sequence[Day], group_by: GroupBy) -> Report:
    """Sum up the sessions of some days, which follow each other."""
    lives = list(lives)
    first, last = days[0][1], days[-1][2]
    sessions = list(within(lives, first, last))
    by_day = {name: total(figures for _, figures in within(lives, begin, end)) for name, begin, end in days}
    rows: list[tuple[dict[str, object], Figures, Presence]]
    match group_by:
        case "session":
            rows = [(head_of(life), figures, presence([life], first, last)) for life, figures in sessions]
        case "day":
            rows = [({"day": name}, by_day[name], presence(lives, begin, end)) for name, begin, end in days]
        case _:
            of: dict[str, list[Life]] = {}
            for life, _ in sessions:
                of.setdefault(getattr(life, group_by), []).append(life)
            sums = grouped(((getattr(life, group_by),), figures) for life, figures in sessions)
            rows = [({group_by: name}, each, presence(of[name], first, last)) for (name,), each in sums.items()]
    return Report(days, group_by, rows, sessions, by_day, presence(lives, first, last))


def head_of(life: Life) -> dict[str, object]:
    """What a session is."""
    return {
        "agent": life.agent,
        "group": life.group,
        "address": life.address,
        "session_start_time": time_of(life.began),
        "session_end_time": None if life.ended is None else time_of(life.ended),
    }


def time_of(wall: int) -> str:
    """A time of day as the contract writes it."""
    return datetime.fromtimestamp(wall / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
