"""Nothing is told that is not kept, in the order in which it was told, once a burst."""

import asyncio
import json

import pytest

from gateway.service.ledger import Ledger
from gateway.store.contents import Batch, Message
from tests.service.shelf import Client, Shelf, backlog_of


@pytest.fixture
def shelf() -> Shelf:
    """An empty shelf."""
    return Shelf()


@pytest.fixture
def broker(shelf: Shelf) -> Client:
    """Who looks at the shelf."""
    return Client(shelf)


@pytest.fixture
def ledger(shelf: Shelf, broker: Client) -> Ledger:
    """A ledger before its first message."""
    return Ledger(shelf, backlog_of(shelf, broker), lambda _: None)


async def test_a_burst_is_one_batch(ledger: Ledger, shelf: Shelf, broker: Client) -> None:
    """All of one turn of the loop is written at once, and goes out behind it in its order."""
    ledger.send("a", b"{}", seq=1)
    ledger.refresh("b", requeue=True)
    ledger.send("c", b"{}", seq=1)
    assert broker.sent == []
    await asyncio.sleep(0)
    assert broker.sent == [("a", 1), ("b True", 1), ("c", 1)]
    assert [message.number for message in shelf.written[0].messages] == [1, 2]


async def test_a_full_disk_keeps_everything_back(
    ledger: Ledger, shelf: Shelf, broker: Client, monkeypatch: pytest.MonkeyPatch
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
    monkeypatch.setattr("gateway.service.ledger.PATIENCE", 0.01)
    ledger.send("a", b"{}", seq=1)
    await asyncio.sleep(0)
    ledger.gone(1)
    ledger.gone(2)
    assert len(shelf.written) == 1
    await asyncio.sleep(0.03)
    assert shelf.written[1].acknowledged == [1, 2]


async def test_acknowledgements_hold_up_nothing(ledger: Ledger, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are written by themselves, not with what is about to be told; but a great many do not wait."""
    monkeypatch.setattr("gateway.service.ledger.PATIENCE", 0.02)
    monkeypatch.setattr("gateway.service.ledger.MANY", 3)
    ledger.gone(1)
    ledger.send("a", b"{}", seq=1)
    ledger.end_burst()
    assert [batch.acknowledged for batch in shelf.written] == [[]]
    await asyncio.sleep(0.06)
    assert [batch.acknowledged for batch in shelf.written] == [[], [1]]
    for number in (11, 12, 13):
        ledger.gone(number)
    ledger.send("b", b"{}", seq=2)
    ledger.end_burst()
    assert shelf.written[-1].acknowledged == [11, 12, 13]


async def test_what_is_about_to_be_shown_is_kept_first(ledger: Ledger, shelf: Shelf) -> None:
    """A snapshot that is rendered before the burst is over has all of it kept."""
    ledger.send("a", b"{}", seq=1)
    ledger.commit_if_due()
    assert len(shelf.written) == 1
    ledger.commit_if_due()
    assert len(shelf.written) == 1


async def test_a_store_that_cannot_be_read_is_told_as_one_that_cannot_be_written(
    shelf: Shelf, broker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again, and what waits goes out when it can be read; what is new is kept meanwhile."""
    monkeypatch.setattr("gateway.service.ledger.RETRY", 0.01)
    told = asyncio.Event()
    shelf.kept = {number: Message(number, "old", b"{}", number) for number in (1, 2)}
    ledger = Ledger(shelf, backlog_of(shelf, broker), lambda _: None, last_number=2)
    ledger.on_failure = told.set
    shelf.is_unreadable = True
    ledger.start()
    ledger.send("a", b"{}", seq=3)
    await told.wait()
    assert ledger.failure == "cannot be read"
    assert sorted(shelf.kept) == [1, 2, 3]
    assert broker.sent == []
    shelf.is_unreadable = False
    told.clear()
    await told.wait()
    assert ledger.failure is None
    assert list(broker.has) == [1, 2, 3]


async def test_what_an_earlier_life_left_goes_first(shelf: Shelf, broker: Client) -> None:
    """New messages are numbered behind it, and wait their turn."""
    shelf.kept = {number: Message(number, "old", b"{}", number) for number in (4, 7)}
    ledger = Ledger(shelf, backlog_of(shelf, broker), lambda _: None, last_number=7)
    ledger.start()
    ledger.send("new", b"{}", seq=8)
    await ledger.drain()
    assert [(each.number, each.topic) for each in broker.has.values()] == [(4, "old"), (7, "old"), (8, "new")]
    assert (ledger.depth, ledger.depth_bytes) == (3, 15)


async def test_what_no_longer_fits_is_told_once_a_burst(shelf: Shelf, broker: Client) -> None:
    """The oldest messages go, and how many, and the topic of the first, is told behind it."""
    ledger = Ledger(shelf, backlog_of(shelf, broker, limit=640), lambda _: None)
    dropped: list[tuple[int, str]] = []
    ledger.on_dropped = lambda *what: dropped.append(what)
    for number in range(1, 101):
        ledger.send(f"t{number}", b"x" * 16, seq=number)
    await asyncio.sleep(0)
    assert len(dropped) == 1
    count, topic = dropped[0]
    assert topic == "t1"
    assert sorted(shelf.kept) == list(range(count + 1, 101))
    await ledger.drain()
    assert list(broker.has) == sorted(shelf.kept)


def event(stream: str, seq: int, previous_seq: int | None = None) -> bytes:
    """A session event as it is published."""
    snapshot = {"stream": stream, "seq": seq, "state": "READY", "figure": 1.5, "agent": "Élodie"}
    return json.dumps({"stream": stream, "seq": seq, "previous_seq": previous_seq, "session": snapshot}).encode()


async def test_another_stream_takes_over_what_was_made_since_the_start(shelf: Shelf, broker: Client) -> None:
    """Events of an earlier life, those under way and answers stay as they are; the others are numbered from 1 on."""
    shelf.kept = {5: Message(5, "a", event("old", 50), 50)}
    ledger = Ledger(shelf, backlog_of(shelf, broker), lambda _: None, last_number=5, last_seq=50)
    ledger.start()
    await ledger.drain()
    ledger.send("a", event("old", 51, 50), seq=51)
    await asyncio.sleep(0)
    broker.numbers_under_way = {5, 6}
    ledger.send("a", event("old", 52, 51), seq=52)
    ledger.send("b", event("old", 53), seq=53)
    ledger.send("answer", b'{"stream": "old"}')
    ledger.send("a", event("old", 54, 52), seq=54)
    renumberer = ledger.renew("new")
    assert renumberer is not None
    assert (shelf.streams, renumberer.previous, ledger.seq) == (["new"], {"a": 3, "b": 2}, 3)
    assert renumberer.renumbered == {52: 1, 53: 2, 54: 3}
    ledger.send("b", event("new", 4, 2), seq=4)
    await ledger.drain()
    told = [(each.topic, json.loads(each.payload)) for each in broker.has.values()]
    numbers = [(topic, each["stream"], each.get("seq"), each.get("previous_seq")) for topic, each in told]
    assert numbers == [
        ("a", "old", 50, None),
        ("a", "old", 51, 50),
        ("a", "new", 1, None),
        ("b", "new", 2, None),
        ("answer", "old", None, None),
        ("a", "new", 3, 1),
        ("b", "new", 4, 2),
    ]
    for _, each in told:
        if "session" in each:
            assert each["session"] == {**each["session"], "stream": each["stream"], "seq": each["seq"], "figure": 1.5}
            assert each["session"]["agent"] == "Élodie"


async def test_a_stream_is_not_renewed_while_the_store_refuses(shelf: Shelf, broker: Client, ledger: Ledger) -> None:
    """The old one goes on, nothing changes, and the failure is told."""
    ledger.send("a", event("old", 1), seq=1)
    await asyncio.sleep(0)
    shelf.is_full = True
    assert ledger.renew("new") is None
    assert ledger.failure == "no space left on the disk"
    assert [json.loads(each.payload)["stream"] for each in broker.has.values()] == ["old"]


async def test_signs_of_life_wait_for_company(shelf: Shelf, broker: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What moves with each event and tells nothing is not worth a transaction: it goes with the next, or soon."""
    monkeypatch.setattr("gateway.service.ledger.PATIENCE", 0.02)
    signs = iter(range(100))

    def collect(batch: Batch) -> None:
        batch.values["contact"] = str(next(signs))

    ledger = Ledger(shelf, backlog_of(shelf, broker), collect)
    for _ in range(3):
        ledger.begin_burst()
        ledger.end_burst()
    assert not shelf.written
    ledger.begin_burst()
    ledger.send("a", b"{}", seq=1)
    assert not shelf.written
    ledger.end_burst()
    assert [batch.values["contact"] for batch in shelf.written] == ["3"]
    assert broker.sent == [("a", 1)]
    ledger.begin_burst()
    ledger.end_burst()
    await asyncio.sleep(0.06)
    assert [batch.values["contact"] for batch in shelf.written] == ["3", "5"]
