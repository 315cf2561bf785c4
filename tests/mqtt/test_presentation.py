"""A session in the words of the contract: every key, every type, every rounding."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.call import EndedBy
from gateway.domain.instant import SECOND
from gateway.domain.member import DeviceState
from gateway.domain.session import Cause
from gateway.mqtt.presentation import Presentation, seconds, time_of_day
from tests.domain.support import ALICE, EPOCH, Desk, at, call_of

STREAM = "0b9e3f52-6f0e-4c1c-9f0a-6d2a7f4c9b11"
#: The keys of a session with the types that they may have.
TEXT, NUMBER, FLAG, NONE = (str,), (int, float), (bool,), (type(None),)
SESSION: dict[str, tuple[type, ...]] = {
    "contract": (int,),
    "stream": TEXT,
    "seq": (int,),
    "node": TEXT,
    "as_of": TEXT,
    "session_id": TEXT,
    "agent": TEXT,
    "group": TEXT,
    "address": TEXT,
    "state": TEXT,
    "state_value": (int,),
    "state_since": TEXT,
    "reason": TEXT + NONE,
    "pending_state": TEXT + NONE,
    "session_start_time": TEXT,
    "session_end_time": TEXT + NONE,
    "session_duration": NUMBER,
    "number_of_calls": (int,),
    "total_talk_time": NUMBER,
    "average_talk_time": NUMBER,
    "total_wrap_up_time": NUMBER,
    "average_wrap_up_time": NUMBER,
    "total_call_time": NUMBER,
    "average_call_time": NUMBER,
    "average_time_to_answer": NUMBER,
    "longest_time_to_answer": NUMBER,
    "acd_call_rate": NUMBER,
    "complete": FLAG,
    "gaps": (list,),
    "current_call": (dict, type(None)),
    "asterisk": (dict,),
}
CURRENT_CALL: dict[str, tuple[type, ...]] = {
    "uniqueid": TEXT,
    "linkedid": TEXT + NONE,
    "caller_number": TEXT + NONE,
    "caller_name": TEXT + NONE,
    "answered_at": TEXT + NONE,
    "time_to_answer": (*NUMBER, type(None)),
    "ring_time": (*NUMBER, type(None)),
}
ASTERISK: dict[str, tuple[type, ...]] = {
    "membership": TEXT,
    "state_interface": TEXT,
    "penalty": (int,),
    "paused": FLAG,
    "paused_reason": TEXT + NONE,
    "device_state": TEXT,
    "available": FLAG,
    "wrap_up_limit": (*NUMBER, type(None)),
    "calls_missed": (int,),
    "average_ring_time": NUMBER,
    "longest_ring_time": NUMBER,
}


def presentation(*, publish_caller_id: bool = True, wall: int = 0) -> Presentation:
    """A presentation whose times of day are instants, moved by *wall* microseconds."""
    return Presentation(
        node="pbx1", stream=STREAM, wall=lambda instant: instant + wall, publish_caller_id=publish_caller_id
    )


def shown(desk: Desk, now: float, **options: bool) -> dict[str, Any]:
    """The agent's session as it is published at that second."""
    loaded: dict[str, Any] = json.loads(
        presentation(**options).session(desk.session, seq=4711, now=at(now)).model_dump_json()
    )
    return loaded


def check_keys(value: dict[str, Any], keys: dict[str, tuple[type, ...]]) -> None:
    """Hold a message against its keys: all of them, in their order, of their types, and never an empty text."""
    assert list(value) == list(keys)
    for key, types in keys.items():
        assert type(value[key]) in types, key
        assert value[key] != "", key


def busy_desk() -> Desk:
    """An agent with a history: two calls, a missed one, a gap, and on a call."""
    desk = Desk(replace(ALICE, login_time=at(-3600), penalty=2))
    desk.handler.seen_since = at(-1000)
    desk.listed(-600, desk.member)
    desk.talk(0, 100.5, "a", joined=-4.2, offered=-3)
    desk.tick(200)
    desk.talk(300, 400, "b", joined=290, offered=298)
    desk.tick(500)
    desk.miss(600)
    desk.answer(700.1234567, "c", joined=695, offered=698)
    desk.pause(705, "lunch")
    return desk


