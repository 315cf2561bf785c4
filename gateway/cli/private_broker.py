"""A Mosquitto of the demo's own: found on this machine, run on loopback, ended with the demo."""

import asyncio
import getpass
import shutil
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_PLACES: Final = "/usr/sbin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin"
_UP_WITHIN: Final = 10.0
_DOWN_WITHIN: Final = 5.0
_ENDS_WITHIN: Final = 0.5
"""Seconds in which a Mosquitto that does not say that it runs, as older ones do not, ends if it has no port."""


class BrokerUnavailableError(Exception):
    """There is no Mosquitto here, or it does not start; the text says what to do."""


class PrivateBroker:
    """``async with PrivateBroker(folder) as broker``: a Mosquitto that takes everybody from this machine.

    Args:
        folder: Where its files go.

    Attributes:
        port: Its MQTT port: the usual one if that is free.
        websocket_port: Its port for pages in a browser; None where this Mosquitto knows no WebSockets.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0
        self.websocket_port: int | None = None

    async def __aenter__(self) -> Self:
        """Start it; returns when it takes connections.

        Raises:
            BrokerUnavailableError: There is none, or it does not start.
        """
        binary = shutil.which("mosquitto") or shutil.which("mosquitto", path=_PLACES)
        if binary is None:
            raise BrokerUnavailableError(
                "no Mosquitto found. Install one (Debian: apt-get install mosquitto mosquitto-clients), "
                "or name a broker: --broker HOST:PORT"
            )
        # The usual ports, then any, as another may take those meanwhile; and some are built without WebSockets.
        for port, websocket_port in ((1883, 9001), (0, 0), (0, None)):
            self.port = free_port(port)
            self.websocket_port = None if websocket_port is None else free_port(websocket_port)
            if await self._start(binary):
                return self
        raise BrokerUnavailableError(f"Mosquitto does not start; it says:\n{self._log.read_text()}")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_DOWN_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def _log(self) -> Path:
        return self._folder / "mosquitto.log"

    async def _start(self, binary: str) -> bool:
        lines = [
            f"listener {self.port} 127.0.0.1",
            *(
                []
                if self.websocket_port is None
                else [f"listener {self.websocket_port} 127.0.0.1", "protocol websockets"]
            ),
            f"user {getpass.getuser()}",  # started by root it would become a user who cannot write to the folder
            "allow_anonymous true",
            "persistence false",
            "set_tcp_nodelay true",
            "max_queued_messages 100000",
        ]
        config = self._folder / "mosquitto.conf"
        config.write_text("\n".join([*lines, ""]), encoding="utf-8")
        # Ctrl-C is for the demo, which ends this one when the gateway has left; a demo that is killed takes it along.
        setpriv = shutil.which("setpriv")
        ahead = [setpriv, "--pdeathsig=KILL"] if setpriv else []
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *ahead,
                binary,
                "-c",
                str(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return await self._is_up()

    async def _is_up(self) -> bool:
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait(), name="demo.broker.ended")
        try:
            async with asyncio.timeout(_UP_WITHIN):
                while not ended.done():
                    with suppress(OSError):
                        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                        writer.close()
                        with suppress(OSError):
                            await writer.wait_closed()
                        # Whoever listens there may be another's: ours would end at once.
                        if " running" not in self._log.read_text():
                            await asyncio.wait({ended}, timeout=_ENDS_WITHIN)
                        return not ended.done()
                    await asyncio.wait({ended}, timeout=0.02)  # that it listens is told to nobody
        except TimeoutError:
            self._process.kill()
            await ended
        finally:
            ended.cancel()
        return False


def free_port(wanted: int) -> int:
    """A TCP port of 127.0.0.1 that nobody uses now: the one wanted, if it may be had."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found: int = probe.getsockname()[1]
                return found
    raise BrokerUnavailableError("there is no free port on 127.0.0.1")
