"""What the link promises about actions: each sent at most once, answered exactly once, and never anything else sent."""

import asyncio
import logging
import string
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.ami.action import MAX_HEADERS, MAX_LINE_SIZE
from gateway.ami.client import AmiClient
from gateway.ami.message import AmiMessage
from gateway.clock import SystemClock
from gateway.errors import AmiActionError, AmiConnectionError, AmiTimeoutError, AmiValueError
from tests.ami.link import RecordingListener, linked, pending, running, settings_for
from tests.ami.queue_model import Member
from tests.ami.scripted_asterisk import ReceivedAction, ScriptedAsterisk, Session, message_bytes


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk with one queue of two."""
    async with ScriptedAsterisk() as server:
        server.model.add_queue(
            "support", Member("support", "Alice", "PJSIP/1001"), Member("support", "Bob", "PJSIP/1002")
        )
        yield server


@pytest.fixture
def listener() -> RecordingListener:
    """A listener that writes down what it is told."""
    return RecordingListener()


@pytest.fixture
async def client(asterisk: ScriptedAsterisk, listener: RecordingListener) -> AsyncIterator[AmiClient]:
    """A client that is logged in and does not ping by itself."""
    async with linked(asterisk, listener, ping_interval=60) as connected:
        await listener.until_event("FullyBooted")
        yield connected


def no_answer(_session: Session, _action: ReceivedAction) -> None:
    """What a test answers an action with that is to stay open."""


# What reaches the wire

_HOSTILE = st.text(st.sampled_from("\r\n\0:;,| aé€\ud800\udfff\u2028\x85") | st.characters(), max_size=40)
_CRAFTED = st.sampled_from(
    [
        "x\r\nPaused: true",
        "x\r\n\r\nAction: Originate\r\nChannel: Local/1@x\r\nApplication: System\r\n\r\n",
        "x\nAction: Logoff\n\n",
        "x\0y",
        "é" * 600,
        "y" * MAX_LINE_SIZE,
        "\ud800",
    ]
)
_VALUES = _HOSTILE | _CRAFTED
_NAMES = _HOSTILE.map("X".__add__)  # no action there is
_KEYS = st.sampled_from(["Interface", "Reason", "MemberName"]) | st.text(string.ascii_letters, min_size=1) | _HOSTILE


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=300
)
@given(headers=st.dictionaries(_KEYS, _VALUES | st.lists(_VALUES, max_size=3), max_size=4), name=_NAMES)
@example(headers={"Reason": "x\r\n\r\nAction: Originate\r\n\r\n"}, name="QueuePause")
@example(headers={"Queue": "a", "queue": "b"}, name="QueuePause")
def test_hostile_text_never_becomes_another_header_or_action(headers: dict[str, str | list[str]], name: str) -> None:
    """Whatever is put into a header: either it is refused and nothing is sent, or one action with just that arrives."""
    asyncio.run(_send_hostile(name, headers))


async def _send_hostile(name: str, headers: dict[str, str | list[str]]) -> None:
    listener = RecordingListener()
    async with ScriptedAsterisk() as asterisk, linked(asterisk, listener, ping_interval=60) as client:
        before = len(asterisk.session.received)
        try:
            await client.action(name, headers)
        except AmiValueError:
            await client.ping()  # what was sent before it would have come before it
            (_, _, after) = asterisk.actions
            assert len(asterisk.session.received) == before + len(after.raw)
        except AmiActionError:
            (_, _, sent) = asterisk.actions
            expected = [("Action", name), ("ActionID", sent.action_id)]
            for key, value in headers.items():
                expected += [(key, each) for each in ([value] if isinstance(value, str) else value)]
            assert sent.headers == expected
            assert len(asterisk.session.received) == before + len(sent.raw)
        else:
            pytest.fail("no such action was to be expected")


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("Queue\r\nPause", {}),
        ("", {"": "x"}),
        ("A", {"a:b": "x"}),
        ("A", {"": "x"}),
        ("A", {"a\n": "x"}),
        ("A", {"a": "\r"}),
        ("A", {"a": "\0"}),
        ("A", {"a": ["fine", "x\n"]}),
        ("A", {"a": "\ud83d"}),
        ("A", {"a": "y" * (MAX_LINE_SIZE - 2)}),
        ("A", {"a": [""] * MAX_HEADERS}),
        ("A", {"ActionID": "mine"}),
        ("A", {"action": "Originate"}),
        ("A", {"Queue": "a", "queue": "b"}),
    ],
)
async def test_what_must_not_be_sent_is_refused_also_without_a_link(
    asterisk: ScriptedAsterisk, listener: RecordingListener, name: str, headers: dict[str, str | list[str]]
) -> None:
    """A value that must not reach Asterisk is told as such, and not as a missing link; and nothing connects for it."""
    client = AmiClient(settings_for(asterisk), listener, clock=SystemClock())
    with pytest.raises(AmiValueError) as refusal:
        await client.action(name, headers)
    assert "\n" not in str(refusal.value)
    assert asterisk.sessions == []


async def test_lines_of_just_the_limit_are_sent(asterisk: ScriptedAsterisk, client: AmiClient) -> None:
    """The longest line and the most headers that are allowed do arrive."""
    value = "y" * (MAX_LINE_SIZE - 3)
    asterisk.on("A", lambda session, action: session.respond(action))
    await client.action("A", {"a": value, "b": [""] * (MAX_HEADERS - 2)})
    (action,) = asterisk.named("A")
    assert action.get("a") == value
    assert len(action.headers) == MAX_HEADERS + 1


async def test_action_and_its_id_come_first(asterisk: ScriptedAsterisk, client: AmiClient) -> None:
    """Action and ActionID stand before all else, and the other headers in the order given."""
    await client.action("QueuePause", {"Interface": "PJSIP/1001", "Paused": "true", "Account": "z"})
    (action,) = asterisk.named("QueuePause")
    assert [key for key, _ in action.headers] == ["Action", "ActionID", "Interface", "Paused", "Account"]


# Answers


async def test_an_action_gives_its_response(client: AmiClient) -> None:
    """A single answer comes back as the one message it is."""
    (response,) = await client.action("QueuePause", {"Interface": "PJSIP/1001", "Paused": "true"})
    assert response.response == "Success"
    assert response.fields["message"] == "Interface paused successfully"


async def test_an_error_is_raised_in_asterisks_words(client: AmiClient) -> None:
    """``Response: Error`` is an exception that names the action and holds Asterisk's message."""
    with pytest.raises(AmiActionError, match=r"^QueuePause: Interface not found$") as error:
        await client.action("QueuePause", {"Interface": "nobody", "Paused": "true"})
    assert (error.value.action, error.value.message) == ("QueuePause", "Interface not found")
    assert pending(client) == 0


