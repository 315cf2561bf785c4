"""Members that change, come or go without an event, as static, realtime and persistent ones do: lists alone tell."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.ami.queue_model import Member, Queue
from tests.ami.scripted_asterisk import ReceivedAction, Session
from tests.broker import Broker
from tests.lab.subscriber import Received
from tests.service.live import ALICE, TOPICS, Live, live, pbx, queue_summary

CAROL = "PJSIP/1004"
ALICE_IN_SALES, CAROL_IN_SALES = "session/sales/Alice/PJSIP%2F1001", "session/sales/Carol/PJSIP%2F1004"
NOON = 1_795_000_000


@asynccontextmanager
async def running(broker: Broker) -> AsyncIterator[Live]:
    """A gateway whose picture is current."""
    async with pbx() as asterisk, live(broker, asterisk) as made:
        await made.client.wait_for(lambda m: m.topic == "bridge/event" and m.json["event"] == "RESYNC_FINISHED")
        yield made


async def reconcile(made: Live) -> list[Any]:
    """Compare, and return the session events that this brought."""
    before = len(made.events())
    assert (await made.ask(TOPICS.bridge_request, {"request": "resync"}))["status"] == "ok"
    return made.events()[before:]


async def shown(made: Live, topic: str, **wanted: Any) -> Any:
    """What a session shows, once it shows that: its keys, or those of ``asterisk``."""

    def is_it(message: Received) -> bool:
        if message.topic != topic or not message.payload:
            return False
        session = message.json
        return all(session.get(key, session["asterisk"].get(key)) == value for key, value in wanted.items())

    return (await made.client.wait_for(is_it)).json


def story(events: list[Any]) -> list[tuple[str, str, str]]:
    """Agent, event and cause of each."""
    return [(each["session"]["agent"], each["event"], each["cause"]) for each in events]


async def test_a_static_member_made_anew_goes_on_in_its_session(broker: Broker) -> None:
    """A reload moves LoginTime and loses the pause's reason: the session goes on."""
    async with running(broker) as made:
        alice = made.asterisk.model.find("sales", ALICE)
        made.asterisk.send_events(made.asterisk.model.pause(ALICE, "1", "sales", "lunch"))
        await made.client.wait_for(lambda m: m.topic == f"{ALICE_IN_SALES}/event" and m.json["event"] == "NOT_READY")
        session_id = (await shown(made, ALICE_IN_SALES, state="NOT_READY"))["session_id"]
        alice.login_time, alice.paused_reason, alice.last_pause = NOON, "", NOON
        assert story(await reconcile(made)) == [("Alice", "UPDATE", "resync")]
        await shown(made, ALICE_IN_SALES, session_id=session_id, state="NOT_READY", reason=None)
        assert await reconcile(made) == []


async def test_a_reload_may_take_and_bring_members_and_queues(broker: Broker) -> None:
    """Who is in no list any more is logged out; who is in one is logged in since LoginTime; and so for queues."""
    async with running(broker) as made:
        queues = made.asterisk.model.queues
        sales = queues["sales"]
        sales.members.remove(made.asterisk.model.find("sales", ALICE))
        sales.members.append(Member("sales", "Carol", CAROL, membership="static"))
        del queues["support"]
        queues["new"] = Queue("new", [Member("new", "Dave", "PJSIP/1005", membership="static")])
        told = sorted(story(await reconcile(made)))
        assert told == [
            ("Alice", "END", "resync"),
            ("Alice", "END", "resync"),
            ("Carol", "NEW_SESSION", "resync"),
            ("Dave", "NEW_SESSION", "resync"),
        ]
        assert await reconcile(made) == []


