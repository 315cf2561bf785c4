"""The store in use: what was written is there again, and nothing else."""

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.session import Rules
from gateway.errors import StoreWriteError
from gateway.store.contents import Batch, Message
from gateway.store.store import Store
from tests.domain.support import RULES
from tests.store.support import (
    Expected,
    batches,
    command,
    contents,
    full_batch,
    message,
    new_store,
    opened,
    pieces,
    put_pieces,
    session,
)


@settings(max_examples=25, deadline=None)
@given(batches(), st.sets(st.integers(0, 9), max_size=3))
def test_what_was_written_is_read(written: list[Batch], restarts: set[int]) -> None:
    """After any batches, over any restarts, the store holds what plain dictionaries hold, in their order."""
    expected = Expected()
    with TemporaryDirectory() as folder:
        store = new_store(Path(folder) / "gateway.db")
        stream = store.open(RULES).stream
        for number, batch in enumerate(written):
            store.write(batch)
            expected.apply(batch)
            assert store.size_of_outbox() == expected.size
            if number in restarts:
                store.close()
                saved = store.open(RULES)
                expected.check(saved)
                assert (saved.stream, saved.is_new, saved.is_restored) == (stream, False, False)
                assert store.size_of_outbox() == expected.size
        store.close()
        expected.check(contents(Path(folder) / "gateway.db"))


@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_new_store_is_empty(tmp_path: Path, synchronous: str) -> None:
    """Where there is no file, an empty store with a stream of its own is made, for its owner alone."""
    path = tmp_path / "gateway.db"
    store = Store(path, synchronous="full" if synchronous == "full" else "normal")
    saved = store.open(RULES)
    store.close()
    assert (saved.is_new, saved.is_restored, UUID(saved.stream).version) == (True, False, 4)
    Expected().check(saved)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert contents(path).stream == saved.stream


def test_streams_of_two_stores_differ(tmp_path: Path) -> None:
    """Each store has a stream of its own."""
    assert contents(tmp_path / "one.db").stream != contents(tmp_path / "two.db").stream


def test_orderly_end_leaves_one_file(tmp_path: Path) -> None:
    """After an orderly end the one file is all there is, so that a copy of it is a backup."""
    with opened(tmp_path / "gateway.db") as (store, _):
        store.write(full_batch(10))
    assert [each.name for each in tmp_path.iterdir()] == ["gateway.db"]


def test_sessions_come_under_the_present_rules(tmp_path: Path) -> None:
    """Sessions are read with the rules that the store is opened with."""
    with opened(tmp_path / "gateway.db") as (store, _):
        store.write(full_batch(2))
    rules = Rules(frozenset({"acw"}))
    with opened(tmp_path / "gateway.db", rules) as (_, saved):
        assert [each.rules for each in saved.sessions] == [rules, rules]


def test_batch_that_fails_writes_nothing(tmp_path: Path) -> None:
    """A batch of which one part cannot be written changes nothing, and the store goes on."""
    expected = Expected()
    with opened(tmp_path / "gateway.db") as (store, _):
        store.write(first := full_batch(3))
        expected.apply(first)
        batch = Batch(
            sessions={"session-9": session(9)}, values={"seq": "9"}, messages=[message(9), message(1)], acknowledged=[2]
        )
        with pytest.raises(StoreWriteError, match="UNIQUE"):
            store.write(batch)
        assert store.size_of_outbox() == expected.size
        batch.messages.pop()
        store.write(batch)
        expected.apply(batch)
        assert store.size_of_outbox() == expected.size
    expected.check(contents(tmp_path / "gateway.db"))


def test_batch_says_whether_it_holds_anything() -> None:
    """An empty batch is false, and one with anything in it is true."""
    assert not Batch()
    assert all(
        (
            Batch(sessions={"a": session(1)}),
            Batch(forgotten={"a"}),
            Batch(messages=[message(1)]),
            Batch(acknowledged=[1]),
            Batch(previous={"a": 1}),
            Batch(values={"a": "1"}),
            Batch(commands={"a": command(1)}),
            Batch(forgotten_commands={"a"}),
        )
    )


