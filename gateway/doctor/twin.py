"""Whether another gateway publishes under the same base: by the broker's retained messages and the own store."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.doctor.findings import Finding, ok, problem, unknown
from gateway.mqtt.interface import Inbound
from gateway.mqtt.topics import Topics
from gateway.store.peek import Peek

CHECK: Final = "another gateway on this base"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the broker told of the gateway under the base.

    Attributes:
        is_online: Whether it says so.
        streams: Those that ``bridge/info`` named, in order.
        starts: The start times that it named, in order.
        changes: How often ``bridge/state`` was told.
    """

    is_online: bool
    streams: tuple[str, ...]
    starts: tuple[str, ...]
    changes: int


def seen(topics: Topics, messages: Iterable[Inbound]) -> Seen:
    """Read it from what came."""
    states = [message.payload for message in messages if message.topic == topics.bridge_state]
    infos = [_object(message.payload) for message in messages if message.topic == topics.bridge_info]
    return Seen(
        is_online=states[-1:] == [b"online"],
        streams=_distinct(str(info["stream"]) for info in infos if "stream" in info),
        starts=_distinct(str(info["started_at"]) for info in infos if "started_at" in info),
        changes=len(states),
    )


def judge(topics: Topics, look: Seen, store: Peek) -> Finding:
    """Whether what is seen can be the gateway of this store alone."""
    change = f"gateway.toml: another node than the other gateway, or stop that one; both publish under {topics.base}"
    if len(look.starts) > 1 or len(look.streams) > 1 or look.changes > 2:  # noqa: PLR2004  one change may be chance
        return problem(CHECK, "two gateways take the connection away from each other", change)
    if not look.is_online:
        return ok(CHECK, "none is online")
    return _of_one(look, store, change)


def _of_one(look: Seen, store: Peek, change: str) -> Finding:
    """Whether the gateway that is online is of the store here."""
    if not store.is_there:
        return problem(CHECK, "one is online, and here none has run yet: there is no store", change)
    if store.stream is None:
        return unknown(
            CHECK, "one is online; the store here cannot be read", "run the doctor as root or the service's user"
        )
    if look.streams and look.streams[-1] != store.stream:
        return problem(CHECK, "one is online that is not of the store here", change)
    if store.is_held is False:
        return problem(
            CHECK, "one is online, but none runs on the store here: it may be of a copy of the store", change
        )
    return ok(CHECK, "the one online is of the store here")


def _object(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    found: Sequence[str] = list(dict.fromkeys(texts))
    return tuple(found)
