"""Telling of queues and groups: their messages, as a client reads them."""

import json
from collections import Counter
from typing import Any

import pytest

from gateway.domain import facts
from gateway.domain.caller import WaitingCaller, WayOut
from gateway.domain.facts import Outcome
from gateway.domain.session import Cause, Occasion
from gateway.mqtt.presentation import Presentation, time_of_day
from gateway.mqtt.queue_narrator import GroupNarrator, QueueNarrator
from gateway.mqtt.queue_presentation import MOST_CALLERS, QueuePresentation
from gateway.mqtt.stream import Stream
from tests.domain.hall import Hall
from tests.domain.support import Desk, at
from tests.mqtt.test_announcer import TOPICS, Post

QUEUE = TOPICS.queue("support")
GROUP = TOPICS.group("support")


class Lobby:
    """A hall, and all that is told of it."""

    def __init__(self, *, publish_caller_id: bool = True) -> None:
        self.hall = Hall()
        self.post = Post()
        common = Presentation(
            node="pbx1", stream="s", wall=lambda instant: instant, publish_caller_id=publish_caller_id
        )
        stream = Stream(self.post, common, TOPICS.bridge_event)
        presentation = QueuePresentation(common)
        self.refused: Counter[tuple[str, ...]] = Counter()
        self.groups = GroupNarrator(stream, TOPICS, presentation, self.refused)
        self.queues = QueueNarrator(stream, TOPICS, presentation, self.refused)

    def tell(self, outcomes: list[Outcome]) -> None:
        """Tell what came of a fact."""
        for outcome in outcomes:
            self.groups.announce(outcome)
            self.queues.announce(outcome)

    def event(self) -> dict[str, Any]:
        """The last event."""
        payload = self.post.messages[-1].payload
        assert payload is not None
        return payload

    def shown(self, seconds: float) -> dict[str, Any]:
        """What the queue's topic shows at that second."""
        retained = self.queues.board.render(QUEUE, at(seconds))
        assert retained is not None
        payload: dict[str, Any] = json.loads(retained.payload)
        return payload


@pytest.fixture
def lobby() -> Lobby:
    """A lobby with one queue, listed empty."""
    lobby = Lobby()
    lobby.tell(lobby.hall.listed(0))
    return lobby


def when(seconds: float) -> str:
    """A second as it is told."""
    return time_of_day(at(seconds))


def test_a_queue_comes_and_goes(lobby: Lobby) -> None:
    """Group and queue each tell it by TAPI's name and number, and the retained messages of what is gone go."""
    assert lobby.post.take() == [
        (f"{GROUP}/event", "NEW_GROUP"),
        (GROUP, None),
        (f"{QUEUE}/event", "NEW_QUEUE"),
        (QUEUE, None),
        (QUEUE, None),
    ]
    lobby.tell(lobby.hall.apply(facts.QueueGone("support", Occasion(at(9), Cause.RESYNC)), 9))
    told = [(each.topic, each.payload) for each in lobby.post.messages]
    assert [(topic, payload and (payload["event"], payload["event_value"])) for topic, payload in told] == [
        (f"{QUEUE}/event", ("QUEUE_REMOVED", 1)),
        (f"{GROUP}/event", ("GROUP_REMOVED", 1)),
    ]
    assert lobby.queues.board.render(QUEUE, at(9)) is None
    assert lobby.groups.board.render(GROUP, at(9)) is None
    lobby.tell(lobby.hall.listed(20))
    assert lobby.shown(20)["seq"] == lobby.event()["seq"]


def test_an_event_of_a_caller(lobby: Lobby) -> None:
    """Who, where, since when, how long; and the queue behind it."""
    lobby.tell(lobby.hall.join(1, "c1", linkedid="l1", number="5550100", name="O'Brien", position=1))
    joined = lobby.event()
    assert (joined["event"], joined["event_value"], joined["at"], joined["cause"]) == (
        "JOINED",
        None,
        when(1),
        "asterisk",
    )
    caller = {
        "uniqueid": "c1",
        "linkedid": "l1",
        "caller_number": "5550100",
        "caller_name": "O'Brien",
        "position": 1,
        "waiting_since": when(1),
    }
    assert joined["caller"] == {**caller, "wait": 0.0, "key": None}
    assert joined["queue"]["callers_waiting"] == [caller]
    assert joined["queue"]["seq"] == joined["seq"]
    lobby.tell(lobby.hall.leave(3.5, "c1", WayOut.CONNECTED))
    left = lobby.event()
    assert (left["event"], left["caller"]["wait"], left["queue"]["answered"]) == ("CONNECTED", 2.5, 1)
    assert left["previous_seq"] == joined["seq"]
    assert lobby.shown(10)["seq"] == left["seq"]


