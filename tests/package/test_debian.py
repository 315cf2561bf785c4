"""The Debian package in a fresh Debian 12: it installs, runs, keeps what it should, and goes without a trace."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway import __version__
from tests.broker import Broker
from tests.lab.roots import LabUnavailableError
from tests.lab.subscriber import Subscriber
from tests.package.conftest import ROOT, Built
from tests.package.fresh import FreshDebian, difference
from tests.service.live import pbx
from tests.unpacked import missing

pytestmark = pytest.mark.timeout(600)

NAME = "cti-gateway"
CONFIGURATION = "/etc/cti-gateway/gateway.toml"
PASSWORDS = ("/etc/cti-gateway/asterisk.password", "/etc/cti-gateway/mqtt.password")
EXAMPLES = "usr/share/doc/cti-gateway/examples"

#: What every Debian 12 with these has, beside the packages themselves: their own dependencies are there, too.
DEPENDED_ON = {"adduser", "libc6", "libgcc-s1", "libstdc++6", "python3"}


@pytest.fixture(scope="module")
def package(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package."""
    for tool in ("dpkg-deb", "strip"):
        if shutil.which(tool) is None:
            missing(f"There is no {tool} here: apt-get install dpkg binutils.")
    output = tmp_path_factory.mktemp("debian")
    script = built.sources / "deploy" / "debian" / "build.py"
    # xz would be a few seconds more, and nothing else.
    words = ("--output", output, "--wheel", built.wheel, "--compression", "gzip")
    done = subprocess.run([sys.executable, script, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        missing(f"The package cannot be built here: {done.stderr.strip()[-300:]}")
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshDebian]:
    """A Debian 12 on which the package is not installed, or not any more."""
    try:
        with FreshDebian(tmp_path_factory.mktemp("fresh")) as root:
            yield root
    except LabUnavailableError as error:
        missing(str(error))


@pytest.fixture(scope="class")
def installed(debian: FreshDebian, package: Path) -> Iterator[FreshDebian]:
    """A Debian 12 on which it is installed."""
    debian.install(package)
    yield debian
    debian.run("dpkg", "--purge", NAME)


def altered(package: Path, scratch: Path, version: str, *, text: tuple[str, str]) -> Path:
    """The package in another version: a module more, and a configuration with other words in it.

    What others wrote is left out: it takes long to unpack and to compile, and changes nothing about the rest.
    """
    tree = scratch / version
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control, sums = tree / "DEBIAN" / "control", tree / "DEBIAN" / "md5sums"
    control.write_text(re.sub(r"^Version: .*", f"Version: {version}", control.read_text(), flags=re.MULTILINE))
    for part in (tree / "usr/lib/cti-gateway").iterdir():
        if part.is_file():
            part.unlink()
        elif part.name != "gateway":
            shutil.rmtree(part)
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if (tree / line.split("  ", 1)[1].strip()).exists()))
    (tree / "usr/lib/cti-gateway/gateway" / f"only_in_{version[0]}.py").write_text("")
    (tree / CONFIGURATION[1:]).write_text((tree / CONFIGURATION[1:]).read_text().replace(*text))
    target = scratch / f"cti-gateway_{version}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, target], check=True, capture_output=True
    )
    return target


def test_lintian_finds_no_error(debian: FreshDebian, package: Path) -> None:
    """Debian's own linter of packages finds no error and no warning; what is overridden has its reason beside it."""
    assert debian.run("lintian", "--allow-root", "--fail-on", "error,warning", debian.bring(package)) == ""


def test_version_is_that_of_the_source(package: Path) -> None:
    """The package has the version of ``gateway/__init__.py`` and a revision."""
    assert re.fullmatch(rf"cti-gateway_{re.escape(__version__)}-1_\w+\.deb", package.name)


OPEN = ("allow_anonymous true",)
"""So that the test itself may read without a name; the gateway's name still needs its password."""


def settings(unit: str) -> set[str]:
    """What a unit sets."""
    return {line for line in unit.splitlines() if "=" in line and not line.startswith("#")}


