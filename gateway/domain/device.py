"""The device behind a queue member: what Asterisk names the channels of the agent's phone after."""

import re
from sys import intern
from typing import Final

from gateway.domain.member import Member, fold

_NO_DEVICES: Final = frozenset({"local", "agent", "queue", "confbridge", "asyncgoto"})
"""Technologies whose channels are nobody's phone; ``hint:…``, ``Custom:…`` and ``Agent:…`` have no slash at all."""


def device_of_interface(interface: str) -> str | None:
    """The device that an interface or a state interface names, folded; None where it names none.

    A dial string may go on behind it: ``PJSIP/1001/sip:1001@192.0.2.1`` is the device ``PJSIP/1001``.
    """
    technology, slash, rest = fold(interface).partition("/")
    peer = rest.partition("/")[0]
    if not slash or not peer or ":" in technology or technology in _NO_DEVICES:
        return None
    return intern(f"{technology}/{peer}")  # most often it is the interface of a membership's key, too


def is_hint(interface: str) -> bool:
    """Whether a state interface is an extension whose hint names the devices."""
    return fold(interface).startswith("hint:")


def devices_of_hint(hint: str) -> frozenset[str]:
    """The devices that an extension's hint names, folded: ``PJSIP/1001&Custom:DND1001`` has one; some have none."""
    named = map(device_of_interface, re.split("[&,]", hint))
    return frozenset(device for device in named if device is not None)


def device_of_channel(name: str) -> str:
    """The device that a channel is one of, folded: its name without the number at its end; ``""`` for no device's."""
    return fold(name.rpartition("-")[0])


def devices_of(member: Member) -> frozenset[str]:
    """The devices on which calls of the member's agent may be, folded; none for a Local one alone, or for a hint."""
    named = (device_of_interface(member.interface), device_of_interface(member.state_interface))
    return frozenset(device for device in named if device is not None)
