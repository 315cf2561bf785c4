"""JSON Schemas (2020-12) of every message, from the pydantic models."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from gateway.contract.messages import MESSAGES, Message
from gateway.mqtt.payloads import CONTRACT

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Leaves out titles that only repeat the key."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def message_schema(message: Message, *, closed: bool = False) -> Schema:
    """The schema of a message, on its own.

    Args:
        message: Which.
        closed: Whether a key that is not named is an error in what the gateway publishes; in a command it always is.
            Clients ignore such keys, so that the published schemas are open.
    """
    names = [_name_of(model) for model in message.models]
    schema: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:cti-gateway:contract:{CONTRACT}:{message.name}",
        "title": message.title,
    }
    choices: list[Schema] = [{"$ref": f"#/$defs/{name}"} for name in names]
    if message.texts:
        choices.append({"type": "string", "enum": list(message.texts)})
    schema |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    if names:
        schema["$defs"] = _definitions((message,), "#/$defs/{model}", closed=closed)
    return schema


def components(*, ref_template: str) -> Schema:
    """The schemas of all models by name; they refer to each other by *ref_template*."""
    return _definitions(MESSAGES, ref_template, closed=False)


def component_name(model: type[BaseModel]) -> str:
    """What a model is called in the schemas."""
    return _name_of(model)


def _definitions(messages: tuple[Message, ...], ref_template: str, *, closed: bool) -> Schema:
    definitions: Schema = {}
    for is_command in (False, True):
        models = [model for message in messages if message.is_command is is_command for model in message.models]
        mode: JsonSchemaMode = "validation" if is_command else "serialization"
        inputs: list[tuple[type[Any], JsonSchemaMode]] = [(model, mode) for model in models]
        _, made = models_json_schema(inputs, ref_template=ref_template, schema_generator=_Generator)
        for name, schema in made.get("$defs", {}).items():
            shown = name.removesuffix("Payload")
            definitions[shown] = {**_renamed(schema, ref_template), "title": shown}
            if not (closed or is_command):
                definitions[shown].pop("additionalProperties", None)
            elif closed and "event" in schema["properties"] and name != "BridgeEventPayload":
                definitions[shown]["additionalProperties"] = False
    return dict(sorted(definitions.items()))


def _renamed(schema: Any, ref_template: str) -> Any:
    """The same with references to the names that are shown, and reStructuredText's marks taken out of descriptions."""
    if isinstance(schema, list):
        return [_renamed(each, ref_template) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _renamed_value(key, value, ref_template) for key, value in schema.items()}


def _renamed_value(key: str, value: Any, ref_template: str) -> Any:
    if key == "$ref":
        return value.removesuffix("Payload")
    if key == "description" and isinstance(value, str):
        return value.replace("``", "")
    return _renamed(value, ref_template)


def _name_of(model: type[BaseModel]) -> str:
    return model.__name__.removesuffix("Payload")
