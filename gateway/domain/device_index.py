"""Which agents are at which device: by their sessions' interfaces, and by what hints stand for."""

from collections import Counter
from typing import Final

from gateway.domain.device import devices_of, is_hint
from gateway.domain.member import Member, fold

_NONE: Final[frozenset[str]] = frozenset()


class DeviceIndex:
    """Devices and hints, each with the agents at it and with how many of their sessions. Devices are folded names."""

    def __init__(self) -> None:
        self._at_device: dict[str, Counter[str]] = {}
        self._at_hint: dict[str, Counter[str]] = {}
        self._spelled: dict[str, str] = {}
        self._of_hint: dict[str, frozenset[str]] = {}

    def __contains__(self, device: str) -> bool:
        return device in self._at_device

    def agents_at(self, device: str) -> tuple[str, ...]:
        """The agents at a device, in whatever case it is written."""
        return tuple(self._at_device.get(fold(device), ()))

    def hints(self) -> set[str]:
        """The hints of which somebody has to tell what devices they are, as they are spelled."""
        return set(self._spelled.values())

    def change(self, agent: str, was: Member | None, now: Member | None) -> None:
        """One of an agent's sessions had the member *was*, and has *now*; None: it did not exist, or has ended."""
        if was is not None:
            self._count(agent, was, -1)
        if now is not None:
            self._count(agent, now, +1)

    def tell_hint(self, hint: str, devices: frozenset[str]) -> None:
        """A hint stands for these devices from now on, also for sessions that come later."""
        hint = fold(hint)
        before, self._of_hint[hint] = self._of_hint.get(hint, _NONE), devices
        for agent, sessions in self._at_hint.get(hint, Counter[str]()).items():
            _add(self._at_device, before, agent, -sessions)
            _add(self._at_device, devices, agent, sessions)

    def _count(self, agent: str, member: Member, sessions: int) -> None:
        _add(self._at_device, devices_of(member), agent, sessions)
        if not is_hint(member.state_interface):
            return
        hint = fold(member.state_interface)
        self._spelled[hint] = member.state_interface
        _add(self._at_hint, {hint}, agent, sessions)
        _add(self._at_device, self._of_hint.get(hint, _NONE), agent, sessions)
        if hint not in self._at_hint:
            del self._spelled[hint]


def _add(index: dict[str, Counter[str]], places: frozenset[str] | set[str], agent: str, sessions: int) -> None:
    for place in places:
        here = index.setdefault(place, Counter())
        here[agent] += sessions
        if not here[agent]:
            del here[agent]
        if not here:
            del index[place]
