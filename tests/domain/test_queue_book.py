"""Queues: what each fact does to their figures, and what is told of it."""

import pytest

from gateway.domain import facts
from gateway.domain.call import CallKey
from gateway.domain.caller import WaitingCaller, WayOut
from gateway.domain.facts import ListWanted
from gateway.domain.group import ACDGroupEvent, GroupEvent, GroupRefreshed
from gateway.domain.instant import SECOND
from gateway.domain.queue import ACDQueueEvent, CallerEvent, QueueEvent, QueueRefreshed
from gateway.domain.queues import QueueBook
from gateway.domain.session import Cause, Occasion
from tests.domain.hall import DAY, Days, Hall, events
from tests.domain.support import Desk, at, us

FLOWED_OUT = (WayOut.TIMED_OUT, WayOut.EMPTY, WayOut.KEY, WayOut.WITHDRAWN)


@pytest.fixture
def hall() -> Hall:
    """A hall with one queue, listed empty."""
    hall = Hall()
    hall.listed(0)
    return hall


def test_a_queue_that_was_never_seen_is_told_with_its_group(hall: Hall) -> None:
    """The first list brings NEW_GROUP and NEW_QUEUE, and a second one nothing."""
    assert [type(each) for each in hall.told] == [GroupEvent, QueueEvent, QueueRefreshed]
    group, queue, _ = hall.told
    assert isinstance(group, GroupEvent)
    assert isinstance(queue, QueueEvent)
    assert (group.event, group.group.name, group.group.queues) == (ACDGroupEvent.NEW_GROUP, "support", ("support",))
    assert (queue.event, queue.queue.name, queue.occasion.at) == (ACDQueueEvent.NEW_QUEUE, "support", at(0))
    assert hall.listed(1) == []


def test_a_queue_that_an_event_shows_first_is_listed() -> None:
    """A caller in a queue that nobody knew brings the queue, and the wish to see the rest of it."""
    told = Hall().join(0, "c1")
    assert [type(each) for each in told] == [GroupEvent, QueueEvent, ListWanted, CallerEvent]


def test_a_queue_that_is_gone_is_told_with_its_group(hall: Hall) -> None:
    """QUEUE_REMOVED and GROUP_REMOVED, once, and the store forgets it."""
    hall.book.take_changed()
    gone = facts.QueueGone("SUPPORT", Occasion(at(5), Cause.RESYNC))
    told = hall.apply(gone, 5)
    assert [each.event for each in told if isinstance(each, QueueEvent | GroupEvent)] == [
        ACDQueueEvent.QUEUE_REMOVED,
        ACDGroupEvent.GROUP_REMOVED,
    ]
    assert hall.book.take_changed() == {"support": None}
    assert hall.apply(gone, 6) == []


def test_a_caller_waits_until_it_leaves(hall: Hall) -> None:
    """Joining is told and counted at once; waits are exact, of those who wait and of those who left."""
    assert events(hall.join(1, "c1")) == [("JOINED", "c1", 1)]
    hall.join(4, "c2")
    queue = hall.queue()
    assert (queue.figures.total_calls_queued, queue.current_calls_queued) == (2, 2)
    assert queue.current_longest_wait_time(at(10)) == queue.longest_ever_wait_time(at(10)) == us(9)
    assert queue.figures.average_wait_time == 0
    told = hall.leave(11.25, "c1", WayOut.CONNECTED)
    assert events(told) == [("CONNECTED", "c1", 11.25)]
    assert isinstance(told[0], CallerEvent)
    assert (told[0].position, told[0].wait) == (1, us(10.25))
    queue = hall.queue()
    assert (queue.current_calls_queued, queue.figures.answered) == (1, 1)
    assert queue.figures.average_wait_time == us(10.25)
    assert queue.current_longest_wait_time(at(12)) == us(8)
    assert queue.longest_ever_wait_time(at(12)) == us(10.25)
    assert queue.longest_ever_wait_time(at(20)) == us(16)


def test_nobody_waits_for_less_than_no_time(hall: Hall) -> None:
    """A caller whose joining Asterisk dates a little after our own time has not waited yet."""
    hall.join(4, "c1")
    queue = hall.queue()
    assert queue.current_longest_wait_time(at(3.9)) == queue.longest_ever_wait_time(at(3.9)) == 0


