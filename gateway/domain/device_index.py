"""Which agents are at which device: by their sessions' interfaces, and by what hints stand for."""

from collections.abc import Callable, Iterable
from typing import Final

from gateway.domain.device import devices_of, is_hint
from gateway.domain.member import Member, fold

_NONE: Final[frozenset[str]] = frozenset()


_Agents = tuple[str, ...]
"""Agents, each as often as it has sessions: nearly always one, for whom a mapping would take four times as much."""


class DeviceIndex:
    """Devices and hints, each with the agents at it and with how many of their sessions. Devices are folded names."""

    def __init__(self) -> None:
        self._at_device: dict[str, _Agents] = {}
        self._at_hint: dict[str, _Agents] = {}
        self._spelled: dict[str, str] = {}
        self._of_hint: dict[str, frozenset[str]] = {}

    def __contains__(self, device: str) -> bool:
        return device in self._at_device

    def agents_at(self, device: str) -> tuple[str, ...]:
        """The agents at a device, in whatever case it is written."""
        return tuple(dict.fromkeys(self._at_device.get(fold(device), ())))

    def hints(self) -> set[str]:
        """The hints of which somebody has to tell what devices they are, as they are spelled."""
        return set(self._spelled.values())

    def change(self, agent: str, was: Member | None, now: Member | None) -> None:
        """One of an agent's sessions had the member *was*, and has *now*; None: it did not exist, or has ended."""
        if was is not None:
            self._count(agent, was, _remove)
        if now is not None:
            self._count(agent, now, _add)

    def tell_hint(self, hint: str, devices: frozenset[str]) -> None:
        """A hint stands for these devices from now on, also for sessions that come later."""
        hint = fold(hint)
        before, self._of_hint[hint] = self._of_hint.get(hint, _NONE), devices
        for agent in self._at_hint.get(hint, ()):
            _remove(self._at_device, before, agent)
            _add(self._at_device, devices, agent)

    def _count(self, agent: str, member: Member, change: "_Change") -> None:
        change(self._at_device, devices_of(member), agent)
        if not is_hint(member.state_interface):
            return
        hint = fold(member.state_interface)
        self._spelled[hint] = member.state_interface
        change(self._at_hint, {hint}, agent)
        change(self._at_device, self._of_hint.get(hint, _NONE), agent)
        if hint not in self._at_hint:
            del self._spelled[hint]


_Change = Callable[[dict[str, _Agents], Iterable[str], str], None]


def _add(index: dict[str, _Agents], places: Iterable[str], agent: str) -> None:
    """One more session of *agent* is at *places*."""
    for place in places:
        index[place] = (*index.get(place, ()), agent)


def _remove(index: dict[str, _Agents], places: Iterable[str], agent: str) -> None:
    """One session less."""
    for place in places:
        here = list(index.pop(place))
        here.remove(agent)
        if here:
            index[place] = tuple(here)
