"""Whether the gateway is healthy: its picture current, the broker connected, the store in use. Else what is not."""

from dataclasses import dataclass
from typing import Any

from gateway.http.sources import BrokerView, LedgerView, PictureView


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What ``/healthz`` says.

    Attributes:
        link: The link to Asterisk: ``up``, ``down`` or ``resyncing``.
        current: Whether the picture of Asterisk is current.
        link_error: Why the link is not up; None where nothing is known.
        connected: Whether the broker is connected.
        store_failure: Why the store cannot be used; None while it can.
    """

    link: str
    current: bool
    link_error: str | None
    connected: bool
    store_failure: str | None

    @property
    def is_good(self) -> bool:
        """Whether somebody who reads the topics sees what is."""
        return self.current and self.connected and self.store_failure is None

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        failing = {"asterisk": not self.current, "broker": not self.connected, "store": self.store_failure is not None}
        return {
            "status": "ok" if self.is_good else "unavailable",
            "failing": [part for part, fails in failing.items() if fails],
            "asterisk": {"link": self.link, "current": self.current, "last_error": self.link_error},
            "broker": {"connected": self.connected},
            "store": {"usable": self.store_failure is None, "failure": self.store_failure},
        }

    def as_line(self) -> str:
        """The same in a line, for ``systemctl status``."""
        asterisk = {"up": "up", "down": "down", "resyncing": "making the picture"}[self.link]
        store = "" if self.store_failure is None else f"; store: {self.store_failure}"
        return f"Asterisk: {asterisk}; broker: {'connected' if self.connected else 'not connected'}{store}"


def read_health(picture: PictureView, broker: BrokerView, ledger: LedgerView) -> Health:
    """How things are now."""
    return Health(
        link=picture.link.link,
        current=picture.current,
        link_error=picture.link.last_error,
        connected=broker.connected,
        store_failure=ledger.failure,
    )
