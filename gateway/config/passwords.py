"""Where the passwords come from: a file named by the configuration, a systemd credential, or its own text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from gateway.config.problems import Problem

LINKS: Final = ("asterisk", "mqtt")

_LIMIT_BYTES: Final = 65_536
#: Stands for a password that could not be read, so that this is not told a second time as a missing one.
_UNREAD: Final = SecretStr("unread")


def with_passwords(tables: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """Return *tables* with the passwords that are kept elsewhere, and what is wrong with those.

    ``password_file`` comes first, then the credential ``mqtt.password`` or ``asterisk.password`` in the folder that
    systemd names in ``CREDENTIALS_DIRECTORY``. A password in the configuration itself beside one of these is a mistake.

    Args:
        tables: The configuration as given, not yet checked.
        environ: The environment.
    """
    whole = dict(tables)
    problems: list[Problem] = []
    for link in LINKS:
        given = whole.setdefault(link, {})
        place = _place(link, given, environ) if isinstance(given, Mapping) else None
        if place is None:
            continue
        if given.get("password") not in (None, ""):
            found = f"a password here and one in {place[0]}"
            problems.append(Problem((link, "password"), "one password", found, (link, "password_file")))
        else:
            password, problem = _read(link, *place)
            whole[link] = {**given, "password": password}
            problems += [problem] if problem else []
    return whole, problems


def _place(link: str, given: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[Path, str] | None:
    """Return the file to read, and the key that is to blame if it does not hold a password."""
    named, folder = given.get("password_file"), environ.get("CREDENTIALS_DIRECTORY")
    if named and isinstance(named, str):
        return Path(named), "password_file"
    credential = Path(folder) / f"{link}.password" if folder else None
    return (credential, "password") if credential is not None and credential.exists() else None


def _read(link: str, path: Path, key: str) -> tuple[SecretStr, Problem | None]:
    """Return the one line of the file without its end."""
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT_BYTES).decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        return _UNREAD, _unfit(link, path, key, f"{error.strerror} ({path})")
    except ValueError:  # no UTF-8 in the file, or a NUL in the path
        return _UNREAD, _unfit(link, path, key, f"a file that is not UTF-8 ({path})")
    if not text or not text.isprintable():
        return _UNREAD, _unfit(link, path, key, f"{'control characters' if text else 'nothing'} in it ({path})")
    return SecretStr(text), None


def _unfit(link: str, path: Path, key: str, found: str) -> Problem:
    return Problem((link, key), f"{path.name} to be readable and hold one line, the password", found, (link, key))
