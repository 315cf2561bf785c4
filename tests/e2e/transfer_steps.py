"""What cells of transfers are made of: numbers, what phones do, what is done over AMI, and when the talking ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from tests.lab import wire
from tests.lab.driver import Driver
from tests.lab.phones_log import PhoneLog
from tests.lab.phones_pbx import Kind, PhoneQueue
from tests.lab.phones_script import KEY, Script

TALK: Final = 1.0  # seconds before anything happens
PATIENCE: Final = 5.5  # seconds after which the caller hangs up, wherever it is then


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one cell, which begin with two digits of its own."""

    base: int

    @property
    def caller(self) -> str:
        """The caller's phone."""
        return f"{self.base}1"

    @property
    def agent(self) -> str:
        """The phone of the queue's member."""
        return f"{self.base}2"

    @property
    def other(self) -> str:
        """A third phone, the member of the second queue."""
        return f"{self.base}3"

    @property
    def nobody(self) -> str:
        """A number that does not exist."""
        return f"{self.base}5"

    @property
    def rings(self) -> str:
        """An extension that rings for ever."""
        return f"{self.base}6"

    @property
    def answers(self) -> str:
        """An extension that answers and waits."""
        return f"{self.base}7"

    @property
    def queue(self) -> str:
        """The queue of the agent."""
        return f"{self.base}8"

    @property
    def second(self) -> str:
        """The queue of the third phone."""
        return f"{self.base}9"


@dataclass(frozen=True, slots=True)
class Logs:
    """What the three phones have logged."""

    caller: PhoneLog
    agent: PhoneLog
    other: PhoneLog


