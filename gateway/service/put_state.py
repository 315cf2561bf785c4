"""``put_State``: of one session, or of every session of an agent."""

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.domain.handler import AgentHandler
from gateway.domain.session import AgentSession
from gateway.domain.state import AgentSessionState
from gateway.mqtt.commands import SetState
from gateway.mqtt.topics import CommandAddress
from gateway.service.answers import Code, CommandError, Result, SessionResult
from gateway.service.orders import Done, Orders
from gateway.service.policy import Policy
from gateway.service.turns import Turn

_S = AgentSessionState

BUSY: Final = (_S.BUSY_ON_CALL, _S.BUSY_WRAPUP)


class PutState:
    """Sets states.

    Args:
        handler: The model.
        orders: How Asterisk is told.
        policy: What is allowed: an agent's command names no group, so each session is looked at.
        wrap_up_reasons: The pause reasons that mean manual wrap-up, the first being the one set; none: there is none.
    """

    def __init__(
        self, handler: AgentHandler, orders: Orders, policy: Policy, *, wrap_up_reasons: tuple[str, ...]
    ) -> None:
        self._handler = handler
        self._orders = orders
        self._policy = policy
        self._wrap_up_reasons = wrap_up_reasons

    async def of_session(self, address: CommandAddress, command: SetState) -> Result:
        """Set one session's state.

        Raises:
            CommandError: With the code that says why not.
        """
        session = self._find(address)
        if session.end_time is None:
            async with self._orders.turn(session.address):
                # Another command may have gone before in the turn.
                session = self._find(address)
                if session.end_time is None:
                    done = await self._put(session, command)
                    return Result(changed=done.changed, state=_state(done))
        return _of_ended(session, command.requested)

    async def of_agent(self, agent: str, command: SetState) -> Result:
        """Set the state of every session of *agent*, each by an action of its own.

        Raises:
            CommandError: UNKNOWN_AGENT; what fails in a session is in the result.
        """
        sessions = self._handler.sessions_of(agent)
        if not sessions:
            raise CommandError(Code.UNKNOWN_AGENT, f"no session of {agent}")
        # All stand in line at once, before any later command to one of them can.
        turns = [self._orders.turn(session.address) for session in sessions]
        # An agent in a call gets no other meanwhile: where the agent is not in it, wrap-up is NOT_READY.
        instead = command
        if command.requested is _S.BUSY_WRAPUP and self._wrap_up_reasons and any(s.state in BUSY for s in sessions):
            instead = command.model_copy(update={"state": "NOT_READY", "reason": self._wrap_up_reason(command)})
        try:
            results = await asyncio.gather(
                *(self._of_one(session, turn, command, instead) for session, turn in zip(sessions, turns, strict=True))
            )
        finally:
            for turn in turns:
                turn.leave()
        return _sum_up(results)

    async def _of_one(self, session: AgentSession, turn: Turn, command: SetState, idle: SetState) -> SessionResult:
        """One of an agent's sessions, by *idle* if it is not busy; a failure in one keeps no other from it."""
        try:
            self._allow(session, command)
            async with turn:
                now = self._still(session, command)
                done = await self._put(now, command if now.state in BUSY else idle)
        except CommandError as error:
            return SessionResult(
                session.group, session.address, error.code, str(error), changed=False, state=error.state
            )
        finally:
            turn.leave()
        return SessionResult(session.group, session.address, None, None, changed=done.changed, state=_state(done))

    def _allow(self, session: AgentSession, command: SetState) -> None:
        if (why := self._policy.refusal(command.right, group=session.group)) is not None:
            raise CommandError(Code.FORBIDDEN, why, state=session.state.name)

    def _find(self, address: CommandAddress) -> AgentSession:
        session = self._handler.find(address.group, address.agent, address.address)
        if session is None:
            raise CommandError(
                Code.UNKNOWN_SESSION, f"no session of {address.agent} at {address.address} in {address.group}"
            )
        return session

    def _still(self, session: AgentSession, command: SetState) -> AgentSession:
        """The session as it is now; one that ended while its turn was waited for can only be ended again."""
        now = self._handler.session(session.group, session.address)
        if now is not None and now.session_id == session.session_id:
            return now
        ended = next((each for each in self._handler.ended() if each.session_id == session.session_id), None)
        if ended is not None and command.requested is _S.SESSION_ENDED:
            return ended
        raise CommandError(Code.UNKNOWN_SESSION, "the session has just ended", state=_S.SESSION_ENDED.name)

    async def _put(self, session: AgentSession, command: SetState) -> Done:
        """``put_State`` of one session, in its turn."""
        match command.requested:
            case _S.READY:
                return await self._orders.pause(session, paused=False, reason=command.reason, command_id=command.id)
            case _S.NOT_READY:
                return await self._pause(session, command)
            case _S.BUSY_WRAPUP:
                return await self._wrap_up(session, command)
            case _S.SESSION_ENDED if session.end_time is not None:
                return Done(changed=False, session=session)
            case _S.SESSION_ENDED:
                return await self._orders.remove(session, command_id=command.id)
            case _:
                raise _not_settable(session)

    async def _pause(self, session: AgentSession, command: SetState) -> Done:
        member = session.member
        reason = command.reason if command.names_reason else member.paused_reason if member.paused else None
        return await self._orders.pause(session, paused=True, reason=reason, command_id=command.id)

    async def _wrap_up(self, session: AgentSession, command: SetState) -> Done:
        if not self._wrap_up_reasons:
            why = "there is no manual wrap-up here (session.wrap_up_pause_reasons)"
            raise CommandError(Code.NOT_SETTABLE, why, state=session.state.name)
        if session.state not in BUSY:
            why = f"wrap-up follows a call, and the session is {session.state.name}"
            raise CommandError(Code.ILLEGAL_TRANSITION, why, state=session.state.name)
        reason = self._wrap_up_reason(command)
        return await self._orders.pause(session, paused=True, reason=reason, command_id=command.id)

    def _wrap_up_reason(self, command: SetState) -> str:
        return command.reason or self._wrap_up_reasons[0]


def _of_ended(session: AgentSession, requested: AgentSessionState) -> Result:
    if requested is _S.SESSION_ENDED:
        return Result(state=session.state.name)
    if requested is _S.BUSY_ON_CALL:
        raise _not_settable(session)
    raise CommandError(
        Code.ILLEGAL_TRANSITION, "the session has ended: log in anew with create_session", state=session.state.name
    )


def _not_settable(session: AgentSession) -> CommandError:
    return CommandError(
        Code.NOT_SETTABLE, "BUSY_ON_CALL comes from calls alone and cannot be set", state=session.state.name
    )


def _state(done: Done) -> str | None:
    return None if done.session is None else done.session.state.name


def _sum_up(results: Sequence[SessionResult]) -> Result:
    """An agent's answer: ok only if all are, else with the code that is looked for first."""
    failed = [(each.code.rank, each) for each in results if each.code is not None]
    first = min(failed, key=lambda each: each[0])[1] if failed else None
    return Result(
        code=None if first is None else first.code,
        message=None if first is None else f"{first.group}, {first.address}: {first.message}",
        changed=any(each.changed for each in results),
        state=results[0].state if len({each.state for each in results}) == 1 else None,
        sessions=tuple(results),
    )
