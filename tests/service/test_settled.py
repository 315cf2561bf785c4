"""The model is kept together with what was told of it: while a picture is being made neither is."""

import asyncio
import json
import sqlite3
from pathlib import Path

from gateway.clock import SystemClock
from gateway.queue_log.recover import Gap
from gateway.service.recovery import Recovered
from tests.ami.scripted_asterisk import ReceivedAction, Session
from tests.broker import Broker
from tests.service.live import BOB, live, pbx


def kept(store: Path) -> dict[str, bool]:
    """Who is paused in sales, as the store has it."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
        sessions = [json.loads(body) for (body,) in database.execute("SELECT body FROM session")]
    database.close()
    return {each["agent"]: each["member"]["paused"] for each in sessions if each["group"] == "sales"}


async def test_a_picture_in_the_making_is_not_kept(broker: Broker, tmp_path: Path) -> None:
    """What it brings is held back until it is whole; a kill before that must find nothing of it in the store."""
    store = tmp_path / "gateway.db"
    asked: asyncio.Queue[tuple[Session, ReceivedAction]] = asyncio.Queue()
    async with pbx() as asterisk, live(broker, asterisk, store=store) as running:
        await running.client.wait_for(lambda m: m.topic == "bridge/event" and m.json["event"] == "RESYNC_FINISHED")
        asterisk.on("QueueStatus", lambda session, action: asked.put_nowait((session, action)))
        since = len(running.client.messages)
        asterisk.abort_sessions()
        session, action = await asked.get()
        applied = asyncio.Event()
        running.gateway.picture.on_burst = applied.set
        asterisk.send_events(asterisk.model.pause(BOB, "1", "sales", "unseen"))
        await applied.wait()
        running.gateway.picture.on_burst = running.gateway.ledger.touch
        running.gateway.ledger.commit()
        assert kept(store) == {"Alice": False, "Bob": False}

        asterisk.default("QueueStatus")
        session.send_list(
            action, "will follow", list(asterisk.model.status_list(action.get("Queue"))), "QueueStatusComplete"
        )
        told = await running.client.wait_for(
            lambda m: m.topic.startswith("session/sales/Bob/") and m.topic.endswith("/event"), since=since
        )
        assert told.json["event"] == "NOT_READY"
        assert kept(store) == {"Alice": False, "Bob": True}


async def test_a_picture_is_kept_with_its_time(broker: Broker, tmp_path: Path) -> None:
    """However soon the gateway is killed: without it the next start would take itself for the first."""
    store = tmp_path / "gateway.db"
    async with pbx() as asterisk, live(broker, asterisk, store=store) as running:
        await running.client.wait_for(lambda m: m.topic == "bridge/event" and m.json["event"] == "RESYNC_FINISHED")
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
            ((contact,),) = database.execute("SELECT body FROM value WHERE name = 'contact'")
        database.close()
        assert int(contact) >= running.gateway.picture.connected_at


async def test_a_gap_read_back_is_whole_though_the_link_goes_meanwhile(broker: Broker) -> None:
    """The next gap begins where it ended; what had come over the link since waits for nobody any more."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        picture = running.gateway.picture
        picture.on_connected = picture.on_disconnected = lambda: None
        began = picture.now()
        picture.ami_disconnected("lost", SystemClock().now())
        picture.ami_connected("Asterisk Call Manager")
        gap = Gap(began, picture.connected_at)
        picture.begin_recovery(gap)
        waited: list[int] = []
        picture.in_order(lambda: waited.append(1))
        picture.ami_disconnected("lost again", SystemClock().now())
        picture.end_recovery(Recovered(), gap, restarted=False)
        assert (picture.last_contact, waited, picture.settled) == (gap.end, [], False)
        assert gap.end < picture.now()