Moment = Callable[[Logs], int]
Steps = Callable[[Script, Numbers], Script]
Act = Callable[[Driver, Numbers, wire.Message], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Told:
    """How a call's record has to be.

    Attributes:
        end: When the agent's talking ended, by the phones' logs.
        by: ``ended_by``.
        to: The property of `Numbers` that is ``transferred_to``, or the number itself; empty for none.
    """

    end: Moment
    by: str | None
    to: str = ""

    def target(self, numbers: Numbers) -> str | None:
        """What ``transferred_to`` has to be."""
        return getattr(numbers, self.to, self.to) or None


@dataclass(frozen=True, slots=True)
class Cell:
    """One shape of call.

    Attributes:
        name: Of the shape.
        agent: What the agent's phone does after the answer.
        told: The record of the agent's call.
        caller: What the caller's phone does in the queue; hang up after a while, unless told otherwise.
        other: What the third phone does, where there is one.
        second: The record of the second queue's call, where there is one.
        act: What is done over AMI, a while after the agent's answer.
        kind: Of the member.
        options: Of ``Queue()``.
        goes_on: Whether the caller goes on talking elsewhere for a second and more.
        alone: Whether no other cell may be played meanwhile: while Asterisk does this transfer, half a second long,
            messages of other phones wait.
    """

    name: str
    agent: Steps
    told: Told
    caller: Steps = lambda script, _: script.waits(PATIENCE).hangs_up()
    other: Steps | None = None
    second: Told | None = None
    act: Act | None = None
    kind: Kind = "direct"
    options: str = ""
    goes_on: bool = True
    alone: bool = False

    def queues(self, numbers: Numbers) -> list[PhoneQueue]:
        """Its queues."""
        queues = [PhoneQueue(numbers.queue, numbers.agent, self.kind, self.options, wrapuptime=1)]
        return queues + ([PhoneQueue(numbers.second, numbers.other, self.kind)] if self.second else [])

    def scripts(self, numbers: Numbers) -> list[Script]:
        """The scripts of its phones, the caller's last."""
        scripts = [self.agent(Script(numbers.agent).answers().waits(TALK), numbers)]
        if self.other is not None:
            scripts.append(self.other(Script(numbers.other), numbers))
        return [*scripts, self.caller(Script(numbers.caller).calls(numbers.queue), numbers)]


# When the talking ended ---------------------------------------------------------------------------------------------


def agent_hung_up(logs: Logs) -> int:
    """BYE of the queue call, whoever sent it, at the agent's phone."""
    return logs.agent.request("BYE")


def caller_hung_up(logs: Logs) -> int:
    """BYE of the caller's phone."""
    return logs.caller.request("BYE")


def other_hung_up(logs: Logs) -> int:
    """BYE at the third phone."""
    return logs.other.request("BYE")


def agent_referred(logs: Logs) -> int:
    """REFER of the agent's phone."""
    return logs.agent.request("REFER")


def caller_referred(logs: Logs) -> int:
    """REFER of the caller's phone."""
    return logs.caller.request("REFER")


def agent_transferred(logs: Logs) -> int:
    """The agent's phone is told that its transfer is done: in one case half a second after it asked for it."""
    return logs.agent.transferred


def agent_dialled(logs: Logs) -> int:
    """The agent lets the last key of a code go."""
    return logs.agent.request("INFO", last=True) + round(KEY * 1e6)


# What is done -------------------------------------------------------------------------------------------------------


def hangs_up(script: Script, _: Numbers) -> Script:
    """The agent ends the call."""
    return script.hangs_up()


def is_hung_up(script: Script, _: Numbers) -> Script:
    """Somebody else does."""
    return script.is_hung_up()


def answers(script: Script, _: Numbers) -> Script:
    """The third phone answers, and talks until it is hung up."""
    return script.answers().is_hung_up()


def answers_late(script: Script, _: Numbers) -> Script:
    """The third phone rings for some time."""
    return script.answers(ring=1.5).is_hung_up()


def blind(to: str, *, until: Literal["done", "ringing"] = "done") -> Steps:
    """REFER to one of the `Numbers`."""

    def steps(script: Script, numbers: Numbers) -> Script:
        number = getattr(numbers, to, to)
        return script.transfers(number, until=until).hangs_up()

    return steps


def attended(to: str, *, talk: float = 0.7) -> Steps:
    """Hold, consult, and REFER with Replaces."""

    def steps(script: Script, numbers: Numbers) -> Script:
        number = getattr(numbers, to)
        return script.consults(number).waits(talk).transfers_to_consulted(number).hangs_up()

    return steps


def dials(code: str, to: str = "") -> Steps:
    """Dial a feature code, and a number with it."""

    def steps(script: Script, numbers: Numbers) -> Script:
        return script.presses(code + (getattr(numbers, to) if to else ""))

    return steps


async def hang_up(driver: Driver, _: Numbers, connect: wire.Message) -> None:
    """Hang the agent's phone up."""
    await driver.hang_up(connect["DestChannel"])


async def redirect(driver: Driver, _: Numbers, connect: wire.Message) -> None:
    """Take the caller away."""
    await driver.ask("Redirect", Channel=connect["Channel"], Context="elsewhere", Exten="wait", Priority="1")


async def redirect_to_second(driver: Driver, numbers: Numbers, connect: wire.Message) -> None:
    """Send the caller into the second queue."""
    await driver.ask("Redirect", Channel=connect["Channel"], Context="phones", Exten=numbers.second, Priority="1")


async def conference(driver: Driver, _: Numbers, connect: wire.Message) -> None:
    """Send both into a conference room."""
    await driver.ask(
        "Redirect",
        Channel=connect["Channel"],
        Context="elsewhere",
        Exten="conference",
        Priority="1",
        ExtraChannel=connect["DestChannel"],
        ExtraContext="elsewhere",
        ExtraExten="conference",
        ExtraPriority="1",
    )


async def park(driver: Driver, _: Numbers, connect: wire.Message) -> None:
    """Park the caller."""
    await driver.ask("Park", Channel=connect["Channel"])


async def blind_transfer(driver: Driver, numbers: Numbers, connect: wire.Message) -> None:
    """Let Asterisk do the agent's blind transfer."""
    await driver.ask("BlindTransfer", Channel=connect["DestChannel"], Context="phones", Exten=numbers.answers)


async def attended_transfer(driver: Driver, numbers: Numbers, connect: wire.Message) -> None:
    """Let Asterisk begin the agent's attended transfer."""
    await driver.ask("Atxfer", Channel=connect["DestChannel"], Context="phones", Exten=numbers.other)
