"""Messages held against the schemas of the contract, with no key in them that it does not name."""

import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import jsonschema_rs

from gateway.contract.messages import BY_NAME, CHANNELS
from gateway.contract.schemas import message_schema
from tests.lab.subscriber import Received

#: Messages by the first level of the topic, the number of levels, and whether it ends with /event; below ``bridge`` by
#: the second level.
_PLAIN: Final = {
    (levels[0], len(levels), levels[-1] == "event"): channel.message
    for channel in CHANNELS
    if not channel.is_command and (levels := channel.topic.split("/"))[0] != "bridge"
}


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """What a message is held against."""
    return jsonschema_rs.Draft202012Validator(message_schema(BY_NAME[name], closed=True), validate_formats=True)


def name_of(topic: str) -> str | None:
    """The name of the message that a gateway publishes on a topic below its base; None if it publishes none."""
    levels = topic.split("/")
    if levels[-1] == "response":
        return "answer"
    if levels[0] == "bridge":
        name = f"bridge_{levels[-1]}"
        return name if len(levels) == 2 and name != "bridge_request" else None
    if levels[-1] in ("set", "create_session", "measurement_period"):
        return None
    return _PLAIN.get((levels[0], len(levels), levels[-1] == "event"))


def problems(name: str, content: Any) -> list[str]:
    """What is wrong with a message; empty if nothing is."""
    return [
        f"{name}: {'/'.join(map(str, each.instance_path))}: {each.message}"
        for each in validator(name).iter_errors(content)
    ]


def check(messages: Iterable[Received]) -> Counter[str]:
    """Hold all that a gateway published against the contract; returns how many messages of each name there were."""
    found: Counter[str] = Counter()
    for message in messages:
        name = name_of(message.topic)
        if name is None or not message.payload:
            continue
        content = message.payload.decode() if name == "bridge_state" else json.loads(message.payload)
        if not validator(name).is_valid(content):
            raise AssertionError(f"{message.topic}: {problems(name, content)}: {message.payload!r}")
        found[name] += 1
    return found
