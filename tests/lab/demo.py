"""The whole thing by hand: a real Asterisk, a real broker, agents and callers; with the gateway between, or without."""

import asyncio
import signal
import tempfile
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final

from tests.broker import Broker
from tests.lab import callcentre, gateway_process, pbx, roots, view
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import BASE, GatewayProcess
from tests.lab.subscriber import Subscriber

TABLE_EVERY: Final = 10.0  # seconds
RATE: Final = 0.6  # callers a second: slow enough to follow by eye


def say(text: str) -> None:
    """Print a line at once, also where the output is a pipe."""
    print(text, flush=True)


async def up(version: str, seconds: float | None, seed: int, *, gateway: bool) -> int:
    """Start everything, show it until Ctrl-C or for so many seconds, and end it in order.

    Args:
        version: Of Asterisk, ``16`` or ``22``.
        seconds: How long; None for ever.
        seed: Of the traffic.
        gateway: Whether to run the gateway and print its events, or only to give the addresses to use by hand.

    Returns:
        An exit status: 0, or that of a gateway that ended by itself.
    """
    say(f"Asterisk {version}: looking for its root (made on first use, about a minute)")
    roots.ensure([version])
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cti-lab-")))
        broker = stack.enter_context(Broker(directory / "broker"))
        asterisk = await stack.enter_async_context(Asterisk(version, queues=callcentre.queues_conf()))
        driver = await stack.enter_async_context(Driver(asterisk))
        _print_addresses(asterisk, broker)
        running: set[asyncio.Task[Any]] = {asyncio.create_task(stop.wait(), name="lab.stop")}
        stack.push_async_callback(_cancel, running)
        if gateway:
            text = gateway_process.config_text(
                asterisk, broker.port, directory / "gateway.db", wrap_up=callcentre.WRAP_UP
            )
            process = await stack.enter_async_context(GatewayProcess(text, directory))
            subscriber = await stack.enter_async_context(Subscriber(broker.port, BASE))
            stack.push_async_callback(_cancel, running)
            say("gateway: started, waiting for its picture of Asterisk")
            running.add(ended := asyncio.create_task(_ended(process), name="lab.gateway"))
            current = asyncio.create_task(gateway_process.current(subscriber), name="lab.current")
            await asyncio.wait({current, *running}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await _cancel({current})
                return 1
            running.add(asyncio.create_task(_show(subscriber), name="lab.view"))
        centre = callcentre.CallCentre(driver, seed=seed, rate=RATE)
        running.add(asyncio.create_task(centre.run(None), name="lab.traffic"))
        say("agents and callers: at work; Ctrl-C ends it\n")
        done, _ = await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        _print_end(broker)
        for task in done:
            task.result()  # whatever went wrong is told here
        return 0 if stop.is_set() or not done else 1


async def _ended(process: GatewayProcess) -> bool:
    """Wait for the gateway to end by itself, and tell what it had to say."""
    status = await process.ended()
    say(f"gateway: ended by itself with status {status}; it said:\n{process.log.read_text(errors='replace')}")
    return True


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _print_addresses(asterisk: Asterisk, broker: Broker) -> None:
    say(f"Asterisk {asterisk.version}: AMI on {asterisk.host}:{asterisk.port}")
    say(f"    user {pbx.GATEWAY.name}, secret {pbx.GATEWAY.secret} (what a gateway needs)")
    say(f"    user {pbx.DRIVER.name}, secret {pbx.DRIVER.secret} (may do everything)")
    say(f"    queue_log {asterisk.queue_log}")
    say(f"Mosquitto: MQTT on {broker.host}:{broker.port}, anybody may log in")
    say(f"    watch:   mosquitto_sub -p {broker.port} -v -t '{BASE}/session/#'")
    say(f"    command: mosquitto_pub -p {broker.port} -t '{BASE}/agent/Anna/set' -m NOT_READY")


def _print_end(broker: Broker) -> None:
    say("\nending: agents go home, then gateway, Asterisk and broker stop")
    say(f"Next time, while it runs (the ports are printed first; this time the broker's was {broker.port}):")
    say(f"    mosquitto_sub -p PORT -v -t '{BASE}/session/#'")
    say(f"    mosquitto_pub -p PORT -t '{BASE}/agent/Anna/set' -m NOT_READY")


async def _show(subscriber: Subscriber) -> None:
    """Print each session event, and every ten seconds the table."""
    place = 0
    loop = asyncio.get_running_loop()
    next_table = loop.time() + TABLE_EVERY
    while True:
        with suppress(TimeoutError):
            place = await _show_events(subscriber, place, next_table - loop.time())
        if loop.time() >= next_table:
            next_table += TABLE_EVERY
            say("")
            for line in view.table(view.sessions(subscriber)):
                say(f"    {line}")
            say("")


async def _show_events(subscriber: Subscriber, place: int, within: float) -> int:
    """Print the next message if it is a session event, and return the place after it."""
    await subscriber.wait_for(lambda _: True, since=place, within=max(0.01, within))
    message = subscriber.messages[place]
    if view.is_event(message):
        say(view.event_line(message.json))
    return place + 1
