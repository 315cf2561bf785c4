"""The demo: figures within seconds, commands that work as it says, and nothing left behind."""

import asyncio
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest

from gateway.cli import private_broker
from gateway.cli.private_broker import PrivateBroker
from gateway.client import GatewayClient
from gateway.config import load_config
from tests.broker import Broker
from tests.unpacked import missing

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, "-m", "gateway", "demo")
WITHIN = 60.0


@dataclass
class Demo:
    """A demo under way: its process, and what it has said."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    async def until(self, pattern: str) -> re.Match[str]:
        """Read until a line has *pattern*."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN):
            while raw := await self.process.stdout.readline():
                self.lines.append(raw.decode())
                if found := re.search(pattern, self.lines[-1]):
                    return found
        raise AssertionError(f"never said {pattern}: {''.join(self.lines)}")

    async def ended(self) -> int:
        """Read to the end; returns the exit status."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN):
            self.lines += (await self.process.stdout.read()).decode().splitlines(keepends=True)
            return await self.process.wait()

    @property
    def text(self) -> str:
        """Everything said."""
        return "".join(self.lines)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the demo makes its folder."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@asynccontextmanager
async def demo(temporary: Path, *arguments: str, **environment: str) -> AsyncIterator[Demo]:
    """Run the demo in a session of its own, whose processes can be counted."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield Demo(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def is_empty(folder: Path) -> bool:
    """Whether a folder has nothing in it."""
    return not any(folder.iterdir())


def runs(process: int) -> bool:
    """Whether a process is there, and not only its exit status."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


def children(folder: Path) -> Iterator[int]:
    """Every process that was started on a file in a folder."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(folder) in path.read_bytes():
                yield int(path.parent.name)
        except OSError:
            continue  # it has ended


async def test_figures_come_at_once_and_nothing_stays(temporary: Path) -> None:
    """Events are shown within seconds, the books are the same on both sides, and no process or file is left."""
    started = time.monotonic()
    async with demo(temporary, "--seconds", "8") as running:
        await running.until(r"\tsession\t\w+\t.*\tBUSY\tBUSY_ON_CALL")
        assert time.monotonic() - started < WITHIN
        assert list(children(temporary))
        assert await running.ended() == 0
    counted = re.search(r"by the gateway: (\d+) callers answered, (\d+) gave up", running.text)
    known = re.search(r"which knows: (\d+) and (\d+)", running.text)
    assert counted is not None
    assert known is not None
    assert abs(int(counted[1]) - int(known[1])) <= 1  # one may be on its way at the end
    assert not list(children(temporary))
    assert is_empty(temporary)


async def test_a_small_terminal_shows_every_command_whole(temporary: Path) -> None:
    """In 80 columns and 24 lines nothing is cut off: not the commands to try, not a column, not the last line."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    arguments = (*COMMAND, "--seconds", "4")
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, cwd=ROOT, env=os.environ | {"TMPDIR": str(temporary), "TERM": "xterm"}, stdout=theirs
        )
        os.close(theirs)
        drawn = await asyncio.to_thread(_read_all, ours)
        assert await process.wait() == 0
    finally:
        os.close(ours)
    last = drawn.rpartition("A simulated call center")[2].partition("Counted by")[0]
    screen = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last).splitlines()]
    assert "…" not in "".join(screen)
    text = "".join(screen)  # what is too long for a line goes on in the next
    assert re.search(r"watch --config ?\S+/cti-demo-\w+/gateway\.toml", text)
    assert re.search(r"tail -f ?\S+/cti-demo-\w+/gateway\.log", text)
    assert any(line.split()[:2] == ["queue", "waiting"] for line in screen)
    assert any(line.split()[:4] == ["group", "agent", "state", "for"] for line in screen)
    assert len(screen) <= 24


def _read_all(terminal: int) -> str:
    """What is drawn on a terminal until nobody has it open any more."""
    drawn = b""
    with suppress(OSError):  # how Linux says so
        while piece := os.read(terminal, 1 << 16):
            drawn += piece
    return drawn.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_order(temporary: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end everything that was started, with status 0, and without a traceback."""
    async with demo(temporary) as running:
        await running.until(r"\tsession\t")
        os.killpg(running.process.pid, number)  # as a terminal does it, to all at once
        assert await running.ended() == 0
    assert "Traceback" not in running.text
    assert "Counted by the gateway" in running.text
    assert not list(children(temporary))
    assert is_empty(temporary)


async def test_a_kill_leaves_no_process(temporary: Path) -> None:
    """Even where the demo is killed, its broker goes with it."""
    async with demo(temporary) as running:
        await running.until(r"\tsession\t")
        (broker,) = children(temporary)
        running.process.kill()
        await running.process.wait()
        async with asyncio.timeout(WITHIN):
            while runs(broker):  # noqa: ASYNC110  the end of somebody else's child is told to nobody
                await asyncio.sleep(0.02)


