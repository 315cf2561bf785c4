"""The shortest honest bridge from the same libraries: every queue event as JSON, awaited, at QoS 1. No model, no store.

What it lacks is the point: it is the least that a bridge from AMI to MQTT costs with panoramisk and aiomqtt.
"""

import argparse
import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

import aiomqtt
from panoramisk import Manager

from tests.bench.answers import SECRET, USERNAME
from tests.bench.floor import BASE


async def bridge(ami_port: int, mqtt_port: int, username: str, password: str, *, in_flight: int) -> None:
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
            await client.publish(topic, json.dumps(dict(event)), qos=1)

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
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(
        bridge(options.ami_port, options.mqtt_port, options.username, options.password, in_flight=options.in_flight)
    )


if __name__ == "__main__":
    main()
