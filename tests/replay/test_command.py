"""``cti-gateway replay`` as its users call it."""

import csv
import io
import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.replay.center import DAY, MONDAY, Center, write

LINES = int(os.environ.get("CTI_GATEWAY_REPLAY_LINES", "100000"))
"""Ten million by hand: a year of a busy center."""

NAMES = ("support", "Alice", "PJSIP/1")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A short shift, in the local time of this machine: a call before noon, a break, a call after it."""
    begin = round(datetime(2026, 11, 20, 11, 59, 0).timestamp())  # noqa: DTZ001 - local time is what is asked for
    path = tmp_path / "queue_log"
    rows = [
        (0, "MANAGER|support|PJSIP/1|ADDMEMBER|"),
        (5, "1.1|support|NONE|ENTERQUEUE||5550100|1"),
        (10, "1.1|support|Alice|CONNECT|5|1.2|3"),
        (30, "1.1|support|Alice|COMPLETECALLER|5|20|1"),
        (50, "NONE|support|Alice|PAUSE|=lunch"),
        (80, "NONE|support|Alice|UNPAUSE|"),
        (81, "nonsense"),
        (90, "1.3|support|Alice|RINGNOANSWER|4000"),
        (100, "1.5|support|Alice|CONNECT|2|1.6|2"),
        (110, "1.5|support|Alice|COMPLETEAGENT|2|10|1"),
        (200, "MANAGER|support|PJSIP/1|REMOVEMEMBER|"),
    ]
    path.write_text("".join(f"{begin + after}|{rest}\n" for after, rest in rows))
    return path


def run(*arguments: str, status: int = 0) -> tuple[str, str]:
    """Standard output and standard error."""
    result = CliRunner().invoke(app, ["replay", *arguments])
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def test_every_session_has_its_figures(log: Path) -> None:
    """The figures of a shift, to the second, with the wrap-up that was said."""
    out, said = run(str(log), "--wrap-up", "support=15", "--format", "json")
    (row,) = json.loads(out)
    assert (row["group"], row["agent"], row["address"]) == NAMES
    assert (row["number_of_calls"], row["calls_missed"], row["complete"]) == (2, 1, True)
    assert (row["total_talk_time"], row["total_wrap_up_time"], row["session_duration"]) == (30.0, 30.0, 200.0)
    assert (row["ready"], row["not_ready"], row["busy_on_call"], row["busy_wrapup"]) == (110.0, 30.0, 30.0, 30.0)
    assert (row["average_time_to_answer"], row["longest_time_to_answer"]) == (3.5, 5.0)
    assert row["acd_call_rate"] == 36.0
    assert "10 lines, and 1 that are none" in said


@pytest.mark.parametrize("group_by", ["session", "agent", "queue", "day"])
def test_every_sum_is_written_as_table_csv_and_json(log: Path, group_by: str) -> None:
    """The same figures in each, under the same names."""
    arguments = (str(log), "--group-by", group_by, "--format")
    (row,) = json.loads(run(*arguments, "json")[0])
    (line,) = csv.DictReader(io.StringIO(run(*arguments, "csv")[0]))
    assert list(line) == list(row)
    assert (line["number_of_calls"], line["total_talk_time"], line["complete"]) == ("2", "30.0", "true")
    table = run(*arguments, "table")[0]
    assert "0:00:30" in table
    assert {"session": "PJSIP/1", "agent": "Alice", "queue": "support", "day": "2026-11-20"}[group_by] in table


def test_sessions_are_cut_where_it_is_said(log: Path) -> None:
    """Who was logged in before is known, and what happened before does not count."""
    noon = ("--from", "2026-11-20T12:00:00")
    (row,) = json.loads(run(str(log), *noon, "--format", "json")[0])
    assert (row["number_of_calls"], row["session_duration"], row["complete"]) == (1, 140.0, True)
    (row,) = json.loads(run(str(log), "--to", "2026-11-20T12:00:00", "--format", "json")[0])
    assert (row["number_of_calls"], row["session_end_time"]) == (1, None)
    assert json.loads(run(str(log), "--from", "2026-11-21", "--format", "json")[0]) == []


def test_members_may_be_told(log: Path, tmp_path: Path) -> None:
    """A file of interfaces and names is believed over the log."""
    members = tmp_path / "members.csv"
    members.write_text("PJSIP/1,Alice\n")
    assert "Alice" in run(str(log), "--members", str(members))[0]
    members.write_text("PJSIP/1\n")
    assert "line 1 is not like" in run(str(log), "--members", str(members), status=2)[1]


@pytest.mark.parametrize("arguments", [["nowhere"], ["nowhere", "--wrap-up", "support"]])
def test_mistake_is_told_in_a_sentence(arguments: list[str]) -> None:
    """A file that is not there, an option that is none: exit status 2, no traceback."""
    out, said = run(*arguments, status=2)
    assert out == ""
    assert "Traceback" not in said
    assert "nowhere" in said or "support" in said


@pytest.mark.timeout(1200)
def test_large_log_is_read_quickly_and_in_little_memory(tmp_path: Path) -> None:
    """A year of a busy center, ten million lines, in two minutes and 500 MiB: here its like, and in proportion."""
    path = tmp_path / "queue_log"
    lines = write(path, LINES, Center())
    begun = time.monotonic()
    command = [sys.executable, "-m", "gateway", "replay", str(path), "--group-by", "day", "--format", "json"]
    said, told = tmp_path / "said", tmp_path / "told"
    with said.open("wb") as out, told.open("wb") as errors:
        process = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)],
        )
        _, status, used = os.wait4(process, 0)  # of this process alone, and not of all that there were
    took = time.monotonic() - begun
    path.unlink()
    assert status == 0, told.read_text()
    rows = json.loads(said.read_text())
    days = -(-lines // 38_400)
    print(f"{lines} lines, {took:.1f} s, {used.ru_utime:.1f} s of a core, {used.ru_maxrss >> 10} MiB")
    assert sum(row["number_of_calls"] for row in rows) > lines / 5
    assert len(rows) >= days // 2
    assert all(datetime.fromisoformat(row["day"]).timestamp() > MONDAY - DAY for row in rows)
    assert used.ru_maxrss < 500 << 10
    assert used.ru_utime < 3 + lines * 12e-6
    assert f"{lines} lines" in told.read_text()
