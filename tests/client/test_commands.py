"""``watch`` and ``send`` as their users run them: processes, against a live gateway."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.broker import Broker, free_port
from tests.service.live import ALICE, BOB, TOPICS, Live

WITHIN = 60.0  # seconds; a process takes one to start, and more on a machine that is busy


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    status: int | None
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """This process's, without what makes output depend on who runs the tests."""
    kept = {key: value for key, value in os.environ.items() if key not in {"FORCE_COLOR", "NO_COLOR", "COLUMNS"}}
    return {**kept, **more}


async def run(*arguments: str) -> Said:
    """Run ``cti-gateway`` to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments), stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment()
    )
    async with asyncio.timeout(WITHIN):
        out, err = await process.communicate()
    return Said(process.returncode, out.decode(), err.decode())


def options(broker: Broker) -> list[str]:
    """Where the gateway under test is."""
    return ["--broker", f"{broker.host}:{broker.port}", "--base", TOPICS.base]


async def test_send_says_what_became_of_a_command(broker: Broker, gateway: Live) -> None:
    """The answer is printed and decides the exit status: 0 done, 1 refused, 2 a command that cannot be meant."""
    where = options(broker)
    paused, unknown, bad, everywhere = await asyncio.gather(
        run("send", *where, "set", "Support", "Alice", ALICE, "NOT_READY", "--reason", "lunch"),
        run("send", *where, "set", "Support", "Nobody", "PJSIP/9", "READY"),
        run("send", *where, "set", "Support", "Alice", ALICE, "NOT_READY", "--reason", "a|b"),
        run("send", *where, "agent-set", "Bob", "NOT_READY"),
    )
    assert paused == Said(0, "ok, changed, now NOT_READY\n", "")
    assert (unknown.status, unknown.out) == (1, "")
    assert unknown.err.startswith("cti-gateway: UNKNOWN_SESSION: ")
    assert bad == Said(2, "", "cti-gateway: reason: must not hold any of | , ;\n")
    assert everywhere == Said(0, f"sales {BOB}: ok, changed, now NOT_READY\n", "")
    assert ("QueuePause", {"Queue": "Support", "Interface": ALICE, "Paused": "true", "Reason": "lunch"}) in (
        gateway.asked()
    )


@pytest.mark.usefixtures("gateway")
async def test_send_has_every_command(broker: Broker) -> None:
    """Log in and out, periods, resync and health; --json prints the answer as it came."""
    where = options(broker)
    created = await run("send", *where, "--json", "create-session", "Support", "Carol", "PJSIP/1003", "--penalty", "3")
    assert json.loads(created.out)["state"] == "READY"
    said = await asyncio.gather(
        run("send", *where, "end-session", "Support", "Carol", "PJSIP/1003"),
        run("send", *where, "measurement-period", "3600", "--queue", "sales"),
        run("send", *where, "measurement-period", "3600"),
        run("send", *where, "resync"),
        run("send", *where, "health"),
    )
    assert [each.status for each in said] == [0, 0, 2, 0, 0]
    assert said[0].out == "ok, changed, now SESSION_ENDED\n"


@pytest.mark.usefixtures("gateway")
async def test_send_reads_the_gateways_configuration(broker: Broker, tmp_path: Path) -> None:
    """With --config the broker, its user and the base topic are those of the gateway."""
    config = tmp_path / "gateway.toml"
    text = f'node = "pbx1"\n[asterisk]\npassword = "x"\n[mqtt]\nport = {broker.port}\nusername = ""\n'
    config.write_text(text)
    assert (await run("send", "--config", str(config), "set", "sales", "Bob", BOB, "NOT_READY")).status == 0
    config.write_text("nodes = 1\n")
    assert (await run("send", "--config", str(config), "resync")).status == 2


async def test_what_cannot_be_reached_is_told(tmp_path: Path) -> None:
    """No broker, a refused login, no base topic, no gateway: each has its words and its exit status, no traceback."""
    password = tmp_path / "password"
    password.write_text("wrong\n")
    with Broker(tmp_path / "closed", users={"desk": "right"}) as closed, Broker(tmp_path / "empty") as empty:
        login = ["--username", "desk", "--password-file", str(password)]
        nobody, refused, homeless, silent, none = await asyncio.gather(
            run("send", "--broker", f"127.0.0.1:{free_port()}", "--base", TOPICS.base, "resync"),
            run("send", *options(closed), *login, "resync"),
            run("watch", "--broker", "127.0.0.1"),
            run("send", *options(empty), "--timeout", "0.2", "resync"),
            run("watch", *options(empty), "--once"),
        )
    assert nobody.status == 1
    assert nobody.err.startswith("cti-gateway: the broker cannot be reached: ")
    assert refused.status == 5
    assert refused.err.startswith("cti-gateway: the broker refused the login: ")
    assert homeless == Said(2, "", "cti-gateway: --broker needs --base, the gateway's base topic, such as cti/pbx1\n")
    assert silent == Said(1, "", "cti-gateway: no answer within 0.2 s: is the gateway running?\n")
    assert none.status == 1
    assert none.out.startswith("# cti/pbx1: NOT CURRENT: nothing is known of a gateway under this base topic\n")


@pytest.mark.usefixtures("gateway")
async def test_watch_once_prints_what_there_is(broker: Broker) -> None:
    """Without a terminal the tables are lines of cells parted by tabs: sorted, and of the group asked for."""
    where = [*options(broker), "--once"]
    everything, group, agents, wrong = await asyncio.gather(
        run("watch", *where, "--sort", "-missed"),
        run("watch", *where, "--group", "Support"),
        run("watch", *where, "--only", "agents", "--sort", "-sessions"),
        run("watch", *where, "--sort", "beauty"),
    )
    assert everything.status == 0
    lines = everything.out.splitlines()
    assert lines[0] == "# cti/pbx1: current"
    assert lines[1] == "# sessions (3)"
    assert lines[2].startswith("group\tagent\taddress\tstate\tfor\t")
    assert [line.split("\t")[:4] for line in lines[3:6]] == [
        ["Support", "Alice", ALICE, "READY"],
        ["sales", "Alice", ALICE, "READY"],
        ["sales", "Bob", BOB, "READY"],
    ]
    assert "# sessions (1)" in group.out
    assert "Bob" not in group.out
    assert [line.split("\t")[0] for line in agents.out.splitlines()[2:]] == ["agent", "Alice", "Bob"]
    assert wrong.status == 2
    assert "beauty" in wrong.err


@asynccontextmanager
async def watching(*arguments: str, stdout: int = PIPE, **more: str) -> AsyncIterator[Process]:
    """Run ``watch`` until the ``with`` ends; it is ended as Ctrl-C would, and in order."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "watch", *arguments),
        stdin=DEVNULL,
        stdout=stdout,
        stderr=PIPE,
        env=environment(**more),
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(WITHIN):
            _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


