"""Recorded conversations with real Asterisks, read back.

Each message in the files of ``tests/data/ami`` stands as it was on the wire, behind a line ``# `` with the arrival time
(Unix seconds).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "data" / "ami"


class RecordedMessage(NamedTuple):
    """One message: its arrival in Unix seconds, and its bytes with the empty line at its end."""

    arrival: float
    raw: bytes


def names() -> list[str]:
    """The recordings there are."""
    return sorted(path.name for path in FOLDER.glob("*.txt"))


def read(name: str) -> Iterator[RecordedMessage]:
    """The messages of one recording in order."""
    arrival, raw = 0.0, b""
    for line in (FOLDER / name).read_bytes().splitlines(keepends=True):
        if line.startswith(b"# "):
            if raw:
                yield RecordedMessage(arrival, raw)
            arrival, raw = float(line[2:]), b""
        else:
            raw += line
    if raw:
        yield RecordedMessage(arrival, raw)
