"""What app_queue does: callers come and wait, members are rung, answer or not, talk, and somebody hangs up.

Each act tells the events, and writes the lines, that Asterisk 22 tells and writes for it, in its order.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from gateway.simulate.agenda import SECOND, Happening
from gateway.simulate.channels import RING, RINGING, UP, Bridge, Channel
from gateway.simulate.pbx import CONTEXT, Pbx
from gateway.simulate.queues import (
    INUSE,
    NOT_INUSE,
    SERVICE_LEVEL,
    UNKNOWN,
    Member,
    Queue,
    Waiter,
    moving_average,
    seconds_between,
)
from gateway.simulate.queues import RINGING as DEVICE_RINGING
from gateway.simulate.truth import Truth
from gateway.simulate.wire import Fields

OPTIONS: Final = "t"
"""Of the dialplan's ``Queue()``."""

RETRY: Final = 1
"""Seconds after a phone that was not answered before another is rung."""


@dataclass(slots=True, eq=False)
class Offer:
    """A member's phone rings for a caller."""

    queue: Queue
    member: Member
    waiter: Waiter
    leg: Channel
    since: int
    rings_out: Happening | None = None


@dataclass(slots=True, eq=False)
class Talk:
    """A member talks with a caller."""

    queue: Queue
    member: Member
    caller: Channel
    leg: Channel
    bridge: Bridge
    joined: int
    answered: int
    original: int

    def offer(self) -> Fields:
        """The headers that tell which member of which queue."""
        return _who(self.queue, self.member)

    @property
    def hold_time(self) -> int:
        """Seconds that the caller waited."""
        return seconds_between(self.joined, self.answered)


class Phones(Protocol):
    """Who sits at the phones, and is told what they do."""

    def rings(self, offer: Offer) -> None:
        """A member's phone rings."""

    def fell_silent(self, offer: Offer) -> None:
        """It rings no more, and was not answered."""

    def talks(self, talk: Talk) -> None:
        """It was answered, and the caller is there."""

    def is_free(self, interface: str) -> None:
        """It was hung up."""

    def left_alone(self, waiter: Waiter) -> None:
        """A caller has waited as long as the queue allows, and is sent on."""


