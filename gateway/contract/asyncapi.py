"""The AsyncAPI 3.0 document of the contract."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.contract.messages import CHANNELS, MESSAGES, PARAMETERS, Channel, Message
from gateway.contract.schemas import Schema, component_name, components
from gateway.mqtt.payloads import CONTRACT

_BINDING: Final = "0.2.0"  # of AsyncAPI's MQTT bindings

_DESCRIPTION: Final = """\
Asterisk's queues as TAPI agent sessions. All topics stand under {prefix}/{node}; the levels that are names are \
percent-encoded. Times of day are RFC 3339 in UTC with milliseconds, durations seconds. A value that does not exist is \
null, never a missing key. Clients ignore keys that they do not know; an unknown key in a command is an error.

What is not retained carries stream, seq and previous_seq, the number before it on the same topic: a step shows what \
was missed. Each command gets exactly one answer: on the MQTT 5 Response Topic with the Correlation Data if the sender \
gave them, else on the command's topic and /response. Everything is QoS 1."""


def document(examples: Mapping[str, Any]) -> Schema:
    """The whole document; *examples* has a payload for each message, by the message's name."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "cti-gateway",
            "version": f"{CONTRACT}.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{host}:{port}",
                "protocol": "mqtt",
                "protocolVersion": "5.0",
                "description": "Any broker of MQTT 5, or of 3.1.1 without Response Topics and expiry.",
                "variables": {"host": {"default": "localhost"}, "port": {"default": "1883"}},
            }
        },
        "channels": dict(_channels()),
        "operations": dict(_operations()),
        "components": {
            "messages": {message.name: _message(message, examples) for message in MESSAGES},
            "parameters": {name: {"description": text} for name, text in PARAMETERS.items()},
            "schemas": components(ref_template="#/components/schemas/{model}"),
        },
    }


def _channels() -> list[tuple[str, Schema]]:
    channels = []
    for channel in CHANNELS:
        channels.append((channel.name, _channel(channel.topic, channel.message, channel.summary)))
        if channel.is_command:
            answer = _channel(f"{channel.topic}/response", "answer", f"Answers to {channel.name}")
            channels.append((_response(channel), answer))
    return channels


def _channel(topic: str, message: str, summary: str) -> Schema:
    address = f"{{prefix}}/{{node}}/{topic}"
    return {
        "address": address,
        "summary": summary,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "parameters": {
            name: {"$ref": f"#/components/parameters/{name}"} for name in PARAMETERS if f"{{{name}}}" in address
        },
    }


def _operations() -> list[tuple[str, Schema]]:
    operations = []
    for channel in CHANNELS:
        operation: Schema = {
            "action": "receive" if channel.is_command else "send",
            "channel": {"$ref": f"#/channels/{channel.name}"},
            "summary": channel.summary,
            "messages": [{"$ref": f"#/channels/{channel.name}/messages/{channel.message}"}],
            "bindings": {"mqtt": {"qos": 1, "retain": channel.retained, "bindingVersion": _BINDING}},
        }
        if channel.is_command:
            response = _response(channel)
            operation["reply"] = {
                "channel": {"$ref": f"#/channels/{response}"},
                "messages": [{"$ref": f"#/channels/{response}/messages/answer"}],
            }
        verb = "take" if channel.is_command else "publish"
        operations.append((f"{verb}_{channel.name}", operation))
    return operations


def _response(channel: Channel) -> str:
    return f"{channel.name}_response"


def _message(message: Message, examples: Mapping[str, Any]) -> Schema:
    shown: Schema = {"name": message.name, "title": message.title, "payload": _payload(message)}
    if not message.models:
        shown["contentType"] = "text/plain"
    if message.name in examples:
        shown["examples"] = [{"name": message.name, "payload": examples[message.name]}]
    return shown


def _payload(message: Message) -> Schema:
    choices: list[Schema] = [{"$ref": f"#/components/schemas/{component_name(model)}"} for model in message.models]
    if message.texts:
        choices.append({"type": "string", "enum": list(message.texts)})
    return choices[0] if len(choices) == 1 else {"anyOf": choices}
