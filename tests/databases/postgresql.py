"""A real PostgreSQL with a database of its own: the machine's programs, or Debian 12's in a root of their own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self

import psycopg

from tests.broker import free_port
from tests.lab.roots import LabUnavailableError, Suite, ensure_suite
from tests.unpacked import missing

SUITE: Final = Suite(
    "bookworm", "bookworm", ("postgresql-15",), program="usr/lib/postgresql/15/bin/postgres", kept_as="postgresql"
)
USER: Final = "postgres"
START_TIMEOUT: Final = 60.0  # seconds


class PostgreSQL:
    """One server on the loopback that lets everybody in. Its user is ``postgres``: it does not run as root."""

    def __init__(self) -> None:
        """Find the programs, and make an empty store."""
        self._root, self._programs = _place()
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="cti-postgresql-", dir=self._root / "tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self._folder.chmod(0o755)
        store = self._folder / "store"
        store.mkdir()
        self._run("chown", USER, self._there(store), user="root")
        self._run(f"{self._programs}/initdb", "--auth=trust", "--no-sync", "-D", self._there(store))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def environment(self) -> dict[str, str]:
        """By which programs find it."""
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGDATABASE": USER, "PGUSER": USER}

    def connect(self) -> psycopg.Connection:
        """A connection of its owner's."""
        return psycopg.connect(host="127.0.0.1", port=self.port, dbname=USER, user=USER, autocommit=True)

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # a root of its own has no /dev/shm
            "fsync": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._as(USER, f"{self._programs}/postgres", "-D", self._there(self._folder / "store"), *options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.02)  # it tells nobody when it is ready
            else:
                return

    def stop(self) -> None:
        """End it, and all connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)  # PostgreSQL's "fast"
        self._process.wait()

    def _there(self, path: Path) -> str:
        return f"/{path.relative_to(self._root)}"

    def _as(self, user: str, *command: str) -> list[str]:
        return ["chroot", f"--userspec={user}", os.fspath(self._root), *command]

    def _run(self, *command: str, user: str = USER) -> None:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        done = subprocess.run(self._as(user, *command), capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr


def _place() -> tuple[Path, str]:
    """The root in which the programs are, and their folder there."""
    if os.geteuid() != 0:
        missing("PostgreSQL runs as a user of its own, which only root can make it do.")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found and any(entry.pw_name == USER for entry in pwd.getpwall()):
        return Path("/"), os.fspath(found[-1].parent)
    try:
        return ensure_suite(SUITE), f"/{Path(SUITE.program).parent}"
    except LabUnavailableError as error:
        missing(str(error))
        raise
