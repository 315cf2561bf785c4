"""A private, real Mosquitto on a free loopback port, for tests.

It never touches the machine's own broker: configuration, password file and store are in a directory of the caller's,
and it is ended by its process id. Not a fake: what the gateway promises about a broker is tried on one.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

SAMPLES = Path(__file__).parent.parent / "deploy" / "mosquitto"
START_TIMEOUT = 60.0  # seconds; Mosquitto needs some hundredths of one, where nothing else runs
STOP_TIMEOUT = 60.0  # seconds from SIGTERM to SIGKILL
KEPT_PORTS = 100  # more than any test has at a time, and less than a process may have open files

_keepers: deque[socket.socket] = deque()


class BrokerError(RuntimeError):
    """Mosquitto is missing, or did not start; the text has its log."""


def find_mosquitto() -> str:
    """Return the path of Mosquitto's binary, looked for on PATH and where Debian keeps it.

    Raises:
        BrokerError: If it is not there; the text says how to get it.
    """
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if path is None:
        raise BrokerError("no Mosquitto found: install Mosquitto: apt-get install mosquitto")
    return path


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that the kernel gives to nobody else for as long as it matters here.

    A socket that does not listen stays bound to it. Whoever asks for any port or connects somewhere gets another one, a
    connection to it is refused, and a server that sets SO_REUSEADDR, as all do that we start, can be bound to it by its
    number, and again after its end.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    _keepers.append(keeper)
    if len(_keepers) > KEPT_PORTS:
        _keepers.popleft().close()
    port: int = keeper.getsockname()[1]
    return port


@dataclass
class Broker:
    """One Mosquitto, MQTT 5 and 3.1.1 over TCP.

    Attributes:
        directory: Where its files go; made if missing.
        persistence: Whether sessions, queued and retained messages outlive an orderly ``restart()``.
        users: Passwords by user name; None lets everybody in without one.
        acl: Text of an ACL file; None allows everything.
        settings: Further lines of ``mosquitto.conf``.
        tls: Certificate chain and key file; clients must then speak TLS.
        port: The port it listens on, the same over its restarts; 0 takes a free one.
    """

    directory: Path
    persistence: bool = False
    users: Mapping[str, str] | None = None
    acl: str | None = None
    settings: Sequence[str] = ()
    tls: tuple[Path, Path] | None = None
    port: int = 0
    host: str = "127.0.0.1"
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def log(self) -> str:
        """What Mosquitto has logged so far."""
        path = self.directory / "mosquitto.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> Self:
        """Start it and return when it takes connections.

        Raises:
            BrokerError: If Mosquitto is not installed or does not come up.
        """
        assert self.pid is None, "it runs already"
        binary = find_mosquitto()
        self.directory.mkdir(parents=True, exist_ok=True)
        attempts = 1 if self.port else 3  # another process may take a free port before Mosquitto does
        for attempt in range(attempts):
            port = self.port or free_port()
            config = self._write_config(port)
            with (self.directory / "stderr.log").open("ab") as errors:
                self._process = subprocess.Popen(
                    [binary, "-c", os.fspath(config)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                )
            if self._wait_until_it_listens(port):
                self.port = port
                return self
            self.kill()
            if attempt + 1 == attempts:
                break
        raise BrokerError(f"Mosquitto did not start:\n{self.log}{(self.directory / 'stderr.log').read_text()}")

    def stop(self) -> None:
        """End it in an orderly way; with persistence it saves its store. Nothing if it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would. Nothing if it does not run."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it in an orderly way and start it on the same port."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop its clock: connections stay open and nothing is read or answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)  # a frozen process takes no SIGTERM
            process.send_signal(how)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait_until_it_listens(self, port: int) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.host, port), timeout=1):
                return self._process.poll() is None
            time.sleep(0.005)  # Mosquitto has no way of saying that it is ready
        return False

    def _write_config(self, port: int) -> Path:
        lines = [
            f"listener {port} {self.host}",
            f"user {getpass.getuser()}",  # else, started by root, it becomes a user who cannot read these files
            "set_tcp_nodelay true",
            "max_queued_messages 1000000",
            "max_inflight_messages 1000",
            f"log_dest file {self.directory / 'mosquitto.log'}",
            *(f"log_type {kind}" for kind in ("error", "warning", "notice", "information")),
            f"persistence {'true' if self.persistence else 'false'}",
            f"persistence_location {self.directory}/",
        ]
        if self.users is None:
            lines.append("allow_anonymous true")
        else:
            lines += ["allow_anonymous false", f"password_file {self._write_passwords(self.users)}"]
        if self.acl is not None:
            lines.append(f"acl_file {self._write_private('acl', self.acl)}")
        if self.tls is not None:
            lines += [f"certfile {self.tls[0]}", f"keyfile {self.tls[1]}"]
        config = self.directory / "mosquitto.conf"
        config.write_text("\n".join([*lines, *self.settings]) + "\n")
        return config

    def _write_passwords(self, users: Mapping[str, str]) -> Path:
        passwords = self._write_private("passwords", "".join(f"{name}:{word}\n" for name, word in users.items()))
        tool = shutil.which("mosquitto_passwd", path=f"{os.environ.get('PATH', '')}:{Path(find_mosquitto()).parent}")
        if tool is None:
            raise BrokerError("no mosquitto_passwd found: install Mosquitto: apt-get install mosquitto")
        subprocess.run([tool, "-U", os.fspath(passwords)], check=True, capture_output=True)
        return passwords

    def _write_private(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path


@dataclass
class SampleBroker(Broker):
    """A Mosquitto on the sample files, with its ports and paths moved into the folder and these ``USERS``.

    Attributes:
        websocket_port: Where pages reach it.
    """

    USERS: ClassVar = {"cti-gateway": "one", "wallboard": "two", "Alice": "three", "supervisor": "four"}
    websocket_port: int = 0

    def _wait_until_it_listens(self, port: int) -> bool:
        return super()._wait_until_it_listens(port) and super()._wait_until_it_listens(self.websocket_port)

    def _write_config(self, port: int) -> Path:
        self._write_passwords(self.USERS).rename(self.directory / "cti-gateway.passwd")
        self._write_private("cti-gateway.acl", (SAMPLES / "acl").read_text())
        sample = (SAMPLES / "cti-gateway.conf").read_text()
        self.websocket_port = self.websocket_port or free_port()
        for usual, own in ((1883, port), (9001, self.websocket_port)):
            assert f"\nlistener {usual} 127.0.0.1\n" in sample
            sample = sample.replace(f"\nlistener {usual} ", f"\nlistener {own} ")
        sample = sample.replace("/etc/mosquitto/", f"{self.directory}/")
        # What a distribution's own mosquitto.conf says before it includes further files.
        main = f"user {getpass.getuser()}\npersistence true\npersistence_location {self.directory}/\n"
        main += f"log_dest file {self.directory}/mosquitto.log\n"
        config = self.directory / "mosquitto.conf"
        config.write_text(main + sample)
        return config