@pytest.mark.parametrize("way", WayOut)
def test_each_way_out_counts_where_it_belongs(hall: Hall, way: WayOut) -> None:
    """Answered, abandoned or flowed out, one of them for each; every wait is in the average."""
    hall.join(0, "c1")
    hall.leave(8, "c1", way)
    figures = hall.queue().figures
    assert figures.answered == (way is WayOut.CONNECTED)
    assert figures.total_calls_abandoned == (way is WayOut.ABANDONED)
    assert figures.total_calls_flowed_out == (way in FLOWED_OUT)
    assert (figures.waits, figures.average_wait_time, figures.longest_wait_time) == (1, us(8), us(8))
    assert hall.queue().waiting == ()


@pytest.mark.parametrize("way", WayOut)
def test_final_disposition_is_known_when_the_channel_ends(hall: Hall, way: WayOut) -> None:
    """Who left by time-out or empty, and entered no further queue, counts once, when its channel is gone."""
    hall.join(0, "c1")
    hall.leave(8, "c1", way)
    assert hall.queue().figures.final_disposition == 0
    hall.gone(9, "c1")
    hall.gone(9, "c1")
    assert hall.queue().figures.final_disposition == (way in {WayOut.TIMED_OUT, WayOut.EMPTY})


def test_who_enters_a_further_queue_flowed_in_there() -> None:
    """It is queued there too; the last queue that gives it up has its final disposition, the first has none."""
    hall = Hall()
    hall.join(0, "c1")
    hall.leave(5, "c1", WayOut.TIMED_OUT)
    hall.join(5, "c1", queue="sales")
    hall.leave(9, "c1", WayOut.EMPTY, queue="sales")
    hall.gone(9, "c1")
    first, second = hall.queue().figures, hall.queue("sales").figures
    assert (first.total_calls_flowed_in, first.total_calls_flowed_out, first.final_disposition) == (0, 1, 0)
    assert (second.total_calls_queued, second.total_calls_flowed_in, second.final_disposition) == (1, 1, 1)


def test_the_same_queue_again_is_no_flow() -> None:
    """A caller whom the dial plan sends round is queued again, and comes from no other queue."""
    hall = Hall()
    for seconds in (0, 5, 10):
        hall.join(seconds, "c1")
        hall.leave(seconds + 5, "c1", WayOut.TIMED_OUT)
    hall.gone(15, "c1")
    figures = hall.queue().figures
    assert (figures.total_calls_queued, figures.total_calls_flowed_in) == (3, 0)
    assert (figures.total_calls_flowed_out, figures.final_disposition) == (3, 1)


def test_a_transferred_call_comes_from_its_queue() -> None:
    """Also one that a phone behind a Local channel transfers: another channel, of the same Linkedid."""
    hall = Hall()
    hall.join(0, "c1", linkedid="c1")
    hall.leave(5, "c1", WayOut.CONNECTED)
    hall.join(30, "c1.half", queue="sales", linkedid="c1")
    hall.join(31, "c9", queue="sales", linkedid="c9")
    assert hall.queue("sales").figures.total_calls_flowed_in == 1
    assert hall.queue().figures.total_calls_flowed_out == 0


def test_a_call_sent_into_two_queues_at_once() -> None:
    """Two channels of one Linkedid wait at once, and neither comes from the other's queue."""
    hall = Hall()
    hall.join(0, "half1", linkedid="c1")
    hall.join(0.1, "half2", queue="sales", linkedid="c1")
    assert (hall.queue().current_calls_queued, hall.queue("sales").current_calls_queued) == (1, 1)
    assert hall.queue("sales").figures.total_calls_flowed_in == 0


def test_an_ended_channel_leaves_no_trail() -> None:
    """What comes later under the same Linkedid is another call's."""
    hall = Hall()
    hall.join(0, "c1", linkedid="c1")
    hall.leave(5, "c1", WayOut.CONNECTED)
    hall.gone(6, "c1")
    hall.join(30, "c2", queue="sales", linkedid="c1")
    assert hall.queue("sales").figures.total_calls_flowed_in == 0


@pytest.mark.parametrize(("wait", "percent"), [(0, 100.0), (20, 100.0), (20.000001, 0.0)])
def test_service_level_is_what_was_answered_in_time(hall: Hall, wait: float, percent: float) -> None:
    """Answered within the threshold, its end included, of all answered; others do not count."""
    hall.join(100, "c1")
    hall.join(100, "c2")
    hall.leave(100 + wait, "c1", WayOut.CONNECTED)
    hall.leave(101, "c2", WayOut.ABANDONED)
    assert hall.queue().figures.service_level == percent


def test_service_level_has_one_decimal(hall: Hall) -> None:
    """As Asterisk's own; 0 with none answered."""
    assert hall.queue().figures.service_level == 0
    for number, wait in enumerate((1, 2, 30)):
        hall.join(100, f"c{number}")
        hall.leave(100 + wait, f"c{number}", WayOut.CONNECTED)
    assert hall.queue().figures.service_level == 66.7


