"""``python -m tests.contract.record``: takes the examples of the contract from a run on a real Asterisk.

Writes ``gateway/contract/examples.json``, the examples of ``deploy/docs/clients.md``, and ``config/contract``.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gateway.contract.files import contract_files
from gateway.mqtt.topics import encode_level
from tests.broker import Broker
from tests.contract.page import PAGE, with_examples
from tests.e2e.running import Running, running, settled
from tests.lab import pbx, roots
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver

ROOT: Final = Path(__file__).parent.parent.parent
EXAMPLES: Final = ROOT / "gateway" / "contract" / "examples.json"
VERSION: Final = "22"

CAROL: Final = pbx.Member("Carol", "a5")
QUEUES: Final = (
    pbx.Queue("support", wrapuptime=2, members=(pbx.ALICE,)),
    pbx.Queue("sales", members=(pbx.ALICE, pbx.BOB)),
)

Wanted = Callable[[Any], bool]

#: What each example has to show; the last message for which it holds is taken.
CHOICE: Final[dict[str, tuple[str, Wanted]]] = {
    "bridge_asterisk": ("bridge/asterisk", lambda shown: shown["current"]),
    "bridge_info": ("bridge/info", lambda shown: shown["sessions"] == 4),
    "bridge_health": ("bridge/health", lambda shown: shown["commands_answered"] > 0),
    "bridge_event": ("bridge/event", lambda event: event["event"] == "RESYNC_FINISHED"),
    "session": ("session/+/+/+", lambda shown: shown["current_call"] is not None and shown["number_of_calls"] > 1),
    "session_event": ("session/+/+/+/event", lambda event: event["event"] == "NOT_READY" and event["command_id"]),
    "call": ("call/+/+/+", lambda record: record["ended_by"] == "caller"),
    "agent": ("agent/+", lambda shown: shown["number_of_acd_calls"] > 1 and shown["state"] == "BUSY_ACD"),
    "agent_event": ("agent/+/event", lambda event: event["event"] == "BUSY_ACD"),
    "group": ("group/+", lambda shown: shown["sessions"]["BUSY_ON_CALL"] > 0),
    "group_event": ("group/+/event", lambda event: event["event"] == "NEW_GROUP"),
    "queue": ("queue/+", lambda shown: shown["callers_waiting"] and shown["answered"] > 1),
    "queue_event": ("queue/+/event", lambda event: event["event"] == "ABANDONED"),
}


async def run(directory: Path) -> dict[str, Any]:
    """Let something of everything happen, and return the examples."""
    broker = Broker(directory / "broker")
    queues = pbx.queues_conf(QUEUES)
    with broker:
        async with (
            Asterisk(VERSION, queues=queues) as asterisk,
            Driver(asterisk) as driver,
            running(asterisk, broker, directory, wrap_up=pbx.wrap_up(QUEUES)) as gateway,
        ):
            asked = await happen(driver, gateway)
            await settled(gateway)
            return {"bridge_state": "online", **asked, **chosen(gateway)}


async def happen(driver: Driver, gateway: Running) -> dict[str, Any]:
    """Three calls, one given up, and a command of each kind; returns the commands and an answer."""
    address = encode_level(pbx.ALICE.interface)
    commands: dict[str, tuple[str, dict[str, Any]]] = {
        "set": (f"session/support/Alice/{address}/set", {"state": "NOT_READY", "reason": "lunch", "id": "42"}),
        "create_session": (
            "agent/Carol/create_session",
            {"group": "support", "address": CAROL.interface, "state": "NOT_READY", "reason": "training", "id": "43"},
        ),
        "measurement_period": ("queue/sales/measurement_period", {"seconds": 3600, "id": "44"}),
        "bridge_request": ("bridge/request", {"request": "health", "id": "45"}),
    }
    answers = [await ask(gateway, *commands["create_session"])]
    for talk in (4.0, 3.0):
        caller = await driver.call(
            "support", ring=0.8, talk=talk, ends="caller", number="442079460000", name="Amy March"
        )
        answered = await driver.answered(caller)
        await driver.completed(answered)
        await gateway.subscriber.wait_for(lambda m: m.topic.startswith("call/support/"))
        await asyncio.sleep(2.5)  # the wrap-up, so that the next call finds her ready
    last = await driver.answered(await driver.call("support", ring=0.8, talk=5.0, ends="caller"))
    await driver.call("support", ring=0.8, talk=1.0, patience=1.5, number="4930901820", name="Jo March")
    await gateway.subscriber.wait_for(lambda m: m.topic == "queue/support/event" and m.json["event"] == "ABANDONED")
    await driver.completed(last)
    answers += [await ask(gateway, *commands[name]) for name in ("set", "measurement_period", "bridge_request")]
    await gateway.subscriber.wait_for(lambda m: m.topic == "bridge/health" and m.json["commands_answered"] > 0)
    return {**{name: command for name, (_, command) in commands.items()}, "answer": answers[1]}


async def ask(gateway: Running, topic: str, command: dict[str, Any]) -> Any:
    """Send a command and return its answer."""
    since = len(gateway.messages)
    await gateway.subscriber.publish(topic, json.dumps(command))
    answer = await gateway.subscriber.wait_for(lambda m: m.topic == f"{topic}/response", since=since)
    assert answer.json["status"] == "ok", answer.json
    return answer.json


def chosen(gateway: Running) -> dict[str, Any]:
    """The last message of each kind that shows what its example has to show."""
    examples = {}
    for name, (pattern, wanted) in CHOICE.items():
        found = [m.json for m in gateway.messages if m.payload and matches(pattern, m.topic) and wanted(m.json)]
        assert found, f"nothing for the example {name}"
        examples[name] = found[-1]
    return examples


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic filter without ``#`` matches."""
    levels, names = pattern.split("/"), topic.split("/")
    return len(levels) == len(names) and all(a in ("+", b) for a, b in zip(levels, names, strict=True))


def main() -> None:
    """Record, and write."""
    roots.ensure([VERSION])
    with tempfile.TemporaryDirectory(prefix="cti-contract-") as directory:
        examples = asyncio.run(run(Path(directory)))
    EXAMPLES.write_text(json.dumps(examples, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(with_examples(PAGE.read_text(encoding="utf-8"), examples), encoding="utf-8")
    for name, text in contract_files().items():
        (ROOT / "config" / "contract" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
