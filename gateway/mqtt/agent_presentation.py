"""How agents fill the messages of the contract."""

from collections.abc import Sequence

from gateway.domain.agent import Agent, AgentEvent
from gateway.domain.session import AgentSession
from gateway.domain.window import Window
from gateway.mqtt.agent_payloads import (
    AgentEventPayload,
    AgentMemberPayload,
    AgentPayload,
    AgentSessionPayload,
    MeasurementPeriodPayload,
    PreviousAgentPayload,
)
from gateway.mqtt.payloads import CONTRACT
from gateway.mqtt.presentation import Presentation, seconds


class AgentPresentation:
    """Fills the models from agents.

    Args:
        presentation: Times of day, the node and the stream.
    """

    def __init__(self, presentation: Presentation) -> None:
        self._common = presentation

    def agent(self, agent: Agent, sessions: Sequence[AgentSession], *, seq: int | None, now: int) -> AgentPayload:
        """The agent as of *now*, an instant; *seq* of the last event it includes."""
        figures, at = agent.figures, self._common.at
        return AgentPayload(
            contract=CONTRACT,
            stream=self._common.stream,
            seq=seq,
            node=self._common.node,
            as_of=at(now),
            agent=agent.name,
            state=agent.state.name,
            state_value=agent.state.value,
            state_since=at(agent.state_since),
            measurement_period=self._period(agent.window),
            overall_call_rate=agent.overall_call_rate(now),
            number_of_acd_calls=figures.number_of_acd_calls,
            number_of_incoming_calls=figures.number_of_incoming_calls,
            number_of_outgoing_calls=figures.number_of_outgoing_calls,
            total_acd_talk_time=seconds(figures.total_acd_talk_time),
            total_acd_call_time=seconds(figures.total_acd_call_time),
            total_wrap_up_time=seconds(figures.total_wrap_up_time),
            complete=agent.complete,
            sessions=[self._session(session) for session in sessions],
        )

    def event(self, event: AgentEvent, *, seq: int, previous_seq: int | None) -> AgentEventPayload:
        """An agent event, and the agent after it."""
        at, previous, state = event.occasion.at, event.previous, event.agent.state
        return AgentEventPayload(
            stream=self._common.stream,
            seq=seq,
            previous_seq=previous_seq,
            event=state.name,
            event_value=state.value,
            at=self._common.at(at),
            cause=event.occasion.cause.value,
            command_id=event.occasion.command_id,
            previous=None
            if previous is None
            else PreviousAgentPayload(state=previous.state.name, since=self._common.at(previous.since)),
            agent=self.agent(event.agent, event.sessions, seq=seq, now=at),
        )

    def _period(self, window: Window) -> MeasurementPeriodPayload:
        return MeasurementPeriodPayload(
            seconds=window.length, from_=self._common.at(window.begin), to=self._common.at(window.end)
        )

    def _session(self, session: AgentSession) -> AgentSessionPayload:
        return AgentSessionPayload(
            group=session.group,
            address=session.address,
            session_id=session.session_id,
            state=session.state.name,
            state_value=session.state.value,
            state_since=self._common.at(session.state_since),
            reason=session.reason,
            asterisk=AgentMemberPayload(paused=session.member.paused, paused_reason=session.member.paused_reason),
        )
