"""A real Home Assistant from PyPI, in a virtual environment of its own that is made once and kept.

It lies in the lab's cache, outside the checkout, and is made anew only where ``requirements.txt`` is another. That file
has all with its version: what the newest Home Assistant for Python 3.13.0 needs, the page it serves, and what its MQTT
integration needs. Python 3.13 is looked for on this machine; a newer Home Assistant needs a newer one.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.lab.roots import cache_dir
from tests.unpacked import missing

REQUIREMENTS: Final = Path(__file__).parent / "requirements.txt"
UV: Final = "uv==0.13.9"
"""Installs it in half a minute; pip takes more than three, on two cores."""

_VERSION: Final = "3.13"


def program() -> Path:
    """Return ``hass``, installed where it is not yet; skip the test, or let it fail, where it cannot be."""
    text = REQUIREMENTS.read_bytes()
    folder = cache_dir() / f"home-assistant-{hashlib.sha256(text).hexdigest()[:16]}"
    hass = folder / "bin" / "hass"
    cache_dir().mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            _make(folder)
    return hass


def _make(folder: Path) -> None:
    python = _find_python()
    if python is None:
        missing(f"Home Assistant needs Python {_VERSION}, and there is none here")
        return
    shutil.rmtree(folder, ignore_errors=True)  # what an earlier attempt left
    installer = folder / "uv"
    try:
        _run(python, "-m", "venv", folder)
        _run(sys.executable, "-m", "pip", "install", "--quiet", "--target", installer, UV)
        target = folder / "bin" / "python"
        cache = ("--cache-dir", installer / "cache")  # on the same disk, so that files are moved and not copied
        _run(installer / "bin" / "uv", "pip", "install", *cache, "--no-deps", "--python", target, "-r", REQUIREMENTS)
    except subprocess.CalledProcessError as error:
        missing(f"Home Assistant cannot be installed here: {error.stderr[-2000:]}")
    shutil.rmtree(installer)
    (folder / "made").touch()


def _find_python() -> Path | None:
    """A Python of the version wanted: on PATH, or where pyenv keeps those that are not on it."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for found in (shutil.which(f"python{_VERSION}"), *sorted(pyenv.glob(f"{_VERSION}.*/bin/python{_VERSION}"))):
        # pyenv's stand-in on PATH is there for versions too that it does not let run.
        if found is not None and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return Path(found)
    return None


def _run(*command: object) -> None:
    subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)
