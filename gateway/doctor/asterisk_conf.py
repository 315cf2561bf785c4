"""Asterisk's own configuration files, read as Asterisk reads them. Sans-I/O but for the reading of a file itself.

Understood are sections with templates and ``(+)``, comments of both kinds, ``#include``, ``=`` and ``=>``. What is run
by ``#exec`` is not.

Source: ``process_text_line()`` in Asterisk's main/config.c.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_SECTION: Final = re.compile(r"\[(?P<name>[^]]*)\](?:\s*\((?P<options>[^)]*)\))?")
_INCLUDE: Final = re.compile(r"#(?:try)?include\s+[\"<]?(?P<name>[^\">]+?)[\">]?\s*$", re.IGNORECASE)
_MOST_NESTED: Final = 10
_MOST_BYTES: Final = 16 * 1024 * 1024

Settings = list[tuple[str, str]]
"""Keys, in lower case, and values, in the file's order; one may be given more than once."""

Read = Callable[[str], Iterator[str]]
"""Gives the text of each file that a name, as it stands in an ``#include``, means."""


@dataclass(slots=True)
class AsteriskConf:
    """A file with all that it includes: settings by section. A section's name counts in its case."""

    sections: dict[str, Settings] = field(default_factory=dict)
    templates: set[str] = field(default_factory=set)

    def all(self, section: str, *names: str) -> list[str]:
        """Every value of the keys *names* (lower case) in *section*, in order."""
        return [value for key, value in self.sections.get(section, []) if key in names]

    def last(self, section: str, name: str) -> str | None:
        """The value that counts where one key is given more than once; None if it is not."""
        values = self.all(section, name)
        return values[-1] if values else None

    def is_on(self, section: str, name: str, *, default: bool) -> bool:
        """Whether a switch is on; what is no truth value counts as off."""
        value = self.last(section, name)
        return default if value is None else is_true(value)


def is_true(value: str) -> bool:
    """Whether Asterisk takes *value* for true (``ast_true()`` in main/utils.c)."""
    return value.strip().lower() in {"yes", "true", "y", "t", "1", "on"}


def parse(text: str, read: Read = lambda _: iter(())) -> AsteriskConf:
    """Read a file from its text; *read* gives those it includes."""
    parser = _Parser(read)
    parser.take(text, 0)
    return parser.conf


def load(folder: Path, name: str) -> AsteriskConf | None:
    """Read a file of Asterisk's configuration folder; None if it is not there or may not be read."""
    try:
        text = _text(folder / name)
    except OSError:
        return None
    return parse(text, lambda included: _included(folder, included))


def _included(folder: Path, name: str) -> Iterator[str]:
    path = Path(name)
    base, pattern = (Path("/"), str(path.relative_to("/"))) if path.is_absolute() else (folder, name)
    for each in sorted(base.glob(pattern)):
        try:
            yield _text(each)
        except OSError:
            continue


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES).decode("utf-8", "replace")


class _Parser:
    def __init__(self, read: Read) -> None:
        self.conf = AsteriskConf()
        self._read = read
        self._current: Settings | None = None

    def take(self, text: str, depth: int) -> None:
        for raw in _without_comments(text):
            line = raw.strip()
            if not line:
                continue
            if included := _INCLUDE.match(line):
                if depth < _MOST_NESTED:
                    for more in self._read(included["name"]):
                        self.take(more, depth + 1)
            elif section := _SECTION.match(line):
                self._begin(section["name"], [option.strip() for option in (section["options"] or "").split(",")])
            elif self._current is not None and (pair := _pair(line)) is not None:
                self._current.append(pair)

    def _begin(self, name: str, options: Sequence[str]) -> None:
        """Begin a section; one that is there already is added to with ``(+)``, and else a second of the same name.

        Asterisk's readers look at all of the same name or the first; for the doctor's keys adding up comes closest.
        """
        self._current = self.conf.sections.setdefault(name, [])
        for option in options:
            if option == "!":
                self.conf.templates.add(name)
            elif option and option != "+":
                self._current += self.conf.sections.get(option, [])


def _pair(line: str) -> tuple[str, str] | None:
    key, sign, value = line.partition("=")
    return (key.strip().lower(), value.removeprefix(">").strip()) if sign else None


def _without_comments(text: str) -> Iterator[str]:
    r"""The lines without comments: from ``;`` on, but for ``\;``, and from ``;--`` to ``--;``."""
    inside = False
    for line in text.splitlines():
        kept = []
        place = 0
        while place < len(line):
            if inside:
                end = line.find("--;", place)
                if end < 0:
                    break
                inside, place = False, end + 3
            elif line.startswith("\\;", place):
                kept.append(";")
                place += 2
            elif line[place] != ";":
                kept.append(line[place])
                place += 1
            elif line.startswith(";--", place) and not line.startswith(";---", place):
                inside, place = True, place + 3
            else:
                break
        yield "".join(kept)
