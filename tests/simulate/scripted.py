"""The simulated PBX with hands instead of people: a test says when a phone is answered and when it is hung up."""

from gateway.simulate.agenda import Agenda
from gateway.simulate.app_queue import AppQueue, Offer, Talk
from gateway.simulate.membership import Membership
from gateway.simulate.pbx import Pbx
from gateway.simulate.queues import NOT_INUSE, Queue, Waiter
from gateway.simulate.truth import Truth
from gateway.simulate.wire import Event
from tests.simulate.recorded import Message, parse

START = 1_795_354_729_000_000


class Hands:
    """Keeps what the phones do."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []
        self.conversations: list[Talk] = []
        self.alone: list[Waiter] = []
        self.silent: list[Offer] = []

    def rings(self, offer: Offer) -> None:
        """Remember a ringing phone."""
        self.offers.append(offer)

    def fell_silent(self, offer: Offer) -> None:
        """Remember one that rings no more."""
        self.silent.append(offer)

    def talks(self, talk: Talk) -> None:
        """Remember a talk."""
        self.conversations.append(talk)

    def is_free(self, interface: str) -> None:
        """Do nothing."""

    def left_alone(self, waiter: Waiter) -> None:
        """Remember a caller who was sent on."""
        self.alone.append(waiter)


class Scripted:
    """One PBX, its queues and members, and what it said.

    Attributes:
        hands: At the phones.
        told: Every event.
        log: Every line of the queue_log.
    """

    def __init__(self, *queues: Queue, start: int = START, longest_wait: int = 600_000_000) -> None:
        self.hands = Hands()
        self.told: list[Event] = []
        self.log: list[str] = []
        self.agenda = Agenda(start)
        self.pbx = Pbx(self.agenda, queues, tell=self.told.append, write=self.log.append)
        self.truth = Truth()
        self.pbx.on_status = self.truth.device_changed
        self.queue = AppQueue(self.pbx, self.hands, self.truth, longest_wait=longest_wait)
        self.membership = Membership(self.queue, self.truth)

    def have(self, queue: Queue, interface: str, name: str) -> None:
        """A static member whose phone is free."""
        self.pbx.set_device(interface, NOT_INUSE)
        self.membership.have(queue, interface, name)

    def messages(self) -> list[Message]:
        """The events as they are on the wire."""
        return [parse(event.encode()) for event in self.told]

    def names(self) -> list[str]:
        """The names of all events so far."""
        return [event.name for event in self.told]
