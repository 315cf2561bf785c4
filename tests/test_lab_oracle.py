"""Promises of the oracle: small histories told by hand, whose right figures can be counted on fingers."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from tests.lab import callcentre, tap
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.oracle import Judgement, OracleError, Session, judge
from tests.lab.tap import Tap
from tests.lab.wire import Message

EPOCH = 1_795_000_000
PHONE = "Local/a1@agents/n"
History = list[Message | list[Message]]
MEMBER = {"Queue": "support", "Interface": PHONE, "MemberName": "Alice"}


def event(name: str, at: float, **headers: str) -> Message:
    """An event of so many seconds after the beginning."""
    return Message({"Event": name, "Timestamp": f"{EPOCH + at:.6f}", **headers})


def login(at: float) -> Message:
    """Alice logs in."""
    return event("QueueMemberAdded", at, **MEMBER, Paused="0", PausedReason="", Status="1")


def logout(at: float) -> Message:
    """Alice logs out."""
    return event("QueueMemberRemoved", at, **MEMBER)


def pause(at: float, reason: str = "") -> Message:
    """Alice is paused."""
    return event("QueueMemberPause", at, **MEMBER, Paused="1", PausedReason=reason)


def unpause(at: float) -> Message:
    """Alice is not paused any more."""
    return event("QueueMemberPause", at, **MEMBER, Paused="0", PausedReason="")


def answer(at: float, call: str, *, joined: float) -> list[Message]:
    """Alice answers a caller who joined before; the call's number names its channels."""
    caller, leg = f"{call}.1", f"{call}.2"
    return [
        event("QueueCallerJoin", joined, Queue="support", Uniqueid=caller),
        event("AgentCalled", at - 0.5, **MEMBER, Uniqueid=caller, DestUniqueid=leg),
        event("AgentConnect", at, **MEMBER, Uniqueid=caller, DestUniqueid=leg),
        event("BridgeEnter", at, BridgeUniqueid=call, Uniqueid=leg),
        event("BridgeEnter", at, BridgeUniqueid=call, Uniqueid=caller),
    ]


def hang_up(at: float, call: str) -> list[Message]:
    """Alice hangs up."""
    caller, leg = f"{call}.1", f"{call}.2"
    return [
        event("AgentComplete", at, **MEMBER, Uniqueid=caller, DestUniqueid=leg, Reason="agent"),
        event("BridgeLeave", at, BridgeUniqueid=call, Uniqueid=leg),
        event("BridgeLeave", at + 0.001, BridgeUniqueid=call, Uniqueid=caller),
        event("Hangup", at + 0.002, Uniqueid=leg),
    ]


def log_of(events: Sequence[Message]) -> str:
    """The queue_log that Asterisk would have written."""
    lines = []
    for one in events:
        second, caller = one.time // 1_000_000, one.get("Uniqueid", "NONE")
        pausing = "PAUSE" if one.get("Paused") == "1" else "UNPAUSE"
        talk = next((one.time - a.time for a in events if a.event == "AgentConnect" and a["Uniqueid"] == caller), 0)
        ends = {
            "QueueCallerJoin": f"{caller}|support|NONE|ENTERQUEUE||100|1",
            "QueueMemberAdded": f"MANAGER|support|{PHONE}|ADDMEMBER|",
            "QueueMemberRemoved": f"MANAGER|support|{PHONE}|REMOVEMEMBER|",
            "QueueMemberPause": f"NONE|support|Alice|{pausing}|",
            "AgentConnect": f"{caller}|support|Alice|CONNECT|1|{one.get('DestUniqueid')}|0",
            "AgentComplete": f"{caller}|support|Alice|COMPLETEAGENT|1|{talk // 1_000_000}|1",
            "AgentRingNoAnswer": f"{caller}|support|Alice|RINGNOANSWER|{one.get('RingTime')}",
        }
        if one.event in ends:
            lines.append(f"{second}|{ends[one.event]}")
    return "\n".join(lines)


def judged(*parts: Message | list[Message], until: float, wrap_up: int = 3) -> Judgement:
    """The judgement on a history, in the order of its times."""
    events = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    events.sort(key=lambda one: one.time)
    told = [one for one in events if one.event != tap.LOST]
    return judge(events, log_of(told), {"support": wrap_up}, until=round((EPOCH + until) * 1_000_000))


