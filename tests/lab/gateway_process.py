"""The gateway as its users run it: a process with a configuration file, between the lab's Asterisk and broker."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.subscriber import Subscriber

NODE: Final = "lab"
PREFIX: Final = "cti"
BASE: Final = f"{PREFIX}/{NODE}"
STOP_TIMEOUT = 15.0

Settings = Mapping[str, Mapping[str, Any]]


def config_text(
    asterisk: Asterisk,
    mqtt_port: int,
    store: Path,
    *,
    wrap_up: Mapping[str, int],
    user: pbx.AmiUser = pbx.GATEWAY,
    changes: Settings | None = None,
) -> str:
    """Return a configuration file for the lab.

    Args:
        asterisk: A started instance.
        mqtt_port: The broker's.
        store: File for the gateway's store.
        wrap_up: Seconds by queue.
        user: AMI user to log in as.
        changes: Tables of keys put over those of the lab, such as ``{"session": {"time_to_answer": "ring"}}``.
    """
    tables: dict[str, dict[str, Any]] = {
        "asterisk": {
            "host": asterisk.host,
            "port": asterisk.port,
            "username": user.name,
            "password": user.secret,
            "queue_log": str(asterisk.queue_log),
        },
        "asterisk.wrap_up": dict(wrap_up),
        "mqtt": {"host": "127.0.0.1", "port": mqtt_port, "username": "", "prefix": PREFIX},
        "commands": {"addresses": ["Local/a*@agents/n"]},
        "store": {"path": str(store)},
        "http": {"listen": ""},
    }
    for table, keys in (changes or {}).items():
        tables.setdefault(table, {}).update(keys)
    lines = [f"node = {json.dumps(NODE)}"]
    for table, keys in tables.items():
        lines += ["", f"[{table}]", *(f"{_key(key)} = {_value(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # of these kinds, JSON is TOML


class GatewayProcess:
    """``cti-gateway run`` as a child process.

    Attributes:
        config: Its configuration file.
        log: The file that has what it writes.
    """

    def __init__(
        self, text: str, directory: Path, *, environment: Mapping[str, str] | None = None, module: str = "gateway"
    ) -> None:
        """Describe it.

        Args:
            text: The configuration.
            directory: Where file, store and log go.
            environment: Variables put over those of this process.
            module: What is run; one that is not the gateway itself takes the same arguments.
        """
        self.config = directory / "gateway.toml"
        self.log = directory / "gateway.log"
        self._text = text
        self._environment = environment
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it; `current` tells when it has its picture of Asterisk."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(self._text, encoding="utf-8")
        self.config.chmod(0o600)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module, "run", "--config", str(self.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(self._environment or {})},
                start_new_session=True,
            )

    async def current(self, subscriber: Subscriber, *, since: int = 0, within: float = 30.0) -> None:
        """Wait until it says that its picture of Asterisk is current; see `current` of this module.

        Raises:
            TimeoutError: If it does not say so in time.
            RuntimeError: If it ended instead; the text has the end of its log.
        """
        said = asyncio.create_task(current(subscriber, since=since, within=within), name="lab.current")
        ended = asyncio.create_task(self.ended(), name="lab.ended")
        await asyncio.wait({said, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not said.done():
            said.cancel()
            raise RuntimeError(f"the gateway ended: {self.log.read_text(errors='replace')[-2000:]}")
        said.result()

    async def stop(self) -> int | None:
        """End it in order (SIGTERM) and return its exit status, None if it was not running."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()
        return self._process.returncode

    async def kill(self) -> None:
        """End it without a word (SIGKILL)."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def ended(self) -> int:
        """Wait until it ends by itself and return its exit status."""
        assert self._process is not None
        return await self._process.wait()


async def current(subscriber: Subscriber, *, since: int = 0, within: float = 30.0) -> None:
    """Wait until the gateway says that it is online and its picture of Asterisk is current.

    Args:
        subscriber: One of ``#`` or of ``bridge/#``.
        since: Place in its messages from which to look for the news that the picture is current.
        within: Seconds.

    Raises:
        TimeoutError: If it does not say so in time.
    """
    await subscriber.wait_for(
        lambda m: m.topic == "bridge/asterisk" and bool((m.json or {}).get("current")), since=since, within=within
    )
    await subscriber.wait_for(lambda _: _online(subscriber), within=within)


def _online(subscriber: Subscriber) -> bool:
    state = subscriber.latest.get("bridge/state")
    return state is not None and state.payload == b"online"
