"""The page that is checked in is the one that its sources make, and holds what it needs."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.wallboard import FILES
from tests.npm import installed

pytestmark = pytest.mark.timeout(400)  # the packages are fetched on a machine's first run

SOURCE = Path(__file__).parents[2] / "deploy" / "wallboard"
NAMED = ("build.mjs", "package.json", "package-lock.json", "tsconfig.json")


def fingerprint() -> str:
    """What ``build.mjs`` writes into ``built-from.txt``: one number for all sources."""
    files = [SOURCE / name for name in NAMED]
    files += [path for folder in ("src", "static") for path in (SOURCE / folder).rglob("*") if path.is_file()]
    total = hashlib.sha256()
    for name, path in sorted((path.relative_to(SOURCE).as_posix(), path) for path in files):
        total.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_is_built_from_these_sources() -> None:
    """Whoever changes the sources builds the page anew: ``npm ci && npm run check && npm run build``."""
    assert (FILES / "built-from.txt").read_text().strip() == fingerprint()


def run(*command: str, folder: Path) -> None:
    """Run a program of npm's, and show what it said if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A copy of the sources with the packages that the lock file names; they are fetched once, for whoever builds."""
    folder = tmp_path / "workshop"
    folder.mkdir()
    for name in NAMED:
        shutil.copy2(SOURCE / name, folder / name)
    for name in ("src", "static"):
        shutil.copytree(SOURCE / name, folder / name)
    (folder / "node_modules").symlink_to(installed(SOURCE) / "node_modules")
    return folder


def test_same_sources_make_the_same_page(workshop: Path, tmp_path: Path) -> None:
    """The types are sound, and the build gives byte for byte what is checked in."""
    run("npm", "run", "check", folder=workshop)
    run("node", "build.mjs", str(tmp_path / "built"), folder=workshop)
    built, kept = contents(tmp_path / "built"), contents(FILES)
    assert built.keys() == kept.keys()
    assert [name for name in built if built[name] != kept[name]] == []


def test_lock_file_names_no_place() -> None:
    """Packages come from wherever npm is set up to take them, and each is held to its sum."""
    packages = json.loads((SOURCE / "package-lock.json").read_text())["packages"]
    assert not [path for path, entry in packages.items() if "resolved" in entry]
    assert not [path for path, entry in packages.items() if path and "integrity" not in entry]


def test_page_needs_no_other_host() -> None:
    """Everything that the page loads is beside it, and a policy in the page keeps it so."""
    page = (FILES / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    assert all((FILES / name).is_file() for name in loaded)
    assert "default-src 'none'; script-src 'self'" in page
    styles = (FILES / "wallboard.css").read_text()
    fonts = re.findall(r'url\("?([^")]+)"?\)', styles)
    assert fonts
    assert all((FILES / name.removeprefix("./")).is_file() for name in fonts)


def test_licences_go_with_it() -> None:
    """Each package that is part of the page is named with its version and licence."""
    packages = json.loads((SOURCE / "package-lock.json").read_text())["packages"]
    told = (FILES / "THIRD-PARTY.txt").read_text()
    parts = {path.rpartition("node_modules/")[2]: entry for path, entry in packages.items() if path}
    bundled = [name for name, entry in parts.items() if not entry.get("dev") and not name.startswith("@types/")]
    assert [name for name in bundled if f"{name} {parts[name]['version']} (" not in told] == []
