"""The files in which the contract is handed out."""

import json
from importlib import resources
from typing import Any, Literal

from gateway.contract.asyncapi import document
from gateway.contract.messages import MESSAGES
from gateway.contract.schemas import Schema, message_schema

Format = Literal["asyncapi", "jsonschema"]


def examples() -> dict[str, Any]:
    """A payload for each message, by its name, as a gateway on a real Asterisk sent or took it."""
    text = resources.files("gateway.contract").joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def contract_files(form: Format | None = None) -> dict[str, str]:
    """Names and texts of the files of a format; of both formats if None."""
    files = {}
    if form != "jsonschema":
        files["asyncapi.json"] = to_text(document(examples()))
    if form != "asyncapi":
        for message in MESSAGES:
            files[f"{message.name}.schema.json"] = to_text(message_schema(message))
    return files


def bundle() -> Schema:
    """All JSON Schemas in one object, by the message's name."""
    return {message.name: message_schema(message) for message in MESSAGES}


def to_text(schema: Schema) -> str:
    """JSON as it stands in a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
