"""Local days and times of day, over the changes to and from summer time."""

import os
import time as time_module
from collections.abc import Iterator
from datetime import UTC, datetime, time

import pytest

from gateway.domain.instant import HOUR, SECOND
from gateway.domain.window import local_day, set_window
from gateway.localtime import LocalTime

LOCAL = LocalTime(lambda instant: instant, lambda wall: wall)


@pytest.fixture(autouse=True, params=["Europe/Berlin", "America/Santiago", "UTC"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The time zone of this process. In Santiago summer time begins at midnight: that midnight does not exist."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time_module.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time_module.tzset()


def utc(text: str) -> int:
    """An instant, by its time of day in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


DAYS = {
    "Europe/Berlin": [("2026-03-29T12:00", 23), ("2026-10-25T12:00", 25), ("2026-11-22T12:00", 24)],
    "America/Santiago": [("2026-09-06T15:00", 23), ("2026-04-04T15:00", 25), ("2026-11-22T12:00", 24)],
    "UTC": [("2026-03-29T12:00", 24)],
}


def test_a_day_has_23_to_25_hours(zone: str) -> None:
    """And one begins where the one before ends."""
    for noon, hours in DAYS[zone]:
        begin, end = LOCAL.day(utc(noon))
        assert (end - begin) // HOUR == hours
        assert LOCAL.day(begin) == (begin, end)
        assert LOCAL.day(end - 1) == (begin, end)
        assert LOCAL.day(end)[0] == end


TIMES = {
    "Europe/Berlin": [
        (time(0, 0), "2026-11-22T12:00", "2026-11-22T23:00"),
        (time(2, 30), "2026-03-28T12:00", "2026-03-29T01:00"),  # skipped: 03:00 is the next minute that exists
        (time(2, 30), "2026-10-24T12:00", "2026-10-25T00:30"),  # comes twice: the first
        (time(2, 30), "2026-10-25T00:30", "2026-10-26T01:30"),  # and not the second
    ],
    "America/Santiago": [(time(0, 0), "2026-09-05T12:00", "2026-09-06T04:00")],  # skipped: 01:00
    "UTC": [
        (time(12, 0), "2026-11-22T12:00", "2026-11-23T12:00"),
        (time(12, 1), "2026-11-22T12:00", "2026-11-22T12:01"),
    ],
}


def test_a_time_of_day_comes_once_a_day(zone: str) -> None:
    """A time that summer time skips is the next minute that exists; one that it repeats is the first."""
    for at, after, expected in TIMES[zone]:
        assert LOCAL.next_time(utc(after), at) == utc(expected), (at, after)


def test_a_window_follows_the_days() -> None:
    """The window unless another is set is the local day, and the next one is the next day, or a later one."""
    window = local_day(utc("2026-03-27T12:00"), LOCAL)
    following = window.following(window.end, LOCAL)
    assert following.begin == window.end
    assert window.following(window.end - 1, LOCAL) is window
    assert window.following(utc("2026-04-03T12:00"), LOCAL) == local_day(utc("2026-04-03T12:00"), LOCAL)


def test_a_window_of_a_set_length_begins_when_it_is_set() -> None:
    """The next ones follow it without a hole, however long nobody looked."""
    now = utc("2026-11-22T12:00")
    window = set_window(3600, now)
    assert (window.begin, window.end, window.length) == (now, now + HOUR, 3600)
    later = window.following(now + 5 * HOUR + 1, LOCAL)
    assert (later.begin, later.end, later.seconds) == (now + 5 * HOUR, now + 6 * HOUR, 3600)
