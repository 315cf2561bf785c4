"""The wheel and the sdist: what is in them, and that an installation of nothing else works."""

import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from gateway import __version__
from tests.package.conftest import ROOT, Built, build
from tests.unpacked import missing


def members(wheel: Path) -> dict[str, int]:
    """The files of a wheel, with their sums."""
    with zipfile.ZipFile(wheel) as archive:
        return {each.filename: each.CRC for each in archive.infolist() if not each.is_dir()}


def test_wheel_has_all_files_of_the_package(built: Built) -> None:
    """Every file below ``gateway``, the page and the examples of the contract among them, and nothing beside it."""
    expected = {
        path.relative_to(built.sources).as_posix() for path in (built.sources / "gateway").rglob("*") if path.is_file()
    }
    found = {name for name in members(built.wheel) if ".dist-info/" not in name}
    assert found == expected
    assert {"gateway/py.typed", "gateway/wallboard/static/index.html", "gateway/contract/examples.json"} <= found


def test_version_comes_from_one_place(built: Built) -> None:
    """Names and metadata of both have the version of ``gateway/__init__.py``."""
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]
    assert built.wheel.name == f"cti_gateway-{__version__}-py3-none-any.whl"
    assert built.sdist.name == f"cti_gateway-{__version__}.tar.gz"
    with zipfile.ZipFile(built.wheel) as archive:
        about = archive.read(f"cti_gateway-{__version__}.dist-info/METADATA").decode()
    assert HeaderParser().parsestr(about)["Version"] == __version__


def test_sdist_is_enough_to_build_from(built: Built, tmp_path: Path) -> None:
    """A wheel from the unpacked sdist is, file by file, that of the sources; deploy and tests are there, too."""
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    build(unpacked, tmp_path / "dist", "wheel")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert members(wheel) == members(built.wheel)
    for name in ("deploy/try.sh", "tests/run.sh", "config/gateway.example.toml", "deploy/debian/build.py"):
        assert (unpacked / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with nothing in it."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder / "bin"


@pytest.mark.timeout(300)
def test_installation_of_the_wheel_works(built: Built, bare: Path, tmp_path: Path) -> None:
    """With what pip brings of itself, the command tells its version, checks the sample, and writes the contract."""
    pip = [sys.executable, "-m", "pip", "--python", str(bare / "python"), "--quiet", "--disable-pip-version-check"]
    constraints = ("--constraint", ROOT / "deploy" / "constraints.txt")
    done = subprocess.run(
        [*pip, "install", "--no-compile", *constraints, built.wheel], capture_output=True, text=True, check=False
    )
    if done.returncode:
        missing(f"pip cannot bring what the gateway needs: {done.stderr.strip()[-300:]}")

    def said(*arguments: object) -> str:
        command = [str(bare / "cti-gateway"), *map(str, arguments)]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    assert said("--version") == f"cti-gateway {__version__}\n"
    for peer in ("asterisk", "mqtt"):
        (tmp_path / f"{peer}.password").write_text("secret\n")
        (tmp_path / f"{peer}.password").chmod(0o600)
    sample = (ROOT / "config" / "gateway.example.toml").read_text().replace("/etc/cti-gateway", str(tmp_path))
    (tmp_path / "gateway.toml").write_text(sample)
    assert said("check", "--config", tmp_path / "gateway.toml").startswith("ok: ")
    said("schema", "--output", tmp_path / "contract")
    assert (tmp_path / "contract" / "asyncapi.json").read_bytes() == (
        ROOT / "config" / "contract" / "asyncapi.json"
    ).read_bytes()
    subprocess.run([*pip, "check"], check=True, capture_output=True)
