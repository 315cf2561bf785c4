"""What waits for the broker waits in the store; the client has its front, in order, and the bound takes the oldest."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import StoreWriteError
from gateway.service import backlog as backlog_module
from gateway.service.backlog import MESSAGES, PIECE, Backlog
from tests.service.shelf import Client, Shelf, backlog_of, put


def work_off(backlog: Backlog) -> None:
    """Let it do all that it can."""
    while backlog.is_busy:
        backlog.work()


def test_the_client_has_a_thousand_at_most() -> None:
    """However many messages come while the broker is away, the client has the first ones and the shelf the rest."""
    shelf = Shelf()
    client = Client(shelf)
    backlog = backlog_of(shelf, client)
    for number in range(1, MESSAGES + 300):
        backlog.add(put(shelf, number)[0])
        backlog.work()
    assert list(client.has) == list(range(1, MESSAGES + 1))
    assert shelf.reads == 0, "what the client is given at once is not read again"


def test_what_the_client_has_is_bounded_in_bytes() -> None:
    """Large messages wait in the store sooner than small ones."""
    shelf = Shelf()
    client = Client(shelf)
    backlog = backlog_of(shelf, client)
    for number in range(1, 101):
        backlog.add(put(shelf, number, size=200_000)[0])
    assert client.depth_bytes <= backlog_module.MESSAGES_BYTES + 200_000
    assert list(client.has) == list(range(1, client.depth + 1))


def test_what_waits_follows_in_order_as_there_is_room() -> None:
    """All come, each once, in the order of their numbers, in pieces; new ones wait behind the old."""
    shelf = Shelf()
    client = Client(shelf)
    put(shelf, *range(1, 2 * MESSAGES + 1))
    backlog = backlog_of(shelf, client)
    backlog.resume()
    work_off(backlog)
    backlog.add(put(shelf, 2 * MESSAGES + 1)[0])
    delivered: list[int] = []
    while client.has:
        gone = client.deliver(7)
        delivered += [each.number for each in gone]
        for each in gone:
            del shelf.kept[each.number]
        work_off(backlog)
    assert delivered == list(range(1, 2 * MESSAGES + 2))
    assert client.most <= MESSAGES
    assert shelf.reads <= 2 * MESSAGES / PIECE + 2


def test_nothing_is_read_while_the_client_is_full() -> None:
    """With a broker that takes nothing, what waits is left alone."""
    shelf = Shelf()
    client = Client(shelf)
    put(shelf, *range(1, 2 * MESSAGES))
    backlog = backlog_of(shelf, client)
    backlog.resume()
    work_off(backlog)
    reads = shelf.reads
    for _ in range(5):
        backlog.work()
    assert shelf.reads == reads == MESSAGES / PIECE


def test_past_the_bound_the_oldest_go_from_client_and_shelf() -> None:
    """They are counted and told once, what is under way stays, and the newest are there in order."""
    shelf = Shelf()
    client = Client(shelf)
    backlog = backlog_of(shelf, client, limit=128_000)
    for number in range(1, 2_001):
        backlog.add(put(shelf, number, size=50)[0])
    client.numbers_under_way = {1, 2}
    assert backlog.work() is None
    for number in range(2_001, 3_001):
        backlog.add(put(shelf, number, size=50)[0])
    told = backlog.work()
    assert told is not None
    count, topic = told
    assert topic == "t"
    kept = sorted(shelf.kept)
    assert kept == [1, 2, *range(3_001 - len(kept) + 2, 3_001)]
    assert count == 3_000 - len(kept)
    assert shelf.size_of_outbox()[1] <= 128_000 - 128_000 // 64
    assert backlog.work() is None
    work_off(backlog)
    assert list(client.has) == kept[: len(client.has)]
    seen = [each.number for each in client.deliver(len(client.has))]
    while client.has or backlog.is_busy:
        work_off(backlog)
        seen += [each.number for each in client.deliver(100)]
    assert seen == kept


def test_a_bound_that_was_lowered_is_reached_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step drops so much at most, and it is told once when the bound is kept."""
    monkeypatch.setattr(backlog_module, "MOST_DROPPED_BYTES", 1_000)
    shelf = Shelf()
    client = Client(shelf)
    put(shelf, *range(1, 101), size=100)
    backlog = backlog_of(shelf, client, limit=6_400)
    backlog.resume()
    told = []
    while True:
        before = len(shelf.kept)
        told.append(backlog.work())
        assert before - len(shelf.kept) <= 10
        if not backlog.is_busy:
            break
    assert [each for each in told if each] == [(37, "t")]
    assert list(client.has) == list(range(38, 101))


