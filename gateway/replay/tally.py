"""From sessions to rows: each by itself, or summed by agent, queue or day."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal

from gateway.domain.instant import SECOND
from gateway.replay.names import UNKNOWN
from gateway.replay.session import BUSY_ON_CALL, BUSY_WRAPUP, NOT_READY, READY, ReplaySession
from gateway.report.figures import Figures, columns

GroupBy = Literal["session", "agent", "queue", "day"]

HEADS = {"session": ("agent", "group", "address", "session_start_time", "session_end_time")}


def names_of(group_by: GroupBy) -> tuple[str, ...]:
    """The columns, in order."""
    return (*HEADS.get(group_by, (group_by,)), *columns(Figures()))


def figures_of(session: ReplaySession, end: int) -> Figures:
    """The figures of one session, which lasts to *end*, an instant, if it did not end before."""
    times = [session.time_in(state, end) for state in (NOT_READY, READY, BUSY_ON_CALL, BUSY_WRAPUP)]
    return Figures(
        sessions=1,
        session_duration=session.duration(end),
        not_ready={"": times[0]},
        ready=times[1],
        busy_on_call=times[2],
        busy_wrapup=times[3],
        number_of_calls=session.number_of_calls,
        total_talk_time=session.total_talk_time,
        total_wrap_up_time=session.total_wrap_up_time,
        time_to_answer=session.time_to_answer,
        answers_timed=session.answers_timed,
        longest_time_to_answer=session.longest_time_to_answer,
        calls_missed=session.calls_missed,
        unseen=session.unseen(end),
        complete=session.login_told and not session.gaps,
    )


class Tally:
    """Takes sessions as they end.

    Args:
        group_by: By what they are summed.
        day: The local day of an instant, as ``2026-11-22``.
    """

    def __init__(self, group_by: GroupBy, day: Callable[[int], str]) -> None:
        self._group_by: GroupBy = group_by
        self._day = day
        self._sums: dict[str, Figures] = {}
        self._sessions: list[tuple[tuple[object, ...], Figures]] = []

    def take(self, session: ReplaySession, end: int) -> None:
        """A session, of which nothing more will come."""
        figures = figures_of(session, end)
        if self._group_by == "session":
            address = None if session.interface.startswith(UNKNOWN) else session.interface
            place = (session.agent, session.group, address, session.start_time, session.end_time)
            self._sessions.append((place, figures))
            return
        match self._group_by:
            case "agent":
                name = session.agent
            case "queue":
                name = session.group
            case _:
                name = self._day(session.start_time)
        self._sums.setdefault(name, Figures()).add(figures)

    def rows(self) -> Iterator[dict[str, object]]:
        """All rows, sorted by their names, sessions by their start."""
        if self._group_by == "session":
            for place, figures in sorted(self._sessions, key=lambda each: (each[0][3], str(each[0]))):
                agent, group, address, begin, end = place
                head = (agent, group, address, time_of(begin), time_of(end))
                yield dict(zip(HEADS["session"], head, strict=True)) | columns(figures)
        for name, figures in sorted(self._sums.items()):
            yield {self._group_by: name} | columns(figures)


def time_of(instant: object) -> str | None:
    """A time of day as the contract writes it; a log has whole seconds and one clock."""
    if not isinstance(instant, int):
        return None
    return datetime.fromtimestamp(instant / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
