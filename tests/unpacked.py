"""Programs of Debian packages that a test runs and nobody wants installed: unpacked into a cache, no daemon begins."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.roots import cache_dir


def program(package: str, path: str) -> Path:
    """Return a program of a Debian package: the one on PATH, else unpacked from this machine's own Debian source.

    Args:
        package: Its name.
        path: Of the program within it, such as ``usr/bin/promtool``.
    """
    installed = shutil.which(Path(path).name)
    if installed is not None:
        return Path(installed)
    folder = cache_dir() / f"unpacked-{package}"
    if not (folder / path).exists():
        cache_dir().mkdir(parents=True, exist_ok=True)
        with (cache_dir() / f"unpacked-{package}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / path).exists():
                _unpack(package, folder)
    return folder / path


def _unpack(package: str, folder: Path) -> None:
    making = folder.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    try:
        _run(["apt-get", "download", "-qq", package], making)
        deb = next(making.glob("*.deb"))
        _run(["dpkg", "-x", deb.name, "tree"], making)
    except (OSError, subprocess.CalledProcessError) as error:
        missing(f"{package} cannot be unpacked here: {error}")
    (making / "tree").rename(folder)
    shutil.rmtree(making)


def _run(command: list[str], folder: Path) -> None:
    # What apt says on standard error (that it could not drop its rights for the download) is no fault.
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def missing(why: str) -> None:
    """Skip the test, or let it fail where nothing may be missing."""
    if os.environ.get("CTI_GATEWAY_LAB") == "require":
        pytest.fail(why)
    pytest.skip(why)
