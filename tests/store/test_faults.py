"""Files that cannot be used: what is wrong is said, and the file is left byte for byte as it was."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import StoreError, StoreWriteError
from gateway.store.contents import Batch
from gateway.store.schema import MIGRATIONS
from tests.domain.support import RULES
from tests.store.support import Expected, contents, full_batch, message, new_store, opened, pieces, put_pieces
from tests.store.test_kill import ROOT, line, opened_or_told, running

READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM session").fetchone())
connection.close()
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of some 40 pages, closed."""
    path = tmp_path_factory.mktemp("good") / "gateway.db"
    with opened(path) as (store, _):
        batch = full_batch(40)
        batch.messages += [message(number, 9_000) for number in range(100, 103)]
        store.write(batch)
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def refusal(path: Path) -> str:
    """What the store says of a file that it refuses."""
    with pytest.raises(StoreError) as caught:
        new_store(path).open(RULES)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text.removeprefix(f"{path} ")


def run_sql(path: Path, *statements: str) -> None:
    """Let another program change the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def make_newer(path: Path) -> None:
    """A file of a later version of the gateway."""
    run_sql(path, "PRAGMA user_version = 4711")


def make_foreign(path: Path) -> None:
    """Another program's database."""
    path.unlink()
    run_sql(path, "CREATE TABLE astdb (key, value)", "PRAGMA user_version = 1")


def unreadable_session(path: Path) -> None:
    """A session that no version wrote."""
    run_sql(path, "UPDATE session SET body = '{\"session_id\": 1}' WHERE rowid = 3")


def no_stream(path: Path) -> None:
    """A store without its stream."""
    run_sql(path, "DELETE FROM about")


def no_version(path: Path) -> None:
    """A store that had no migration."""
    run_sql(path, "PRAGMA user_version = 0")


def bad_command(path: Path) -> None:
    """A command's key with bytes that are no text."""
    run_sql(path, "UPDATE command SET key = x'ff' WHERE rowid = 1")


def wrong_type(path: Path) -> None:
    """A payload that is text."""
    run_sql(path, "PRAGMA ignore_check_constraints = 1", "UPDATE message SET payload = 'text' WHERE number = 1")


def bad_header(path: Path) -> None:
    """The first bytes are others."""
    path.write_bytes(b"x" * 100 + path.read_bytes()[100:])


def bad_page(path: Path) -> None:
    """A page in the middle is noise."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = bytes(range(256)) * 16
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    """The second half is missing."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    """Nothing is left of it."""
    path.write_bytes(b"")


def damaged_schema(path: Path) -> None:
    """The first table's definition has a byte that is no text, where SQLite would quote it."""
    data = bytearray(path.read_bytes())
    data[data.index(b"CREATE TABLE about")] = 0xEF
    path.write_bytes(data)


