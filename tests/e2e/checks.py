"""What a subscriber saw, held against what the oracle says must be shown. Knows nothing of the gateway's code."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tests.lab.oracle import Call, Judgement, Session, Step
from tests.lab.subscriber import Received

TOLERANCE: Final = 0.025
"""Seconds that a talk, wrap-up or answer time may be off, for each call."""

LEGAL: Final = {
    "NOT_READY": {"READY", "SESSION_ENDED"},
    "READY": {"NOT_READY", "BUSY_ON_CALL", "SESSION_ENDED"},
    "BUSY_ON_CALL": {"NOT_READY", "READY", "BUSY_WRAPUP", "SESSION_ENDED"},
    "BUSY_WRAPUP": {"NOT_READY", "READY", "SESSION_ENDED"},
    "SESSION_ENDED": set[str](),
}
STATE_OF: Final = {
    "NOT_READY": "NOT_READY",
    "READY": "READY",
    "BUSY": "BUSY_ON_CALL",
    "WRAPUP": "BUSY_WRAPUP",
    "END": "SESSION_ENDED",
}


def seconds(microseconds: float) -> float:
    """The oracle's microseconds as the messages' seconds."""
    return microseconds / 1_000_000


def moment(text: str) -> float:
    """A time of day of a message, in seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


@dataclass(slots=True)
class Told:
    """One session as the subscriber saw it: its events, its call records, and the last snapshot in an event."""

    session_id: str
    place: tuple[str, str, str]
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Any]:
        """The session after its last event."""
        session: dict[str, Any] = self.events[-1]["session"]
        return session

    @property
    def steps(self) -> list[tuple[str, float, str | None]]:
        """State, time and reason of each state entered, the first one included."""
        first = self.events[0]
        steps = [(first["session"]["state"], moment(first["at"]), first["session"]["reason"])]
        return steps + [
            (STATE_OF[each["event"]], moment(each["at"]), each["session"]["reason"])
            for each in self.events[1:]
            if each["event"] in STATE_OF
        ]


def not_retained(messages: Iterable[Received]) -> list[tuple[str, dict[str, Any]]]:
    """Topic and content of all messages of the stream, in the order in which they first came.

    After a reconnection a run already sent may come again, each with the seq it had and nothing else in it.
    """
    first: dict[tuple[str, int], bytes] = {}
    stream = []
    for message in messages:
        if message.topic.endswith("/event") or message.topic.startswith("call/"):
            content = message.json
            number = (content["stream"], content["seq"])
            if first.setdefault(number, message.payload) is message.payload:
                stream.append((message.topic, content))
            else:
                assert first[number] == message.payload, f"two messages with the seq {content['seq']}"
    return stream


def told_sessions(messages: Iterable[Received]) -> list[Told]:
    """The sessions that were told, in the order of their first events."""
    sessions: dict[str, Told] = {}
    for topic, content in not_retained(messages):
        if topic.startswith("session/"):
            session = content["session"]
            place = (session["group"], session["agent"], session["address"])
            told = sessions.setdefault(session["session_id"], Told(session["session_id"], place))
            assert told.place == place
            told.events.append(content)
        elif topic.startswith("call/"):
            sessions[content["session_id"]].calls.append(content)
    return list(sessions.values())


def check_order(messages: Iterable[Received]) -> int:
    """No hole and no disorder in ``seq`` and ``previous_seq``; returns how many messages of the stream there were."""
    stream = not_retained(messages)
    numbers = [content["seq"] for _, content in stream]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "a hole or disorder in seq"
    assert len({content["stream"] for _, content in stream}) == 1
    last: dict[str, int] = {}
    for topic, content in stream:
        if topic in last or numbers[0] == 1:
            assert content["previous_seq"] == last.get(topic), (topic, content["seq"], last.get(topic))
        last[topic] = content["seq"]
    return len(stream)


def check_steps(told: Told) -> None:
    """No forbidden step, nothing told backwards, and each event's ``previous`` is what was told before it."""
    assert told.events[0]["event"] == "NEW_SESSION"
    assert told.events[0]["previous"] is None
    before = told.events[0]["session"]
    at = told.events[0]["at"]
    for event in told.events[1:]:
        session, previous = event["session"], event["previous"]
        assert event["event"] != "NEW_SESSION"
        assert previous["state"] == before["state"], (told.place, event["seq"])
        assert previous["since"] == before["state_since"], (told.place, event["seq"])
        assert previous["reason"] == before["reason"], (told.place, event["seq"])
        if event["event"] == "UPDATE":
            assert session["state"] == before["state"]
            assert session["state_since"] == before["state_since"]
        else:
            assert session["state"] == STATE_OF[event["event"]]
            assert session["state"] in LEGAL[before["state"]], (told.place, before["state"], session["state"])
            assert session["state_since"] == event["at"]
        assert event["at"] >= at, (told.place, event["seq"])
        before, at = session, event["at"]


def check_figures(told: Told, expected: Session, *, besides: float = 0.0) -> None:
    """Every figure as the oracle has it: counts exactly, times within the tolerance for each call; see `check_all`."""
    shown, calls = told.last, expected.number_of_calls
    close = _Close((TOLERANCE + besides) * max(1, calls), told.place)
    assert shown["number_of_calls"] == calls, told.place
    assert shown["asterisk"]["calls_missed"] == expected.missed, told.place
    close("total_talk_time", shown["total_talk_time"], expected.total_talk_time)
    close("total_wrap_up_time", shown["total_wrap_up_time"], expected.total_wrap_up_time)
    close("total_call_time", shown["total_call_time"], expected.total_call_time)
    close = _Close(TOLERANCE + besides, told.place)
    close("average_talk_time", shown["average_talk_time"], expected.average(expected.total_talk_time))
    close("average_wrap_up_time", shown["average_wrap_up_time"], expected.average(expected.total_wrap_up_time))
    close("average_call_time", shown["average_call_time"], expected.average(expected.total_call_time))
    close("average_time_to_answer", shown["average_time_to_answer"], expected.average_time_to_answer)
    close("longest_time_to_answer", shown["longest_time_to_answer"], expected.longest_time_to_answer)
    rings = expected.ring_times
    close("average_ring_time", shown["asterisk"]["average_ring_time"], sum(rings) / len(rings) if rings else 0)
    close("longest_ring_time", shown["asterisk"]["longest_ring_time"], max(rings, default=0))
    check_rate(told, besides=besides)