async def test_adding_members_completes(asterisk: ScriptedAsterisk, client: AmiClient) -> None:
    """The answer ``Added interface to queue`` ends QueueAdd, and a hundred of them leave nothing behind."""
    for number in range(100):
        await client.action("QueueAdd", {"Queue": "support", "Interface": f"PJSIP/{number}"})
    assert pending(client) == 0
    assert len(asterisk.model.queues["support"].members) == 102


@pytest.mark.parametrize("message", ["DTMF successfully queued", "Originate successfully queued", "List will follow"])
async def test_the_words_of_an_answer_decide_nothing(
    asterisk: ScriptedAsterisk, client: AmiClient, listener: RecordingListener, message: str
) -> None:
    """An answer whose text sounds like a list or a queued action ends the action and spares the connection."""
    asterisk.on("PlayDTMF", lambda session, action: session.respond(action, message))
    await client.action("PlayDTMF", {"Channel": "PJSIP/1001-1", "Digit": "1"})
    assert client.connected
    assert "disconnected" not in listener.words


async def test_a_list_comes_whole(client: AmiClient) -> None:
    """A list is the response, its events and the event that ends it."""
    answer = await client.action("QueueStatus", as_list=True)
    assert [message.event for message in answer] == [
        "",
        "QueueParams",
        "QueueMember",
        "QueueMember",
        "QueueStatusComplete",
    ]
    assert pending(client) == 0


async def test_a_list_without_counts_comes_whole(listener: RecordingListener) -> None:
    """Before Asterisk 13.2 only the name of its last event ends a list."""
    async with ScriptedAsterisk(version="13") as asterisk, linked(asterisk, listener) as client:
        asterisk.model.add_queue("support", Member("support", "Alice", "PJSIP/1001"))
        answer = await client.action("QueueStatus", as_list=True)
        assert [message.event for message in answer[1:]] == ["QueueParams", "QueueMember", "QueueStatusComplete"]
        assert "eventlist" not in answer[-1].fields