class AppQueue:
    """All queues of one PBX.

    Args:
        pbx: What it runs on.
        phones: Who sits at the phones.
        truth: Keeps the books.
        longest_wait: Microseconds after which a caller is sent on.
    """

    def __init__(self, pbx: Pbx, phones: Phones, truth: Truth, *, longest_wait: int) -> None:
        self.pbx = pbx
        self._agenda = pbx.agenda
        self._phones = phones
        self._truth = truth
        self._longest_wait = longest_wait

    # Callers --------------------------------------------------------------------------------------------------------

    def call(self, queue: Queue, endpoint: str, caller: tuple[str, str]) -> Waiter:
        """Somebody calls a queue."""
        channel = self.pbx.make_channel(endpoint, queue.exten, state=RING, caller=caller)
        self.pbx.new_state(channel, UP)
        return self.join(queue, channel)

    def join(self, queue: Queue, channel: Channel) -> Waiter:
        """A caller enters a queue."""
        channel.exten, channel.priority = queue.exten, 2
        channel.application, channel.data = "Queue", f"{queue.name},{OPTIONS}"
        position = len(queue.waiting) + 1
        waiter = Waiter(channel, self._agenda.now, position)
        queue.waiting.append(waiter)
        self.pbx.say("QueueCallerJoin", "agent", channel.block(), _place(queue, position, position))
        waiter.joined = self.pbx.stamp
        self.pbx.log(channel.uniqueid, queue.name, "NONE", "ENTERQUEUE", "", channel.caller[0], position)
        self._truth.joined(queue, flowed_in=channel.was_queued)
        channel.was_queued = True
        self._agenda.after(self._longest_wait, lambda: self._expire(queue, waiter))
        self.distribute(queue)
        return waiter

    def give_up(self, queue: Queue, waiter: Waiter) -> None:
        """A caller who waits hangs up. Nothing if it waits no more."""
        if waiter not in queue.waiting:
            return
        pbx, caller, now = self.pbx, waiter.channel, self._agenda.now
        pbx.say("HangupRequest", "call", caller.block())
        offer = waiter.ringing
        if isinstance(offer, Offer):
            for _ in range(2):
                self._dial_end(offer, "CANCEL")
            self._end_ringing(offer)
            elapsed = (now - offer.since) // 1000
            pbx.log(caller.uniqueid, queue.name, offer.member.name, "RINGCANCELED", elapsed)
        position = self._leave_without_agent(queue, waiter)
        left, waited = pbx.stamp, seconds_between(waiter.joined, now)
        pbx.log(caller.uniqueid, queue.name, "NONE", "ABANDON", position, waiter.original, waited)
        pbx.say("SoftHangupRequest", "call", caller.block(), [("Cause", "16")])
        self._truth.abandoned(queue, waited=left - waiter.joined)
        if isinstance(offer, Offer):
            self._set_free(offer.member)
        pbx.hang_up(caller, 0)

    def _expire(self, queue: Queue, waiter: Waiter) -> None:
        if waiter not in queue.waiting:
            return
        if waiter.ringing is not None:  # let it ring to its end
            self._agenda.after(SECOND, lambda: self._expire(queue, waiter))
            return
        position = self._leave_without_agent(queue, waiter)
        left, waited = self.pbx.stamp, seconds_between(waiter.joined, self._agenda.now)
        self.pbx.log(waiter.channel.uniqueid, queue.name, "NONE", "EXITWITHTIMEOUT", position, waiter.original, waited)
        waiter.channel.application, waiter.channel.data = "VoiceMail", "100@default,u"
        self._truth.timed_out(queue, waited=left - waiter.joined)
        self._phones.left_alone(waiter)

    def _leave_without_agent(self, queue: Queue, waiter: Waiter) -> int:
        """Take a caller out, as abandoned; returns the position it had."""
        position = queue.waiting.index(waiter) + 1
        caller = waiter.channel
        fields = [("Queue", queue.name), ("Position", str(position)), ("OriginalPosition", str(waiter.original))]
        waited = seconds_between(waiter.joined, self._agenda.now)
        self.pbx.say("QueueCallerAbandon", "agent", caller.block(), [*fields, ("HoldTime", str(waited))])
        queue.abandoned += 1
        self._leave(queue, waiter)
        return position

    def _leave(self, queue: Queue, waiter: Waiter) -> None:
        position = queue.waiting.index(waiter) + 1
        queue.waiting.remove(waiter)
        place = _place(queue, position, len(queue.waiting))
        self.pbx.say("QueueCallerLeave", "agent", waiter.channel.block(), place)

    # Members --------------------------------------------------------------------------------------------------------

    def distribute(self, queue: Queue) -> None:
        """Ring a member for each caller who waits and for whom none rings, while there are free ones."""
        for waiter in list(queue.waiting):
            if waiter.ringing is None and waiter.rests_until <= self._agenda.now:
                member = self._next_member(queue)
                if member is None:
                    return
                self._ring(queue, waiter, member)

    def distribute_all(self, interface: str) -> None:
        """The same in every queue of a device."""
        for member in self.pbx.members_on(interface):
            self.distribute(self.pbx.queues[member.queue.lower()])

    def _next_member(self, queue: Queue) -> Member | None:
        """The free member with the lowest penalty, in turn after the one rung last."""
        count, best, place = len(queue.members), None, 0
        for step in range(count):
            index = (queue.turn + 1 + step) % count
            member = queue.members[index]
            if (best is None or member.penalty < best.penalty) and self._is_free(queue, member):
                best, place = member, index
        if best is not None:
            queue.turn = place
        return best

    def _is_free(self, queue: Queue, member: Member) -> bool:
        since_last_call = self._agenda.now // SECOND - member.last_call
        return (
            not member.paused
            and member.status in {UNKNOWN, NOT_INUSE}
            and since_last_call >= (member.wrapuptime or queue.wrapuptime)
        )

    def _ring(self, queue: Queue, waiter: Waiter, member: Member) -> None:
        pbx, caller = self.pbx, waiter.channel
        # The member's phone shows the caller; to the caller, the other side has the number that was dialled.
        leg = pbx.make_channel(member.interface, "s", of=caller, caller=("", ""))
        leg.application, leg.data = "AppQueue", "(Outgoing Line)"
        leg.caller = (queue.exten, "")
        presentation = [("CID-CallingPres", "0 (Presentation Allowed, Not Screened)")]
        pbx.say("NewCallerid", "call", leg.block(), presentation)
        dialled = leg.block("Dest")  # DialBegin still shows the channel as it was made
        leg.exten, leg.connected = queue.exten, caller.caller
        offer = Offer(queue, member, waiter, leg, self._agenda.now)
        waiter.ringing = offer
        pbx.say("AgentCalled", "agent", caller.block(), leg.block("Dest"), _who(queue, member))
        pbx.say("DialBegin", "call", caller.block(), dialled, [("DialString", member.interface)])
        caller.connected = leg.caller
        pbx.say("NewConnectedLine", "call", caller.block())
        pbx.say("DialState", "call", caller.block(), leg.block("Dest"), [("DialStatus", "RINGING")])
        pbx.new_state(leg, RINGING)
        pbx.say("NewConnectedLine", "call", leg.block())
        pbx.set_device(member.state_interface, DEVICE_RINGING)
        offer.rings_out = self._agenda.after(queue.timeout * SECOND, lambda: self._ring_out(offer))
        self._phones.rings(offer)

    def _ring_out(self, offer: Offer) -> None:
        """A phone has rung as long as the queue lets it."""
        queue, member, waiter = offer.queue, offer.member, offer.waiter
        milliseconds = queue.timeout * 1000
        self.pbx.say(
            "AgentRingNoAnswer",
            "agent",
            waiter.channel.block(),
            offer.leg.block("Dest"),
            _who(queue, member),
            [("RingTime", str(milliseconds))],
        )
        self.pbx.log(waiter.channel.uniqueid, queue.name, member.name, "RINGNOANSWER", milliseconds)
        self._truth.missed(member)
        for status in ("NOANSWER", "CANCEL"):
            self._dial_end(offer, status)
        self._end_ringing(offer)
        waiter.rests_until = self._agenda.now + RETRY * SECOND
        self._set_free(member)
        self._agenda.at(waiter.rests_until, lambda: self.distribute(queue))

    def _end_ringing(self, offer: Offer) -> None:
        """A phone stops ringing without having been answered."""
        offer.waiter.ringing = None
        if offer.rings_out is not None:
            offer.rings_out.call_off()
        self.pbx.hang_up(offer.leg, 0)
        self._phones.fell_silent(offer)

    def _set_free(self, member: Member) -> None:
        """A member's phone is in use no more; who waits for it is rung next."""
        device = member.state_interface
        self.pbx.set_device(device, NOT_INUSE)

        def be_free() -> None:
            self._phones.is_free(device)
            self.distribute_all(device)

        self._agenda.after(0, be_free)  # not at once: an act is told to its end before another begins

    def _dial_end(self, offer: Offer, status: str) -> None:
        caller, leg = offer.waiter.channel, offer.leg
        self.pbx.say("DialEnd", "call", caller.block(), leg.block("Dest"), [("DialStatus", status)])

    # Talks ----------------------------------------------------------------------------------------------------------

    def answer(self, offer: Offer) -> Talk | None:
        """A member answers. None if the phone rings no more."""
        queue, member, waiter, leg = offer.queue, offer.member, offer.waiter, offer.leg
        if waiter.ringing is not offer:
            return None
        if offer.rings_out is not None:
            offer.rings_out.call_off()
        waiter.ringing = None
        now, pbx, caller = self._agenda.now, self.pbx, waiter.channel
        pbx.new_state(leg, UP)
        self._dial_end(offer, "ANSWER")
        self._leave(queue, waiter)
        pbx.set_device(member.state_interface, INUSE)
        hold, ring = seconds_between(waiter.joined, now), (now - offer.since) // SECOND
        times = [("HoldTime", str(hold)), ("RingTime", str(ring))]
        pbx.say("AgentConnect", "agent", caller.block(), leg.block("Dest"), _who(queue, member), times)
        pbx.log(caller.uniqueid, queue.name, member.name, "CONNECT", hold, leg.uniqueid, ring)
        answered = pbx.stamp
        bridge = pbx.make_bridge(leg, caller)
        talk = Talk(queue, member, caller, leg, bridge, waiter.joined, answered, waiter.original)
        member.in_call = True
        queue.hold_time = moving_average(queue.hold_time, hold)
        self._truth.connected(member, joined=waiter.joined, at=answered)
        self._phones.talks(talk)
        return talk

    def agent_hangs_up(self, talk: Talk) -> None:
        """The member ends the call."""
        pbx = self.pbx
        pbx.say("HangupRequest", "call", talk.leg.block())
        self._complete(talk, "agent")
        pbx.leave_bridge(talk.bridge, talk.leg)
        pbx.leave_bridge(talk.bridge, talk.caller)
        pbx.say("SoftHangupRequest", "call", talk.caller.block(), [("Cause", "16")])
        pbx.destroy_bridge(talk.bridge)
        pbx.hang_up(talk.caller)
        pbx.hang_up(talk.leg)
        self._set_free(talk.member)

    def caller_hangs_up(self, talk: Talk) -> None:
        """The caller ends the call."""
        pbx = self.pbx
        pbx.say("HangupRequest", "call", talk.caller.block())
        self._complete(talk, "caller")
        pbx.leave_bridge(talk.bridge, talk.caller)
        pbx.say("SoftHangupRequest", "call", talk.caller.block(), [("Cause", "16")])
        pbx.leave_bridge(talk.bridge, talk.leg)
        pbx.destroy_bridge(talk.bridge)
        pbx.hang_up(talk.leg)
        self._set_free(talk.member)
        pbx.hang_up(talk.caller)

    def transfer(self, talk: Talk, exten: str) -> Channel:
        """The member sends the caller to another number, and is free; returns the caller's channel."""
        pbx = self.pbx
        pbx.say("Unhold", "call", talk.leg.block())
        pbx.say(
            "BlindTransfer",
            "call",
            [("Result", "Success")],
            talk.leg.block("Transferer"),
            talk.caller.block("Transferee"),
            talk.bridge.block(),
            [("IsExternal", "Yes"), ("Context", CONTEXT), ("Extension", exten)],
        )
        self._complete(talk, "transfer", exten)
        caller = talk.caller
        caller.exten, caller.priority, caller.application, caller.data = exten, 1, "Dial", f"PJSIP/{exten},30"
        pbx.leave_bridge(talk.bridge, talk.caller)
        pbx.leave_bridge(talk.bridge, talk.leg)
        pbx.destroy_bridge(talk.bridge)
        pbx.hang_up(talk.leg)
        self._set_free(talk.member)
        return caller

    def hold(self, talk: Talk) -> None:
        """The member puts the caller on hold."""
        self.pbx.say("Hold", "call", talk.leg.block(), [("MusicClass", "default")])

    def unhold(self, talk: Talk) -> None:
        """The member takes the caller back."""
        self.pbx.say("Unhold", "call", talk.leg.block())

    def _complete(self, talk: Talk, reason: str, exten: str = "") -> None:
        queue, member, now = talk.queue, talk.member, self._agenda.now
        talked, hold = seconds_between(talk.answered, now), talk.hold_time
        times = [("HoldTime", str(hold)), ("TalkTime", str(talked)), ("Reason", reason)]
        self.pbx.say("AgentComplete", "agent", talk.caller.block(), talk.leg.block("Dest"), talk.offer(), times)
        ended = self.pbx.stamp
        event, before = f"COMPLETE{reason.upper()}", []
        if reason == "transfer":
            event, before = "BLINDTRANSFER", [exten, CONTEXT]
        place = (hold, talked, talk.original)
        self.pbx.log(talk.caller.uniqueid, queue.name, member.name, event, *before, *place)
        member.in_call = False
        member.calls_taken += 1
        member.last_call = now // SECOND
        queue.talk_time = moving_average(queue.talk_time, talked)
        queue.completed += 1
        queue.completed_in_time += hold <= SERVICE_LEVEL
        limit = member.wrapuptime or queue.wrapuptime
        self._truth.ended(member, answered=talk.answered, at=ended, limit=limit * SECOND)
        self._agenda.at((member.last_call + limit) * SECOND, lambda: self.distribute(queue))


def _who(queue: Queue, member: Member) -> Fields:
    return [("Queue", queue.name), ("Interface", member.interface), ("MemberName", member.name)]


def _place(queue: Queue, position: int, count: int) -> Fields:
    return [("Queue", queue.name), ("Position", str(position)), ("Count", str(count))]
