"""The README's first command on a fresh Debian 12 that has neither Mosquitto nor Python's venv."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.lab.roots import LabUnavailableError
from tests.package.conftest import ROOT, Built
from tests.package.fresh import ENVIRONMENT, FreshDebian
from tests.unpacked import missing

pytestmark = pytest.mark.timeout(600)

PATIENCE: Final = 300.0
SHOWN_WITHIN: Final = 60.0
"""Seconds from the last download to live figures."""
ENDED_WITHIN: Final = 15.0
CLONE: Final = "/root/cti-gateway"
WHEELS: Final = "/mnt/wheels"
DEBIANS_PYTHON: Final = ("--python-version", "3.11", "--only-binary", ":all:")


@pytest.fixture
def debian(built: Built, tmp_path: Path) -> Iterator[FreshDebian]:
    """A Debian 12 with a clone and nothing else; what pip would fetch lies beside, as this machine's pip fetches it."""
    scratch = tmp_path / "fresh"
    scratch.mkdir()
    try:
        with FreshDebian(scratch) as root:
            shutil.copytree(built.sources, root.path(CLONE))
            shutil.copy("/etc/resolv.conf", root.path("/etc/resolv.conf"))
            wheels = root.path(WHEELS)
            words = ("--quiet", "--dest", wheels, "--constraint", ROOT / "deploy" / "constraints.txt", *DEBIANS_PYTHON)
            command = [sys.executable, "-m", "pip", "download", *map(str, words), str(built.wheel), "hatchling"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                missing(f"pip cannot bring what the gateway needs: {done.stderr.strip()[-300:]}")
            yield root
    except LabUnavailableError as error:
        missing(str(error))


class Shown:
    """The first command under way.

    Attributes:
        lines: What it has said, and when: seconds after its start.
    """

    def __init__(self, debian: FreshDebian) -> None:
        self.lines: list[tuple[float, str]] = []
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            ["chroot", debian.folder, "/bin/sh", "-c", f"cd {CLONE} && exec deploy/try.sh"],
            env={**ENVIRONMENT, "HOME": "/root", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def until(self, pattern: str) -> float:
        """Read until a line has *pattern*; returns when it was said."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(PATIENCE - (time.monotonic() - self._began)):
                line = self.process.stdout.readline().decode(errors="replace")
                self.lines.append((time.monotonic() - self._began, line))
                if re.search(pattern, line):
                    return self.lines[-1][0]
                if not line:
                    break
        raise AssertionError(f"never said {pattern}:\n{self.text}")

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(f"{at:6.1f} {line}" for at, line in self.lines)

    def interrupt(self) -> None:
        """Ctrl-C, as a terminal sends it: to all at once; waits for the end, within which it must come."""
        os.killpg(self.process.pid, signal.SIGINT)
        out, _ = self.process.communicate(timeout=ENDED_WITHIN)
        self.lines.append((time.monotonic() - self._began, out.decode(errors="replace")))


def processes_in(folder: Path) -> list[str]:
    """The command lines of those whose root is a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "root").readlink() == folder:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it has ended
    return found


def test_live_figures_in_under_a_minute_and_ctrl_c_leaves_nothing(debian: FreshDebian) -> None:
    """It installs what is missing, shows sessions as they change, and ends with 0 and without a process left."""
    for tool in ("usr/sbin/mosquitto", "usr/bin/mosquitto_pub", "usr/lib/python3.11/ensurepip"):
        assert not debian.path(tool).exists()
    shown = Shown(debian)
    try:
        downloaded = shown.until(r"^==> 3/3")
        figures = shown.until(r"\tsession\t.*\tBUSY_ON_CALL")
        shown.interrupt()
    finally:
        shown.process.kill()
        shown.process.communicate()
    print(f"installed after {downloaded:.0f} s, figures after {figures:.0f} s")
    assert figures - downloaded < SHOWN_WITHIN
    assert shown.process.returncode == 0, shown.text
    assert "Traceback" not in shown.text
    assert "Counted by the gateway" in shown.text
    assert processes_in(debian.folder) == []