async def test_in_a_counted_list_a_name_ends_nothing(asterisk: ScriptedAsterisk, client: AmiClient) -> None:
    """Where the list's end is marked, an item whose name sounds like an end is an item."""
    events: list[tuple[str, list[tuple[str, str]]]] = [("AgentComplete", []), ("QueueMember", [])]
    asterisk.on("QueueStatus", lambda session, action: session.send_list(action, "", events, "QueueStatusComplete"))
    answer = await client.action("QueueStatus", as_list=True)
    assert len(answer) == 4


async def test_an_empty_list_is_only_its_ends(client: AmiClient) -> None:
    """A list of nothing is the response and the end."""
    answer = await client.action("QueueStatus", {"Queue": "none"}, as_list=True)
    assert [message.event for message in answer] == ["", "QueueStatusComplete"]


async def test_a_lone_error_ends_a_list(client: AmiClient) -> None:
    """An error in place of a list, as before app_queue is loaded, is raised and not waited through."""
    with pytest.raises(AmiActionError, match="Invalid/unknown command: Agents"):
        await client.action("Agents", as_list=True)
    assert pending(client) == 0


async def test_list_items_reach_only_their_action(client: AmiClient, listener: RecordingListener) -> None:
    """What answers an action is not handed on as an event of its own accord."""
    await client.action("QueueStatus", as_list=True)
    assert listener.events == ["FullyBooted"]


async def test_answers_take_their_place_among_the_events(
    asterisk: ScriptedAsterisk, client: AmiClient, listener: RecordingListener
) -> None:
    """A reader of an answer sees each of its messages at its very place between the events, however TCP cuts."""

    def answer(session: Session, action: ReceivedAction) -> None:
        wire = bytearray(asterisk.event_bytes("Before", []))
        for fields in (
            [("Response", "Success"), ("EventList", "start")],
            [("Event", "QueueMember")],
            [("Event", "QueueStatusComplete"), ("EventList", "Complete")],
        ):
            wire += message_bytes([fields[0], ("ActionID", action.action_id), *fields[1:]])
        wire += asterisk.event_bytes("After", [])
        for at in range(0, len(wire), 50):
            session.send(bytes(wire[at : at + 50]))

    def note(message: AmiMessage) -> None:
        listener.write("answer", message.event or message.response)

    asterisk.on("QueueStatus", answer)
    await client.action("QueueStatus", as_list=True, on_message=note)
    await listener.until_event("After")
    order = [what.event if word == "message" else what for word, what in listener.told[2:]]
    assert order == ["Before", "Success", "QueueMember", "QueueStatusComplete", "After"]


async def test_actions_may_be_sent_together(asterisk: ScriptedAsterisk, client: AmiClient) -> None:
    """Many actions on their way at once each get their own answer, also when it comes in another order."""
    waiting: list[tuple[Session, ReceivedAction]] = []

    def answer_backwards(session: Session, action: ReceivedAction) -> None:
        waiting.append((session, action))
        if len(waiting) == 50:
            for each, late in reversed(waiting):
                each.respond(late, "", ("Value", late.get("Variable")))

    asterisk.on("Getvar", answer_backwards)
    answers = await asyncio.gather(*(client.action("Getvar", {"Variable": str(n)}) for n in range(50)))
    assert [answer.fields["value"] for (answer,) in answers] == [str(n) for n in range(50)]
    assert pending(client) == 0


# No answer