def test_batch_keeps_the_last_word(tmp_path: Path) -> None:
    """In one burst, what is forgotten after it changed is gone, and a command that comes again stays."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        store.write(Batch(commands={command(1).key: command(1)}))
        batch = Batch(sessions={"session-1": session(1)})
        batch.forget_session("session-1")
        batch.forget_command(command(1).key)
        batch.remember_command(command(1, answer=b"ok"))
        batch.remember_command(command(2))
        batch.forget_command(command(2).key)
        store.write(batch)
    saved = contents(path)
    assert not saved.sessions
    assert saved.commands == {command(1).key: command(1, answer=b"ok")}


def test_command_may_hold_any_characters(tmp_path: Path) -> None:
    """Key and reply topic are what anybody may send, halves of characters and NUL included."""
    path = tmp_path / "gateway.db"
    odd = command(1, text="\ud800\0\udcff\U0001f600")
    with opened(path) as (store, _):
        store.write(Batch(commands={odd.key: odd}))
    assert contents(path).commands == {odd.key: odd}
    with opened(path) as (store, _):
        store.write(Batch(forgotten_commands={odd.key}))
    assert not contents(path).commands


def test_messages_come_piece_by_piece(tmp_path: Path) -> None:
    """The messages can be read in pieces of any length, so that a long outage need not fit into memory."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        store.write(Batch(messages=[message(number) for number in range(10)]))
        store.write(Batch(acknowledged=[0, 4]))
    store = new_store(path)
    assert store.open(RULES, with_messages=False).messages == []
    assert store.size_of_outbox()[0] == 8
    read = store.messages(None, 3)
    while more := store.messages(read[-1].number, 3):
        read += more
    store.close()
    assert read == [message(number) for number in (1, 2, 3, 5, 6, 7, 8, 9)]


@pytest.mark.parametrize("name", ["a b?c#d%41.db", "größe.db", "x\udcff.db", "..db"])
def test_any_path_is_taken(tmp_path: Path, name: str) -> None:
    """Characters that mean something in a URI, or are no UTF-8, may be in the path."""
    with opened(tmp_path / name) as (store, _):
        store.write(full_batch(1))
    assert len(contents(tmp_path / name).sessions) == 1
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_symbolic_link_stays_one(tmp_path: Path) -> None:
    """A link to the file is followed, and files beside it are made where the file is."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "gateway.db").symlink_to(tmp_path / "disk" / "real.db")
    with opened(tmp_path / "gateway.db") as (store, saved):
        store.write(full_batch(1))
        assert saved.is_new
    assert (tmp_path / "gateway.db").is_symlink()
    assert len(contents(tmp_path / "disk" / "real.db").sessions) == 1


# Copies and lost pieces -----------------------------------------------------------------------------------------------


def test_copy_begins_a_new_stream(tmp_path: Path) -> None:
    """A backup that is put back holds everything, and begins a stream of its own in which no topic had an event."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, saved):
        store.write(full_batch(3))
    (tmp_path / "backup.db").write_bytes(path.read_bytes())
    path.rename(tmp_path / "broken.db")
    (tmp_path / "backup.db").rename(path)
    restored = contents(path)
    assert (restored.is_new, restored.is_restored, restored.previous) == (False, True, {})
    assert restored.stream != saved.stream
    assert (len(restored.sessions), len(restored.messages)) == (3, 3)
    again = contents(path)
    assert (again.stream, again.is_restored) == (restored.stream, False)


def test_backup_can_be_taken_while_in_use(tmp_path: Path) -> None:
    """SQLite's own backup takes a whole copy of a store in use, which then is a copy like any other."""
    path, backup = tmp_path / "gateway.db", tmp_path / "backup.db"
    with opened(path) as (store, _):
        store.write(full_batch(3))
        with closing(sqlite3.connect(path)) as reader, closing(sqlite3.connect(backup)) as copy:
            reader.backup(copy)
        store.write(Batch(values={"later": "1"}))
    restored = contents(backup)
    assert (restored.is_restored, len(restored.sessions), restored.values) == (True, 3, full_batch(3).values)


