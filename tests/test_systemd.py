"""What systemd is told: the words of sd_notify, and what a whole gateway says in its life."""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

from gateway.systemd import Systemd
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker, free_port
from tests.lab.gateway_process import GatewayProcess
from tests.service.live import pbx
from tests.unpacked import missing

WITHIN = 60.0  # seconds, also on a machine that is busy


class ServiceManager:
    """A socket such as systemd gives a service, and what came over it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)  # noqa: FBT003  the library's signature

    async def next(self) -> str:
        """The next message."""
        async with asyncio.timeout(WITHIN):
            message = (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode()
        self.told.append(message)
        return message

    async def until(self, wanted: str) -> str:
        """Wait for a message that has that in it."""
        while wanted not in (message := await self.next()):
            pass
        return message

    async def heard_within(self, seconds: float) -> bool:
        """Whether anything comes in that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.next()
                return True
        return False

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[ServiceManager]:
    """A service manager."""
    listening = ServiceManager(tmp_path / "notify")
    yield listening
    listening.close()


def environment(manager: ServiceManager, patience: float | None = None) -> dict[str, str]:
    """What a service of that manager finds in its environment."""
    watchdog = {} if patience is None else {"WATCHDOG_USEC": str(round(patience * 1e6))}
    return {"NOTIFY_SOCKET": str(manager.path), **watchdog}


async def test_the_words(manager: ServiceManager) -> None:
    """Each is a datagram in sd_notify's words, and no text can add a line of its own."""
    systemd = Systemd(environment(manager))
    systemd.ready()
    systemd.status("one\nREADY=1")
    systemd.alive()
    systemd.stopping()
    assert [await manager.next() for _ in range(4)] == [
        "READY=1",
        "STATUS=one READY=1",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=stopping",
    ]
    systemd.reloading()
    assert (await manager.next()).startswith("RELOADING=1\nMONOTONIC_USEC=")


def test_an_abstract_address_and_none() -> None:
    """A name that begins with @ is Linux' abstract one; without a manager, or with one that is gone, nothing is."""
    name = f"cti-gateway-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        Systemd({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert listening.recv(100) == b"READY=1"
    Systemd({}).ready()
    Systemd({"NOTIFY_SOCKET": "/nowhere/at/all"}).ready()


@pytest.mark.parametrize(
    ("environ", "patience"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "77"}, 0.5),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_patience(environ: dict[str, str], patience: float | None) -> None:
    """It is what systemd says, if this is the process that it means."""
    assert Systemd(environ, pid=77).watchdog == patience