def no_database(path: Path) -> None:
    """A text."""
    path.write_text("[store]\npath = 'gateway.db'\n" * 100)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            make_newer,
            f"was written by a newer version of the gateway: it has version 4711, and {len(MIGRATIONS)} is the newest",
        ),
        (make_foreign, "is not a store of this gateway, but another program's database"),
        (unreadable_session, "is damaged: the session session-2 cannot be read"),
        (no_stream, "is damaged: it has no stream"),
        (no_version, "is damaged: it has no version"),
        (bad_command, "is damaged: a command cannot be read"),
        (wrong_type, "is damaged: CHECK constraint failed in message"),
        (bad_header, "is damaged, or no store at all"),
        (bad_page, "is damaged"),
        (damaged_schema, "is damaged"),
        (cut_short, "is damaged"),
        (emptied, "is not a store of this gateway"),
        (no_database, "is damaged, or no store at all"),
    ],
)
def test_file_that_cannot_be_used_is_told_and_left(
    good: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    """A damaged, foreign or newer file is told for what it is, and neither it nor anything beside it changes."""
    path = tmp_path / "gateway.db"
    path.write_bytes(good.read_bytes())
    damage(path)
    before = pieces(path)
    assert refusal(path).startswith(said)
    assert pieces(path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["gateway.db"]


@pytest.mark.parametrize("damage", [make_newer, unreadable_session, no_stream, bad_command])
def test_refused_file_keeps_its_log(good: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """Where a killed program left a log, what is refused because of it is left as it is, the log too."""
    path = tmp_path / "gateway.db"
    path.write_bytes(good.read_bytes())
    with closing(sqlite3.connect(path)) as witness:
        witness.execute("SELECT count(*) FROM session").fetchall()
        damage(path)
        killed = pieces(path)
    put_pieces(path, killed)
    assert killed["gateway.db-wal"]
    refusal(path)
    assert pieces(path) == killed


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=3))
def test_any_wrong_byte_is_harmless_or_told(good: Path, tmp_path: Path, flips: list[tuple[float, int]]) -> None:
    """Whichever bytes of the file are wrong, it opens or is told and left; no other error comes of it."""
    path = tmp_path / "gateway.db"
    data = bytearray(good.read_bytes())
    for place, mask in flips:
        data[int(place * len(data))] ^= mask
    put_pieces(path, {path.name: bytes(data)})
    if opened_or_told(path) is None:
        assert pieces(path) == {path.name: bytes(data)}


# Places ---------------------------------------------------------------------------------------------------------------


def test_missing_folder_is_told(tmp_path: Path) -> None:
    """A folder that is not there is not made: it may be a disk that was not mounted."""
    assert refusal(tmp_path / "no" / "gateway.db") == f"cannot be used: there is no folder {tmp_path / 'no'}"
    assert not list(tmp_path.iterdir())


def test_path_below_a_file_is_told(tmp_path: Path) -> None:
    """A path that leads through a file is told."""
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "gateway.db").startswith("cannot be used: there is no folder")


def test_folder_in_its_place_is_told(tmp_path: Path) -> None:
    """A folder under the file's name is told."""
    (tmp_path / "gateway.db").mkdir()
    assert refusal(tmp_path / "gateway.db") == "cannot be read and written: Is a directory"


def test_circle_of_links_is_told(tmp_path: Path) -> None:
    """Links that lead nowhere are told."""
    path = tmp_path / "gateway.db"
    path.symlink_to(path)
    refusal(path)


def test_log_without_its_file_is_told(tmp_path: Path) -> None:
    """A file that is missing while its log is there is not made anew: SQLite would mix the two."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        store.write(full_batch(3))
        killed = pieces(path)
    put_pieces(path, {"gateway.db-wal": killed["gateway.db-wal"]})
    assert refusal(path).startswith("is missing, but gateway.db-wal is there")
    assert pieces(path) == {"gateway.db-wal": killed["gateway.db-wal"]}


def test_read_only_file_system_is_told(small_disk: Path, good: Path) -> None:
    """A file on a file system that cannot be written is told, whether it is there already or not."""
    (small_disk / "gateway.db").write_bytes(good.read_bytes())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    said = f"cannot be used: the folder {small_disk} cannot be written"
    assert refusal(small_disk / "gateway.db") == said
    assert refusal(small_disk / "new.db") == said
    assert pieces(small_disk / "gateway.db") == {"gateway.db": good.read_bytes()}


def test_read_only_file_is_told(tmp_path: Path, good: Path) -> None:
    """A file that cannot be written in a folder that can is told."""
    path = tmp_path / "gateway.db"
    path.write_bytes(good.read_bytes())
    mount = ["mount", "--bind", str(path), str(path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a file can be made read-only for this test by root alone")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(path)], check=True)
        assert refusal(path) == "cannot be read and written: Read-only file system"
        assert pieces(path) == {"gateway.db": good.read_bytes()}
    finally:
        subprocess.run(["umount", str(path)], check=True)


# Others at the file ---------------------------------------------------------------------------------------------------


def test_second_gateway_is_refused(tmp_path: Path) -> None:
    """A file that one gateway uses is refused to a second, and the first goes on; after its kill it is free."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _):
        before = pieces(path)
        command = [sys.executable, "-m", "tests.store.writer", "hold", str(path)]
        said = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
        assert said.decode().split("\n")[1] == f"{path} is in use by another gateway"
        assert pieces(path) == before
        store.write(full_batch(3))
    with running("hold", tmp_path / "other.db") as other:
        assert line(other) == "opened 0"
        assert refusal(tmp_path / "other.db") == "is in use by another gateway"
    contents(tmp_path / "other.db")