def test_copy_that_sqlite_packed_is_taken(tmp_path: Path) -> None:
    """A copy by ``VACUUM INTO``, which keeps no log, is a copy like any other."""
    path, backup = tmp_path / "gateway.db", tmp_path / "backup.db"
    with opened(path) as (store, _):
        store.write(full_batch(3))
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("VACUUM INTO ?", (str(backup),))
    with opened(backup) as (store, saved):
        assert (saved.is_restored, len(saved.sessions)) == (True, 3)
        store.write(Batch(values={"later": "1"}))
        assert backup.with_name("backup.db-wal").stat().st_size
    assert contents(backup).values["later"] == "1"


def test_lost_log_begins_a_new_stream(tmp_path: Path) -> None:
    """A log deleted after a kill takes what it held with it: the store is whole, of an earlier time, and says so."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, saved):
        store.write(full_batch(3))
        killed = pieces(path)
    assert killed["gateway.db-wal"]
    put_pieces(path, {"gateway.db": killed["gateway.db"]})
    restored = contents(path)
    assert (restored.is_restored, restored.sessions, restored.is_new) == (True, [], False)
    assert restored.stream != saved.stream
    put_pieces(path, killed)
    whole = contents(path)
    assert (whole.is_restored, whole.stream, len(whole.sessions)) == (False, saved.stream, 3)


def test_log_deleted_while_in_use_loses_nothing(tmp_path: Path) -> None:
    """A log deleted under a running gateway is made anew at the next write, and a kill after it loses nothing."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        store.write(full_batch(3))
        (tmp_path / "gateway.db-wal").unlink()
        store.write(Batch(values={"later": "1"}))
        killed = pieces(path)
    put_pieces(path, killed)
    saved = contents(path)
    assert (len(saved.sessions), saved.values["later"], saved.is_restored) == (3, "1", False)


def test_file_taken_away_while_in_use_is_told(tmp_path: Path) -> None:
    """Nothing is written to a file that nobody will find again; put back, it is written on."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        path.rename(tmp_path / "away.db")
        with pytest.raises(StoreWriteError, match=r"gateway.db was removed or replaced while in use"):
            store.write(full_batch(3))
        path.touch()
        with pytest.raises(StoreWriteError, match=r"gateway.db was removed or replaced while in use"):
            store.write(full_batch(3))
        (tmp_path / "away.db").rename(path)
        store.write(full_batch(3))
    assert len(contents(path).sessions) == 3


class Later:
    """Numbers the messages that it is given from 1 on."""

    def __init__(self) -> None:
        self.previous: dict[str, int] = {}

    def renumber(self, message: Message) -> Message:
        """The next one."""
        seq = self.previous["topic"] = self.previous.get("topic", 0) + 1
        return replace(message, seq=seq, payload=b"renumbered")


def test_stream_can_be_renewed(tmp_path: Path) -> None:
    """A stream that others know more of than the store does is given up; only what is newer belongs to the new one."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, saved):
        store.write(full_batch(3))
        store.write(Batch(messages=[message(number) for number in range(4, 1_000)], previous={"topic": 999}))
        store.renew_stream("new", 2, Later())
        size = store.size_of_outbox()
    again = contents(path)
    assert (again.stream, again.previous, len(again.sessions)) == ("new", {"topic": 997}, 3)
    assert again.stream != saved.stream
    assert again.messages[:2] == [message(1), message(2)]
    assert [each.seq for each in again.messages[2:]] == list(range(1, 998))
    assert {each.payload for each in again.messages[2:]} == {b"renumbered"}
    with opened(path) as (store, _):
        assert store.size_of_outbox() == size