async def test_an_action_has_a_deadline(asterisk: ScriptedAsterisk, client: AmiClient) -> None:
    """Actions that are not answered end with an error, and a thousand of them leave nothing behind."""
    asterisk.on("QueuePause", no_answer)
    outcomes = await asyncio.gather(
        *(client.action("QueuePause", {"Interface": "x"}, timeout=0.3) for _ in range(1000)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {AmiTimeoutError}
    assert str(outcomes[0]) == "QueuePause: no complete answer within 0.3 s"
    assert pending(client) == 0
    assert client.connected


async def test_half_a_list_has_a_deadline(asterisk: ScriptedAsterisk, client: AmiClient) -> None:
    """A list whose end does not come is no list."""
    asterisk.on("QueueStatus", lambda session, action: session.respond(action, "", ("EventList", "start")))
    with pytest.raises(AmiTimeoutError):
        await client.action("QueueStatus", as_list=True, timeout=0.05)
    assert pending(client) == 0


async def test_a_late_answer_is_dropped(
    asterisk: ScriptedAsterisk, client: AmiClient, listener: RecordingListener
) -> None:
    """What comes after the deadline, a list's events included, reaches nobody."""
    asterisk.on("QueueStatus", no_answer)
    with pytest.raises(AmiTimeoutError):
        await client.action("QueueStatus", as_list=True, timeout=0.05)
    (late,) = await asterisk.received("QueueStatus")
    asterisk.session.send_list(late, "", asterisk.model.status_list(), "QueueStatusComplete")
    asterisk.send_event("After")
    await listener.until_event("After")
    assert listener.events == ["FullyBooted", "After"]


async def test_a_cancelled_action_leaves_nothing(asterisk: ScriptedAsterisk, client: AmiClient) -> None:
    """Cancelling an action frees its entry."""
    asterisk.on("QueuePause", no_answer)
    task = asyncio.create_task(client.action("QueuePause", {"Interface": "x"}), name="action")
    await asterisk.received("QueuePause")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pending(client) == 0


# The link is lost


@pytest.mark.parametrize("as_list", [False, True])
async def test_a_lost_link_fails_what_is_open_and_repeats_nothing(
    asterisk: ScriptedAsterisk, client: AmiClient, listener: RecordingListener, *, as_list: bool
) -> None:
    """An action cut off by the end of the link, also in mid-list, fails at once and is never sent again."""

    def half(session: Session, action: ReceivedAction) -> None:
        if as_list:
            session.respond(action, "", ("EventList", "start"))
            session.send(message_bytes([("Event", "QueueMember"), ("ActionID", action.action_id)]))
        session.close()

    asterisk.on("Originate", half)
    with pytest.raises(AmiConnectionError, match="Originate: Asterisk closed the connection"):
        await client.action("Originate", {"Channel": "Local/1@x"}, as_list=as_list)
    await listener.until("connected", 2)
    await client.ping()
    assert len(asterisk.named("Originate")) == 1


async def test_a_cancelled_action_is_not_repeated_either(
    asterisk: ScriptedAsterisk, client: AmiClient, listener: RecordingListener
) -> None:
    """An action whose caller has given up is not carried out by a later connection."""
    asterisk.on("Originate", no_answer)
    task = asyncio.create_task(client.action("Originate"), name="action")
    await asterisk.received("Originate")
    task.cancel()
    asterisk.close_sessions()
    await listener.until("connected", 2)
    await client.ping()
    assert len(asterisk.named("Originate")) == 1


async def test_without_a_link_an_action_fails_at_once(asterisk: ScriptedAsterisk, listener: RecordingListener) -> None:
    """Nothing is kept for later: not before the first link, not between two."""
    asterisk.stop_listening()
    async with running(asterisk, listener) as client:
        await listener.until("unreachable")
        with pytest.raises(AmiConnectionError, match="not connected"):
            await client.action("Originate")
        with pytest.raises(AmiConnectionError, match="not connected"):
            await client.ping()
        await asterisk.listen()
        await listener.until("connected")
        asterisk.stop_listening()
        asterisk.close_sessions()
        await listener.until("disconnected")
        with pytest.raises(AmiConnectionError, match="not connected"):
            await client.action("Originate")
        await asterisk.listen()
        await listener.until("connected", 2)
        await client.ping()
        assert asterisk.named("Originate") == []


async def test_no_fully_booted_is_needed(listener: RecordingListener) -> None:
    """A user without the right to system events, who gets no FullyBooted, has a working link."""
    async with ScriptedAsterisk(fully_booted=False) as asterisk, linked(asterisk, listener) as client:
        asterisk.close_sessions()
        await listener.until("connected", 2)
        await client.action("CoreSettings")


# Faults of our own


async def test_a_fault_in_the_reader_of_an_answer_costs_nothing_else(
    client: AmiClient, listener: RecordingListener, caplog: pytest.LogCaptureFixture
) -> None:
    """If the reader of an answer raises, the answer, the events behind it and the link are all there."""

    def fail(_message: AmiMessage) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        answer = await client.action("QueuePause", {"Interface": "PJSIP/1001", "Paused": "1"}, on_message=fail)
    assert answer[0].response == "Success"
    await listener.until_event("QueueMemberPause")
    assert client.connected
    assert "ZeroDivisionError" in caplog.text
