"""The call center of a benchmark: how many queues and members, and what they are called."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

NODE: Final = "bench"
PREFIX: Final = "cti"
BASE: Final = f"{PREFIX}/{NODE}"

SENTINEL: Final = "sentinel"
"""A queue with one member, whose pause is sent behind everything else: when it is told, all before it has been."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One member of one queue, as Asterisk names it."""

    queue: str
    name: str
    interface: str


@dataclass(frozen=True, slots=True)
class Floor:
    """Queues of equal size; every agent is a member of one of them, which is the hard case: an agent a session.

    Attributes:
        queues: How many, the sentinel's not counted.
        members: Members of each.
    """

    queues: int
    members: int

    @property
    def sessions(self) -> int:
        """Memberships, the sentinel's not counted."""
        return self.queues * self.members

    def desk(self, number: int) -> Desk:
        """The member *number*, from 0; neighbours in number are in different queues."""
        return Desk(f"queue{number % self.queues:04d}", f"Agent {number:06d}", f"PJSIP/{100_000 + number}")

    def desks(self) -> Iterator[Desk]:
        """All members, the sentinel last."""
        for number in range(self.sessions):
            yield self.desk(number)
        yield self.sentinel

    def queue_names(self) -> list[str]:
        """All queues, the sentinel's last."""
        return [*(f"queue{number:04d}" for number in range(self.queues)), SENTINEL]

    @property
    def sentinel(self) -> Desk:
        """The member that tells the end."""
        return Desk(SENTINEL, "Sentinel", "PJSIP/sentinel")
