"""The queues of one Asterisk as it spells them, and the wrap-up time of each."""

from collections.abc import Iterable

from gateway.domain.member import fold


class QueueNames:
    """Queues by their folded names."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._limits: dict[str, int | None] = {}

    def get(self, name: str) -> str | None:
        """A queue's name as Asterisk spells it; None if there is no such queue."""
        return self._names.get(fold(name))

    def names(self) -> Iterable[str]:
        """All of them, as Asterisk spells them."""
        return self._names.values()

    def add(self, name: str, *, limit: int | None = None) -> None:
        """A queue is known to exist."""
        self._names[fold(name)] = name
        self._limits.setdefault(fold(name), limit)

    def spelled(self, name: str) -> str:
        """A queue's name as it was spelled first; it is known to exist from now on."""
        return self._names.setdefault(fold(name), name)

    def remove(self, name: str) -> None:
        """A queue is no longer there; what is known of its wrap-up stays."""
        self._names.pop(fold(name), None)

    def wrap_up(self, name: str) -> int | None:
        """Microseconds of wrap-up after a call in a queue; None where it is not known."""
        return self._limits.get(fold(name))

    def set_wrap_up(self, name: str, limit: int | None) -> None:
        """It became known, or is another."""
        self._limits[fold(name)] = limit

    def without_wrap_up(self) -> list[str]:
        """The queues whose wrap-up time is not known."""
        return [name for key, name in self._names.items() if self._limits.get(key) is None]
