"""A fresh Debian 12 in a folder of its own, to install packages into and to look at what they leave."""

import hashlib
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Final, Self

from tests.lab.roots import Suite, ensure_suite

SUITE: Final = Suite("bookworm", "bookworm", ("adduser", "python3", "lintian"), program="usr/bin/lintian")
"""What the package depends on is there already, so that nothing is fetched when it is installed; and lintian."""

#: What every installation changes, whatever is installed: as with piuparts, no fault of a package. The last are
#: the copies that the tools for users and groups keep of what was.
_NEVER_MIND: Final = ("proc", "dev", "sys", "tmp", "mnt", "var/lib/dpkg", "var/log", "var/cache")
_COPIES: Final = ("etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-")

#: Of every command that runs in it.
ENVIRONMENT: Final = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
}


class FreshDebian:
    """A Debian of its own in which commands run as root: what they write is kept apart from the root that is kept.

    Args:
        scratch: An empty folder.

    Attributes:
        folder: Where its files are.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._is_mounted = False
        self.folder = scratch / "root"

    def __enter__(self) -> Self:
        """Make it, and first the root where that is missing.

        Raises:
            LabUnavailableError: If this machine cannot have it.
        """
        kept = ensure_suite(SUITE)
        upper, work = self._scratch / "upper", self._scratch / "work"
        for folder in (self.folder, upper, work):
            folder.mkdir()
        layers = f"lowerdir={kept},upperdir={upper},workdir={work}"
        mounting = ["mount", "-t", "overlay", "overlay", "-o", layers, str(self.folder)]
        self._is_mounted = subprocess.run(mounting, capture_output=True, check=False).returncode == 0
        if not self._is_mounted:  # a kernel, or a container, that does not let
            subprocess.run(["cp", "-a", "--reflink=auto", f"{kept}/.", self.folder], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_mounted:
            subprocess.run(["umount", self.folder], check=True)
        shutil.rmtree(self._scratch)

    def install(self, package: Path) -> None:
        """Install a package, or another version of it; a configuration that the administrator has changed is kept."""
        self.run("dpkg", "--force-confdef", "--force-confold", "--install", self.bring(package))

    def bring(self, file: Path) -> str:
        """Copy a file into ``/mnt`` there and return its path there."""
        shutil.copy(file, self.folder / "mnt")
        return f"/mnt/{file.name}"

    def run(self, *command: str, user: str = "root", status: int | None = 0) -> str:
        """Run a command in it and return all that it says.

        Args:
            command: Its words.
            user: Who runs it.
            status: The exit status that it must end with; None: any.
        """
        done = subprocess.run(
            ["chroot", f"--userspec={user}", self.folder, *command],
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        said = done.stdout.decode(errors="replace")
        assert status in {None, done.returncode}, f"{' '.join(command)}: {done.returncode}\n{said}"
        return said

    def path(self, name: str) -> Path:
        """Where a file of it is on this machine."""
        return self.folder / name.lstrip("/")

    def access(self, name: str) -> str:
        """Mode, owner and group of a file, as names."""
        return self.run("stat", "--format=%a %U:%G", name).strip()

    def snapshot(self) -> dict[str, str]:
        """Every file and folder that counts, by its path, with kind, mode, owner, group and content."""
        found: dict[str, str] = {}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if name in _COPIES or any(name == each or name.startswith(f"{each}/") for each in _NEVER_MIND):
                continue
            facts = path.lstat()
            content = ""
            if stat.S_ISLNK(facts.st_mode):
                content = str(path.readlink())
            elif name.startswith("etc/"):  # where files are written anew with what they had
                content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(facts.st_mode) else ""
            elif stat.S_ISREG(facts.st_mode):
                content = f"{facts.st_size} {facts.st_mtime_ns}"
            found[name] = f"{stat.filemode(facts.st_mode)} {facts.st_uid}:{facts.st_gid} {content}"
        return found


def difference(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """What came, went or changed between two snapshots."""
    names = before.keys() | after.keys()
    return {name: (before.get(name), after.get(name)) for name in sorted(names) if before.get(name) != after.get(name)}
