"""What is over stays in the store for as long as it is wanted, and is read beside a gateway that runs."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.figures import SessionFigures
from gateway.domain.session import Rules
from gateway.errors import StoreError
from gateway.store.archive import DAY, FORGET_AT_ONCE
from gateway.store.contents import Batch
from gateway.store.ended import Archive, ArchivedCall, ArchivedSession, Spell
from gateway.store.past import read_past
from tests.domain.support import RULES
from tests.store.support import new_store, opened

ID = "0199aaaa-bbbb-7ccc-8ddd-eeeeeeee0001"


def session(number: int, ended: int, *, calls: int = 1) -> ArchivedSession:
    """One of many."""
    figures = SessionFigures(number_of_calls=calls, total_talk_time=5)
    name = f"{ID[:-4]}{number:04}"
    return ArchivedSession(
        name, "Zoë \udc80", "support", "PJSIP/1", ended - 10, ended - 9, ended, 1, figures, (1, 2, 3, 4)
    )


def batch(*sessions: ArchivedSession, before: int | None = None) -> Batch:
    """Sessions, each with a spell and a call."""
    return Batch(
        archive=Archive(
            {each.session_id: each for each in sessions},
            [Spell(each.session_id, 0, each.ended - 8, each.ended - 4, None) for each in sessions],
            [ArchivedCall(each.session_id, "1.1", "1.2", each.ended - 3, each.ended, 3, None, 1) for each in sessions],
            before,
        )
    )


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    """Names that are no text too; a call that ends after its session changes it, once."""
    path, one = tmp_path / "gateway.db", session(1, 100)
    with opened(path) as (store, _):
        store.write(batch(one))
        store.write(batch(replace(one, figures=SessionFigures(number_of_calls=2))))
    past = read_past(path, 0, 1000, Rules())
    assert past.sessions == [replace(one, figures=SessionFigures(number_of_calls=2))]
    assert past.spells == batch(one).archive.spells
    assert past.calls == batch(one).archive.calls


def test_only_the_time_that_is_wanted_is_read(tmp_path: Path) -> None:
    """What overlaps with it, at either end too."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        store.write(batch(*(session(number, 100 * number) for number in range(1, 10))))
    past = read_past(path, 300, 495, Rules())
    assert [each.ended for each in past.sessions] == [300, 400, 500]
    assert [each.ended for each in past.calls] == [300, 400]
    assert [each.ended for each in past.spells] == [396, 496]


def test_what_is_too_old_goes_bit_by_bit(tmp_path: Path) -> None:
    """A burst forgets a bounded part, the next one more, and what is younger stays; many of one moment go together."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        old = [session(number, 100 + number // 3) for number in range(2 * FORGET_AT_ONCE)]
        store.write(batch(*old, session(9000, DAY)))
        store.write(batch(before=DAY - 100))
        left = read_past(path, 0, 2 * DAY, Rules())
        assert 0 < len(left.sessions) - 1 <= FORGET_AT_ONCE
        for _ in range(2):
            store.write(batch(before=DAY - 100))
        left = read_past(path, 0, 2 * DAY, Rules())
        assert ([each.ended for each in left.sessions], len(left.spells), len(left.calls)) == ([DAY], 1, 1)


def test_reading_does_not_disturb_whoever_writes(tmp_path: Path) -> None:
    """A gateway that has the store open goes on writing, and what it wrote is seen at once."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        for number in range(1, 6):
            store.write(batch(session(number, 100 * number)))
            past = read_past(path, 0, 1000, Rules())
            assert len(past.sessions) == number
            assert past.is_running
    assert not read_past(path, 0, 1000, Rules()).is_running


def test_store_without_an_archive_says_so(tmp_path: Path) -> None:
    """A file of an earlier version has none until the gateway has run once."""
    path = tmp_path / "gateway.db"
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="nothing for reports yet"):
        read_past(path, 0, 1, Rules())
    with pytest.raises(StoreError, match="no such file"):
        read_past(tmp_path / "nowhere", 0, 1, Rules())
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cannot be read"):
        read_past(path, 0, 1, Rules())


def test_nothing_of_a_batch_that_fails_is_kept(tmp_path: Path) -> None:
    """What is over is written with the facts, or not at all."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        bad = batch(session(1, 100))
        bad.archive.calls.append(ArchivedCall(ID, "1.1", "1.2", "yesterday", 1, None, None, None))  # type: ignore[arg-type]
        with pytest.raises((sqlite3.Error, StoreError, Exception)):
            store.write(bad)
        store.write(batch(session(2, 200)))
    assert [each.ended for each in read_past(path, 0, 1000, Rules()).sessions] == [200]
    assert new_store(path).open(RULES).sessions == []
