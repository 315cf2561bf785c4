"""Codes, what is remembered of commands, and where answers go."""

import pytest

from gateway.clock import Arrival
from gateway.mqtt.interface import Inbound
from gateway.service.answers import Code
from gateway.service.repeats import REMEMBERED_TIME, Deliveries, Repeats, Retained, digest
from gateway.service.replies import Replies
from tests.service.support import SET, TOPICS, FakeClock, RecordingPublisher

RESPONSE = f"{SET}/response"


def test_the_codes_stand_in_the_order_of_the_contract() -> None:
    """What is looked for first ranks first."""
    assert [code.value for code in sorted(Code, key=lambda code: code.rank)] == [
        *("STALE", "BAD_PAYLOAD", "FORBIDDEN", "BUSY", "LINK_DOWN"),
        *("UNKNOWN_SESSION", "UNKNOWN_AGENT", "UNKNOWN_GROUP", "UNKNOWN_QUEUE", "SESSION_EXISTS"),
        *("NOT_SETTABLE", "ILLEGAL_TRANSITION", "NOT_DYNAMIC", "REFUSED", "TIMEOUT"),
    ]


def test_a_command_is_known_for_a_minute() -> None:
    """An answered command is known by topic and id until a minute has passed."""
    repeats = Repeats()
    known = repeats.remember(SET, "1", b"READY", 1000)
    known.answer = b"{}"
    assert repeats.find(SET, "1", 1000 + REMEMBERED_TIME - 1) is known
    assert known.digest == digest(b"READY")
    assert repeats.find(SET, "1", 1000 + REMEMBERED_TIME) is None


def test_a_command_that_runs_is_known_however_long() -> None:
    """Nothing is done twice because the first takes long."""
    repeats = Repeats()
    known = repeats.remember(SET, "1", b"READY", 0)
    assert repeats.find(SET, "1", 10 * REMEMBERED_TIME) is known


def test_topics_and_kinds_of_id_are_told_apart() -> None:
    """The string "1" is not the number 1, and an id belongs to its topic."""
    repeats = Repeats()
    known = repeats.remember(SET, "1", b"READY", 0)
    assert repeats.find(SET, 1, 0) is None
    assert repeats.find("cti/pbx1/agent/Alice/set", "1", 0) is None
    assert repeats.find(SET, "1", 0) is known


def test_what_is_old_is_forgotten() -> None:
    """The memory does not grow for ever."""
    repeats, deliveries = Repeats(), Deliveries()
    for number in range(1000):
        repeats.remember(SET, number, b"READY", number).answer = b"{}"
        deliveries.is_second(Inbound(SET, b"%d" % number), number)
    repeats.find(SET, "none", REMEMBERED_TIME + 999)
    deliveries.is_second(Inbound(SET, b"none"), REMEMBERED_TIME + 999)
    assert len(repeats._known) == 0
    assert len(deliveries._taken) == 1


def test_a_second_delivery_is_one_that_the_broker_marks_and_that_was_here() -> None:
    """The same text sent again is a new command; marked as a duplicate and never seen, it is the first that came."""
    deliveries = Deliveries()
    first = Inbound(SET, b"READY", correlation_data=b"1")
    again = Inbound(SET, b"READY", correlation_data=b"1", resumed=True, duplicate=True)
    other = Inbound(SET, b"READY", correlation_data=b"2", resumed=True, duplicate=True)
    assert not deliveries.is_second(first, 0)
    assert not deliveries.is_second(first, 1)
    assert deliveries.is_second(again, 2)
    assert not deliveries.is_second(other, 3)


def test_a_retained_command_is_told_once() -> None:
    """Every connection replays it; it is new again when its text is another, or it was cleared meanwhile."""
    retained = Retained()
    replay = Inbound(SET, b"READY", retained=True, replayed=True)
    assert not retained.is_told(replay)
    assert retained.is_told(replay)
    assert not retained.is_told(Inbound(SET, b"NOT_READY", retained=True, replayed=True))
    assert not retained.is_told(replay)
    assert not retained.is_told(Inbound(SET, b"READY", retained=True))
    retained.cleared(SET)
    assert not retained.is_told(replay)


@pytest.mark.parametrize(
    ("wanted", "used"),
    [
        (None, RESPONSE),
        ("", RESPONSE),
        ("my/answers", "my/answers"),
        ("cti-answers/x", "cti-answers/x"),
        (RESPONSE, RESPONSE),
        ("cti/pbx1/bridge/state", RESPONSE),
        ("cti/pbx2/session/a/b/c/set", RESPONSE),
        (f"{RESPONSE}/x", RESPONSE),
        ("cti/", RESPONSE),
        ("cti", RESPONSE),
        ("my/+", RESPONSE),
        ("my/#", RESPONSE),
        ("#", RESPONSE),
        ("my/\0", RESPONSE),
        ("my/\r\nx", RESPONSE),
        ("my/\x85", RESPONSE),
        ("my/\ufffe", RESPONSE),
        ("my/\ud800", RESPONSE),
        ("my//50%/%2f/é", "my//50%/%2f/é"),
        ("$SYS/broker", RESPONSE),
        ("$share/x/y", RESPONSE),
    ],
)
def test_the_gateway_lends_nobody_its_rights(wanted: str | None, used: str) -> None:
    """A Response Topic that is a pattern, or the gateways' own, is not used; Correlation Data is echoed still."""
    replies = Replies(TOPICS, RecordingPublisher(), FakeClock(Arrival(0, 0)))
    inbound = Inbound(SET, b"READY", response_topic=wanted, correlation_data=b"\x00")
    assert replies.reply_to(inbound) == (used, b"\x00")


def test_a_topic_without_room_for_its_response() -> None:
    """A topic as long as MQTT allows can only be answered where the sender says."""
    replies = Replies(TOPICS, RecordingPublisher(), FakeClock(Arrival(0, 0)))
    topic = f"cti/pbx1/agent/{'x' * 65_510}/set"
    assert replies.reply_to(Inbound(topic, b"READY")) is None
    assert replies.reply_to(Inbound(topic, b"READY", response_topic="my/answers")) == ("my/answers", None)