def check_rate(told: Told, *, besides: float = 0.0) -> None:
    """The rate is calls by hours of the session without its gaps; with its end it is frozen; see `check_all`."""
    shown = next((event["session"] for event in told.events if event["event"] == "END"), told.last)
    start, end = moment(shown["session_start_time"]), moment(shown["session_end_time"] or shown["as_of"])
    assert abs(shown["session_duration"] - (end - start)) <= 0.002 + besides
    missing = sum(min(moment(gap["to"]), end) - moment(gap["from"]) for gap in shown["gaps"])
    hours = (shown["session_duration"] - missing) / 3600
    rate = shown["number_of_calls"] / hours if hours * 3600 >= 1 else 0.0
    assert abs(shown["acd_call_rate"] - rate) <= max(0.01, rate * 0.005), (rate, shown)
    if shown["session_end_time"] is not None:
        assert told.last["acd_call_rate"] == shown["acd_call_rate"]
        assert told.last["session_duration"] == shown["session_duration"]


def check_states(told: Told, expected: Sequence[Step], *, besides: float = 0.0) -> None:
    """The states in the oracle's order, with its reasons, each entered within the tolerance of its time.

    The first state's time is left out: a member that was there before the gateway is first seen later. See `check_all`.
    """
    shown = told.steps
    assert [step[0] for step in shown] == [step.state for step in expected], (told.place, shown, list(expected))
    for (state, at, reason), step in zip(shown, expected, strict=True):
        assert reason == step.reason, (told.place, state, at)
    for (state, at, _), step in list(zip(shown, expected, strict=True))[1:]:
        assert abs(at - seconds(step.at)) <= TOLERANCE + besides, (told.place, state, at, seconds(step.at))


def check_calls(told: Told, expected: Sequence[Call], *, besides: float = 0.0) -> None:
    """One record for each handled call, with the oracle's times; see `check_all`."""
    shown = {(call["uniqueid"], call["answered_at"]): call for call in told.calls}
    assert len(shown) == len(told.calls), (told.place, "a call told twice")
    assert len(told.calls) == len(expected), told.place
    for record, call in zip(
        sorted(told.calls, key=lambda each: each["answered_at"]),
        sorted(expected, key=lambda each: each.answered),
        strict=True,
    ):
        close = _Close(TOLERANCE + besides, (*told.place, call.uniqueid))
        assert record["uniqueid"] == call.uniqueid
        close("answered_at", moment(record["answered_at"]), call.answered)
        close("talk_time", record["talk_time"], call.talk)
        if call.time_to_answer is not None:
            close("time_to_answer", record["time_to_answer"], call.time_to_answer)
        if call.ring_time is not None:
            close("ring_time", record["ring_time"], call.ring_time)
        assert record["ended_by"] == told_ended_by(call), (told.place, call.uniqueid)


def told_ended_by(call: Call) -> str | None:
    """Who ended a call, as its record can know: it waits for AgentComplete at most a second.

    One that came as long before the end was said while the talk went on, as where Asterisk is late to end a bridge.
    """
    assert call.ended is not None
    apart = call.completed is not None and abs(call.completed.time - call.ended) > 1_000_000
    return None if apart else call.ended_by


def check_all(messages: Sequence[Received], judgement: Judgement, *, besides: float = 0.0) -> dict[str, int]:
    """All of it, for every session; returns what there was, for a look at whether that is enough to prove anything.

    *besides*: seconds by which a time may be off besides, for a reason that its test has.
    """
    stream = check_order(messages)
    by_place: dict[tuple[str, str, str], list[Told]] = defaultdict(list)
    for told in told_sessions(messages):
        check_steps(told)
        by_place[told.place].append(told)
    for place in {session.key for session in judgement.sessions}:
        expected = judgement.of(*place)
        shown = by_place.pop(place, [])
        assert len(shown) == len(expected), (place, [each.session_id for each in shown])
        for told, session in zip(shown, expected, strict=True):
            check_states(told, session.steps, besides=besides)
            check_figures(told, session, besides=besides)
            check_calls(told, session.handled, besides=besides)
    assert not by_place, f"sessions that Asterisk never had: {list(by_place)}"
    return {
        "messages": stream,
        "sessions": len(judgement.sessions),
        "calls": len(judgement.calls),
        "abandoned": judgement.abandoned,
        "missed": sum(session.missed for session in judgement.sessions),
        "wrap_ups": sum(len(session.wrap_ups) for session in judgement.sessions),
        "steps": sum(len(session.steps) for session in judgement.sessions),
    }


class _Close:
    """Two times are the same within a tolerance, in seconds."""

    def __init__(self, tolerance: float, place: tuple[str, ...]) -> None:
        self._tolerance = tolerance + 0.001  # both are rounded to milliseconds
        self._place = place

    def __call__(self, name: str, shown: float, expected: float) -> None:
        off = shown - seconds(expected)
        assert abs(off) <= self._tolerance, f"{name} of {self._place}: {shown}, expected {seconds(expected):.6f}"
