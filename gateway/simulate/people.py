"""Who uses the phones: agents with shifts, breaks and moods, and callers with more or less patience."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from gateway.simulate.agenda import Agenda, Happening
from gateway.simulate.app_queue import AppQueue, Offer, Talk
from gateway.simulate.channels import Channel
from gateway.simulate.day import Day, Shift
from gateway.simulate.membership import Membership, RefusedError
from gateway.simulate.queues import NOT_INUSE, UNAVAILABLE, Queue, Waiter

TRUNK: Final = "PJSIP/trunk"


@dataclass(frozen=True, slots=True)
class Manners:
    """How people behave. Times are seconds of a real day.

    Attributes:
        answer: How long a phone rings, the middle one of all.
        deaf: How many rings are not answered at all, of one.
        talk: How long a talk is, the middle one of all.
        agent_ends: How many talks the agent ends, of one.
        hold: In how many talks the caller is put on hold, of one.
        transfer: How many talks end in a transfer, of one.
        patience: How long callers wait at most, on average.
        breaks: Work between two breaks, on average.
        reasons: Why there is a break, and how long it is on average.
    """

    answer: float = 4.0
    deaf: float = 0.04
    talk: float = 110.0
    agent_ends: float = 0.45
    hold: float = 0.12
    transfer: float = 0.05
    patience: float = 150.0
    breaks: float = 4500.0
    reasons: Mapping[str, float] = field(
        default_factory=lambda: {"coffee": 480.0, "back-office": 900.0, "meeting": 1500.0, "training": 1800.0}
    )


@dataclass(slots=True, eq=False)
class Agent:
    """One agent, at a phone of its own.

    Attributes:
        name: Its name.
        interface: Its phone.
        queues: Names of the queues it works for.
        is_dynamic: Whether it logs in and out of the queues; else its phone does.
        shift: When it works.
        at_work: Whether it is there.
        on_break: Whether it is paused by itself.
        talk: What it talks in.
        offer: What rings.
        goes_home: Whether it leaves as soon as it is free.
    """

    name: str
    interface: str
    queues: Sequence[str]
    is_dynamic: bool
    shift: Shift
    at_work: bool = False
    on_break: bool = False
    talk: Talk | None = None
    offer: Offer | None = None
    goes_home: bool = False
    next_break: Happening | None = None


class People:
    """Everybody at the phones of one PBX.

    Args:
        agenda: What is due when.
        day: How a day goes, and how fast.
        manners: How people behave.
        agents: Who works there.
        seed: Of everything that is drawn by lot.
        calls_per_hour: How many callers there are in an hour of the day.

    Attributes:
        agents: By interface, in small letters.
    """

    def __init__(
        self,
        agenda: Agenda,
        day: Day,
        manners: Manners,
        agents: Sequence[Agent],
        *,
        seed: int,
        calls_per_hour: float,
    ) -> None:
        self.agents = {agent.interface.lower(): agent for agent in agents}
        self._next_call: Happening | None = None
        self._agenda = agenda
        self._day = day
        self._manners = manners
        self._calls_per_hour = calls_per_hour
        # One source of chance for each kind of thing: more callers do not change who has lunch when.
        self._of_arrivals = random.Random(f"arrivals {seed}")  # noqa: S311  a play, not a secret
        self._of_calls = random.Random(f"calls {seed}")  # noqa: S311
        self._of_agents = random.Random(f"agents {seed}")  # noqa: S311
        self._queue: AppQueue | None = None
        self._membership: Membership | None = None

    def begin(self, queue: AppQueue, membership: Membership) -> None:
        """Take the phones: those whose shift it is are at work already, and the first callers think of calling."""
        self._queue, self._membership = queue, membership
        pbx = queue.pbx
        for agent in self.agents.values():
            agent.at_work = self._day.is_in(agent.shift)
            pbx.set_device(agent.interface, NOT_INUSE if agent.at_work or agent.is_dynamic else UNAVAILABLE)
            for name in agent.queues:
                if not agent.is_dynamic:
                    membership.have(pbx.queues[name.lower()], agent.interface, agent.name)
                elif agent.at_work:
                    membership.add(name, agent.interface, name=agent.name)
            if agent.at_work:
                self._plan_break(agent)
            self._plan_day(agent)
        self._plan_call(self._agenda.now)

    @property
    def app_queue(self) -> AppQueue:
        """The queues; there from ``begin`` on."""
        assert self._queue is not None
        return self._queue

    # Callers --------------------------------------------------------------------------------------------------------

    def set_calls_per_hour(self, calls_per_hour: float) -> None:
        """Let so many callers come from now on; 0 for none."""
        self._calls_per_hour = calls_per_hour
        if self._next_call is not None:
            self._next_call.call_off()
        self._plan_call(self._agenda.now)

    def _plan_call(self, after: int) -> None:
        if self._calls_per_hour > 0:
            pause = self._of_arrivals.expovariate(self._calls_per_hour / 3600)
            self._next_call = self._agenda.at(after + self._day.lasts(pause), self._somebody_calls)

    def _somebody_calls(self) -> None:
        assert self._next_call is not None
        # From when it was due: on a busy machine callers come late, but no fewer of them.
        self._plan_call(self._next_call.due)
        if self._day.is_open:
            queues = list(self.app_queue.pbx.queues.values())
            # The first queue is the busiest, as it mostly is.
            queue = self._of_calls.choices(queues, weights=[1 / (4 + place) for place in range(len(queues))])[0]
            waiter = self.app_queue.call(queue, TRUNK, self._caller())
            self._wait(queue, waiter)

    def _wait(self, queue: Queue, waiter: Waiter) -> None:
        patience = 4 + self._of_calls.expovariate(1 / self._manners.patience)
        self._later(patience, lambda: self.app_queue.give_up(queue, waiter))

    def _caller(self) -> tuple[str, str]:
        number = f"+49305550{self._of_calls.randrange(10_000):04d}"
        return number, self._of_calls.choice(_CALLERS)

    def left_alone(self, waiter: Waiter) -> None:
        """A caller who waited too long: leaves a message, and hangs up."""
        seconds = self._of_calls.uniform(2, 30)
        self._later(seconds, lambda: self.app_queue.pbx.hang_up_elsewhere(waiter.channel, was_answered=False))

    def _goes_on(self, caller: Channel) -> None:
        """A caller who was transferred talks with somebody else."""
        queue = next((queue for queue in self.app_queue.pbx.queues.values() if queue.exten == caller.exten), None)
        if queue is not None:
            self._wait(queue, self.app_queue.join(queue, caller))
            return
        seconds = self._of_calls.lognormvariate(4.5, 0.5)
        self._later(seconds, lambda: self.app_queue.pbx.hang_up_elsewhere(caller, was_answered=True))

    # Phones ---------------------------------------------------------------------------------------------------------

    def rings(self, offer: Offer) -> None:
        """An agent's phone rings: most answer."""
        agent = self.agents.get(offer.member.state_interface.lower())
        if agent is None:
            return
        agent.offer = offer
        if self._of_agents.random() >= self._manners.deaf:
            seconds = self._around(self._manners.answer, 0.5)
            self._later(seconds, lambda: self.app_queue.answer(offer))

    def fell_silent(self, offer: Offer) -> None:
        """The phone rings no more."""
        agent = self.agents.get(offer.member.state_interface.lower())
        if agent is not None and agent.offer is offer:
            agent.offer = None

    def talks(self, talk: Talk) -> None:
        """An agent talks: how long, who ends it, and what happens in it is settled now."""
        agent = self.agents[talk.member.state_interface.lower()]
        agent.offer, agent.talk = None, talk
        seconds, chance = self._around(self._manners.talk, 0.6), self._of_agents.random()
        if self._of_agents.random() < self._manners.hold:
            self._later(seconds * 0.3, lambda: self._while(talk, self.app_queue.hold))
            self._later(seconds * 0.6, lambda: self._while(talk, self.app_queue.unhold))
        if chance < self._manners.transfer:
            self._later(seconds, lambda: self._while(talk, self._transfer))
        elif chance < self._manners.transfer + self._manners.agent_ends:
            self._later(seconds, lambda: self._while(talk, self.app_queue.agent_hangs_up))
        else:
            self._later(seconds, lambda: self._while(talk, self.app_queue.caller_hangs_up))

    def is_free(self, interface: str) -> None:
        """A phone was hung up."""
        agent = self.agents.get(interface.lower())
        if agent is not None:
            agent.talk = None
            if agent.goes_home:
                self._go_home(agent)

    def _while(self, talk: Talk, do: Callable[[Talk], object]) -> None:
        agent = self.agents[talk.member.state_interface.lower()]
        if agent.talk is talk:
            do(talk)

    def _transfer(self, talk: Talk) -> None:
        others = [queue.exten for queue in self.app_queue.pbx.queues.values() if queue is not talk.queue]
        exten = self._of_agents.choice([*others[:1], "7001"])
        caller = self.app_queue.transfer(talk, exten)
        self._agenda.after(0, lambda: self._goes_on(caller))

    # The agents' day ------------------------------------------------------------------------------------------------

    def _plan_day(self, agent: Agent) -> None:
        """Arrange the rest of this day, and the next day's plan."""
        shift, day = agent.shift, self._day
        for time, do in (
            (shift.begins, self._come),
            (shift.lunch, self._have_lunch),
            (shift.ends, self._leave),
        ):
            when = day.next_instant(time + self._of_agents.uniform(-240, 240))
            if when is not None:
                self._agenda.at(when, partial(do, agent))
        self._agenda.at(day.next_begins(), lambda: self._plan_day(agent))

    def _come(self, agent: Agent) -> None:
        if agent.at_work:
            return
        agent.at_work, agent.goes_home = True, False
        if agent.is_dynamic:
            for name in agent.queues:
                self._try(partial(self._members.add, name, agent.interface, name=agent.name))
        else:
            self.app_queue.pbx.set_device(agent.interface, NOT_INUSE)
            self.app_queue.distribute_all(agent.interface)
        self._plan_break(agent)

    def _leave(self, agent: Agent) -> None:
        if agent.talk is not None or agent.offer is not None:
            agent.goes_home = True
        elif agent.at_work:
            self._go_home(agent)

    def _go_home(self, agent: Agent) -> None:
        if agent.on_break:
            self._come_back(agent)
        if agent.talk is not None or agent.offer is not None:  # being back, it was rung at once
            agent.goes_home = True
            return
        agent.at_work = agent.goes_home = False
        if agent.next_break is not None:
            agent.next_break.call_off()
        if agent.is_dynamic:
            for name in agent.queues:
                self._try(partial(self._members.remove, name, agent.interface))
        else:
            self.app_queue.pbx.set_device(agent.interface, UNAVAILABLE)

    def _have_lunch(self, agent: Agent) -> None:
        if agent.at_work:
            self._take_break(agent, "lunch", self._of_agents.uniform(1500, 2100))

    def _plan_break(self, agent: Agent) -> None:
        seconds = self._of_agents.expovariate(1 / self._manners.breaks)
        agent.next_break = self._later(seconds, lambda: self._have_break(agent))

    def _have_break(self, agent: Agent) -> None:
        self._plan_break(agent)
        reason, mean = self._of_agents.choice(list(self._manners.reasons.items()))
        self._take_break(agent, reason, self._around(mean, 0.3))

    def _take_break(self, agent: Agent, reason: str, seconds: float) -> None:
        if agent.on_break or not agent.at_work:
            return
        agent.on_break = True
        self._try(lambda: self._members.pause(agent.interface, paused=True, reason=reason))
        self._later(seconds, lambda: self._come_back(agent))

    def _come_back(self, agent: Agent) -> None:
        if agent.on_break:
            agent.on_break = False
            self._try(lambda: self._members.pause(agent.interface, paused=False))

    # How ------------------------------------------------------------------------------------------------------------

    @property
    def _members(self) -> Membership:
        assert self._membership is not None
        return self._membership

    def _later(self, seconds: float, do: Callable[[], object]) -> Happening:
        def happen() -> None:
            do()

        return self._agenda.after(self._day.lasts(seconds), happen)

    def _around(self, middle: float, spread: float) -> float:
        return middle * self._of_agents.lognormvariate(0, spread)

    @staticmethod
    def _try(do: Callable[[], None]) -> None:
        """Somebody at the manager interface may have logged the agent out, or in, meanwhile."""
        try:
            do()
        except RefusedError:
            return


_CALLERS: Final = (
    *[""] * 6, "Maria Schmidt", "O'Brien", "Kovács Éva", "ACME, Inc.", 'Jim "J" Doe', "Łukasz Żak",
)  # fmt: skip
