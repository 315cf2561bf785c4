"""The place in the queue_log: found, kept, lost, and found again when there was no log at first."""

from pathlib import Path

import pytest

from gateway.service.following import Following

BEGIN = 1_795_000_000


def write(path: Path, *lines: str) -> None:
    """Add lines to a log; times are seconds after the beginning."""
    with path.open("a", encoding="utf-8") as file:
        for line in lines:
            seconds, _, rest = line.partition("|")
            file.write(f"{BEGIN + int(seconds)}|{rest}\n")


def join(seconds: int, callid: str) -> str:
    """A caller joins."""
    return f"{seconds}|{callid}|support|NONE|ENTERQUEUE||5550100|1"


def read(following: Following, earliest: int) -> list[str] | None:
    """The callids of what is read back, from *earliest* if no place is known."""
    reading = following.read_back(BEGIN + earliest)
    if reading is None:
        return None
    with reading:
        return [entry.callid for chunk in reading.chunks() for entry in chunk]


def test_a_gap_is_read_from_the_settled_place(tmp_path: Path) -> None:
    """What the last look read is read again, as lines come late; what is older is not."""
    path = tmp_path / "queue_log"
    following = Following(path)
    write(path, join(1, "a"))
    following.start(BEGIN + 2)
    write(path, join(3, "b"))
    following.follow()
    write(path, join(4, "c"))
    assert read(following, 0) == ["b", "c"]
    following.follow()
    assert read(following, 0) == ["c"]
    assert following.callers.find("b", "support") is not None
    assert following.callers.find("c", "support") is None


def test_a_place_outlives_the_gateway(tmp_path: Path) -> None:
    """And so do the callers who wait there."""
    path = tmp_path / "queue_log"
    following = Following(path)
    write(path, join(1, "a"))
    following.start(BEGIN + 2)
    write(path, join(3, "b"))
    following.follow()
    following.follow()
    again = Following(path)
    again.restore(following.remember())
    write(path, join(4, "c"))
    assert read(again, 0) == ["c"]
    assert again.callers.find("b", "support") is not None


def test_without_a_place_the_log_is_read_from_the_last_contact(tmp_path: Path) -> None:
    """A log that could not be read until now, or was not configured, tells of the gap all the same."""
    path = tmp_path / "queue_log"
    write(path, join(1, "a"), join(5, "b"), join(6, "c"))
    assert read(Following(path), 5) == ["b", "c"]


def test_a_log_that_comes_to_be_is_followed_from_then_on(tmp_path: Path) -> None:
    """Asterisk makes it when it is started, which may be after the gateway."""
    path = tmp_path / "queue_log"
    following = Following(path)
    following.start(BEGIN)
    assert read(following, 0) is None
    write(path, join(1, "a"))
    following.follow()
    write(path, join(2, "b"))
    assert read(following, 0) == ["b"]


def test_a_log_that_cannot_be_read_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """There is nothing to go on then, and nothing breaks."""
    path = tmp_path / "queue_log"
    path.mkdir()
    following = Following(path)
    assert read(following, 0) is None
    assert read(following, 0) is None
    following.start(BEGIN)
    following.follow()
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
