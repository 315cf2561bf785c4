"""Following a log through everything that rotation does to it."""

import gzip
import json
import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.queue_log.follow import QueueLog
from gateway.queue_log.parse import Entry
from gateway.queue_log.place import Place
from gateway.queue_log.reading import Reading
from tests.queue_log.writer import COMPRESS, START, Writer

Rotate = Callable[[Writer], None]
ROTATIONS: dict[str, Rotate] = {
    "sequential": Writer.sequential,
    "rotate": Writer.rotate,
    "timestamp": Writer.timestamp,
    "none": Writer.none,
    "dateext": Writer.dateext,
    "copytruncate": Writer.copytruncate,
}
rotations = pytest.mark.parametrize("rotate", ROTATIONS.values(), ids=ROTATIONS)


class Reader:
    """A gateway's hand on the log: remembers its place as it would be kept over a restart."""

    def __init__(self, path: Path) -> None:
        self.log = QueueLog(path)
        self.place: Place | None = None
        self.read: list[int] = []
        self.missing: list[str] = []
        self.garbage = 0

    def take(self, reading: Reading | None) -> None:
        """Read all there is."""
        if reading is None:
            return
        with reading:
            for chunk in reading.chunks():
                self.read += [int(entry.event[1:]) for entry in chunk]
            self.missing += [each.why for each in reading.missing]
            self.garbage += reading.garbage
            self.place = reading.place
        if self.place is not None:
            self.place = Place.from_json(json.loads(json.dumps(self.place.as_json())))

    def poll(self) -> None:
        """Read what came."""
        self.take(self.log.poll(self.place))


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """A log that is open."""
    writer = Writer(tmp_path)
    yield writer
    writer.close()


@pytest.fixture
def reader(writer: Writer) -> Reader:
    """Somebody who has read nothing of it yet."""
    return Reader(writer.path)


def entries(reading: Reading) -> list[Entry]:
    """All entries."""
    with reading:
        return [entry for chunk in reading.chunks() for entry in chunk]


# Rotation ----------------------------------------------------------------------------------------------------------


@rotations
@pytest.mark.parametrize("suffix", [None, *COMPRESS])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_every_line_is_read_once_through_rotation(
    writer: Writer, reader: Reader, rotate: Rotate, suffix: str | None, times: int
) -> None:
    """However the file was rotated since, and however often, reading goes on where it stopped."""
    writer.write(5)
    reader.poll()
    for _ in range(times):
        writer.write(3)
        rotate(writer)
    writer.write(2)
    if suffix is not None:
        writer.compress(suffix)
    reader.poll()
    assert reader.read == writer.lines
    assert reader.missing == []
    assert reader.garbage == 0


@settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(
    st.sampled_from(sorted(ROTATIONS)),
    st.lists(st.sampled_from(["write", "write", "burst", "half", "rotate", "compress", "poll", "poll"]), max_size=25),
    st.sampled_from(sorted(COMPRESS)),
)
def test_any_history_is_read_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, strategy: str, acts: list[str], suffix: str
) -> None:
    """Writing, half lines, rotation and compression in any order, polled whenever: every line, once, in order."""
    writer = Writer(tmp_path_factory.mktemp("log"))
    reader = Reader(writer.path)
    for act in acts:
        match act:
            case "write":
                writer.write()
            case "burst":
                writer.write(40, seconds=0, padding=30)
            case "half":
                writer.write_half()
            case "rotate":
                ROTATIONS[strategy](writer)
            case "compress":
                writer.compress(suffix)
            case _:
                reader.poll()
                assert reader.read == writer.lines
    writer.finish_line()
    writer.close()
    reader.poll()
    assert reader.read == writer.lines
    assert reader.missing == []
    assert reader.garbage == 0


def test_a_half_written_line_waits_for_its_end(writer: Writer, reader: Reader) -> None:
    """It is neither read before, nor lost, nor read twice."""
    writer.write(2)
    writer.write_half()
    reader.poll()
    assert reader.read == [0, 1]
    reader.poll()
    writer.finish_line()
    reader.poll()
    assert reader.read == [0, 1, 2]
    assert reader.garbage == 0


def test_asterisk_writes_on_into_a_renamed_file(writer: Writer, reader: Reader) -> None:
    """Between logrotate's renaming and Asterisk's reopening lines go to the old name; none is lost."""
    writer.write(2)
    reader.poll()
    writer.path.rename(f"{writer.path}.1")
    writer.write()
    reader.poll()
    writer.path.touch()
    writer.write()
    reader.poll()
    writer.write()
    writer.reopen()
    writer.write()
    reader.poll()
    assert reader.read == writer.lines == [*range(7)]
    assert reader.missing == []


