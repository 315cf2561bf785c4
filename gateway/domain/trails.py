"""Which queue each caller was in last, for as long as the caller's channel is there."""

from typing import NamedTuple


class Trail(NamedTuple):
    """A caller, and the queue that it joined last."""

    uniqueid: str
    queue: str


class Trails:
    """Told of every joining.

    A caller is known by ``Uniqueid``. One that a phone behind a Local channel transfers comes to the next queue as
    another channel, of the same ``Linkedid``.
    """

    def __init__(self) -> None:
        self._queue: dict[str, str] = {}
        self._linkedid: dict[str, str] = {}
        self._kin: dict[str, dict[str, None]] = {}

    def before(self, uniqueid: str, linkedid: str | None) -> Trail | None:
        """Where a caller comes from; None if it was in no queue."""
        queue = self._queue.get(uniqueid)
        if queue is not None:
            return Trail(uniqueid, queue)
        kin = next(reversed(self._kin.get(linkedid or "", {})), None)
        return None if kin is None else Trail(kin, self._queue[kin])

    def enter(self, uniqueid: str, linkedid: str | None, queue: str) -> None:
        """A caller joined *queue*."""
        self._queue[uniqueid] = queue
        if linkedid is not None and uniqueid not in self._linkedid:
            self._linkedid[uniqueid] = linkedid
            self._kin.setdefault(linkedid, {})[uniqueid] = None

    def end(self, uniqueid: str) -> str | None:
        """The caller's channel ended. Returns the queue that it joined last."""
        linkedid = self._linkedid.pop(uniqueid, None)
        if linkedid is not None:
            kin = self._kin[linkedid]
            del kin[uniqueid]
            if not kin:
                del self._kin[linkedid]
        return self._queue.pop(uniqueid, None)

    def all(self) -> list[Trail]:
        """Every trail that is kept."""
        return [Trail(*each) for each in self._queue.items()]
