"""Telling: numbers without holes, what is held while the picture is not current, and what each topic shows."""

import json
import random
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.call import EndedBy
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import DeviceState
from gateway.domain.session import Rules
from gateway.mqtt.announcer import Announcer
from gateway.mqtt.presentation import Presentation
from gateway.mqtt.topics import Topics
from tests.domain.histories import PLACES, histories, instant
from tests.domain.support import ALICE, Desk, at

TOPICS = Topics("cti", "pbx1")
TOPIC = TOPICS.session("support", "Alice", "PJSIP/1001")
EVENT = f"{TOPIC}/event"
CALL = TOPICS.call("support", "Alice", "PJSIP/1001")
RETENTION = 3600


@dataclass(frozen=True, slots=True)
class Sent:
    """One message, or the wish to have a retained topic sent (``payload`` None)."""

    topic: str
    payload: dict[str, Any] | None = None
    seq: int | None = None
    requeue: bool = False


class Post:
    """A publisher that keeps what it is given, in order."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def send(
        self, topic: str, payload: bytes, *, seq: int | None = None, correlation_data: bytes | None = None
    ) -> None:
        """Keep a message."""
        assert correlation_data is None
        self.sent.append(Sent(topic, json.loads(payload), seq))

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Keep the wish."""
        self.sent.append(Sent(topic, requeue=requeue))

    @property
    def messages(self) -> list[Sent]:
        """The messages alone."""
        return [each for each in self.sent if each.payload is not None]

    def take(self) -> list[tuple[str, str | None]]:
        """What came since the last call: topics, and of events their names."""
        taken, self.sent = self.sent, []
        return [(each.topic, each.payload.get("event") if each.payload else None) for each in taken]


def announcer(post: Post) -> Announcer:
    """An announcer that keeps ended sessions an hour."""
    presentation = Presentation(node="pbx1", stream="s", wall=lambda instant_: instant_, publish_caller_id=True)
    return Announcer(post, TOPICS, presentation, ended_retention=RETENTION * SECOND)


class Office:
    """A desk whose outcomes are told at once."""

    def __init__(self, desk: Desk | None = None) -> None:
        self.desk = desk or Desk(wrap_up=None)
        self.post = Post()
        self.announcer = announcer(self.post)
        self._told = 0

    def tell(self) -> None:
        """Tell what the desk brought since the last time."""
        new, self._told = self.desk.told[self._told :], len(self.desk.told)
        self.announcer.tell(new)

    def shown(self, seconds: float = 0) -> dict[str, Any] | None:
        """What the agent's topic shows at that second."""
        retained = self.announcer.render(TOPIC, at(seconds))
        return None if retained is None else json.loads(retained.payload)


def test_an_event_goes_out_with_the_snapshot_behind_it() -> None:
    """The event first, on its topic, then the wish to have the session's topic sent, which shows that event."""
    office = Office()
    office.desk.add()
    office.tell()
    assert office.post.take() == [(EVENT, "NEW_SESSION"), (TOPIC, None)]
    shown = office.shown(5)
    assert shown is not None
    assert (shown["state"], shown["seq"], shown["session_duration"]) == ("READY", 1, 5.0)


def test_a_change_without_event_sends_the_snapshot_alone() -> None:
    """It has the ``seq`` of the last event that it includes."""
    office = Office()
    office.desk.add()
    office.desk.device(5, DeviceState.RINGING)
    office.tell()
    assert office.post.take() == [(EVENT, "NEW_SESSION"), (TOPIC, None), (TOPIC, None)]
    shown = office.shown(5)
    assert shown is not None
    assert (shown["seq"], shown["asterisk"]["device_state"]) == (1, "RINGING")


def test_numbers_are_one_counter_and_know_the_one_before_on_their_topic() -> None:
    """``seq`` counts over all topics, ``previous_seq`` is the last on this one, null for the first."""
    office = Office()
    office.desk.add()
    office.desk.talk(10, 20)
    office.tell()
    office.announcer.bridge_event("LINK_LOST", at(30), reason="gone")
    office.announcer.bridge_event("LINK_REGAINED", at(31))
    told = [(each.topic, each.seq, each.payload["previous_seq"]) for each in office.post.messages if each.payload]
    assert told == [
        (EVENT, 1, None),
        (EVENT, 2, 1),
        (EVENT, 3, 2),
        (CALL, 4, None),
        (TOPICS.bridge_event, 5, None),
        (TOPICS.bridge_event, 6, 5),
    ]
    assert office.announcer.seq == 6
    last = office.post.messages[-2].payload
    assert last is not None
    assert (last["event"], last["reason"], last["stream"]) == ("LINK_LOST", "gone", "s")