def test_an_unfinished_compressed_copy_is_not_read(writer: Writer, reader: Reader) -> None:
    """While gzip runs, the plain file is still there, and holds."""
    writer.write(3)
    reader.poll()
    writer.write(3)
    writer.sequential()
    plain = writer.path.with_name("queue_log.0")
    plain.with_name("queue_log.0.gz").write_bytes(gzip.compress(plain.read_bytes())[:20])
    reader.poll()
    assert reader.read == writer.lines
    assert reader.missing == []


def test_other_files_in_the_folder_are_let_alone(writer: Writer, reader: Reader) -> None:
    """Neither another log nor somebody's copy is taken for a rotated one."""
    writer.write(2)
    for name in ("full", "queue_log.bak", "queue_log_old", "queue_log.txt.1", "xqueue_log.1", "queue_log.1.part"):
        writer.path.with_name(name).write_bytes(writer.path.read_bytes())
    writer.path.with_name("queue_log.5").mkdir()
    writer.path.with_name("queue_log.6").touch()
    writer.sequential()
    reader.poll()
    assert reader.read == writer.lines


def test_nothing_new_costs_one_stat(writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll that finds size and file unchanged opens nothing."""
    writer.write(2)
    reader.poll()
    monkeypatch.setattr(Path, "open", None)
    assert reader.log.poll(reader.place) is None


def test_a_log_that_begins_later_is_read_from_its_first_line(tmp_path: Path) -> None:
    """There need be no file yet."""
    reader = Reader(tmp_path / "queue_log")
    reader.poll()
    assert reader.place is None
    writer = Writer(tmp_path)
    reader.poll()
    assert reader.place is None
    writer.write(3)
    writer.close()
    reader.poll()
    assert reader.read == [0, 1, 2]


def test_rotation_does_not_disturb_what_is_open(writer: Writer, reader: Reader) -> None:
    """A reading is of one moment: files may be renamed, deleted, and written to, and it gives the same again."""
    writer.write(2000)
    reading = reader.log.open_from(None)
    chunks = reading.chunks()
    first = next(chunks)
    writer.sequential()
    writer.path.with_name("queue_log.0").unlink()
    rest = [entry for chunk in chunks for entry in chunk]
    assert len(first) + len(rest) == 2000
    assert reading.complete
    again = [entry for chunk in reading.chunks() for entry in chunk]
    assert again == [*first, *rest]
    reading.close()


# What is missing ---------------------------------------------------------------------------------------------------


def test_an_emptied_file_is_told(writer: Writer, reader: Reader) -> None:
    """What comes after is read, and the time of which nobody knows is named."""
    writer.write(5)
    reader.poll()
    os.truncate(writer.path, 0)
    writer.write(2, seconds=10)
    reading = reader.log.open_from(reader.place)
    assert [(each.begin, each.end) for each in reading.missing] == [(START + 5, START + 15)]
    assert "emptied" in reading.missing[0].why
    reader.take(reading)
    assert reader.read == writer.lines


def test_a_file_that_grew_past_the_place_after_it_was_emptied_is_told(writer: Writer, reader: Reader) -> None:
    """Its size does not give it away, what is in it does."""
    writer.write(5)
    reader.poll()
    os.truncate(writer.path, 0)
    writer.write(50)
    reader.poll()
    assert reader.read == writer.lines
    assert len(reader.missing) == 1


def test_a_missing_log_is_told_and_read_when_it_is_there_again(writer: Writer, reader: Reader) -> None:
    """The place is kept meanwhile."""
    writer.write(5)
    reader.poll()
    writer.path.unlink()
    reading = reader.log.open_from(reader.place)
    assert [each.why for each in reading.missing] == [f"there is no {writer.path}"]
    assert reading.missing[0].end is None
    assert reading.place == reader.place
    assert entries(reading) == []


def test_a_log_of_another_asterisk_is_told(writer: Writer, reader: Reader) -> None:
    """Lines before the last one read are not taken from it."""
    writer.write(5)
    reader.poll()
    writer.path.unlink()
    writer.path.write_text(
        f"{START - 9}|NONE|NONE|NONE|N90|\n{START + 3}|NONE|q|Eve|N91|\n{START + 7}|NONE|q|Eve|N92|\n"
    )
    reader.poll()
    assert reader.read == [0, 1, 2, 3, 4, 92]
    assert len(reader.missing) == 1
    assert "another Asterisk" in reader.missing[0]


@pytest.mark.parametrize("damage", ["half", "noise", "zst"])
def test_a_damaged_rotated_file_is_told(writer: Writer, reader: Reader, damage: str) -> None:
    """Whatever of it cannot be read is missing, and the files after it are read."""
    writer.write(5)
    reader.poll()
    writer.write(3)
    writer.sequential()
    writer.write(4000, padding=20)
    writer.sequential()
    writer.write(2)
    second = writer.path.with_name("queue_log.1")
    packed = gzip.compress(random.Random(1).randbytes(3) + b"\n" + second.read_bytes())
    name = "queue_log.1.zst" if damage == "zst" else "queue_log.1.gz"
    second.with_name(name).write_bytes(packed[: len(packed) // 2] if damage == "half" else packed[:500] + b"\0" * 500)
    second.unlink()
    reader.poll()
    assert reader.read[:8] == [*range(8)]
    assert reader.read[-2:] == writer.lines[-2:]
    assert len(reader.missing) == 1
    assert name in reader.missing[0]
    reader.poll()
    writer.write()
    reader.poll()
    assert reader.read[-1] == writer.lines[-1]
    assert len(reader.missing) == 1


def test_a_damaged_line_is_counted(writer: Writer, reader: Reader) -> None:
    """Lines that are none, and one longer than any, cost themselves and no other."""
    writer.write(2)
    with writer.path.open("ab") as stream:
        stream.write(b"\xff\xfe\n" + b"y" * 300_000 + b"|NONE|q|a|N77|\n" + b"17950|\n")
    writer.write(2)
    reader.poll()
    assert reader.read == writer.lines
    assert reader.garbage >= 3


# Without a place ---------------------------------------------------------------------------------------------------


@rotations
@pytest.mark.parametrize("back", [0, 1, 50, 3_000, 30_000])
def test_without_a_place_reading_begins_at_a_time(writer: Writer, rotate: Rotate, back: int) -> None:
    """All lines since then and no older one, however the files were rotated."""
    for _ in range(4):
        writer.write(2500, padding=40)
        rotate(writer)
    writer.write(100)
    earliest = writer.time - back
    with QueueLog(writer.path).open_from(None, earliest=earliest) as reading:
        read = [entry for chunk in reading.chunks() for entry in chunk]
    assert reading.complete == (back < 30_000)
    assert all(entry.time >= earliest for entry in read)
    with QueueLog(writer.path).open_from(None) as reading:
        whole = [entry for chunk in reading.chunks() for entry in chunk]
    assert [int(entry.event[1:]) for entry in whole] == writer.lines
    assert read == [entry for entry in whole if entry.time >= earliest]


def test_a_log_that_does_not_go_back_far_enough_is_told(writer: Writer) -> None:
    """From when to when nothing is known."""
    writer.write(3)
    with QueueLog(writer.path).open_from(None, earliest=START - 100) as reading:
        assert [each[:2] for each in reading.missing] == [(START - 100, START + 1)]
        assert len(entries(reading)) == 3


def test_a_log_that_begins_with_asterisk_is_whole(tmp_path: Path) -> None:
    """A member made a moment before Asterisk wrote its first line is no gap."""
    (tmp_path / "queue_log").write_text(f"{START}|NONE|NONE|NONE|QUEUESTART|\n{START + 3}|NONE|q|A|PAUSE|\n")
    with QueueLog(tmp_path / "queue_log").open_from(None, earliest=START - 2) as reading:
        assert reading.complete
    with QueueLog(tmp_path / "queue_log").open_from(None, earliest=START - 200) as reading:
        assert not reading.complete


def test_a_place_that_was_kept_wrongly_is_none() -> None:
    """What is no place is not taken for one."""
    good = {"device": 1, "inode": 2, "written": 5, "offset": 3, "time": 4, "head": "a", "tail": "b"}
    assert Place.from_json(good) is not None
    assert Place.from_json({}) is None
    assert Place.from_json(good | {"offset": 0}) is None
    assert Place.from_json(good | {"offset": "3"}) is None
    assert Place.from_json(good | {"head": None}) is None


# Size --------------------------------------------------------------------------------------------------------------


def test_a_large_log_takes_little_memory(tmp_path: Path) -> None:
    """Twenty megabytes are read, and found by time, in less than two."""
    path = tmp_path / "queue_log"
    line = b"%d|lab-1795333859.37|support|Somebody|CONNECT|0|lab-1795333859.39|0\n"
    with path.open("wb") as stream:
        for number in range(0, 300_000, 1000):
            stream.write(b"".join(line % (START + each) for each in range(number, number + 1000)))
    tracemalloc.start()
    try:
        with QueueLog(path).open_from(None, earliest=START + 299_000) as reading:
            assert sum(len(chunk) for chunk in reading.chunks()) == 1000
        with QueueLog(path).open_from(None, earliest=START + 250_000) as reading:
            assert sum(len(chunk) for chunk in reading.chunks()) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