def test_places_in_the_queue_are_those_that_were_told(hall: Hall) -> None:
    """Who has a higher priority joins before others; who leaves makes the others move up."""
    hall.join(1, "c1", position=1)
    hall.join(2, "c2", position=2)
    told = hall.join(3, "vip", position=1)
    assert isinstance(told[0], CallerEvent)
    assert told[0].position == 1
    assert [each.uniqueid for each in hall.queue().waiting] == ["vip", "c1", "c2"]
    assert hall.queue().current_longest_wait_time(at(5)) == us(4)
    told = hall.leave(6, "c1", WayOut.ABANDONED)
    assert isinstance(told[0], CallerEvent)
    assert told[0].position == 2
    assert hall.queue().position_of("c2") == 2


# What is told again, and what nobody saw ------------------------------------------------------------------------------


def test_a_list_tells_again_who_waits(hall: Hall) -> None:
    """A caller whom an event told is not counted again by lists, and keeps its exact time."""
    hall.join(1.5, "c1")
    assert hall.listed(11, WaitingCaller("c1", at(1))) == []
    assert hall.queue().waiting[0].joined_at == at(1.5)


def test_a_caller_whom_only_a_list_shows_joined_then(hall: Hall) -> None:
    """JOINED, found by a resync, at the time at which it joined."""
    told = hall.listed(11, WaitingCaller("c1", at(3), number="5550100"))
    assert events(told) == [("JOINED", "c1", 3)]
    assert isinstance(told[0], CallerEvent)
    assert told[0].occasion.cause is Cause.RESYNC
    assert hall.queue().figures.total_calls_queued == 1


def test_the_event_behind_its_list_tells_the_exact_time(hall: Hall) -> None:
    """A list may be ahead of the event of a joining: the event counts nothing, and its time holds."""
    hall.listed(11, WaitingCaller("c1", at(11)))
    told = hall.join(10.8, "c1")
    assert [type(each) for each in told] == [QueueRefreshed]
    assert hall.queue().figures.total_calls_queued == 1
    assert hall.queue().waiting[0].joined_at == at(10.8)


def test_whom_a_list_lacks_is_waited_for(hall: Hall) -> None:
    """The event of the leaving may come behind the list, and counts as always."""
    hall.join(1, "c1")
    hall.listed(11)
    assert hall.queue().current_calls_queued == 1
    assert events(hall.leave(10.9, "c1", WayOut.ABANDONED)) == [("ABANDONED", "c1", 10.9)]
    assert hall.time(12) == []
    assert hall.queue().figures.average_wait_time == us(9.9)


def test_who_left_unseen_is_in_no_figure_but_the_first(hall: Hall) -> None:
    """No event, only a snapshot without it: nobody knows how and when it left."""
    hall.join(1, "c1")
    hall.listed(11)
    deadline = hall.book.next_deadline()
    assert deadline == at(11.5)
    told = hall.time(11.5)
    assert [type(each) for each in told] == [QueueRefreshed]
    figures = hall.queue().figures
    assert (hall.queue().current_calls_queued, figures.total_calls_queued, figures.waits) == (0, 1, 0)


def test_a_leaving_told_very_late_counts_all_the_same(hall: Hall) -> None:
    """Also of one that was let go of, and of one whose joining nobody saw."""
    hall.join(1, "c1")
    hall.listed(11)
    hall.time(12)
    assert events(hall.leave(13, "c1", WayOut.CONNECTED, joined=1)) == [("CONNECTED", "c1", 13)]
    assert events(hall.leave(14, "c2", WayOut.ABANDONED, joined=4)) == [("ABANDONED", "c2", 14)]
    assert hall.queue().figures.wait_time == us(12 + 10)


@pytest.mark.parametrize("seconds", [9, 10, 11])
def test_what_was_told_is_not_recovered(hall: Hall, seconds: float) -> None:
    """A leaving that the log tells again, at its whole second, changes nothing; nor does an older one."""
    hall.join(1, "c1")
    hall.leave(10.4, "c1", WayOut.ABANDONED)
    assert hall.leave(seconds, "c1", WayOut.ABANDONED, cause=Cause.RECOVERED) == []
    hall.join(10.5, "c1")
    assert hall.leave(7, "c1", WayOut.ABANDONED) == []
    assert hall.queue().figures.total_calls_abandoned == 1


