"""A gateway that did not read for a while, and finds the link broken behind what was still on its way."""

import asyncio
import itertools
import time
from datetime import datetime

import pytest

from tests.broker import Broker
from tests.service.live import ALICE, Live, live, pbx

LATE = 8.0
"""Seconds that an event was on its way."""


def pause(happened: float, reason: str) -> str:
    """A pause of Alice's, stamped then, in seconds since 1970."""
    return (
        f"Event: QueueMemberPause\r\nPrivilege: agent,all\r\nTimestamp: {happened:.6f}\r\nQueue: Support\r\n"
        f"MemberName: Alice\r\nInterface: {ALICE}\r\nStateInterface: {ALICE}\r\nMembership: dynamic\r\nPenalty: 0\r\n"
        "CallsTaken: 0\r\nLastCall: 0\r\nLastPause: 0\r\nInCall: 0\r\nStatus: 1\r\nPaused: 1\r\n"
        f"PausedReason: {reason}\r\nRinginuse: 0\r\nWrapuptime: 0\r\n\r\n"
    )


async def whole(running: Live) -> None:
    """Wait until all is told of the making of the picture."""
    await running.client.wait_for(lambda m: m.topic == "bridge/event" and m.json["event"] == "RESYNC_FINISHED")


async def told(running: Live, reason: str) -> None:
    """Wait until a pause is told."""
    await running.client.wait_for(
        lambda m: (
            m.topic.startswith("session/Support/Alice/")
            and m.topic.endswith("/event")
            and m.json["session"]["reason"] == reason
        )
    )


async def lost_at(running: Live) -> float:
    """The moment up to which the gateway says that it had heard all, in seconds since 1970."""
    lost = await running.client.wait_for(lambda m: m.topic == "bridge/event" and m.json["event"] == "LINK_LOST")
    return datetime.fromisoformat(lost.json["at"]).timestamp()


@pytest.mark.usefixtures("no_pings")
async def test_what_came_late_tells_of_its_own_time(broker: Broker) -> None:
    """A gap begins where the last that was heard happened, and not where it arrived."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        await whole(running)
        for number in itertools.count():
            pings = len(asterisk.named("Ping"))
            heard = time.time()
            await asyncio.sleep(0.05)
            asterisk.send(pause(time.time() - LATE, f"late {number}"))
            await told(running, f"late {number}")
            # The first makes Asterisk's clock doubtful, which is asked for at most once a second; its answer is heard.
            if len(asterisk.named("Ping")) == pings:
                break
        asterisk.abort_sessions()
        assert await lost_at(running) <= heard


@pytest.mark.usefixtures("no_pings")
async def test_what_was_not_applied_was_not_heard(broker: Broker) -> None:
    """An event that waits until Asterisk's clock is measured is lost with the link, and the gap begins before it."""
    async with pbx() as asterisk, live(broker, asterisk) as running:
        await whole(running)
        asterisk.on("Ping", lambda _session, _action: None)
        pings = len(asterisk.named("Ping"))
        heard = time.time()
        await asyncio.sleep(0.05)
        asterisk.send(pause(time.time() - LATE, "one"))
        await asterisk.received("Ping", pings + 1)
        asterisk.abort_sessions()
        assert await lost_at(running) <= heard
