"""Who sits where: members, and the names by which a log tells of them. Plain places, without rules."""

from gateway.replay.fields import Key
from gateway.replay.names import Arrival
from gateway.replay.session import ReplaySession


class Seat:
    """A member in its place; see ``gateway.queue_log.roster.Seat``."""

    __slots__ = ("back_by", "gone_since", "in_doubt", "key", "last_pause", "place", "session", "since")

    def __init__(self, key: Key, place: "Place", since: int, session: ReplaySession) -> None:
        self.key = key
        self.place = place
        self.since = since
        self.session = session
        self.in_doubt = False
        self.gone_since: int | None = None
        self.back_by = 0
        self.last_pause: int | None = None


class Place:
    """A name in a queue, and the members who have it."""

    __slots__ = ("arrivals", "gone", "name", "queue", "seats")

    def __init__(self, queue: str, name: str) -> None:
        self.queue = queue
        self.name = name
        self.seats: list[Seat] = []
        self.arrivals: list[Arrival] = []
        self.gone = False
