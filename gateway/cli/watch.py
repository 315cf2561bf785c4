"""``cti-gateway watch``: a live table of sessions, agents and queues in the terminal."""

import asyncio
import contextlib
import logging
import signal
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.broker import (
    FAILED,
    BaseTopic,
    BrokerAddress,
    ConfigPath,
    PasswordFile,
    Target,
    Tls,
    TlsCaFile,
    Username,
    unreachable,
    usage,
)
from gateway.errors import MqttAuthenticationError, MqttConnectionError

if TYPE_CHECKING:
    from rich.console import Console

    from gateway.cli.watching import Watching
    from gateway.client import EventStream

EXAMPLE = "Example: cti-gateway watch --broker localhost --base cti/pbx1 --only sessions --sort -for"

_PER_SECOND: Final = 4  # how often the tables are drawn anew


class Only(StrEnum):
    """What is shown."""

    SESSIONS = "sessions"
    AGENTS = "agents"
    QUEUES = "queues"


def watch(
    *,
    config: ConfigPath = None,
    broker: BrokerAddress = None,
    base: BaseTopic = None,
    username: Username = None,
    password_file: PasswordFile = None,
    tls: Tls = False,
    tls_ca_file: TlsCaFile = None,
    only: Annotated[Only | None, typer.Option(help="Show these alone.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Sort by a column, by its head; with a - before it the largest comes first."),
    ] = None,
    group: Annotated[str | None, typer.Option(help="Show this group alone.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Show what there is and leave.")] = False,
) -> None:
    """Show sessions, agents and queues as they change, over MQTT alone; end it with Ctrl-C.

    Without a terminal: the tables once, then a line for each event. Exit status: 0 ended, 1 the broker cannot be
    reached, or with --once the picture is not current, 2 usage or configuration, 5 the broker refused the login.
    """
    from rich.console import Console  # noqa: PLC0415  keeps --help quick

    from gateway.cli.watching import Watching, sort_keys  # noqa: PLC0415

    kinds = [only.value] if only else [each.value for each in Only]
    if sort is not None and sort.removeprefix("-") not in sort_keys(kinds):
        raise usage(f"--sort: {sort!r} is no column; there are {', '.join(sort_keys(kinds))}")
    client = Target(config, broker, base, username, password_file, tls, tls_ca_file).client(wants=kinds)
    watching = Watching(client, kinds, sort=sort, group=group)
    # What the client logs is shown: a line between the tables would tear them.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        asyncio.run(_watch(watching, Console(highlight=False), once=once))
    except (MqttAuthenticationError, MqttConnectionError) as error:
        raise unreachable(error) from error
    if once and not client.current:
        raise typer.Exit(FAILED)


async def _watch(watching: "Watching", console: "Console", *, once: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    told = watching.client.events()
    async with watching.client:
        if once:
            _print(console, watching)
        elif console.is_terminal:
            await _draw(console, watching, stop)
        else:
            _print(console, watching)
            telling = asyncio.create_task(_tell(console, watching, told), name="watch.tell")
            stopped = asyncio.create_task(stop.wait(), name="watch.stop")
            done, pending = await asyncio.wait({telling, stopped}, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            for task in done:
                task.result()  # whoever reads our lines may have gone


def _print(console: "Console", watching: "Watching") -> None:
    now = datetime.now(UTC)
    if console.is_terminal:
        console.print(watching.drawn(now, console.width))
        return
    for line in watching.lines(now):
        typer.echo(line)


async def _draw(console: "Console", watching: "Watching", stop: asyncio.Event) -> None:
    from rich.live import Live  # noqa: PLC0415  keeps --help quick

    with Live(console=console, screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            live.update(watching.drawn(datetime.now(UTC), console.width), refresh=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1 / _PER_SECOND):
                    await stop.wait()


async def _tell(console: "Console", watching: "Watching", told: "EventStream") -> None:
    async for event in told:
        line = watching.line(event)
        if line is not None:
            typer.echo(line)
            console.file.flush()
