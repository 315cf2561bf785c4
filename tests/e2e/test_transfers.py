"""Transfers, parking and conferences between real SIP phones: the talk ends when the agent's talking ends."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from tests.broker import Broker
from tests.e2e.running import Running, running, settled
from tests.e2e.transfer_cells import CELLS
from tests.e2e.transfer_steps import TALK, Cell, Logs, Numbers, Told
from tests.lab import wire
from tests.lab.driver import Driver
from tests.lab.phones import Phone, PhoneError, Phones
from tests.lab.phones_log import PhoneLog
from tests.lab.phones_pbx import PhoneExchange
from tests.lab.subscriber import Received
from tests.lab.tap import Tap

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

TOLERANCE: Final = 50_000  # microseconds between a record and the phones' own logs
AT_ONCE: Final = 2.0  # seconds within which an end is told: 200 ms are the rule's own, the rest is for a busy machine
SIDE_BY_SIDE: Final = 8  # cells played at a time


@dataclass(slots=True)
class World:
    """One Asterisk with all phones and queues, and one gateway.

    Attributes:
        worst: The furthest that any moment was from the phones' logs, in microseconds.
    """

    driver: Driver
    gateway: Running
    phones: Phones
    turns: asyncio.Semaphore
    worst: int = 0

    def session_events(self, queue: str) -> list[Received]:
        """All events of the session in a queue."""
        start = f"session/{queue}/"
        return [m for m in self.gateway.messages if m.topic.startswith(start) and m.topic.endswith("/event")]

    async def until_told(self, queue: str, *names: str) -> None:
        """Wait for the first of these events of the session in a queue."""
        start = f"session/{queue}/"
        await self.gateway.subscriber.wait_for(
            lambda m: m.topic.startswith(start) and m.topic.endswith("/event") and m.json["event"] in names
        )


@dataclass(frozen=True, slots=True)
class Talk:
    """One queue call as the phones had it: moments are microseconds since 1970."""

    queue: str
    phone: str
    answered: int
    ended: int
    by: str | None
    to: str | None


async def test_transfers(
    asterisk_version: str, broker: Broker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Talk time is within 50 ms of the phones' logs, and the agent is free while the caller talks on elsewhere."""
    cells = {Numbers(base): cell for base, cell in enumerate(CELLS, 10)}
    queues = [queue for numbers, cell in cells.items() for queue in cell.queues(numbers)]
    phones = [number for numbers in cells for number in (numbers.caller, numbers.agent, numbers.other)]
    wrap_up = {queue.number: queue.wrapuptime for queue in queues}
    async with (
        PhoneExchange(asterisk_version, phones, queues, keep_logs=tmp_path / "asterisk") as exchange,
        Tap(exchange, tmp_path / "ami.raw"),
        Driver(exchange) as driver,
        running(exchange, broker, tmp_path, wrap_up=wrap_up) as gateway,
        Phones(exchange, tmp_path / "phones") as playing,
    ):
        world = World(driver, gateway, playing, asyncio.Semaphore(SIDE_BY_SIDE))
        wrong = await asyncio.gather(*(play(world, cell, each) for each, cell in cells.items() if not cell.alone))
        wrong += [await play(world, cell, each) for each, cell in cells.items() if cell.alone]
        await settled(gateway)
        records = Counter(m.topic for m in gateway.messages if m.topic.startswith("call/"))
        wrong.append([f"{topic} has {count} records" for topic, count in records.items() if count > 1])
        gateway.check_log()
    record_property("furthest from the phones, ms", world.worst / 1000)
    print(f"Asterisk {asterisk_version}: {len(cells)} cells, at most {world.worst / 1000} ms from the phones' logs")
    assert not any(wrong), "\n".join(each for cell in wrong for each in cell)


async def play(world: World, cell: Cell, numbers: Numbers) -> list[str]:
    """Play one cell; return what is not as it should be."""
    async with world.turns:
        try:
            logs = await talk(world, cell, numbers)
            wrong = [each for talk in talks(cell, numbers, logs) for each in await compare(world, talk)]
            wrong += await was_free(world, numbers.queue, cell.told.end(logs), logs) if cell.goes_on else []
        except (PhoneError, LookupError, TimeoutError, wire.ActionRefusedError) as error:
            wrong = [f"{type(error).__name__}: {error}"]
    return [f"{cell.name} ({numbers.base}): {each}" for each in wrong]


