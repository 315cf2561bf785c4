"""``cti-gateway simulate``: a scripted Asterisk alone, for load and for authors of clients."""

import asyncio
import json
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import complain

if TYPE_CHECKING:
    from gateway.simulate.simulation import Plan, Simulation, Standing
    from gateway.simulate.truth import Truth

EXAMPLE = "Example: cti-gateway simulate --agents 500 --calls-per-hour 6000 --queue-log ./queue_log"

Agents = Annotated[int, typer.Option(min=1, max=20_000, help="How many agents there are, each at a phone of its own.")]
CallsPerHour = Annotated[
    float, typer.Option(min=0, max=1_000_000, help="Callers in an hour of the simulated day, while it is open.")
]
Queues = Annotated[int, typer.Option(min=1, max=1000, help="How many queues there are.")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn by lot: the same seed, the same people.")]
Speed = Annotated[
    float, typer.Option(min=0.1, max=1000, help="Seconds of the simulated day that go by in one of the real.")
]
TimeOfDay = Annotated[
    str, typer.Option("--from", metavar="HH:MM", help="The simulated time of day at the start, 08:30 to 18:00.")
]
Seconds = Annotated[float | None, typer.Option(min=0.1, help="End after so many real seconds. Default: at Ctrl-C.")]

SECRET: Final = "simulated"  # noqa: S105  it guards nothing but the play
_EVERY: Final = 10.0  # seconds between two lines


def simulate(
    *,
    agents: Agents = 24,
    calls_per_hour: CallsPerHour = 240,
    queues: Queues = 3,
    host: Annotated[str, typer.Option(help="Where the manager interface listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Its TCP port; 0 takes a free one.")] = 5038,
    username: Annotated[str, typer.Option(help="The one user there is.")] = "cti-gateway",
    secret: Annotated[str, typer.Option(help="The user's secret; it guards nothing but the play.")] = SECRET,
    queue_log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a queue_log there, as Asterisk does.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="At the end, write there what really happened, as JSON.")
    ] = None,
    seed: Seed = 1,
    speed: Speed = 1.0,
    time_of_day: TimeOfDay = "11:45",
    seconds: Seconds = None,
) -> None:
    """Play an Asterisk 22 with queues, agents and callers, on a manager interface of its own; end it with Ctrl-C.

    Agents have shifts, lunch and breaks; callers lose patience. With --speed everything people do is that much faster,
    and what Asterisk has in whole seconds (wrap-up, ring time) is rounded to one at least. Exit status: 0 ended,
    1 the port or a file cannot be used, 2 usage.
    """
    from gateway.simulate.server import Account  # noqa: PLC0415  keeps --help quick
    from gateway.simulate.simulation import Simulation  # noqa: PLC0415

    plan = plan_of(time_of_day, agents=agents, calls_per_hour=calls_per_hour, queues=queues, speed=speed, seed=seed)
    simulation = Simulation(plan, Account(username, secret), host=host, port=port, queue_log=queue_log)
    try:
        asyncio.run(_simulate(simulation, plan, seconds))
        if truth is not None:
            truth.write_text(json.dumps(books(simulation.center.truth), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        complain(f"{error.filename or f'{host} port {port}'}: {error.strerror or error}")
        raise typer.Exit(1) from error


async def _simulate(simulation: "Simulation", plan: "Plan", seconds: float | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with simulation:
        account, host_port = simulation.server.account, simulation.server.address
        say(f"AMI on {host_port}, user {account.username}, secret {account.secret}")
        say(f"{plan.agents} agents, {plan.queues} queues, {plan.calls_per_hour:g} callers an hour; Ctrl-C ends it")
        running = asyncio.create_task(simulation.run(), name="simulate.run")
        telling = asyncio.create_task(_tell(simulation), name="simulate.tell")
        stopped = asyncio.create_task(stop.wait(), name="simulate.stop")
        tasks = {running, telling, stopped}
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks - done:
            task.cancel()
        await asyncio.gather(*tasks - done, return_exceptions=True)
        for task in done:
            task.result()  # a full disk, for example
    say(line_of(simulation.center.standing()))


async def _tell(simulation: "Simulation") -> None:
    while True:
        say(line_of(simulation.center.standing()))
        await asyncio.sleep(_EVERY)


def say(text: str) -> None:
    """Print a line at once, also where the output is a pipe."""
    print(text, flush=True)


def plan_of(time_of_day: str, **numbers: Any) -> "Plan":
    """What the options say; *numbers* are the plan's own.

    Raises:
        typer.BadParameter: The time of day is none of the simulated day's.
    """
    from gateway.simulate.day import BEGINS, ENDS  # noqa: PLC0415  keeps --help quick
    from gateway.simulate.simulation import Plan  # noqa: PLC0415

    found = re.fullmatch(r"(\d\d?):([0-5]\d)", time_of_day, re.ASCII)
    start = -1 if found is None else int(found[1]) * 3600 + int(found[2]) * 60
    if not BEGINS <= start <= ENDS:
        raise typer.BadParameter(f"{time_of_day!r} is no time between 08:30 and 18:00", param_hint="--from")
    return Plan(start=start, **numbers)


def line_of(standing: "Standing") -> str:
    """How things are, in a line."""
    hours, minutes = divmod(int(standing.time) // 60, 60)
    return (
        f"{hours:02}:{minutes:02}  {standing.waiting} waiting, {standing.talking} talking; "
        f"{standing.at_work} agents at work, {standing.on_break} of them on a break; so far "
        f"{standing.joined} callers, {standing.answered} answered, {standing.abandoned} gave up"
    )


def books(truth: "Truth") -> dict[str, Any]:
    """The simulator's books, in seconds: what a gateway must have found out by itself."""
    return {
        "sessions": [
            {
                "group": each.queue,
                "agent": each.agent,
                "address": each.address,
                "began": each.began / 1e6,
                "ended": None if each.ended is None else each.ended / 1e6,
                "number_of_calls": each.calls,
                "total_talk_time": each.talk / 1e6,
                "total_wrap_up_time": each.wrap_up / 1e6,
                "total_time_to_answer": each.wait / 1e6,
                "longest_time_to_answer": each.longest_wait / 1e6,
                "calls_missed": each.missed,
            }
            for each in truth.sessions
        ],
        "queues": {
            name: {
                "joined": each.joined,
                "flowed_in": each.flowed_in,
                "answered": each.answered,
                "answered_in_time": each.in_time,
                "abandoned": each.abandoned,
                "timed_out": each.timed_out,
                "total_wait": each.waited / 1e6,
                "longest_wait": each.longest_wait / 1e6,
            }
            for name, each in truth.queues.items()
        },
    }