def test_what_is_held_is_told_at_the_release() -> None:
    """Nothing while it is held; then all snapshots, the topic that says "current", and the events in their order."""
    office = Office()
    office.desk.add()
    office.tell()
    office.post.take()
    office.announcer.hold()
    office.announcer.hold()
    office.desk.answer(10)
    office.tell()
    office.desk.end(20)
    office.desk.close("a", EndedBy.AGENT)
    office.tell()
    assert office.post.take() == []
    office.announcer.bridge_event("LINK_LOST", at(20))
    assert office.post.take() == [(TOPICS.bridge_event, "LINK_LOST")]
    assert office.announcer.release(TOPICS.bridge_asterisk) == 3
    sent = office.post.sent
    assert [each.seq for each in sent if each.payload] == [3, 4, 5]
    assert {each.topic for each in sent[:-4]} == {TOPIC}
    assert (sent[-4].topic, sent[-4].requeue) == (TOPICS.bridge_asterisk, True)
    assert [each.topic for each in sent[-3:]] == [EVENT, EVENT, CALL]
    shown = office.shown(20)
    assert shown is not None
    assert (shown["seq"], shown["number_of_calls"]) == (4, 1)
    office.desk.pause(30)
    office.tell()
    assert office.post.messages[-1].seq == 6


def test_a_release_with_nothing_held() -> None:
    """It asks for the topic alone, and what comes after it is told at once."""
    office = Office()
    office.announcer.hold()
    assert office.announcer.release(TOPICS.bridge_asterisk) == 0
    assert office.post.sent == [Sent(TOPICS.bridge_asterisk, requeue=True)]


# Ended sessions ----------------------------------------------------------------------------------------------------


def test_an_ended_session_stays_until_its_time_is_over() -> None:
    """Its message carries an expiry; after the retention it is gone, and the session is handed back."""
    office = Office()
    office.desk.add()
    office.desk.remove(10)
    office.tell()
    retained = office.announcer.render(TOPIC, at(20))
    assert retained is not None
    assert retained.expiry == RETENTION - 10
    assert office.announcer.expire(at(10 + RETENTION - 1)) == []
    office.post.take()
    (session,) = office.announcer.expire(at(10 + RETENTION))
    assert session == office.desk.last_ended
    assert office.post.take() == [(TOPIC, None)]
    assert office.announcer.render(TOPIC, at(9999)) is None
    assert not office.announcer.shows(TOPIC)
    assert office.announcer.expire(at(99_999)) == []


def test_a_live_session_does_not_expire() -> None:
    """It has no expiry, and time does not take it away."""
    office = Office()
    office.desk.add()
    office.tell()
    retained = office.announcer.render(TOPIC, at(20))
    assert retained is not None
    assert retained.expiry is None
    assert office.announcer.expire(at(10**6)) == []


def test_a_successor_holds_the_topic() -> None:
    """The new session is shown at once, and the ended one neither comes back nor expires there."""
    office = Office()
    office.desk.add()
    office.desk.answer(5)
    office.desk.remove(10)
    office.desk.add(20)
    office.tell()
    assert office.announcer.topics() == [TOPIC]
    office.desk.end(30)
    office.desk.close("a", EndedBy.CALLER)
    office.tell()
    told = [each.payload for each in office.post.messages if each.payload]
    assert [each["event"] for each in told[:-1]] == ["NEW_SESSION", "BUSY", "END", "NEW_SESSION", "UPDATE"]
    assert told[-2]["session"]["session_id"] == told[-1]["session_id"] == "session-1"
    shown = office.shown(40)
    assert shown is not None
    assert (shown["session_id"], shown["state"], shown["seq"]) == ("session-2", "READY", 4)
    assert office.announcer.expire(at(10**6)) == []


def test_an_ended_session_does_not_come_back_behind_an_ended_successor() -> None:
    """A call that outlasts two logins is told as an event; the topic keeps showing the later session."""
    office = Office()
    office.desk.add()
    office.desk.answer(5)
    office.desk.remove(10)
    office.desk.add(20)
    office.desk.remove(30)
    office.desk.end(40)
    office.tell()
    assert office.post.messages[-1].payload is not None
    assert office.post.messages[-1].payload["session"]["session_id"] == "session-1"
    shown = office.shown(50)
    assert shown is not None
    assert (shown["session_id"], shown["seq"]) == ("session-2", 5)


