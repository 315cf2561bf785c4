"""The same log through the domain model itself: recovery from the queue_log, the agent handler, rollover."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

from gateway.domain.callcenter import CallCenter
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import Member, fold
from gateway.domain.session import AgentSession, Cause, Occasion, Rules, SessionEvent
from gateway.domain.state import AgentSessionState
from gateway.queue_log.parse import Entry, parse
from gateway.queue_log.recover import Gap, Recovery
from gateway.queue_log.recovered_callers import RecoveredCallers
from gateway.queue_log.survey import Survey
from gateway.replay.names import Directory, Names
from gateway.replay.player import Player
from gateway.replay.rules import ReplayRules
from gateway.replay.session import ReplaySession

Figures = dict[str, object]
HEAD = 20


class _NoCallers(RecoveredCallers):
    """Tells nothing: sessions do not ask for callers."""

    def take(self, entry: Entry, now: int) -> None:
        """Nothing."""


def directory_of(lines: Iterable[bytes], known: Mapping[str, str] | None = None) -> tuple[Names, Directory]:
    """The first look through a log."""
    names = Names(known)
    names.take(lines)
    return names, names.resolve()


def replayed(
    lines: list[bytes],
    rules: ReplayRules,
    *,
    known: Mapping[str, str] | None = None,
    next_rollover: Callable[[int], int] | None = None,
    parts: int = 1,
) -> tuple[list[Figures], Player]:
    """The sessions by the lean way."""
    names, directory = directory_of(lines, known)
    found: list[ReplaySession] = []
    player = Player(
        directory,
        first=names.first or 0,
        last=names.last,
        rules=rules,
        over=found.append,
        next_rollover=next_rollover,
    )
    size = max(1, len(lines) // parts)
    for begin in range(0, len(lines), size):
        player.take(lines[begin : begin + size])
    player.finish()
    return sorted((lean(each, player.end) for each in found), key=_order), player


def _order(figures: Figures) -> tuple[object, ...]:
    return figures["place"], figures["start"], repr(sorted(figures.items()))


def lean(session: ReplaySession, end: int) -> Figures:
    """What the lean way says of a session."""
    return {
        "place": (fold(session.group), fold(session.interface), session.agent),
        "start": session.start_time,
        "end": session.end_time,
        "state": (session.state, session.state_since, session.reason),
        "calls": session.number_of_calls,
        "talk": session.total_talk_time,
        "wrap_up": session.total_wrap_up_time,
        "answer": (session.time_to_answer, session.answers_timed, session.longest_time_to_answer),
        "ring": (session.ring_time, session.rings_timed, session.longest_ring_time),
        "missed": session.calls_missed,
        "gaps": [(gap.begin, gap.end) for gap in session.gaps],
        "times": [session.time_in(state, end) for state in range(4)],
        "rate": session.acd_call_rate(end),
        "open": len(session.calls),
    }


def full(session: AgentSession, end: int) -> Figures:
    """What the model says of one."""
    figures = session.figures
    return {
        "place": (fold(session.group), fold(session.address), session.agent),
        "start": session.start_time,
        "end": session.end_time,
        "state": (session.state.value, session.state_since, session.reason),
        "calls": figures.number_of_calls,
        "talk": figures.total_talk_time,
        "wrap_up": figures.total_wrap_up_time,
        "answer": (figures.time_to_answer, figures.answers_timed, figures.longest_time_to_answer),
        "ring": (figures.ring_time, figures.rings_timed, figures.longest_ring_time),
        "missed": figures.calls_missed,
        "gaps": [(gap.begin, gap.end) for gap in session.gaps],
        "times": [session.time_in(AgentSessionState(state), end) for state in range(4)],
        "rate": session.acd_call_rate(end),
        "open": len(session.calls),
    }


@dataclass(slots=True)
class Model:
    """A call center of which only the log is known."""

    rules: ReplayRules
    next_rollover: Callable[[int], int] | None = None
    seen: dict[str, AgentSession] = field(default_factory=dict)

    def play(self, lines: list[bytes], known: Mapping[str, str] | None = None) -> tuple[list[Figures], Recovery]:
        """All lines, and what became of the sessions."""
        names, directory = directory_of(lines, known)
        entries = [entry for entry in map(parse, lines) if entry is not None]
        numbers = count()
        handler = AgentHandler(
            Rules(wrap_up_reasons=self.rules.wrap_up_reasons), "member_name", lambda _: f"session {next(numbers)}"
        )
        center = CallCenter(handler, next_rollover=self.next_rollover)
        end, begin = names.last * SECOND, ((names.first or 0) - HEAD) * SECOND
        center.start((names.first or 0) * SECOND - 1)
        for queue in {entry.queue for entry in entries}:
            limit = {fold(name): limit for name, limit in self.rules.wrap_up.items()}.get(fold(queue))
            handler.add_queue(queue, limit=limit)
        survey = Survey()
        survey.take(entries)
        recovery = Recovery(
            handler,
            Gap(begin, end),
            lambda wall: wall,
            survey,
            present=_present(entries, directory),
            time_to_answer="ring" if self.rules.ring else "queue",
        )
        recovery._queue_callers = _NoCallers((), begin, end, int, heard=(), tell=lambda *_: None)
        facts = [*recovery.take(entries), *recovery.finish()]
        for fact in facts:
            self._note(each.session for each in center.apply(fact) if isinstance(each, SessionEvent))
            self._note(handler.take_changed().values())
        for seat in recovery._members._roster:
            if seat.gone_since is not None:
                handler._sessions.end(seat.member.key, Occasion(seat.gone_since, Cause.RECOVERED))
        self._note(handler.take_changed().values())
        return sorted((full(each, end) for each in self.seen.values()), key=_order), recovery

    def _note(self, sessions: Iterable[AgentSession | None]) -> None:
        self.seen.update((each.session_id, each) for each in sessions if each is not None)


def _present(entries: list[Entry], directory: Directory) -> list[Member]:
    """The directory as members that were listed: it is the list that tells recovery who is who."""
    present: dict[tuple[str, str], Member] = {}
    for entry in entries:
        if entry.event in {"ADDMEMBER", "REMOVEMEMBER"}:
            interface, name = directory.members[fold(entry.agent)]
            present.setdefault((fold(entry.queue), fold(interface)), Member(entry.queue, interface, name, interface))
    for arrival in directory.arrivals:
        key = (fold(arrival.queue), fold(arrival.interface))
        kind = "static" if key not in present else "dynamic"
        present[key] = Member(
            arrival.queue,
            arrival.interface,
            arrival.name,
            arrival.interface,
            membership=kind,
            login_time=arrival.time * SECOND,
        )
    return list(present.values())
