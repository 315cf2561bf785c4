"""Orders to Asterisk: one action each, done when Asterisk's own event shows it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.ami.message import AmiMessage
from gateway.domain.handler import AgentHandler
from gateway.domain.member import Member, MembershipKey
from gateway.domain.session import AgentSession
from gateway.errors import AmiActionError, AmiConnectionError, AmiTimeoutError, AmiValueError
from gateway.mqtt.commands import CommandId
from gateway.service.answers import Code, CommandError
from gateway.service.asterisk import Asterisk
from gateway.service.expectations import Expectation, Shows
from gateway.service.picture import Picture
from gateway.service.turns import Turn, Turns

_CODES: Final = {
    "Member not dynamic": Code.NOT_DYNAMIC,
    "Unable to add interface: Already there": Code.SESSION_EXISTS,
    "Unable to add interface to queue: No such queue": Code.UNKNOWN_GROUP,
}
"""Asterisk's words that have a code of their own; all others are REFUSED."""


@dataclass(frozen=True, slots=True)
class Done:
    """An order that Asterisk carried out: whether that changed anything, and the session after it."""

    changed: bool
    session: AgentSession | None


class Orders:
    """Gives orders, those to one interface one after another.

    Args:
        asterisk: Who carries them out.
        picture: Where its events show.
        handler: The model.
        list_queue: Asks for a queue's members, once, where no event came.
        timeout: Seconds to wait for the event, and before that for the turn.
    """

    def __init__(
        self,
        asterisk: Asterisk,
        picture: Picture,
        handler: AgentHandler,
        *,
        list_queue: Callable[[str], Awaitable[None]],
        timeout: float,
    ) -> None:
        self._asterisk = asterisk
        self._picture = picture
        self._handler = handler
        self._list_queue = list_queue
        self._timeout = timeout
        self._turns = Turns(timeout)

    def turn(self, interface: str) -> Turn:
        """A place, from now on, in the line of those who order anything of *interface*."""
        return self._turns.take(interface)

    async def pause(
        self, session: AgentSession, *, paused: bool, reason: str | None, command_id: CommandId | None
    ) -> Done:
        """Set the pause flag of one membership, with *reason* (None: without one).

        Raises:
            CommandError: REFUSED, TIMEOUT, LINK_DOWN.
        """
        headers = {
            "Queue": session.group,
            "Interface": session.address,
            "Paused": "true" if paused else "false",
        }
        if reason:
            headers["Reason"] = reason

        def shows(member: Member | None) -> bool:
            if member is None or member.paused != paused:
                return False
            return not paused or (member.paused_reason or None) == (reason or None)

        before = (session.member.paused, session.member.paused_reason)
        after = await self._order("QueuePause", headers, session.member.key, shows, command_id)
        done = after or self._handler.session(session.group, session.address)
        now = (done.member.paused, done.member.paused_reason) if done else before
        return Done(before != now, done)

    async def remove(self, session: AgentSession, *, command_id: CommandId | None) -> Done:
        """Log one membership out.

        Raises:
            CommandError: NOT_DYNAMIC, REFUSED, TIMEOUT, LINK_DOWN.
        """
        headers = {"Queue": session.group, "Interface": session.address}
        after = await self._order("QueueRemove", headers, session.member.key, _is_gone, command_id)
        # A list that lacks a member shows no session: the ended one is kept for a while.
        return Done(changed=True, session=after or self._handler.find(session.group, session.agent, session.address))

    async def add(self, member: Member, *, command_id: CommandId | None) -> Done:
        """Log a member in.

        Raises:
            CommandError: SESSION_EXISTS, UNKNOWN_GROUP, REFUSED, TIMEOUT, LINK_DOWN.
        """
        headers = {
            "Queue": member.queue,
            "Interface": member.interface,
            "Penalty": str(member.penalty),
            "Paused": "true" if member.paused else "false",
            "MemberName": member.member_name,
        }
        if member.state_interface:
            headers["StateInterface"] = member.state_interface
        if member.paused and member.paused_reason:
            headers["Reason"] = member.paused_reason
        after = await self._order("QueueAdd", headers, member.key, lambda shown: shown is not None, command_id)
        return Done(changed=True, session=after)

    async def _order(
        self,
        action: str,
        headers: Mapping[str, str],
        key: MembershipKey,
        shows: Shows,
        command_id: CommandId | None,
    ) -> AgentSession | None:
        """One action and its confirmation. Returns the session after it, as far as there is one."""
        if not self._picture.current:
            raise CommandError(Code.LINK_DOWN, f"there is no current picture of Asterisk: {action} was not passed on")
        expectation = Expectation(key, shows, command_id)
        self._picture.expectations.add(expectation)

        def arm(response: AmiMessage) -> None:
            if response.response == "Success":
                self._picture.in_order(lambda: setattr(expectation, "armed", True))

        try:
            async with asyncio.timeout(self._timeout):
                await self._asterisk.action(action, headers, timeout=self._timeout, on_message=arm)
                return await expectation.confirmed
        except AmiActionError as error:
            code = _CODES.get(error.message.strip(), Code.REFUSED)
            raise CommandError(code, error.message.strip(), state=self._state(key)) from None
        except AmiValueError as error:
            raise CommandError(Code.BAD_PAYLOAD, str(error), state=self._state(key)) from None
        except (TimeoutError, AmiTimeoutError, AmiConnectionError):
            return await self._look(action, key, shows)
        finally:
            self._picture.expectations.discard(expectation)

    async def look(self, queue: str) -> None:
        """Have the members of one queue listed, if Asterisk answers in time."""
        with suppress(TimeoutError, AmiTimeoutError, AmiConnectionError, AmiActionError):
            async with asyncio.timeout(self._timeout):
                await self._list_queue(queue)

    async def _look(self, action: str, key: MembershipKey, shows: Shows) -> AgentSession | None:
        """No event confirmed in time: look at the list before giving up; that a member is gone takes two."""
        for _ in range(2 if shows is _is_gone else 1):
            await self.look(self._handler.queue(key.queue) or key.queue)
            session = self._handler.session(*key)
            if shows(session.member if session else None):
                return session
        raise CommandError(
            Code.TIMEOUT, f"{action} was not confirmed; the state will be told by events", state=self._state(key)
        )

    def _state(self, key: MembershipKey) -> str | None:
        session = self._handler.session(*key)
        return None if session is None else session.state.name


def _is_gone(member: Member | None) -> bool:
    return member is None
