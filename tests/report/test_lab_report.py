"""A report of a real Asterisk's sessions, made while the gateway runs, is what the oracle says."""

import asyncio
import json
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.e2e.checks import TOLERANCE
from tests.e2e.running import running, settled
from tests.lab import callcentre, oracle
from tests.lab.asterisk import Asterisk
from tests.lab.callcentre import CallCentre
from tests.lab.driver import Driver
from tests.lab.oracle import Session
from tests.lab.oracle.timeline import NOT_READY, READY
from tests.lab.tap import Tap

SECONDS = 15.0
GRAIN = 0.06
"""Seconds that a time in a state may be off, for each step."""


async def report(config: Path, *options: str) -> str:
    """What the command prints."""
    yesterday = (datetime.now() - timedelta(days=1)).date()  # noqa: DTZ005 - the command's days are local ones
    tomorrow = yesterday + timedelta(days=2)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "report", "--config", str(config)),
        *("--from", str(yesterday), "--to", str(tomorrow), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return out.decode()


def not_ready(session: Session, until: int) -> Counter[str]:
    """Microseconds of NOT_READY by reason, as the oracle has it."""
    found: Counter[str] = Counter()
    begin, reason, paused, facts = session.started, "", False, sorted(session.facts, key=lambda f: (f.at, f.order))
    spans = [
        (step.at, after)
        for step, after in zip(session.steps, [*(s.at for s in session.steps[1:]), until], strict=True)
        if step.state == NOT_READY
    ]
    marks = [(begin, session.pause_reason if session.paused else "")]
    for fact in facts:
        if fact.kind == "paused":
            paused, reason = fact.paused, fact.text
            marks.append((fact.at, reason if paused else ""))
    for number, (at, why) in enumerate(marks):
        then = marks[number + 1][0] if number + 1 < len(marks) else until
        for first, last in spans:
            found[why] += max(0, min(last, then) - max(first, at))
    return found


def check(row: dict[str, Any], session: Session, until: int) -> None:
    """Hold a row against the oracle's session."""
    calls, steps = session.number_of_calls, len(session.steps)
    assert (row["number_of_calls"], bool(row["session_end_time"])) == (calls, session.ended is not None)
    assert row["calls_missed"] in (None, session.missed)
    assert row["complete"]
    close = {
        "total_talk_time": (session.total_talk_time, TOLERANCE * calls),
        "total_wrap_up_time": (session.total_wrap_up_time, TOLERANCE * calls),
        "longest_time_to_answer": (session.longest_time_to_answer, TOLERANCE),
    }
    if session.ended is not None:
        close["session_duration"] = (session.ended - session.started, 2 * GRAIN)
        close["ready"] = (session.time_in(READY, until), GRAIN * steps)
        close["not_ready"] = (session.time_in(NOT_READY, until), GRAIN * steps)
    for name, (expected, most) in close.items():
        assert row[name] == pytest.approx(expected / 1e6, abs=most + 0.002), (name, session.key)
    if session.ended is not None and not any(fact.kind == "device" for fact in session.facts if fact.text in "45"):
        reasons = not_ready(session, session.ended)
        for reason in reasons | row["not_ready_by_reason"]:
            told = row["not_ready_by_reason"].get(reason, 0.0)
            assert told == pytest.approx(reasons[reason] / 1e6, abs=GRAIN * steps), (reason, session.key)


def hours_of(rows: list[dict[str, Any]]) -> float:
    """Seconds for which any of the sessions lasted."""
    total, reached = 0.0, 0.0
    spans = ((datetime.fromisoformat(row["session_start_time"]).timestamp(), row["session_duration"]) for row in rows)
    for began, lasted in sorted(spans):
        total += max(0.0, began + lasted - max(began, reached))
        reached = max(reached, began + lasted)
    return total


@pytest.mark.lab
@pytest.mark.timeout(150)
async def test_report_is_what_the_oracle_says(asterisk_version: str, broker: Broker, tmp_path: Path) -> None:
    """Of every session, ended or not; and its sums by agent, group and day are those of the sessions."""
    async with (
        Asterisk(asterisk_version, queues=callcentre.queues_conf()) as asterisk,
        Tap(asterisk, tmp_path / "ami.raw") as tap,
        Driver(asterisk) as driver,
        running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP) as gateway,
    ):
        await CallCentre(driver, seed=3).run(SECONDS)
        for member in callcentre.DYNAMIC["second"][:3]:
            await driver.remove("second", member)
        await settled(gateway, quiet=max(callcentre.WRAP_UP.values()) + 1.5)
        await tap.snapshot()
        judgement = oracle.judge(tap.events, asterisk.queue_log.read_text(), callcentre.WRAP_UP)
        config = gateway.gateway.config
        began = time.monotonic()
        rows = json.loads(await report(config, "--group-by", "session", "--format", "json"))
        sums = [
            json.loads(await report(config, "--group-by", by, "--format", "json")) for by in ("agent", "group", "day")
        ]
        took = time.monotonic() - began
        page = await report(config, "--format", "html")
        gateway.check_log()
    rest = list(rows)
    for session in judgement.sessions:
        queue, name, interface = session.key
        started = session.started / 1e6
        of = [row for row in rest if (row["group"], row["agent"], row["address"]) == (queue, name, interface)]
        row = min(of, key=lambda each: abs(datetime.fromisoformat(each["session_start_time"]).timestamp() - started))
        check(row, session, judgement.until)
        rest.remove(row)
    assert rest == []
    assert sum(row["number_of_calls"] for row in rows) == len(judgement.calls) > SECONDS / 3
    assert sum(row["session_end_time"] is not None for row in rows) >= 3
    for grouped in sums:
        assert sum(row["number_of_calls"] for row in grouped) == len(judgement.calls)
        assert sum(row["total_talk_time"] for row in grouped) == pytest.approx(
            sum(row["total_talk_time"] for row in rows), abs=0.001 * len(rows)
        )
    for row in sums[0]:
        of = [each for each in rows if each["agent"] == row["agent"]]
        assert -0.002 * len(of) < row["logged_in"] - hours_of(of) < took  # who is still there is so for longer by then
        assert row["available"] <= row["logged_in"] + 0.001
    assert "<script" not in page
    assert page.count("<svg") >= 3
