"""The files of a log, whatever rotation made of them."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import ReplayError
from gateway.replay.lines import BLOCK, blocks, in_order, size_of, with_rotated

LINES = [
    f"{1_795_000_000 + number}|{number}.1|support|NONE|ENTERQUEUE||0301{number}|1".encode() for number in range(90)
]


def write(path: Path, lines: list[bytes]) -> Path:
    """A file of these lines, compressed as its name says."""
    data = b"".join(line + b"\n" for line in lines)
    pack: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    path.write_bytes(pack.get(path.suffix, bytes)(data))
    return path


def read(paths: list[Path]) -> list[bytes]:
    """All lines."""
    return [line for block in blocks(in_order(paths)) for line in block]


def test_rotated_and_compressed_files_are_read_in_the_order_of_their_lines(tmp_path: Path) -> None:
    """Whatever their names and the order in which they are given."""
    names = ["queue_log.2.gz", "queue_log.1.bz2", "queue_log-20261122.xz", "queue_log.0", "queue_log"]
    paths = [write(tmp_path / name, LINES[18 * n : 18 * n + 18]) for n, name in enumerate(names)]
    assert read(paths[::-1]) == LINES
    assert sorted(with_rotated(paths[-1])) == sorted(paths)
    assert read([*paths, *paths]) == LINES


def test_lines_do_not_depend_on_where_blocks_end(tmp_path: Path) -> None:
    """A file of many blocks, whose last line nobody finished."""
    lines = LINES * (3 * BLOCK // sum(map(len, LINES)))
    path = write(tmp_path / "queue_log", lines)
    with path.open("ab") as file:
        file.write(b"1795000000|unfinished")
    seen: list[int] = []
    assert [line for block in blocks([path], seen.append) for line in block] == lines
    assert sum(seen) == size_of([path])


def test_damaged_file_is_read_as_far_as_it_can_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is cut off is told, and what follows in other files is read."""
    cut = write(tmp_path / "queue_log.0.gz", LINES[:80] * 2000)
    cut.write_bytes(cut.read_bytes()[:-4000])
    whole = write(tmp_path / "queue_log", LINES[80:])
    assert read([whole, cut])[-10:] == LINES[80:]
    assert "queue_log.0.gz is damaged" in caplog.text


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A file that is not there, and one that is not what its name says."""
    with pytest.raises(ReplayError, match="nowhere: No such file"):
        size_of([tmp_path / "nowhere"])
    (tmp_path / "queue_log.gz").write_bytes(b"no gzip")
    with pytest.raises(ReplayError, match=r"queue_log\.gz: "):
        in_order([tmp_path / "queue_log.gz"])
