"""The scripted Asterisk is like the real one where the recordings say how that is."""

import asyncio

import pytest

from gateway.ami.framing import AmiDecoder
from gateway.ami.message import AmiMessage, Arrival
from gateway.errors import AmiActionError
from tests.ami import recordings
from tests.ami.link import RecordingListener, linked
from tests.ami.queue_model import Member
from tests.ami.scripted_asterisk import ScriptedAsterisk

RECORDING = {"16": "tour-asterisk-16.28.txt", "22": "tour-asterisk-22.10.txt"}


def recorded(version: str, event: str) -> AmiMessage:
    """The first event of that name in the recording of that version."""
    decoder = AmiDecoder(frozenset({event}))
    decoder.receive_data(b"Asterisk Call Manager/1.0\r\n", Arrival(0, 0))
    for _, raw in recordings.read(RECORDING[version]):
        for message in decoder.receive_data(raw, Arrival(0, 0)):
            if message.event == event:
                return message
    raise AssertionError(event)


@pytest.mark.parametrize("version", ["16", "22"])
async def test_member_events_have_the_recorded_layout(version: str) -> None:
    """Added, paused, removed: the same headers in the same order as from the real one, after the answer."""
    listener = RecordingListener()
    async with ScriptedAsterisk(version=version, system_name="lab") as asterisk:
        asterisk.model.add_queue("support")
        async with linked(asterisk, listener, wanted=frozenset(), ping_interval=60):
            pass
        listener = RecordingListener()
        async with linked(asterisk, listener, ping_interval=60) as client:
            await listener.until_event("FullyBooted")
            member = {"Interface": "PJSIP/1001"}
            for name, headers in {
                "QueueAdd": {"Queue": "support", "MemberName": "Alice", "StateInterface": "hint:1"},
                "QueuePause": {"Paused": "true", "Reason": "lunch break"},
                "QueueRemove": {"Queue": "support"},
            }.items():
                await client.action(name, member | headers, on_message=lambda answer: listener.write("answer", answer))
            await listener.until_event("QueueMemberRemoved")
    assert listener.words[2:] == ["answer", "message"] * 3 + ["disconnected"]
    for message in listener.all("message")[1:]:
        assert list(message.fields) == list(recorded(version, message.event).fields)
    paused = listener.all("message")[2]
    assert paused.fields["pausedreason"] == "lunch break"
    assert float(paused.fields["timestamp"]) > 0


@pytest.mark.parametrize("version", ["16", "22"])
async def test_lists_have_the_recorded_layout(version: str) -> None:
    """QueueStatus gives the same headers in the same order as from the real one."""
    listener = RecordingListener()
    async with ScriptedAsterisk(version=version) as asterisk, linked(asterisk, listener) as client:
        asterisk.model.add_queue("support", Member("support", "Alice", "PJSIP/1001", membership="static"))
        answer = await client.action("QueueStatus", as_list=True)
        assert answer[0].fields["message"] == "Queue status will follow"
        assert answer[-1].fields["listitems"] == "2"
        for message in answer[1:]:
            assert list(message.fields) == list(recorded(version, message.event).fields)
        (settings,) = await client.action("CoreSettings")
        assert settings.fields["asteriskversion"].startswith(version)
        assert (await client.action("CoreShowChannels", as_list=True))[-1].fields["listitems"] == "0"


