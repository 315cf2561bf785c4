"""The gateway's figures of a simulated call center are those of the simulator's books; and the judge sees a fault."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.contract.files import examples
from gateway.mqtt.agent_payloads import AgentPayload
from gateway.mqtt.payloads import SessionPayload
from gateway.mqtt.queue_payloads import QueuePayload
from gateway.simulate.agenda import SECOND
from gateway.simulate.queues import SERVICE_LEVEL
from gateway.simulate.truth import QueueTruth, SessionTruth, Truth
from tests.bench.lines import ROOT
from tests.simulate.judge import of_agents, of_queue, of_session
from tests.soak.watch import MIB, Sample, growth, loud_lines

SHORT: Final = ("--hours", "0.15", "--speed", "90", "--agents", "120", "--calls-per-hour", "1500", "--queues", "4")


def test_a_short_run_has_the_true_figures() -> None:
    """Sessions, agents, queues and metrics have what there really was, nothing is missed, and the log is quiet."""
    command = [sys.executable, "-m", "tests.soak", *SHORT, "--every", "0.5", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.stdout, done.stderr
    verdict = json.loads(done.stdout)
    assert (verdict["faults"], done.returncode) == ([], 0)
    assert verdict["calls"] > 100
    assert len(verdict["samples"]) >= 4  # a machine that stalls looks at it less often


SESSION: Final = {
    "as_of": "2026-11-22T13:40:55.036Z",
    "session_start_time": "2026-11-22T13:40:28.000Z",
    "session_end_time": None,
    "session_duration": 27.036,
    "number_of_calls": 2,
    "total_talk_time": 6.999,
    "average_talk_time": 3.499,
    "total_wrap_up_time": 4.0,
    "average_wrap_up_time": 2.0,
    "total_call_time": 10.999,
    "average_call_time": 5.499,
    "average_time_to_answer": 0.808,
    "longest_time_to_answer": 0.814,
    "acd_call_rate": 266.3076,
    "complete": True,
}


def session() -> tuple[dict[str, Any], SessionTruth]:
    """A session, and the books that say the same."""
    told = examples()["session"] | SESSION
    told["asterisk"] = told["asterisk"] | {"calls_missed": 3}
    truth = SessionTruth(told["group"], told["agent"], told["address"], 0)
    truth.began = round(datetime.fromisoformat(told["session_start_time"]).timestamp() * SECOND)
    truth.calls, truth.talk, truth.wrap_up, truth.missed = 2, round(6.999 * SECOND), 4 * SECOND, 3
    truth.wait, truth.longest_wait = round(1.616 * SECOND), round(0.814 * SECOND)
    return told, truth


def test_a_session_that_is_told_truly_is_right() -> None:
    """The judge is content with it."""
    told, truth = session()
    assert list(of_session(SessionPayload.model_validate(told), truth)) == []


@pytest.mark.parametrize(
    ("figure", "off"),
    [
        ("number_of_calls", 1),
        ("total_talk_time", 0.01),
        ("average_talk_time", 0.01),
        ("total_wrap_up_time", 0.01),
        ("average_wrap_up_time", 0.01),
        ("total_call_time", -0.01),
        ("average_call_time", 0.01),
        ("average_time_to_answer", -0.01),
        ("longest_time_to_answer", 0.01),
        ("session_duration", 0.01),
    ],
)
def test_each_figure_that_is_wrong_is_seen(figure: str, off: float) -> None:
    """A hundredth of a second is enough."""
    told, truth = session()
    wrong = list(of_session(SessionPayload.model_validate(told | {figure: told[figure] + off}), truth))
    assert any(each.startswith(f"{figure}: ") for each in wrong)


def test_an_end_or_a_rate_that_is_wrong_is_seen() -> None:
    """A session that goes on though it ended, and a rate of a longer session."""
    told, truth = session()
    later = told | {"as_of": "2026-11-22T14:40:28.000Z", "session_duration": 3600.0, "acd_call_rate": 2.0}
    assert list(of_session(SessionPayload.model_validate(later), truth)) == []
    assert len(list(of_session(SessionPayload.model_validate(later | {"acd_call_rate": 2.001}), truth))) == 1
    truth.ended = truth.began + 3600 * SECOND
    assert len(list(of_session(SessionPayload.model_validate(later), truth))) == 1


def agent() -> tuple[dict[str, Any], Truth]:
    """An agent of two sessions half an hour each, of which ten minutes are the same, and the books that say so."""
    told = examples()["agent"] | {"as_of": "2026-11-22T14:00:00.000Z", "number_of_acd_calls": 5}
    told |= {"total_acd_talk_time": 100.0, "total_wrap_up_time": 20.0, "total_acd_call_time": 120.0}
    told |= {"overall_call_rate": 6.0, "sessions": []}
    truth, began = Truth(), round(datetime.fromisoformat("2026-11-22T13:00:00.000Z").timestamp() * SECOND)
    for queue, after in (("support", 0), ("sales", 1200)):
        session = SessionTruth(queue, told["agent"], "PJSIP/1", began + after * SECOND)
        session.end(session.began + 1800 * SECOND)
        truth.sessions.append(session)
    session.calls, session.talk, session.wrap_up = 5, 100 * SECOND, 20 * SECOND
    return told, truth


@pytest.mark.parametrize(
    ("figure", "off"),
    [
        (None, 0),
        ("number_of_acd_calls", 1),
        ("number_of_incoming_calls", 1),
        ("number_of_outgoing_calls", 1),
        ("total_acd_talk_time", 0.01),
        ("total_wrap_up_time", 0.01),
        ("total_acd_call_time", -0.01),
        ("overall_call_rate", 0.001),
        ("overall_call_rate", -0.001),
    ],
)
def test_each_figure_of_an_agent_that_is_wrong_is_seen(figure: str | None, off: float) -> None:
    """Its hour is that of all its sessions together."""
    told, truth = agent()
    if figure is not None:
        told[figure] += off
    wrong = of_agents([AgentPayload.model_validate(told)], truth, since=0)
    assert [each.split()[1] for each in wrong] == ([] if figure is None else [f"{figure}:"])


QUEUE: Final = {
    "total_calls_queued": 7,
    "current_calls_queued": 0,
    "total_calls_abandoned": 2,
    "total_calls_flowed_in": 1,
    "total_calls_flowed_out": 1,
    "longest_ever_wait_time": 30.0,
    "current_longest_wait_time": 0.0,
    "average_wait_time": 10.0,
    "final_disposition": 1,
    "answered": 4,
    "service_level": {"threshold": SERVICE_LEVEL, "answered_in_time": 3, "percent": 75.0},
}


@pytest.mark.parametrize("figure", [None, *QUEUE])
def test_each_figure_of_a_queue_that_is_wrong_is_seen(figure: str | None) -> None:
    """And none that is right."""
    known = QueueTruth(7, 1, 4, 3, 2, 1, waited=70 * SECOND, longest_wait=30 * SECOND)
    told = examples()["queue"] | QUEUE
    if figure == "service_level":
        told["service_level"] = told["service_level"] | {"percent": 74.9}
    elif figure is not None:
        told[figure] += 1
    wrong = of_queue(QueuePayload.model_validate(told), known)
    assert [each.partition(":")[0] for each in wrong] == ([] if figure is None else [figure])


@pytest.mark.parametrize(("later", "is_flat"), [(80, True), (83, True), (95, False)])
def test_memory_that_grows_is_seen(later: int, *, is_flat: bool) -> None:
    """Of a hundred looks the first quarter does not count."""
    samples = [Sample(i / 4, (50 if i < 25 else 80 if i < 60 else later) * MIB, 14, healthy=True) for i in range(100)]
    found = growth(samples)
    assert found is not None
    assert found.is_flat is is_flat
    assert growth(samples[:10]) is None
    assert growth(samples[:70]) is None


def test_a_loud_log_is_seen(tmp_path: Path) -> None:
    """Lines above INFO, and what is no line of the log."""
    log = tmp_path / "log"
    lines = ['{"level": "info"}', '{"level": "warning", "message": "x"}', "Traceback (most recent call last):"]
    log.write_text("\n".join(lines) + "\n")
    assert loud_lines(log) == lines[1:]
