"""A random call centre: twelve agents, three queues, and enough calls that everything that can happen does.

The seed fixes who calls when, for how long, and what the agents do; Asterisk's own threads keep it from being the same
twice to the millisecond.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Final

from tests.lab import pbx, wire
from tests.lab.driver import Driver

NAMES: Final = (
    "Anna",
    "Kovács Éva",
    "Børge Åkesson",
    "Zoë O'Neill",
    "李雷",
    "Иван Петров",
    "Grace Hopper",
    "agent-8",
    "Nine",
    "Ten Ten",
    "Twin",
)
AGENTS: Final = (*(pbx.Member(name, f"a{n}") for n, name in enumerate(NAMES, 1)), pbx.Member("Twin", "a12"))
REASONS: Final = ("lunch", "break", "training", "", "tea & cake")

# Who is in which queue: static members belong to the file, the others log in and out.
STATIC: Final = {"first": AGENTS[0:3], "second": AGENTS[2:4], "third": ()}
DYNAMIC: Final = {"first": AGENTS[4:8], "second": AGENTS[6:11], "third": (*AGENTS[9:12], AGENTS[0])}
WRAP_UP: Final = {"first": 2, "second": 1, "third": 0}
QUEUES: Final = (
    pbx.Queue("first", wrapuptime=2, timeout=3, strategy="rrmemory", members=STATIC["first"]),
    pbx.Queue("second", wrapuptime=1, timeout=3, strategy="leastrecent", members=STATIC["second"]),
    pbx.Queue("third", wrapuptime=0, timeout=3, strategy="random"),
)
SHARES: Final = (45, 35, 20)  # per cent of the callers
RUSH: Final = 8  # callers who come at once, now and then, so that some have to wait
RUSH_CHANCE: Final = 0.03


def queues_conf() -> str:
    """Return the queues.conf of this call centre."""
    return pbx.queues_conf(QUEUES)


class CallCentre:
    """Agents and callers who do as they like, within reason.

    Attributes:
        done: How often what was done: ``calls``, ``pauses``, ``logins``, ….
    """

    def __init__(self, driver: Driver, *, seed: int = 1, rate: float = 1.7) -> None:
        """Describe it; *rate* is in callers per second, 1.7 making about a thousand in ten minutes."""
        self._driver = driver
        self._random = random.Random(seed)
        self._rate = rate
        self.done: Counter[str] = Counter()

    async def run(self, seconds: float | None) -> None:
        """Work for so many seconds (None: until cancelled), then let the calls end; agents stay as they are."""
        await self._open()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._callers(), name="lab.callers")
                for agent in AGENTS:
                    rng = random.Random(self._random.random())
                    tasks.create_task(self._agent(agent, rng), name=f"lab.agent.{agent.phone}")
        await self._driver.idle()

    async def _open(self) -> None:
        for agent in AGENTS[::3]:
            await self._driver.set_deaf(agent.phone, 8)
        for queue, members in DYNAMIC.items():
            for member in members:
                await self._add(queue, member)

    async def _callers(self) -> None:
        rng = random.Random(self._random.random())
        async with asyncio.TaskGroup() as calls:
            while True:
                await asyncio.sleep(rng.expovariate(self._rate / (1 + RUSH_CHANCE * (RUSH - 1))))
                for _ in range(RUSH if rng.random() < RUSH_CHANCE else 1):
                    calls.create_task(self._call(rng), name="lab.call")

    async def _call(self, rng: random.Random) -> None:
        self.done["calls"] += 1
        hasty = rng.random() < 0.1
        await self._driver.call(
            rng.choices(list(DYNAMIC), SHARES)[0],
            ring=rng.uniform(0.1, 0.9),
            talk=min(8.0, 1.0 + rng.expovariate(1 / 1.6)),
            ends="caller" if rng.random() < 0.5 else "agent",
            patience=rng.uniform(0.1, 1.5) if hasty else rng.uniform(20, 40),
        )

    async def _agent(self, agent: pbx.Member, rng: random.Random) -> None:
        """One agent's whims, one after the other, most of them at moments that have nothing to do with calls."""
        whims = [self._have_a_break, self._have_a_break, self._ask_for_wrap_up, self._change_reason, self._go_home]
        while True:
            await asyncio.sleep(rng.expovariate(1 / 18))
            with suppress(wire.ActionRefusedError):
                await rng.choice(whims)(agent, rng)

    async def _have_a_break(self, agent: pbx.Member, rng: random.Random) -> None:
        queue = rng.choice(["", *self._queues_of(agent)])
        await self._pause(agent, queue, rng.choice(REASONS))
        await asyncio.sleep(rng.uniform(0.5, 6))
        await self._unpause(agent, queue)

    async def _change_reason(self, agent: pbx.Member, rng: random.Random) -> None:
        for reason in rng.sample(REASONS, 3):
            await self._pause(agent, "", reason)
            await asyncio.sleep(rng.uniform(0.2, 2))
        await self._unpause(agent, "")

    async def _ask_for_wrap_up(self, agent: pbx.Member, rng: random.Random) -> None:
        """Pause with a wrap-up reason during a call, which is manual wrap-up, or now and then just after it."""
        connect = await self._next_call(agent)
        if connect is None:
            return
        if rng.random() < 0.3:
            with suppress(TimeoutError):
                await self._driver.wait_for("AgentComplete", since=connect.index, within=9, Interface=agent.interface)
        await asyncio.sleep(rng.uniform(0, 0.5))
        await self._pause(agent, connect["Queue"], "wrapup")
        await asyncio.sleep(rng.uniform(1, 9))
        await self._unpause(agent, connect["Queue"])

    async def _go_home(self, agent: pbx.Member, rng: random.Random) -> None:
        """Log out of a queue, every other time in the middle of a call, and come back."""
        queues = [queue for queue, members in DYNAMIC.items() if agent in members]
        if not queues:
            return
        queue = rng.choice(queues)
        if rng.random() < 0.5 and (connect := await self._next_call(agent)) is not None and connect["Queue"] in queues:
            queue = connect["Queue"]
            await asyncio.sleep(rng.uniform(0, 1))
        await self._driver.remove(queue, agent)
        self.done["logouts"] += 1
        try:
            await asyncio.sleep(rng.uniform(0.1, 6))
        finally:
            with suppress(wire.ActionRefusedError):  # an Asterisk on its way down: the end of the work goes on
                await self._add(queue, agent, paused=rng.random() < 0.2)

    async def _next_call(self, agent: pbx.Member) -> wire.Message | None:
        since = self._driver.mark()
        try:
            return await self._driver.wait_for("AgentConnect", since=since, within=20, Interface=agent.interface)
        except TimeoutError:
            return None

    def _queues_of(self, agent: pbx.Member) -> list[str]:
        return [queue for queue in WRAP_UP if agent in STATIC[queue] or agent in DYNAMIC[queue]]

    async def _add(self, queue: str, agent: pbx.Member, *, paused: bool = False) -> None:
        await self._driver.add(queue, agent, paused=paused)
        self.done["logins"] += 1
        if paused:
            await self._driver.unpause(agent, queue=queue)

    async def _pause(self, agent: pbx.Member, queue: str, reason: str) -> None:
        await self._driver.pause(agent, queue=queue, reason=reason)
        self.done["pauses"] += 1

    async def _unpause(self, agent: pbx.Member, queue: str) -> None:
        await self._driver.unpause(agent, queue=queue)
        self.done["unpauses"] += 1
