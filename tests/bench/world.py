"""Everything of one turn: a scripted Asterisk, a broker, a subscriber, and the bridge that is measured between them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.bench import process
from tests.bench.answers import SECRET, USERNAME
from tests.bench.floor import NODE, PREFIX, SENTINEL, Floor
from tests.bench.lines import ROOT, Child, ChildError
from tests.broker import SampleBroker

GATEWAY: Final = "gateway"
BASELINE: Final = "baseline"
BASELINE_50: Final = "baseline, fifty in flight"
BASELINE_KEEPING: Final = "baseline that keeps"

UNDISTURBED: Final = {"asterisk": {"resync_interval": 3600}, "session": {"statistics_interval": 3600}}
"""Settings that keep what goes by the clock out of a measurement of what goes by events."""

READY_WITHIN: Final = 240.0
TOLD_WITHIN: Final = 120.0
STOP_WITHIN: Final = 20.0

Settings = Mapping[str, Mapping[str, Any]]


@contextmanager
def _cores() -> Iterator[set[int]]:
    """The processor that the bridge has for itself; what is started meanwhile has the others, where there are any.

    Else the scheduler would decide each time which of five processes waits for which.
    """
    before = os.sched_getaffinity(0)
    first = {min(before)}
    os.sched_setaffinity(0, before - first or first)
    try:
        yield first
    finally:
        os.sched_setaffinity(0, before)


class World:
    """``with World(...) as world``: started, and ready to be measured.

    Attributes:
        floor: Its size.
        pbx: The scripted Asterisk.
        listener: The subscriber.
        started_at: When the bridge was started, seconds since 1970.
        ready_at: When the picture was current and every retained message had come.
    """

    pbx: Child
    listener: Child

    def __init__(
        self,
        floor: Floor,
        directory: Path,
        *,
        bridge: str = GATEWAY,
        settings: Settings = UNDISTURBED,
        module: str = "gateway",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Describe it.

        Args:
            floor: The call center.
            directory: Where files go; made if missing.
            bridge: Which one is measured.
            settings: Keys over the gateway's defaults.
            module: What is run as the gateway.
            environment: Variables put over those of this process.
        """
        self.floor = floor
        self.started_at = self.ready_at = 0.0
        self._directory = directory
        self._bridge = bridge
        self._settings = settings
        self._module = module
        self._environment = environment
        self._stack = ExitStack()
        self._cores: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._ends = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._cores = stack.enter_context(_cores())
            self._directory.mkdir(parents=True, exist_ok=True)
            broker = stack.enter_context(SampleBroker(self._directory / "broker"))
            log = self._directory / "bench.log"
            size = ("--queues", str(self.floor.queues), "--members", str(self.floor.members))
            self.pbx = stack.enter_context(Child("tests.bench.pbx", *size, log=log))
            ami_port = self.pbx.hear()["port"]
            user = ("--username", "wallboard", "--password", broker.USERS["wallboard"])
            self.listener = stack.enter_context(
                Child("tests.bench.listener", "--port", str(broker.port), *user, log=log)
            )
            self.listener.hear()
            stack.callback(self.stop_bridge)
            self.started_at = time.time()
            self._process = self._start(ami_port, broker.port, broker.USERS["cti-gateway"])
            os.sched_setaffinity(self._process.pid, self._cores)
            self._await_ready()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def pid(self) -> int:
        """The bridge's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the bridge has logged."""
        path = self._directory / "bridge.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop_bridge(self) -> None:
        """End the bridge in order."""
        bridge, self._process = self._process, None
        if bridge is None:
            return
        bridge.send_signal(signal.SIGTERM)
        try:
            bridge.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            bridge.kill()
            bridge.wait()

    # What is done in it --------------------------------------------------------------------------------------------

    def flood(self, kind: str, count: int) -> Mapping[str, Any]:
        """Send *count* of a kind of things as fast as they are read, and wait until the last of them is told.

        Returns:
            ``events`` sent, ``seconds`` from the first to the last message, ``cpu``: seconds of the bridge's.
        """
        end = self._next_end()
        before = process.cpu_seconds(self.pid)
        sent = self.pbx.ask("flood", kind=kind, count=count, end=end)
        told = self._await_end(end)
        return {
            "events": sent["events"],
            "seconds": told - sent["began"],
            "sending": sent["sent"] - sent["began"],
            "cpu": process.cpu_seconds(self.pid) - before,
        }

    def pace(self, rate: float, seconds: float) -> Mapping[str, Any]:
        """Send calls at *rate* events a second, and wait until the last of them is told.

        Returns:
            ``events``, ``seconds`` and ``cpu`` as of ``flood``; ``latencies``: seconds, sorted; ``due``: how many there
            should be; ``latest``: seconds that the sender was late at most.
        """
        end, stamps = self._next_end(), self._directory / "stamps.json"
        before = process.cpu_seconds(self.pid)
        sent = self.pbx.ask("pace", rate=rate, seconds=seconds, end=end, stamps=str(stamps))
        told = self._await_end(end)
        cpu = process.cpu_seconds(self.pid) - before
        found = self.listener.ask("latencies", stamps=str(stamps))
        return {
            "events": sent["events"],
            "seconds": told - sent["began"],
            "cpu": cpu,
            "latencies": found["seconds"],
            "due": found["due"],
            "latest": sent["latest"],
        }

    def await_topics(self, within: float = READY_WITHIN) -> float:
        """Wait until the picture is current and every retained message is there; returns when it was."""
        queues = self.floor.queues + 1
        topics = {
            "session": self.floor.sessions + 1,
            "agent": self.floor.sessions + 1,
            "queue": queues,
            "group": queues,
        }
        found = self.listener.ask("await_topics", within=within + 5, within_seconds=within, topics=topics)
        return float(found["at"])

    def relogin(self) -> float:
        """Cut the link to Asterisk; returns the seconds from the next login until the picture is current again."""
        self.listener.ask("forget_current")
        self.pbx.ask("hang_up")
        login = self.pbx.ask("await_login", within_seconds=60)["at"]
        return self.await_topics() - float(login)

    def report(self, within: float = TOLD_WITHIN) -> Mapping[str, Any]:
        """What the subscriber has counted, once nothing has come for a moment."""
        return self.listener.ask("report", within=within + 5, within_seconds=within)

    def _await_end(self, end: str) -> float:
        return float(self.listener.ask("await_end", within=TOLD_WITHIN + 5, within_seconds=TOLD_WITHIN, end=end)["at"])

    def _next_end(self) -> str:
        self._ends += 1
        return f"end-{self._ends}"

    def _await_ready(self) -> None:
        self.pbx.ask("await_login", within_seconds=60)
        if self._bridge == GATEWAY:
            try:
                self.ready_at = self.await_topics()
            except ChildError as error:
                raise ChildError(f"{error}; the gateway's log: {self.log[-2000:]}") from None
        else:
            end = self._next_end()
            self.pbx.ask("flood", kind="noise", count=1, end=end)
            self._await_end(end)

    def _start(self, ami_port: int, mqtt_port: int, password: str) -> subprocess.Popen[bytes]:
        if self._bridge == GATEWAY:
            config = self._directory / "gateway.toml"
            config.write_text(self._config(ami_port, mqtt_port, password), encoding="utf-8")
            config.chmod(0o600)
            command = ["-m", self._module, "run", "--config", os.fspath(config)]
        else:
            ports = ["--ami-port", str(ami_port), "--mqtt-port", str(mqtt_port)]
            user = ["--username", "cti-gateway", "--password", password]
            in_flight = "50" if self._bridge == BASELINE_50 else "1"
            command = ["-m", "tests.bench.baseline", *ports, *user, "--in-flight", in_flight]
            if self._bridge == BASELINE_KEEPING:
                command += ["--keep", str(self._directory / "kept.db")]
        with (self._directory / "bridge.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **(self._environment or {})},
            )

    def _config(self, ami_port: int, mqtt_port: int, password: str) -> str:
        tables: dict[str, dict[str, Any]] = {
            "asterisk": {"port": ami_port, "username": USERNAME, "password": SECRET, "queue_log": ""},
            "asterisk.wrap_up": {SENTINEL: 0},
            "mqtt": {"port": mqtt_port, "password": password, "prefix": PREFIX},
            "store": {"path": str(self._directory / "gateway.db")},
            "http": {"listen": ""},
        }
        for table, keys in self._settings.items():
            tables.setdefault(table, {}).update(keys)
        lines = [f"node = {json.dumps(NODE)}"]
        for table, keys in tables.items():  # of these kinds, JSON is TOML
            lines += ["", f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        return "\n".join(lines) + "\n"