async def talk(world: World, cell: Cell, numbers: Numbers) -> Logs:
    """Let the phones talk until all have done what they were to do."""
    *others, caller = cell.scripts(numbers)
    phones = await world.phones.start(others)
    phones += await world.phones.start([caller])  # it calls at once
    if cell.act is not None:
        connect = await world.driver.wait_for("AgentConnect", Queue=numbers.queue)
        await asyncio.sleep(TALK + 0.2)  # by then the agent's phone waits for whatever comes
        await cell.act(world.driver, numbers, connect)
    logs = {phone.number: log for phone, log in zip(phones, await _all_done(phones), strict=True)}
    return Logs(logs[numbers.caller], logs[numbers.agent], logs.get(numbers.other, PhoneLog([])))


def talks(cell: Cell, numbers: Numbers, logs: Logs) -> Iterator[Talk]:
    """The queue calls of a cell, by the phones' logs."""

    def one(queue: str, phone: str, log: PhoneLog, told: Told) -> Talk:
        return Talk(queue, phone, log.answered(), told.end(logs), told.by, told.target(numbers))

    yield one(numbers.queue, numbers.agent, logs.agent, cell.told)
    if cell.second is not None:
        yield one(numbers.second, numbers.other, logs.other, cell.second)


async def compare(world: World, talk: Talk) -> list[str]:
    """Hold what was told of a queue's one call against the phones' logs."""
    topic = f"call/{talk.queue}/"
    record = (await world.gateway.subscriber.wait_for(lambda m: m.topic.startswith(topic))).json
    await world.until_told(talk.queue, "WRAPUP", "READY")
    events = [m.json for m in world.session_events(talk.queue)]
    session = events[-1]["session"]
    over = next(each for each in events if each["event"] in ("WRAPUP", "READY"))
    found = {
        "number_of_calls": session["number_of_calls"],
        "agent": record["agent"],
        "ended_by": record["ended_by"],
        "transferred_to": record["transferred_to"],
    }
    wanted = {
        "number_of_calls": 1,
        "agent": f"Agent {talk.phone}",
        "ended_by": talk.by,
        "transferred_to": talk.to,
    }
    duration = talk.ended - talk.answered
    off = {
        "answered_at": _microseconds(record["answered_at"]) - talk.answered,
        "ended_at": _microseconds(record["ended_at"]) - talk.ended,
        f"{over['event']} of the session": _microseconds(over["at"]) - talk.ended,
        "talk_time": round(record["talk_time"] * 1e6) - duration,
        "total_talk_time": round(session["total_talk_time"] * 1e6) - duration,
    }
    world.worst = max(world.worst, *map(abs, off.values()))
    wrong = [f"{key} is {found[key]!r}, not {value!r}" for key, value in wanted.items() if found[key] != value]
    wrong += [f"{key} is off by {value / 1000:.1f} ms" for key, value in off.items() if abs(value) > TOLERANCE]
    return [f"queue {talk.queue}: {each}" for each in wrong]


async def was_free(world: World, queue: str, ended: int, logs: Logs) -> list[str]:
    """The agent's end of talk was told at once, and that of wrap-up while the caller still talked elsewhere."""
    await world.until_told(queue, "READY")
    wall = time.time() - asyncio.get_running_loop().time()
    hung_up = logs.caller.request("BYE") / 1e6
    told = {m.json["event"]: m.arrived + wall for m in world.session_events(queue)}
    wanted = ["NEW_SESSION", "BUSY", "WRAPUP", "READY"]
    wrong = [] if list(told) == wanted else [f"the session's events are {list(told)}"]
    bounds = {"WRAPUP": ended / 1e6 + AT_ONCE, "READY": hung_up}
    late = {event: told[event] - at for event, at in bounds.items() if event in told and told[event] > at}
    return wrong + [f"{event} was told {seconds:.3f} s too late" for event, seconds in late.items()]


async def _all_done(phones: list[Phone]) -> list[PhoneLog]:
    return await asyncio.gather(*(phone.done(within=30) for phone in phones))


def _microseconds(text: str) -> int:
    """A time of day of the contract, since 1970."""
    return round(datetime.fromisoformat(text).timestamp() * 1e6)
