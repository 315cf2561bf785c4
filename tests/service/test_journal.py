"""Commands over a kill: passed on once, answered once, and a repeat gets the same answer."""

import json
from pathlib import Path

from gateway.service.journal import Journal
from gateway.store.contents import KnownCommand
from tests.broker import Broker
from tests.service.live import TOPICS, live, pbx
from tests.service.support import SET, Bench, inbound

SUPPORT = TOPICS.session_set("Support", "Alice", "PJSIP/1001")


class Shelf:
    """Keeps commands as the store does, without a file."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.commands: dict[str, KnownCommand] = {}

    def record(self, command: KnownCommand, *, at_once: bool = False) -> None:
        """Keep it."""
        assert at_once or command.answer is not None
        self.commands[command.key] = command

    def forget_command(self, key: str) -> None:
        """Let it go."""
        del self.commands[key]


def bench(shelf: Shelf) -> Bench:
    """A commander that keeps its commands on *shelf*."""
    made = Bench()
    made.commander._journal = Journal(shelf)
    return made


async def test_what_was_under_way_is_answered_timeout() -> None:
    """A command under way at a kill is answered TIMEOUT by the next life, once, and not passed on again."""
    shelf = Shelf()
    killed = bench(shelf)
    killed.gate.clear()
    killed.commander.receive(inbound({"state": "READY", "id": "7"}, SET))
    killed.commander.receive(inbound("NOT_READY", SET))
    await killed.settled()
    assert len(killed.carried) == 2
    assert len(shelf.commands) == 2

    left = Shelf()
    left.commands = dict(shelf.commands)
    again = bench(left)
    again.commander.restore(dict(left.commands))
    sent = await again.settled()
    assert [(each.topic, each.json["code"]) for each in sent] == [(f"{SET}/response", "TIMEOUT")] * 2
    assert {each.json["id"] for each in sent} == {"7", None}
    assert list(again.commander.answered) == ["TIMEOUT"]
    again.commander.receive(inbound({"state": "READY", "id": "7"}, SET))
    assert (await again.settled())[-1].payload == next(each.payload for each in sent if each.json["id"] == "7")
    assert again.carried == []
    await killed.commander.stop()


async def test_a_repeat_after_a_restart_gets_the_same_answer() -> None:
    """What was answered within the last minute is known to the next life; what has no id is not kept."""
    shelf = Shelf()
    first = bench(shelf)
    answer = await first.answer({"state": "READY", "id": 7})
    await first.answer("NOT_READY")
    assert len(shelf.commands) == 1
    again = bench(shelf)
    again.commander.restore(dict(shelf.commands))
    assert await again.settled() == []
    assert await again.answer({"state": "READY", "id": 7}) == answer
    assert again.carried == []


async def test_old_commands_are_forgotten() -> None:
    """A minute after its answer a command is not kept any more."""
    shelf = Shelf()
    kept = bench(shelf)
    await kept.answer({"state": "READY", "id": 7})
    kept.clock.move(62)
    await kept.answer({"state": "READY", "id": 8})
    assert len(shelf.commands) == 1


async def test_nothing_is_done_that_cannot_be_kept() -> None:
    """While the store refuses, commands are answered BUSY and do not reach Asterisk."""
    shelf = Shelf()
    shelf.failure = "the disk is full"
    full = bench(shelf)
    answer = await full.answer({"state": "READY", "id": 7})
    assert answer["code"] == "BUSY"
    assert full.carried == []


async def test_measurement_periods_are_answered() -> None:
    """A command that this version does not do is looked at like any other, and carried to whoever says so."""
    made = Bench()
    topic = f"{TOPICS.agent('Alice')}/measurement_period"
    assert (await made.answer({"seconds": 0, "id": "1"}, topic))["code"] == "BAD_PAYLOAD"
    assert (await made.answer({"seconds": 3600, "id": "2"}, topic))["id"] == "2"


async def test_over_a_restart(broker: Broker, tmp_path: Path) -> None:
    """A gateway that ends in the middle of a command leaves it to the next, which answers; Asterisk is asked once."""
    async with pbx() as asterisk:
        asterisk.on("QueuePause", lambda _session, _action: None)
        store = tmp_path / "gateway.db"
        async with live(broker, asterisk, store=store, timeout=60) as running:
            await running.send(SUPPORT, {"state": "NOT_READY", "id": "k"})
            await asterisk.received("QueuePause")
        async with live(broker, asterisk, store=store) as again:
            payload = json.dumps({"state": "NOT_READY", "id": "k"})
            answer = await again.ask(SUPPORT, payload)
        assert answer["code"] == "TIMEOUT"
        assert len(asterisk.named("QueuePause")) == 1
