"""One running Asterisk: its own configuration, folders and AMI port, in the root of its version.

Any number of them run side by side; each has a folder of its own inside the root, which is removed at the end.
"""

import asyncio
import errno
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import pbx, roots, wire

START_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0


class Asterisk:
    """An Asterisk of one version, started and stopped at will.

    ``async with Asterisk("22") as asterisk`` starts it and, at the end, stops it and removes its folder. The root of
    the version must have been made (`tests.lab.roots.ensure`).

    Attributes:
        version: ``"16"`` or ``"22"``.
        host: Where its AMI is reached: 127.0.0.1, unless a subclass puts it elsewhere.
        bind: The address at which AMI listens, as Asterisk itself sees it.
        port: Of AMI.
        home: Its folder, seen from outside: ``etc``, ``log``, ``run``, ``spool``, ``db``.
        queue_log: Asterisk's queue_log, seen from outside.
    """

    host = "127.0.0.1"
    bind = "127.0.0.1"

    def __init__(
        self,
        version: str,
        *,
        queues: str = "",
        system_name: str = "",
        timestamps: bool = True,
        users: Iterable[pbx.AmiUser] = pbx.USERS,
        keep_logs: Path | None = None,
    ) -> None:
        """Describe the instance; nothing happens before `start`.

        Args:
            version: ``"16"`` or ``"22"``.
            queues: The text of queues.conf; `pbx.queues_conf()` if empty.
            system_name: Asterisk's ``systemname``, which goes before each Uniqueid.
            timestamps: ``timestampevents`` of manager.conf.
            users: Of AMI.
            keep_logs: Folder into which the log folder is copied at the end.
        """
        self.version = version
        self.root = roots.root_of(version)
        self.port = 0
        self.home = Path()
        self._queues = queues or pbx.queues_conf()
        self._system_name = system_name
        self._timestamps = timestamps
        self._users = tuple(users)
        self._keep_logs = keep_logs
        self._process: asyncio.subprocess.Process | None = None

    @property
    def queue_log(self) -> Path:
        """The queue_log as it is now, seen from outside the root."""
        return self.home / "log" / "queue_log"

    @property
    def pid(self) -> int:
        """The process id, which a restart by Asterisk itself keeps."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.stop()
        finally:
            self.remove()

    def prepare(self) -> None:
        """Make the folder and write every configuration file; a second call does nothing."""
        if self.port:
            return
        instances = self.root / "lab"
        instances.mkdir(exist_ok=True)
        _sweep(instances)
        self.home = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=instances))
        self.home.chmod(0o755)
        for name in ("etc", "log", "run", "spool", "db"):
            (self.home / name).mkdir()
        self.port = free_port()
        self._write("asterisk.conf", self._asterisk_conf())
        self._write("modules.conf", pbx.modules_conf())
        self._write("manager.conf", self._manager_conf())
        self._write("extensions.conf", pbx.extensions_conf())
        self._write("logger.conf", "[general]\nqueue_log = yes\n[logfiles]\nmessages => notice,warning,error\n")
        self._write("queues.conf", self._queues)
        self._write("cdr.conf", "[general]\nenable = no\n")
        for empty in ("agents.conf", "features.conf", "musiconhold.conf", "res_parking.conf", "cli.conf"):
            self._write(empty, "[general]\n")

    async def start(self) -> None:
        """Start it and wait until AMI says that it is fully booted."""
        self.prepare()
        with (self.home / "log" / "console").open("ab") as console:
            self._process = await asyncio.create_subprocess_exec(
                *self._command("-f", "-g"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )
        await self._ready()

    async def stop(self) -> None:
        """End it as an administrator would (``core stop now``); without a running process nothing happens."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def ended(self) -> None:
        """Wait until it has ended by itself."""
        assert self._process is not None
        await self._process.wait()

    async def restart(self) -> None:
        """Let it restart itself at once (``core restart now``) and wait until it is fully booted again."""
        witness = wire.Link()
        await witness.open(self.port, pbx.DRIVER.name, pbx.DRIVER.secret, self.host)
        try:
            with suppress(wire.LinkLostError):
                await witness.ask("Command", Command="core restart now")
            async with asyncio.timeout(START_TIMEOUT):
                await witness.lost.wait()
        finally:
            await witness.close()
        await self._ready()

    async def cli(self, command: str) -> str:
        """Run a command on Asterisk's own console and return what it prints."""
        process = await asyncio.create_subprocess_exec(
            *(
                "chroot",
                str(self.root),
                "/usr/sbin/asterisk",
                "-C",
                f"{self._inside}/etc/asterisk.conf",
                "-rx",
                command,
            ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return output.decode("utf-8", "replace")

    def rewrite_queues(self, text: str) -> None:
        """Put a new queues.conf in the place of the old; Asterisk sees it at the next reload."""
        self._queues = text
        if self.port:
            self._write("queues.conf", text)

    async def reload_queues(self) -> None:
        """Let it read queues.conf anew (``queue reload all``)."""
        await self.cli("queue reload all")

    def remove(self) -> None:
        """Remove the folder, after copying the logs to where they are to be kept."""
        if not self.port:
            return
        if self._keep_logs is not None:
            shutil.copytree(self.home / "log", self._keep_logs, dirs_exist_ok=True)
        shutil.rmtree(self.home, ignore_errors=True)
        self.port = 0

    @property
    def _inside(self) -> str:
        return "/" + str(self.home.relative_to(self.root))

    def _command(self, *arguments: str) -> list[str]:
        """Return the command that starts it."""
        return [
            *("setpriv", "--pdeathsig=TERM"),  # it must not outlive the tests, however they end
            *self._outer,
            *("chroot", str(self.root)),
            *self._inner,
            *("/usr/sbin/asterisk", "-C", f"{self._inside}/etc/asterisk.conf", *arguments),
        ]

    @property
    def _outer(self) -> list[str]:
        """Words of the command before it enters its root, for subclasses."""
        return []

    @property
    def _inner(self) -> list[str]:
        """Words of the command within its root, for subclasses."""
        return []

    def _manager_conf(self) -> str:
        return pbx.manager_conf(self.port, self._users, timestamps=self._timestamps, bind=self.bind)

    def _write(self, name: str, text: str) -> None:
        (self.home / "etc" / name).write_text(text, encoding="utf-8")

    def _asterisk_conf(self) -> str:
        modules = next(self.root.glob("usr/lib/*/asterisk/modules"), self.root / "usr/lib/asterisk/modules")
        here = self._inside
        name = f"systemname = {self._system_name}\n" if self._system_name else ""
        return (
            f"[directories]\nastetcdir => {here}/etc\nastmoddir => /{modules.relative_to(self.root)}\n"
            f"astvarlibdir => /var/lib/asterisk\nastdbdir => {here}/db\nastkeydir => /var/lib/asterisk\n"
            f"astdatadir => /usr/share/asterisk\nastagidir => /usr/share/asterisk/agi-bin\n"
            f"astspooldir => {here}/spool\nastrundir => {here}/run\nastlogdir => {here}/log\nastsbindir => /usr/sbin\n"
            f"[options]\n{name}documentation_language = en_US\nnocolor = yes\n"
        )

    async def _ready(self) -> None:
        """Wait until a login is answered and FullyBooted follows.

        That AMI begins to listen is told to nobody, hence the short pause between tries.
        """
        async with asyncio.timeout(START_TIMEOUT):
            while True:
                self._still_there()
                link = wire.Link()
                try:
                    await link.open(self.port, pbx.DRIVER.name, pbx.DRIVER.secret, self.host)
                    await first_of(link.booted, link.lost)
                    if link.booted.is_set():
                        await self._free_phones(link)
                        return
                except (OSError, wire.LinkLostError) as error:
                    if isinstance(error, OSError) and error.errno not in (errno.ECONNREFUSED, errno.ECONNRESET):
                        raise
                finally:
                    await link.close()
                await asyncio.sleep(0.02)

    async def _free_phones(self, link: wire.Link) -> None:
        """Put every phone back on its hook: astdb may remember a call that ended with the Asterisk before this one."""
        for phone in pbx.PHONES:
            device = f"DEVICE_STATE(Custom:{phone})"
            state = (await link.ask("Getvar", Variable=device))[0]["Value"]
            if state not in ("NOT_INUSE", "UNKNOWN"):
                await link.ask("Setvar", Variable=device, Value="NOT_INUSE")

    def _still_there(self) -> None:
        assert self._process is not None
        if self._process.returncode is not None:
            console = (self.home / "log" / "console").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"Asterisk {self.version} ended with {self._process.returncode}: {console}")


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    tasks = [asyncio.create_task(event.wait(), name="lab.first_of") for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _sweep(instances: Path) -> None:
    """Remove what processes that are gone have left behind; their Asterisks ended with them."""
    for folder in instances.iterdir():
        owner = folder.name.partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
