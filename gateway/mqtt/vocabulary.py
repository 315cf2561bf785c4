"""The words and units of the contract: types of payload fields, with what a JSON Schema says of them.

What the gateway makes itself is not checked again while it runs: a value outside of these lists is found by the tests,
which hold every message against the schemas. A client that is older than its gateway takes new words as they come.
"""

from enum import IntEnum, StrEnum
from typing import Annotated, Any, Final

from pydantic import WithJsonSchema

from gateway.domain.agent import AgentState
from gateway.domain.caller import WayOut
from gateway.domain.group import ACDGroupEvent
from gateway.domain.member import DeviceState
from gateway.domain.queue import ACDQueueEvent
from gateway.domain.session import Cause
from gateway.domain.state import AgentSessionEvent, AgentSessionState

UNIT: Final = "x-unit"
"""Key of a schema that names a number's unit."""


def _names(*kinds: type[IntEnum | StrEnum], also: tuple[str, ...] = ()) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [*(each.name for kind in kinds for each in kind), *also]})


def _values(kind: type[IntEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "enum": [each.value for each in kind]})


def _number(kind: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, "minimum": 0, **more})


Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC with milliseconds."""

Seconds = Annotated[float, _number("number", **{UNIT: "s"})]
"""A duration, rounded to milliseconds."""

WholeSeconds = Annotated[int, _number("integer", **{UNIT: "s"})]
Bytes = Annotated[int, _number("integer", **{UNIT: "B"})]
Percent = Annotated[float, _number("number", maximum=100, **{UNIT: "%"})]
PerHour = Annotated[float, _number("number", **{UNIT: "1/h"})]
Count = Annotated[int, _number("integer")]
Seq = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1})]
SnapshotSeq = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0})]
Uuid = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]

SessionStateName = Annotated[str, _names(AgentSessionState)]
SessionStateValue = Annotated[int, _values(AgentSessionState)]
SessionEventName = Annotated[str, _names(AgentSessionEvent, also=("UPDATE",))]
SessionEventValue = Annotated[int, _values(AgentSessionEvent)]
AgentStateName = Annotated[str, _names(AgentState)]
AgentStateValue = Annotated[int, _values(AgentState)]
QueueEventName = Annotated[str, _names(ACDQueueEvent, WayOut, also=("JOINED",))]
QueueEventValue = Annotated[int, _values(ACDQueueEvent)]
GroupEventName = Annotated[str, _names(ACDGroupEvent)]
GroupEventValue = Annotated[int, _values(ACDGroupEvent)]
DeviceStateName = Annotated[str, _names(DeviceState)]
CauseName = Annotated[str, WithJsonSchema({"type": "string", "enum": [cause.value for cause in Cause]})]
CodeName = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "enum": [
                "STALE",
                "BAD_PAYLOAD",
                "FORBIDDEN",
                "BUSY",
                "LINK_DOWN",
                "UNKNOWN_SESSION",
                "UNKNOWN_AGENT",
                "UNKNOWN_GROUP",
                "UNKNOWN_QUEUE",
                "SESSION_EXISTS",
                "NOT_SETTABLE",
                "ILLEGAL_TRANSITION",
                "NOT_DYNAMIC",
                "REFUSED",
                "TIMEOUT",
            ],
        }
    ),
]
"""Why a command failed; the service decides it, a test holds both lists together."""
