"""The queue_log as it grows: what is read at once of it."""

from pathlib import Path

import pytest

from gateway.ami.ways_out import LoggedExit
from gateway.domain.caller import WayOut
from gateway.domain.instant import SECOND
from gateway.service.ways_out import GrowingLog
from gateway.timeline import Timeline

NOW = 1_795_000_000
LINES = [
    ("CONNECT", WayOut.CONNECTED, "5|leg|2"),
    ("ABANDON", WayOut.ABANDONED, "1|1|5"),
    ("EXITWITHTIMEOUT", WayOut.TIMED_OUT, "1|1|5"),
    ("EXITEMPTY", WayOut.EMPTY, "1|1|5"),
    ("EXITWITHKEY", WayOut.KEY, "7|1|1|5"),
    ("WITHDRAW", WayOut.WITHDRAWN, "1|1|5|info"),
]


def write(path: Path, seconds: int, event: str = "ABANDON", data: str = "1|1|5", *, who: str = "c") -> None:
    """One line."""
    with path.open("a") as log:
        log.write(f"{NOW + seconds}|{who}|support|NONE|{event}|{data}\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log with a line of long ago."""
    path = tmp_path / "queue_log"
    write(path, -5000, who="old")
    return path


@pytest.fixture
def log(path: Path) -> GrowingLog:
    """It, being followed."""
    return GrowingLog(path, Timeline(steady=0, wall=NOW * SECOND))


@pytest.mark.parametrize(("event", "way", "data"), LINES)
def test_each_way_out(path: Path, log: GrowingLog, event: str, way: WayOut, data: str) -> None:
    """By its line, once; what is older than what is asked for is not read."""
    write(path, 3, event, data)
    key = "7" if way is WayOut.KEY else None
    assert log.read((NOW + 2) * SECOND) == [LoggedExit("c", "support", way, (NOW + 3) * SECOND, key)]
    assert log.read((NOW + 2) * SECOND) == []


def test_other_lines_are_passed_over(path: Path, log: GrowingLog) -> None:
    """Joinings, ends of calls, and what is no line."""
    write(path, 1, "ENTERQUEUE", "|5550100|1")
    write(path, 2, "COMPLETEAGENT", "1|2|1")
    with path.open("a") as file:
        file.write("nonsense\n")
    assert log.read(NOW * SECOND) == []


def test_it_goes_on_over_a_rotation(path: Path, log: GrowingLog) -> None:
    """What was written to the old file after the last look, and what stands in the new one."""
    write(path, 1, who="a")
    assert [each.uniqueid for each in log.read(NOW * SECOND)] == ["a"]
    write(path, 2, who="b")
    path.rename(path.with_name("queue_log.0"))
    write(path, 3, who="c")
    assert [each.uniqueid for each in log.read(NOW * SECOND)] == ["b", "c"]


def test_keeping_up_reads_ahead(path: Path, log: GrowingLog) -> None:
    """What is read while nobody asks is given to who asks next, unless it is too old by then."""
    write(path, 0, who="a")
    log.read(NOW * SECOND)
    for seconds in range(1, 100):
        write(path, seconds, who=f"c{seconds}")
    log.keep_up()
    write(path, 100, who="last")
    read = [each.uniqueid for each in log.read(NOW * SECOND)]
    assert read[-2:] == ["c99", "last"]
    assert len(read) < 20


def test_a_log_that_cannot_be_read(
    path: Path, log: GrowingLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing, said once in one line; and when it is there again it is read."""
    path.rename(tmp_path / "away")
    path.mkdir()
    log.keep_up()
    for _ in range(3):
        assert log.read(NOW * SECOND) == []
    assert len([each for each in caplog.records if "cannot be read" in each.getMessage()]) == 1
    path.rmdir()
    (tmp_path / "away").rename(path)
    write(path, 5)
    assert [each.uniqueid for each in log.read(NOW * SECOND)] == ["c"]
