"""The picture of Asterisk: one right order before, during and after a resync, against an Asterisk with a script."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiomqtt
import pytest

from tests.ami.queue_model import Member
from tests.ami.scripted_asterisk import ReceivedAction, ScriptedAsterisk, Session
from tests.broker import Broker
from tests.lab.subscriber import Received
from tests.service.live import ALICE, BOB, TOPICS, Live, live, pbx, queue_summary

ALICE_IN_SUPPORT = "session/Support/Alice/PJSIP%2F1001"


def is_current(message: Received) -> bool:
    """Whether a message says that the picture is current."""
    return message.topic == "bridge/asterisk" and bool(message.json["current"])


def after(running: Live, since: int) -> list[Received]:
    """What was published from that place on."""
    return running.client.messages[since:]


async def lose(running: Live) -> int:
    """Break the link off, wait until that is told, and return the place behind it."""
    since = len(running.client.messages)
    running.asterisk.abort_sessions()
    lost = await running.client.wait_for(lambda m: m.topic == "bridge/asterisk" and not m.json["current"], since=since)
    return running.client.messages.index(lost) + 1


def behind(
    asterisk: ScriptedAsterisk,
    action: str,
    tell: Callable[[Session], None],
    answer: Callable[[Session, ReceivedAction], Any],
) -> None:
    """Let something happen when an action is asked for, before it is answered; once."""

    def handle(session: Session, received: ReceivedAction) -> Any:
        asterisk.on(action, answer)
        tell(session)
        return answer(session, received)

    asterisk.on(action, handle)


async def test_snapshots_then_current_then_events(broker: Broker) -> None:
    """Whoever sees ``current`` has seen every snapshot, and no session event is told before it."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        await running.client.wait_for(lambda m: m.topic == "bridge/event" and m.json["event"] == "RESYNC_FINISHED")
        live_ones = [m for m in running.client.messages if not m.retained]
        topics = [m.topic for m in live_ones if m.topic.startswith("session/") or is_current(m)]
        place = topics.index("bridge/asterisk")
        assert sorted(topics[:place]) == [
            ALICE_IN_SUPPORT,
            "session/sales/Alice/PJSIP%2F1001",
            "session/sales/Bob/PJSIP%2F1002",
        ]
        assert all(topic.endswith("/event") for topic in topics[place + 1 :])
        assert len(topics) == 7


async def test_what_comes_before_the_verdict_waits_for_it(broker: Broker) -> None:
    """Events of a new Asterisk that come before CoreStatus tells of the restart do not end the sessions."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        before = running.client.latest[ALICE_IN_SUPPORT].json["session_id"]
        asterisk.model.remove("Support", ALICE)
        asterisk.started = ("2026-11-22", "09:00:00")

        def comes_back(_session: Session) -> None:
            asterisk.send_events(asterisk.model.add("Support", ALICE, membername="Alice"))

        behind(asterisk, "CoreSettings", comes_back, lambda session, action: session.respond(action, ""))
        since = await lose(running)
        await running.client.wait_for(is_current, since=since)
        await running.client.wait_for(
            lambda m: m.topic == "bridge/event" and m.json["event"] == "LINK_REGAINED", since=since
        )
        told = [m.json["event"] for m in after(running, since) if m.topic == "bridge/event"]
        assert [each for each in told if each != "LINK_LOST"][0] == "ASTERISK_RESTARTED"  # noqa: RUF015
        assert running.client.latest[ALICE_IN_SUPPORT].json["session_id"] == before
        assert "END" not in [event["event"] for event in running.events()]


async def test_a_list_is_the_truth_of_its_moment(broker: Broker) -> None:
    """An event before a list, and one behind it, are applied before and behind it."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        member = asterisk.model.find("Support", ALICE)

        def paused(_session: Session) -> None:
            asterisk.send_events(asterisk.model.pause(ALICE, "true", "Support", "lunch"))

        def listed_and_unpaused(session: Session, action: ReceivedAction) -> None:
            events = list(asterisk.model.status_list(action.get("Queue")))
            session.send_list(action, "Queue status will follow", events, "QueueStatusComplete")
            if action.get("Queue") == "Support" and member.paused:
                asterisk.send_events(asterisk.model.pause(ALICE, "false", "Support"))

        behind(asterisk, "QueueStatus", paused, listed_and_unpaused)
        since = await lose(running)
        await running.client.wait_for(is_current, since=since)
        await running.client.wait_for(
            lambda m: m.topic == f"{ALICE_IN_SUPPORT}/event" and m.json["event"] == "READY", since=since
        )
        told = [m.json["event"] for m in after(running, since) if m.topic == f"{ALICE_IN_SUPPORT}/event"]
        assert told == ["NOT_READY", "READY"]