async def line_with(process: Process, wanted: str) -> str:
    """The next line that has a text in it."""
    assert process.stdout is not None
    async with asyncio.timeout(WITHIN):
        while wanted not in (line := (await process.stdout.readline()).decode()):
            assert line, "it ended"
    return line


async def test_watch_tells_events_where_there_is_no_terminal(broker: Broker, gateway: Live) -> None:
    """Each event is a line; that the picture is not current is told in words, and so is its return."""
    async with watching(*options(broker)) as process:
        await line_with(process, "# queues")
        await gateway.call("sales", BOB, "Bob")
        line = await line_with(process, "BUSY_ON_CALL")
        assert line.split("\t")[1:6] == ["session", "sales", "Bob", BOB, "BUSY"]
        await line_with(process, "BUSY_ACD")
        broker.stop()
        assert "NOT CURRENT" in await line_with(process, "#")
        broker.start()
        await line_with(process, ": current")


async def test_watch_draws_tables_on_a_terminal(broker: Broker, gateway: Live) -> None:
    """On a terminal there are tables with colours, every state also by its name, drawn anew when something changes."""
    ours, theirs = pty.openpty()
    drawn = bytearray()
    changed = asyncio.Event()

    def read() -> None:
        drawn.extend(os.read(ours, 1 << 16))
        changed.set()

    async def shown(pattern: str) -> None:
        async with asyncio.timeout(WITHIN):
            while not re.search(pattern, drawn.decode(errors="replace")):
                changed.clear()
                await changed.wait()

    asyncio.get_running_loop().add_reader(ours, read)
    try:
        async with watching(*options(broker), stdout=theirs, TERM="xterm-256color", COLUMNS="160", LINES="60"):
            await shown("cti/pbx1: current")
            await shown("\x1b\\[32mREADY")
            await gateway.call("sales", BOB, "Bob")
            await shown("\x1b\\[1;36mBUSY_ON_CALL")
            drawn.clear()
            await gateway.asterisk.stop()
            await shown("NOT CURRENT: the gateway has no link to Asterisk")
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("command", [["watch"], ["send"], ["send", "set"], ["schema"]])
async def test_help_has_an_example(command: list[str]) -> None:
    """The help of each command ends with a command line to copy."""
    said = await run(*command, "--help")
    assert said.status == 0
    assert "Example: cti-gateway" in said.out


async def test_schema_is_written(tmp_path: Path) -> None:
    """``schema`` prints AsyncAPI or all JSON Schemas, or writes files; what cannot be written is told."""
    printed, schemas, written, refused = await asyncio.gather(
        run("schema"),
        run("schema", "--format", "jsonschema"),
        run("schema", "--output", str(tmp_path / "contract")),
        run("schema", "--output", "/proc/none"),
    )
    assert json.loads(printed.out)["asyncapi"] == "3.0.0"
    assert json.loads(schemas.out)["session"]["$id"] == "urn:cti-gateway:contract:1:session"
    assert written == Said(0, "", "")
    assert json.loads((tmp_path / "contract" / "asyncapi.json").read_text())["asyncapi"] == "3.0.0"
    assert (tmp_path / "contract" / "session.schema.json").exists()
    assert refused.status == 1
    assert "/proc/none" in refused.err