def test_a_session_message() -> None:
    """The whole message of a session with a history, value by value."""
    message = shown(busy_desk(), 900)
    check_keys(message, SESSION)
    check_keys(message["current_call"], CURRENT_CALL)
    check_keys(message["asterisk"], ASTERISK)
    assert message == {
        "contract": 1,
        "stream": STREAM,
        "seq": 4711,
        "node": "pbx1",
        "as_of": "2026-11-18T11:21:40.000Z",
        "session_id": "session-1",
        "agent": "Alice",
        "group": "support",
        "address": "PJSIP/1001",
        "state": "BUSY_ON_CALL",
        "state_value": 2,
        "state_since": "2026-11-18T11:18:20.123Z",
        "reason": None,
        "pending_state": "NOT_READY",
        "session_start_time": "2026-11-18T10:06:40.000Z",
        "session_end_time": None,
        "session_duration": 4500.0,
        "number_of_calls": 2,
        "total_talk_time": 200.5,
        "average_talk_time": 100.25,
        "total_wrap_up_time": 30.0,
        "average_wrap_up_time": 15.0,
        "total_call_time": 230.5,
        "average_call_time": 115.25,
        "average_time_to_answer": 7.1,
        "longest_time_to_answer": 10.0,
        "acd_call_rate": 3.7895,
        "complete": False,
        "gaps": [
            {
                "from": "2026-11-18T10:06:40.000Z",
                "to": "2026-11-18T10:50:00.000Z",
                "why": "logged in before the gateway could see it",
            }
        ],
        "current_call": {
            "uniqueid": "c.1",
            "linkedid": "c.1",
            "caller_number": "5550100",
            "caller_name": None,
            "answered_at": "2026-11-18T11:18:20.123Z",
            "time_to_answer": 5.123,
            "ring_time": 2.123,
        },
        "asterisk": {
            "membership": "dynamic",
            "state_interface": "PJSIP/1001",
            "penalty": 2,
            "paused": True,
            "paused_reason": "lunch",
            "device_state": "NOT_INUSE",
            "available": False,
            "wrap_up_limit": 15.0,
            "calls_missed": 1,
            "average_ring_time": 2.5,
            "longest_ring_time": 3.0,
        },
    }


def test_a_new_session_has_every_key() -> None:
    """What does not exist yet is null, and figures are 0."""
    desk = Desk(wrap_up=None)
    desk.add()
    message = shown(desk, 0)
    check_keys(message, SESSION)
    check_keys(message["asterisk"], ASTERISK)
    assert message["current_call"] is message["asterisk"]["wrap_up_limit"] is message["reason"] is None
    assert (message["state"], message["state_value"], message["gaps"], message["complete"]) == ("READY", 1, [], True)
    assert message["asterisk"]["available"] is True


def test_an_ended_session_stands_still() -> None:
    """Its duration and its end do not move with the time of the message."""
    desk = Desk()
    desk.add()
    desk.remove(10.0004)
    message = json.loads(presentation().session(desk.last_ended, seq=1, now=at(5000)).model_dump_json())
    assert (message["state"], message["state_value"], message["session_duration"]) == ("SESSION_ENDED", 4, 10.0)
    assert (message["session_end_time"], message["as_of"]) == ("2026-11-18T11:06:50.000Z", "2026-11-18T12:30:00.000Z")


def test_the_oldest_open_call_is_current() -> None:
    """Of several open calls the first answered one is told."""
    desk = busy_desk()
    desk.answer(800, "d")
    assert shown(desk, 900)["current_call"]["uniqueid"] == "c.1"
    desk.end(850, "c")
    assert shown(desk, 900)["current_call"]["uniqueid"] == "d.1"


def test_a_call_found_open_has_no_times() -> None:
    """What no list tells is null."""
    desk = Desk()
    desk.listed(0, ALICE, calls=[replace(call_of("a", None, found=0), linkedid=None, caller_number=None)])
    call = shown(desk, 5)["current_call"]
    check_keys(call, CURRENT_CALL)
    assert [call[key] for key in CURRENT_CALL if key != "uniqueid"] == [None] * 6


def test_caller_ids_may_be_kept_back() -> None:
    """By the operator's choice numbers and names are null, in sessions and records."""
    desk = busy_desk()
    assert shown(desk, 900, publish_caller_id=False)["current_call"]["caller_number"] is None
    record = presentation(publish_caller_id=False).call_record(desk.records[0], seq=1, previous_seq=None)
    assert (record.caller_number, record.caller_name) == (None, None)