async def test_nothing_is_concluded_before_the_queues_are_loaded(broker: Broker) -> None:
    """AMI takes logins before app_queue is there: that is waited for, and ends no session."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        refused = 0

        def not_loaded(session: Session, action: ReceivedAction) -> None:
            nonlocal refused
            refused += 1
            session.refuse(action, "Invalid/unknown command: QueueSummary. Use Action: ListCommands to show available")
            asterisk.on("QueueSummary", queue_summary)

        asterisk.on("QueueSummary", not_loaded)
        since = await lose(running)
        await running.client.wait_for(is_current, since=since)
        assert refused == 1
        assert "END" not in [event["event"] for event in running.events()]


async def test_rights_that_are_missing_are_told(broker: Broker) -> None:
    """Without ``reporting`` the gateway runs, and says on bridge/info what that costs."""
    async with pbx() as asterisk:
        for action in ("CoreStatus", "CoreSettings", "CoreShowChannels", "GetConfig"):
            asterisk.on(action, lambda session, received: session.refuse(received, "Permission denied"))
        async with live(broker, asterisk) as running:
            info = await running.client.wait_for(
                lambda m: not m.retained and m.topic == "bridge/info" and m.json["sessions"] == 3
            )
            assert len(info.json["rights_missing"]) == 3
            assert all("write=reporting" in each for each in info.json["rights_missing"])
            assert info.json["queues_without_wrap_up"] == ["Support", "sales"]


async def test_wrap_up_times_come_from_queues_conf(broker: Broker) -> None:
    """Where it may be read, a queue's last ``wrapuptime`` line counts, and a queue without one has none."""
    async with pbx() as asterisk:

        def configuration(session: Session, action: ReceivedAction) -> None:
            assert action.get("Filename") == "queues.conf"
            session.respond(
                action,
                "",
                ("Category-000000", "general"),
                ("Line-000000-000000", "wrapuptime=99"),
                ("Category-000001", "support"),
                ("Line-000001-000000", "wrapuptime=11"),
                ("Line-000001-000001", "wrapuptime=12"),
                ("Category-000002", "sales"),
            )

        asterisk.on("GetConfig", configuration)
        async with live(broker, asterisk) as running:
            limits = {
                topic.split("/")[1]: message.json["asterisk"]["wrap_up_limit"]
                for topic, message in running.client.latest.items()
                if topic.startswith("session/") and not topic.endswith("/event")
            }
            assert limits == {"Support": 12.0, "sales": 0.0}


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_asterisks_clock_is_set_in_a_call(broker: Broker, step: float) -> None:
    """A call over a step of the clock lasts as long as it lasted, and the step is told."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await running.call("Support", ALICE, "Alice")
        await asyncio.sleep(1.2)  # the gateway asks about its clock at most once a second
        asterisk.now = lambda: time.time() + step
        since = len(running.client.messages)
        hung_up = loop.time()
        asterisk.send_event("Hangup", Uniqueid="1.11", Channel="PJSIP/1001-1", Cause=16)
        lasted = loop.time() - started
        event = await running.client.wait_for(
            lambda m: m.topic == f"{ALICE_IN_SUPPORT}/event" and m.json["session"]["number_of_calls"] == 1, since=since
        )
        # The clock is measured by an answer that was on its way for no longer than all of this took.
        unknown = event.arrived - hung_up
        assert event.json["session"]["total_talk_time"] == pytest.approx(lasted, abs=0.3 + unknown)
        stepped = await running.client.wait_for(lambda m: m.topic == "bridge/event", since=since)
        assert stepped.json["event"] == "CLOCK_STEPPED"
        assert stepped.json["seconds"] == pytest.approx(step, abs=0.1 + unknown)


@pytest.mark.usefixtures("no_pings")
async def test_a_clock_is_measured_by_an_answer_that_came_soon(broker: Broker) -> None:
    """One that was long on its way says too little of a clock that was set, so it is asked again before all else."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await running.call("Support", ALICE, "Alice")
        await asyncio.sleep(1.2)  # the gateway asks about its clock at most once a second

        async def late(session: Session, action: ReceivedAction) -> None:
            asterisk.default("Ping")
            await asyncio.sleep(0.4)
            asterisk.handler_for("Ping")(session, action)

        asterisk.on("Ping", late)
        asterisk.now = lambda: time.time() + 3600.0
        since = len(running.client.messages)
        hung_up = loop.time()
        asterisk.send_event("Hangup", Uniqueid="1.11", Channel="PJSIP/1001-1", Cause=16)
        lasted = hung_up - started
        event = await running.client.wait_for(
            lambda m: m.topic == f"{ALICE_IN_SUPPORT}/event" and m.json["session"]["number_of_calls"] == 1, since=since
        )
        assert event.json["session"]["total_talk_time"] == pytest.approx(lasted, abs=0.3 + event.arrived - hung_up)