async def test_a_sign_of_life_follows_each_check(manager: ServiceManager) -> None:
    """The watchdog is fed after each check that comes back, and the status is told when it changes only."""
    status = "down"
    checks: list[None] = []
    supervising = asyncio.create_task(
        Systemd(environment(manager, 0.2)).supervise(lambda: status, lambda: checks.append(None))
    )
    assert [await manager.next() for _ in range(4)] == ["STATUS=down", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
    assert len(checks) >= 3
    status = "up"
    await manager.until("STATUS=up")
    await manager.until("WATCHDOG=1")
    supervising.cancel()
    while await manager.heard_within(0.1):  # what had been said by then
        pass
    assert not await manager.heard_within(0.3)


@asynccontextmanager
async def running(
    folder: Path,
    manager: ServiceManager,
    *,
    broker_port: int,
    asterisk: ScriptedAsterisk,
    patience: float | None = None,
) -> AsyncIterator[GatewayProcess]:
    """A gateway as systemd would start it."""
    text = f"""
node = "pbx1"
[asterisk]
port = {asterisk.port}
username = "{asterisk.username}"
password = "{asterisk.secret}"
queue_log = ""
[mqtt]
port = {broker_port}
username = ""
[commands]
groups = ["*"]
[store]
path = "{folder}/gateway.db"
[http]
listen = ""
"""
    async with GatewayProcess(text, folder, environment=environment(manager, patience)) as process:
        yield process


async def test_ready_status_reload_and_end(tmp_path: Path, manager: ServiceManager) -> None:
    """Ready comes before the links, the status follows them, SIGHUP is told as a reload, and the end as such."""
    async with pbx() as asterisk:
        asterisk.stop_listening()
        broker = Broker(tmp_path / "broker", port=free_port())
        async with running(tmp_path, manager, broker_port=broker.port, asterisk=asterisk) as gateway:
            assert await manager.next() == "STATUS=Asterisk: down; broker: not connected"
            assert await manager.next() == "READY=1"
            broker.start()
            await manager.until("STATUS=Asterisk: down; broker: connected")
            await asterisk.listen()
            await manager.until("STATUS=Asterisk: up; broker: connected")
            text = gateway.config.read_text()
            gateway.config.write_text(
                text.replace('groups = ["*"]', 'groups = ["sales"]\nallow = ["set"]').replace("pbx1", "pbx2")
            )
            os.kill(gateway.pid, signal.SIGHUP)
            await manager.until("RELOADING=1")
            await manager.until("READY=1")
            gateway.config.write_text("nonsense = 1\n")
            os.kill(gateway.pid, signal.SIGHUP)
            await manager.until("RELOADING=1")
            await manager.until("READY=1")
            os.kill(gateway.pid, signal.SIGTERM)
            await manager.until("STOPPING=1")
            assert await gateway.ended() == 0
            said = gateway.log.read_text()
        broker.kill()
    assert "INFO gateway.rereading: the configuration was read again: commands.allow, commands.groups\n" in said
    assert "WARNING gateway.rereading: node has changed in the configuration: that takes a restart\n" in said
    assert "ERROR gateway.rereading: the configuration cannot be used, all stays as it is: " in said
    assert "Traceback" not in said


async def test_links_that_are_down_do_not_stop_the_watchdogs_food(tmp_path: Path, manager: ServiceManager) -> None:
    """With neither Asterisk nor broker the gateway lives, and says so in time."""
    async with pbx() as asterisk:
        asterisk.stop_listening()
        async with running(tmp_path, manager, broker_port=free_port(), asterisk=asterisk, patience=3.0):
            await manager.until("READY=1")
            for _ in range(4):
                assert await manager.heard_within(3.0)
            assert manager.told.count("WATCHDOG=1") >= 3


async def test_a_store_that_refuses_does_not_either(tmp_path: Path, manager: ServiceManager) -> None:
    """A store that another program has locked is told as the status, and is no reason to be killed."""
    with Broker(tmp_path / "broker") as broker:
        async with (
            pbx() as asterisk,
            running(tmp_path, manager, broker_port=broker.port, asterisk=asterisk, patience=2.0),
        ):
            await manager.until("Asterisk: up; broker: connected")
            with closing(sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                asterisk.set_status("PJSIP/1002", 2)
                await manager.until("store: ")
                for _ in range(4):
                    await manager.until("WATCHDOG=1")
                other.execute("ROLLBACK")


async def test_a_stopped_process_is_not_heard_of(tmp_path: Path, manager: ServiceManager) -> None:
    """A gateway whose loop does not turn feeds nobody."""
    port = free_port()
    async with (
        pbx() as asterisk,
        running(tmp_path, manager, broker_port=port, asterisk=asterisk, patience=0.5) as gateway,
    ):
        await manager.until("WATCHDOG=1")
        os.kill(gateway.pid, signal.SIGSTOP)
        while await manager.heard_within(0.2):
            pass
        assert not await manager.heard_within(0.6)
        os.kill(gateway.pid, signal.SIGCONT)
        await manager.until("WATCHDOG=1")


async def test_the_end_comes_within_five_seconds(tmp_path: Path, manager: ServiceManager) -> None:
    """SIGTERM ends it in that time though the broker takes nothing any more, a client holds its pages open, and all."""
    with Broker(tmp_path / "broker") as broker:
        async with pbx() as asterisk, running(tmp_path, manager, broker_port=broker.port, asterisk=asterisk) as gateway:
            await manager.until("Asterisk: up; broker: connected")
            broker.freeze()
            asterisk.set_status("PJSIP/1002", 2)
            os.kill(gateway.pid, signal.SIGTERM)
            async with asyncio.timeout(5):
                assert await gateway.ended() == 0
            broker.thaw()


class FreezableDisk:
    """A file system in a file, that can be made to answer no write for a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "disk"
        self._image = folder / "disk.img"

    def __enter__(self) -> Self:
        self.folder.mkdir()
        with self._image.open("wb") as file:
            file.truncate(32 << 20)
        image, folder = str(self._image), str(self.folder)
        for command in (["mkfs.ext4", "-q", image], ["mount", "-o", "loop", image, folder]):
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                missing(f"No disk can be made here that hangs: {done.stderr.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While within, every write waits."""
        subprocess.run(["fsfreeze", "--freeze", self.folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", self.folder], check=True)


async def test_a_store_that_hangs_is_no_life(tmp_path: Path, manager: ServiceManager) -> None:
    """While a write to the store does not come back, nothing is fed; it is when it comes back."""
    with FreezableDisk(tmp_path) as disk, Broker(tmp_path / "broker") as broker:
        async with (
            pbx() as asterisk,
            running(disk.folder, manager, broker_port=broker.port, asterisk=asterisk, patience=1.0),
        ):
            await manager.until("Asterisk: up; broker: connected")
            with disk.frozen():
                asterisk.set_status("PJSIP/1002", 2)
                while await manager.heard_within(1.5):  # what was said before the write, which comes when it comes
                    pass
                assert not await manager.heard_within(1.5)
            await manager.until("WATCHDOG=1")