def test_what_is_under_way_alone_may_be_past_the_bound() -> None:
    """Where nothing can be dropped, nothing is tried again and again."""
    shelf = Shelf()
    client = Client(shelf)
    backlog = backlog_of(shelf, client, limit=100)
    backlog.add(put(shelf, 1, size=500)[0])
    client.numbers_under_way = {1}
    assert backlog.work() is None
    assert not backlog.is_busy
    assert list(client.has) == [1]


def test_a_shelf_that_cannot_be_read_loses_nothing() -> None:
    """The failure is the caller's to tell; when the shelf can be read again, it goes on where it was."""
    shelf = Shelf()
    client = Client(shelf)
    put(shelf, 1, 2, 3)
    backlog = backlog_of(shelf, client)
    backlog.resume()
    shelf.is_unreadable = True
    with pytest.raises(StoreWriteError):
        backlog.work()
    assert backlog.is_busy
    shelf.is_unreadable = False
    work_off(backlog)
    assert list(client.has) == [1, 2, 3]


def test_rewound_it_reads_everything_anew() -> None:
    """But for what is under way, the client gets what the shelf has now."""
    shelf = Shelf()
    client = Client(shelf)
    backlog = backlog_of(shelf, client)
    for number in range(1, 6):
        backlog.add(put(shelf, number)[0])
    client.numbers_under_way = {1, 2}
    put(shelf, 3, 4, 5, topic="other")
    backlog.rewind()
    work_off(backlog)
    assert [(each.number, each.topic) for each in client.has.values()] == [
        (1, "t"),
        (2, "t"),
        (3, "other"),
        (4, "other"),
        (5, "other"),
    ]


class Flow:
    """A backlog between a shelf and a client, small enough to meet every edge."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.client = Client(self.shelf)
        self.backlog = backlog_of(self.shelf, self.client, limit=640)
        self.added = 0
        self.delivered: list[int] = []
        self.dropped = 0

    def add(self) -> None:
        """Three more messages."""
        for _ in range(3):
            self.added += 1
            self.backlog.add(put(self.shelf, self.added, size=20)[0])

    def work(self) -> None:
        """One step."""
        if (told := self.backlog.work()) is not None:
            self.dropped += told[0]

    def send(self) -> None:
        """The client puts another one on the way."""
        waiting = [number for number in self.client.has if number not in self.client.numbers_under_way]
        self.client.numbers_under_way.update(waiting[:1])

    def acknowledge(self) -> None:
        """The broker has what went first."""
        if self.client.numbers_under_way:
            self.delivered += [each.number for each in self.client.deliver()]
            del self.shelf.kept[self.delivered[-1]]

    def lose(self) -> None:
        """The connection is gone, and nothing is under way."""
        self.client.numbers_under_way.clear()


STEPS = [Flow.add, Flow.add, Flow.work, Flow.send, Flow.acknowledge, Flow.lose]


@given(st.lists(st.sampled_from(STEPS), max_size=120))
def test_whatever_happens_all_come_in_order_but_those_dropped(steps: list[Callable[[Flow], None]]) -> None:
    """Every message is delivered once, in order, or counted as dropped; none is both, and none is forgotten."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backlog_module, "MESSAGES", 8)
        patched.setattr(backlog_module, "PIECE", 3)
        flow = Flow()
        for step in steps:
            step(flow)
            assert flow.client.depth <= 8
        while flow.client.has or flow.backlog.is_busy or flow.shelf.kept:
            flow.work()
            flow.send()
            flow.acknowledge()
        assert flow.delivered == sorted(set(flow.delivered))
        assert len(flow.delivered) + flow.dropped == flow.added
