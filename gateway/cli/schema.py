"""``cti-gateway schema``: the MQTT contract as a machine reads it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import complain


class Format(StrEnum):
    """What is written."""

    ASYNCAPI = "asyncapi"
    JSONSCHEMA = "jsonschema"


def schema(
    *,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="asyncapi: AsyncAPI 3.0; jsonschema: JSON Schemas (2020-12). Default: asyncapi, "
            "and both with --output.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write files into this directory, made if missing."),
    ] = None,
) -> None:
    """Write the contract: every topic and message, made from the very models that make the messages.

    Exit status: 0 written, 1 the directory cannot be written to.
    """
    from gateway.contract import files  # noqa: PLC0415  keeps --help quick

    if output is None:
        if form is Format.JSONSCHEMA:
            typer.echo(files.to_text(files.bundle()), nl=False)
        else:
            typer.echo(files.contract_files("asyncapi")["asyncapi.json"], nl=False)
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.contract_files(None if form is None else form.value).items():
            (output / name).write_text(text, encoding="utf-8")
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}")
        raise typer.Exit(1) from error