def test_renewal_that_fails_changes_nothing(tmp_path: Path) -> None:
    """All of it happens or nothing."""

    class Failing(Later):
        def renumber(self, message: Message) -> Message:
            if message.number == 900:
                raise sqlite3.OperationalError("disk I/O error")
            return super().renumber(message)

    path = tmp_path / "gateway.db"
    with opened(path) as (store, saved):
        store.write(Batch(messages=[message(number) for number in range(1, 1_000)], previous={"topic": 999}))
        with pytest.raises(StoreWriteError, match="disk I/O error"):
            store.renew_stream("new", 0, Failing())
    again = contents(path)
    assert (again.stream, again.previous) == (saved.stream, {"topic": 999})
    assert again.messages == [message(number) for number in range(1, 1_000)]


# The outbox -----------------------------------------------------------------------------------------------------------


def test_pieces_are_bounded_in_bytes(tmp_path: Path) -> None:
    """A piece has no more bytes than were asked for, unless a single message has."""
    with opened(tmp_path / "gateway.db") as (store, _):
        messages = [message(1, 1_000), message(2, 1_000), message(3, 50_000), message(4, 1_000)]
        store.write(Batch(messages=messages))
        assert store.messages(None, 10, 2_500) == messages[:2]
        assert store.messages(2, 10, 2_500) == messages[2:3]
        assert store.messages(3, 10, 2_500) == messages[3:]
        assert store.messages(4, 10, 2_500) == []


def test_last_number_is_that_of_the_last_message_kept(tmp_path: Path) -> None:
    """Where numbering goes on after a start; without a message it may begin again, as there is none to collide with."""
    path = tmp_path / "gateway.db"
    assert contents(path).last_number == 0
    with opened(path) as (store, _):
        store.write(Batch(messages=[message(3), message(8)]))
    with opened(path) as (store, saved):
        assert saved.last_number == 8
        store.write(Batch(acknowledged=[3, 8]))
    assert contents(path).last_number == 0


def test_the_oldest_messages_are_dropped(tmp_path: Path) -> None:
    """As many as make up the bytes, but for those that are to stay; the rest is as it was."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        messages = [message(number) for number in range(1, 11)]
        store.write(Batch(messages=messages))
        dropped = store.drop_oldest(sum(each.size for each in messages[2:5]), {1, 2})
        assert (dropped.numbers, dropped.first_topic) == ([3, 4, 5], messages[2].topic)
        assert store.size_of_outbox() == (7, sum(each.size for each in messages[:2] + messages[5:]))
        assert store.drop_oldest(1 << 30, {1}).numbers == [2, 6, 7, 8, 9, 10]
        assert store.drop_oldest(1, {1}).numbers == []
    assert contents(path).messages == [message(1)]


def test_file_does_not_grow_past_its_bound(tmp_path: Path) -> None:
    """What was dropped or acknowledged leaves room that is used again."""
    path = tmp_path / "gateway.db"
    limit, sizes = 1 << 20, []
    with opened(path) as (store, _):
        for number in range(0, 20_000, 50):
            store.write(Batch(messages=[message(number + each, 1_500) for each in range(50)]))
            if (excess := store.size_of_outbox()[1] - limit) > 0:
                store.drop_oldest(excess + limit // 64)
            sizes.append(path.stat().st_size)
    assert max(sizes) < 2 * limit, "30 MB went through"
    assert sizes[-1] == sizes[100]


@given(st.sets(st.integers(1, 60)), st.lists(st.integers(1, 70), max_size=80))
def test_what_is_acknowledged_goes_in_whatever_order(kept: set[int], acknowledged: list[int]) -> None:
    """Runs and single ones, known or not, once or twice: just those go, and count and bytes are of what is left."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "gateway.db", synchronous="normal")
        store.open(RULES)
        messages = [Message(number, "t", bytes(number), number) for number in sorted(kept)]
        store.write(Batch(messages=messages))
        store.write(Batch(acknowledged=acknowledged))
        left = [message for message in messages if message.number not in acknowledged]
        assert store.messages(None, 100) == left
        assert store.size_of_outbox() == (len(left), sum(message.size for message in left))
        store.close()
