"""What each command means: put_State of a session or of an agent, CreateSession, requests to the gateway itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.domain.handler import AgentHandler, AgentIdentity
from gateway.domain.member import Member
from gateway.domain.session import AgentSession
from gateway.domain.state import AgentSessionState
from gateway.mqtt.commands import BridgeRequest, Command, CommandId, CreateSession, SetState
from gateway.mqtt.topics import CommandAddress
from gateway.service.answers import Code, CommandError, Result, SessionResult
from gateway.service.orders import Done, Orders
from gateway.service.policy import Policy

_S = AgentSessionState

BUSY: Final = (_S.BUSY_ON_CALL, _S.BUSY_WRAPUP)


class Carrier:
    """Turns commands into orders.

    Args:
        handler: The model.
        orders: How Asterisk is told.
        policy: What is allowed.
        identity: Which of a member's names is the agent.
        wrap_up_reason: The reason that asks for manual wrap-up; None where there is no manual wrap-up.
        wrap_up_reasons: All reasons that mean it.
        resync: Compares the picture with Asterisk's, or raises CommandError.
        health: Publishes ``bridge/health`` now.
    """

    def __init__(
        self,
        handler: AgentHandler,
        orders: Orders,
        policy: Policy,
        *,
        identity: AgentIdentity,
        wrap_up_reasons: tuple[str, ...],
        resync: Callable[[], Awaitable[None]],
        health: Callable[[], None],
    ) -> None:
        self._handler = handler
        self._orders = orders
        self._policy = policy
        self._identity: AgentIdentity = identity
        self._wrap_up_reasons = wrap_up_reasons
        self._resync = resync
        self._health = health

    def refusal(self, address: CommandAddress, command: Command) -> str | None:
        """Why the policy forbids a command; None if it does not."""
        match command:
            case SetState():
                name = "end_session" if command.requested is _S.SESSION_ENDED else "set"
                return self._policy.refusal(name, group=address.group or None, reason=command.reason)
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
                return await self._set_session(address, command)
            case SetState():
                return await self._set_agent(address.agent, command)
            case CreateSession():
                return await self._create_session(address.agent, command)
            case BridgeRequest(request="resync"):
                await self._resync()
                return Result()
            case _:
                self._health()
                return Result()

    # put_State -----------------------------------------------------------------------------------------------------

    async def _set_session(self, address: CommandAddress, command: SetState) -> Result:
        session = self._find(address)
        if session.end_time is not None:
            return self._set_ended(session, command.requested)
        async with self._orders.turn(session.address):
            # Another command may have gone before in the turn.
            session = self._find(address)
            if session.end_time is not None:
                return self._set_ended(session, command.requested)
            done = await self._put_state(session, command.requested, command)
        return Result(changed=done.changed, state=done.session.state.name if done.session else None)

    def _find(self, address: CommandAddress) -> AgentSession:
        session = self._handler.find(address.group, address.agent, address.address)
        if session is None:
            raise CommandError(
                Code.UNKNOWN_SESSION, f"no session of {address.agent} at {address.address} in {address.group}"
            )
        return session

    def _set_ended(self, session: AgentSession, requested: AgentSessionState) -> Result:
        if requested is _S.SESSION_ENDED:
            return Result(state=session.state.name)
        if requested is _S.BUSY_ON_CALL:
            raise _not_settable(session)
        raise CommandError(
            Code.ILLEGAL_TRANSITION, "the session has ended: log in anew with create_session", state=session.state.name
        )

    async def _put_state(self, session: AgentSession, requested: AgentSessionState, command: SetState) -> Done:
        """``put_State`` of one session that has not ended, in its turn."""
        match requested:
            case _S.READY:
                return await self._orders.pause(session, paused=False, reason=command.reason, command_id=command.id)
            case _S.NOT_READY:
                return await self._pause(session, command)
            case _S.BUSY_WRAPUP:
                return await self._wrap_up(session, command)
            case _S.SESSION_ENDED:
                return await self._orders.remove(session, command_id=command.id)
            case _:
                raise _not_settable(session)

    async def _pause(self, session: AgentSession, command: SetState) -> Done:
        member = session.member
        reason = command.reason if command.names_reason else member.paused_reason if member.paused else None
        return await self._orders.pause(session, paused=True, reason=reason, command_id=command.id)

    async def _wrap_up(self, session: AgentSession, command: SetState) -> Done:
        reason = self._wrap_up_reason(command, session)
        if session.state not in BUSY:
            raise CommandError(
                Code.ILLEGAL_TRANSITION,
                f"wrap-up follows a call, and the session is {session.state.name}",
                state=session.state.name,
            )
        return await self._orders.pause(session, paused=True, reason=reason, command_id=command.id)

    def _wrap_up_reason(self, command: SetState, session: AgentSession | None = None) -> str:
        state = None if session is None else session.state.name
        if not self._wrap_up_reasons:
            raise CommandError(
                Code.NOT_SETTABLE, "there is no manual wrap-up here (session.wrap_up_pause_reasons)", state=state
            )
        if command.reason and command.reason not in self._wrap_up_reasons:
            known = ", ".join(self._wrap_up_reasons)
            raise CommandError(Code.BAD_PAYLOAD, f"the reason of BUSY_WRAPUP can only be one of: {known}", state=state)
        return command.reason or self._wrap_up_reasons[0]

    async def _set_agent(self, agent: str, command: SetState) -> Result:
        sessions = self._handler.sessions_of(agent)
        if not sessions:
            raise CommandError(Code.UNKNOWN_AGENT, f"no session of {agent}")
        if command.requested is _S.BUSY_ON_CALL:
            raise _not_settable(sessions[0])
        wraps_up = command.requested is _S.BUSY_WRAPUP
        if wraps_up:
            reason = self._wrap_up_reason(command)
            if not any(session.state in BUSY for session in sessions):
                raise CommandError(Code.ILLEGAL_TRANSITION, "wrap-up follows a call, and the agent is on none")
            idle = command.model_copy(update={"state": "NOT_READY", "reason": reason})
        results = await asyncio.gather(
            *(
                self._set_one(session, idle if wraps_up and session.state not in BUSY else command)
                for session in sessions
            )
        )
        failed = next((each for each in results if each.code is not None), None)
        return Result(
            code=None if failed is None else failed.code,
            message=None if failed is None else f"{failed.group}, {failed.address}: {failed.message}",
            changed=any(each.changed for each in results),
            state=results[0].state if len({each.state for each in results}) == 1 else None,
            sessions=tuple(results),
        )

    async def _set_one(self, session: AgentSession, command: SetState) -> SessionResult:
        """``put_State`` of one of an agent's sessions; a failure in one does not keep the others from it."""
        try:
            async with self._orders.turn(session.address):
                done = await self._put_state(self._still_open(session, command), command.requested, command)
        except CommandError as error:
            return SessionResult(
                session.group, session.address, error.code, str(error), changed=False, state=error.state
            )
        state = done.session.state.name if done.session else None
        return SessionResult(session.group, session.address, None, None, changed=done.changed, state=state)

    def _still_open(self, session: AgentSession, command: SetState) -> AgentSession:
        """The session as it is now, if it may be set: an agent's command names no group, so each is looked at here."""
        name = "end_session" if command.requested is _S.SESSION_ENDED else "set"
        if (why := self._policy.refusal(name, group=session.group)) is not None:
            raise CommandError(Code.FORBIDDEN, why, state=session.state.name)
        now = self._handler.session(session.group, session.address)
        if now is None or now.session_id != session.session_id:
            raise CommandError(Code.UNKNOWN_SESSION, "the session has just ended", state=_S.SESSION_ENDED.name)
        return now

    # CreateSession -------------------------------------------------------------------------------------------------

    async def _create_session(self, agent: str, command: CreateSession) -> Result:
        group = self._handler.queue(command.group)
        if group is None:
            raise CommandError(Code.UNKNOWN_GROUP, f"Asterisk has no queue {command.group}")
        member = self._new_member(agent, group, command)
        async with self._orders.turn(command.address):
            existing = self._handler.session(group, command.address)
            if existing is not None:
                raise CommandError(
                    Code.SESSION_EXISTS,
                    f"{existing.address} is in {existing.group} already, as {existing.agent}",
                    state=existing.state.name,
                )
            session = (await self._orders.add(member, command_id=command.id)).session
            if session is not None and member.paused_reason and session.member.paused_reason != member.paused_reason:
                # QueueAdd takes a reason only since 20.12, 21.7, 22.2.
                session = (await self._pause_anew(session, member.paused_reason, command.id)).session
        return Result(changed=True, state=session.state.name if session else None)

    async def _pause_anew(self, session: AgentSession, reason: str, command_id: CommandId | None) -> Done:
        return await self._orders.pause(session, paused=True, reason=reason, command_id=command_id)

    def _new_member(self, agent: str, group: str, command: CreateSession) -> Member:
        """The member to add, so that its agent is *agent* by the configured identity."""
        state_interface = command.state_interface or ""
        told = {
            "member_name": agent,
            "interface": command.address,
            "state_interface": state_interface or command.address,
        }
        if told[self._identity] != agent:
            raise CommandError(
                Code.BAD_PAYLOAD,
                f"agents are told by {self._identity} here: it would be {told[self._identity]}, not {agent}",
            )
        paused = command.state == "NOT_READY"
        return Member(
            queue=group,
            interface=command.address,
            member_name=agent,
            state_interface=state_interface,
            penalty=command.penalty,
            paused=paused,
            paused_reason=(command.reason or None) if paused else None,
        )


def _not_settable(session: AgentSession) -> CommandError:
    return CommandError(
        Code.NOT_SETTABLE, "BUSY_ON_CALL comes from calls alone and cannot be set", state=session.state.name
    )
