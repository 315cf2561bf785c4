"""How reports are written."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

from typer.testing import CliRunner

from gateway.cli import app
from gateway.report.html import page
from gateway.report.report import Report, make_report
from gateway.report.table import written
from tests.domain.support import EPOCH, at
from tests.report.support import a_shift, lives_in, stored

DAYS = [("2026-11-18", at(-200), at(100)), ("2026-11-19", at(100), at(86_400))]


def report(tmp_path: Path, by: str = "agent") -> Report:
    """Of a shift that midnight cuts."""
    desk = a_shift()
    desk.remove(300)
    stored(tmp_path / "gateway.db", desk)
    return make_report(lives_in(tmp_path / "gateway.db"), DAYS, by)  # type: ignore[arg-type]


def test_day_has_what_lies_in_it(tmp_path: Path) -> None:
    """A session that goes over midnight is cut there; a call counts on the day on which it ended."""
    rows = list(report(tmp_path, "day").table())
    assert [(row["day"], row["number_of_calls"], row["session_duration"]) for row in rows] == [
        ("2026-11-18", 1, 100.0),
        ("2026-11-19", 1, 200.0),
    ]
    assert rows[0]["not_ready_by_reason"] == {"lunch": 20.0, "training": 20.0}
    assert rows[1]["not_ready_by_reason"] == {}


def test_csv_is_safe_to_open_and_json_is_whole(tmp_path: Path) -> None:
    """A name that a spreadsheet would take for a formula is none in it."""
    made = report(tmp_path)
    rows = list(csv.DictReader(io.StringIO("\n".join(written(list(made.table()), made.names, "csv")))))
    assert (rows[0]["agent"], rows[0]["number_of_calls"]) == ("Alice", "2")
    assert json.loads(rows[0]["not_ready_by_reason"]) == {"lunch": 20.0, "training": 20.0}
    evil = [{"agent": "=HYPERLINK(1)", "complete": None}]
    assert list(written(evil, ["agent", "complete"], "csv"))[1] == "'=HYPERLINK(1),"
    assert json.loads("\n".join(written(evil, ["agent"], "json"))) == evil
    assert "\x1b" not in "".join(written([{"agent": "a\x1b[31m"}], ["agent"], "table"))
    assert list(written([], ["agent"], "json")) == ["[", "]"]


def test_page_needs_nothing_else(tmp_path: Path) -> None:
    """One file, without scripts and without anything to fetch; whoever is named cannot put anything into it."""
    made = report(tmp_path)
    made.rows[0][0]["agent"] = "<script>alert(1)</script>"
    text = page(made, node="pbx & co")
    for forbidden in ("<script", "http-equiv", "<link", "src=", "@import", "url("):
        assert forbidden not in text, forbidden
    assert "pbx &amp; co" in text
    assert "&lt;script&gt;alert(1)" in text
    assert text.count("<svg") == text.count("</svg>") == 4
    for picture in text.split("<svg")[1:]:
        ET.fromstring("<svg" + picture[: picture.index("</svg>") + 6])
    for shown in ("lunch", "0:00:20", "Alice"):
        assert shown in text


def test_report_is_written_while_nobody_runs(tmp_path: Path) -> None:
    """From the configuration's store, which is left as it was; a store that is not there is exit status 3."""
    stored(tmp_path / "gateway.db", a_shift())
    config = tmp_path / "gateway.toml"
    config.write_text(f'[asterisk]\npassword = "x"\n[store]\npath = "{tmp_path / "gateway.db"}"\n')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    arguments = ["report", "--config", str(config), "--from", "2026-11-17", "--to", "2026-11-21", "--format"]
    result = CliRunner().invoke(app, [*arguments, "json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["number_of_calls"] == 2
    assert "<svg" in CliRunner().invoke(app, [*arguments, "html"]).stdout
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "gateway.db").unlink()
    gone = CliRunner().invoke(app, [*arguments, "table"])
    assert (gone.exit_code, "Traceback" in gone.output) == (3, False)
    assert "there is no such file" in gone.stderr
    assert CliRunner().invoke(app, [*arguments, "json", "--to", "2026-11-16"]).exit_code == 2
    assert EPOCH > 0
