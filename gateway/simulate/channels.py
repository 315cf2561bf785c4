"""Channels and bridges, and how Asterisk shows them in its events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.simulate.wire import Fields

DOWN: Final = 0
RING: Final = 4
RINGING: Final = 5
UP: Final = 6

_STATES: Final = {DOWN: "Down", RING: "Ring", RINGING: "Ringing", UP: "Up"}
_UNKNOWN: Final = "<unknown>"


@dataclass(slots=True, eq=False)
class Channel:
    """One leg of a call.

    Attributes:
        name: Such as ``PJSIP/1001-0000002a``.
        uniqueid: Its own.
        linkedid: The Uniqueid of the call's first channel.
        context: Of the dialplan.
        exten: Likewise.
        priority: Likewise.
        since: When it was made, microseconds since 1970.
        state: ``DOWN`` and so on.
        caller: Its caller's number and name; "" is unknown.
        connected: The other side's, likewise.
        application: What it runs in the dialplan.
        data: That application's arguments.
        bridge: The Uniqueid of the bridge it is in.
        was_queued: Whether it has been in a queue.
    """

    name: str
    uniqueid: str
    linkedid: str
    context: str
    exten: str
    priority: int
    since: int
    state: int = DOWN
    caller: tuple[str, str] = ("", "")
    connected: tuple[str, str] = ("", "")
    application: str = ""
    data: str = ""
    bridge: str = ""
    was_queued: bool = False

    def block(self, prefix: str = "") -> Fields:
        """The headers that tell of a channel, each behind *prefix*."""
        return [(f"{prefix}{name}", value) for name, value in self._headers()]

    def _headers(self) -> Iterator[tuple[str, str]]:
        yield "Channel", self.name
        yield "ChannelState", str(self.state)
        yield "ChannelStateDesc", _STATES[self.state]
        yield "CallerIDNum", self.caller[0] or _UNKNOWN
        yield "CallerIDName", escaped(self.caller[1]) or _UNKNOWN
        yield "ConnectedLineNum", self.connected[0] or _UNKNOWN
        yield "ConnectedLineName", escaped(self.connected[1]) or _UNKNOWN
        yield "Language", "en"
        yield "AccountCode", ""
        yield "Context", self.context
        yield "Exten", self.exten
        yield "Priority", str(self.priority)
        yield "Uniqueid", self.uniqueid
        yield "Linkedid", self.linkedid


@dataclass(slots=True, eq=False)
class Bridge:
    """Where two channels talk.

    Attributes:
        uniqueid: Its own.
        size: How many channels are in it.
    """

    uniqueid: str
    size: int = 0

    def block(self) -> Fields:
        """The headers that tell of a bridge."""
        return [
            ("BridgeUniqueid", self.uniqueid),
            ("BridgeType", "basic"),
            ("BridgeTechnology", "simple_bridge"),
            ("BridgeCreator", _UNKNOWN),
            ("BridgeName", _UNKNOWN),
            ("BridgeNumChannels", str(self.size)),
            ("BridgeVideoSourceMode", "none"),
        ]


def escaped(name: str) -> str:
    """A caller's name as it stands in events: with a backslash before quotes, question marks and backslashes."""
    return "".join(f"\\{char}" if char in "\\'\"?" else char for char in name)
