"""A time zone in which no midnight comes: it begins a measurement period anew, in the middle of whatever test runs."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager


def zone() -> str:
    """The value for ``TZ`` with which it is one o'clock and some minutes."""
    ahead = 1 - time.gmtime().tm_hour
    return f"TEST{-ahead:+d}"


@contextmanager
def one_o_clock() -> Iterator[None]:
    """Let this process, and those that it starts, live in it meanwhile."""
    before = os.environ.get("TZ")
    _live_in(zone())
    try:
        yield
    finally:
        _live_in(before)


def _live_in(name: str | None) -> None:
    if name is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = name
    time.tzset()
