"""How log lines look, to a person, to journald and to a program."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import logs

LEVELS = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 3}


@pytest.fixture(autouse=True)
def _root_as_it_was() -> Iterator[None]:
    """Give the root logger its handlers back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(path: Path, log_format: logs.Format, *, journald: bool = False) -> list[str]:
    """What the log has after a fact of each level, one with a traceback, and one with a line of somebody else's."""
    with path.open("w") as stream:
        status = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"} if journald else {}
        logs.configure(logging.DEBUG, stream, log_format=log_format, environ=environ)
        log = logging.getLogger("gateway.test")
        for level in LEVELS:
            log.log(level, "a fact of level %d", level)
        log.info("a name: %s", "x\n<0>forged\u2028line")
        try:
            json.loads("a fault")
        except ValueError:
            log.exception("it failed")
    return path.read_text().splitlines()


def test_text(tmp_path: Path) -> None:
    """Level, logger and message; a name from outside cannot make a line."""
    said = lines(tmp_path / "log", "text")
    assert said[:2] == ["DEBUG gateway.test: a fact of level 10", "INFO gateway.test: a fact of level 20"]
    assert said[5] == "INFO gateway.test: a name: x\\n<0>forged\\u2028line"
    assert said[6] == "ERROR gateway.test: it failed"
    assert "JSONDecodeError: " in said[-1]


def test_text_for_journald(tmp_path: Path) -> None:
    """The level is the priority of each line, those of a traceback too."""
    said = lines(tmp_path / "log", "text", journald=True)
    assert said[:5] == [f"<{priority}>gateway.test: a fact of level {level}" for level, priority in LEVELS.items()]
    assert said[5] == "<6>gateway.test: a name: x\\n<0>forged\\u2028line"
    assert all(line.startswith("<3>") for line in said[6:])


@pytest.mark.parametrize("journald", [False, True])
def test_json(tmp_path: Path, *, journald: bool) -> None:
    """Each fact is one object on one line, its traceback in it; to journald the priority stands before it."""
    said = lines(tmp_path / "log", "json", journald=journald)
    assert len(said) == 7
    if journald:
        assert [line[:3] for line in said] == ["<7>", "<6>", "<4>", "<3>", "<3>", "<6>", "<3>"]
        said = [line[3:] for line in said]
    facts = [json.loads(line) for line in said]
    assert [fact["level"] for fact in facts[:5]] == ["debug", "info", "warning", "error", "critical"]
    assert facts[0]["logger"] == "gateway.test"
    assert facts[0]["message"] == "a fact of level 10"
    assert facts[0]["time"].endswith("Z")
    assert facts[5]["message"] == "a name: x\n<0>forged\u2028line"
    assert "JSONDecodeError: " in facts[6]["exception"]
    assert set(facts[0]) == {"time", "level", "logger", "message"}


def test_another_stream_is_not_journalds(tmp_path: Path) -> None:
    """What a service redirects elsewhere has no priorities."""
    with (tmp_path / "log").open("w") as stream:
        logs.configure(logging.INFO, stream, environ={"JOURNAL_STREAM": "1:2"})
        logging.getLogger("gateway.test").info("a fact")
    assert (tmp_path / "log").read_text() == "INFO gateway.test: a fact\n"
    assert sys.stderr is not stream