def test_who_left_and_came_again_unseen_waits_anew(hall: Hall) -> None:
    """A joining of one who waits already: that it had left was not seen, and counts nowhere."""
    hall.join(1, "c1")
    assert events(hall.join(30, "c1")) == [("JOINED", "c1", 30)]
    queue = hall.queue()
    assert (queue.current_calls_queued, queue.figures.total_calls_queued, queue.figures.waits) == (1, 2, 0)
    assert queue.waiting[0].joined_at == at(30)


def test_who_joins_another_queue_has_left_the_first(hall: Hall) -> None:
    """Though nobody saw it: a caller waits in one queue at a time."""
    hall.join(1, "c1")
    told = hall.join(30, "c1", queue="sales")
    assert hall.queue().waiting == ()
    assert hall.queue("sales").figures.total_calls_flowed_in == 1
    assert QueueRefreshed in [type(each) for each in told]


def test_a_channel_that_ends_waits_no_longer(hall: Hall) -> None:
    """Whatever became of the event of its leaving."""
    hall.join(1, "c1")
    assert [type(each) for each in hall.gone(5, "c1")] == [QueueRefreshed]
    assert hall.queue().waiting == ()


def test_a_list_of_channels_tells_who_is_gone(hall: Hall) -> None:
    """Who was given up and has no channel any more came to the end; of who waits the queue's list must say so."""
    for who in ("c1", "c2", "c3"):
        hall.join(1, who)
    hall.leave(3, "c1", WayOut.TIMED_OUT)
    hall.leave(3, "c2", WayOut.TIMED_OUT)
    hall.apply(facts.ChannelsListed({"c2"}, Occasion(at(5), Cause.RESYNC)), 5)
    assert hall.queue().figures.final_disposition == 1
    assert [each.uniqueid for each in hall.queue().waiting] == ["c3"]
    hall.join(6, "c2", queue="sales")
    assert hall.queue("sales").figures.total_calls_flowed_in == 1


def test_nobody_waits_across_a_restart_of_asterisk(hall: Hall) -> None:
    """Who waited then is in no figure; who joined the new Asterisk waits; who was given up came to the end."""
    hall.join(1, "c1")
    hall.join(1, "c2")
    hall.leave(3, "c2", WayOut.TIMED_OUT)
    hall.join(50, "c3")
    hall.apply(facts.AsteriskRestarted(at(40), at(120)), 60)
    queue = hall.queue()
    assert [each.uniqueid for each in queue.waiting] == ["c3"]
    assert (queue.figures.total_calls_queued, queue.figures.waits, queue.figures.final_disposition) == (3, 1, 1)


# The measurement period -----------------------------------------------------------------------------------------------


def test_the_local_day_is_the_period(hall: Hall) -> None:
    """At its end the figures begin at zero, told by a snapshot; who waits stays, with all of its wait."""
    end = hall.queue().window.end
    before = (end - at(0)) / SECOND - 60
    hall.join(before, "c1")
    hall.join(before, "c2")
    hall.leave(before + 9, "c2", WayOut.ABANDONED)
    assert hall.book.next_deadline() == end
    told = hall.time((end - at(0)) / SECOND)
    assert [type(each) for each in told] == [QueueRefreshed]
    queue = hall.queue()
    assert (queue.window.begin, queue.window.end) == (end, end + DAY)
    assert queue.figures.total_calls_queued == queue.figures.waits == 0
    assert queue.longest_ever_wait_time(end) == us(60)
    hall.leave(before + 70, "c1", WayOut.CONNECTED)
    assert (hall.queue().figures.answered, hall.queue().figures.wait_time) == (1, us(70))


def test_what_comes_late_is_of_a_period_that_is_over(hall: Hall) -> None:
    """A leaving before the end of the day that is decided after it is told, and is in no figure of the new day."""
    end = (hall.queue().window.end - at(0)) / SECOND
    hall.join(end - 5, "c1")
    hall.time(end)
    assert [name for name, _, _ in events(hall.leave(end - 0.2, "c1", WayOut.ABANDONED))] == ["ABANDONED"]
    assert (hall.queue().figures.total_calls_abandoned, hall.queue().figures.waits) == (0, 0)
    assert hall.queue().waiting == ()


def test_setting_the_period_begins_it_anew(hall: Hall) -> None:
    """The window begins at that moment, the figures at zero; the next windows follow on without a hole."""
    hall.join(1, "c1")
    hall.join(2, "c2")
    hall.leave(3, "c2", WayOut.KEY)
    told = hall.apply(facts.PeriodSet(None, "Support", 3600, Occasion(at(10))), 10)
    assert [type(each) for each in told] == [QueueRefreshed]
    queue = hall.queue()
    assert (queue.window.begin, queue.window.length) == (at(10), 3600)
    assert (queue.figures.total_calls_flowed_out, queue.current_calls_queued) == (0, 1)
    hall.time(10 + 2.5 * 3600)
    assert hall.queue().window.begin == at(10 + 2 * 3600)
    assert hall.apply(facts.PeriodSet(None, "nobody", 60, Occasion(at(11))), 11) == []
    assert hall.apply(facts.PeriodSet("Alice", None, 60, Occasion(at(11))), 11) == []


