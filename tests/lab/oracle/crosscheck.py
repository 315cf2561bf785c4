"""Whether the tap and Asterisk's queue_log tell the same story."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tests.lab import tap
from tests.lab.oracle.calls import INTERRUPTED, Call
from tests.lab.wire import Message

_LEFT: Final = ("ABANDON", "EXITEMPTY", "EXITWITHTIMEOUT", "WITHDRAW", "SYSCOMPAT")
_REASONS: Final = {
    "COMPLETEAGENT": "agent",
    "COMPLETECALLER": "caller",
    "BLINDTRANSFER": "transfer",
    "ATTENDEDTRANSFER": "transfer",
}
APART: Final = (
    1_000_000  # an AgentComplete that comes so long after the talk, or before its end, does not tell its length
)
GRAIN: Final = 2.1  # seconds: two whole-second clock readings on either side


class OracleError(Exception):
    """The tap and the queue_log disagree; the text lists in what."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of queue_log: its fields, and whatever data follow."""

    at: int
    callid: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...]


def read(text: str) -> list[Line]:
    """Return the lines of a queue_log."""
    lines = []
    for line in text.splitlines():
        at, callid, queue, agent, event, *data = line.split("|")
        lines.append(Line(int(at), callid, queue, agent, event, tuple(data)))
    return lines


def check(events: Iterable[Message], calls: Iterable[Call], log: Iterable[Line]) -> None:
    """Compare event by event.

    What the tap could not see, because Asterisk ended under it, may stand in the log alone.

    Raises:
        OracleError: If they differ.
    """
    events, lines = list(events), list(log)
    cut = any(event.event == tap.LOST for event in events)
    told = [
        *_differ("CONNECT", _connects(lines), _from(events, "AgentConnect", "MemberName", "DestUniqueid"), cut=cut),
        *_differ("RINGNOANSWER", _missed(lines), _from(events, "AgentRingNoAnswer", "MemberName", "RingTime"), cut=cut),
        *_differ("ENTERQUEUE", _called(lines, "ENTERQUEUE"), _from(events, "QueueCallerJoin"), cut=cut),
        *_differ("left without agent", _called(lines, *_LEFT), _from(events, "QueueCallerAbandon"), cut=cut),
        *_differ("ADDMEMBER", _members(lines, "ADDMEMBER"), _of(events, "QueueMemberAdded", "Interface"), cut=cut),
        *_differ(
            "REMOVEMEMBER", _members(lines, "REMOVEMEMBER"), _of(events, "QueueMemberRemoved", "Interface"), cut=cut
        ),
        *_differ("PAUSE", _members(lines, "PAUSE"), _paused(events, "1"), cut=cut),
        *_differ("UNPAUSE", _members(lines, "UNPAUSE"), _paused(events, "0"), cut=cut),
        *_differ("completed", _completed(lines), _ends(calls), cut=cut),
        *_lengths(calls, lines),
    ]
    if told:
        raise OracleError("\n".join(told))


_Bag = Counter[tuple[str, ...]]


def _connects(lines: Iterable[Line]) -> _Bag:
    return Counter((x.callid, x.queue, x.agent, x.data[1]) for x in lines if x.event == "CONNECT")


def _missed(lines: Iterable[Line]) -> _Bag:
    return Counter((x.callid, x.queue, x.agent, x.data[0]) for x in lines if x.event == "RINGNOANSWER")


def _called(lines: Iterable[Line], *names: str) -> _Bag:
    return Counter((x.callid, x.queue) for x in lines if x.event in names)


def _members(lines: Iterable[Line], name: str) -> _Bag:
    return Counter((x.queue, x.agent) for x in lines if x.event == name)


def _completed(lines: Iterable[Line]) -> _Bag:
    return Counter((x.callid, x.queue, x.agent, _REASONS[x.event]) for x in lines if x.event in _REASONS)


def _from(events: Iterable[Message], name: str, *headers: str) -> _Bag:
    return Counter((e["Uniqueid"], e["Queue"], *(e[h] for h in headers)) for e in events if e.event == name)


def _of(events: Iterable[Message], name: str, header: str) -> _Bag:
    return Counter((e["Queue"], e[header]) for e in events if e.event == name)


def _paused(events: Iterable[Message], flag: str) -> _Bag:
    chosen = [e for e in events if e.event == "QueueMemberPause" and e["Paused"] == flag]
    return _of(chosen, "QueueMemberPause", "MemberName")


def _ends(calls: Iterable[Call]) -> _Bag:
    """Count the completions as the tap matched them to calls: the caller's block may be missing in the event."""
    return Counter((c.uniqueid, c.queue, c.name, c.completed["Reason"]) for c in calls if c.completed is not None)


def _differ(what: str, log: _Bag, seen: _Bag, *, cut: bool) -> list[str]:
    only_log = [] if cut else list((log - seen).elements())
    only_tap = list((seen - log).elements())
    told = [f"{what}: in the log alone {one}" for one in only_log]
    return told + [f"{what}: in the tap alone {one}" for one in only_tap]


def _lengths(calls: Iterable[Call], lines: Iterable[Line]) -> list[str]:
    """Compare each call's talk with the log's whole seconds, but for those the log tells late, or too early."""
    at = {"COMPLETEAGENT": 1, "COMPLETECALLER": 1, "BLINDTRANSFER": 3, "ATTENDEDTRANSFER": -2}
    logged: dict[tuple[str, str, str], list[int]] = {}
    for line in lines:
        if line.event in at:
            logged.setdefault((line.callid, line.queue, line.agent), []).append(int(line.data[at[line.event]]))
    told = []
    for call in calls:
        if call.ended is None or call.ended_by == INTERRUPTED or call.completed is None:
            continue
        seconds = logged.get((call.uniqueid, call.queue, call.name), [])
        on_time = abs(call.completed.time - call.ended) < APART
        if on_time and not any(abs(one - call.talk / 1e6) < GRAIN for one in seconds):
            told.append(f"talk: {call.talk / 1e6:.3f} s in the tap, {seconds} in the log, of {call.uniqueid}")
    return told