def steps(session: Session) -> list[tuple[str, float]]:
    """States with seconds after the beginning."""
    return [(step.state, (step.at - EPOCH * 1_000_000) / 1_000_000) for step in session.steps]


def test_a_call_is_followed_by_its_wrap_up() -> None:
    """Talk, wrap-up, time to answer and rate are what the event times say, and the times in states are all the time."""
    (session,) = judged(login(0), answer(10, "c", joined=8), hang_up(14, "c"), until=100).sessions
    assert steps(session) == [("READY", 0), ("BUSY_ON_CALL", 10), ("BUSY_WRAPUP", 14), ("READY", 17)]
    assert (session.number_of_calls, session.total_talk_time, session.total_wrap_up_time) == (1, 4_000_000, 3_000_000)
    assert (session.answer_times, session.ring_times) == ([2_000_000], [500_000])
    at = (EPOCH + 100) * 1_000_000
    assert session.call_rate(at) == pytest.approx(36)
    assert sum(session.time_in(s, at) for s in ("READY", "BUSY_ON_CALL", "BUSY_WRAPUP")) == session.duration(at)


def test_a_call_in_the_wrap_up_cuts_it() -> None:
    """READY stands between, since a call cannot follow a wrap-up in TAPI's table."""
    history: History = [answer(10, "c", joined=8), hang_up(14, "c"), answer(15, "d", joined=13), hang_up(16, "d")]
    (session,) = judged(login(0), *history, until=100).sessions
    assert steps(session)[3:5] == [("READY", 15), ("BUSY_ON_CALL", 15)]
    assert session.total_wrap_up_time == 1_000_000 + 3_000_000


@pytest.mark.parametrize(("released", "end"), [(15, 17), (30, 30)])
def test_manual_wrap_up_lasts_until_unpaused(released: float, end: float) -> None:
    """A pause for wrap-up during the call holds BUSY_WRAPUP, and never less than Asterisk's own."""
    history: History = [answer(10, "c", joined=8), pause(12, "wrapup"), hang_up(14, "c"), unpause(released)]
    (session,) = judged(login(0), *history, until=100).sessions
    assert steps(session)[2:] == [("BUSY_WRAPUP", 14), ("READY", end)]


def test_a_pause_during_the_call_waits_for_the_wrap_up() -> None:
    """Only after the wrap-up is the agent NOT_READY, for the reason given in the call."""
    history: History = [answer(10, "c", joined=8), pause(12, "lunch"), hang_up(14, "c")]
    (session,) = judged(login(0), *history, until=100).sessions
    assert steps(session)[2:] == [("BUSY_WRAPUP", 14), ("NOT_READY", 17)]
    assert session.steps[-1].reason == "lunch"


def test_a_pause_in_the_wrap_up_ends_it() -> None:
    """A new pause is NOT_READY at once."""
    (session,) = judged(login(0), answer(10, "c", joined=8), hang_up(14, "c"), pause(15, "tea"), until=100).sessions
    assert steps(session)[2:] == [("BUSY_WRAPUP", 14), ("NOT_READY", 15)]
    assert session.total_wrap_up_time == 1_000_000


def test_a_logout_in_the_call() -> None:
    """The call counts for the session it was answered in, without wrap-up; the next session is not on it."""
    history: History = [answer(10, "c", joined=8), logout(11), login(12), hang_up(14, "c")]
    first, second = judged(login(0), *history, until=100).sessions
    assert steps(first) == [("READY", 0), ("BUSY_ON_CALL", 10), ("SESSION_ENDED", 11)]
    assert (first.total_talk_time, first.total_wrap_up_time) == (4_000_000, 0)
    assert steps(second) == [("READY", 12)]


def test_an_answer_after_the_logout_is_nobodys() -> None:
    """A member logged out while it rings may answer; no session was open then."""
    judgement = judged(login(0), logout(9.8), answer(10, "c", joined=8), hang_up(14, "c"), login(20), until=100)
    assert [session.number_of_calls for session in judgement.sessions] == [0, 0]
    assert (len(judgement.calls), len(judgement.orphans)) == (0, 1)