@pytest.mark.parametrize(
    ("action", "headers", "words"),
    [
        ("QueueAdd", {"Interface": "PJSIP/1"}, "'Queue' not specified."),
        ("QueueAdd", {"Queue": "support"}, "'Interface' not specified."),
        ("QueueAdd", {"Queue": "none", "Interface": "x"}, "Unable to add interface to queue: No such queue"),
        ("QueueAdd", {"Queue": "SUPPORT", "Interface": "pjsip/1001"}, "Unable to add interface: Already there"),
        ("QueueRemove", {"Queue": "support"}, "Need 'Queue' and 'Interface' parameters."),
        ("QueueRemove", {"Queue": "support", "Interface": "x"}, "Unable to remove interface: Not there"),
        ("QueueRemove", {"Queue": "none", "Interface": "x"}, "Unable to remove interface from queue: No such queue"),
        ("QueueRemove", {"Queue": "support", "Interface": "PJSIP/1001"}, "Member not dynamic"),
        ("QueuePause", {"Interface": "PJSIP/1001"}, "Need 'Interface' and 'Paused' parameters."),
        ("QueuePause", {"Interface": "PJSIP/1001", "Paused": "1", "Queue": "none"}, "Interface not found"),
    ],
)
async def test_refusals_are_in_asterisks_words(action: str, headers: dict[str, str], words: str) -> None:
    """What cannot be done is answered as the real one answers it, and changes nothing."""
    listener = RecordingListener()
    async with ScriptedAsterisk() as asterisk, linked(asterisk, listener) as client:
        asterisk.model.add_queue("support", Member("support", "Alice", "PJSIP/1001", membership="static"))
        with pytest.raises(AmiActionError) as error:
            await client.action(action, headers)
        assert error.value.message == words
        await client.ping()
        assert not {"QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause"} & set(listener.events)


async def test_a_pause_in_all_queues_is_told_for_each() -> None:
    """QueuePause without a queue gives one event for each of the member's queues, also when nothing changes."""
    listener = RecordingListener()
    async with ScriptedAsterisk() as asterisk, linked(asterisk, listener) as client:
        for queue in ("support", "sales"):
            asterisk.model.add_queue(queue, Member(queue, "Alice", "PJSIP/1001"))
        for paused in ("yes", "yes", "maybe"):
            await client.action("QueuePause", {"Interface": "PJSIP/1001", "Paused": paused, "Reason": "x"})
        await client.ping()
        told = [(m.fields["queue"], m.fields["paused"]) for m in listener.all("message") if m.event != "FullyBooted"]
        assert told == [("support", "1"), ("sales", "1")] * 2 + [("support", "0"), ("sales", "0")]


async def test_a_reason_cut_within_a_letter_costs_the_event() -> None:
    """Forty letters of two bytes are cut at 79: the pause succeeds, and no event tells of it."""
    listener = RecordingListener()
    async with ScriptedAsterisk() as asterisk, linked(asterisk, listener) as client:
        asterisk.model.add_queue("support", Member("support", "Alice", "PJSIP/1001"))
        await client.action("QueuePause", {"Interface": "PJSIP/1001", "Paused": "1", "Reason": "é" * 40})
        await client.ping()
        assert asterisk.model.find("support", "PJSIP/1001").paused
        assert "QueueMemberPause" not in listener.events


async def test_a_device_state_is_told_once_for_each_queue() -> None:
    """A changed state is told for every queue of the member, an unchanged one for none."""
    listener = RecordingListener()
    async with ScriptedAsterisk() as asterisk, linked(asterisk, listener) as client:
        for queue in ("support", "sales"):
            asterisk.model.add_queue(queue, Member(queue, "Alice", "PJSIP/1001"))
        asterisk.set_status("PJSIP/1001", 2)
        asterisk.set_status("PJSIP/1001", 2)
        await client.ping()
        assert [m.fields["status"] for m in listener.all("message") if m.event == "QueueMemberStatus"] == ["2", "2"]


async def test_before_login_nothing_is_allowed() -> None:
    """An action before the login is refused as the real one refuses it."""
    async with ScriptedAsterisk() as asterisk:
        reader, writer = await asyncio.open_connection("127.0.0.1", asterisk.port)
        writer.write(b"Action: QueueStatus\r\nActionID: 1\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == (
            b"Asterisk Call Manager/11.0.0\r\nResponse: Error\r\nActionID: 1\r\nMessage: Permission denied\r\n\r\n"
        )
        writer.close()
        await writer.wait_closed()
