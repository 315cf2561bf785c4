"""Kills of the process that writes: the file holds all of a batch or none of it, and never less than was reported."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import StoreError
from gateway.store.contents import Saved
from tests.domain.support import RULES
from tests.store.support import contents, new_store, opened, pieces, put_pieces
from tests.store.writer import number_of

ROOT: Final = Path(__file__).parents[2]
KILLS: Final = int(os.environ.get("CTI_GATEWAY_STORE_KILLS", "4"))
"""How many kills a run of the test makes."""


@contextmanager
def running(what: str, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The writer, until it is killed at the end at the latest."""
    command = [sys.executable, "-m", "tests.store.writer", what, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert line(process) == "opening"
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[bytes]) -> str:
    """The next line that the writer says; empty after its end."""
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def kill_after(path: Path, lines: int) -> int:
    """Let the writer say so many lines, kill it, and return the last number that it had reported."""
    with running("write", path) as process:
        said = [line(process) for _ in range(lines)]
        process.kill()
        assert process.stdout is not None
        rest = process.stdout.read().decode()
        said += rest[: rest.rfind("\n") + 1].split("\n")
    numbers = [int(each.split()[-1]) for each in said if each]
    return max(numbers, default=0)


def test_killed_writer_leaves_a_prefix(tmp_path: Path) -> None:
    """However often the process is killed while it writes, each time the file shows one batch's end everywhere."""
    path = tmp_path / "gateway.db"
    chance = random.Random()
    held = kill_after(path, chance.randrange(2, 60))
    for _ in range(KILLS):
        saved = contents(path)
        number = number_of(saved)
        assert number >= held
        assert (saved.is_restored, saved.is_new) == (False, False)
        held = max(number, kill_after(path, chance.randrange(1, 250)))
    assert number_of(contents(path)) >= held


def test_kill_while_the_file_is_made_leaves_none_or_a_whole_one(tmp_path: Path) -> None:
    """A process killed while it makes the file leaves none, or one that can be opened."""
    for number in range(3):
        path = tmp_path / f"{number}.db"
        held = kill_after(path, 0)
        with opened(path) as (_, saved):
            assert number_of(saved) >= held


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """What a killed writer left, and the number that it had reported."""
    path = tmp_path_factory.mktemp("killed") / "gateway.db"
    held = kill_after(path, 120)
    left = pieces(path)
    assert len(left[path.name + "-wal"]) > 100_000
    return left, held


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(place=st.floats(0, 1, exclude_max=True), cut=st.booleans(), value=st.integers(0, 255))
def test_damaged_log_gives_an_earlier_moment_or_is_told(
    killed: tuple[dict[str, bytes], int], tmp_path: Path, place: float, value: int, *, cut: bool
) -> None:
    """A log with a wrong byte, or cut short, gives a whole earlier state, or it is told and all is left as it is."""
    path = tmp_path / "gateway.db"
    left, held = killed
    log = bytearray(left["gateway.db-wal"])
    at = int(place * len(log))
    if cut:
        del log[at:]
    else:
        log[at] = value
    damaged = left | {"gateway.db-wal": bytes(log)}
    put_pieces(path, damaged)
    saved = opened_or_told(path)
    if saved is None:
        assert pieces(path) == damaged
    else:
        assert number_of(saved) <= held + 1


def opened_or_told(path: Path) -> Saved | None:
    """What the store holds; None if it says that it cannot be used."""
    store = new_store(path)
    try:
        saved = store.open(RULES)
    except StoreError:
        return None
    store.close()
    return saved
