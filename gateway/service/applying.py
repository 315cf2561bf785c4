"""From a fact to what is told of it; and to the command that it shows to be done."""

from collections.abc import Callable
from dataclasses import replace

from gateway.domain.callcenter import CallCenter
from gateway.domain.facts import (
    Fact,
    MemberAdded,
    MemberRemoved,
    MembersListed,
    MemberTold,
    Outcome,
    SessionRefreshed,
)
from gateway.domain.session import AgentSession, Cause, SessionEvent
from gateway.service.expectations import Expectations


class Applying:
    """Applies facts to the model, has told what follows, and then confirms the commands that they confirm.

    Args:
        center: The model.
        tell: Tells.

    Attributes:
        expectations: What commands wait for.
    """

    def __init__(self, center: CallCenter, tell: Callable[[list[Outcome]], None]) -> None:
        self.expectations = Expectations()
        self._center = center
        self._tell = tell

    def apply(self, fact: Fact) -> None:
        """Apply one fact."""
        met = None
        if isinstance(fact, MembersListed):
            self._confirm_by_list(fact)
        if isinstance(fact, MemberTold | MemberAdded | MemberRemoved):
            met = self.expectations.met_by(fact)
            if met is not None:
                occasion = replace(fact.occasion, cause=Cause.COMMAND, command_id=met.command_id)
                fact = replace(fact, occasion=occasion)
        outcomes = self._center.apply(fact)
        self._tell(outcomes)
        if met is not None:
            met.confirmed.set_result(self._session_after(fact, outcomes))

    def _confirm_by_list(self, fact: MembersListed) -> None:
        """A list may show what a command did before its event comes: then the list confirms it."""
        for member in fact.members:
            told = MemberTold(member, fact.occasion)
            if self.expectations.met_by(told) is not None:
                self.apply(told)

    def _session_after(self, fact: Fact, outcomes: list[Outcome]) -> AgentSession | None:
        for outcome in reversed(outcomes):
            if isinstance(outcome, SessionEvent | SessionRefreshed):
                return outcome.session
        if isinstance(fact, MemberTold | MemberAdded):
            return self._center.handler.session(fact.member.queue, fact.member.interface)
        return None
