"""An agent's day at the desk, archived as the gateway does it, in a store as the gateway has it."""

from collections.abc import Iterable
from pathlib import Path

from gateway.domain.facts import Outcome, TimePassed
from gateway.domain.instant import HOUR, SECOND
from gateway.domain.session import Rules
from gateway.report.past import Life, lives
from gateway.service.archivist import Archivist
from gateway.store.contents import Batch
from gateway.store.past import read_past
from tests.domain.support import EPOCH, RULES, Desk, at, events_in
from tests.store.support import new_store

KEEP = 30 * 24 * HOUR


def a_shift() -> Desk:
    """Three hundred seconds with two calls, a break, another reason, and a missed call."""
    desk = Desk()
    desk.add(0)
    desk.talk(10, 40, "a", joined=4)
    desk.pause(60, "lunch")
    desk.pause(80, "training")
    desk.unpause(100)
    desk.miss(110)
    desk.talk(120, 150, "b", joined=119)
    desk.tick(170)
    return desk


def archived(told: Iterable[Outcome], archivist: Archivist | None = None) -> Batch:
    """What a batch would bring of it."""
    archivist = archivist or Archivist(lambda instant: instant, keep=KEEP)
    for each in told:
        archivist.apply(TimePassed(at(0)), [each], at(0))
    batch = Batch()
    archivist.collect(batch)
    return batch


def stored(path: Path, desk: Desk) -> None:
    """Put the whole of a desk into a store, and its last sign of life."""
    batch = archived(desk.told)
    last = max(event.occasion.at for event in events_in(desk.told))
    batch.sessions = {each.session_id: each for each in (*desk.handler.sessions(), *desk.handler.ended())}
    batch.values = {"contact": str(max(last, desk.center._latest)), "clock_steps": "[]"}
    store = new_store(path)
    store.open(RULES)
    store.write(batch)
    store.close()


def lives_in(path: Path, begin: float = -1e6, end: float = 1e6) -> list[Life]:
    """What a report knows of the sessions between two times, seconds after the beginning of the desk."""
    return lives(read_past(path, at(begin), at(end), Rules()), (EPOCH + 10**6) * SECOND)