async def test_a_realtime_row_that_changes(broker: Broker) -> None:
    """Pause, reason and penalty change in the database alone: the next comparison tells them, as of then."""
    async with running(broker) as made:
        carol = Member("sales", "Carol", CAROL, membership="realtime", login_time=NOON)
        made.asterisk.model.queues["sales"].members.append(carol)
        await reconcile(made)
        carol.paused, carol.paused_reason, carol.penalty, carol.wrapuptime = True, "from the database", 7, 12
        assert story(await reconcile(made)) == [("Carol", "NOT_READY", "resync")]
        await shown(made, CAROL_IN_SALES, reason="from the database", penalty=7, wrap_up_limit=12)


@pytest.mark.parametrize("membership", ["realtime", "static"])
async def test_a_realtime_row_that_comes_and_goes(broker: Broker, membership: str) -> None:
    """Neither is an event, and lists call them static; what an event once called realtime stays so."""
    async with running(broker) as made:
        carol = Member("sales", "Carol", CAROL, membership=membership)
        members = made.asterisk.model.queues["sales"].members
        members.append(carol)
        assert story(await reconcile(made)) == [("Carol", "NEW_SESSION", "resync")]
        made.asterisk.send_events(made.asterisk.model.set_status(CAROL, 2))
        await shown(made, CAROL_IN_SALES, device_state="INUSE", membership=membership)
        assert await reconcile(made) == []
        await shown(made, CAROL_IN_SALES, device_state="INUSE", membership=membership)
        members.remove(carol)
        assert story(await reconcile(made)) == [("Carol", "END", "resync")]
        members.append(carol)
        assert story(await reconcile(made)) == [("Carol", "NEW_SESSION", "resync")]


async def test_a_realtime_member_read_anew_goes_on(broker: Broker) -> None:
    """Its LoginTime moves when Asterisk makes it anew between two readings of the database; nobody logged in."""
    async with running(broker) as made:
        carol = Member("sales", "Carol", CAROL, membership="realtime", login_time=NOON)
        made.asterisk.model.queues["sales"].members.append(carol)
        await reconcile(made)
        session_id = (await shown(made, CAROL_IN_SALES))["session_id"]
        carol.login_time = NOON + 600
        assert await reconcile(made) == []
        made.asterisk.send_events(made.asterisk.model.set_status(CAROL, 2))
        await shown(made, CAROL_IN_SALES, device_state="INUSE", session_id=session_id)


async def test_persistent_members_come_back_without_a_word(broker: Broker) -> None:
    """After a restart of Asterisk they are in the lists, logged in since its start; their sessions go on."""
    async with running(broker) as made:
        topic = "session/Support/Alice/PJSIP%2F1001"
        before = made.client.latest[topic].json
        since = len(made.client.messages)
        made.asterisk.started = ("2026-11-22", "09:00:00")
        for queue in made.asterisk.model.queues.values():
            for member in queue.members:
                member.login_time = NOON + 3600
        made.asterisk.abort_sessions()
        down = await made.client.wait_for(
            lambda m: m.topic == "bridge/asterisk" and m.json["link"] == "down", since=since
        )
        since = made.client.messages.index(down)
        await made.client.wait_for(lambda m: m.topic == "bridge/asterisk" and bool(m.json["current"]), since=since)
        assert await reconcile(made) == []
        kept = ("session_id", "session_start_time")
        assert [made.client.latest[topic].json[key] for key in kept] == [before[key] for key in kept]
        assert "END" not in [each["event"] for each in made.events()]


async def test_a_restart_is_told_though_the_new_asterisk_goes_at_once(broker: Broker) -> None:
    """One that is still loading may close a connection that has learned of the restart and applied nothing yet."""
    async with running(broker) as made:
        made.asterisk.started = ("2026-11-22", "09:00:00")

        def go_away(_session: Session, _action: ReceivedAction) -> None:
            made.asterisk.on("QueueSummary", queue_summary)
            made.asterisk.abort_sessions()

        made.asterisk.on("QueueSummary", go_away)
        since = len(made.client.messages)
        made.asterisk.abort_sessions()
        await made.client.wait_for(
            lambda m: m.topic == "bridge/event" and m.json["event"] == "ASTERISK_RESTARTED", since=since
        )
