"""What systemd is told: that the service is ready, how it does, that it lives. Without systemd nobody is told.

Source: sd_notify(3) and sd_watchdog_enabled(3): a datagram of ``NAME=value`` lines to the socket ``$NOTIFY_SOCKET``.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

STATUS_INTERVAL: Final = 1.0
"""Seconds between two looks whether ``STATUS=`` changed."""


class Systemd:
    """The service manager, as a service sees it.

    Args:
        environ: The environment, which names the socket and the watchdog's patience.
        pid: This process.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ, pid: int | None = None) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        watched = environ.get("WATCHDOG_PID", "") in ("", str(os.getpid() if pid is None else pid))
        patience = environ.get("WATCHDOG_USEC", "")
        self.watchdog: Final = int(patience) / 1e6 if watched and patience.isdecimal() and int(patience) else None
        """Seconds after which a service that has not been heard of is killed; None if nobody watches."""

    def ready(self) -> None:
        """The service runs; also the end of ``reloading``."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The configuration is being read anew."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The service ends."""
        self._tell("STOPPING=1", "STATUS=stopping")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._tell(f"STATUS={text}")

    def alive(self) -> None:
        """The service lives."""
        self._tell("WATCHDOG=1")

    async def supervise(self, status: Callable[[], str], check: Callable[[], None]) -> None:
        """Until cancelled, tell what *status* says whenever it changes, and that the service lives after each *check*.

        Args:
            status: One line on the links. What is down there must not get the service killed.
            check: Uses what must not hang. It may take its time, but not for ever: then no sign of life follows, and
                so it is if the loop does not get here at all.
        """
        if not self._address:
            await asyncio.get_running_loop().create_future()  # nobody to tell anything, until cancelled
        every = STATUS_INTERVAL if self.watchdog is None else min(STATUS_INTERVAL, self.watchdog / 4)
        told = None
        while True:
            if (text := status()) != told:
                self.status(text)
                told = text
            if self.watchdog is not None:
                check()
                self.alive()
            await asyncio.sleep(every)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # An address that begins with @ is one of Linux' abstract namespace.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        one_line = (line.replace("\n", " ") for line in lines)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify, suppress(OSError):
            notify.settimeout(0)
            notify.sendto("\n".join(one_line).encode("utf-8", "backslashreplace"), address)
