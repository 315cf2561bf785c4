"""Scripts of AMI events: what Asterisk says around a call, each event with its millisecond."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.ami.calls import TimeToAnswer
from gateway.ami.message import AmiMessage, Arrival
from gateway.ami.translate import Translator
from gateway.domain.facts import CallClosed, CallEnded, Fact, QueueFact
from gateway.timeline import Timeline

EPOCH: Final = 1_795_000_000
QUEUE: Final = "support"
PHONE: Final = "PJSIP/1001"
FOREVER: Final = 10_000_000  # milliseconds; nothing is undecided then


class Line(NamedTuple):
    """One event at a millisecond; which channels it is about keeps its place among theirs."""

    at: float
    name: str
    headers: dict[str, str]

    def message(self, *, stamped: bool = True) -> AmiMessage:
        """As it comes over the wire, without delay."""
        fields = {"event": self.name} | {key.lower(): value for key, value in self.headers.items()}
        microseconds = round(self.at * 1000)
        if stamped:
            seconds, fraction = divmod(EPOCH * 1_000_000 + microseconds, 1_000_000)
            fields["timestamp"] = f"{seconds}.{fraction:06d}"
        return AmiMessage(fields, Arrival(wall=EPOCH * 1_000_000 + microseconds, steady=microseconds))


def instant(milliseconds: float) -> int:
    """The instant of a millisecond of a script."""
    return EPOCH * 1_000_000 + round(milliseconds * 1000)


def line(at: float, event: str, **headers: str) -> Line:
    """Any event."""
    return Line(at, event, headers)


def connect(at: float, caller: str = "c", leg: str = "p", *, queue: str = QUEUE, phone: str = PHONE) -> Line:
    """AgentConnect."""
    named = {"Queue": queue, "Interface": phone, "MemberName": "Alice", "HoldTime": "4", "RingTime": "2"}
    blocks = {"Uniqueid": caller, "Linkedid": caller, "DestUniqueid": leg, "CallerIDNum": "5550100"}
    return Line(at, "AgentConnect", named | blocks)


def complete(
    at: float, reason: str, *, caller: str = "c", leg: str = "p", talk: int = 5, queue: str = QUEUE, phone: str = PHONE
) -> Line:
    """AgentComplete; ``""`` for a channel whose block is missing."""
    headers = {"Queue": queue, "Interface": phone, "MemberName": "Alice", "HoldTime": "4", "TalkTime": str(talk)}
    headers["Reason"] = reason
    headers |= {"Uniqueid": caller} if caller else {}
    headers |= {"DestUniqueid": leg} if leg else {}
    return Line(at, "AgentComplete", headers)


def enter(at: float, bridge: str, *channels: str) -> list[Line]:
    """BridgeEnter of each."""
    return [line(at + n / 2, "BridgeEnter", BridgeUniqueid=bridge, Uniqueid=each) for n, each in enumerate(channels)]


def leave(at: float, bridge: str, *channels: str) -> list[Line]:
    """BridgeLeave of each."""
    return [line(at + n / 2, "BridgeLeave", BridgeUniqueid=bridge, Uniqueid=each) for n, each in enumerate(channels)]


def hangup(at: float, *channels: str) -> list[Line]:
    """Hangup of each."""
    return [line(at + n / 2, "Hangup", Uniqueid=each) for n, each in enumerate(channels)]


def blind(at: float, transferer: str, exten: str = "2000", *, result: str = "Success") -> Line:
    """BlindTransfer."""
    return line(at, "BlindTransfer", Result=result, TransfererUniqueid=transferer, Extension=exten)


def attended(at: float, transferer: str, second: str, *, kind: str = "Bridge", **headers: str) -> Line:
    """AttendedTransfer."""
    channels = {"OrigTransfererUniqueid": transferer, "SecondTransfererUniqueid": second}
    return Line(at, "AttendedTransfer", {"Result": "Success", "DestType": kind} | channels | headers)


def answered(caller: str = "c", leg: str = "p", bridge: str = "B", at: float = 0, **headers: str) -> list[Line]:
    """A call whose agent's phone is dialled directly."""
    return [connect(at, caller, leg, **headers), *enter(at + 0.5, bridge, leg, caller)]


@dataclass(frozen=True, slots=True)
class End:
    """How a call ended: its leg at AgentConnect, when in milliseconds, by whom, and where to."""

    leg: str
    at: float
    by: str | None
    to: str | None = None


def new_translator(time_to_answer: TimeToAnswer = "queue") -> Translator:
    """A translator whose arrivals are the milliseconds of a script."""
    return Translator(Timeline(steady=0, wall=EPOCH * 1_000_000), time_to_answer)


def play(script: Iterable[Line], translator: Translator | None = None, *, until: float = FOREVER) -> list[Fact]:
    """All facts of a script but those of callers in queues, those that time decides afterwards included."""
    return [fact for fact in play_all(script, translator, until=until) if not isinstance(fact, QueueFact)]


def play_all(script: Iterable[Line], translator: Translator | None = None, *, until: float = FOREVER) -> list[Fact]:
    """All facts of a script."""
    translator = translator or new_translator()
    facts: list[Fact] = []
    for each in script:
        facts += translator.receive(each.message())
    while (deadline := translator.next_deadline()) is not None and deadline <= instant(until):
        facts += translator.advance(deadline)
    return facts


def ends(facts: Iterable[Fact]) -> list[End]:
    """The ends among facts, in the order of their telling; an end that was never closed has ``?`` for by whom."""
    told: dict[tuple[str, ...], End] = {}
    for fact in facts:
        if isinstance(fact, CallEnded):
            at = (fact.occasion.at - EPOCH * 1_000_000) / 1000
            assert (fact.queue, *fact.key) not in told, "an end was told twice"
            told[(fact.queue, *fact.key)] = End(fact.key.dest_uniqueid, at, "?")
        elif isinstance(fact, CallClosed):
            end = told[(fact.queue, *fact.key)]
            by = None if fact.ended_by is None else fact.ended_by.value
            told[(fact.queue, *fact.key)] = End(end.leg, end.at, by, fact.transferred_to)
    return list(told.values())
