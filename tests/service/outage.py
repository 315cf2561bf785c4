"""What the tests of outages share: a gateway as a process, a load for it, what it has in its store, its health."""

import asyncio
import json
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.lab.gateway_process import GatewayProcess
from tests.mqtt.recorder import eventually
from tests.service.live import ALICE, BOB, TOPICS, Live

PAUSE = 0.01  # seconds between two bursts of events


@asynccontextmanager
async def process(broker: Broker, asterisk: ScriptedAsterisk, directory: Path) -> AsyncIterator[GatewayProcess]:
    """The gateway as a process, from its start to its orderly end; its store is ``gateway.db`` in *directory*."""
    text = f"""
node = "pbx1"
[asterisk]
port = {asterisk.port}
username = {json.dumps(asterisk.username)}
password = {json.dumps(asterisk.secret)}
queue_log = ""
[mqtt]
port = {broker.port}
username = ""
[store]
path = {json.dumps(str(directory / "gateway.db"))}
"""
    async with GatewayProcess(text, directory) as running:
        yield running


async def load(asterisk: ScriptedAsterisk, events: int, *, first: int = 0, burst: int = 10) -> str:
    """Let so many session events happen, in bursts: two members pause and change their reason.

    Args:
        asterisk: Whose members.
        events: How many.
        first: Number of the first; each has its number in its reason.
        burst: How many happen at once.

    Returns:
        The last reason.
    """
    for number in range(first, first + events, burst):
        for each in range(number, min(number + burst, first + events)):
            interface, queue = ((BOB, "sales"), (ALICE, "Support"))[each % 2]
            asterisk.send_events(asterisk.model.pause(interface, "1", queue, f"reason {each}"))
        await asyncio.sleep(PAUSE)
    return f"reason {first + events - 1}"


async def written(path: Path, reason: str) -> int:
    """Wait until a session is paused for that reason in the store, and return how many messages were ever written."""
    with closing(sqlite3.connect(path)) as reader:
        query = "SELECT count(*) FROM session WHERE json_extract(body, '$.member.paused_reason') = ?"
        await eventually(lambda: reader.execute(query, (reason,)).fetchone()[0] > 0, 60)
        number: int = reader.execute("SELECT max(number) FROM message").fetchone()[0]
        return number


def resident(pid: int) -> int:
    """Resident set of a process, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * resource.getpagesize()


async def health_of(gateway: Live) -> dict[str, Any]:
    """What ``bridge/health`` says when it is asked for."""
    since, asked = len(gateway.client.messages), datetime.now(UTC) - timedelta(milliseconds=1)
    await gateway.ask(TOPICS.bridge_request, {"request": "health", "id": since})
    found = await gateway.client.wait_for(
        lambda m: m.topic == "bridge/health" and datetime.fromisoformat(m.json["at"]) >= asked, since=since
    )
    health: dict[str, Any] = found.json
    return health