async def test_a_late_event_is_no_step(broker: Broker) -> None:
    """A stamp that is far from now does not move the clock; Asterisk's Pong says what time it is."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        late = time.time() - 2.0  # before the call began, however long that takes to be told
        await running.call("Support", ALICE, "Alice")
        since = len(running.client.messages)
        asterisk.send(
            f"Event: Hangup\r\nPrivilege: call,all\r\nTimestamp: {late:.6f}\r\nUniqueid: 1.11\r\nCause: 16\r\n\r\n"
        )
        event = await running.client.wait_for(
            lambda m: m.topic == f"{ALICE_IN_SUPPORT}/event" and m.json["session"]["number_of_calls"] == 1, since=since
        )
        assert event.json["session"]["total_talk_time"] == 0.0
        assert not [m for m in after(running, since) if m.topic == "bridge/event"]


@pytest.mark.usefixtures("no_pings")
async def test_a_backlog_is_no_step(broker: Broker) -> None:
    """Events that come later and later, one after the other, are applied as they come, and nobody is asked the time."""
    loop = asyncio.get_running_loop()
    for _ in range(10):
        async with pbx() as asterisk, live(broker, asterisk) as running:
            await running.client.wait_for(lambda m: m.topic == "bridge/event" and m.json["event"] == "RESYNC_FINISHED")
            stamp, pings, longest = time.time(), len(asterisk.named("Ping")), 0.0
            for paused in (1, 0, 1, 0):
                before = loop.time()
                await asyncio.sleep(0.3)  # each is that much later than the one before
                since = len(running.client.messages)
                stamp += 0.001
                asterisk.send(
                    f"Event: QueueMemberPause\r\nPrivilege: agent,all\r\nTimestamp: {stamp:.6f}\r\nQueue: Support\r\n"
                    f"MemberName: Alice\r\nInterface: {ALICE}\r\nStatus: 1\r\nPaused: {paused}\r\n\r\n"
                )
                event = await running.client.wait_for(lambda m: m.topic == f"{ALICE_IN_SUPPORT}/event", since=since)
                assert event.json["event"] == ("NOT_READY" if paused else "READY")
                longest = max(longest, loop.time() - before)
            asked = len(asterisk.named("Ping")) - pings
        if longest < 1.0:  # behind a second without any event the next may well be doubted: then it tells nothing
            break
    assert asked == 0


async def test_what_is_retained_of_another_life_is_removed(broker: Broker) -> None:
    """After a start the gateway removes sessions that are not there, and keeps those that are."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for topic in ("session/gone/Ghost/PJSIP%2F9", ALICE_IN_SUPPORT, "agent/Ghost"):
            await client.publish(f"{TOPICS.base}/{topic}", b'{"old": true}', qos=1, retain=True)
    async with pbx() as asterisk, live(broker, asterisk) as running:
        await running.client.wait_for(lambda m: m.topic == "session/gone/Ghost/PJSIP%2F9" and not m.payload)
        await running.client.wait_for(lambda m: m.topic == "agent/Ghost" and not m.payload)
        assert running.client.latest[ALICE_IN_SUPPORT].json["agent"] == "Alice"


