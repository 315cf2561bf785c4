"""What devices are called in discovery: identifiers and topics, of which no two names have one in common.

Home Assistant takes ``{prefix}/device/{node_id}/{object_id}/config``, in which both identifiers are made of ``a-z``,
``A-Z``, ``0-9``, ``_`` and ``-``. Source: TOPIC_MATCHER in homeassistant/components/mqtt/discovery.py of 2025.4 and
2026.11.
"""

import hashlib
import re
from collections.abc import Collection
from typing import Final, Literal

from gateway.mqtt.topics import TopicNameError, Topics

DeviceKind = Literal["gateway", "queue", "agent"]

SEPARATOR: Final = "__"
"""Between the parts of an identifier; none has it in itself, and none ends with a part of it."""

LONGEST: Final = 400
"""Characters of the longest name that is spelt out; Asterisk's own have 80 bytes."""

_TO_ENCODE: Final = re.compile(rb"[^A-Za-z0-9-]")


def identifier(name: str) -> str:
    """Return *name* as a part of an identifier: what may not stand there is ``_`` and two hex digits for each byte.

    A name that would be very long is ``_h`` and its SHA-256: ``h`` is no hex digit, so nothing else becomes that.

    Raises:
        TopicNameError: If *name* cannot be UTF-8 (a lone surrogate).
    """
    try:
        spelt = _TO_ENCODE.sub(lambda found: b"_%02X" % found[0][0], name.encode()).decode("ascii")
    except UnicodeEncodeError as error:
        raise TopicNameError(f"the name {name!a} is not valid UTF-8") from error
    return spelt if len(spelt) <= LONGEST else f"_h{hashlib.sha256(name.encode()).hexdigest()}"


class DiscoveryTopics:
    """The discovery topics of one gateway.

    Args:
        topics: Its own topics: their prefix and node are in every identifier.
        node: The node, as a name.
        prefix: Home Assistant's discovery prefix; None: nothing is to be found by it.
        past: Prefixes under which there may be what an earlier configuration had published.

    Attributes:
        prefix: As it was given.
        node_id: The level in which all topics of this gateway stand and none of any other.
    """

    def __init__(self, topics: Topics, node: str, prefix: str | None, past: Collection[str] = ()) -> None:
        self.prefix = prefix
        self.node_id = SEPARATOR.join(map(identifier, (*topics.prefix.split("/"), node)))
        self._bases = [f"{each}/device/{self.node_id}/" for each in dict.fromkeys((*filter(None, (prefix,)), *past))]

    def device(self, kind: DeviceKind, name: str = "") -> str:
        """Identifier of a device in Home Assistant, whose other identifiers begin with it."""
        return SEPARATOR.join((self.node_id, _object_id(kind, name)))

    def topic(self, kind: DeviceKind, name: str = "") -> str:
        """Topic of the message that tells of a device; only with a ``prefix``."""
        return f"{self.prefix}/device/{self.node_id}/{_object_id(kind, name)}/config"

    def filters(self) -> list[str]:
        """Filters of all that this gateway has, or had, retained there."""
        return [f"{base}+/config" for base in self._bases]

    def owns(self, topic: str) -> bool:
        """Whether *topic* matches one of ``filters()``."""
        return any(
            topic.startswith(base) and topic.endswith("/config") and topic.count("/") == base.count("/") + 1
            for base in self._bases
        )


def _object_id(kind: DeviceKind, name: str) -> str:
    return SEPARATOR.join((kind, identifier(name))) if name else kind
