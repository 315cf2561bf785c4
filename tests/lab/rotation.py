"""A log that is rotated by Asterisk itself, or by logrotate with compression; and all of it afterwards."""

import asyncio
import gzip
import shutil
from pathlib import Path

from tests.lab.asterisk import Asterisk

_LOGROTATE = """\
{log} {{
    rotate 4
    compress
    missingok
    postrotate
        {reload}
    endscript
}}
"""


async def rotate(asterisk: Asterisk) -> None:
    """Let Asterisk do it, by its default strategy (sequential): the archived one has the highest number."""
    await asterisk.cli("logger rotate")


async def logrotate(asterisk: Asterisk, directory: Path) -> None:
    """Do as Debian's package of Asterisk has it done, with compression: rename, let Asterisk begin anew, compress.

    By logrotate where it is installed; *directory* is for its configuration and state.
    """
    log = asterisk.queue_log
    program = shutil.which("logrotate", path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        archived = log.with_name(f"{log.name}.1")
        await asyncio.to_thread(log.rename, archived)
        await asterisk.cli("logger reload")
        await asyncio.to_thread(_compress, archived)
        return
    config = directory / "logrotate.conf"
    inside = asterisk.home.relative_to(asterisk.root)
    reload = f"chroot {asterisk.root} /usr/sbin/asterisk -C /{inside}/etc/asterisk.conf -rx 'logger reload' >/dev/null"
    config.write_text(_LOGROTATE.format(log=log, reload=reload))
    config.chmod(0o644)
    command = (program, "--force", "--state", str(directory / "logrotate.state"), str(config))
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


def whole(log: Path) -> str:
    """The text of a log with all its archived parts, the oldest first."""
    texts = [_text(each) for each in log.parent.glob(f"{log.name}*")]
    return "".join(sorted((text for text in texts if text), key=lambda text: int(text.partition("|")[0])))


def _text(path: Path) -> str:
    return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()


def _compress(path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
