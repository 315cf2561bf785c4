"""``cti-gateway demo``: the whole of it on any machine, with a simulated Asterisk and a broker of its own."""

import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from gateway import logs
from gateway.cli.broker import BrokerAddress, PasswordFile, Username, split_address, unreachable, usage
from gateway.cli.options import complain
from gateway.cli.private_broker import BrokerUnavailableError, PrivateBroker, free_port
from gateway.cli.simulate import SECRET, Agents, CallsPerHour, Queues, Seconds, Seed, Speed, TimeOfDay, plan_of, say
from gateway.config import load_config
from gateway.errors import GatewayError, MqttAuthenticationError, MqttConnectionError

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.cli.demo_view import DemoView
    from gateway.client import EventStream, GatewayClient
    from gateway.simulate.simulation import Plan

EXAMPLE = "Example: cti-gateway demo --speed 30 --seconds 120"

NODE: Final = "demo"
_USUAL_PORT: Final = 1883
_CURRENT_WITHIN: Final = 30.0
_PER_SECOND: Final = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo's broker is.

    Attributes:
        host: Its address.
        port: Its port.
        username: Who logs in; None: nobody.
        password: That user's.
        websocket_port: Its port for pages in a browser, where that is known.
        is_own: Whether it ends with the demo.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    websocket_port: int | None = None
    is_own: bool = False

    @property
    def options(self) -> str:
        """What Mosquitto's own clients need to find it."""
        host = "" if self.is_own else f" -h {self.host}"
        port = "" if self.port == _USUAL_PORT else f" -p {self.port}"
        return host + port + ("" if self.username is None else f" -u {self.username} -P ...")


def demo(
    *,
    agents: Agents = 24,
    calls_per_hour: CallsPerHour = 400,
    queues: Queues = 3,
    speed: Speed = 15.0,
    time_of_day: TimeOfDay = "11:45",
    seed: Seed = 1,
    seconds: Seconds = None,
    broker: BrokerAddress = None,
    username: Username = None,
    password_file: PasswordFile = None,
) -> None:
    """Show the gateway at work: a simulated Asterisk, a private Mosquitto, and what a subscriber sees, live.

    Needs no Asterisk; Mosquitto must be installed, or --broker name one. Everything is in a temporary folder and is
    gone at the end: Ctrl-C, SIGTERM, or --seconds. Without a terminal: a line for each event. Exit status: 0 ended,
    1 the broker or the gateway cannot be used, 2 usage, 5 the broker refused the login.
    """
    plan = plan_of(time_of_day, agents=agents, calls_per_hour=calls_per_hour, queues=queues, speed=speed, seed=seed)
    place = None if broker is None else _place(broker, username, password_file)
    try:
        asyncio.run(_demo(plan, place, seconds))
    except (MqttAuthenticationError, MqttConnectionError) as error:
        raise unreachable(error) from error
    except BrokenPipeError:  # whoever read the lines has gone; Python would complain of it once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (BrokerUnavailableError, GatewayError, OSError) as error:
        complain(str(error))
        raise typer.Exit(1) from error


def _place(address: str, username: str | None, password_file: Path | None) -> Place:
    """Somebody's broker.

    Raises:
        typer.Exit: The address is none, or the file cannot be read; it was told why.
    """
    try:
        host, port = split_address(address)
        password = None if password_file is None else password_file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, ValueError) as error:
        raise usage(str(error)) from error
    return Place(host, port or _USUAL_PORT, username, password)


async def _demo(plan: "Plan", place: Place | None, seconds: float | None) -> None:
    from gateway.cli.demo_view import DemoView  # noqa: PLC0415  keeps --help quick
    from gateway.simulate.server import Account  # noqa: PLC0415
    from gateway.simulate.simulation import Simulation  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cti-demo-")))
        _log_to(folder / "gateway.log", stack)
        if place is None:
            own = await stack.enter_async_context(PrivateBroker(folder))
            place = Place("127.0.0.1", own.port, websocket_port=own.websocket_port, is_own=True)
        elif not place.is_own:
            stack.push_async_callback(_clear, place)
        account = Account("cti-gateway", SECRET)
        simulation = await stack.enter_async_context(Simulation(plan, account, queue_log=folder / "queue_log"))
        await stack.enter_async_context(_running(simulation.run(), "demo.asterisk"))
        http = free_port(9810)
        config = folder / "gateway.toml"
        config.write_text(_config(place, simulation.server.port, folder, http), encoding="utf-8")
        config.chmod(0o600)
        ended = await stack.enter_async_context(_gateway(config))
        client = await stack.enter_async_context(_client(place))
        await _until(client, ended, stop)
        if not stop.is_set():
            page = await _page(place, http)
            view = DemoView(client, simulation, plan.speed, options=place.options, config=config, page=page)
            await _show(view, client, stop, ended, seconds)


