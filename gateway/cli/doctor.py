"""``cti-gateway doctor``: tries the configuration against the real Asterisk and broker."""

import asyncio
import logging
from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigOption, config_or_exit
from gateway.config import GatewayConfig

ALL_WELL: Final = 0
PROBLEMS: Final = 1
NOT_ALL_TOLD: Final = 6
"""Exit statuses; 2 is that of a configuration that cannot be used."""

_WIDTH: Final = 12


def doctor(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    asterisk_config: Annotated[
        Path, typer.Option(metavar="DIR", help="Asterisk's own configuration, read where it is on this machine.")
    ] = Path("/etc/asterisk"),
    listen: Annotated[
        float, typer.Option(min=0, max=3600, metavar="SECONDS", help="How long to wait for events of the call center.")
    ] = 3.0,
    service_user: Annotated[
        str, typer.Option(metavar="NAME", help="The user the service runs as: whether it may read queue_log.")
    ] = "cti-gateway",
) -> None:
    """Try it for real: log in to Asterisk and the broker, look at rights, queues, logs and limits; say what to change.

    It disturbs neither the call center nor a gateway that runs: it writes one line DOCTOR into queue_log, and
    empty messages to topics of its own.

    Exit status: 0 all is well, 1 there are problems, 2 the configuration cannot be used, 6 no problem was found but not
    everything could be told. Notes do not count.
    """
    settings = config_or_exit(config)
    logging.disable(logging.CRITICAL)  # what goes wrong is told as a finding
    from gateway.doctor.examine import Options  # noqa: PLC0415  keeps --help quick

    options = Options(asterisk_config, listen, service_user or None)
    try:
        raise typer.Exit(asyncio.run(_examine(settings, options)))
    finally:
        logging.disable(logging.NOTSET)


async def _examine(settings: GatewayConfig, options: object) -> int:
    from gateway.clock import SystemClock  # noqa: PLC0415
    from gateway.doctor.examine import Examination, Options  # noqa: PLC0415
    from gateway.doctor.findings import Finding, Verdict  # noqa: PLC0415

    assert isinstance(options, Options)
    verdicts: Counter[Verdict] = Counter()

    def say(finding: Finding) -> None:
        verdicts[finding.verdict] += 1
        _say(f"{finding.verdict:<{_WIDTH}} {finding.check}: {finding.found}")
        if finding.change:
            _say(f"{'':<{_WIDTH}} change: {finding.change}")

    async for finding in Examination(settings, options, SystemClock()).run():
        say(finding)
    _say(
        f"{verdicts[Verdict.OK]} ok, {verdicts[Verdict.NOTE]} notes, {verdicts[Verdict.UNKNOWN]} that cannot be told, "
        f"{verdicts[Verdict.PROBLEM]} problems"
    )
    if verdicts[Verdict.PROBLEM]:
        return PROBLEMS
    return NOT_ALL_TOLD if verdicts[Verdict.UNKNOWN] else ALL_WELL


def _say(text: str) -> None:
    """Print one line at once; what is no text of one line in a name is written out."""
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    typer.echo(line.encode(errors="backslashreplace"))
