"""The command ``cti-gateway``: one small module for each of its commands."""

from typing import Annotated

import typer

from gateway import __version__
from gateway.cli.check import check
from gateway.cli.demo import EXAMPLE as DEMO_EXAMPLE
from gateway.cli.demo import demo
from gateway.cli.doctor import doctor
from gateway.cli.replay import replay
from gateway.cli.report import report
from gateway.cli.run import run
from gateway.cli.schema import schema
from gateway.cli.send import send
from gateway.cli.simulate import EXAMPLE as SIMULATE_EXAMPLE
from gateway.cli.simulate import simulate
from gateway.cli.watch import EXAMPLE as WATCH_EXAMPLE
from gateway.cli.watch import watch

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
app.command(epilog="Example: cti-gateway doctor --config /etc/cti-gateway/gateway.toml")(doctor)
app.command(epilog=WATCH_EXAMPLE)(watch)
app.command(epilog="Example: cti-gateway replay --wrap-up support=15 --group-by agent /var/log/asterisk/queue_log")(
    replay
)
app.command(epilog="Example: cti-gateway report --from 2026-11-01 --to 2026-11-30 --group-by day --format html")(report)
app.add_typer(send)
app.command(epilog="Example: cti-gateway schema --format asyncapi --output ./contract")(schema)
app.command(epilog=DEMO_EXAMPLE)(demo)
app.command(epilog=SIMULATE_EXAMPLE)(simulate)


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
