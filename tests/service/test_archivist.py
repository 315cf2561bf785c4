"""What goes into the archive, and when something may leave it."""

from gateway.domain.facts import TimePassed
from gateway.service.archivist import FORGET_EVERY, Archivist
from gateway.store.contents import Batch, Saved
from tests.domain.support import ALICE, Desk, at
from tests.report.support import KEEP, a_shift, archived


def test_spells_have_their_reasons_and_end_where_the_next_begins() -> None:
    """A pause with another reason is another spell; a wrap-up is one as well."""
    spells = [
        (each.state, each.began - at(0), each.ended - at(0), each.reason)
        for each in archived(a_shift().told).archive.spells
    ]
    assert [(state, begin // 10**6, end // 10**6, reason) for state, begin, end, reason in spells] == [
        (3, 40, 55, None),
        (0, 60, 80, "lunch"),
        (0, 80, 100, "training"),
        (3, 150, 165, None),
    ]


def test_spell_goes_on_over_a_restart_of_the_gateway() -> None:
    """Who was not ready then is so since before it."""
    desk = Desk()
    desk.add(0)
    desk.pause(60, "lunch")
    archivist = Archivist(lambda instant: instant, keep=KEEP)
    archivist.restore(Saved("", False, False, [desk.session], [], 0, {}, {}, {}, {}))  # noqa: FBT003
    told = desk.unpause(90)
    (spell,) = archived(told, archivist).archive.spells
    assert (spell.began, spell.ended, spell.reason) == (at(60), at(90), "lunch")


def test_nothing_of_a_caller_is_kept() -> None:
    """The archive tells when and how long, and not with whom."""
    assert "5550100" in repr(a_shift().told)
    assert "5550100" not in repr(archived(a_shift().told).archive)


def test_old_things_are_forgotten_now_and_then() -> None:
    """Every five minutes of facts, and with no days to keep nothing is written at all."""
    archivist, batch = Archivist(lambda instant: instant, keep=KEEP), Batch()
    archivist.apply(TimePassed(at(0)), [], at(0))
    archivist.collect(batch)
    assert batch.archive.forget_before == at(0) - KEEP
    batch = Batch()
    archivist.apply(TimePassed(at(1)), [], at(1))
    archivist.collect(batch)
    assert not batch
    later = at(0) + FORGET_EVERY
    archivist.apply(TimePassed(later), [], later)
    archivist.collect(batch)
    assert batch.archive.forget_before == later - KEEP
    off = archived(a_shift().told, Archivist(lambda instant: instant, keep=0)).archive
    assert (off.sessions, off.spells, off.calls) == ({}, [], [])
    assert ALICE.queue
