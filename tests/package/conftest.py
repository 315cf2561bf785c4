"""Fixtures of the packages' tests: one wheel and one sdist for all, made from a copy of the sources."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("gateway", "config", "deploy", "tests", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml")
_UNWANTED = shutil.ignore_patterns("__pycache__", "node_modules", ".*_cache")


@dataclass(frozen=True)
class Built:
    """What was built, and the copy of the sources that it was built from."""

    sources: Path
    wheel: Path
    sdist: Path


def build(sources: Path, output: Path, *targets: str) -> None:
    """Build with the backend that ``pyproject.toml`` names; nothing is fetched."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(output)]
    for target in targets:
        command += ["--target", target]
    subprocess.run(command, cwd=sources, check=True, capture_output=True)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Wheel and sdist."""
    folder = tmp_path_factory.mktemp("built")
    sources = folder / "sources"
    sources.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, sources / name, ignore=_UNWANTED)
        else:
            shutil.copy2(ROOT / name, sources / name)
    build(sources, folder / "dist", "wheel", "sdist")
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return Built(sources, wheel, sdist)
