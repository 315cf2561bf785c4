"""One AMI message as it stood on the wire, and the moment it came."""

from gateway.clock import Arrival

__all__ = ["AmiMessage", "Arrival"]


class AmiMessage:
    """A response or an event: headers by lower-case name.

    Asterisk spells one header differently from event to event (``Holdtime``, ``HoldTime``), so names are
    kept in lower case. The first occurrence of a repeated header is in ``fields``; all of them, in order,
    are in ``repeated``, which is None where nothing is repeated. Values are text, undecodable bytes in them
    as U+FFFD; a header that is not there is absent, one that is empty is ``""``.
    """

    __slots__ = ("arrival", "fields", "repeated")

    def __init__(
        self, fields: dict[str, str], arrival: Arrival, *, repeated: dict[str, list[str]] | None = None
    ) -> None:
        self.fields = fields
        self.arrival = arrival
        self.repeated = repeated

    @property
    def event(self) -> str:
        """The event's name as Asterisk spells it; ``""`` for a response."""
        return self.fields.get("event", "")

    @property
    def response(self) -> str:
        """``Success``, ``Error``, ``Goodbye``, ``Follows``; ``""`` for an event."""
        return self.fields.get("response", "")

    @property
    def action_id(self) -> str:
        """The ActionID of the action this answers; ``""`` for an event of its own accord."""
        return self.fields.get("actionid", "")

    def all(self, name: str) -> list[str]:
        """Every value of header *name* (lower case), in wire order; empty if it is not there."""
        if self.repeated and name in self.repeated:
            return self.repeated[name]
        return [self.fields[name]] if name in self.fields else []

    def __repr__(self) -> str:
        """Name and headers, for test failures; never logged, as it may hold caller numbers."""
        return f"AmiMessage({self.fields!r})"
