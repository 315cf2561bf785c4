"""Builds the Debian package of cti-gateway for Debian 12, with the Python packages that it needs.

    python3 deploy/debian/build.py --output dist
    python3 deploy/debian/build.py --output dist --wheels FOLDER                  # fetches nothing
    python3 deploy/debian/build.py --output dist --wheel cti_gateway-….whl        # fetches the others

It takes any Python with pip, and of Debian's tools dpkg and strip (package binutils); debhelper is not needed, nor
root. Everything is installed below /usr/lib/cti-gateway, where no other program looks; Debian's own Python runs it.
The wheels are those of Debian 12's Python, 3.11, whatever Python builds the package, and are held to
deploy/constraints.txt. With --wheels, FOLDER has the wheels of the gateway and of all that it needs; ``pip wheel``
fills it elsewhere.

DEBFULLNAME and DEBEMAIL are the maintainer; SOURCE_DATE_EPOCH is the time of all files (default: that of CHANGELOG.md),
so that the same wheels give the same package.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from email.parser import HeaderParser
from email.utils import formatdate
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PYTHON = "3.11"
REVISION = "1"
GLIBC = ("2_17", "2_28", "2_34", "2_35", "2_36")
"""Of manylinux wheels that Debian 12 can load: pip takes only the tags that are named."""

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
MAINTAINER = "cti-gateway packagers <packagers@cti-gateway.invalid>"


def main() -> None:
    """Build the package and print where it is."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--output", type=Path, default=Path("dist"), help="the folder for the package")
    words.add_argument("--wheels", type=Path, help="take all wheels from this folder and fetch nothing")
    words.add_argument("--wheel", type=Path, help="the gateway's own wheel, where it is built already")
    words.add_argument("--compression", choices=("xz", "gzip"), default="xz", help="gzip is larger, and quicker made")
    arguments = words.parse_args()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or (PROJECT / "CHANGELOG.md").stat().st_mtime)
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch) / "own"
        own.mkdir()
        if arguments.wheel is not None:
            shutil.copy(arguments.wheel, own)
        elif arguments.wheels is None:
            pip("wheel", "--no-deps", "--wheel-dir", own, PROJECT)
        sources = ("--no-index", "--find-links", arguments.wheels) if arguments.wheels else ()
        tree = Path(scratch) / "tree"
        version, architecture = debian_version(own_version()), said_by("dpkg", "--print-architecture")
        assemble(tree, (*sources, "--find-links", own), version, architecture, epoch)
        package = arguments.output / f"cti-gateway_{version}_{architecture}.deb"
        package.parent.mkdir(parents=True, exist_ok=True)
        how = ("--root-owner-group", f"-Z{arguments.compression}")
        run("dpkg-deb", *how, "--build", tree, package, SOURCE_DATE_EPOCH=str(epoch))
    print(package)


def assemble(tree: Path, sources: tuple[object, ...], version: str, architecture: str, epoch: int) -> None:
    """Put all files of the package where they will be installed.

    Args:
        tree: The folder that stands for ``/``; made.
        sources: Where pip finds the wheels, as its own options.
        version: Debian's.
        architecture: Debian's name of it.
        epoch: The time that all files bear, in seconds since 1970.
    """
    library = tree / "usr/lib/cti-gateway"
    install_packages(library, sources, MACHINES[architecture])
    install_program(tree)
    install_configuration(tree)
    install_units(tree)
    install_documents(tree, library, version, epoch)
    write_control(tree, version, architecture)
    settle(tree, epoch)


def debian_version(version: str) -> str:
    """Return a Python version as Debian orders it: what comes before a release sorts before it."""
    upstream = re.sub(r"[.]?(a|b|rc|dev)(?=[0-9])", r"~\1", version)
    return f"{upstream}-{REVISION}"


def install_packages(library: Path, sources: tuple[object, ...], machine: str) -> None:
    """Let pip put the gateway and what it needs into a folder, and take away what only pip needs."""
    pip(
        *("install", "--target", library, "--no-compile", "--only-binary=:all:", *sources),
        *("--python-version", PYTHON, "--implementation", "cp"),
        *(word for glibc in GLIBC for word in ("--platform", f"manylinux_{glibc}_{machine}")),
        *("--platform", f"manylinux2014_{machine}"),
        *("--constraint", PROJECT / "deploy/constraints.txt"),
        f"cti-gateway=={own_version()}",
    )
    shutil.rmtree(library / "bin")
    run("strip", "--strip-unneeded", "--remove-section=.comment", *library.rglob("*.so"))
    for name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
        for file in library.glob(f"*.dist-info/{name}"):
            file.unlink()


