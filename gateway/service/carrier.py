"""What each command means: put_State, CreateSession, put_MeasurementPeriod, requests to the gateway itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.domain.handler import AgentHandler
from gateway.domain.member import Member
from gateway.domain.session import AgentSession
from gateway.domain.sessions import AgentIdentity
from gateway.mqtt.commands import BridgeRequest, Command, CommandId, CreateSession, MeasurementPeriod, SetState
from gateway.mqtt.topics import CommandAddress
from gateway.service.answers import Code, CommandError, Result
from gateway.service.orders import Done, Orders
from gateway.service.periods import Periods
from gateway.service.policy import Policy
from gateway.service.put_state import PutState

COMPARE_TIMEOUT: Final = 60.0
"""Seconds that a resync asked for by a command may take: many queues are listed at a gentle pace."""


class Carrier:
    """Turns commands into orders.

    Args:
        handler: The model.
        orders: How Asterisk is told.
        periods: The measurement periods.
        policy: What is allowed.
        identity: Which of a member's names is the agent.
        wrap_up_reasons: The pause reasons that mean manual wrap-up, the first being the one set; none: there is none.
        resync: Compares the picture with Asterisk's, or raises CommandError.
        health: Publishes ``bridge/health`` now.
    """

    def __init__(
        self,
        handler: AgentHandler,
        orders: Orders,
        periods: Periods,
        policy: Policy,
        *,
        identity: AgentIdentity,
        wrap_up_reasons: tuple[str, ...],
        resync: Callable[[], Awaitable[None]],
        health: Callable[[], None],
    ) -> None:
        self._handler = handler
        self._orders = orders
        self._periods = periods
        self._policy = policy
        self._identity: AgentIdentity = identity
        self._wrap_up_reasons = wrap_up_reasons
        self._resync = resync
        self._health = health
        self._put_state = PutState(handler, orders, policy, wrap_up_reasons=wrap_up_reasons)

    def refusal(self, address: CommandAddress, command: Command) -> CommandError | None:
        """What forbids a command whatever Asterisk may say: BAD_PAYLOAD or FORBIDDEN; None if nothing does."""
        if (why := self._fault(address, command)) is not None:
            return CommandError(Code.BAD_PAYLOAD, why)
        if (why := self._forbidden(address, command)) is not None:
            return CommandError(Code.FORBIDDEN, why)
        return None

    def weight(self, address: CommandAddress) -> int:
        """How many actions a command may mean for Asterisk: one of an agent, one for each of its sessions."""
        return max(1, len(self._handler.sessions_of(address.agent))) if address.kind == "agent_set" else 1

    def _fault(self, address: CommandAddress, command: Command) -> str | None:
        """What is wrong with a command by how the gateway is configured."""
        match command:
            case SetState(state="BUSY_WRAPUP", reason=str(reason)) if self._wrap_up_reasons and reason:
                if reason not in self._wrap_up_reasons:
                    return f"the reason of BUSY_WRAPUP can only be one of: {', '.join(self._wrap_up_reasons)}"
            case CreateSession():
                told = {
                    "member_name": address.agent,
                    "interface": command.address,
                    "state_interface": command.state_interface or command.address,
                }[self._identity]
                if told != address.agent:
                    return f"agents are told by {self._identity} here: it would be {told}, not {address.agent}"
            case _:
                pass
        return None

    def _forbidden(self, address: CommandAddress, command: Command) -> str | None:
        match command:
            case MeasurementPeriod():
                return self._policy.refusal("measurement_period", group=address.queue or None)
            case SetState():
                return self._policy.refusal(command.right, group=address.group or None, reason=command.reason)
            case CreateSession():
                return self._policy.refusal(
                    "create_session", group=command.group, address=command.address, reason=command.reason
                )
            case BridgeRequest(request="resync"):
                return self._policy.refusal("resync")
            case _:
                return None

    async def carry(self, address: CommandAddress, command: Command) -> Result:
        """Carry out a command.

        Raises:
            CommandError: With the code that says why not.
        """
        match command:
            case SetState() if address.kind == "session_set":
                return await self._put_state.of_session(address, command)
            case SetState():
                return await self._put_state.of_agent(address.agent, command)
            case CreateSession():
                return await self._create_session(address.agent, command)
            case MeasurementPeriod():
                return self._periods.put(address, command)
            case BridgeRequest(request="resync"):
                return await self._compare()
            case _:
                self._health()
                return Result()

    async def _compare(self) -> Result:
        try:
            async with asyncio.timeout(COMPARE_TIMEOUT):
                await self._resync()
        except TimeoutError:
            raise CommandError(
                Code.TIMEOUT, f"not all of Asterisk's lists came within {COMPARE_TIMEOUT:g} s; nothing is concluded"
            ) from None
        return Result()

    # CreateSession -------------------------------------------------------------------------------------------------

    async def _create_session(self, agent: str, command: CreateSession) -> Result:
        group = self._handler.queue(command.group)
        if group is None:
            raise CommandError(Code.UNKNOWN_GROUP, f"Asterisk has no queue {command.group}")
        member = _new_member(agent, group, command)
        async with self._orders.turn(command.address):
            if (existing := self._handler.session(group, command.address)) is not None:
                raise _exists(existing)
            try:
                session = (await self._orders.add(member, command_id=command.id)).session
            except CommandError as error:
                if error.code is not Code.SESSION_EXISTS:
                    raise
                # Asterisk has a member of which no event told, such as one that a reload brought.
                await self._orders.look(group)
                existing = self._handler.session(group, command.address)
                raise (error if existing is None else _exists(existing)) from None
            if session is not None and member.paused_reason and session.member.paused_reason != member.paused_reason:
                # QueueAdd takes a reason only since 20.12, 21.7, 22.2.
                session = (await self._pause_anew(session, member.paused_reason, command.id)).session
        return Result(changed=True, state=session.state.name if session else None)

    async def _pause_anew(self, session: AgentSession, reason: str, command_id: CommandId | None) -> Done:
        return await self._orders.pause(session, paused=True, reason=reason, command_id=command_id)


def _new_member(agent: str, group: str, command: CreateSession) -> Member:
    paused = command.state == "NOT_READY"
    return Member(
        queue=group,
        interface=command.address,
        member_name=agent,
        state_interface=command.state_interface or "",
        penalty=command.penalty,
        paused=paused,
        paused_reason=(command.reason or None) if paused else None,
    )


def _exists(session: AgentSession) -> CommandError:
    return CommandError(
        Code.SESSION_EXISTS,
        f"{session.address} is in {session.group} already, as {session.agent}",
        state=session.state.name,
    )