async def test_a_name_that_is_no_utf_8_harms_nobody_else(broker: Broker) -> None:
    """It is told on bridge/event, once, and every other session is there."""
    async with pbx() as asterisk:
        asterisk.model.add_queue("broken", Member("broken", "J\udcf6rg", "PJSIP/1003"))

        def raw(session: Session, action: ReceivedAction) -> None:
            queue = action.get("Queue")
            head = (
                f"Response: Success\r\nActionID: {action.action_id}\r\nEventList: start\r\nMessage: will follow\r\n\r\n"
            )
            member = (
                f"Event: QueueMember\r\nQueue: broken\r\nName: J\udcf6rg\r\nLocation: PJSIP/1003\r\nStatus: 1\r\n"
                f"Paused: 0\r\nInCall: 0\r\nMembership: static\r\nActionID: {action.action_id}\r\n\r\n"
            )
            end = f"Event: QueueStatusComplete\r\nActionID: {action.action_id}\r\nEventList: Complete\r\n\r\n"
            if queue == "broken":
                session.send((head + member + end).encode("utf-8", "surrogateescape"))
            else:
                session.send_list(action, "will follow", asterisk.model.status_list(queue), "QueueStatusComplete")

        asterisk.on("QueueStatus", raw)
        async with live(broker, asterisk) as running:
            told = await running.client.wait_for(
                lambda m: m.topic == "bridge/event" and m.json["event"] == "NAME_REFUSED"
            )
            assert "UTF-8" in told.json["message"]
            shown = [t for t in running.client.latest if t.startswith("session/") and not t.endswith("/event")]
            assert len(shown) == 3


async def test_a_reload_is_looked_into_at_once(broker: Broker) -> None:
    """Static members come and go with a reload without a word; the lists tell."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        asterisk.model.queues["sales"].members.append(Member("sales", "Carol", "PJSIP/1004", membership="static"))
        since = len(running.client.messages)
        asterisk.send_event("Reload", Module="app_queue.so", Status=0)
        new = await running.client.wait_for(lambda m: m.topic == "session/sales/Carol/PJSIP%2F1004/event", since=since)
        assert new.json["event"] == "NEW_SESSION"
        assert new.json["cause"] == "resync"


async def test_a_member_must_be_missing_twice(broker: Broker) -> None:
    """One list that lacks a member ends nothing; the second, asked for at once, does."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        bob = asterisk.model.find("sales", BOB)
        members = asterisk.model.queues["sales"].members
        members.remove(bob)

        def there_again(session: Session, action: ReceivedAction) -> None:
            events = list(asterisk.model.status_list(action.get("Queue")))
            session.send_list(action, "will follow", events, "QueueStatusComplete")
            if action.get("Queue") == "sales" and bob not in members:
                members.append(bob)

        asterisk.on("QueueStatus", there_again)
        assert (await running.ask(TOPICS.bridge_request, {"request": "resync"}))["status"] == "ok"
        assert "END" not in [event["event"] for event in running.events()]
        members.remove(bob)
        asterisk.default("QueueStatus")
        assert (await running.ask(TOPICS.bridge_request, {"request": "resync"}))["status"] == "ok"
        end = await running.client.wait_for(
            lambda m: m.topic == "session/sales/Bob/PJSIP%2F1002/event" and m.json["event"] == "END"
        )
        assert end.json["cause"] == "resync"


async def test_a_list_may_show_what_a_command_did_before_its_event(broker: Broker) -> None:
    """Then the list confirms the command, and the event it brings says that the command was its cause."""
    async with pbx() as asterisk, live(broker, asterisk, timeout=10) as running:
        late: list[Any] = []

        def paused_without_a_word(session: Session, action: ReceivedAction) -> None:
            session.respond(action, "Interface paused successfully")
            late.extend(asterisk.model.pause(ALICE, "true", "Support", "lunch"))

        asterisk.on("QueuePause", paused_without_a_word)
        topic = TOPICS.session_set("Support", "Alice", ALICE)
        since = len(running.client.messages)
        await running.send(topic, {"state": "NOT_READY", "reason": "lunch", "id": "L"})
        await asterisk.received("QueuePause")
        await running.ask(TOPICS.bridge_request, {"request": "resync"})
        answer = await running.answer(topic, since=since)
        assert (answer["status"], answer["changed"], answer["state"]) == ("ok", True, "NOT_READY")
        asterisk.send_events(late)
        await running.ask(TOPICS.bridge_request, {"request": "resync"})  # what comes of them is told before its answer
        told = [event for event in running.events() if event["event"] == "NOT_READY"]
        assert [(event["cause"], event["command_id"]) for event in told] == [("command", "L")]
