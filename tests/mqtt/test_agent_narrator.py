"""Telling of agents: every key of the contract, the numbers of the stream, and topics that come and go."""

import json
from typing import Any

from gateway.domain.caller import Direction
from gateway.mqtt.agent_narrator import AgentNarrator
from gateway.mqtt.agent_presentation import AgentPresentation
from gateway.mqtt.announcer import Announcer
from gateway.mqtt.presentation import Presentation
from gateway.mqtt.topics import Topics
from tests.domain.floor import Floor
from tests.domain.support import at
from tests.mqtt.test_announcer import Post

TOPICS = Topics("cti", "pbx1")
ALICE = TOPICS.agent("Alice")
EVENT = f"{ALICE}/event"


class Office:
    """A floor of which the agents are told at once."""

    def __init__(self) -> None:
        self.floor = Floor(wrap_up=10)
        self.post = Post()
        common = Presentation(node="pbx1", stream="s", wall=lambda instant: instant, publish_caller_id=True)
        self.announcer = Announcer(self.post, TOPICS, common, ended_retention=0)
        self.narrator = AgentNarrator(
            self.announcer.stream, TOPICS, AgentPresentation(common), self.announcer.names_refused
        )
        self.announcer.narrators.append(self.narrator)

    def tell(self) -> None:
        """Tell what the floor brought since the last call."""
        self.announcer.tell(self.floor.told)
        self.floor.told.clear()

    def shown(self, seconds: float, topic: str = ALICE) -> Any:
        """What a topic shows at a time."""
        retained = self.announcer.render(topic, at(seconds))
        return None if retained is None else json.loads(retained.payload)


def test_every_figure_of_itagent() -> None:
    """The snapshot has all that the contract names, each figure under its own name, times in seconds."""
    office = Office()
    office.floor.add(0)
    office.floor.add(0, "sales")
    office.floor.talk(10, 100.0005)
    office.floor.tick(111)
    office.floor.other_call(200, Direction.OUTGOING)
    office.floor.other_end(300)
    office.floor.pause(400, reason="lunch")
    office.tell()
    assert office.shown(3600) == {
        "contract": 1,
        "stream": "s",
        "seq": 5,
        "node": "pbx1",
        "as_of": "2026-11-18T12:06:40.000Z",
        "agent": "Alice",
        "state": "READY",
        "state_value": 1,
        "state_since": "2026-11-18T11:11:40.000Z",
        "measurement_period": {
            "seconds": 86400,
            "from": "2026-11-18T11:06:40.000Z",
            "to": "2026-11-19T11:06:40.000Z",
        },
        "overall_call_rate": 1.0,
        "number_of_acd_calls": 1,
        "number_of_incoming_calls": 0,
        "number_of_outgoing_calls": 1,
        "total_acd_talk_time": 90.001,
        "total_acd_call_time": 100.001,
        "total_wrap_up_time": 10.0,
        "complete": True,
        "sessions": [
            {
                "group": "support",
                "address": "PJSIP/1001",
                "session_id": "session-1",
                "state": "NOT_READY",
                "state_value": 0,
                "state_since": "2026-11-18T11:13:20.000Z",
                "reason": "lunch",
                "asterisk": {"paused": True, "paused_reason": "lunch"},
            },
            {
                "group": "sales",
                "address": "PJSIP/1001",
                "session_id": "session-2",
                "state": "READY",
                "state_value": 1,
                "state_since": "2026-11-18T11:06:40.000Z",
                "reason": None,
                "asterisk": {"paused": False, "paused_reason": None},
            },
        ],
    }


def test_a_pause_in_a_call_is_shown_at_once() -> None:
    """Neither the agent's state nor the session's changes by it, and yet whoever set it must see that it is there."""
    office = Office()
    office.floor.add(0)
    office.floor.answer(5)
    office.tell()
    office.post.sent.clear()
    for seconds, reason in ((6, "lunch"), (7, "training"), (8, "training")):
        office.floor.pause(seconds, reason=reason)
        office.tell()
        session = office.shown(seconds)["sessions"][0]
        assert (session["state"], session["reason"]) == ("BUSY_ON_CALL", None)
        assert session["asterisk"] == {"paused": True, "paused_reason": reason}
    assert [each.topic for each in office.post.sent].count(ALICE) == 2


def test_an_event() -> None:
    """Name and number, what was before, and the agent after it; numbered with all else in the stream."""
    office = Office()
    office.floor.add(0)
    office.tell()
    office.floor.answer(5)
    office.tell()
    first, second = (each.payload for each in office.post.messages)
    assert first is not None
    assert second is not None
    assert (first["event"], first["event_value"], first["previous"]) == ("READY", 1, None)
    assert (first["seq"], first["previous_seq"], second["seq"], second["previous_seq"]) == (1, None, 2, 1)
    agent = second.pop("agent")
    assert second == {
        "stream": "s",
        "seq": 2,
        "previous_seq": 1,
        "event": "BUSY_ACD",
        "event_value": 2,
        "at": "2026-11-18T11:06:45.000Z",
        "cause": "asterisk",
        "command_id": None,
        "previous": {"state": "READY", "since": "2026-11-18T11:06:40.000Z"},
    }
    assert agent == office.shown(5)


def test_the_message_goes_with_the_agent() -> None:
    """Who is no agent any more has no message; who comes back has one with the event that tells of it."""
    office = Office()
    office.floor.add(0)
    office.floor.remove(5)
    office.tell()
    assert not office.announcer.shows(ALICE)
    assert office.shown(6) is None
    assert office.post.sent[-1].topic == ALICE
    office.floor.add(7)
    office.tell()
    assert office.shown(7)["seq"] == 3


def test_a_name_that_is_no_topic() -> None:
    """It is told once on the bridge's topic, as what it is, and harms no other agent."""
    office = Office()
    office.floor.add(0, name="\ufffd")
    office.floor.add(1, phone="PJSIP/1002", name="Bob")
    office.floor.pause(2)
    office.floor.remove(3)
    office.tell()
    told = [each.payload for each in office.post.messages if each.topic == TOPICS.bridge_event]
    assert [(each["event"], each["kind"]) for each in told if each] == [("NAME_REFUSED", "agent")]
    assert office.announcer.topics() == [TOPICS.agent("Bob")]


def test_agents_of_an_earlier_life() -> None:
    """What was shown is shown again, with the number of the last event that it includes."""
    office, later = Office(), Office()
    office.floor.add(0)
    office.floor.answer(5)
    office.tell()
    previous = office.announcer.stream.take_previous()
    later.announcer.restore(2, previous, [])
    shown = [office.narrator.board.shown(ALICE)]
    later.narrator.restore([each for each in shown if each is not None], previous)
    assert later.shown(9) == office.shown(9)
    assert later.shown(9)["seq"] == 2
