"""A desk at which an agent sits: tells a call center what happens to it, and keeps what the call center answers."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Final, TypedDict, Unpack

from gateway.domain import facts
from gateway.domain.call import Call, CallKey, EndedBy
from gateway.domain.callcenter import CallCenter
from gateway.domain.facts import CallRecord, Fact, ListWanted, Outcome, SessionRefreshed
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import DeviceState, Member
from gateway.domain.session import AgentSession, Cause, Occasion, Rules, SessionEvent
from gateway.domain.sessions import AgentIdentity

EPOCH: Final = 1_795_000_000
QUEUE: Final = "support"
PHONE: Final = "PJSIP/1001"
WRAP_UP: Final = 15.0
RULES: Final = Rules()
ALICE: Final = Member(
    queue=QUEUE, interface=PHONE, member_name="Alice", state_interface=PHONE, device_state=DeviceState.NOT_INUSE
)


def at(seconds: float) -> int:
    """The instant so many seconds after the beginning."""
    return (EPOCH * SECOND) + round(seconds * SECOND)


def since(instant: int) -> float:
    """The seconds from the beginning to an instant."""
    return (instant - EPOCH * SECOND) / SECOND


def us(seconds: float) -> int:
    """Seconds as microseconds."""
    return round(seconds * SECOND)


class Times(TypedDict, total=False):
    """What else may be known of a call, in seconds after the beginning."""

    joined: float
    offered: float


def call_of(name: str, answered: float | None, *, found: float | None = None, **times: Unpack[Times]) -> Call:
    """A call whose channels are told by *name*."""
    joined, offered = times.get("joined"), times.get("offered")
    assert answered is None or found is None
    return Call(
        key=CallKey(f"{name}.1", f"{name}.2"),
        linkedid=f"{name}.1",
        caller_number="5550100",
        queued_at=None if joined is None else at(joined),
        offered_at=None if offered is None else at(offered),
        answered_at=None if answered is None else at(answered),
        found_at=None if found is None else at(found),
        time_to_answer=None if joined is None or answered is None else us(answered - joined),
        ring_time=None if offered is None or answered is None else us(answered - offered),
    )


class Desk:
    """A call center, the agent at it, and what was told. All times are seconds after the beginning.

    Attributes:
        center: The call center; *rollovers* are the times at which its sessions are rolled over.
        handler: Its sessions.
        member: The member as it was last told.
        told: What every fact brought, in order.
    """

    def __init__(
        self,
        member: Member = ALICE,
        *,
        wrap_up: float | None = WRAP_UP,
        rules: Rules = RULES,
        identity: AgentIdentity = "member_name",
        rollovers: Iterable[float] = (),
    ) -> None:
        numbers = count(1)
        self.handler = AgentHandler(rules, identity, lambda _: f"session-{next(numbers)}")
        self.handler.add_queue(member.queue, limit=None if wrap_up is None else us(wrap_up))
        times = sorted(at(each) for each in rollovers)
        self.center = CallCenter(
            self.handler, next_rollover=lambda instant: next((each for each in times if each > instant), at(10**9))
        )
        self.center.start(at(-1))
        self.member = member
        self.told: list[Outcome] = []

    # What happens --------------------------------------------------------------------------------------------------

    def apply(self, fact: Fact) -> list[Outcome]:
        """Tell one fact, and return what it brought."""
        outcomes = self.center.apply(fact)
        self.told += outcomes
        return outcomes

    def add(self, seconds: float = 0, member: Member | None = None) -> list[Outcome]:
        """Log in: QueueMemberAdded."""
        self.member = member or self.member
        return self.apply(facts.MemberAdded(self.member, Occasion(at(seconds))))

    def remove(self, seconds: float) -> list[Outcome]:
        """Log out: QueueMemberRemoved."""
        return self.apply(facts.MemberRemoved(self.member.queue, self.member.interface, Occasion(at(seconds))))

    def pause(self, seconds: float, reason: str | None = None) -> list[Outcome]:
        """QueueMemberPause with the flag set."""
        self.member = replace(self.member, paused=True, paused_reason=reason)
        return self.apply(facts.MemberTold(self.member, Occasion(at(seconds)), pause_told=True))

    def unpause(self, seconds: float) -> list[Outcome]:
        """QueueMemberPause with the flag cleared."""
        self.member = replace(self.member, paused=False, paused_reason=None)
        return self.apply(facts.MemberTold(self.member, Occasion(at(seconds)), pause_told=True))

    def device(self, seconds: float, state: DeviceState) -> list[Outcome]:
        """QueueMemberStatus."""
        return self.change(seconds, replace(self.member, device_state=state))

    def change(self, seconds: float, member: Member) -> list[Outcome]:
        """Any member event but a pause, an addition or a removal."""
        self.member = member
        return self.apply(facts.MemberTold(member, Occasion(at(seconds))))

    def listed(self, seconds: float, *members: Member, calls: Iterable[Call] = ()) -> list[Outcome]:
        """A list of the queue: with these members; *calls*, found open, are the agent's."""
        occasion = Occasion(at(seconds), Cause.RESYNC)
        found = tuple((self.member.interface, call) for call in calls)
        return self.apply(facts.MembersListed(self.member.queue, members, occasion, found))

    def answer(self, seconds: float, name: str = "a", **times: Unpack[Times]) -> list[Outcome]:
        """AgentConnect."""
        call = call_of(name, seconds, **times)
        return self.apply(facts.CallAnswered(self.member.queue, self.member.interface, call, Occasion(at(seconds))))

    def end(self, seconds: float, name: str = "a", **known: int) -> list[Outcome]:
        """The end of the talk."""
        key, occasion = CallKey(f"{name}.1", f"{name}.2"), Occasion(at(seconds))
        return self.apply(facts.CallEnded(self.member.queue, self.member.interface, key, occasion, **known))

    def close(self, name: str = "a", by: EndedBy | None = None, to: str | None = None) -> list[Outcome]:
        """All is known of a call."""
        key = CallKey(f"{name}.1", f"{name}.2")
        return self.apply(facts.CallClosed(self.member.queue, self.member.interface, key, by, to))

    def talk(self, begin: float, end: float, name: str = "a", **times: Unpack[Times]) -> list[Outcome]:
        """A whole call."""
        return [*self.answer(begin, name, **times), *self.end(end, name), *self.close(name, EndedBy.CALLER)]

    def miss(self, seconds: float, attempt: str = "m") -> list[Outcome]:
        """AgentRingNoAnswer."""
        attempt_key = ("missed", f"{attempt}.1", f"{attempt}.2")
        fact = facts.CallMissed(self.member.queue, self.member.interface, attempt_key, Occasion(at(seconds)))
        return self.apply(fact)

    def tick(self, seconds: float) -> list[Outcome]:
        """Time passes."""
        return self.apply(facts.TimePassed(at(seconds)))

    def lose(self, begin: float, end: float) -> list[Outcome]:
        """Contact is lost for a while."""
        return self.apply(facts.ContactLost(at(begin), at(end), "the link was lost"))

    def restart(self, last_contact: float, deadline: float) -> list[Outcome]:
        """Another Asterisk answers."""
        return self.apply(facts.AsteriskRestarted(at(last_contact), at(deadline)))

    # What is known -------------------------------------------------------------------------------------------------

    @property
    def session(self) -> AgentSession:
        """The agent's open session."""
        session = self.handler.session(self.member.queue, self.member.interface)
        assert session is not None
        return session

    @property
    def last_ended(self) -> AgentSession:
        """The session that ended last."""
        return list(self.handler.ended())[-1]

    @property
    def events(self) -> list[SessionEvent]:
        """All session events."""
        return events_in(self.told)

    @property
    def records(self) -> list[CallRecord]:
        """All call records."""
        return [each for each in self.told if isinstance(each, CallRecord)]

    @property
    def story(self) -> list[tuple[str, float]]:
        """The session events by name, and when."""
        return story_of(self.told)


def events_in(told: Iterable[Outcome]) -> list[SessionEvent]:
    """The session events among what was told."""
    return [each for each in told if isinstance(each, SessionEvent)]


def story_of(told: Iterable[Outcome]) -> list[tuple[str, float]]:
    """The session events among what was told, by name, and when."""
    return [("UPDATE" if each.event is None else each.event.name, since(each.occasion.at)) for each in events_in(told)]


def refreshed(told: Iterable[Outcome]) -> list[AgentSession]:
    """The sessions that a snapshot alone was told of."""
    return [each.session for each in told if isinstance(each, SessionRefreshed)]


def wanted(told: Iterable[Outcome]) -> list[str]:
    """The queues that must be listed at once."""
    return [each.queue for each in told if isinstance(each, ListWanted)]
