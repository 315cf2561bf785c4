"""AMI events as Asterisk 22 writes them: headers and their order are those of the recordings in ``tests/data/ami``.

Everything but the time stamp is filled in ahead, so that the sender has no more to do than to stamp and to write. A
template's ``%(name)b`` is filled first; ``%%b`` is what stays for the stamp.
"""

from typing import Final

from tests.bench.floor import Desk

Fields = dict[bytes, bytes]


def _event(name: str, privilege: str, *blocks: str) -> bytes:
    lines = [f"Event: {name}", f"Privilege: {privilege}", "Timestamp: %%b", "SystemName: bench"]
    lines += [line for block in blocks for line in block.strip().splitlines()]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


_CALLER_BLOCK: Final = """
Channel: PJSIP/trunk-%(call)b
ChannelState: 6
ChannelStateDesc: Up
CallerIDNum: 5550100
CallerIDName: Caller
ConnectedLineNum: <unknown>
ConnectedLineName: <unknown>
Language: en
AccountCode:\x20
Context: callers
Exten: 100
Priority: 2
Uniqueid: %(caller)b
Linkedid: %(caller)b
"""

_PHONE_BLOCK: Final = """
Channel: %(interface)b-%(call)b
ChannelState: 6
ChannelStateDesc: Up
CallerIDNum: 1001
CallerIDName: Agent
ConnectedLineNum: 5550100
ConnectedLineName: Caller
Language: en
AccountCode:\x20
Context: agents
Exten: 100
Priority: 1
Uniqueid: %(leg)b
Linkedid: %(caller)b
"""

_DEST_BLOCK: Final = "".join(f"Dest{line}\n" for line in _PHONE_BLOCK.strip().splitlines())

_BRIDGE_BLOCK: Final = """
BridgeUniqueid: %(bridge)b
BridgeType: basic
BridgeTechnology: simple_bridge
BridgeCreator: <unknown>
BridgeName: <unknown>
BridgeNumChannels: 1
BridgeVideoSourceMode: none
"""

_OFFER_BLOCK: Final = "Queue: %(queue)b\nInterface: %(interface)b\nMemberName: %(name)b"

_MEMBER_BLOCK: Final = """
Queue: %(queue)b
MemberName: %(name)b
Interface: %(interface)b
StateInterface: %(interface)b
Membership: static
Penalty: 0
CallsTaken: 0
LastCall: 0
LastPause: 0
LoginTime: 1795333808
InCall: {in_call}
Status: {status}
Paused: {paused}
PausedReason: {reason}
Ringinuse: 0
Wrapuptime: 0
"""


def _status(status: int, *, in_call: int = 0) -> bytes:
    block = _MEMBER_BLOCK.format(in_call=in_call, status=status, paused=0, reason="")
    return _event("QueueMemberStatus", "agent,all", block)


_HANGUP: Final = "Cause: 16\nCause-txt: Normal Clearing"
_PLACE: Final = "Queue: %(queue)b\nPosition: 1\nCount: {}"

CALL: Final[tuple[bytes, ...]] = (
    _event("QueueCallerJoin", "agent,all", _CALLER_BLOCK, _PLACE.format(1)),
    _event("AgentCalled", "agent,all", _CALLER_BLOCK, _DEST_BLOCK, _OFFER_BLOCK),
    _status(6),
    _event("QueueCallerLeave", "agent,all", _CALLER_BLOCK, _PLACE.format(0)),
    _event("AgentConnect", "agent,all", _CALLER_BLOCK, _DEST_BLOCK, _OFFER_BLOCK, "HoldTime: 1\nRingTime: 0"),
    _event("BridgeEnter", "call,all", _BRIDGE_BLOCK, _PHONE_BLOCK),
    _event("BridgeEnter", "call,all", _BRIDGE_BLOCK, _CALLER_BLOCK),
    _status(2, in_call=1),
    _event(
        "AgentComplete",
        "agent,all",
        _CALLER_BLOCK,
        _DEST_BLOCK,
        _OFFER_BLOCK,
        "HoldTime: 1\nTalkTime: 4\nReason: caller",
    ),
    _event("BridgeLeave", "call,all", _BRIDGE_BLOCK, _PHONE_BLOCK),
    _event("Hangup", "call,all", _PHONE_BLOCK, _HANGUP),
    _event("BridgeLeave", "call,all", _BRIDGE_BLOCK, _CALLER_BLOCK),
    _event("Hangup", "call,all", _CALLER_BLOCK, _HANGUP),
    _status(1),
)
"""One call from the caller's joining the queue to the end, all fourteen events of interest."""

STAGES: Final = (0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3)
"""Which of them come together: the joining, the offer, the answer, the end."""

OF_QUEUES: Final = sum(event.startswith((b"Event: Queue", b"Event: Agent")) for event in CALL)
"""How many of them app_queue sends; the others tell of channels and bridges."""

JOINS: Final = 0
CONNECTS: Final = 4
"""Places in ``CALL``: the caller joins, an agent answers."""

_NOISE: Final = (
    _event("VarSet", "dialplan,all", _PHONE_BLOCK, "Variable: RTPAUDIOQOS\nValue: ssrc=1462;lp=0;rxjitter=0.00;rxc=1"),
    _event("Newexten", "dialplan,all", _CALLER_BLOCK, "Extension: 100\nApplication: Set\nAppData: x=1"),
    _event("VarSet", "dialplan,all", _CALLER_BLOCK, "Variable: QUEUENAME\nValue: %(queue)b"),
    _event(
        "RTCPSent",
        "reporting,all",
        _PHONE_BLOCK,
        "To: 192.0.2.7:4001\nFrom: 192.0.2.1:5001\nSSRC: 0x5bd1e995\nPT: 200(SR)\nReportCount: 1\nSentNTP: "
        "1795333812.123456\nSentRTP: 160160\nSentPackets: 1001\nSentOctets: 160160\nReport0SourceSSRC: 0x1b873593\n"
        "Report0FractionLost: 0\nReport0CumulativeLost: 0\nReport0IAJitter: 3\nReport0LSR: 0\nReport0DLSR: 0.0000",
    ),
)


def call_fields(number: int, desk: Desk) -> Fields:
    """What is written of call *number*, which *desk* answers."""
    return {
        b"call": b"%08x" % number,
        b"caller": caller_of(number).encode(),
        b"leg": b"bench-%d.%d" % (1_795_333_812 + number, 2 * number + 1),
        b"bridge": b"95776ff6-c3f4-4dd8-9483-%012x" % number,
        b"queue": desk.queue.encode(),
        b"interface": desk.interface.encode(),
        b"name": desk.name.encode(),
    }


def caller_of(number: int) -> str:
    """The Uniqueid of the caller of call *number*."""
    return f"bench-{1_795_333_812 + number}.{2 * number}"


def call_events(number: int, desk: Desk) -> list[bytes]:
    """The events of call *number*, each with a ``%b`` left for the stamp."""
    fields = call_fields(number, desk)
    return [template % fields for template in CALL]


def noise_events(number: int, desk: Desk) -> list[bytes]:
    """Events that no gateway for queues wants, each with a ``%b`` left for the stamp."""
    fields = call_fields(number, desk)
    return [template % fields for template in _NOISE]


def pause_event(desk: Desk, reason: str) -> bytes:
    """QueueMemberPause: paused for *reason*, or not any more for an empty one."""
    block = _MEMBER_BLOCK.format(in_call=0, status=1, paused=int(bool(reason)), reason=reason)
    return _event("QueueMemberPause", "agent,all", block) % call_fields(0, desk)
