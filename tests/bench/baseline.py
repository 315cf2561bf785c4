"""The shortest honest bridge from the same libraries: every queue event as JSON, awaited, at QoS 1. No model, no store.

What it lacks is the point: it is the least that a bridge from AMI to MQTT costs with panoramisk and aiomqtt. With
``--keep`` each message is on the disk before it is published, as everything is that the gateway tells, and nothing else
is done more: what that alone costs.
"""

import argparse
import asyncio
import json
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiomqtt
from panoramisk import Manager

from tests.bench.answers import SECRET, USERNAME
from tests.bench.floor import BASE


class Kept:
    """Messages that the broker does not have yet, in a file of SQLite's: no less than a message kept costs."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE message (number INTEGER PRIMARY KEY, topic TEXT, payload TEXT)")

    def keep(self, topic: str, payload: str) -> None:
        """Have it on the disk, in place of the one before, which the broker has."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("DELETE FROM message")
        self._connection.execute("INSERT INTO message (topic, payload) VALUES (?, ?)", (topic, payload))
        self._connection.execute("COMMIT")


async def bridge(
    ami_port: int, mqtt_port: int, username: str, password: str, *, in_flight: int, kept: Kept | None
) -> None:
    """Publish until cancelled, *in_flight* messages at a time; with one, in the order of the events."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    manager = Manager(host="127.0.0.1", port=ami_port, username=USERNAME, secret=SECRET)
    manager.loop = asyncio.get_running_loop()
    for pattern in ("Queue*", "Agent*"):
        manager.register_event(pattern, lambda _manager, event: told.put_nowait(event))

    async def publish(client: aiomqtt.Client) -> None:
        while True:
            event = await told.get()
            topic = f"{BASE}/ami/{event.event}/{event.queue}"
            payload = json.dumps(dict(event))
            if kept is not None:
                kept.keep(topic, payload)
            await client.publish(topic, payload, qos=1)

    async with aiomqtt.Client(
        "127.0.0.1", mqtt_port, username=username, password=password, protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        client.pending_calls_threshold = in_flight + 10  # else it warns of what is meant
        await manager.connect()
        async with asyncio.TaskGroup() as tasks:
            for number in range(in_flight):
                tasks.create_task(publish(client), name=f"publish {number}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ami-port", type=int, required=True)
    parser.add_argument("--mqtt-port", type=int, required=True)
    parser.add_argument("--username", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep each message in this file first; with one in flight")
    options = parser.parse_args(arguments)
    kept = Kept(options.keep) if options.keep else None
    logging.basicConfig(level=logging.WARNING)
    user = (options.username, options.password)
    asyncio.run(bridge(options.ami_port, options.mqtt_port, *user, in_flight=options.in_flight, kept=kept))


if __name__ == "__main__":
    main()
