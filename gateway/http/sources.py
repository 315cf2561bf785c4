"""What the pages read of the gateway's parts, at the moment in which somebody asks. They keep nothing of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.agent import Agent
from gateway.domain.queue import ACDQueue
from gateway.http.tally import Tally


class LinkView(Protocol):
    """The link to Asterisk."""

    @property
    def link(self) -> str:
        """``up``, ``down`` or ``resyncing``."""

    @property
    def last_error(self) -> str | None:
        """Why it is not up; None while it is."""


class PictureView(Protocol):
    """The picture of Asterisk."""

    @property
    def current(self) -> bool:
        """Whether it is."""

    @property
    def link(self) -> LinkView:
        """The link that it comes by."""

    @property
    def lag(self) -> int | None:
        """Microseconds by which the last event was behind its stamp; None before the first."""

    @property
    def events(self) -> Mapping[str, int]:
        """Events taken, by name."""

    @property
    def gaps(self) -> Mapping[str, int]:
        """Losses of the link after which a picture was made again: ``recovered``, ``partly`` or ``lost``."""

    @property
    def losses(self) -> int:
        """How often the link was lost."""

    def as_of(self) -> int:
        """The instant of which the picture is true."""


class BrokerView(Protocol):
    """The client of the broker."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection on which it publishes."""

    @property
    def losses(self) -> int:
        """How often a connection was lost."""

    @property
    def acknowledged(self) -> int:
        """Publishes that the broker has taken."""


class LedgerView(Protocol):
    """What stands between those who tell and the broker."""

    @property
    def failure(self) -> str | None:
        """Why the store cannot be used at present; None while it can."""

    @property
    def failures(self) -> int:
        """How often it began to refuse."""

    @property
    def depth(self) -> int:
        """Messages that the broker does not have."""

    @property
    def depth_bytes(self) -> int:
        """Their bytes."""


class BridgeView(Protocol):
    """What the gateway counts of itself."""

    @property
    def refused(self) -> Mapping[str, int]:
        """Publishes that the broker refused, by topic."""

    @property
    def dropped(self) -> int:
        """Events that were lost before the broker had them."""


class AmiView(Protocol):
    """The client of Asterisk."""

    @property
    def malformed(self) -> int:
        """Lines that made no sense."""

    @property
    def dropped(self) -> int:
        """Events that nobody wants."""


class CommanderView(Protocol):
    """Who answers commands."""

    @property
    def answered(self) -> Mapping[str, int]:
        """Commands answered, by code; ``ok`` for success."""


class ResyncView(Protocol):
    """Who compares the picture with Asterisk's."""

    @property
    def count(self) -> int:
        """Comparisons done."""


class QueuesView(Protocol):
    """The queues."""

    def queues(self) -> Iterable[ACDQueue]:
        """All of them."""


class AgentsView(Protocol):
    """The agents."""

    def agents(self) -> Iterable[Agent]:
        """All of them."""


class NamesView(Protocol):
    """Who knows which names make no topic."""

    @property
    def names_refused(self) -> Mapping[tuple[str, ...], int]:
        """How often one was to be told."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The parts that are read.

    Attributes:
        node: This Asterisk's name in every topic.
        outbox_limit: Bytes of messages that may wait.
        picture: The picture of Asterisk.
        broker: The client of the broker.
        ledger: What waits for the broker, and the store.
        bridge: What was refused, and lost.
        ami: The client of Asterisk.
        commander: Who answers commands.
        resync: Who compares.
        names: Who knows names that make no topic.
        queues: The queues.
        agents: The agents.
        tally: What was handled in each queue.
    """

    node: str
    outbox_limit: int
    picture: PictureView
    broker: BrokerView
    ledger: LedgerView
    bridge: BridgeView
    ami: AmiView
    commander: CommanderView
    resync: ResyncView
    names: NamesView
    queues: QueuesView
    agents: AgentsView
    tally: Tally
