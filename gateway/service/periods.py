"""``put_MeasurementPeriod``: of an agent, or of a queue. It needs nothing of Asterisk."""

from collections.abc import Callable

from gateway.domain.agents import AgentBook
from gateway.domain.facts import PeriodSet
from gateway.domain.handler import AgentHandler
from gateway.domain.session import Cause, Occasion
from gateway.mqtt.commands import MeasurementPeriod
from gateway.mqtt.topics import CommandAddress
from gateway.service.answers import Code, CommandError, Result


class Periods:
    """Sets measurement periods.

    Args:
        handler: Knows the queues.
        agents: Knows the agents.
        apply: Applies a fact to the model.
        now: The instant it is.
    """

    def __init__(
        self,
        handler: AgentHandler,
        agents: AgentBook,
        *,
        apply: Callable[[PeriodSet], None],
        now: Callable[[], int],
    ) -> None:
        self._handler = handler
        self._agents = agents
        self._apply = apply
        self._now = now

    def put(self, address: CommandAddress, command: MeasurementPeriod) -> Result:
        """Set a period: a window begins now, and what was counted begins at zero, also where it was as long before.

        Raises:
            CommandError: UNKNOWN_AGENT or UNKNOWN_QUEUE.
        """
        occasion = Occasion(self._now(), Cause.COMMAND, command.id)
        if address.kind == "agent_period":
            if self._agents.agent(address.agent) is None:
                raise CommandError(Code.UNKNOWN_AGENT, f"no agent {address.agent}")
            self._apply(PeriodSet(address.agent, None, command.seconds, occasion))
        else:
            queue = self._handler.queue(address.queue)
            if queue is None:
                raise CommandError(Code.UNKNOWN_QUEUE, f"Asterisk has no queue {address.queue}")
            self._apply(PeriodSet(None, queue, command.seconds, occasion))
        return Result(changed=True)
