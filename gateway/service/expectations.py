"""What commands wait for: the member event that shows that Asterisk did what was asked."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.domain.facts import MemberAdded, MemberFact, MemberRemoved, MemberTold
from gateway.domain.member import Member, MembershipKey, membership_key
from gateway.domain.session import AgentSession

Shows = Callable[[Member | None], bool]
"""Whether a member is as asked; None is a member that was removed."""


@dataclass(eq=False, slots=True)
class Expectation:
    """One command's wait for one membership.

    Attributes:
        key: The membership.
        shows: Whether a member event confirms.
        command_id: The command's ``id``; it goes into the session event that the confirming event brings.
        armed: Asterisk said Success; only what comes after that confirms.
        confirmed: Resolves to the session after the confirming event, None where there is none any more.
    """

    key: MembershipKey
    shows: Shows
    command_id: str | int | None
    armed: bool = False
    confirmed: asyncio.Future[AgentSession | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Expectations:
    """All waits, by membership."""

    def __init__(self) -> None:
        self._by_key: dict[MembershipKey, list[Expectation]] = {}

    def add(self, expectation: Expectation) -> None:
        """Begin to wait."""
        self._by_key.setdefault(expectation.key, []).append(expectation)

    def discard(self, expectation: Expectation) -> None:
        """Wait no longer."""
        waiting = self._by_key.get(expectation.key, [])
        if expectation in waiting:
            waiting.remove(expectation)
            if not waiting:
                del self._by_key[expectation.key]

    def met_by(self, fact: MemberFact) -> Expectation | None:
        """The first armed wait that a member event confirms; None if none does, or the fact is a list's."""
        if not self._by_key:
            return None
        member: Member | None
        match fact:
            case MemberTold() | MemberAdded():
                key, member = fact.member.key, fact.member
            case MemberRemoved():
                key, member = membership_key(fact.queue, fact.interface), None
            case _:
                return None
        for expectation in self._by_key.get(key, ()):
            if expectation.armed and not expectation.confirmed.done() and expectation.shows(member):
                return expectation
        return None
