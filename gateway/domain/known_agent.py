"""What is known of one agent: itself, its sessions, and the state that follows from both."""

from gateway.domain.agent import BUSY_WITH, Agent, AgentState
from gateway.domain.session import AgentSession
from gateway.domain.state import AgentSessionState

_S = AgentSessionState


class KnownAgent:
    """An agent and its sessions, which are few.

    Attributes:
        agent: The agent as it is now.
        sessions: Those that have not ended.
        shown: Others were told that there is such an agent.
    """

    __slots__ = ("agent", "sessions", "shown")

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.sessions: tuple[AgentSession, ...] = ()
        self.shown = False

    @property
    def exists(self) -> bool:
        """Whether there is such an agent for others; its hours and its period may be kept beyond that."""
        return bool(self.sessions or self.agent.calls or self.agent.figures.any_told)

    def session(self, session_id: str) -> AgentSession | None:
        """The session of that id; None if it has ended, or is another's."""
        return next((each for each in self.sessions if each.session_id == session_id), None)

    @property
    def active(self) -> bool:
        """Whether there is a session that is not NOT_READY."""
        return any(session.state is not _S.NOT_READY for session in self.sessions)

    def active_beside(self, session_id: str) -> list[str]:
        """The other sessions that are not NOT_READY."""
        others = (each for each in self.sessions if each.state is not _S.NOT_READY)
        return [each.session_id for each in others if each.session_id != session_id]

    def is_active(self, session_id: str) -> bool:
        """Whether that session is there, and not NOT_READY."""
        session = self.session(session_id)
        return session is not None and session.state is not _S.NOT_READY

    def put(self, session: AgentSession) -> None:
        """A session as it is now, in place of what it was before."""
        for place, each in enumerate(self.sessions):
            if each.session_id == session.session_id:
                self.sessions = (*self.sessions[:place], session, *self.sessions[place + 1 :])
                return
        self.sessions = (*self.sessions, session)

    def drop(self, session_id: str) -> None:
        """A session is no more."""
        self.sessions = tuple(each for each in self.sessions if each.session_id != session_id)

    def due_state(self) -> AgentState:
        """The state by what is known, in the order in which one thing outweighs the next."""
        states = {session.state for session in self.sessions}
        if _S.BUSY_ON_CALL in states:
            return AgentState.BUSY_ACD
        if self.sessions and self.agent.calls:
            return BUSY_WITH[self.agent.calls[0].direction]
        if _S.READY in states:
            return AgentState.READY
        return AgentState.NOT_READY if self.sessions else AgentState.UNKNOWN
