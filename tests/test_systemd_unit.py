"""The units as files: that systemd finds nothing wrong with them, and little that a break-in could use."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unpacked import missing

DEPLOY = Path(__file__).parent.parent / "deploy"
UNITS = ("cti-gateway.service", "cti-gateway@.service")
MOST_EXPOSED = 1.5

#: Where the template unit must differ, by what is set.
OF_INSTANCE = {"Description", "ExecStart", "StateDirectory", "Environment", "SyslogIdentifier"}


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run systemd's own analysis."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        missing("There is no systemd-analyze here: apt-get install systemd.")
    return subprocess.run([str(tool), "--no-pager", *map(str, arguments)], capture_output=True, text=True, check=False)


def settings(unit: str) -> list[tuple[str, str]]:
    """What a unit sets, in order."""
    lines = (DEPLOY / unit).read_text().splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return [(name, value) for name, _, value in pairs]


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong(unit: str, tmp_path: Path) -> None:
    """Where the program is there, the unit is verified without a word."""
    text = (DEPLOY / unit).read_text()
    assert text.count("/opt/cti-gateway/bin/cti-gateway run") == 1
    (tmp_path / unit).write_text(text.replace("/opt/cti-gateway/bin/cti-gateway run", "/bin/true run"))
    done = analyze("verify", "--man=no", tmp_path / unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_little_is_exposed(unit: str) -> None:
    """By systemd's own reckoning the service is exposed at 1.5 of 10 or less."""
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", DEPLOY / unit)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_template_is_the_unit_with_an_instance() -> None:
    """Both set the same, but for what an instance has of its own."""
    one, template = settings(UNITS[0]), settings(UNITS[1])
    shared = [[(name, value) for name, value in each if name not in OF_INSTANCE] for each in (one, template)]
    assert shared[0] == shared[1]
    own = dict(pair for pair in template if pair[0] in OF_INSTANCE)
    assert set(own) == OF_INSTANCE
    assert all("%i" in value for value in own.values())


@pytest.mark.parametrize("unit", UNITS)
def test_what_an_operator_counts_on(unit: str) -> None:
    """Readiness and life are told, a crash is mended but not for ever, and what no restart mends is left down."""
    said = dict(settings(unit))
    assert said["Type"] == "notify"
    assert 10 <= int(said["WatchdogSec"]) <= 60
    assert said["Restart"] == "on-failure"
    assert said["RestartPreventExitStatus"] == "2 3 4 5"
    # Five seconds apart, crashes reach the limit, so that they do not go on for ever.
    assert int(said["StartLimitBurst"]) * int(said["RestartSec"]) < int(said["StartLimitIntervalSec"])
    assert int(said["TimeoutStopSec"]) > 5
    assert (said["User"], said["LimitCORE"]) == ("cti-gateway", "0")
