"""npm packages that a test runs: what a lock file names, fetched once into a cache outside the checkout."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.lab.roots import cache_dir
from tests.unpacked import missing

NAMED: Final = ("package.json", "package-lock.json", ".npmrc")


def installed(source: Path) -> Path:
    """Return a folder in which the packages of *source*'s lock file are installed; for each state of that file one.

    Args:
        source: A folder with the files `NAMED`.
    """
    if shutil.which("npm") is None:
        missing("There is no npm here: apt-get install npm.")
    sums = hashlib.sha256(b"".join((source / name).read_bytes() for name in NAMED)).hexdigest()
    folder = cache_dir() / f"npm-{source.name}-{sums[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for name in NAMED:
                shutil.copy2(source / name, folder / name)
            done = subprocess.run(["npm", "ci", "--no-audit"], cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                missing(f"npm cannot fetch the packages of {source.name}: {done.stderr.strip()[-300:]}")
            (folder / "complete").touch()
    return folder