def test_an_ended_session_does_not_come_back_when_its_time_is_over() -> None:
    """A call that outlasts the retention is told as an event, and its topic stays empty."""
    office = Office()
    office.desk.add()
    office.desk.answer(5)
    office.desk.remove(10)
    office.tell()
    for session in office.announcer.expire(at(10 + RETENTION)):
        office.desk.handler.forget(session.session_id)
    office.post.take()
    office.desk.end(10_000)
    office.desk.close("a", EndedBy.CALLER)
    office.tell()
    assert office.post.take() == [(EVENT, "UPDATE"), (CALL, None)]
    assert not office.announcer.shows(TOPIC)


def test_nothing_is_kept_of_sessions_that_are_gone() -> None:
    """Numbers of snapshots go with their sessions."""
    office = Office()
    for shift in range(20):
        office.desk.add(shift * 10)
        office.desk.answer(shift * 10 + 1, str(shift))
        office.desk.remove(shift * 10 + 5)
    for shift in range(20):
        office.desk.end(300 + shift, str(shift))
    office.tell()
    assert len(office.announcer.sessions.board._seq_of) == 1
    office.announcer.expire(at(10_000))
    assert not office.announcer.sessions.board._seq_of


# Refreshes ---------------------------------------------------------------------------------------------------------


def test_refreshes_take_every_live_session_in_turn() -> None:
    """Each comes once before any comes twice; ended sessions do not move, and are left out."""
    office = Office()
    for number in range(5):
        office.desk.add(0, replace(ALICE, interface=f"PJSIP/{number}"))
    office.desk.remove(1)
    office.tell()
    live = {TOPICS.session("support", "Alice", f"PJSIP/{number}") for number in range(4)}
    office.post.take()
    for _ in range(5):
        office.announcer.sessions.board.refresh_some(1)
    assert {topic for topic, _ in office.post.take()} == live
    office.announcer.sessions.board.refresh_some(100)
    assert len(office.post.take()) == 4
    Office().announcer.sessions.board.refresh_some(3)


# Names -------------------------------------------------------------------------------------------------------------


def test_a_name_that_cannot_be_a_topic_is_refused_once() -> None:
    """It is told on ``bridge/event`` the first time and counted each time, and harms no other session."""
    office = Office(Desk(replace(ALICE, member_name="x" * 70_000)))
    office.desk.add()
    office.desk.talk(10, 20)
    office.tell()
    assert office.post.take() == [(TOPICS.bridge_event, "NAME_REFUSED")]
    assert office.announcer.names_refused.total() > 1
    office.desk.add(30, replace(ALICE, interface="PJSIP/1001"))
    office.tell()
    assert (EVENT, "NEW_SESSION") in office.post.take()


# Any history -------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(histories(60), st.randoms(use_true_random=False))
def test_the_stream_has_no_hole(history: Any, chance: random.Random) -> None:
    """However telling is held and released, numbers rise by one, and each knows the one before it on its topic."""
    numbers = iter(range(10**6))
    handler = AgentHandler(Rules(), "interface", lambda _: str(next(numbers)))
    for queue in dict(PLACES):
        handler.add_queue(queue, limit=SECOND)
    post = Post()
    telling = announcer(post)
    for told_at, fact in history.facts:
        telling.tell(handler.apply(fact))
        match chance.randrange(8):
            case 0:
                telling.hold()
            case 1:
                telling.release(TOPICS.bridge_asterisk)
            case 2:
                telling.bridge_event("RESYNC_FINISHED", instant(told_at))
            case 3:
                for session in telling.expire(instant(told_at)):
                    handler.forget(session.session_id)
    telling.release(TOPICS.bridge_asterisk)
    check_numbers(post.messages)
    for session in handler.sessions():
        topic = TOPICS.session(session.group, session.agent, session.address)
        retained = telling.render(topic, instant(history.facts[-1][0]))
        assert retained is not None
        shown = json.loads(retained.payload)
        last = [each.payload for each in post.messages if each.topic == f"{topic}/event"][-1]
        assert last is not None
        assert (shown["session_id"], shown["state"]) == (session.session_id, session.state.name)
        assert shown["seq"] <= last["seq"]


def check_numbers(messages: list[Sent]) -> None:
    """Hold the numbers of all messages against each other."""
    seqs = [each.seq for each in messages]
    assert seqs == list(range(1, len(seqs) + 1))
    by_topic: dict[str, list[tuple[int | None, int | None]]] = {}
    for each in messages:
        assert each.payload is not None
        by_topic.setdefault(each.topic, []).append((each.payload["previous_seq"], each.seq))
    for told in by_topic.values():
        assert told[0][0] is None
        assert all(after[0] == before[1] for before, after in pairwise(told))
