"""Promises of the comparison: it finds nothing in what is right, and each single thing that is wrong."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.lab.compare import differences
from tests.lab.oracle import Call, Judgement, Session, Step
from tests.lab.subscriber import Received

START = 1_795_000_000_000_000
KEY = ("support", "Alice", "Local/a1@agents/n")
TOPIC = "session/support/Alice/Local%2Fa1@agents%2Fn"


def at(seconds: float) -> int:
    """Microseconds since 1970."""
    return START + round(seconds * 1_000_000)


def told(seconds: float) -> str:
    """The same moment as it is published."""
    moment = datetime.fromtimestamp(at(seconds) / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def judgement() -> Judgement:
    """Alice took one call of four seconds, and wraps up for three."""
    call = Call(*KEY, "1.1", "1.2", at(8), at(9.5), at(10), ended=at(14), ended_by="agent")
    session = Session(*KEY, started=at(0), wrap_up=3_000_000, calls=[call], wrap_ups=[(at(14), at(17))])
    names = (("READY", 0), ("BUSY_ON_CALL", 10), ("BUSY_WRAPUP", 14), ("READY", 17))
    session.steps = [Step(state, at(seconds)) for state, seconds in names]
    return Judgement((session,), (call,), 0, at(100))


def published() -> list[tuple[str, dict[str, Any]]]:
    """What a right gateway says of it."""
    messages: list[tuple[str, dict[str, Any]]] = []
    history = (("NEW_SESSION", "READY", 0), ("BUSY", "BUSY_ON_CALL", 10), ("WRAPUP", "BUSY_WRAPUP", 14))
    previous = None
    for seq, (event, state, seconds) in enumerate((*history, ("READY", "READY", 17)), 1):
        calls, wrapped = int(seconds >= 14), int(seconds >= 17)
        session = {
            **dict(zip(("group", "agent", "address"), KEY, strict=True)),
            "session_id": "s1",
            "session_start_time": told(0),
            "as_of": told(seconds),
            "state": state,
            "reason": None,
            "number_of_calls": calls,
            "session_duration": float(seconds),
            "acd_call_rate": calls * 3600 / seconds if seconds else 0.0,
            "longest_time_to_answer": 2.0 * calls,
            "average_time_to_answer": 2.0 * calls,
            "asterisk": {"calls_missed": 0},
        }
        for name, value in (("talk", 4.0 * calls), ("wrap_up", 3.0 * wrapped), ("call", 4.0 * calls + 3.0 * wrapped)):
            session |= {f"total_{name}_time": value, f"average_{name}_time": value}
        head = {"seq": seq, "previous_seq": previous, "event": event, "at": told(seconds)}
        messages.append((f"{TOPIC}/event", {**head, "session": session}))
        previous = seq
    record = {
        **dict(zip(("group", "agent", "address"), KEY, strict=True)),
        "seq": 5,
        "previous_seq": None,
        "uniqueid": "1.1",
        "answered_at": told(10),
        "talk_time": 4.0,
        "time_to_answer": 2.0,
        "ring_time": 0.5,
        "ended_by": "agent",
    }
    messages.append((TOPIC.replace("session", "call"), record))
    return messages


def received(messages: list[tuple[str, dict[str, Any]]]) -> list[Received]:
    """The same as a subscriber has it."""
    return [Received(topic, json.dumps(payload).encode(), retained=False, arrived=0.0) for topic, payload in messages]


def test_what_is_right_has_no_difference() -> None:
    """The right messages pass, also when a run of them comes again."""
    messages = received(published())
    assert differences(messages, judgement()) == []
    assert differences([*messages, *messages[2:]], judgement()) == []


Change = Callable[[list[tuple[str, dict[str, Any]]]], object]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m[1][1].update(at=told(10.1)), "BUSY_ON_CALL at"),
        (lambda m: m.pop(3), "states differ"),
        (lambda m: m.pop(1), "forbidden step"),
        (lambda m: m.pop(), "no record"),
        (lambda m: m[4][1].update(talk_time=4.1), "talk_time 4.1"),
        (lambda m: m[4][1].update(ended_by="caller"), "ended by"),
        (lambda m: m[3][1].update(previous_seq=2), "was before"),
        (lambda m: m.insert(1, m.pop(2)), "came for the first time"),
        (lambda m: m[3][1]["session"].update(total_wrap_up_time=2.0), "total_wrap_up_time 2.0"),
        (lambda m: m[3][1]["session"].update(acd_call_rate=100.0), "acd_call_rate"),
        (lambda m: m[3][1]["session"]["asterisk"].update(calls_missed=1), "calls_missed 1"),
        (lambda m: m.clear(), "0 sessions published, 1 were"),
    ],
)
def test_each_wrong_thing_is_found(change: Change, words: str) -> None:
    """One change of what was published is told in words that name it."""
    messages = published()
    change(messages)
    assert any(words in text for text in differences(received(messages), judgement()))
