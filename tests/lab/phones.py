"""SIP phones: each a process of SIPp that plays one script, and keeps a log of its messages."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.lab import roots
from tests.lab.phones_log import PhoneLog, parse
from tests.lab.phones_pbx import SILENCE, PhoneExchange
from tests.lab.phones_script import Script

SOUND: Final = "silence.alaw"
RINGS_WITHIN: Final = 10.0  # seconds that a phone is given to come up


class PhoneError(Exception):
    """A phone did not get what its script says; the text tells how it ended, and its last messages."""


class Phone:
    """One phone, from `start` to the end of its script."""

    def __init__(self, script: Script, exchange: PhoneExchange, folder: Path) -> None:
        """Describe it; *folder* is inside the root that has SIPp."""
        self.number = script.number
        self._script = script
        self._exchange = exchange
        self._folder = folder
        self._root = roots.root_of(roots.PHONES)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; returns when calls can come."""
        self._path("xml").write_text(
            self._script.xml(f"/{(self._folder / SOUND).relative_to(self._root)}"), encoding="utf-8"
        )
        with self._path("screen").open("wb") as screen:
            self._process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig=KILL", "chroot", str(self._root), "/usr/bin/sipp"),
                *("-sf", self._inside("xml"), "-m", "1", "-l", "1", "-nostdin", "-cid_str", "%u-%p"),
                *(
                    "-i",
                    "127.0.0.1",
                    "-p",
                    str(self._exchange.ports[self.number]),
                    "-cp",
                    str(self._exchange.control_ports[self.number]),
                ),
                *("-mi", "127.0.0.1"),
                *("-trace_msg", "-message_file", self._inside("messages")),
                *("-trace_err", "-error_file", self._inside("errors")),
                f"127.0.0.1:{self._exchange.sip_port}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                start_new_session=True,
            )
        # That it listens is told to nobody, hence the short pause between looks.
        async with asyncio.timeout(RINGS_WITHIN):
            while not _is_bound(self._exchange.ports[self.number]):
                self._still_there()
                await asyncio.sleep(0.01)

    async def done(self, within: float = 60.0) -> PhoneLog:
        """Wait until the script is played to its end and return the log.

        Raises:
            PhoneError: If something came that is not in the script, or nothing in time.
        """
        assert self._process is not None
        try:
            async with asyncio.timeout(within):
                await self._process.wait()
        except TimeoutError:
            raise PhoneError(f"phone {self.number} still waits: {self._last_words()}") from None
        if self._process.returncode:
            raise PhoneError(f"phone {self.number} ended with {self._process.returncode}: {self._last_words()}")
        return self.log()

    def log(self) -> PhoneLog:
        """What it has logged so far."""
        messages = self._path("messages")
        return PhoneLog(parse(messages.read_text("utf-8", "replace")) if messages.exists() else [])

    async def kill(self) -> None:
        """End it without a word, if it is there."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _still_there(self) -> None:
        assert self._process is not None
        if self._process.returncode is not None:
            raise PhoneError(f"phone {self.number} did not start: {self._last_words()}")

    def _last_words(self) -> str:
        files = [self._path(kind) for kind in ("screen", "errors", "messages")]
        return "\n".join(file.read_text("utf-8", "replace")[-2000:] for file in files if file.exists())

    def _path(self, kind: str) -> Path:
        return self._folder / f"{self.number}.{kind}"

    def _inside(self, kind: str) -> str:
        return "/" + str(self._path(kind).relative_to(self._root))


class Phones:
    """All phones of a test: ``async with`` makes their folder, and at the end ends them and keeps their logs."""

    def __init__(self, exchange: PhoneExchange, keep: Path) -> None:
        """Describe them; *keep* is the folder into which the logs are copied at the end."""
        self._exchange = exchange
        self._keep = keep
        self._folder = Path()
        self._phones: list[Phone] = []

    async def __aenter__(self) -> Self:
        # Named as the folders of Asterisks are, and thus swept away like them if this process cannot.
        instances = roots.root_of(roots.PHONES) / "lab"
        instances.mkdir(exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-phones-", dir=instances))
        (self._folder / SOUND).write_bytes(SILENCE * 50)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for phone in self._phones:
            await phone.kill()
        shutil.copytree(self._folder, self._keep, dirs_exist_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def start(self, scripts: Iterable[Script]) -> list[Phone]:
        """Start a phone for each script; returns when calls can come to all of them."""
        phones = [Phone(script, self._exchange, self._folder) for script in scripts]
        self._phones += phones
        await asyncio.gather(*(phone.start() for phone in phones))
        return phones


def _is_bound(port: int) -> bool:
    """Whether somebody listens at a UDP port of 127.0.0.1."""
    return f" 0100007F:{port:04X} " in Path("/proc/net/udp").read_text()
