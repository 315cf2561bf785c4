"""The command ``cti-gateway``: one small module for each of its commands."""

from typing import Annotated

import typer

from gateway import __version__
from gateway.cli.check import check
from gateway.cli.run import run

app = typer.Typer(
    name="cti-gateway",
    help="Asterisk's queues as TAPI agent sessions on an MQTT broker.",
    epilog="Example: cti-gateway check --config /etc/cti-gateway/gateway.toml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, secrets among them
)
app.command(epilog="Example: cti-gateway run --config /etc/cti-gateway/gateway.toml")(run)
app.command(epilog="Example: cti-gateway check --config ./gateway.toml")(check)


def _print_version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"cti-gateway {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and leave.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Asterisk's queues as TAPI agent sessions on an MQTT broker."""
