"""A floor with several desks: one handler and one book of agents behind it, told of many members."""

from dataclasses import replace
from itertools import count
from typing import Final

from gateway.domain import facts
from gateway.domain.agent import Agent, AgentEvent, AgentRefreshed, AgentRemoved
from gateway.domain.agents import AgentBook
from gateway.domain.call import CallKey
from gateway.domain.callcenter import CallCenter
from gateway.domain.caller import Direction
from gateway.domain.facts import Fact, Outcome
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import DeviceState, Member
from gateway.domain.session import Cause, Occasion, Rules
from tests.domain.support import EPOCH, at, call_of, since, us

QUEUES: Final = ("support", "sales", "tech")
PHONE: Final = "PJSIP/1001"
OTHER: Final = "PJSIP/1002"
DAY: Final = 86_400


class Days:
    """A calendar whose days have *length* seconds, one of which begins with all else, at second 0."""

    def __init__(self, length: int = DAY) -> None:
        self._length = length * SECOND

    def day(self, instant: int) -> tuple[int, int]:
        """The day of *instant*."""
        begin = EPOCH * SECOND + (instant - EPOCH * SECOND) // self._length * self._length
        return begin, begin + self._length


class Floor:
    """All times are seconds after the beginning.

    Attributes:
        book: The agents.
        told: What every fact brought of agents, in order.
    """

    def __init__(self, *, day: int = DAY, wrap_up: float | None = None) -> None:
        numbers = count(1)
        self.handler = AgentHandler(Rules(), "member_name", lambda _: f"session-{next(numbers)}")
        for queue in QUEUES:
            self.handler.add_queue(queue, limit=None if wrap_up is None else us(wrap_up))
        self.calendar = Days(day)
        self.book = AgentBook(self.calendar)
        self._center = CallCenter(self.handler, self.book)
        self._members: dict[tuple[str, str], Member] = {}
        self.told: list[Outcome] = []

    # What happens --------------------------------------------------------------------------------------------------

    def apply(self, fact: Fact) -> list[Outcome]:
        """Tell one fact, and return what it brought of agents."""
        kinds = (AgentEvent, AgentRefreshed, AgentRemoved)
        brought: list[Outcome] = [each for each in self._center.apply(fact) if isinstance(each, kinds)]
        self.told += brought
        return brought

    def add(self, seconds: float, queue: str = "support", phone: str = PHONE, name: str = "Alice") -> list[Outcome]:
        """Log in."""
        member = Member(queue, phone, name, phone, device_state=DeviceState.NOT_INUSE)
        self._members[queue, phone] = member
        return self.apply(facts.MemberAdded(member, Occasion(at(seconds))))

    def remove(self, seconds: float, queue: str = "support", phone: str = PHONE) -> list[Outcome]:
        """Log out."""
        return self.apply(facts.MemberRemoved(queue, phone, Occasion(at(seconds))))

    def pause(
        self,
        seconds: float,
        queue: str = "support",
        phone: str = PHONE,
        *,
        reason: str | None = None,
        paused: bool = True,
    ) -> list[Outcome]:
        """Pause or unpause."""
        member = replace(self._members[queue, phone], paused=paused, paused_reason=reason)
        self._members[queue, phone] = member
        return self.apply(facts.MemberTold(member, Occasion(at(seconds)), pause_told=True))

    def unpause(self, seconds: float, queue: str = "support", phone: str = PHONE) -> list[Outcome]:
        """Unpause."""
        return self.pause(seconds, queue, phone, paused=False)

    def answer(self, seconds: float, name: str = "a", queue: str = "support", phone: str = PHONE) -> list[Outcome]:
        """AgentConnect."""
        return self.apply(facts.CallAnswered(queue, phone, call_of(name, seconds), Occasion(at(seconds))))

    def end(self, seconds: float, name: str = "a", queue: str = "support", phone: str = PHONE) -> list[Outcome]:
        """The end of a talk."""
        return self.apply(facts.CallEnded(queue, phone, CallKey(f"{name}.1", f"{name}.2"), Occasion(at(seconds))))

    def talk(
        self, begin: float, end: float, name: str = "a", queue: str = "support", phone: str = PHONE
    ) -> list[Outcome]:
        """A whole ACD call."""
        return [*self.answer(begin, name, queue, phone), *self.end(end, name, queue, phone)]

    def other_call(
        self, seconds: float, direction: Direction = Direction.INCOMING, name: str = "x", phone: str = PHONE
    ) -> list[Outcome]:
        """A call that came by no queue begins on a device."""
        return self.apply(facts.DeviceCallBegan(phone, name, direction, Occasion(at(seconds))))

    def other_end(self, seconds: float, name: str = "x", *, answered: bool = True) -> list[Outcome]:
        """Such a call ends."""
        return self.apply(facts.DeviceCallEnded(name, answered, Occasion(at(seconds))))

    def set_period(self, seconds: float, period: int, name: str = "Alice") -> list[Outcome]:
        """put_MeasurementPeriod."""
        return self.apply(facts.PeriodSet(name, None, period, Occasion(at(seconds), Cause.COMMAND, "c1")))

    def tick(self, seconds: float) -> list[Outcome]:
        """Time passes."""
        return self.apply(facts.TimePassed(at(seconds)))

    # What is known -------------------------------------------------------------------------------------------------

    def agent(self, name: str = "Alice") -> Agent:
        """An agent."""
        agent = self.book.agent(name)
        assert agent is not None
        return agent

    @property
    def story(self) -> list[tuple[str, float]]:
        """The agents' events by name, and when."""
        return [(e.agent.state.name, since(e.occasion.at)) for e in self.told if isinstance(e, AgentEvent)]