class TestInstalled:
    """What is true as long as it is installed."""

    async def test_installed_it_runs(self, installed: FreshDebian, tmp_path: Path) -> None:
        """The service's user, with the passwords made and the samples for Mosquitto, gets a current picture."""
        root = installed
        assert root.run(NAME, "--version", user=NAME) == f"cti-gateway {__version__}\n"
        assert root.run(NAME, "check", user=NAME).startswith(f"ok: {CONFIGURATION}\n")
        secret, password = (root.path(name).read_text().strip() for name in PASSWORDS)
        users = {NAME: password, "wallboard": "w"}
        acl = root.path(f"{EXAMPLES}/mosquitto/acl").read_text()
        with Broker(tmp_path / "broker", users=users, acl=f"topic read cti/#\n{acl}", settings=OPEN) as broker:
            async with pbx() as asterisk, Subscriber(broker.port, "cti/pbx1") as subscriber:
                asterisk.username, asterisk.secret = NAME, secret
                environment = {
                    "CTI_GATEWAY__NODE": "pbx1",
                    "CTI_GATEWAY__ASTERISK__PORT": str(asterisk.port),
                    "CTI_GATEWAY__MQTT__PORT": str(broker.port),
                    "CTI_GATEWAY__HTTP__LISTEN": "",
                }
                process = await asyncio.create_subprocess_exec(
                    *("chroot", f"--userspec={NAME}", root.folder, f"/usr/bin/{NAME}", "run"),
                    *("--config", CONFIGURATION),
                    env={**os.environ, **environment},
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )
                try:
                    await subscriber.wait_for(
                        lambda message: message.topic == "bridge/asterisk" and bool(message.json["current"])
                    )
                    assert any(topic.startswith("session/") for topic in subscriber.latest)
                    process.send_signal(signal.SIGTERM)
                    said, _ = await process.communicate()
                finally:
                    with suppress(ProcessLookupError):
                        process.kill()
        assert process.returncode == 0, said.decode()
        assert root.access("/var/lib/cti-gateway") == "700 cti-gateway:cti-gateway"

    def test_secrets_are_the_services_alone(self, installed: FreshDebian) -> None:
        """Configuration and passwords are root's, readable by the service's group; each password is new and long."""
        assert installed.access("/etc/cti-gateway") == "750 root:cti-gateway"
        for name in (CONFIGURATION, *PASSWORDS):
            assert installed.access(name) == "640 root:cti-gateway"
            installed.run("cat", name, user=NAME)
            installed.run("cat", name, user="nobody", status=1)
        asterisk, mqtt = (installed.path(name).read_text() for name in PASSWORDS)
        assert asterisk != mqtt
        assert all(re.fullmatch(r"[0-9a-f]{48}\n", word) for word in (asterisk, mqtt))
        _, _, _, _, _, home, shell = installed.run("getent", "passwd", NAME).strip().split(":")
        assert (home, shell) == ("/nonexistent", "/usr/sbin/nologin")

    def test_units_are_those_that_are_tested(self, installed: FreshDebian) -> None:
        """Where the package has another path and no group that may be missing, its units are those of ``deploy``."""
        for unit in ("cti-gateway.service", "cti-gateway@.service"):
            ours = settings((ROOT / "deploy" / unit).read_text())
            theirs = settings(installed.path(f"lib/systemd/system/{unit}").read_text())
            assert theirs - ours == {
                line.replace("/opt/cti-gateway/bin", "/usr/bin") for line in ours if line.startswith("ExecStart=")
            } | {line for line in theirs if line.startswith("Documentation=")}
            assert {line.partition("=")[0] for line in ours - theirs} == {"ExecStart", "SupplementaryGroups"}
            assert installed.path("usr/bin/cti-gateway").stat().st_mode & 0o111

    def test_documents_name_what_is_there(self, installed: FreshDebian) -> None:
        """Every path of this package that configuration, README and units name exists."""
        texts = [CONFIGURATION, "usr/share/doc/cti-gateway/README.Debian", "lib/systemd/system/cti-gateway.service"]
        text = "\n".join(installed.path(name).read_text() for name in texts)
        named = set(re.findall(r"(?:/usr/share/doc|/usr/bin|/usr/lib)/[\w./@-]*[\w]", text))
        assert named
        assert [name for name in named if not installed.path(name).exists()] == []
        pages = installed.path("usr/share/doc/cti-gateway")
        linked = {
            link for page in pages.glob("*.md") for link in re.findall(r"\]\((examples/[^)]+)\)", page.read_text())
        }
        assert linked
        assert [link for link in linked if not (pages / link).exists()] == []
        samples = installed.path(EXAMPLES)
        assert (samples / "asterisk/manager.d/cti-gateway.conf").is_file()
        assert (samples / "mosquitto/acl").is_file()
        assert tomllib.loads(installed.path(CONFIGURATION).read_text()) == tomllib.loads(
            (ROOT / "config" / "gateway.example.toml").read_text()
        )

    def test_depends_on_all_that_it_loads(self, installed: FreshDebian) -> None:
        """Each library that the package's own ones load is in a package that it depends on."""
        own = [f"/{path.relative_to(installed.folder)}" for path in installed.path("usr/lib/cti-gateway").rglob("*.so")]
        assert own
        loaded = set(re.findall(r"=> (/\S+)", installed.run("ldd", *own)))
        # Debian 12's dpkg knows the files by the names they were packed under, before /lib became a link.
        asked = sorted(loaded | {name.removeprefix("/usr") for name in loaded} | {f"/usr{name}" for name in loaded})
        found = installed.run("dpkg", "--search", *asked, status=None)
        assert set(re.findall(r"^([\w.+-]+)(?::\w+)?: /", found, re.MULTILINE)) <= DEPENDED_ON
        control = installed.run("dpkg-query", "--show", "--showformat=${Depends}", NAME)
        assert {word.split()[0] for word in control.split(", ")} == DEPENDED_ON


