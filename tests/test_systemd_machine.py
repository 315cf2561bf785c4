"""The units under a real systemd, on a machine booted for that."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.machine import USER_ID, Machine
from tests.service.live import pbx

pytestmark = pytest.mark.timeout(300)

UNIT = "cti-gateway"
WITHIN = 60.0

CONFIGURATION = """
node = "{node}"
[asterisk]
port = {ami}
username = "{user}"
queue_log = ""
[mqtt]
port = {mqtt}
username = ""
[http]
listen = ""
"""

DROP_IN = """
[Service]
# A test has less patience than an operator; everything else is as it is shipped.
WatchdogSec=8
RestartSec=100ms
TimeoutAbortSec=1
LoadCredential=asterisk.password:/etc/cti-gateway/secret
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which the units are installed, for all tests of this module."""
    booting = Machine(tmp_path_factory.mktemp("machine"))
    with booting as booted:
        for name in ("cti-gateway.service.d", "cti-gateway@.service.d"):
            (booted.units / name).mkdir()
            (booted.units / name / "test.conf").write_text(DROP_IN)
        booted.run("systemctl", "daemon-reload")
        yield booted


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """An Asterisk."""
    async with pbx() as running:
        yield running


@pytest.fixture
async def installed(
    machine: Machine, asterisk: ScriptedAsterisk, broker: Broker
) -> AsyncIterator[Callable[[str, str], None]]:
    """Writes configurations whose password only systemd can read; afterwards no gateway runs."""

    def write(name: str, node: str) -> None:
        machine.write(
            name,
            CONFIGURATION.format(node=node, ami=asterisk.port, user=asterisk.username, mqtt=broker.port),
        )

    machine.write("secret", f"{asterisk.secret}\n")
    (machine.etc / "secret").chmod(0o600)
    write("gateway.toml", "pbx1")
    yield write
    await asyncio.to_thread(machine.run, "systemctl", "stop", f"{UNIT}*", check=False)
    await asyncio.to_thread(machine.run, "systemctl", "reset-failed", f"{UNIT}*", check=False)


async def until(machine: Machine, unit: str, name: str, wanted: str) -> None:
    """Wait until a property of a unit has that in it."""
    value = None
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        value = (await asyncio.to_thread(machine.show, unit, name))[name]
        if wanted in value:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name} is {value!r} and not {wanted!r}:\n{machine.journal()}")


async def until_said(machine: Machine, words: str) -> None:
    """Wait until the journal has that of the unit: it is written by another than who says it."""
    deadline = time.monotonic() + WITHIN
    while words not in (said := await asyncio.to_thread(machine.journal, UNIT)):
        assert time.monotonic() < deadline, said
        await asyncio.sleep(0.1)


async def test_a_life(
    machine: Machine, asterisk: ScriptedAsterisk, broker: Broker, installed: Callable[[str, str], None]
) -> None:
    """It is ready before its links are, tells them, rereads its configuration, is nobody, and ends at once."""
    run = machine.run
    asterisk.stop_listening()
    broker.stop()
    await asyncio.to_thread(run, "systemctl", "start", UNIT)
    await until(machine, UNIT, "StatusText", "Asterisk: down; broker: not connected")
    broker.start()
    await asterisk.listen()
    await until(machine, UNIT, "StatusText", "Asterisk: up; broker: connected")
    about = machine.show(UNIT, "MainPID", "ActiveState", "NRestarts", "User")
    assert (about["ActiveState"], about["NRestarts"], about["User"]) == ("active", "0", "cti-gateway")

    status = dict(
        line.split(":\t", 1) for line in run("cat", f"/proc/{about['MainPID']}/status").splitlines() if ":\t" in line
    )
    assert status["Uid"].split() == [str(USER_ID)] * 4
    assert {name: int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == dict.fromkeys(
        ("CapEff", "CapPrm", "CapBnd", "CapAmb"), 0
    )
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert run("stat", "--format=%a %U", "/var/lib/cti-gateway", "/var/lib/cti-gateway/gateway.db").split("\n")[:2] == [
        "700 cti-gateway",
        "600 cti-gateway",
    ]

    installed("gateway.toml", "pbx2")
    await asyncio.to_thread(run, "systemctl", "reload", UNIT)
    await until_said(machine, "node has changed in the configuration")
    await until(machine, UNIT, "ActiveState", "active")
    began = time.monotonic()
    await asyncio.to_thread(run, "systemctl", "stop", UNIT)
    assert time.monotonic() - began < 5
    assert machine.show(UNIT, "ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}

    await until_said(machine, "gateway.running: stopped")
    entries = [json.loads(line) for line in machine.journal(UNIT, "--output=json").splitlines()]
    said = {entry["MESSAGE"]: entry for entry in entries if entry.get("SYSLOG_IDENTIFIER") == UNIT}
    warned = said["gateway.rereading: node has changed in the configuration: that takes a restart"]
    assert warned["PRIORITY"] == "4"
    assert said["gateway.running: stopping"]["PRIORITY"] == "6"
    assert not any(asterisk.secret in message for message in said)


async def test_what_hangs_is_restarted(machine: Machine, installed: Callable[[str, str], None]) -> None:
    """A gateway that gives no sign of life is killed by the watchdog, and begun again."""
    del installed
    await asyncio.to_thread(machine.run, "systemctl", "start", UNIT)
    await until(machine, UNIT, "StatusText", "Asterisk: up; broker: connected")
    pid = machine.show(UNIT, "MainPID")["MainPID"]
    machine.run("kill", "-STOP", pid)
    await until(machine, UNIT, "NRestarts", "1")
    await until(machine, UNIT, "StatusText", "Asterisk: up; broker: connected")
    assert machine.show(UNIT, "MainPID")["MainPID"] != pid
    await until_said(machine, "Watchdog timeout")


async def test_what_no_restart_mends_is_left_down(machine: Machine, installed: Callable[[str, str], None]) -> None:
    """A configuration with a mistake, and a password that is refused, end the unit with their status, for good."""
    del installed
    machine.write("gateway.toml", "nonsense = 1\n")
    machine.run("systemctl", "start", UNIT, check=False)
    about = machine.show(UNIT, "ActiveState", "ExecMainStatus", "NRestarts")
    assert about == {"ActiveState": "failed", "ExecMainStatus": "2", "NRestarts": "0"}


async def test_a_refused_login_is_left_down(machine: Machine, installed: Callable[[str, str], None]) -> None:
    """A password that Asterisk has never taken ends the unit with status 4, for good."""
    installed("other.toml", "pbx9")
    machine.write("secret", "wrong\n")
    await asyncio.to_thread(machine.run, "systemctl", "start", f"{UNIT}@other", check=False)
    await until(machine, f"{UNIT}@other", "ActiveState", "failed")
    assert machine.show(f"{UNIT}@other", "ExecMainStatus", "NRestarts") == {"ExecMainStatus": "4", "NRestarts": "0"}


async def test_two_gateways_on_one_machine(machine: Machine, installed: Callable[[str, str], None]) -> None:
    """Instances of the template unit have a store each, and both run."""
    for name in ("east", "west"):
        installed(f"{name}.toml", name)
        await asyncio.to_thread(machine.run, "systemctl", "start", f"{UNIT}@{name}")
    for name in ("east", "west"):
        await until(machine, f"{UNIT}@{name}", "StatusText", "Asterisk: up; broker: connected")
        assert machine.run("stat", "--format=%U", f"/var/lib/cti-gateway/{name}/gateway.db") == "cti-gateway\n"
