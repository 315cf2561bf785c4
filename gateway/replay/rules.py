"""What the operator may choose about a replay."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_WRAP_UP_REASONS: Final = frozenset({"wrapup", "wrap-up", "acw"})


@dataclass(frozen=True, slots=True)
class ReplayRules:
    """What the operator may choose.

    Attributes:
        wrap_up: Microseconds of wrap-up that Asterisk enforces after a call, by queue.
        wrap_up_reasons: Pause reasons that mean wrap-up when set in a call or after it.
        ring: Whether the time to answer is the agent's ringing and not the caller's waiting.
    """

    wrap_up: Mapping[str, int] = field(default_factory=dict)
    wrap_up_reasons: frozenset[str] = _WRAP_UP_REASONS
    ring: bool = False
