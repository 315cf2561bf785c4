"""Nothing is told that is not kept, in the order in which it was told, once a burst."""

import asyncio

import pytest

from gateway.errors import StoreWriteError
from gateway.service.ledger import Ledger
from gateway.store.contents import Batch


class Shelf:
    """A store whose disk may be full."""

    def __init__(self) -> None:
        self.is_full = False
        self.written: list[Batch] = []

    def write(self, batch: Batch) -> None:
        """Keep it, or refuse."""
        if self.is_full:
            raise StoreWriteError("no space left on the disk")
        self.written.append(batch)


class Broker:
    """Notes what is sent, and how many batches had been written then."""

    def __init__(self, shelf: Shelf) -> None:
        self.sent: list[tuple[str, int]] = []
        self._shelf = shelf

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        seq: int | None = None,
        number: int | None = None,
        correlation_data: bytes | None = None,
    ) -> None:
        """Note a message."""
        assert (payload, seq, correlation_data) == (b"{}", 1, None)
        assert number is not None
        self.sent.append((topic, len(self._shelf.written)))

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """Note a snapshot."""
        self.sent.append((f"{topic} {requeue}", len(self._shelf.written)))


@pytest.fixture
def shelf() -> Shelf:
    """An empty shelf."""
    return Shelf()


@pytest.fixture
def broker(shelf: Shelf) -> Broker:
    """Who looks at the shelf."""
    return Broker(shelf)


@pytest.fixture
def ledger(shelf: Shelf, broker: Broker) -> Ledger:
    """A ledger before its first message."""
    return Ledger(shelf, broker, lambda _: None)


async def test_a_burst_is_one_batch(ledger: Ledger, shelf: Shelf, broker: Broker) -> None:
    """All of one turn of the loop is written at once, and goes out behind it in its order."""
    ledger.send("a", b"{}", seq=1)
    ledger.refresh("b", requeue=True)
    ledger.send("c", b"{}", seq=1)
    assert broker.sent == []
    await asyncio.sleep(0)
    assert broker.sent == [("a", 1), ("b True", 1), ("c", 1)]
    assert [message.number for message in shelf.written[0].messages] == [1, 2]


async def test_a_full_disk_keeps_everything_back(
    ledger: Ledger, shelf: Shelf, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written is not published; it is tried again, and nothing is lost, doubled or overtaken."""
    monkeypatch.setattr("gateway.service.ledger.RETRY", 0.01)
    told = asyncio.Event()
    ledger.on_failure = told.set
    shelf.is_full = True
    ledger.send("a", b"{}", seq=1)
    await told.wait()
    assert ledger.failure == "no space left on the disk"
    ledger.send("b", b"{}", seq=1)
    await asyncio.sleep(0.03)
    assert broker.sent == []
    shelf.is_full = False
    told.clear()
    await told.wait()
    assert ledger.failure is None
    assert broker.sent == [("a", 1), ("b", 1)]
    assert [message.number for message in shelf.written[0].messages] == [1, 2]


async def test_what_the_broker_has_is_let_go(ledger: Ledger, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledgements are written together, a little later."""
    monkeypatch.setattr("gateway.service.ledger.ACKNOWLEDGE_WITHIN", 0.01)
    ledger.send("a", b"{}", seq=1)
    await asyncio.sleep(0)
    ledger.gone(1)
    ledger.gone(2)
    assert len(shelf.written) == 1
    await asyncio.sleep(0.03)
    assert shelf.written[1].acknowledged == [1, 2]


async def test_what_is_about_to_be_shown_is_kept_first(ledger: Ledger, shelf: Shelf) -> None:
    """A snapshot that is rendered before the burst is over has all of it kept."""
    ledger.send("a", b"{}", seq=1)
    ledger.commit_if_due()
    assert len(shelf.written) == 1
    ledger.commit_if_due()
    assert len(shelf.written) == 1
