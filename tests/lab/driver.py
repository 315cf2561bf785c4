"""Makes things happen on the lab's Asterisk: callers, logins, pauses, hang-ups; and waits for what comes of it."""

import asyncio
import itertools
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self

from tests.lab import pbx, wire
from tests.lab.asterisk import Asterisk

ANSWER_DELAY: Final = 0.5  # seconds that Answer() waits for sound which never comes in the lab
HISTORY: Final = 50_000  # events kept for wait_for and seen; more than any test of single calls makes


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller that was put into a queue.

    Attributes:
        channel: The channel that waits in the queue, ``Local/c…;1``.
        uniqueid: Its ``Uniqueid``, queue_log's callid.
        phone: The caller's own end, ``;2``: hanging it up is the caller hanging up.
    """

    channel: str
    uniqueid: str

    @property
    def phone(self) -> str:
        """The channel of the caller's own end."""
        return f"{self.channel[:-1]}2"


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """Somebody who waits for an event that has not come yet."""

    event: str
    fields: dict[str, str]
    future: "asyncio.Future[wire.Message]"

    def look_at(self, message: wire.Message) -> None:
        """Take the message if it is the one."""
        if message.event == self.event and self.fields.items() <= message.items() and not self.future.done():
            self.future.set_result(message)


