"""Recorded conversations with real Asterisks, through decoder, translator and handler, against a plain reckoning."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pytest

from gateway.ami.framing import AmiDecoder
from gateway.ami.lists import QueueList
from gateway.ami.message import AmiMessage, Arrival
from gateway.ami.translate import Translator
from gateway.domain.callcenter import CallCenter
from gateway.domain.facts import CallRecord, Fact, ListWanted, MembersListed, Outcome, TimePassed
from gateway.domain.handler import AgentHandler
from gateway.domain.session import AgentSession, Cause, Occasion, Rules, SessionEvent
from gateway.domain.state import TRANSITIONS, AgentSessionEvent
from gateway.timeline import Timeline
from tests.ami.recordings import FOLDER, RecordedMessage, names, read
from tests.domain.histories import Note, Story, Totals, reckon

BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
WRAP_UP: Final = 2_000_000  # microseconds; what the lab's queues had is not in the recordings, and does not matter
TOLERANCE: Final = 25_000  # microseconds for each call
BURST: Final = 0.002  # seconds between messages that may come in one read
recordings = pytest.mark.parametrize("name", names())


class Replay:
    """Takes the bytes of a conversation, and keeps what the handler told."""

    def __init__(self, begin: float) -> None:
        wall = round(begin * 1_000_000)
        timeline = Timeline(steady=wall, wall=wall)
        numbers = iter(range(1_000_000))
        self.handler = AgentHandler(Rules(), "member_name", lambda _: f"{next(numbers):04d}")
        self.center = CallCenter(self.handler)
        self.told: list[Outcome] = []
        self._decoder = AmiDecoder()
        self._decoder.receive_data(BANNER, Arrival(wall, wall))
        self._translator = Translator(timeline, "queue")
        self._timeline = timeline
        self._lists: list[QueueList] = []

    def receive(self, data: bytes, arrival: float) -> None:
        """Take some bytes."""
        now = round(arrival * 1_000_000)
        for message in self._decoder.receive_data(data, Arrival(now, now)):
            self._take(message, now)
        for fact in self._translator.advance(now):
            self._apply(fact)
        self._apply(TimePassed(now))

    def _take(self, message: AmiMessage, now: int) -> None:
        if not message.action_id:
            for fact in self._translator.receive(message):
                self._apply(fact)
        elif message.event == "QueueParams":
            self.handler.add_queue(message.fields["queue"], limit=WRAP_UP)
            self._lists.append(QueueList())
        elif message.event == "QueueStatusComplete":
            for each in self._lists:
                assert each.name is not None
                occasion = Occasion(now, Cause.RESYNC)
                self._apply(MembersListed(each.name, tuple(each.members), occasion))
            self._lists = []
        if self._lists:
            self._lists[-1].add(message, self._timeline.from_wall)

    def _apply(self, fact: Fact) -> None:
        self.told += self.center.apply(fact)

    @property
    def events(self) -> list[SessionEvent]:
        """All session events."""
        return [each for each in self.told if isinstance(each, SessionEvent)]

    @property
    def sessions(self) -> dict[str, AgentSession]:
        """Every session there was, as it was last told or is."""
        last = {event.session.session_id: event.session for event in self.events}
        return last | {session.session_id: session for session in self.handler.sessions()}


def replayed(name: str) -> Replay:
    """A recording, message by message."""
    messages = list(read(name))
    replay = Replay(messages[0].arrival)
    for each in messages:
        replay.receive(each.raw, each.arrival)
    replay.receive(b"", messages[-1].arrival + 60)
    return replay


# The plain reckoning -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """One event of the recording: name, headers, time."""

    name: str
    headers: dict[str, str]
    at: int


def heard(messages: Iterable[RecordedMessage]) -> list[Heard]:
    """The events with a time stamp, read without the gateway's help."""
    found = []
    for each in messages:
        lines = each.raw.decode("utf-8", "replace").splitlines()
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        if "Timestamp" in headers and "Event" in headers:
            seconds, _, microseconds = headers["Timestamp"].partition(".")
            found.append(Heard(headers["Event"], headers, int(seconds) * 1_000_000 + int(microseconds)))
    return found


def stories_of(name: str) -> dict[tuple[str, str], list[Story]]:
    """The true story of each session by queue and interface: calls by queue_log, times by the events."""
    messages = list(read(name))
    events = heard(messages)
    log = [line.split("|") for line in (FOLDER / name).with_suffix(".queue_log").read_text("utf-8").splitlines()]
    connected = {fields[6]: fields[1] for fields in log if fields[4] == "CONNECT"}
    joined = {event.headers["Uniqueid"]: event.at for event in events if event.name == "QueueCallerJoin"}
    stories: dict[tuple[str, str], list[Story]] = defaultdict(list)
    stories["support", "Local/s1@agents/n"] = [Story("support")]  # the one static member, listed before any event
    of_leg: dict[str, Story] = {}
    for event in events:
        place = (event.headers.get("Queue", ""), event.headers.get("Interface", ""))
        here = stories.get(place, [])
        match event.name:
            case "QueueMemberAdded":
                stories[place].append(Story(place[0]))
            case "QueueMemberRemoved":
                here[-1].notes.append(Note(event.at, "logged out"))
            case "QueueMemberPause" if event.headers["Paused"] == "1":
                here[-1].notes.append(Note(event.at, "paused", event.headers["PausedReason"] or None))
            case "QueueMemberPause":
                here[-1].notes.append(Note(event.at, "unpaused"))
            case "AgentConnect" if event.headers["DestUniqueid"] in connected:
                leg, caller = event.headers["DestUniqueid"], event.headers["Uniqueid"]
                assert connected[leg] == caller
                of_leg[leg] = here[-1]
                here[-1].notes.append(Note(event.at, "answered", leg, event.at - joined[caller]))
            case "BridgeLeave" if event.headers["Uniqueid"] in of_leg:
                leg = event.headers["Uniqueid"]
                of_leg.pop(leg).notes.append(Note(event.at, "call over", leg))
    missed = [fields for fields in log if fields[4] == "RINGNOANSWER"]
    for fields in missed:
        rung = [each for each in events if each.name == "AgentRingNoAnswer" and each.headers["MemberName"] == fields[3]]
        place = (fields[2], rung[0].headers["Interface"])
        stories[place][-1].notes.append(Note(rung[0].at, "missed"))
    assert not of_leg
    return stories


