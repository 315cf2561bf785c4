"""Who is a member of which queue: added, removed, paused, with Asterisk's words where it says no."""

from collections.abc import Iterator
from typing import Final

from gateway.simulate.app_queue import AppQueue
from gateway.simulate.queues import Member, Queue, cut
from gateway.simulate.truth import Truth


class RefusedError(Exception):
    """Asterisk does not do what is asked; the text is its own."""


class Membership:
    """Members of all queues.

    Args:
        app_queue: The queues.
        truth: Keeps the books.
    """

    def __init__(self, app_queue: AppQueue, truth: Truth) -> None:
        self._app_queue = app_queue
        self._pbx = app_queue.pbx
        self._truth = truth

    def have(self, queue: Queue, interface: str, name: str) -> None:
        """A static member, who has been there since the start."""
        member = self._member(queue, interface, name)
        member.membership = "static"
        queue.members.append(member)
        self._truth.logged_in(member, self._pbx.agenda.now)

    def add(
        self,
        queue_name: str,
        interface: str,
        *,
        name: str = "",
        penalty: int = 0,
        paused: bool = False,
        reason: str = "",
        state_interface: str = "",
        wrapuptime: int = 0,
    ) -> None:
        """QueueAdd.

        Raises:
            RefusedError: It cannot be.
        """
        if not queue_name:
            raise RefusedError("'Queue' not specified.")
        if not interface:
            raise RefusedError("'Interface' not specified.")
        queue = self._pbx.queues.get(queue_name.lower())
        if queue is None:
            raise RefusedError("Unable to add interface to queue: No such queue")
        if queue.member(interface) is not None:
            raise RefusedError("Unable to add interface: Already there")
        member = self._member(queue, cut(interface), cut(name or interface), cut(state_interface or interface))
        member.penalty, member.wrapuptime = penalty, wrapuptime
        member.paused, member.paused_reason = paused, cut(reason)
        member.last_pause = self._seconds() if paused else 0
        queue.members.append(member)
        self._pbx.log("MANAGER", queue.name, member.interface, "ADDMEMBER", "PAUSED" if paused else "")
        self._pbx.say("QueueMemberAdded", "agent", member.event())
        self._truth.logged_in(member, self._pbx.stamp)
        self._app_queue.distribute(queue)

    def remove(self, queue_name: str, interface: str) -> None:
        """QueueRemove.

        Raises:
            RefusedError: It cannot be.
        """
        if not queue_name or not interface:
            raise RefusedError("Need 'Queue' and 'Interface' parameters.")
        queue = self._pbx.queues.get(queue_name.lower())
        if queue is None:
            raise RefusedError("Unable to remove interface from queue: No such queue")
        member = queue.member(interface)
        if member is None:
            raise RefusedError("Unable to remove interface: Not there")
        if member.membership == "static":
            raise RefusedError("Member not dynamic")
        queue.members.remove(member)
        self._pbx.log("MANAGER", queue.name, member.interface, "REMOVEMEMBER")
        self._pbx.say("QueueMemberRemoved", "agent", member.event())
        self._truth.logged_out(member, self._pbx.stamp)

    def pause(self, interface: str, *, paused: bool, queue_name: str = "", reason: str = "") -> None:
        """QueuePause, in one queue, or in all where none is named. It is told also where it was so before.

        Raises:
            RefusedError: Nobody has this interface there.
        """
        members = list(self._members(interface, queue_name))
        if not members:
            raise RefusedError("Interface not found")
        event, reason = ("PAUSE" if paused else "UNPAUSE"), cut(reason)
        if not queue_name:
            self._pbx.log("NONE", "NONE", members[0].name, f"{event}ALL", reason)
        for member in members:
            is_new = paused and (not member.paused or member.paused_reason != reason)
            member.paused, member.paused_reason = paused, reason
            if paused:
                member.last_pause = self._seconds()
            self._pbx.log("NONE", member.queue, member.name, event, reason)
            self._pbx.say("QueueMemberPause", "agent", member.event())
            if is_new:
                self._truth.paused(member, self._pbx.stamp)
            if not paused:
                self._truth.unpaused(member, self._pbx.stamp)
                member.paused_reason = ""
        if not paused:
            for member in members:
                self._app_queue.distribute(self._pbx.queues[member.queue.lower()])

    def set_penalty(self, interface: str, penalty: int, queue_name: str = "") -> None:
        """QueuePenalty.

        Raises:
            RefusedError: Nobody has this interface there, or the penalty is negative.
        """
        members = list(self._members(interface, queue_name))
        if penalty < 0 or not members:
            raise RefusedError("Invalid interface, queuename or penalty")
        for member in members:
            member.penalty = penalty
            self._pbx.log("NONE", member.queue, member.interface, "PENALTY", penalty)
            self._pbx.say("QueueMemberPenalty", "agent", member.event())

    def _members(self, interface: str, queue_name: str) -> Iterator[Member]:
        for name, queue in self._pbx.queues.items():
            member = queue.member(interface) if queue_name.lower() in {"", name} else None
            if member is not None:
                yield member

    def _member(self, queue: Queue, interface: str, name: str, device: str = "") -> Member:
        device = device or interface
        status = self._pbx.device(device)
        return Member(queue.name, name, interface, device, "dynamic", self._seconds(), status=status)

    def _seconds(self) -> int:
        return self._pbx.agenda.now // 1_000_000


TRUE: Final = frozenset({"yes", "true", "y", "t", "1", "on"})
"""What Asterisk takes for yes."""
