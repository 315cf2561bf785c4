"""Which channels talk with each other, and which halves of Local pairs belong together. Sans-I/O."""

from collections.abc import Iterable, Mapping
from typing import Final

POOL: Final = "agent_hold"
"""``BridgeType`` of the bridge in which the agents of app_agent_pool wait side by side; none talks with another."""


class Bridges:
    """Bridges as BridgeEnter, BridgeLeave and Hangup tell them, channels by Uniqueid."""

    def __init__(self) -> None:
        self._channels: dict[str, set[str]] = {}
        self._bridge_of: dict[str, str] = {}
        self._other_half: dict[str, str] = {}
        self._of_pool: set[str] = set()

    def enter(self, bridge: str, channel: str, kind: str = "") -> None:
        """BridgeEnter; *kind* is the bridge's type."""
        self.leave(channel)
        if kind == POOL:
            self._of_pool.add(channel)
            return
        self._channels.setdefault(bridge, set()).add(channel)
        self._bridge_of[channel] = bridge

    def leave(self, channel: str) -> str | None:
        """BridgeLeave, or the end of the channel. Returns a channel that this leaves alone in its bridge, if any."""
        bridge = self._bridge_of.pop(channel, None)
        if bridge is None:
            return None
        rest = self._channels[bridge]
        rest.discard(channel)
        if not rest:
            del self._channels[bridge]
        return next(iter(rest)) if len(rest) == 1 else None

    def pair(self, one: str, two: str) -> None:
        """LocalBridge: two halves of one Local channel."""
        self._other_half[one] = two
        self._other_half[two] = one

    def hang_up(self, channel: str) -> None:
        """Hangup: nothing is known of the channel any more."""
        self.leave(channel)
        self._of_pool.discard(channel)
        other = self._other_half.pop(channel, None)
        if other is not None:
            self._other_half.pop(other, None)

    def has_company(self, channel: str) -> bool:
        """Whether the channel is in a bridge with another."""
        bridge = self._bridge_of.get(channel)
        return bridge is not None and len(self._channels[bridge]) > 1

    def other_half(self, channel: str) -> str | None:
        """The other half of a Local channel; None for a channel that is no known half."""
        return self._other_half.get(channel)

    def company_and_halves(self, channel: str) -> set[str]:
        """The channels in the bridge of *channel*, itself too, and the other halves of those that are Local."""
        bridge = self._bridge_of.get(channel)
        here = self._channels[bridge] if bridge else {channel}
        return here | {self._other_half[each] for each in here if each in self._other_half}

    def phone_behind(self, channel: str) -> str:
        """The channel at the far end of a chain of Local pairs: a phone's, or the last one known on the way to it.

        From *channel* to its other half, and on to the one other channel in the bridge which that half is in. The
        channel of an agent of the pool is an end: what is behind it stays with it between the calls.
        """
        seen = {channel}
        while (half := self._other_half.get(channel)) is not None and half not in seen:
            if channel in self._of_pool:
                return channel
            bridge = self._bridge_of.get(half)
            others = [each for each in self._channels[bridge] if each != half] if bridge else []
            if len(others) != 1 or others[0] in seen:
                return channel
            seen.update((half, others[0]))
            channel = others[0]
        return channel

    def replace(
        self, channels: Mapping[str, str], pairs: Iterable[tuple[str, str]], of_pool: Iterable[str] = ()
    ) -> None:
        """Take over what CoreShowChannels lists.

        Args:
            channels: Every channel with the bridge in which it can talk, ``""`` for none.
            pairs: The halves of Local channels.
            of_pool: The channels of agents of the pool.
        """
        self._channels.clear()
        self._bridge_of.clear()
        self._other_half.clear()
        self._of_pool = set(of_pool)
        for channel, bridge in channels.items():
            if bridge:
                self.enter(bridge, channel)
        for one, two in pairs:
            self.pair(one, two)