def test_life_of_an_installation(debian: FreshDebian, package: Path, tmp_path: Path) -> None:
    """An upgrade keeps what the administrator did, a removal keeps configuration and store, a purge leaves nothing."""
    before = debian.snapshot()
    old = altered(package, tmp_path, "0.0.1-1", text=("[commands]", "# An older word.\n[commands]"))
    new = altered(package, tmp_path, "9.0.0-1", text=("[commands]", "# A newer word.\n[commands]"))
    configuration, store = debian.path(CONFIGURATION), debian.path("/var/lib/cti-gateway/gateway.db")
    middle = altered(package, tmp_path, "1.0.0-1", text=("[commands]", "[commands]"))
    debian.install(old)
    passwords = [debian.path(name).read_text() for name in PASSWORDS]
    store.write_bytes(b"figures")

    # Untouched, it is the new version's, and still nobody else's to read.
    debian.install(middle)
    assert "An older word." not in configuration.read_text()
    assert debian.access(CONFIGURATION) == "640 root:cti-gateway"
    assert not debian.path("usr/lib/cti-gateway/gateway/only_in_0.py").exists()
    assert debian.run("dpkg", "--verify", NAME) == ""

    # Touched, it stays as it is.
    configuration.write_text(f"{configuration.read_text()}# Mine.\n")
    debian.path(PASSWORDS[1]).unlink()
    debian.path("/etc/cti-gateway/pbx2.toml").write_text("mine, too")
    debian.path("/etc/systemd/system/multi-user.target.wants").mkdir(exist_ok=True)
    wanted = debian.path("/etc/systemd/system/multi-user.target.wants/cti-gateway.service")
    wanted.symlink_to("/lib/systemd/system/cti-gateway.service")
    debian.install(new)
    assert configuration.read_text().endswith("# Mine.\n")
    assert "A newer word." not in configuration.read_text()
    assert debian.access(CONFIGURATION) == "640 root:cti-gateway"
    assert debian.path(PASSWORDS[0]).read_text() == passwords[0]
    assert not debian.path(PASSWORDS[1]).exists()

    debian.run("dpkg", "--remove", NAME)
    assert not debian.path("usr/lib/cti-gateway").exists()
    assert configuration.read_text().endswith("# Mine.\n")
    assert store.read_bytes() == b"figures"
    assert debian.run("getent", "passwd", NAME)

    debian.install(new)
    assert configuration.read_text().endswith("# Mine.\n")
    assert store.read_bytes() == b"figures"

    debian.run("dpkg", "--purge", NAME)
    left = difference(before, debian.snapshot())
    wants = "etc/systemd/system/multi-user.target.wants"
    assert {name for name in left if name != wants} == set()
    assert debian.run("getent", "passwd", NAME, status=2) == ""
    assert debian.run("getent", "group", NAME, status=2) == ""