async def test_what_it_says_works(temporary: Path) -> None:
    """The command it names pauses that agent, the page it names is there, and so is the configuration file."""
    if shutil.which("mosquitto_pub") is None:
        missing("mosquitto_pub is not installed: apt-get install mosquitto-clients")
    async with demo(temporary) as running:
        config = (await running.until(r"watch --config (\S+)"))[1]
        page = (await running.until(r"page +(http://\S+)"))[1]
        said = await running.until(r"pause +(mosquitto_pub.* -t '(cti/demo/agent/([^']+)/set)' -m NOT_READY)")
        assert load_config(Path(config), {}).node == "demo"
        port = re.search(r"-p (\d+)", said[1])
        async with GatewayClient("127.0.0.1", int(port[1]) if port else 1883, node="demo") as client:
            asked = await asyncio.create_subprocess_shell(said[1])
            assert await asked.wait() == 0
            assert client.sessions(agent=said[3])
            await client.until(
                lambda: all(each.asterisk.paused for each in client.sessions(agent=said[3])), timeout=WITHIN
            )
        fetched = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"import urllib.request; print(urllib.request.urlopen({page!r}).status)",
            stdout=subprocess.PIPE,
        )
        out, _ = await fetched.communicate()
        assert out.strip() == b"200"


async def test_somebodys_broker_is_left_as_it_was(temporary: Path, tmp_path: Path) -> None:
    """On a broker that is not its own the demo takes away at the end what it had left there."""
    with Broker(tmp_path / "broker") as broker:
        async with demo(temporary, "--broker", f"127.0.0.1:{broker.port}", "--seconds", "6") as running:
            await running.until(r"\tsession\t")
            assert not [each for each in children(temporary) if each != running.process.pid]
            assert await running.ended() == 0
        async with GatewayClient("127.0.0.1", broker.port, node="demo") as client:
            assert not client.sessions()
            assert client.why_not_current == "nothing is known of a gateway under this base topic"


async def test_a_port_that_somebody_took_meanwhile_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another demo may take the usual port between the look and the start: that broker is not taken for our own."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    taken = server.sockets[0].getsockname()[1]
    free = private_broker.free_port
    monkeypatch.setattr(private_broker, "free_port", lambda wanted: taken if wanted == 1883 else free(wanted))
    async with PrivateBroker(tmp_path) as broker:
        assert broker.port != taken
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.publish("a", b"b", qos=1)
    server.close()


async def test_without_a_broker_it_says_what_to_install(temporary: Path, tmp_path: Path) -> None:
    """Where there is no Mosquitto it says how to get one, and how to do without, and leaves with 1."""
    script = "import gateway.cli.private_broker as broker; broker._PLACES = ''; from gateway.cli import app; app()"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        "demo",
        env={**os.environ, "PATH": str(tmp_path), "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), WITHIN)
    assert process.returncode == 1
    assert b"apt-get install mosquitto" in said
    assert b"--broker" in said
    assert is_empty(temporary)


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--from", "03:00"],
        ["simulate", "--from", "noon"],
        ["demo", "--broker", "x:y"],
        ["simulate", "--agents", "0"],
    ],
)
def test_what_cannot_be_is_told(arguments: list[str]) -> None:
    """Options that make no sense are refused with status 2."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments], capture_output=True, cwd=ROOT, timeout=WITHIN, check=False
    )
    assert done.returncode == 2
    assert done.stderr


def test_simulate_writes_what_was(tmp_path: Path) -> None:
    """The simulator alone says where it listens, writes a queue_log, and at the end its books."""
    files = ["--queue-log", str(tmp_path / "queue_log"), "--truth", str(tmp_path / "truth.json")]
    command = [sys.executable, "-m", "gateway", "simulate", "--port", "0", "--seconds", "2", "--speed", "60", *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=WITHIN, check=True)
    assert re.search(r"AMI on 127\.0\.0\.1 port \d+, user cti-gateway, secret simulated", done.stdout)
    assert "QUEUESTART" in (tmp_path / "queue_log").read_text()
    assert '"total_talk_time"' in (tmp_path / "truth.json").read_text()


async def test_simulate_says_why_it_cannot(tmp_path: Path) -> None:
    """A port in use, or a file that cannot be written, is told in a line, with status 1."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for options, word in (
        (["--port", str(port)], "in use"),
        (["--port", "0", "--queue-log", str(tmp_path)], "directory"),
    ):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "simulate", *options, cwd=ROOT, stderr=subprocess.PIPE
        )
        _, said = await asyncio.wait_for(process.communicate(), WITHIN)
        assert process.returncode == 1
        assert word in said.decode().lower()
        assert b"Traceback" not in said
    server.close()