def test_reader_at_the_file_leaves_everything_in_place(tmp_path: Path) -> None:
    """Another program that reads the file in use, and ends, neither disturbs the writing nor takes the log with it."""
    path = tmp_path / "gateway.db"
    contents(path)
    for batch in (full_batch(3), Batch(values={"later": "1"})):  # found without a log, and with one
        with opened(path) as (store, _):
            store.write(batch)
            log = (tmp_path / "gateway.db-wal").stat().st_ino
            said = subprocess.run([sys.executable, "-c", READER, str(path)], capture_output=True, check=True).stdout
            assert said == b"(3,)\n"
            assert (tmp_path / "gateway.db-wal").stat().st_ino == log
            killed = pieces(path)
        put_pieces(path, killed)
    assert contents(path).values["later"] == "1"


def test_file_locked_by_another_program_is_told(tmp_path: Path) -> None:
    """A file that another program keeps for itself is told as locked."""
    path = tmp_path / "gateway.db"
    contents(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("INSERT INTO value VALUES ('a', '1')")
        other.execute("COMMIT")
        before = pieces(path)
        assert refusal(path) == "is locked by another program (database is locked)"
        assert pieces(path) == before


def test_transaction_of_another_program_only_delays(tmp_path: Path) -> None:
    """While another program writes, a write fails and can be tried again."""
    path = tmp_path / "gateway.db"
    with opened(path) as (store, _), closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreWriteError, match="is locked by another program"):
            store.write(full_batch(3))
        other.execute("ROLLBACK")
        store.write(full_batch(3))
    assert len(contents(path).sessions) == 3


# A full disk ----------------------------------------------------------------------------------------------------------


def fill(disk: Path) -> Path:
    """Leave no space on a disk, and return the file that takes it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    return filler


def test_full_disk_is_told_and_tried_again(small_disk: Path) -> None:
    """On a full disk a batch fails as a whole; with space again the same batch, with what came since, is written."""
    path = small_disk / "gateway.db"
    expected = Expected()
    with opened(path) as (store, _):
        store.write(first := full_batch(3))
        expected.apply(first)
        filler = fill(small_disk)
        batch = Batch(values={"seq": "4"})
        for number in range(100, 400):
            batch.messages.append(message(number, 1_500))
            if number % 50 == 0 and number >= 200:
                with pytest.raises(StoreWriteError, match="no space left on the disk"):
                    store.write(batch)
                assert store.size_of_outbox() == expected.size
        saved = pieces(path)
        filler.unlink()
        store.write(batch)
        expected.apply(batch)
        assert store.size_of_outbox() == expected.size
    expected.check(contents(path))
    put_pieces(path, saved)
    assert contents(path).values == first.values


def test_full_disk_at_the_start_is_told(small_disk: Path, good: Path) -> None:
    """On a full disk no file is begun, and one that is there is told and left."""
    path = small_disk / "gateway.db"
    path.write_bytes(good.read_bytes())
    before = sorted(each.name for each in (*small_disk.iterdir(), fill(small_disk)))
    refusal(small_disk / "new.db")
    refusal(path)
    assert pieces(path) == {"gateway.db": good.read_bytes()}
    assert sorted(each.name for each in small_disk.iterdir()) == before