def own_version() -> str:
    """Return the version that stands in the source."""
    found = re.search(r'^__version__ = "(.+)"$', (PROJECT / "gateway/__init__.py").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("gateway/__init__.py has no version")
    return found[1]


def install_program(tree: Path) -> None:
    """Put the command in its place, with its manual."""
    copy(HERE / "cti-gateway", tree / "usr/bin/cti-gateway")
    packed(tree / "usr/share/man/man1/cti-gateway.1.gz", (HERE / "cti-gateway.1").read_text())
    copy(HERE / "lintian-overrides", tree / "usr/share/lintian/overrides/cti-gateway")


def install_configuration(tree: Path) -> None:
    """Put the configuration with every key in its place."""
    text = (PROJECT / "config/gateway.example.toml").read_text()
    examples = "/usr/share/doc/cti-gateway/examples"
    text = text.replace("see deploy/asterisk", f"see\n# {examples}/asterisk")
    write(tree / "etc/cti-gateway/gateway.toml", text)


def install_units(tree: Path) -> None:
    """Put the units in their place, as a package has them.

    Without SupplementaryGroups: a group that is not there would keep the service from starting. The user is put into
    Asterisk's group instead, if there is one.
    """
    for name in ("cti-gateway.service", "cti-gateway@.service"):
        text = (PROJECT / "deploy" / name).read_text()
        text = text[text.index("[Unit]") :].replace("/opt/cti-gateway/bin/", "/usr/bin/")
        text = re.sub(r"^# queue_log belongs.*\nSupplementaryGroups=.*\n", "", text, flags=re.MULTILINE)
        head = "# Changes belong into a drop-in: systemctl edit " + name.removesuffix(".service")
        more = "Documentation=man:cti-gateway(1) file:/usr/share/doc/cti-gateway/operating.md\n"
        text = re.sub(r"^(Description=.*\n)", rf"\1{more}", text, count=1, flags=re.MULTILINE)
        write(tree / "lib/systemd/system" / name, f"{head}\n\n{text}")


def install_documents(tree: Path, library: Path, version: str, epoch: int) -> None:
    """Put documents, samples, changelogs and copyright in their places."""
    folder = tree / "usr/share/doc/cti-gateway"
    for document in sorted((PROJECT / "deploy/docs").glob("*.md")):
        # What stands beside the pages in the checkout is below them in the package.
        text = document.read_text().replace("](../examples/", "](examples/clients/").replace("](../", "](examples/")
        write(folder / document.name, text)
    copy(PROJECT / "README.md", folder / "README.md")
    copy(HERE / "README.Debian", folder / "README.Debian")
    for name in ("asterisk", "mosquitto", "nginx", "node-red", "prometheus", "grafana", "telegraf", "examples"):
        shutil.copytree(
            PROJECT / "deploy" / name,
            folder / "examples" / ("clients" if name == "examples" else name),
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    packed(folder / "changelog.gz", (PROJECT / "CHANGELOG.md").read_text())
    packed(
        folder / "changelog.Debian.gz",
        f"cti-gateway ({version}) bookworm; urgency=medium\n\n"
        f"  * What is new stands in changelog.gz.\n\n"
        f" -- {maintainer()}  {formatdate(epoch)}\n",
    )
    bundled = "\n".join(_licences(library))
    text = Template((HERE / "copyright.in").read_text()).substitute(bundled=bundled)
    write(folder / "copyright", text)


def _licences(library: Path) -> Iterator[str]:
    """Yield a stanza for each package that is part of this one: what its metadata say, and where its own words are."""
    for metadata in sorted(library.glob("*.dist-info/METADATA")):
        about = HeaderParser().parsestr(metadata.read_text())
        if about["Name"] == "cti-gateway":
            continue
        licence = about["License-Expression"] or _classified(about.get_all("Classifier", [])) or about["License"]
        names = sorted({path.name for path in _parts(metadata.parent, library)})
        files = "\n ".join(f"usr/lib/cti-gateway/{name}{'/*' if (library / name).is_dir() else ''}" for name in names)
        author = about["Author"] or about["Author-email"] or about["Maintainer"] or about["Maintainer-email"] or ""
        yield (
            f"Files: {files}\n"
            f"Copyright: {' '.join(author.split()) or 'the authors of ' + about['Name']}\n"
            f"License: {_short(licence or 'see text')}\n"
            f"Comment: {about['Name']} {about['Version']}, {' '.join((licence or '').split())[:80]}. The text is in\n"
            f" /usr/lib/cti-gateway/{metadata.parent.name}.\n"
        )


def _parts(info: Path, library: Path) -> Iterator[Path]:
    """Yield what a package has at the top of the library: by top_level.txt, else by the name it is imported by."""
    yield info
    listed = info / "top_level.txt"
    distribution = info.name.split("-")[0]
    names = listed.read_text().split() if listed.exists() else [distribution, distribution.lower()]
    for name in names:
        yield from (path for path in (library / name, library / f"{name}.py") if path.exists())
        yield from library.glob(f"{name}.*.so")


def _classified(classifiers: list[str]) -> str | None:
    return next((each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")), None)


def _short(licence: str) -> str:
    """Return a licence as the copyright file has it: an expression as it is, a classifier by its short name."""
    if re.fullmatch(r"[\w.+-]+( (AND|OR|WITH) [\w.+-]+)*", licence):
        words = {"MIT": "Expat", "AND": "and", "OR": "or", "WITH": "with"}
        return " ".join(words.get(word, word) for word in licence.split())
    known = {"MIT": "Expat", "Apache": "Apache-2.0", "BSD": "BSD", "Lesser": "LGPL", "Python": "PSF-2", "ISC": "ISC"}
    return next((short for word, short in known.items() if word in licence), "see-text")


def write_control(tree: Path, version: str, architecture: str) -> None:
    """Write what dpkg reads: the description, scripts, and sums."""
    control = tree / "DEBIAN"
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    values = {
        "version": version,
        "architecture": architecture,
        "maintainer": maintainer(),
        "installed_size": str(sum(-(-path.stat().st_size // 1024) for path in files)),
    }
    write(control / "control", Template((HERE / "control.in").read_text()).substitute(values))
    for name in ("conffiles", "postinst", "prerm", "postrm"):
        copy(HERE / name, control / name)
    sums = [f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree)}\n"
            for path in files if path.relative_to(tree).parts[0] != "etc"]  # fmt: skip
    write(control / "md5sums", "".join(sums))


def maintainer() -> str:
    """Return who answers for the package."""
    email = os.environ.get("DEBEMAIL")
    return f"{os.environ.get('DEBFULLNAME', 'cti-gateway packagers')} <{email}>" if email else MAINTAINER


def settle(tree: Path, epoch: int) -> None:
    """Give every file the mode it has in a package, and all of them one time."""
    programs = {"usr/bin/cti-gateway", "DEBIAN/postinst", "DEBIAN/prerm", "DEBIAN/postrm"}
    for path in (tree, *tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        private = name.startswith("etc/cti-gateway")
        if path.is_dir():
            path.chmod(0o750 if private else 0o755)
        else:
            path.chmod(0o640 if private else 0o755 if name in programs else 0o644)
        os.utime(path, (epoch, epoch))


def copy(source: Path, target: Path) -> None:
    """Copy a file and make its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def write(target: Path, text: str) -> None:
    """Write a file and make its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def packed(target: Path, text: str) -> None:
    """Write a file that is compressed the same way each time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def pip(*words: object) -> None:
    """Run pip, without the warnings that are of no use here."""
    run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words)


def run(*command: object, **environment: str) -> None:
    """Run a program, which must succeed; what it says on standard output is of no use to anybody."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError:
        raise SystemExit(f"{words[0]} is missing: apt-get install dpkg binutils") from None
    if done.returncode:
        raise SystemExit(f"{' '.join(words[:4])} ... ended with {done.returncode}")


def said_by(*command: str) -> str:
    """Run a program and return what it says."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
