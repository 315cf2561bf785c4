"""What a gateway published against what the oracle says: every session, step, figure, call and sequence number.

Each difference is one sentence; none is what an end-to-end test wants.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.lab.oracle import Call, Judgement, Session
from tests.lab.oracle.timeline import ALLOWED
from tests.lab.subscriber import Received

TOLERANCE: Final = 25_000  # microseconds for each time, and for each call in a sum
SHORT: Final = 2_000_000  # microseconds of session below which a rate is too uncertain to be compared
PATIENCE: Final = 1_000_000  # microseconds that a record waits for AgentComplete, to say who ended the call
ROUNDING: Final = 500  # microseconds by which a rounded figure may differ from an exact one
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Published = Mapping[str, Any]


def moment(text: str) -> int:
    """Return an RFC 3339 time as microseconds since 1970."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def differences(messages: Iterable[Received], judgement: Judgement, *, tolerance: int = TOLERANCE) -> list[str]:
    """Return everything in which the two differ, as sentences.

    Args:
        messages: All that a subscriber of ``#`` got, from before the first session on, in order.
        judgement: The oracle's.
        tolerance: Microseconds for each time and each call's duration.
    """
    kept = list(messages)
    events = list(_once(m.json for m in kept if m.topic.startswith("session/") and m.topic.endswith("/event")))
    calls = list(_once(m.json for m in kept if m.topic.startswith("call/")))
    snapshots = [m.json for m in kept if m.payload and m.topic.startswith("session/") and m.topic.count("/") == 3]
    return [
        *sequence(kept),
        *_sessions(events, snapshots, judgement, tolerance),
        *_calls(calls, judgement.calls, tolerance),
    ]


def sequence(messages: Iterable[Received]) -> Iterator[str]:
    """Yield what is wrong with ``seq`` and ``previous_seq``; a message that comes again as it was is not."""
    before: dict[str, int | None] = {}
    seen: dict[int, Received] = {}
    last = 0
    for message in messages:
        if message.retained or not (message.topic.endswith("/event") or message.topic.startswith("call/")):
            continue
        published = message.json
        seq = published.get("seq")
        if seq is None:  # bridge/event is outside the stream
            continue
        if seq in seen:
            if seen[seq].payload != message.payload:
                yield f"seq {seq} came again with other content on {message.topic}"
            continue
        seen[seq] = message
        if seq < last:
            yield f"seq {seq} on {message.topic} came for the first time after {last}"
        last = max(last, seq)
        says, was = published["previous_seq"], before.get(message.topic)
        if message.topic in before and says != was:
            yield f"seq {seq} on {message.topic} says {says} was before, not {was}"
        before[message.topic] = seq


def _once(published: Iterable[_Published]) -> Iterator[_Published]:
    seen: set[int] = set()
    for one in published:
        if one["seq"] not in seen:
            seen.add(one["seq"])
            yield one


def _key(published: _Published) -> tuple[str, str, str]:
    return published["group"], published["agent"], published["address"]


def _sessions(
    events: list[_Published], snapshots: list[_Published], judgement: Judgement, tolerance: int
) -> Iterator[str]:
    by_id: dict[str, list[_Published]] = {}
    order: dict[tuple[str, str, str], list[str]] = {}
    for event in events:
        session_id = event["session"]["session_id"]
        if session_id not in by_id:
            order.setdefault(_key(event["session"]), []).append(session_id)
        by_id.setdefault(session_id, []).append(event)
    last = {event["session"]["session_id"]: event["session"] for event in events}
    for snapshot in snapshots:  # never older than the last event's: it carries what that one told, or more
        known = last.get(snapshot["session_id"])
        if known is None or snapshot["as_of"] >= known["as_of"]:
            last[snapshot["session_id"]] = snapshot
    for key in {*order, *(session.key for session in judgement.sessions)}:
        wanted, found = judgement.of(*key), order.get(key, [])
        if len(wanted) != len(found):
            yield f"{key}: {len(found)} sessions published, {len(wanted)} were"
        for session, session_id in zip(wanted, found, strict=False):
            name = f"{key} from {_clock(session.started)}"
            yield from (f"{name}: {text}" for text in _steps(session, by_id[session_id], tolerance))
            yield from (f"{name}: {text}" for text in _figures(session, last[session_id], tolerance))