def test_a_channel_that_comes_back_goes_on_talking() -> None:
    """Leaving a bridge and entering another within a fifth of a second does not end the talk."""
    leave = event("BridgeLeave", 12, BridgeUniqueid="c", Uniqueid="c.2")
    back = event("BridgeEnter", 12.1, BridgeUniqueid="c", Uniqueid="c.2")
    (call,) = judged(login(0), answer(10, "c", joined=8), leave, back, hang_up(14, "c"), until=100).calls
    assert call.talk == 4_000_000


def test_a_channel_left_alone_has_ended_its_talk() -> None:
    """After a fifth of a second alone the talk ended when it became so, whatever AgentComplete says later."""
    leave = event("BridgeLeave", 12, BridgeUniqueid="c", Uniqueid="c.1")
    (call,) = judged(login(0), answer(10, "c", joined=8), leave, hang_up(13, "c"), until=100).calls
    assert call.talk == 2_000_000


def test_an_early_completion_tells_nothing_of_the_talk() -> None:
    """A busy Asterisk may complete a call, and write so, seconds before its bridge ends: the talk is the bridge's."""
    _, *ends = hang_up(14, "c")
    completion = event("AgentComplete", 11.5, **MEMBER, Uniqueid="c.1", DestUniqueid="c.2", Reason="agent")
    (call,) = judged(login(0), answer(10, "c", joined=8), completion, ends, until=100).calls
    assert call.talk == 4_000_000


def test_calls_missed_are_counted() -> None:
    """Each ring without answer is one."""
    missed = [event("AgentRingNoAnswer", at, **MEMBER, Uniqueid="c.1", RingTime="5000") for at in (6, 12)]
    (session,) = judged(login(0), missed, until=100).sessions
    assert session.missed == 2


def test_a_restart_interrupts_the_call_and_not_the_session() -> None:
    """The talk ends at the last word of the old Asterisk; a member that is back goes on."""
    word = event("QueueMemberStatus", 12, **MEMBER, Status="2")
    lost = event(tap.LOST, 13)
    (session,) = judged(login(0), answer(10, "c", joined=8), word, lost, login(20), until=100).sessions
    assert [(call.ended_by, call.talk) for call in session.calls] == [("interrupted", 2_000_000)]
    assert session.ended is None


def test_a_member_that_stays_away_after_a_restart_ended_with_it() -> None:
    """Its end is the last word of the old Asterisk."""
    (session,) = judged(login(0), event(tap.LOST, 13), event(tap.OPENED, 20), until=100).sessions
    assert steps(session) == [("READY", 0), ("SESSION_ENDED", 0)]
    assert not session.exact


def test_a_log_that_says_otherwise_is_an_error() -> None:
    """The oracle judges nothing where its two sources disagree."""
    with pytest.raises(OracleError, match="ADDMEMBER: in the tap alone"):
        judge([login(0)], "", {})


def _count(recording: Tap, name: str) -> int:
    return sum(event.event == name for event in recording.events)


@pytest.mark.lab
async def test_a_random_call_centre_can_be_judged(asterisk_version: str) -> None:
    """Tap and queue_log agree on everything, every call has ended, and no second of any session is unaccounted for."""
    asterisk = Asterisk(asterisk_version, queues=callcentre.queues_conf())
    async with asterisk, Tap(asterisk) as recording, Driver(asterisk) as driver:
        centre = callcentre.CallCentre(driver, seed=3, rate=1.7)
        await centre.run(7)
        # AgentComplete may come behind the hang-up of the last channel, and behind a list that was asked for then.
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while _count(recording, "AgentComplete") < _count(recording, "AgentConnect"):
                    await recording.snapshot()
        await recording.snapshot()
        judgement = judge(recording.events, asterisk.queue_log.read_text("utf-8"), callcentre.WRAP_UP)
    assert centre.done["calls"] >= 5
    assert len(judgement.calls) + judgement.abandoned >= centre.done["calls"]
    assert all(call.ended is not None for call in judgement.calls)
    for session in judgement.sessions:
        states = {step.state for step in session.steps}
        assert sum(session.time_in(state, judgement.until) for state in states - {"SESSION_ENDED"}) == session.duration(
            judgement.until
        )
