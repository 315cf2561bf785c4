"""Which queue each caller was in last, for as long as the caller's channel is there."""

from typing import NamedTuple


class Trail(NamedTuple):
    """A caller, and the queue that it joined last."""

    uniqueid: str
    queue: str


class Answered(NamedTuple):
    """A caller whose call with an agent is over and whose channel is still there, and the queue that it was in."""

    uniqueid: str
    linkedid: str | None
    queue: str


class Trails:
    """Told of every joining.

    A caller is known by ``Uniqueid``. One that a phone behind a Local channel transfers comes to the next queue as
    another channel, of the same ``Linkedid``. One of that ``Linkedid`` who waits is another: a call may be sent into
    two queues at once.
    """

    def __init__(self) -> None:
        self._queue: dict[str, str] = {}
        self._waiting: set[str] = set()
        self._linkedid: dict[str, str] = {}
        self._kin: dict[str, dict[str, None]] = {}

    def before(self, uniqueid: str, linkedid: str | None) -> Trail | None:
        """Where a caller comes from; None if it was in no queue."""
        queue = self._queue.get(uniqueid)
        if queue is not None:
            return Trail(uniqueid, queue)
        kin = next((each for each in reversed(self._kin.get(linkedid or "", {})) if each not in self._waiting), None)
        return None if kin is None else Trail(kin, self._queue[kin])

    def queue_of(self, uniqueid: str) -> str | None:
        """The queue that a caller joined last; None if it was in none."""
        return self._queue.get(uniqueid)

    def answered(self, uniqueid: str) -> Answered | None:
        """A caller whose call is over; None if it waits again, or its channel ended."""
        queue = self._queue.get(uniqueid)
        if queue is None or uniqueid in self._waiting:
            return None
        return Answered(uniqueid, self._linkedid.get(uniqueid), queue)

    def enter(self, uniqueid: str, linkedid: str | None, queue: str) -> None:
        """A caller joined *queue*, and waits there."""
        self._queue[uniqueid] = queue
        self._waiting.add(uniqueid)
        if linkedid is not None and uniqueid not in self._linkedid:
            self._linkedid[uniqueid] = linkedid
            self._kin.setdefault(linkedid, {})[uniqueid] = None

    def stop(self, uniqueid: str) -> None:
        """A caller waits no longer."""
        self._waiting.discard(uniqueid)

    def waits(self, uniqueid: str, queue: str) -> bool:
        """Whether a caller waits in *queue*."""
        return uniqueid in self._waiting and self._queue[uniqueid] == queue

    def end(self, uniqueid: str) -> None:
        """The caller's channel ended."""
        self._waiting.discard(uniqueid)
        linkedid = self._linkedid.pop(uniqueid, None)
        if linkedid is not None:
            kin = self._kin[linkedid]
            del kin[uniqueid]
            if not kin:
                del self._kin[linkedid]
        self._queue.pop(uniqueid, None)

    def all(self) -> list[Trail]:
        """Every trail that is kept."""
        return [Trail(*each) for each in self._queue.items()]