def _steps(session: Session, events: list[_Published], tolerance: int) -> Iterator[str]:
    told = [event for event in events if event["event"] != "UPDATE"]
    states = [event["session"]["state"] for event in told]
    for before, after in itertools.pairwise(states):
        if after not in ALLOWED[before]:
            yield f"the forbidden step from {before} to {after} was told"
    if states != (wanted := [step.state for step in session.steps]):
        place = next((n for n, (a, b) in enumerate(zip(states, wanted, strict=False)) if a != b), -1)
        yield f"states differ at {place}: published {states[place:][:4]}, should be {wanted[place:][:4]}"
        return
    for place, (event, step) in enumerate(zip(told, session.steps, strict=True)):
        uncertain = not step.exact or (place == 0 and not session.exact)
        # A session found by a snapshot is told when it is found and says itself when it began.
        when = event["at"] if place else event["session"]["session_start_time"]
        if abs(moment(when) - step.at) > tolerance and not uncertain:
            yield f"{step.state} at {when}, should be {_clock(step.at)}"
        if step.reason != event["session"]["reason"] and step.state == "NOT_READY":
            yield f"NOT_READY for {event['session']['reason']!r}, should be {step.reason!r}"


def _figures(session: Session, shown: _Published, tolerance: int) -> Iterator[str]:
    at = moment(shown["as_of"])
    handled = [call for call in session.handled if call.ended is not None and call.ended <= at]
    count = len(handled)
    if shown["number_of_calls"] != session.number_of_calls:
        yield f"{shown['number_of_calls']} calls, should be {session.number_of_calls}"
        return
    exact = {
        "total_talk_time": session.total_talk_time,
        "total_wrap_up_time": session.total_wrap_up_time,
        "total_call_time": session.total_call_time,
    }
    single = {
        "average_talk_time": session.average(session.total_talk_time),
        "average_wrap_up_time": session.average(session.total_wrap_up_time),
        "average_call_time": session.average(session.total_call_time),
        "average_time_to_answer": session.average_time_to_answer,
        "longest_time_to_answer": session.longest_time_to_answer,
    }
    if session.exact:
        single["session_duration"] = session.duration(at)
    slack = {**dict.fromkeys(exact, tolerance * 2 * max(1, count)), **dict.fromkeys(single, 2 * tolerance)}
    for name, value in {**exact, **single}.items():
        if abs(shown[name] * 1_000_000 - value) > slack[name] + ROUNDING:
            yield f"{name} {shown[name]}, should be {value / 1_000_000:.3f}"
    if (missed := shown["asterisk"]["calls_missed"]) != session.missed:
        yield f"calls_missed {missed}, should be {session.missed}"
    gaps = sum(moment(gap["to"]) - moment(gap["from"]) for gap in shown.get("gaps", ()))
    seen = session.duration(at) - gaps
    rate = session.number_of_calls * 3_600_000_000 / seen if seen > 0 else 0.0
    if session.exact and seen > SHORT and abs(shown["acd_call_rate"] - rate) > rate * 0.02 + 0.001:
        yield f"acd_call_rate {shown['acd_call_rate']}, should be {rate:.4f}"


def _calls(records: list[_Published], calls: Iterable[Call], tolerance: int) -> Iterator[str]:
    by_call: dict[tuple[str, ...], list[_Published]] = {}
    for record in records:
        by_call.setdefault((*_key(record), record["uniqueid"]), []).append(record)
    for call in calls:
        if call.ended is None:
            continue
        name = f"call {call.uniqueid} of {call.name} in {call.queue}"
        found = by_call.get((call.queue, call.name, call.interface, call.uniqueid), [])
        if not found:
            yield f"{name}: no record"
            continue
        record = min(found, key=lambda r: abs(moment(r["answered_at"]) - call.answered))
        found.remove(record)
        for what, value in (
            ("talk_time", call.talk),
            ("time_to_answer", call.time_to_answer),
            ("ring_time", call.ring_time),
        ):
            if value is not None and (
                record[what] is None or abs(record[what] * 1_000_000 - value) > tolerance + ROUNDING
            ):
                yield f"{name}: {what} {record[what]}, should be {value / 1_000_000:.3f}"
        if record["ended_by"] not in (allowed := _enders(call)):
            yield f"{name}: ended by {record['ended_by']}, should be {' or '.join(map(str, allowed))}"
    for key, left in by_call.items():
        yield from (f"record of a call that was not: {key}" for _ in left)


def _enders(call: Call) -> tuple[str | None, ...]:
    """Who may be said to have ended a call: nobody, where AgentComplete comes after the record has to go out."""
    assert call.ended is not None
    late = 0 if call.completed is None else call.completed.time - call.ended
    if late < PATIENCE * 0.8:
        return (call.ended_by,)
    return (None,) if late > PATIENCE * 1.2 else (None, call.ended_by)


def _clock(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at)).strftime("%H:%M:%S.%f")