def test_only_what_ran_is_started_again(debian: FreshDebian, package: Path, tmp_path: Path) -> None:
    """An installation starts nothing, an upgrade starts again the units that ran, and a removal stops them.

    No systemd runs there, so that a program in the place of systemctl says what runs and writes down what is asked.
    """
    old, new = (altered(package, tmp_path, version, text=("", "")) for version in ("0.0.1-1", "1.0.0-1"))
    policy, booted = debian.path("usr/sbin/policy-rc.d"), debian.path("run/systemd/system")
    systemctl, asked = debian.path("usr/bin/systemctl"), debian.path("mnt/asked")
    policy.rename(policy.with_suffix(".away"))  # it says that nothing may be started
    booted.mkdir(parents=True)
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)
    try:
        asked.write_text("")
        debian.install(old)
        assert re.findall(r"\b(?:re)?start\b|\bstop\b", asked.read_text()) == []
        asked.write_text("")
        debian.install(new)
        assert re.findall(r"\b(restart|start|stop) (\S+)", asked.read_text()) == [("restart", unit) for unit in RUNNING]
        asked.write_text("")
        debian.run("dpkg", "--purge", NAME)
        assert re.findall(r"\b(restart|start|stop) (\S+)", asked.read_text()) == [("stop", unit) for unit in RUNNING]
    finally:
        systemctl.unlink()
        booted.rmdir()
        policy.with_suffix(".away").rename(policy)
        debian.run("dpkg", "--purge", NAME)


RUNNING = ("cti-gateway.service", "cti-gateway@pbx1.service")

SYSTEMCTL = f"""#!/bin/sh
echo "$@" >>/mnt/asked
case "$*" in
list-units*)
    for unit in {" ".join(RUNNING)}; do echo "$unit loaded active running CTI gateway"; done ;;
*is-enabled*) echo enabled ;;
*is-active*) echo active ;;
esac
"""


def test_administrators_rights_are_kept(debian: FreshDebian, package: Path, tmp_path: Path) -> None:
    """Where dpkg-statoverride says who may read the configuration, an installation leaves it so."""
    debian.run("dpkg-statoverride", "--add", "root", "adm", "0440", CONFIGURATION)
    try:
        debian.install(altered(package, tmp_path, "1.0.0-1", text=("[commands]", "[commands]")))
        assert debian.access(CONFIGURATION) == "440 root:adm"
    finally:
        debian.run("dpkg-statoverride", "--remove", CONFIGURATION)
        debian.run("dpkg", "--purge", NAME)


def test_nothing_of_this_machine_is_in_it(package: Path, tmp_path: Path) -> None:
    """No file names a folder in which it was built."""
    subprocess.run(["dpkg-deb", "--raw-extract", package, tmp_path / "tree"], check=True)
    places = [os.fsencode(place) for place in (package.parent.parent, ROOT, sys.prefix) if len(Path(place).parts) > 2]
    files = [path for path in (tmp_path / "tree").rglob("*") if path.is_file()]
    assert [path for path in files if any(place in path.read_bytes() for place in places)] == []