class Driver:
    """A connection of AMI user ``driver``, who may do everything.

    Every event it sees is kept, so that `wait_for` may look for one that came before it was asked; `mark` tells the
    place from which to look.
    """

    def __init__(self, asterisk: Asterisk) -> None:
        self._asterisk = asterisk
        self._events: deque[wire.Message] = deque(maxlen=HISTORY)
        self._waiters: list[_Waiter] = []
        self._numbers = itertools.count(100)
        self._count = 0
        self._channels: set[str] = set()
        self._idle = asyncio.Event()
        self._link = wire.Link(self._take)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Log in; after a restart of Asterisk it has to be opened again."""
        await self._link.close()
        self._channels.clear()
        self._idle.set()
        self._link = wire.Link(self._take)
        await self._link.open(self._asterisk.port, pbx.DRIVER.name, pbx.DRIVER.secret, self._asterisk.host)

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    @property
    def lost(self) -> asyncio.Event:
        """Set when the connection has ended."""
        return self._link.lost

    def mark(self) -> int:
        """Return the place after the last event so far, for ``since`` of `wait_for`."""
        return self._count

    async def wait_for(self, event: str, *, since: int = 0, within: float = 15.0, **fields: str) -> wire.Message:
        """Return the first event of this name with these headers, from *since* on, waiting for it if need be.

        Raises:
            TimeoutError: If none comes *within* so many seconds; the text says what was waited for.
        """
        found = next(iter(self.seen(event, since=since, **fields)), None)
        if found is not None:
            return found
        waiter = _Waiter(event, fields, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(within):
                return await waiter.future
        except TimeoutError:
            raise TimeoutError(f"no {event} with {fields} within {within} s") from None
        finally:
            self._waiters.remove(waiter)

    async def answered(self, caller: Caller, *, within: float = 15.0) -> wire.Message:
        """Wait until an agent answers a caller and return that AgentConnect."""
        return await self.wait_for("AgentConnect", within=within, Uniqueid=caller.uniqueid)

    async def completed(self, connect: wire.Message, *, within: float = 15.0) -> wire.Message:
        """Wait for the end of an answered call and return its AgentComplete.

        It is looked for by queue and interface: now and then Asterisk sends it without the caller's channel.
        """
        whose = {"Queue": connect["Queue"], "Interface": connect["Interface"]}
        return await self.wait_for("AgentComplete", since=connect.index, within=within, **whose)

    def seen(self, event: str, *, since: int = 0, **fields: str) -> list[wire.Message]:
        """Return all events of this name with these headers that have come so far."""
        return [m for m in self._events if m.index >= since and m.event == event and fields.items() <= m.items()]

    async def idle(self, within: float = 60.0) -> None:
        """Wait until no channel is left of those that began while this connection was open."""
        async with asyncio.timeout(within):
            await self._idle.wait()

    async def ask(self, action: str, **headers: str | list[str]) -> list[wire.Message]:
        """Send any action; see `wire.Link.ask`."""
        return await self._link.ask(action, **headers)

    async def call(
        self,
        queue: str,
        *,
        ring: float = 0.2,
        talk: float = 1.0,
        ends: Literal["agent", "caller"] = "agent",
        patience: float = 3600.0,
        queue_timeout: int | None = None,
        options: str = "",
        afterwards: float = 0.0,
        number: str = "",
        name: str = "",
        then: tuple[str, int | None] = ("", None),
    ) -> Caller:
        """Put a caller into a queue and return it once it is on its way.

        Args:
            queue: Name of the queue.
            ring: Seconds for which an agent's phone rings before it is answered.
            talk: Seconds from the answer to the hang-up, half a second at least.
            ends: Who hangs up then.
            patience: Seconds after which the caller hangs up, wherever the call is: less than it takes to be answered
                makes an abandoned call.
            queue_timeout: Seconds after which the queue gives the caller back, None for never.
            options: Of ``Queue()``, such as ``c``.
            afterwards: Seconds the caller stays in the dialplan when the queue is done with it.
            number: Caller's number; one of a series if empty.
            name: Caller's name.
            then: The queue into which the dialplan sends the caller when the first one is done with it, and the
                seconds after which that one gives it back.
        """
        since = self.mark()
        number = number or str(next(self._numbers))
        variables = {
            "QUEUE": queue,
            "QUEUE_OPTIONS": options,
            "QUEUE_TIMEOUT": "" if queue_timeout is None else str(queue_timeout),
            "AFTERWARDS": f"{afterwards:.3f}",
            "NEXT": then[0],
            "NEXT_TIMEOUT": "" if then[1] is None else str(then[1]),
            "PATIENCE": f"{patience:.3f}",
            "__RING": f"{ring:.3f}",
            "__TALK": f"{max(0.0, talk - ANSWER_DELAY):.3f}",
            "__ENDS": ends,
        }
        answer = await self._link.ask(
            "Originate",
            Channel=f"Local/c{number}@callers/n",
            Context="queues",
            Exten="enter",
            Priority="1",
            Async="true",
            CallerID=f'"{name or "Caller " + number}" <{number}>',
            Variable=[f"{key}={value}" for key, value in variables.items()],
        )
        done = await self.wait_for("OriginateResponse", since=since, ActionID=answer[0]["ActionID"])
        return Caller(done["Channel"], done["Uniqueid"])

    async def press(self, caller: Caller, key: str) -> None:
        """Let a caller press a key."""
        await self._link.ask("PlayDTMF", Channel=caller.phone, Digit=key)

    async def withdraw(self, queue: str, caller: Caller) -> None:
        """Take a caller out of a queue (QueueWithdrawCaller)."""
        await self._link.ask("QueueWithdrawCaller", Queue=queue, Caller=caller.channel)

    async def add(
        self, queue: str, member: pbx.Member, *, paused: bool = False, reason: str = "", penalty: int = 0
    ) -> None:
        """Log a member in (QueueAdd); *reason* needs Asterisk 20.12 or later."""
        headers = {"Queue": queue, "Interface": member.interface, "MemberName": member.name, "Penalty": str(penalty)}
        headers |= {"Paused": "true" if paused else "false"}
        headers |= {"StateInterface": member.state_interface} if member.hinted else {}
        await self._link.ask("QueueAdd", **(headers | ({"Reason": reason} if reason else {})))

    async def remove(self, queue: str, member: pbx.Member) -> None:
        """Log a member out (QueueRemove)."""
        await self._link.ask("QueueRemove", Queue=queue, Interface=member.interface)

    async def pause(self, member: pbx.Member, *, queue: str = "", reason: str = "") -> None:
        """Pause a member in one queue, or in all."""
        await self._pause(member, queue, "true", reason)

    async def unpause(self, member: pbx.Member, *, queue: str = "") -> None:
        """End a pause in one queue, or in all."""
        await self._pause(member, queue, "false", "")

    async def hang_up(self, channel: str) -> None:
        """Hang a channel up; a channel that is gone already is none the worse for it."""
        with suppress(wire.ActionRefusedError):
            await self._link.ask("Hangup", Channel=channel, Cause="16")

    async def redirect(self, caller: Caller) -> None:
        """Take a caller away from its agent, into a dialplan that waits."""
        await self._link.ask("Redirect", Channel=caller.channel, Context="elsewhere", Exten="wait", Priority="1")

    async def set_device(self, phone: str, state: str) -> None:
        """Set a phone's device state: ``NOT_INUSE``, ``INUSE``, ``UNAVAILABLE``, ``INVALID``, …."""
        await self._link.ask("Setvar", Variable=f"DEVICE_STATE(Custom:{phone})", Value=state)

    async def set_reply(self, phone: str, reply: Literal["", "busy", "congestion", "never"]) -> None:
        """Say how a phone meets calls until Asterisk restarts; empty is: it answers."""
        await self._link.ask("Setvar", Variable=f"REPLY_{phone}", Value=reply)

    async def set_deaf(self, phone: str, percent: int) -> None:
        """Let a phone miss so many calls in a hundred, by chance, until Asterisk restarts."""
        await self._link.ask("Setvar", Variable=f"DEAF_{phone}", Value=str(percent))

    async def command(self, line: str) -> str:
        """Run a console command over AMI and return what it prints."""
        return (await self._link.ask("Command", Command=line))[0].get("Output", "")

    async def queue_status(self, queue: str = "") -> list[wire.Message]:
        """Return the QueueParams, QueueMember and QueueEntry events of QueueStatus."""
        answer = await self._link.ask("QueueStatus", **({"Queue": queue} if queue else {}))
        return answer[1:-1]

    async def member(self, queue: str, member: pbx.Member) -> wire.Message | None:
        """Return Asterisk's present picture of a member, or None if it is not one."""
        for message in await self.queue_status(queue):
            if message.event == "QueueMember" and message["Location"] == member.interface:
                return message
        return None

    async def _pause(self, member: pbx.Member, queue: str, paused: str, reason: str) -> None:
        headers = {"Interface": member.interface, "Paused": paused}
        headers |= {"Queue": queue} if queue else {}
        await self._link.ask("QueuePause", **(headers | ({"Reason": reason} if reason else {})))

    def _take(self, message: wire.Message) -> None:
        message.index = self._count
        self._count += 1
        self._events.append(message)
        if message.event == "Newchannel":
            self._channels.add(message["Uniqueid"])
            self._idle.clear()
        elif message.event == "Hangup":
            self._channels.discard(message["Uniqueid"])
            if not self._channels:
                self._idle.set()
        for waiter in self._waiters:
            waiter.look_at(message)
