"""The outbox: order, what is sent again, what is withdrawn."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt.outbox import ATTEMPTS, Entry, Outbox

WINDOW = 5


def event(number: int) -> Entry:
    """An event whose payload is its number."""
    return Entry("t", str(number).encode(), number=number)


def take_all(outbox: Outbox, window: int = 1000) -> list[str]:
    """Send and acknowledge everything; return topics of marks and payloads of events."""
    sent = []
    while (entry := outbox.take(window)) is not None:
        outbox.sent(1, entry, 0.0)
        sent.append(entry.topic if entry.payload is None else entry.payload.decode().strip())
        outbox.acknowledged(1)
    return sent


def send_up_to(outbox: Outbox, window: int) -> list[Entry]:
    """Send what the window allows, acknowledge nothing."""
    entries: list[Entry] = []
    while (entry := outbox.take(window)) is not None:
        outbox.sent(len(entries) + 1, entry, float(len(entries)))
        entries.append(entry)
    return entries


def test_events_leave_before_marks_each_in_the_order_they_came() -> None:
    """Each kind in its own order, and events first."""
    outbox = Outbox()
    outbox.mark("a")
    outbox.add(event(1))
    outbox.mark("b")
    outbox.mark("a")
    outbox.add(event(2))
    assert take_all(outbox) == ["1", "2", "a", "b"]
    assert outbox.is_empty


def test_requeue_moves_a_mark_to_the_end() -> None:
    """With requeue a waiting mark gives up its place, so that it leaves after the events before it."""
    outbox = Outbox()
    outbox.mark("a")
    outbox.add(event(1))
    outbox.mark("a", requeue=True)
    assert take_all(outbox) == ["1", "a"]


def test_the_window_bounds_what_is_under_way() -> None:
    """No more than the window is handed out until something is acknowledged."""
    outbox = Outbox()
    for number in range(10):
        outbox.add(event(number))
    assert len(send_up_to(outbox, WINDOW)) == WINDOW
    outbox.acknowledged(3)
    assert outbox.take(WINDOW) is not None


def test_what_was_under_way_comes_again_first() -> None:
    """After a loss the unacknowledged go before what waited, in their order."""
    outbox = Outbox()
    for number in range(8):
        outbox.add(event(number))
    send_up_to(outbox, WINDOW)
    outbox.acknowledged(2)
    outbox.disconnected(blame=False)
    assert take_all(outbox) == ["0", "2", "3", "4", "5", "6", "7"]


def test_births_go_before_everything() -> None:
    """After a connection the retained topics go first, once each, and marks for others keep their place."""
    outbox = Outbox()
    outbox.add(event(1))
    outbox.mark("gone")
    outbox.mark("b")
    outbox.connected(["a", "b", "state"])
    assert take_all(outbox) == ["a", "b", "state", "1", "gone"]


def test_a_mark_under_way_at_a_loss_is_sent_again() -> None:
    """A removal that was not acknowledged keeps its mark."""
    outbox = Outbox()
    outbox.mark("gone")
    send_up_to(outbox, WINDOW)
    outbox.mark("gone")
    outbox.disconnected(blame=False)
    outbox.connected(["a"])
    assert take_all(outbox) == ["a", "gone"]


def test_what_is_withdrawn_goes_and_nothing_else() -> None:
    """Waiting events up to a number leave the outbox, and nobody is told; what is under way and every mark stays."""
    gone: list[int] = []
    outbox = Outbox(gone.append)
    outbox.add(event(0))
    send_up_to(outbox, 1)
    outbox.mark("m")
    for number in range(1, 7):
        outbox.add(event(number))
    assert outbox.numbers_under_way == {0}
    outbox.withdraw(3)
    assert (outbox.depth, gone) == (4, [])
    outbox.disconnected(blame=False)
    assert take_all(outbox) == ["0", "4", "5", "6", "m"]
    assert (outbox.depth, outbox.depth_bytes, gone) == (0, 0, [0, 4, 5, 6])
    assert outbox.is_empty


def test_withdrawn_events_leave_nothing_behind() -> None:
    """Behind a mark that cannot leave, tens of thousands of withdrawn events take no room."""
    outbox = Outbox()
    outbox.mark("m")
    for number in range(50_000):
        outbox.add(event(number))
        outbox.withdraw(number - 3)
    assert len(outbox._events) == 3
    assert take_all(outbox) == ["49997", "49998", "49999", "m"]


def test_suspects_go_alone_until_they_are_cleared() -> None:
    """What was under way at a loss goes one by one, so that the next loss names the culprit."""
    outbox = Outbox()
    for number in range(10):
        outbox.add(event(number))
    send_up_to(outbox, 3)
    assert outbox.disconnected(blame=True) is None
    for _ in range(3):
        assert len(send_up_to(outbox, 1000)) == 1
        outbox.acknowledged(1)
    assert len(send_up_to(outbox, 1000)) == 7


def test_the_third_connection_is_the_last_a_message_costs() -> None:
    """The culprit is let go of, and those sent with it at first are not."""
    outbox = Outbox()
    for number in range(3):
        outbox.add(event(number))
    culprits = []
    for _ in range(ATTEMPTS):
        send_up_to(outbox, 1000)
        culprits.append(outbox.disconnected(blame=True))
    assert culprits[:-1] == [None, None]
    assert culprits[-1] is not None
    assert culprits[-1].payload == b"0"
    assert take_all(outbox) == ["1", "2"]


def test_a_mark_is_set_aside_until_its_content_changes() -> None:
    """A retained topic that cost three connections is left out of the births and tried again when refreshed."""
    outbox = Outbox()
    for _ in range(ATTEMPTS):
        outbox.connected(["bad", "good"])
        send_up_to(outbox, 1000)
        culprit = outbox.disconnected(blame=True)
    assert culprit is not None
    assert culprit.topic == "bad"
    outbox.connected(["bad", "good"])
    assert take_all(outbox) == ["good"]
    outbox.mark("bad")
    assert take_all(outbox) == ["bad"]


class Flow:
    """An outbox, and the broker it delivers to."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.added = 0
        self.delivered: list[int] = []
        self._identifiers: list[int] = []
        self._latest = 0

    def add(self) -> None:
        """One more event."""
        self.outbox.add(event(self.added))
        self.added += 1

    def mark(self) -> None:
        """One more mark."""
        self.outbox.mark("m")

    def send(self) -> None:
        """Send what may be sent; it all arrives."""
        while (entry := self.outbox.take(WINDOW)) is not None:
            self._latest += 1
            self.outbox.sent(self._latest, entry, 0.0)
            self._identifiers.append(self._latest)
            if entry.payload is not None:
                self.delivered.append(int(entry.payload))

    def acknowledge(self) -> None:
        """One PUBACK arrives, if one is due."""
        if self._identifiers:
            self.outbox.acknowledged(self._identifiers.pop(0))

    def lose(self) -> None:
        """The connection is lost with all PUBACKs still due, and there is a new one."""
        self._identifiers.clear()
        self.outbox.disconnected(blame=False)
        self.outbox.connected(["m"])


