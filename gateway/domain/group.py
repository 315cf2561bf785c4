"""ACDGroup: agents who serve the same queues (TAPI's ITACDGroup). Here a group has one queue, of its own name."""

from dataclasses import dataclass
from enum import IntEnum

from gateway.domain.session import Occasion


class ACDGroupEvent(IntEnum):
    """ACDGROUP_EVENT (tapi3cc.h), names without the prefix ``ACDGE_``, values kept."""

    NEW_GROUP = 0
    GROUP_REMOVED = 1


@dataclass(frozen=True, slots=True)
class ACDGroup:
    """One group.

    Attributes:
        name: The queue's.
        queues: The names of its queues.
        sessions: The number of its sessions in each state that is not the end, indexed by the state's value.
    """

    name: str
    queues: tuple[str, ...]
    sessions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GroupEvent:
    """A group came to be known, or is gone; *group* as it was then."""

    event: ACDGroupEvent
    group: ACDGroup
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class GroupRefreshed:
    """Something of a group changed that is worth a snapshot and no event."""

    group: ACDGroup