def test_a_session_event() -> None:
    """Name and number, when and why, what was before, and the session after it, as of the event."""
    desk = Desk()
    desk.add()
    desk.pause(5.5, "lunch")
    desk.pause(6, "meeting")
    events = [
        json.loads(presentation().session_event(event, seq=number, previous_seq=number - 1 or None).model_dump_json())
        for number, event in enumerate(desk.events, start=1)
    ]
    keys = ["stream", "seq", "previous_seq", "event", "event_value", "at", "cause", "command_id", "previous", "session"]
    assert [list(event) for event in events] == [keys] * 3
    new, not_ready, update = events
    assert (new["event"], new["event_value"], new["previous"], new["previous_seq"]) == ("NEW_SESSION", 0, None, None)
    assert (not_ready["event"], not_ready["event_value"], not_ready["cause"]) == ("NOT_READY", 1, "asterisk")
    assert not_ready["previous"] == {"state": "READY", "since": "2026-11-18T11:06:40.000Z", "reason": None}
    assert (update["event"], update["event_value"], update["previous"]["reason"]) == ("UPDATE", None, "lunch")
    for event in events:
        check_keys(event["session"], SESSION)
        assert event["session"]["as_of"] == event["at"]
        assert event["session"]["seq"] == event["seq"]


@pytest.mark.parametrize("cause", list(Cause))
def test_causes_are_told_by_their_names(cause: Cause) -> None:
    """Each cause of the contract, and the id of the command that asked for it."""
    desk = Desk()
    desk.add()
    (event,) = desk.events
    told = presentation().session_event(
        replace(event, occasion=replace(event.occasion, cause=cause, command_id=42)), seq=1, previous_seq=None
    )
    assert (told.cause, told.command_id) == (cause.value, 42)
    assert told.cause in {"asterisk", "command", "timer", "resync", "recovered", "rollover"}


def test_a_call_record() -> None:
    """Every key of a record, value by value."""
    desk = Desk()
    desk.add()
    desk.answer(10, "a", joined=5.5, offered=8)
    desk.end(20.5)
    desk.close("a", EndedBy.TRANSFER, "1234")
    record = json.loads(presentation().call_record(desk.records[0], seq=9, previous_seq=3).model_dump_json())
    assert record == {
        "stream": STREAM,
        "seq": 9,
        "previous_seq": 3,
        "node": "pbx1",
        "group": "support",
        "agent": "Alice",
        "address": "PJSIP/1001",
        "session_id": "session-1",
        "uniqueid": "a.1",
        "linkedid": "a.1",
        "caller_number": "5550100",
        "caller_name": None,
        "queued_at": "2026-11-18T11:06:45.500Z",
        "offered_at": "2026-11-18T11:06:48.000Z",
        "answered_at": "2026-11-18T11:06:50.000Z",
        "ended_at": "2026-11-18T11:07:00.500Z",
        "time_to_answer": 4.5,
        "ring_time": 2.0,
        "talk_time": 10.5,
        "ended_by": "transfer",
        "transferred_to": "1234",
        "cause": "asterisk",
    }


def test_times_of_day_are_those_of_asterisks_clock() -> None:
    """Instants become times of day where they are told, and nowhere else."""
    desk = Desk()
    desk.add()
    message = presentation(wall=3600 * SECOND).session(desk.session, seq=1, now=at(1))
    assert (message.as_of, message.session_duration) == ("2026-11-18T12:06:41.000Z", 1.0)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (499, "1970-01-01T00:00:00.000Z"),
        (500, "1970-01-01T00:00:00.001Z"),
        (999_500, "1970-01-01T00:00:01.000Z"),
        (EPOCH * SECOND + 123_456, "2026-11-18T11:06:40.123Z"),
    ],
)
def test_times_of_day(microseconds: int, text: str) -> None:
    """RFC 3339 in UTC, rounded to milliseconds."""
    assert time_of_day(microseconds) == text


@given(st.integers(0, 10**13))
def test_durations_are_seconds_to_the_millisecond(duration: int) -> None:
    """The number sent is within half a millisecond of the exact one, and has three decimals at most."""
    sent = seconds(duration)
    assert abs(sent * SECOND - duration) <= 500.5
    assert round(sent, 3) == sent


@pytest.mark.parametrize("state", list(DeviceState))
def test_device_states_are_told_by_their_names(state: DeviceState) -> None:
    """As Asterisk calls them."""
    desk = Desk(replace(ALICE, device_state=state))
    desk.add()
    assert shown(desk, 1)["asterisk"]["device_state"] == state.name