# Sessions, and a restart of the gateway -------------------------------------------------------------------------------


def test_agents_are_counted_by_state() -> None:
    """Each session of the group in the state that its events tell, until it ends."""
    desk, hall = Desk(), Hall()
    hall.listed(0)

    def follow(*outcomes: facts.Outcome) -> tuple[int, ...]:
        hall.apply(facts.TimePassed(at(0)), 0, outcomes)
        (group,) = hall.book.groups()
        assert group.sessions == hall.queue().agents
        return group.sessions

    assert follow(*desk.add(0)) == (0, 1, 0, 0)
    assert [type(each) for each in hall.told[-2:]] == [QueueRefreshed, GroupRefreshed]
    assert follow(*desk.answer(1)) == (0, 0, 1, 0)
    assert follow(*desk.end(9)) == (0, 0, 0, 1)
    assert follow(*desk.pause(10, "lunch")) == (1, 0, 0, 0)
    assert follow(*desk.remove(11)) == (0, 0, 0, 0)
    assert follow(*desk.remove(12)) == (0, 0, 0, 0)


def test_a_restart_of_the_gateway_changes_nothing() -> None:
    """What is kept is all it takes: figures, who waits, who may flow on; agents follow from the sessions."""
    desk, hall = Desk(), Hall()
    hall.listed(0)
    hall.apply(facts.TimePassed(at(0)), 0, [*desk.add(0), *desk.answer(1)])
    hall.join(1, "c1")
    hall.join(2, "c2")
    hall.leave(3, "c2", WayOut.TIMED_OUT)
    kept = hall.book.take_changed()
    assert list(kept) == ["support"]
    assert hall.book.take_changed() == {}

    book = QueueBook(Days())
    book.restore([each for each in kept.values() if each is not None], desk.handler.sessions())
    assert book.queue("support") == hall.queue()
    hall.book = book
    hall.join(4, "c2", queue="sales")
    hall.join(5, "a.1", queue="sales")
    assert hall.queue("sales").figures.total_calls_flowed_in == 2
    hall.gone(6, "c2")
    assert hall.queue().figures.final_disposition == 0
    assert book.next_deadline() == hall.queue().window.end


def test_a_restart_after_the_end_of_a_call_still_sees_where_the_caller_comes_from() -> None:
    """Who was answered, and whose channel is still there when the call is over, may flow into another queue."""
    hall = Hall()
    hall.listed(0)
    for who in ("c1", "c2", "c3"):
        hall.join(1, who)
        hall.leave(2, who, WayOut.CONNECTED)
    assert hall.book.take_answered() == {}
    for who in ("c1", "c2", "c3"):
        hall.apply(facts.CallEnded("Support", "PJSIP/1", CallKey(who, "x"), Occasion(at(9))), 9)
    hall.gone(9, "c3")
    kept = hall.book.take_answered()
    assert set(kept) == {"c1", "c2"}
    assert hall.book.take_answered() == {}

    book = QueueBook(Days())
    book.restore([hall.queue()], [], filter(None, kept.values()))
    hall.book = book
    hall.join(10, "c1", queue="sales")
    assert hall.queue("sales").figures.total_calls_flowed_in == 1
    hall.gone(11, "c2")
    assert hall.book.take_answered() == {"c1": None, "c2": None}
    hall.join(12, "c2", queue="sales")
    assert hall.queue("sales").figures.total_calls_flowed_in == 1


def test_a_list_that_was_long_on_its_way_makes_nobody_come_twice(hall: Hall) -> None:
    """Its waits are of some moment since it was asked for: who seems to have joined later may be who is known."""
    hall.join(1, "c1")
    hall.listed(9, WaitingCaller("c1", at(5)), asked=5)
    hall.leave(9.1, "c1", WayOut.CONNECTED)
    figures = hall.queue().figures
    assert (figures.total_calls_queued, figures.answered, figures.wait_time) == (1, 1, us(8.1))


def test_a_caller_who_came_again_unseen_is_counted_again(hall: Hall) -> None:
    """Where the list came at once, its wait is too short for who was known to wait."""
    hall.join(1, "c1")
    hall.listed(9, WaitingCaller("c1", at(8)), asked=8.9)
    assert hall.queue().figures.total_calls_queued == 2
