"""Where this machine takes Debian packages from: apt's own source files, read without apt.

Two forms exist side by side: one-line files (``*.list``) and stanzas (``*.sources``, the deb822 form). Names of hosts
never stand in this project; they come from here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

APT = Path("/etc/apt")
_ONE_LINE = re.compile(r"^deb\s+(?:\[[^]]*\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One place packages come from: a base address, and what is taken there."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


def parse_one_line(text: str) -> Iterator[Entry]:
    """Yield the binary-package entries of a ``.list`` file."""
    for line in text.splitlines():
        match = _ONE_LINE.match(line.partition("#")[0].strip())
        if match:
            yield Entry(match["uri"], (match["suite"],), tuple(match["components"].split()))


def parse_stanzas(text: str) -> Iterator[Entry]:
    """Yield the binary-package entries of a ``.sources`` file, one for each address of each enabled stanza."""
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n[ \t]*\n", without_comments):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        for uri in fields.get("uris", "").split():
            yield Entry(uri, tuple(fields.get("suites", "").split()), tuple(fields.get("components", "").split()))


def read_entries(apt: Path = APT) -> list[Entry]:
    """Return every entry of this machine, in the order in which apt reads the files."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    entries: list[Entry] = []
    for file in files:
        if file.suffix == ".list" and file.is_file():
            entries += parse_one_line(file.read_text())
        elif file.suffix == ".sources" and file.is_file():
            entries += parse_stanzas(file.read_text())
    return entries


def mirrors(entries: Iterable[Entry], codename: str) -> list[str]:
    """Return the addresses that may be Debian's main archive, best guess first.

    A third party may call its suite as Debian does, so the caller still has to look whether the suite it wants is
    there and says that it is Debian's.

    Args:
        entries: What apt knows.
        codename: The Debian release this machine runs, such as ``bookworm``.
    """
    found: list[str] = []
    for entry in entries:
        if codename in entry.suites and "main" in entry.components:
            for uri in _resolve(entry.uri):
                if uri not in found:
                    found.append(uri)
    return found


def _resolve(uri: str) -> list[str]:
    """Return the http addresses behind an entry's address; ``mirror+file:`` names a file that lists them."""
    if uri.startswith(("mirror+file:", "mirror:file:")):
        listing = Path(uri.split(":", 2)[-1] if uri.startswith("mirror:") else uri.split(":", 1)[1])
        lines = listing.read_text().splitlines() if listing.is_file() else []
        return [line.split()[0].rstrip("/") for line in lines if line.startswith("http")]
    return [uri.rstrip("/")] if uri.startswith(("http://", "https://")) else []
