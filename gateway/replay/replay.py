"""A log from its files to its sessions: twice through all lines, once to learn who is who, and once for the figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.instant import SECOND
from gateway.replay.lines import Progress, blocks, in_order
from gateway.replay.names import Names
from gateway.replay.player import Player
from gateway.replay.rules import ReplayRules
from gateway.replay.session import ReplaySession


@dataclass(frozen=True, slots=True)
class Span:
    """What of a log is wanted: sessions are cut at both ends. Seconds since the epoch; None: as far as the log goes."""

    begin: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a log was found to be.

    Attributes:
        lines: Its entries, up to the end of what was wanted.
        garbage: Lines that are none.
        first: Time of the first, seconds; None if there was none.
        last: Of the last.
        unsure: Interfaces of which the log does not tell whose they are.
        unplaced: Calls of which it does not tell whose they are.
    """

    lines: int
    garbage: int
    first: int | None
    last: int
    unsure: list[str]
    unplaced: int


def replay(
    files: Sequence[Path],
    over: Callable[[ReplaySession, int], None],
    *,
    rules: ReplayRules,
    span: Span = Span(),
    known: Mapping[str, str] | None = None,
    next_rollover: Callable[[int], int] | None = None,
    progress: Progress = lambda _: None,
) -> Replayed:
    """Play a log.

    Args:
        files: Its files, in any order.
        over: Takes each session of which nothing more will come, and the instant up to which it is known.
        rules: The operator's choices.
        span: What of it is wanted.
        known: Names by interface, where somebody knows better than the log.
        next_rollover: The first instant after another at which sessions are rolled over; None: never.
        progress: Is told how many more bytes were read; every file is read twice.

    Raises:
        ReplayError: A file cannot be read.
    """
    paths = in_order(files)
    names = Names(known, until=span.end)
    for lines in blocks(paths, progress):
        names.take(lines)
    directory = names.resolve()
    if names.first is None:
        return Replayed(0, names.garbage, None, 0, [], 0)
    begin = None if span.begin is None else span.begin * SECOND

    def take(session: ReplaySession) -> None:
        if begin is None or session.start_time >= begin:
            over(session, player.end)

    player = Player(
        directory,
        first=names.first,
        last=names.last,
        rules=rules,
        over=take,
        next_rollover=_with(begin, next_rollover),
    )
    for lines in blocks(paths, progress):
        player.take(lines, until=span.end)
    player.finish()
    return Replayed(names.lines, names.garbage, names.first, names.last, directory.unsure, player.unplaced)


def _with(begin: int | None, next_rollover: Callable[[int], int] | None) -> Callable[[int], int] | None:
    """Rollover at *begin* too, so that what is before it stands in sessions of its own."""
    if begin is None:
        return next_rollover
    never = 1 << 62

    def first_of_both(instant: int) -> int:
        regular = never if next_rollover is None else next_rollover(instant)
        return min(begin, regular) if instant < begin else regular

    return first_of_both
