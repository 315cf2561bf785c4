"""An Asterisk, and whoever else wants to, whose wall clock can be set while the machine's own stays as it is.

The library libfaketime, in Debian's package of that name, stands before the C library's clocks. It adds an offset that
it reads from a file at each look, and leaves the monotonic clock alone, as a clock that is set does.
"""

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Final

from tests.lab import roots
from tests.lab.asterisk import Asterisk

PACKAGE: Final = "libfaketime"
LIBRARY: Final = "faketime/libfaketimeMT.so.1"
OLDEST: Final = "16"  # the version whose root has the oldest C library: what was built for that runs here, too


class SteppedAsterisk(Asterisk):
    """An Asterisk whose clock is set with ``set_clock``."""

    def prepare(self) -> None:
        """Make the folder with its files, and the one that tells the clock's offset."""
        if self.port:
            return
        super().prepare()
        self.set_clock(0)

    def set_clock(self, offset: int) -> None:
        """Let the clock go on from now with so many seconds more than this machine's."""
        new = self._offset_file.with_suffix(".new")
        new.write_text(f"{offset:+d}\n", encoding="ascii")
        new.replace(self._offset_file)

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a process of this machine that is to share this Asterisk's clock."""
        return _environment(library(OLDEST), self._offset_file)

    @property
    def _offset_file(self) -> Path:
        return self.home / "clock"

    @property
    def _inner(self) -> list[str]:
        inside = Path("/", library(self.version).relative_to(self.root))
        variables = _environment(inside, Path(self._inside) / self._offset_file.name)
        return ["/usr/bin/env", *(f"{name}={value}" for name, value in variables.items())]


def library(version: str) -> Path:
    """Return the library in the root of a version, as seen from outside, installing it there if it is missing.

    Raises:
        LabUnavailableError: If it cannot be installed.
    """
    root = roots.root_of(version)
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = next(root.glob(f"usr/lib/*/{LIBRARY}"), None)
        if found is None:
            _install(root)
            found = next(root.glob(f"usr/lib/*/{LIBRARY}"))
    return found


def _install(root: Path) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    # A mirror may be some weeks behind a suite that is still being made.
    update = ["-o", "Acquire::Check-Valid-Until=false", "update", "-qq"]
    for command in (update, ["install", "-y", "--no-install-recommends", PACKAGE], ["clean"]):
        done = subprocess.run(
            ["chroot", str(root), "apt-get", *command], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            told = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise roots.LabUnavailableError(f"{PACKAGE} cannot be installed in {root.name}: {' '.join(told)}")


def _environment(preload: Path, offset_file: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(preload),
        "FAKETIME_TIMESTAMP_FILE": str(offset_file),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
