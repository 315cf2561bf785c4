"""Makes the file trees in which real Asterisks run: one Debian root for each version, made once and kept.

Debian 12 has no Asterisk of its own; Debian 11 has 16.28 and the suite ``forky`` has 22.10. A root is some 500 MiB and
takes a minute to make, so it lives in a cache folder outside the checkout and is made anew only where it is missing.
Whoever needs a root without Asterisk describes it by a ``Suite`` of its own.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab import apt_sources

_SCRIPTS = Path("/usr/share/debootstrap/scripts")
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


class LabUnavailableError(Exception):
    """This machine cannot have the lab; the text is one sentence that says what is missing."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A Debian suite that has the Asterisk wanted.

    Attributes:
        name: Of the suite.
        script: The debootstrap script that knows how to unpack it.
        packages: What is installed in it.
        recipe: Raised when a root made by older code will not do any more.
        program: What the root is made for.
        kept_as: What its folder is called; nothing: as the suite is.
    """

    name: str
    script: str
    packages: tuple[str, ...] = ("asterisk",)
    recipe: int = 1
    program: str = "usr/sbin/asterisk"
    kept_as: str = ""


SUITES: Final[Mapping[str, Suite]] = {
    "16": Suite("bullseye", "bullseye", ("asterisk", "sip-tester"), recipe=2),
    "22": Suite("forky", "sid"),
}
PHONES: Final = "16"
"""The version whose root has SIPp: the same phones for every Asterisk."""


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that keeps the roots: ``$CTI_GATEWAY_LAB_CACHE``, else the user's cache folder."""
    if given := environ.get("CTI_GATEWAY_LAB_CACHE"):
        return Path(given)
    base = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "cti-gateway" / "lab"


def root_of(version: str) -> Path:
    """Return where the root of an Asterisk version is, made or not."""
    return _place(SUITES[version])


def _place(suite: Suite) -> Path:
    return cache_dir() / f"{suite.kept_as or suite.name}-{suite.recipe}"


def check(versions: Iterable[str] = tuple(SUITES)) -> None:
    """Look whether this machine can run the lab with these versions.

    Raises:
        LabUnavailableError: If it cannot.
    """
    _check([SUITES[version] for version in versions])


def _check(suites: Iterable[Suite]) -> None:
    if os.geteuid() != 0:
        raise LabUnavailableError(
            "The lab needs root: it makes a Debian file tree and runs Asterisk in a chroot of it."
        )
    if all(_place(suite).is_dir() for suite in suites):
        return
    if shutil.which("debootstrap") is None:
        raise LabUnavailableError("The lab needs debootstrap to make its Asterisk: apt-get install debootstrap.")
    if not apt_sources.mirrors(apt_sources.read_entries(), _codename()):
        raise LabUnavailableError(
            "The lab takes its Asterisk from Debian, and this machine's apt has no Debian source."
        )


def ensure(versions: Iterable[str] = tuple(SUITES)) -> dict[str, Path]:
    """Return the root of each version, making those that are missing, side by side.

    Progress goes to standard error. Safe to call from several processes at once.

    Raises:
        LabUnavailableError: If the machine cannot make one; the text says why.
    """
    wanted = list(versions)
    check(wanted)
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        return dict(zip(wanted, pool.map(_ensure_one, [SUITES[version] for version in wanted]), strict=True))


def ensure_suite(suite: Suite) -> Path:
    """Return the root of a suite that need not be one of `SUITES`, made if it is missing.

    Raises:
        LabUnavailableError: If the machine cannot make it; the text says why.
    """
    _check([suite])
    return _ensure_one(suite)


def _ensure_one(suite: Suite) -> Path:
    root = _place(suite)
    if root.is_dir():
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with _locked(root.with_suffix(".lock")):
        if not root.is_dir():  # another process may have made it while this one waited
            making = root.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            _make(suite, making)
            making.rename(root)
            _say(f"{suite.name}: ready in {root}")
    return root


def _make(suite: Suite, target: Path) -> None:
    mirror = _mirror_with(suite.name)
    _say(f"{suite.name}: unpacking a Debian root (about half a minute)")
    script = _SCRIPTS / suite.name
    command = ["debootstrap", "--variant=minbase"]
    if mirror.startswith("https:"):
        command.append("--include=ca-certificates")
    _run([*command, suite.name, str(target), mirror, str(script if script.exists() else _SCRIPTS / suite.script)])
    policy = target / "usr/sbin/policy-rc.d"  # Debian's own way of saying: start no daemon
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    _say(f"{suite.name}: installing {', '.join(suite.packages)} (about half a minute)")
    _run(["chroot", str(target), "apt-get", "install", "-y", "--no-install-recommends", *suite.packages])
    _run(["chroot", str(target), "apt-get", "clean"])
    if not (target / suite.program).exists():
        raise LabUnavailableError(f"The packages of {suite.name} have no /{suite.program}.")


def _mirror_with(suite: str) -> str:
    """Return the first of this machine's mirrors whose *suite* says that it is Debian's."""
    candidates = apt_sources.mirrors(apt_sources.read_entries(), _codename())
    for mirror in candidates:
        try:
            with urllib.request.urlopen(f"{mirror}/dists/{suite}/Release", timeout=30) as reply:
                head = reply.read(2048).decode("utf-8", "replace")
        except (OSError, urllib.error.URLError):
            continue
        if "Origin: Debian\n" in head:
            return mirror
    raise LabUnavailableError(f"None of this machine's Debian sources ({len(candidates)}) can give the suite {suite}.")


def _codename() -> str:
    lines = Path("/etc/os-release").read_text().splitlines() if Path("/etc/os-release").exists() else []
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    return fields.get("VERSION_CODENAME", "").strip('"')


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        tail = done.stdout.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise LabUnavailableError(f"{command[0]} ended with {done.returncode}: {' / '.join(tail)}")


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        ensure(sys.argv[1:] or tuple(SUITES))
    except LabUnavailableError as error:
        sys.exit(f"lab: {error}")