def test_the_snapshot_of_a_queue(lobby: Lobby) -> None:
    """Every figure of ITQueue under its own name, in seconds, as of the moment at which it is rendered."""
    lobby.tell(lobby.hall.join(0, "c1"))
    lobby.tell(lobby.hall.leave(5, "c1", WayOut.CONNECTED))
    lobby.tell(lobby.hall.join(6, "c2"))
    lobby.tell(lobby.hall.apply(facts.TimePassed(at(6)), 6, Desk().add()))
    shown = lobby.shown(16.25)
    window = lobby.hall.queue().window
    assert shown == {
        "contract": 1,
        "stream": "s",
        "seq": shown["seq"],
        "node": "pbx1",
        "as_of": when(16.25),
        "queue": "support",
        "group": "support",
        "measurement_period": {"seconds": 86400, "from": time_of_day(window.begin), "to": time_of_day(window.end)},
        "total_calls_queued": 2,
        "current_calls_queued": 1,
        "total_calls_abandoned": 0,
        "total_calls_flowed_in": 0,
        "total_calls_flowed_out": 0,
        "longest_ever_wait_time": 10.25,
        "current_longest_wait_time": 10.25,
        "average_wait_time": 5.0,
        "final_disposition": 0,
        "answered": 1,
        "service_level": {"threshold": 20.0, "answered_in_time": 1, "percent": 100.0},
        "callers_waiting": [
            {
                "uniqueid": "c2",
                "linkedid": None,
                "caller_number": None,
                "caller_name": None,
                "position": 1,
                "waiting_since": when(6),
            }
        ],
        "agents": {"NOT_READY": 0, "READY": 1, "BUSY_ON_CALL": 0, "BUSY_WRAPUP": 0},
    }
    retained = lobby.groups.board.render(GROUP, at(20))
    assert retained is not None
    assert json.loads(retained.payload) == {
        "contract": 1,
        "stream": "s",
        "seq": 1,
        "node": "pbx1",
        "as_of": when(20),
        "group": "support",
        "queues": ["support"],
        "sessions": shown["agents"],
    }


def test_callers_are_told_only_where_they_may_be() -> None:
    """Without ``publish_caller_id`` neither number nor name is anywhere."""
    lobby = Lobby(publish_caller_id=False)
    lobby.tell(lobby.hall.join(1, "c1", number="5550100", name="O'Brien"))
    lobby.tell(lobby.hall.leave(2, "c1", WayOut.ABANDONED))
    assert all(b"5550100" not in json.dumps(each.payload).encode() for each in lobby.post.messages)
    assert all("Brien" not in json.dumps(each.payload) for each in lobby.post.messages)


def test_a_long_queue_lists_those_who_are_next(lobby: Lobby) -> None:
    """Every event carries the list, so that it has an end; the number of callers is that of all."""
    waiting = [WaitingCaller(f"c{number}", at(1)) for number in range(MOST_CALLERS + 50)]
    lobby.tell(lobby.hall.listed(2, *waiting))
    shown = lobby.shown(3)
    assert shown["current_calls_queued"] == MOST_CALLERS + 50
    assert [each["position"] for each in shown["callers_waiting"]] == list(range(1, MOST_CALLERS + 1))


def test_only_a_queue_in_which_somebody_waits_moves_by_itself(lobby: Lobby) -> None:
    """Its waits grow; an empty queue and a group stay as they are."""
    lobby.post.take()
    lobby.queues.board.refresh_some(5)
    lobby.groups.board.refresh_some(5)
    assert lobby.post.take() == []
    lobby.tell(lobby.hall.join(1, "c1"))
    lobby.post.take()
    lobby.queues.board.refresh_some(5)
    assert lobby.post.take() == [(QUEUE, None)]


def test_what_was_shown_is_shown_after_a_restart(lobby: Lobby) -> None:
    """With the number of the last event on its topic."""
    again = Lobby()
    again.queues.restore(lobby.hall.book.queues(), {f"{QUEUE}/event": 77})
    again.groups.restore(lobby.hall.book.groups(), {f"{GROUP}/event": 76})
    again.hall = lobby.hall
    assert again.shown(5)["seq"] == 77
    assert again.post.messages == []


def test_a_name_that_is_no_topic_harms_nothing(lobby: Lobby) -> None:
    """It is told once as refused, counted, and the other queues are told."""
    lobby.post.take()
    lobby.tell(lobby.hall.listed(1, queue="bad\ufffdname"))
    lobby.tell(lobby.hall.join(2, "c1", queue="bad\ufffdname"))
    assert {name for _, name in lobby.post.take()} == {"NAME_REFUSED"}
    assert lobby.refused[("bad\ufffdname",)] > 1
    lobby.tell(lobby.hall.join(3, "c2"))
    assert lobby.event()["event"] == "JOINED"