async def _show(
    view: "DemoView",
    client: "GatewayClient",
    stop: asyncio.Event,
    ended: asyncio.Task[None],
    seconds: float | None,
) -> None:
    """Show it until it is over, then what was counted."""
    from rich.console import Console  # noqa: PLC0415  keeps --help quick

    console = Console(highlight=False)
    showing = asyncio.create_task(
        _draw(view, console) if console.is_terminal else _print(view, client.events()), name="demo.view"
    )
    stopped = asyncio.create_task(stop.wait(), name="demo.stop")
    tasks: set[asyncio.Task[Any]] = {showing, stopped, ended}
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    await _cancel({showing, stopped} - done)
    for task in done:
        task.result()  # whatever went wrong is told
    for line in view.parting():
        say(line)


async def _draw(view: "DemoView", console: "Console") -> None:
    from rich.live import Live  # noqa: PLC0415  keeps --help quick

    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(view.drawn(datetime.now(UTC), console.size), refresh=True)
            await asyncio.sleep(1 / _PER_SECOND)


async def _print(view: "DemoView", told: "EventStream") -> None:
    for line in view.greeting():
        say(line)
    say("")

    async def tables() -> None:
        while True:
            await asyncio.sleep(10)
            for line in view.lines(datetime.now(UTC)):
                say(line)

    async with _running(tables(), "demo.tables"):
        async for event in told:
            shown = view.line(event)
            if shown is not None:
                say(shown)


async def _page(place: Place, port: int) -> str | None:
    """The wallboard's address; None where nobody listens."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return None
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    broker = "" if place.websocket_port is None else f"&broker=ws://127.0.0.1:{place.websocket_port}"
    return f"http://127.0.0.1:{port}/?node={NODE}{broker}"


async def _until(client: "GatewayClient", ended: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Wait until the picture is current and has been told, or somebody ends it.

    Raises:
        GatewayError: The gateway ended by itself, or does not get there.
    """
    current = asyncio.create_task(client.until(lambda: client.current and bool(client.sessions())), name="demo.current")
    stopped = asyncio.create_task(stop.wait(), name="demo.stopped")
    done, _ = await asyncio.wait(
        {current, stopped, ended}, timeout=_CURRENT_WITHIN, return_when=asyncio.FIRST_COMPLETED
    )
    await _cancel({current, stopped})
    if ended in done:
        ended.result()
    if not done:
        raise GatewayError(f"the gateway is not ready after {_CURRENT_WITHIN:g} seconds: {client.why_not_current}")


@asynccontextmanager
async def _gateway(config: Path) -> AsyncIterator[asyncio.Task[None]]:
    """The gateway, in this process: what ``run --config`` does."""
    from gateway.assembly import build  # noqa: PLC0415  the service's libraries take longer to load than --help should
    from gateway.clock import SystemClock  # noqa: PLC0415

    stop = asyncio.Event()
    task = asyncio.create_task(build(load_config(config, {}), SystemClock()).run(stop), name="demo.gateway")
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait({task})


@asynccontextmanager
async def _client(place: Place) -> "AsyncIterator[GatewayClient]":
    from gateway.client import GatewayClient  # noqa: PLC0415  keeps --help quick

    async with GatewayClient(
        place.host,
        place.port,
        node=NODE,
        username=place.username,
        password=place.password,
        wants=("sessions", "queues"),
    ) as client:
        yield client


@asynccontextmanager
async def _running(work: Any, name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await _cancel({task})


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _clear(place: Place) -> None:
    """Take what the demo left on somebody's broker off it again."""
    from gateway.mqtt.interface import MqttSettings  # noqa: PLC0415  keeps --help quick
    from gateway.mqtt.probe import open_probe  # noqa: PLC0415

    settings = MqttSettings(
        place.host,
        place.port,
        client_id=f"cti-gateway-{NODE}-ends",
        session_expiry=0,
        username=place.username,
        password=place.password,
    )
    probe = await open_probe(settings)
    try:
        await probe.subscribe_or_not([f"cti/{NODE}/#"])
        await probe.publish_and_wait(f"cti/{NODE}/bridge/event", b"")  # what is retained has come before its answer
        for message in list(probe.received):
            if message.retained:
                await probe.publish_and_wait(message.topic, b"", retain=True)
    finally:
        await probe.close()


def _log_to(path: Path, stack: AsyncExitStack) -> None:
    """Let the gateway log into a file: a line between the tables would tear them."""
    logs.configure(logging.INFO, stack.enter_context(path.open("w", encoding="utf-8", buffering=1)))
    stack.callback(logging.getLogger().handlers.clear)


def _config(place: Place, ami_port: int, folder: Path, http: int) -> str:
    """The gateway's configuration, as somebody would write it."""
    tables: dict[str, dict[str, Any]] = {
        "asterisk": {
            "port": ami_port,
            "username": "cti-gateway",
            "password": SECRET,
            "queue_log": str(folder / "queue_log"),
        },
        "mqtt": {
            "host": place.host,
            "port": place.port,
            "username": place.username or "",
            **({} if place.password is None else {"password": place.password}),
        },
        "session": {"statistics_interval": 5},
        "store": {"path": str(folder / "gateway.db"), "synchronous": "normal"},
        "http": {"listen": f"127.0.0.1:{http}"},
    }
    lines = [f'node = "{NODE}"']
    for table, keys in tables.items():  # of these kinds, JSON is TOML
        lines += ["", f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    return "\n".join([*lines, ""])