@given(st.lists(st.sampled_from([Flow.add, Flow.mark, Flow.send, Flow.acknowledge, Flow.lose]), max_size=80))
def test_first_deliveries_are_in_order_and_nothing_is_lost(steps: list[Callable[[Flow], None]]) -> None:
    """Whatever happens in between, events arrive first in their order, and all arrive in the end."""
    flow = Flow()
    for step in steps:
        step(flow)
    while not flow.outbox.is_empty:
        flow.send()
        flow.acknowledge()
    assert list(dict.fromkeys(flow.delivered)) == list(range(flow.added))
    assert (flow.outbox.depth, flow.outbox.depth_bytes) == (0, 0)


def test_no_event_overtakes_a_fence_nor_it_an_event() -> None:
    """The last birth is one, and what is put behind all that waits: what came before it goes before it, and so on."""
    outbox = Outbox()
    outbox.add(event(1))
    outbox.mark("a")
    outbox.mark("b", requeue=True)
    outbox.mark("c")
    outbox.add(event(2))
    outbox.connected(["birth", "online"])
    assert take_all(outbox) == ["birth", "online", "1", "a", "b", "2", "c"]


def test_either_kind_can_be_asked_for() -> None:
    """Events alone, but for what a fence wants to go first; marks alone, but for a fence behind an event."""
    outbox = Outbox()
    outbox.mark("a")
    outbox.add(event(1))
    outbox.mark("fence", requeue=True)
    outbox.mark("b")
    outbox.add(event(2))

    def taken(*, events: bool = True, marks: bool = True) -> str | None:
        entry = outbox.take(9, events=events, marks=marks)
        return None if entry is None else entry.topic if entry.payload is None else entry.payload.decode()

    assert [taken(events=False), taken(events=False)] == ["a", None]
    assert [taken(marks=False) for _ in range(4)] == ["1", "fence", "2", None]
    assert taken(events=False) == "b"


def test_suspects_of_both_kinds_go_in_the_order_they_were_sent() -> None:
    """They are sent again one by one as they were before, so that the next loss finds the culprit."""
    outbox = Outbox()
    outbox.add(event(1))
    outbox.mark("a")
    send_up_to(outbox, 5)
    outbox.add(event(2))
    outbox.disconnected(blame=True)
    assert take_all(outbox) == ["1", "a", "2"]