def differ(session: AgentSession, totals: Totals) -> list[str]:
    """In what a session's figures are not those of the reckoning."""
    figures = session.figures
    slack = TOLERANCE * max(1, totals.calls)
    pairs = {
        "calls": (figures.number_of_calls, totals.calls, 0),
        "missed": (figures.calls_missed, totals.missed, 0),
        "talk": (figures.total_talk_time, totals.talk, slack),
        "wrap-up": (figures.total_wrap_up_time, totals.wrap_up, slack),
        "time to answer": (figures.time_to_answer, sum(totals.waits), slack),
        "longest": (figures.longest_time_to_answer, max(totals.waits, default=0), TOLERANCE),
    }
    return [f"{what}: {shown} and not {true}" for what, (shown, true, off) in pairs.items() if abs(shown - true) > off]


# What must hold ----------------------------------------------------------------------------------------------------


@recordings
def test_figures_are_those_of_the_events_and_the_log(name: str) -> None:
    """Every session of the tour has its calls counted exactly, and its times to within 25 ms a call."""
    replay = replayed(name)
    end = round((list(read(name))[-1].arrival + 60) * 1_000_000)
    found: dict[tuple[str, str], list[AgentSession]] = defaultdict(list)
    for session in replay.sessions.values():
        found[session.group, session.address].append(session)
    stories = stories_of(name)
    assert {place: len(each) for place, each in found.items()} == {place: len(each) for place, each in stories.items()}
    for place, told in stories.items():
        for session, story in zip(sorted(found[place], key=lambda each: each.session_id), told, strict=True):
            assert differ(session, reckon(story, end, WRAP_UP)) == [], place
    assert sum(session.figures.number_of_calls for session in replay.sessions.values()) == 8


@recordings
def test_every_step_told_is_allowed(name: str) -> None:
    """Each session begins with NEW_SESSION and goes on by steps that TAPI knows; nobody asks for a second list."""
    replay = replayed(name)
    last: dict[str, AgentSession] = {}
    for event in replay.events:
        before = last.get(event.session.session_id)
        assert (before is None) == (event.event is AgentSessionEvent.NEW_SESSION)
        if before is not None and event.event is not None:
            assert event.session.state in TRANSITIONS[before.state]
        last[event.session.session_id] = event.session
    assert not any(isinstance(each, ListWanted) for each in replay.told)


@recordings
def test_call_records_say_what_the_log_says(name: str) -> None:
    """One record for each completed line of the log, with who ended the call."""
    log = [line.split("|") for line in (FOLDER / name).with_suffix(".queue_log").read_text("utf-8").splitlines()]
    by = {"COMPLETEAGENT": "agent", "COMPLETECALLER": "caller"}
    completed = [(fields[1], fields[3], by[fields[4]]) for fields in log if fields[4] in by]
    records = [each for each in replayed(name).told if isinstance(each, CallRecord)]
    told = [(each.call.key.uniqueid, each.session.agent, each.ended_by and each.ended_by.value) for each in records]
    assert told == completed
    assert all(record.transferred_to is None for record in records)


def cut_at_random(name: str, chance: random.Random) -> Replay:
    """The recording in pieces of any size, those of one burst; each comes when its last byte did."""
    messages = list(read(name))
    replay = Replay(messages[0].arrival)
    burst = b""
    for each, following in pairwise([*messages, messages[-1]._replace(arrival=messages[-1].arrival + 60)]):
        burst += each.raw
        if following.arrival - each.arrival < BURST and chance.random() < 0.9:
            continue
        while burst:
            size = chance.choice((1, 7, 100, 1460, 20_000))
            replay.receive(burst[:size], each.arrival)
            burst = burst[size:]
    replay.receive(b"", messages[-1].arrival + 60)
    return replay


def told_by_session(replay: Replay) -> dict[str, list[SessionEvent]]:
    """What was told of each session."""
    told: dict[str, list[SessionEvent]] = defaultdict(list)
    for event in replay.events:
        told[event.session.session_id].append(event)
    return told


@recordings
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_same_at_any_cut(name: str, seed: int) -> None:
    """However TCP cuts the conversation, each session is told the same way, with the same figures."""
    whole, cut = told_by_session(replayed(name)), told_by_session(cut_at_random(name, random.Random(seed)))
    assert cut.keys() == whole.keys()
    for session_id, events in cut.items():
        assert [each.event for each in events] == [each.event for each in whole[session_id]]
        for one, other in zip(events, whole[session_id], strict=True):
            assert one.session.figures == other.session.figures
            assert abs(one.occasion.at - other.occasion.at) <= TOLERANCE
