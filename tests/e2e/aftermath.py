"""What must be true after something broke under load: every session held against the oracle.

What was seen must be exact. What was read back from the queue_log, which tells whole seconds, may be off by a second
a call. Nothing may be lost, nothing told twice with a new ``seq``, no session doubled.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.checks import TOLERANCE, Told, check_order, check_steps, moment, seconds, told_sessions
from tests.lab.oracle import Call, Judgement, Session
from tests.lab.subscriber import Received

GRAIN = 1.0
"""Seconds that a time read back from the queue_log may be off."""

MARGIN = 1.0
"""Seconds around a gap in which the log may still have stood in for the stream: it does not tell fractions."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time that the gateway did not see, in seconds since 1970, and whether the log told all of it."""

    begin: float
    end: float
    complete: bool

    def touches(self, at: float) -> bool:
        """Whether what happened then may have been told by the log."""
        return self.begin - MARGIN <= at <= self.end + MARGIN


def gaps(messages: Sequence[Received]) -> list[Gap]:
    """The gaps that the gateway says it has read back."""
    told = [m.json for m in messages if m.topic == "bridge/event"]
    return [
        Gap(moment(each["begin"]), moment(each["end"]), each["complete"])
        for each in told
        if each["event"] == "GAP_RECOVERED"
    ]


def bridge_events(messages: Sequence[Received], since: int = 0) -> list[str]:
    """The names of what was told on ``bridge/event``."""
    return [m.json["event"] for m in messages[since:] if m.topic == "bridge/event"]


def check_aftermath(
    messages: Sequence[Received], judgement: Judgement, *, down: Sequence[tuple[float, float]] = ()
) -> dict[str, float]:
    """Hold everything told against the oracle; returns what there was.

    Args:
        messages: The subscriber's.
        judgement: The oracle's.
        down: From when to when there was no Asterisk, in seconds since 1970: sessions may have gaps there.
    """
    stream = check_order(messages)
    by_place: dict[tuple[str, str, str], list[Told]] = defaultdict(list)
    for told in told_sessions(messages):
        check_steps(told)
        by_place[told.place].append(told)
    unseen = gaps(messages)
    incomplete = _incomplete(messages, down)
    recovered, worst = 0, 0.0
    for place in {session.key for session in judgement.sessions}:
        expected, shown = judgement.of(*place), by_place.pop(place, [])
        assert len(shown) == len(expected), (place, [each.session_id for each in shown])
        for told, session in zip(shown, expected, strict=True):
            if told.session_id in incomplete:
                _check_incomplete(told, session, incomplete[told.session_id])
            else:
                worst = max(worst, _check_session(told, session, unseen))
            recovered += sum(record["cause"] == "recovered" for record in told.calls)
    assert not by_place, f"sessions that Asterisk never had: {list(by_place)}"
    return {
        "messages": stream,
        "sessions": len(judgement.sessions),
        "calls": len(judgement.calls),
        "recovered": recovered,
        "gaps": len(unseen),
        "unseen": round(sum(gap.end - gap.begin for gap in unseen), 1),
        "worst_talk": round(worst, 3),
    }


def _incomplete(messages: Sequence[Received], down: Sequence[tuple[float, float]]) -> dict[str, list[dict[str, str]]]:
    """The gaps of the sessions that have any of a time in which they could have been seen; by session."""

    def is_blind(gap: dict[str, str]) -> bool:
        """Whether nobody could know, as there was no Asterisk."""
        begin, end = moment(gap["from"]), moment(gap["to"])
        return any(since - MARGIN <= begin and end <= to + MARGIN for since, to in down)

    found = {}
    for message in messages:
        if message.topic.startswith("session/") and message.payload:
            content = message.json
            session = content.get("session", content)
            if missing := [gap for gap in session["gaps"] if not is_blind(gap)]:
                found[session["session_id"]] = missing
    return found


def _check_incomplete(told: Told, session: Session, why: list[dict[str, str]]) -> None:
    """The log names members and not phones: of two with one name it cannot always tell whose call it was."""
    assert session.name == "Twin", (told.place, why)
    assert told.last["number_of_calls"] <= session.number_of_calls, told.place


def _check_session(told: Told, session: Session, unseen: Sequence[Gap]) -> float:
    """The figures, the last state and the call records; returns the largest error of one call's talk, in seconds."""
    shown = told.last
    assert shown["number_of_calls"] == session.number_of_calls, (told.place, shown, session.handled)
    assert shown["asterisk"]["calls_missed"] == session.missed, told.place
    entered = told.steps[-1]
    assert (entered[0], entered[2]) == (session.state, session.steps[-1].reason), told.place
    assert len(told.calls) == len(session.handled), told.place
    allowed, worst = 0.001, 0.0
    for record in told.calls:
        call = _of(record, session)
        seen = not any(gap.touches(seconds(at)) for at in (call.answered, call.ended or 0) for gap in unseen)
        bound = TOLERANCE if seen else GRAIN + TOLERANCE  # the log's line is written just before the event is sent
        off = abs(record["talk_time"] - seconds(call.talk))
        assert off <= bound + 0.001, (told.place, record, call)
        worst, allowed = max(worst, off), allowed + bound
    assert abs(shown["total_talk_time"] - seconds(session.total_talk_time)) <= allowed, told.place
    _check_wrap_up(told, session, unseen)
    return worst


def _of(record: dict[str, Any], session: Session) -> Call:
    """The oracle's call of a record: the same caller's, and of several the one with the nearest answer."""
    calls = [call for call in session.handled if call.uniqueid == record["uniqueid"]]
    assert calls, (session.key, record)
    return min(calls, key=lambda call: abs(seconds(call.answered) - moment(record["answered_at"])))


def _check_wrap_up(told: Told, session: Session, unseen: Sequence[Gap]) -> None:
    """Each end of a wrap-up that only the log told may be off by a second."""
    ends = [seconds(at) for wrap_up in session.wrap_ups for at in wrap_up]
    doubtful = sum(any(gap.touches(at) for gap in unseen) for at in ends)
    allowed = TOLERANCE * max(1, session.number_of_calls) + GRAIN * doubtful
    off = abs(told.last["total_wrap_up_time"] - seconds(session.total_wrap_up_time))
    assert off <= allowed + 0.001, (told.place, told.last, session.wrap_ups, doubtful)
