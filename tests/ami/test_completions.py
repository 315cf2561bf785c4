"""Which call an AgentComplete belongs to."""

from collections.abc import Mapping

import pytest

from gateway.ami.completions import Completion, TrackedCall, completion, match
from gateway.domain.call import Call, CallKey, EndedBy
from gateway.domain.instant import SECOND

FULL = {
    "queue": "support",
    "interface": "PJSIP/1001",
    "uniqueid": "c",
    "destuniqueid": "p",
    "talktime": "30",
    "holdtime": "7",
    "reason": "agent",
}


def call(
    caller: str, leg: str, *, answered: int | None = 0, ended: int | None = None, complete: bool = False
) -> TrackedCall:
    """A call answered and ended at these seconds."""
    key = CallKey(caller, leg)
    answered_at = None if answered is None else answered * SECOND
    tracked = TrackedCall("support", "PJSIP/1001", Call(key, answered_at=answered_at), leg, {leg}, dests={leg})
    tracked.ended_at = None if ended is None else ended * SECOND
    tracked.completion = said() if complete else None
    return tracked


def said(seconds: int = 30, **changes: str) -> Completion:
    """An AgentComplete at these seconds, with these headers instead of its own; ``""`` takes one away."""
    fields: Mapping[str, str] = {key: value for key, value in (FULL | changes).items() if value}
    return completion(fields, seconds * SECOND)


def test_what_a_completion_says() -> None:
    """Channels, reason and whole seconds as microseconds; when the call was answered follows."""
    full = said(40)
    assert (full.uniqueid, full.dest_uniqueid, full.ended_by) == ("c", "p", EndedBy.AGENT)
    assert (full.talk_time, full.hold_time, full.answered_at) == (30 * SECOND, 7 * SECOND, 10 * SECOND)


def test_what_a_completion_leaves_out() -> None:
    """Missing blocks and times, and a reason that nobody knows, are None."""
    bare = said(uniqueid="", destuniqueid="", talktime="", holdtime="", reason="astonishment")
    assert (bare.uniqueid, bare.dest_uniqueid, bare.ended_by) == ("", "", None)
    assert (bare.talk_time, bare.hold_time, bare.answered_at) == (None, None, None)


@pytest.mark.parametrize(("reason", "by"), [("caller", "caller"), ("agent", "agent"), ("transfer", "transfer")])
def test_reasons(reason: str, by: str) -> None:
    """Asterisk's three reasons are three of the four ways to end."""
    ended_by = said(reason=reason).ended_by
    assert ended_by is not None
    assert ended_by.value == by


def test_by_the_agents_channel_first() -> None:
    """Also where another open call has the same caller, and if the caller named is unknown."""
    older, newer = call("c", "p", ended=10), call("c", "q")
    assert match(said(destuniqueid="q"), [older, newer]) is newer
    assert match(said(destuniqueid="q", uniqueid="consultation"), [older, newer]) is newer


def test_by_a_channel_that_took_the_place_of_the_agents() -> None:
    """After an optimisation the completion names the phone's channel."""
    tracked = call("c", "L1")
    tracked.dests.add("p")
    assert match(said(uniqueid=""), [call("d", "x"), tracked]) is tracked


def test_by_the_caller_next_ended_calls_the_oldest_first() -> None:
    """Without the agent's channel, or with one that is unknown."""
    open_, young, old = call("c", "p3"), call("c", "p2", ended=20), call("c", "p1", ended=10)
    for leg in ("", "unknown"):
        assert match(said(destuniqueid=leg), [open_, young, old]) is old
        assert match(said(destuniqueid=leg), [open_, young]) is young
        assert match(said(destuniqueid=leg), [open_]) is open_


def test_the_same_completion_again_belongs_to_nobody() -> None:
    """Asterisk may complete one call twice in a millisecond; the first word counts."""
    done = call("c", "p", ended=10, complete=True)
    other = call("d", "q", ended=11)
    assert match(said(), [done, other]) is None
    assert match(said(destuniqueid=""), [done, other]) is None
    assert match(said(uniqueid=""), [done, other]) is None


def test_one_that_names_no_channel_belongs_to_the_call_answered_when_it_says() -> None:
    """Within two seconds either way; of two such calls the one that ended first."""
    nameless = said(30, uniqueid="", destuniqueid="", talktime="20")
    for answered, found in ((8, True), (12, True), (7, False), (13, False)):
        tracked = call("c", "p", answered=answered, ended=29)
        assert (match(nameless, [tracked]) is tracked) == found
    first, second = call("c", "p", answered=9, ended=28), call("d", "q", answered=11, ended=29)
    assert match(nameless, [second, first]) is first
    found_open = call("e", "r", answered=None)
    assert match(nameless, [found_open]) is found_open


def test_one_whose_channels_are_unknown_is_taken_by_its_time_too() -> None:
    """A caller's channel may have been exchanged for another meanwhile."""
    strange = said(30, uniqueid="exchanged", destuniqueid="", talktime="20")
    near, far = call("c", "p", answered=10, ended=29), call("d", "q", answered=20)
    assert match(strange, [near, far]) is near
    assert match(strange, [far]) is None


def test_one_without_anything_to_go_by_belongs_to_nobody() -> None:
    """Neither channels nor a talk time: it is passed over."""
    assert match(said(uniqueid="", destuniqueid="", talktime=""), [call("c", "p")]) is None
    assert match(said(), []) is None
