"""Agents of app_agent_pool: they log in on a phone once, stay on the line, and calls are connected to them there."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab import pbx, wire
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver

PROBATION: Final = 6.5
"""Seconds within which Asterisk takes a login for a lasting one, and the agent for somebody to be called."""


@dataclass(frozen=True, slots=True)
class PoolAgent:
    """An agent of agents.conf, and the member that stands for it in queues.

    Attributes:
        number: Of the agent: its section in agents.conf.
        name: The member's name.
        wrap_up: Seconds for which the pool itself leaves it alone after a call.
        stays: Whether the Local channel stays in the call; one that does not goes out of the way when it carries sound.
    """

    number: str
    name: str
    wrap_up: float = 0.0
    stays: bool = True

    @property
    def interface(self) -> str:
        """What the queue dials."""
        return f"Local/{self.number}@agents-pool{'/n' if self.stays else ''}"

    @property
    def line(self) -> str:
        """Its line in queues.conf."""
        return f"member => {self.interface},0,{self.name},Agent:{self.number}"

    @property
    def section(self) -> str:
        """Its section in agents.conf."""
        return f"[{self.number}]\nfullname = {self.name}\nwrapuptime = {round(self.wrap_up * 1000)}\n"


class PoolAsterisk(Asterisk):
    """An Asterisk with a pool of agents, who are static members of queues."""

    def __init__(
        self, version: str, queues: Iterable[tuple[pbx.Queue, Sequence[PoolAgent]]], *, keep_logs: Path | None = None
    ) -> None:
        """Describe it by queues and who is in each; nothing happens before ``start``."""
        queues = tuple(queues)
        self._agents = tuple(agent for _, agents in queues for agent in agents)
        sections = (queue.section + "".join(f"{agent.line}\n" for agent in agents) for queue, agents in queues)
        super().__init__(version, queues="\n".join([pbx.queues_conf([]), *sections]), keep_logs=keep_logs)

    def prepare(self) -> None:
        """Make the folder and write every configuration file; a second call does nothing."""
        if self.port:
            return
        super().prepare()
        self._write("modules.conf", f"{pbx.modules_conf()}load = app_senddtmf.so\nload = app_milliwatt.so\n")
        self._write("agents.conf", "[general]\n" + "".join(agent.section for agent in self._agents))
        self._write("features.conf", "[featuremap]\ndisconnect => *\n")
        self._write("extensions.conf", pbx.extensions_conf() + _DIALPLAN)


class Desk:
    """The phone of a pool agent: what the agent does with it."""

    def __init__(self, driver: Driver, agent: PoolAgent) -> None:
        """Of *agent*, who is not logged in yet."""
        self._driver = driver
        self._agent = agent
        self.channel = ""

    async def log_in(self) -> wire.Message:
        """Dial into the pool, and wait until calls can come; returns the AgentLogin."""
        since = self._driver.mark()
        await self._driver.ask(
            "Originate",
            Channel=f"Local/{self._agent.number}@desks/n",
            Context="pool",
            Exten=self._agent.number,
            Priority="1",
            Async="true",
        )
        login = await self._driver.wait_for("AgentLogin", since=since, Agent=self._agent.number)
        self.channel = login["Channel"]
        await self._driver.wait_for(
            "QueueMemberStatus", since=since, within=PROBATION, Interface=self._agent.interface, Status="1"
        )
        return login

    async def dial(self, digit: str) -> None:
        """Press a key."""
        await self._driver.ask("PlayDTMF", Channel=f"{self.channel[:-1]}2", Digit=digit)

    async def hang_up(self) -> wire.Message:
        """Put the phone down, which is a logoff; returns the AgentLogoff."""
        since = self._driver.mark()
        await self._driver.hang_up(f"{self.channel[:-1]}2")
        return await self._driver.wait_for("AgentLogoff", since=since, Agent=self._agent.number)

    async def log_off(self, *, soft: bool) -> None:
        """Let the pool log the agent off: at once, or after the call."""
        headers = {"Agent": self._agent.number, "Soft": "true" if soft else "false"}
        await self._driver.ask("AgentLogoff", **headers)


async def log_in(*desks: Desk) -> None:
    """Let agents log in side by side."""
    await asyncio.gather(*(desk.log_in() for desk in desks))


_DIALPLAN: Final = """
; An agent's phone, from which a tone is heard.
[desks]
exten => _X.,1,Answer()
 same => n,Milliwatt()

; Where an agent's channel waits for calls; the key * ends one.
[pool]
exten => _X.,1,Set(CHANNEL(dtmf_features)=H)
 same => n,AgentLogin(${EXTEN},s)

; What a queue dials for an agent.
[agents-pool]
exten => _X.,1,AgentRequest(${EXTEN})
 same => n,Congestion()
"""
