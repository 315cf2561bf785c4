"""The life of the sessions: how each begins, is kept as it changes, is rolled over, and ends."""

from collections.abc import Callable
from typing import Final, Literal

from gateway.domain import history
from gateway.domain.call import Call
from gateway.domain.facts import Outcome, SessionRefreshed
from gateway.domain.instant import SECOND
from gateway.domain.member import Member, MembershipKey
from gateway.domain.queue_names import QueueNames
from gateway.domain.register import SessionRegister
from gateway.domain.session import AgentSession, Cause, Gap, Occasion, Rules, wrap_up_limit
from gateway.domain.state import AgentSessionState

AgentIdentity = Literal["member_name", "interface", "state_interface"]

_BUSY: Final = frozenset({AgentSessionState.BUSY_ON_CALL, AgentSessionState.BUSY_WRAPUP})

FOUND_WHY: Final = "logged in before the gateway could see it"


class Sessions:
    """What happens to every session, whatever fact it is that makes it happen.

    Args:
        rules: The operator's choices about sessions.
        agent_identity: Which of a member's names is the agent.
        new_session_id: Makes the id of a session that starts at the given instant.

    Attributes:
        queues: Their names and wrap-up times.
        register: The sessions.
        seen_since: Instant since when nothing was missed; a session found to be older has a gap before it.
        missing: Since when lists have lacked a member whose session has not ended.
        returning: Who did not show yet since Asterisk was started anew: the last contact before, and until when.
        rolling: Which sessions were to be rolled over while busy, and when.
    """

    def __init__(self, rules: Rules, agent_identity: AgentIdentity, new_session_id: Callable[[int], str]) -> None:
        self.queues = QueueNames()
        self.register = SessionRegister()
        self.seen_since = 0
        self.missing: dict[MembershipKey, int] = {}
        self.returning: dict[MembershipKey, tuple[int, int]] = {}
        self.rolling: dict[MembershipKey, int] = {}
        self._rules = rules
        self._identity: AgentIdentity = agent_identity
        self._new_session_id = new_session_id

    def agent_of(self, member: Member) -> str:
        """The agent's name, by the configured identity."""
        return {
            "member_name": member.member_name or member.interface,
            "interface": member.interface,
            "state_interface": member.state_interface or member.interface,
        }[self._identity]

    def begin(
        self, member: Member, occasion: Occasion, *, start_time: int | None = None, calls: tuple[Call, ...] = ()
    ) -> list[Outcome]:
        """A session begins: at *start_time*, or at its login, or now."""
        if start_time is None:
            start_time = member.login_time if member.login_time is not None else occasion.at
        start_time = min(start_time, occasion.at)
        # LoginTime is cut to whole seconds, so that a login just after the first sight seems to be just before it.
        missed = start_time + SECOND <= self.seen_since
        gaps = (Gap(start_time, min(self.seen_since, occasion.at), FOUND_WHY),) if missed else ()
        key = member.key
        queue = self.queues.spelled(member.queue)
        session, events = history.begin(
            self._new_session_id(start_time),
            self.agent_of(member),
            member,
            self._rules,
            occasion,
            start_time=start_time,
            wrap_up_limit=wrap_up_limit(member, self.queues.wrap_up(queue)),
            calls=calls,
            gaps=gaps,
            told=self.register.told(key),
        )
        self.register.begin(session)
        return list(events)

    def store(self, before: AgentSession, then: history.Next, *, limit_of: Member | None = None) -> list[Outcome]:
        """Keep what became of a session, and return what to tell; it is rolled over if it was to be and is idle now."""
        session, events = then
        if limit_of is not None:
            limit = wrap_up_limit(limit_of, self.queues.wrap_up(session.group))
            session = history.limit_wrap_up(session, limit)
        outcomes: list[Outcome] = list(events)
        if session != (events[-1].session if events else before):
            outcomes.append(SessionRefreshed(session))
        if outcomes:
            self.register.put(before, session)
        else:  # nearly always where a list tells it: what is known need not be kept anew
            session = before
        key = session.member.key
        if session.end_time is not None and before.end_time is None:
            self.missing.pop(key, None)
            self.returning.pop(key, None)
            self.rolling.pop(key, None)
        is_idle = session.end_time is None and session.state not in _BUSY
        if key in self.rolling and key not in self.returning and is_idle:
            outcomes += self._roll(session, max(session.changed_at, self.rolling[key]))
        return outcomes

    def roll_over(self, at: int) -> list[Outcome]:
        """End each session and begin its next at *at*, an instant; of one that is busy when it is so no longer."""
        outcomes: list[Outcome] = []
        for key, session in list(self.register.open.items()):
            if key in self.returning or session.state in _BUSY:
                self.rolling[key] = at
            else:
                outcomes += self._roll(session, at)
        return outcomes

    def _roll(self, session: AgentSession, at: int) -> list[Outcome]:
        occasion = Occasion(at, Cause.ROLLOVER)
        self.rolling.pop(session.member.key, None)
        return [*self.end(session.member.key, occasion), *self.begin(session.member, occasion, start_time=at)]

    def end(self, key: MembershipKey, occasion: Occasion) -> list[Outcome]:
        """End the session of a membership, if there is one."""
        session = self.register.open.get(key)
        return [] if session is None else self.store(session, history.end(session, occasion))
