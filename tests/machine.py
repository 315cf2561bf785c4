"""A machine of its own, booted with the real systemd: systemd-nspawn over this one's ``/usr`` and nothing else of it.

All but ``/usr`` is empty and in memory. It has its own processes and its own units; its network is the test's, so that
what listens on the loopback there is reached. Needs root, systemd's own program in ``/usr``, and a kernel that lets.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Final, Self

from tests.unpacked import missing, program

ROOT: Final = Path(__file__).parent.parent
INIT: Final = Path("/usr/lib/systemd/systemd")
BOOT_TIMEOUT: Final = 120.0
USER_ID: Final = 991
MASKED: Final = ("systemd-firstboot.service", "systemd-networkd.socket", "systemd-resolved.service", "getty.target")

#: Mounts, processes and control groups of its own, and a hierarchy of control groups as systemd wants it, of which the
#: machine gets a part; what nspawn itself keeps of it goes with the shell.
_PRELUDE: Final = """
set -e
mount --make-rprivate /
mkdir -p /run/systemd
mount -t tmpfs none /run/systemd
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$1"
echo 0 > "/sys/fs/cgroup/$1/cgroup.procs"
shift
umount /sys/fs/cgroup
exec unshare --cgroup sh -c 'mount -t cgroup2 none /sys/fs/cgroup; exec "$@"' sh "$@"
"""

_PROGRAM: Final = """#!/bin/sh
export LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=/opt/source:/opt/packages PYTHONDONTWRITEBYTECODE=1
exec /opt/python/bin/{python} -m gateway "$@"
"""

_USERS: Final = f"""
g asterisk 990
u cti-gateway {USER_ID}
m cti-gateway asterisk
"""


class Machine:
    """A booted machine, in which the units of ``deploy`` are installed.

    Attributes:
        etc: Becomes ``/etc/cti-gateway``.
        units: Becomes ``/etc/systemd/system``.
    """

    def __init__(self, folder: Path) -> None:
        """Describe it; its files go to *folder*."""
        self._folder = folder
        self._log = folder / "machine.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._leader: int | None = None
        self._group = f"cti-gateway-test-{os.getpid()}"
        self.etc = folder / "etc"
        self.units = folder / "units"

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or not INIT.exists() or shutil.which("unshare") is None:
            missing("A machine of its own needs root, systemd and unshare.")
        nspawn = program("systemd-container", "usr/bin/systemd-nspawn")
        self._install()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
                    *("sh", "-c", _PRELUDE, "sh", self._group),
                    *(str(nspawn), "--boot", "--quiet", "--register=no", "--keep-unit", "--directory=/"),
                    *("--volatile=yes", "--machine=cti-gateway-test", "--console=read-only", *self._binds()),
                    *("--", "--unit=basic.target"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_booted()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command in it and return what it prints; with *check* it must not fail."""
        assert self._leader is not None
        done = subprocess.run(
            ["nsenter", f"--target={self._leader}", "--all", "--root", "--wd", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}: {done.stdout}{done.stderr}\n{self.journal()}")
        return done.stdout

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        said = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in said.splitlines())

    def journal(self, unit: str = "*", *arguments: str) -> str:
        """What the journal has of the units of that name."""
        return self.run("journalctl", "--no-pager", f"--unit={unit}", *arguments, check=False)

    def write(self, name: str, text: str) -> None:
        """Write a file of ``/etc/cti-gateway`` that only root and the service may read."""
        path = self.etc / name
        path.write_text(text)
        path.chmod(0o640)
        os.chown(path, 0, USER_ID)

    # How -----------------------------------------------------------------------------------------------------------

    def _install(self) -> None:
        for folder in (self.etc, self.units, self._folder / "opt" / "bin", self._folder / "sysusers"):
            folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o755)
        for unit in ("cti-gateway.service", "cti-gateway@.service"):
            shutil.copy(ROOT / "deploy" / unit, self.units)
        for unit in MASKED:
            (self.units / unit).symlink_to("/dev/null")
        (self._folder / "sysusers" / "cti-gateway.conf").write_text(_USERS)
        script = self._folder / "opt" / "bin" / "cti-gateway"
        script.write_text(_PROGRAM.format(python=f"python{sys.version_info[0]}.{sys.version_info[1]}"))
        script.chmod(0o755)

    def _binds(self) -> list[str]:
        packages = sysconfig.get_paths()["purelib"]
        read_only = {
            self._folder / "opt": "/opt/cti-gateway",
            Path(sys.base_prefix): "/opt/python",
            Path(packages): "/opt/packages",
            ROOT / "gateway": "/opt/source/gateway",
            self._folder / "sysusers": "/etc/sysusers.d",
        }
        writable = {self.etc: "/etc/cti-gateway", self.units: "/etc/systemd/system"}
        return [f"--bind-ro={source}:{target}" for source, target in read_only.items()] + [
            f"--bind={source}:{target}" for source, target in writable.items()
        ]

    def _wait_until_booted(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + BOOT_TIMEOUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                missing(f"No machine can be booted here: {self._log.read_text(errors='replace')[-500:]}")
            self._leader = self._leader or self._find_leader()
            if (
                self._leader is not None
                and "active" in self.run("systemctl", "is-active", "basic.target", check=False).split()
            ):
                return
            time.sleep(0.05)  # nobody tells
        missing(f"The machine did not boot: {self._log.read_text(errors='replace')[-500:]}")

    def _find_leader(self) -> int | None:
        """The first process of the machine: the child of nspawn, which is the child of unshare."""
        assert self._process is not None
        parents = [self._process.pid]
        while parents:
            children = [child for parent in parents for child in _children(parent)]
            for child in children:
                if _executable(child) == INIT.resolve():
                    return child
            parents = children
        return None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # and with it, by --kill-child, all that runs in it
        process.wait()
        _remove_group(self._group)


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _executable(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/exe").readlink()
    except OSError:
        return None


def _remove_group(name: str) -> None:
    """Remove the control groups that the machine had, the innermost first."""
    for hierarchy in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        top = hierarchy / name
        if not top.is_dir():
            continue
        deadline = time.monotonic() + 5
        while top.is_dir() and time.monotonic() < deadline:
            for folder, _, _ in os.walk(top, topdown=False):
                try:
                    Path(folder).rmdir()
                except OSError:
                    time.sleep(0.02)  # its processes are still ending
