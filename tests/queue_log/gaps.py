"""A desk whose gateway was away, and the log of that time. All times are seconds after the desk's beginning."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.call import CallKey
from gateway.domain.facts import Fact, QueueFact, TimePassed
from gateway.domain.instant import SECOND
from gateway.domain.member import Member
from gateway.queue_log.parse import Entry, parse
from gateway.queue_log.recover import Gap, Recovery
from gateway.queue_log.survey import Survey
from tests.domain.support import ALICE, EPOCH, Desk, at


def log(text: str) -> list[Entry]:
    """Lines whose times are seconds after the beginning."""
    entries = []
    for line in text.split("\n"):
        seconds, bar, rest = line.strip().partition("|")
        if bar:
            entry = parse(f"{EPOCH + int(seconds)}|{rest}".encode())
            assert entry is not None
            entries.append(entry)
    return entries


@dataclass(slots=True)
class Recovered:
    """What came of it."""

    recovery: Recovery
    facts: list[Fact] = field(default_factory=list)

    @property
    def said(self) -> list[Fact]:
        """The facts without the passing of time, and without callers in queues."""
        return [fact for fact in self.facts if not isinstance(fact, TimePassed | QueueFact)]


def recover(
    desk: Desk,
    text: str | Sequence[Entry],
    begin: float,
    end: float,
    *,
    present: Iterable[Member] = (),
    parts: int = 3,
    **more: Any,
) -> Recovered:
    """Recover a gap at a desk, with the entries in parts, and tell the desk what comes of it."""
    entries = log(text) if isinstance(text, str) else text
    survey = Survey()
    survey.take(entries)
    gap = Gap(at(begin), at(end))
    recovered = Recovered(Recovery(desk.handler, gap, lambda wall: wall, survey, present=present, **more))
    for number in range(0, len(entries), parts):
        recovered.facts += _apply(desk, recovered.recovery.take(entries[number : number + parts]))
    recovered.facts += _apply(desk, recovered.recovery.finish())
    return recovered


def _apply(desk: Desk, facts: list[Fact]) -> list[Fact]:
    for fact in facts:
        desk.apply(fact)
    return facts


def desk_with(*members: Member, since: float = 0, wrap_up: float | None = 15.0) -> Desk:
    """A desk at which these members logged in at the beginning, Alice if none is given."""
    desk = Desk(wrap_up=wrap_up)
    desk.handler.seen_since = at(0)
    for member in members or (ALICE,):
        desk.add(since, member)
    desk.member = (members or (ALICE,))[0]
    return desk


def key(name: str) -> CallKey:
    """The key of a call whose channels are told by *name*."""
    return CallKey(f"{name}.1", f"{name}.2")


def stamp(seconds: int) -> int:
    """Seconds since the epoch."""
    return at(seconds) // SECOND
