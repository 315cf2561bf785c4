"""Whether the queue_log that the gateway reads is the one that this Asterisk writes, and may be read.

A line of the doctor's own, written by the action QueueLog, proves it. Nothing counts it: its event is ``DOCTOR``.
"""

import asyncio
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from gateway.doctor.asterisk_conf import AsteriskConf
from gateway.doctor.findings import Finding, note, ok, problem, unknown
from gateway.doctor.link import AmiLink
from gateway.errors import AmiActionError

CHECK: Final = "queue_log"
EVENT: Final = "DOCTOR"
WRITTEN_WITHIN: Final = 2.0
_POLL: Final = 0.02
_DEFAULT_FOLDER: Final = "/var/log/asterisk"


class LogPlace:
    """What Asterisk's files say of its queue_log; either may be None where it cannot be read."""

    def __init__(self, asterisk: AsteriskConf | None, logger: AsteriskConf | None) -> None:
        self._asterisk = asterisk
        self._logger = logger

    @property
    def is_off(self) -> bool:
        """Whether logger.conf switches it off."""
        return self._logger is not None and not self._logger.is_on("general", "queue_log", default=True)

    @property
    def path(self) -> Path | None:
        """Where it must be, as Asterisk sees it; None if that is not known."""
        if self._asterisk is None:
            return None
        folder = self._asterisk.last("directories", "astlogdir") or _DEFAULT_FOLDER
        name = None if self._logger is None else self._logger.last("general", "queue_log_name")
        return Path(folder, name or "queue_log")


def readers(name: str | None) -> tuple[int, set[int]] | None:
    """User id and groups of the service's user; None if there is none of that name, or none was named.

    The group ``asterisk`` is one of them: the unit gives it.
    """
    if name is None:
        return None
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = set(os.getgrouplist(name, user.pw_gid))
    with suppress(KeyError):
        groups.add(grp.getgrnam("asterisk").gr_gid)
    return user.pw_uid, groups


def unreadable(path: Path, reader: tuple[int, set[int]] | None) -> Path | None:
    """The first of a file and the folders above it that the service's user may not use; None if it may read the file.

    Without a *reader* the user who runs this is asked.
    """
    for each in (*reversed(path.parents), path):
        if not _may(each, reader, is_file=each == path):
            return each
    # Rotated logs are looked for in the folder.
    return None if _may(path.parent, reader, is_file=True) else path.parent


def _may(path: Path, reader: tuple[int, set[int]] | None, *, is_file: bool) -> bool:
    if reader is None:
        return os.access(path, os.R_OK if is_file else os.X_OK)
    user, groups = reader
    status = path.stat()
    needed = stat.S_IROTH if is_file else stat.S_IXOTH
    if user == 0:
        return True
    if user == status.st_uid:
        return bool(status.st_mode & needed << 6)
    return bool(status.st_mode & (needed << 3 if status.st_gid in groups else needed))


def of_file(path: Path | None, place: LogPlace, reader: tuple[int, set[int]] | None) -> Iterator[Finding]:
    """What can be told of the file as it lies there; nothing if it can be read."""
    if path is None:
        yield note(
            CHECK,
            "the gateway is told of none: what happens while it is away is not read back",
            f'gateway.toml [asterisk]: queue_log = "{place.path or Path(_DEFAULT_FOLDER, "queue_log")}"',
        )
        return
    if place.is_off:
        yield problem(CHECK, "switched off in logger.conf", _switch_on())
        return
    try:
        path.stat()
        blocked = unreadable(path, reader)
    except FileNotFoundError:
        yield problem(CHECK, f"there is no file {path}", _elsewhere(place, path))
        return
    except OSError as error:
        yield problem(CHECK, f"{path} cannot be reached: {error.strerror}", _permit(path))
        return
    if blocked is not None:
        yield problem(CHECK, f"the gateway's user may not read {blocked}", _permit(blocked))


async def of_line(path: Path, place: LogPlace, link: AmiLink) -> Finding:
    """Let Asterisk write a line, and look where it appears.

    Raises:
        AmiError: The link is lost.
    """
    candidates = {path: _size(path)}
    if place.path is not None and place.path != path:
        candidates[place.path] = _size(place.path)
    token = uuid4().hex
    try:
        await link.ask("QueueLog", {"Queue": "NONE", "Event": EVENT, "Message": token})
    except AmiActionError as error:
        return unknown(CHECK, f"Asterisk writes no line for the doctor: {error.message}", "see the AMI rights above")
    found = await _appeared(candidates, token.encode())
    if found == path:
        return ok(CHECK, f"{path} is what this Asterisk writes")
    if found is not None:
        return problem(
            CHECK,
            f"{path} is of another Asterisk: this one writes {found}",
            f'gateway.toml [asterisk]: queue_log = "{found}"',
        )
    return problem(
        CHECK,
        f"this Asterisk does not write {path}: it is of another one, or the log is off or goes to a database alone",
        f"{_elsewhere(place, path)}; or {_switch_on()}; with a database queue_log_to_file = yes there",
    )


async def _appeared(candidates: dict[Path, int], token: bytes) -> Path | None:
    loop = asyncio.get_running_loop()
    until = loop.time() + WRITTEN_WITHIN
    while True:
        for path, size in candidates.items():
            if token in _rest(path, size):
                return path
        if loop.time() > until:
            return None
        await asyncio.sleep(_POLL)  # a file has no way of saying that it grew


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _rest(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(size)
            return file.read(1 << 20)
    except OSError:
        return b""


def _switch_on() -> str:
    return "logger.conf [general]: queue_log = yes, then asterisk -rx 'logger reload'"


def _elsewhere(place: LogPlace, path: Path) -> str:
    where = place.path if place.path not in {None, path} else "the file queue_log in astlogdir of asterisk.conf"
    return f'gateway.toml [asterisk]: queue_log = "{where}"'


def _permit(path: Path) -> str:
    return (
        f"chgrp asterisk {path}; chmod g+r{'x' if path.is_dir() else ''} {path}, and the gateway's user into that group"
    )
