"""The whole of it, put together: a call center of so many agents, with a manager interface and a queue_log."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from gateway.simulate.actions import Actions
from gateway.simulate.agenda import SECOND, Agenda
from gateway.simulate.app_queue import AppQueue
from gateway.simulate.day import HOUR, Day, shift
from gateway.simulate.membership import Membership
from gateway.simulate.names import agent_names, queue_names
from gateway.simulate.pbx import Pbx
from gateway.simulate.people import Agent, Manners, People
from gateway.simulate.queues import Queue
from gateway.simulate.server import Account, AmiServer, wall
from gateway.simulate.truth import Truth
from gateway.simulate.wire import Event

WRAP_UP: Final = 15
RING: Final = 15
LONGEST_WAIT: Final = 600
"""Seconds of the simulated day."""

_FIRST_PHONE: Final = 1001
_FIRST_EXTEN: Final = 8001


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is simulated.

    Attributes:
        agents: How many there are.
        calls_per_hour: How many callers, in an hour of the simulated day.
        queues: How many.
        speed: Seconds of the simulated day that go by in one.
        start: The time of day at the start, in seconds after midnight.
        seed: Of everything that is drawn by lot: the same seed, the same people.
        manners: How people behave.
    """

    agents: int = 24
    calls_per_hour: float = 240.0
    queues: int = 3
    speed: float = 1.0
    start: float = 11.75 * HOUR
    seed: int = 1
    manners: Manners = field(default_factory=Manners)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are now: numbers of people and calls.

    Attributes:
        time: The simulated time of day, in seconds after midnight.
        waiting: Callers in queues.
        talking: Calls with agents.
        at_work: Agents there.
        on_break: Of them, those who are not at their phones.
        joined: Callers so far.
        answered: Of them.
        abandoned: Likewise.
    """

    time: float
    waiting: int
    talking: int
    at_work: int
    on_break: int
    joined: int
    answered: int
    abandoned: int


class CallCenter:
    """A PBX and its people, in time as a value: nothing happens but by ``agenda.run``.

    Args:
        plan: What is simulated.
        start: When it starts, microseconds since 1970.
        tell: Takes each event.
        write: Takes each line of the queue_log.

    Attributes:
        agenda: What is due when.
        pbx: The PBX.
        queue: Its queues.
        membership: Who is a member of which.
        people: Who uses the phones.
        truth: What really happened.
    """

    def __init__(
        self,
        plan: Plan,
        start: int,
        *,
        tell: Callable[[Event], None],
        write: Callable[[str], None] = lambda _: None,
        agenda: Agenda | None = None,
    ) -> None:
        self.agenda = agenda or Agenda(start)
        self._day = day = Day(self.agenda, plan.start, plan.speed)
        names = queue_names(plan.queues)
        queues = [
            Queue(name, str(_FIRST_EXTEN + place), day.whole_seconds(WRAP_UP), day.whole_seconds(RING))
            for place, name in enumerate(names)
        ]
        self.pbx = Pbx(self.agenda, queues, tell=tell, write=write, seed=plan.seed)
        self.truth = Truth()
        self.pbx.on_status = self.truth.device_changed
        agents = [_agent(number, name, names) for number, name in enumerate(agent_names(plan.agents))]
        self.people = People(self.agenda, day, plan.manners, agents, seed=plan.seed, calls_per_hour=plan.calls_per_hour)
        self.queue = AppQueue(self.pbx, self.people, self.truth, longest_wait=day.lasts(LONGEST_WAIT))
        self.membership = Membership(self.queue, self.truth)
        self.people.begin(self.queue, self.membership)

    def standing(self) -> Standing:
        """How things are now."""
        agents, queues = self.people.agents.values(), self.truth.queues.values()
        return Standing(
            time=self._day.time,
            waiting=sum(len(queue.waiting) for queue in self.pbx.queues.values()),
            talking=sum(agent.talk is not None for agent in agents),
            at_work=sum(agent.at_work for agent in agents),
            on_break=sum(agent.at_work and agent.on_break for agent in agents),
            joined=sum(queue.joined for queue in queues),
            answered=sum(queue.answered for queue in queues),
            abandoned=sum(queue.abandoned for queue in queues),
        )


class Simulation:
    """A call center on this machine's clock: ``async with Simulation(...) as simulation``, then ``run``.

    Args:
        plan: What is simulated.
        account: Who may log in at the manager interface.
        host: Where that listens.
        port: Its TCP port; 0 for a free one.
        queue_log: A file to which the queue_log is written as it grows; None: none.

    Attributes:
        center: The call center; there once it listens.
        server: The manager interface.
    """

    center: CallCenter
    server: AmiServer

    def __init__(
        self,
        plan: Plan,
        account: Account,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        queue_log: Path | None = None,
    ) -> None:
        self._plan = plan
        self._account = account
        self._host = host
        self._port = port
        self._path = queue_log
        self._file: IO[bytes] | None = None

    async def __aenter__(self) -> Self:
        """Open the file and listen.

        Raises:
            OSError: The port or the file cannot be used.
        """
        agenda = Agenda(wall())
        self.server = AmiServer(agenda, self._account, host=self._host, port=self._port)
        await self.server.__aenter__()
        try:
            if self._path is not None:
                self._file = self._path.open("ab", buffering=0)
            self.center = CallCenter(self._plan, agenda.now, tell=self.server.tell, write=self._write, agenda=agenda)
            self.server.actions = Actions(self.center.pbx, self.center.membership)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)
        if self._file is not None:
            self._file.close()

    async def run(self) -> None:
        """Let it go on, until cancelled."""
        await self.server.run()

    async def finish(self) -> None:
        """Let nobody call any more, and wait until everybody has hung up and every wrap-up is over."""
        center, over = self.center, asyncio.Event()
        center.people.set_calls_per_hour(0)
        longest = max(queue.wrapuptime for queue in center.pbx.queues.values()) * SECOND

        def look() -> None:
            if center.pbx.channels:
                center.agenda.after(SECOND // 20, look)
            else:
                center.agenda.after(longest, over.set)

        look()
        await over.wait()
        center.truth.settle(center.agenda.now)

    def _write(self, line: str) -> None:
        if self._file is not None:
            self._file.write(f"{line}\n".encode("utf-8", "surrogateescape"))


def _agent(number: int, name: str, queues: list[str]) -> Agent:
    """One agent: two of three work for a second queue as well, and every other one logs in and out of them."""
    mine = [queues[number % len(queues)]]
    if number % 3 and len(queues) > 1:
        mine.append(queues[(number + 1) % len(queues)])
    return Agent(name, f"PJSIP/{_FIRST_PHONE + number}", mine, is_dynamic=number % 2 == 1, shift=shift(number // 2))
