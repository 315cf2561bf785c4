"""Calls of real phones, made again: the simulator says what Asterisk said, in its order, with its values."""

import re
from collections.abc import Iterable
from typing import Final

import pytest

from gateway.simulate.agenda import SECOND
from gateway.simulate.pbx import CONTEXT
from gateway.simulate.queues import Queue
from tests.simulate.recorded import FOLDER, VERSIONS, Headers, Message, calls, comparable
from tests.simulate.scripted import Scripted

RINGS: Final = {"138": 2}
WRAP_UP: Final = {"108": 1}
SHAPES: Final = {
    "108": "the agent hangs up",
    "118": "the caller hangs up",
    "128": "the caller gives up while a phone rings",
    "138": "the phone is not answered",
    "148": "the caller gives up while no phone rings",
    "158": "the agent transfers the caller",
    "168": "the agent puts the caller on hold",
    "188": "the caller has waited long enough",
}


def played(version: str, shape: str) -> Scripted:
    """The recorded call, each act of a person at the moment it was done."""
    recording = calls(version)[shape]
    caller, phone = f"{shape[:2]}1", f"{shape[:2]}2"
    queue = Queue(shape, shape, WRAP_UP.get(shape, 0), RINGS.get(shape, 15))
    # The longest wait counts from the queue's own reading of the clock, a little after the join.
    script = Scripted(queue, longest_wait=2 * SECOND + 1000)
    script.have(queue, f"PJSIP/{phone}", f"Agent {phone}")
    joined = next(each.at for each in recording if each.kind == "QueueCallerJoin")
    script.agenda.run(joined)
    member = queue.members[0]
    if shape in {"148", "188"}:
        script.membership.pause(member.interface, paused=True, reason="lunch")
        script.told.clear()
    if shape != "188":
        script.queue._longest_wait = 600 * SECOND
    script.queue.call(queue, f"PJSIP/{caller}", (caller, ""))
    for message in [each for each in recording if each.at > joined]:
        script.agenda.run(message.at)
        act(script, queue, message, recording)
    return script


def act(script: Scripted, queue: Queue, message: Message, recording: list[Message]) -> None:
    """Do what a person did, of which a message was the first word."""
    talk = script.hands.conversations[-1] if script.hands.conversations else None
    is_caller = message.get("Uniqueid") == next(each["Uniqueid"] for each in recording if each.get("Uniqueid"))
    if message.kind == "Newstate" and message["ChannelState"] == "6" and script.hands.offers:
        script.queue.answer(script.hands.offers[-1])
    elif message.kind == "HangupRequest" and queue.waiting:
        script.queue.give_up(queue, queue.waiting[0])
    elif message.kind == "HangupRequest" and script.hands.alone:
        script.pbx.hang_up_elsewhere(script.hands.alone[0].channel, was_answered=False)
    elif message.kind == "HangupRequest" and talk is not None:
        if talk.leg.uniqueid not in script.pbx.channels:
            script.pbx.hang_up_elsewhere(talk.caller, was_answered=True)
        elif is_caller:
            script.queue.caller_hangs_up(talk)
        else:
            script.queue.agent_hangs_up(talk)
    elif message.kind == "BlindTransfer" and talk is not None:
        script.queue.transfer(talk, message["Extension"])
    elif message.kind == "Hold" and talk is not None:
        script.queue.hold(talk)
    elif message.kind == "Unhold" and talk is not None and "BlindTransfer" not in {each.kind for each in recording}:
        script.queue.unhold(talk)


def like_the_lab(conversation: Iterable[Headers]) -> list[Headers]:
    """Without what is the lab's own: its dialplan has another context, and other priorities."""
    return [
        [(key, "phones" if value == CONTEXT else value) for key, value in headers if not key.endswith("Priority")]
        for headers in conversation
    ]


def without_races(conversation: Iterable[Headers]) -> list[Headers]:
    """Without what differs between two runs of one Asterisk.

    Of a phone that begins to ring two threads tell, and when it is in use the queue may not know of the call yet.
    """
    result = []
    for headers in conversation:
        message, raced = Message(headers), set()
        if message.kind == "DialState":
            raced = {"DestChannelState", "DestChannelStateDesc"}
        elif message.kind == "QueueMemberStatus" and message["Status"] == "2":
            raced = {"InCall"}
        result.append([(key, value) for key, value in headers if key not in raced])
    return result


def in_order(conversation: Iterable[Headers], channel: str) -> list[tuple[str, ...]]:
    """What is told of one channel, or, for an empty name, of the member: kinds, and what tells two of a kind apart."""
    told: list[tuple[str, ...]] = []
    for message in map(Message, conversation):
        is_of_member = message.kind == "QueueMemberStatus"
        if is_of_member if not channel else channel in {message.get("Uniqueid"), message.get("TransfererUniqueid")}:
            told.append((message.kind, message.get("ChannelState"), message.get("DialStatus"), message.get("Status")))
    return told


@pytest.mark.parametrize("shape", SHAPES)
def test_each_value_is_asterisks(shape: str) -> None:
    """Every event of the call has Asterisk 22's headers, in its order, with its values."""
    recorded = without_races(like_the_lab(comparable(calls("22")[shape])))
    told = without_races(like_the_lab(comparable(played("22", shape).messages())))
    assert sorted(told) == sorted(recorded)


@pytest.mark.parametrize("shape", ["108", "128", "138", "148", "188"])
def test_the_sequence_is_asterisks(shape: str) -> None:
    """The events of a call come one after the other as they came from Asterisk 22."""
    recorded = like_the_lab(comparable(calls("22")[shape]))
    assert like_the_lab(comparable(played("22", shape).messages())) == recorded


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("channel", ["channel 0", "channel 1", ""], ids=["caller", "phone", "member"])
def test_the_order_of_each_is_asterisks(version: str, shape: str, channel: str) -> None:
    """What is told of the caller, of the phone and of the member is in Asterisk's order, in each version's.

    Between them the order is chance: threads of Asterisk tell of them.
    """
    recorded = comparable(calls(version)[shape])
    assert in_order(comparable(played(version, shape).messages()), channel) == in_order(recorded, channel)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_queue_log_is_asterisks(version: str, shape: str) -> None:
    """The lines of the call are Asterisk's, to the second; the ringing of a phone to a few milliseconds."""
    lines = (FOLDER / f"phones-asterisk-{version}.queue_log").read_text().splitlines()
    caller = next(line.split("|")[1] for line in lines if f"|{shape}|NONE|ENTERQUEUE|" in line)
    recorded = [line for line in lines if line.split("|")[1] == caller]
    script = played(version, shape)
    joined = next(line.split("|")[1] for line in script.log if "|ENTERQUEUE|" in line)
    told = [line for line in script.log if line.split("|")[1] == joined]
    assert list(map(log_fields, told)) == list(map(log_fields, recorded))


def log_fields(line: str) -> list[str]:
    """The fields of a line, without the channels' own ids; of RINGCANCELED in tenths of a second."""
    fields = ["id" if re.fullmatch(r"[0-9]{9,}\.[0-9]+", field) else field for field in line.split("|")]
    if "RINGCANCELED" in fields:
        fields[-1] = str(round(int(fields[-1]) / 100))
    return ["phones" if field == CONTEXT else field for field in fields]
