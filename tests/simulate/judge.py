"""Holds what the gateway tells against the simulator's own books: every figure of every session, agent and queue."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from gateway.mqtt.agent_payloads import AgentPayload
from gateway.mqtt.payloads import SessionPayload
from gateway.mqtt.queue_payloads import QueuePayload
from gateway.simulate.agenda import SECOND
from gateway.simulate.queues import SERVICE_LEVEL
from gateway.simulate.truth import NEAR, QueueTruth, SessionTruth, Truth

PER_CALL: Final = 0.0005
"""Seconds: the events of one act are told within half a millisecond, and figures are rounded to one."""

Key = tuple[str, str, str]


def last(sessions: list[SessionTruth]) -> dict[Key, SessionTruth]:
    """The newest session of each membership: the one that its topic tells of."""
    return {(each.queue, each.agent, each.address): each for each in sessions}


def every(sessions: Iterable[SessionTruth]) -> dict[Key, list[SessionTruth]]:
    """All sessions of each membership, in the order of their beginnings."""
    found: dict[Key, list[SessionTruth]] = defaultdict(list)
    for each in sessions:
        found[each.queue, each.agent, each.address].append(each)
    return found


def of_sessions(told: Iterable[SessionPayload], truth: Truth, *, late: int = NEAR) -> list[str]:
    """What is wrong with the last word on each session, those that ended included; *late* as of `of_session`."""
    mine: dict[Key, list[SessionPayload]] = defaultdict(list)
    for session in told:
        mine[session.group, session.agent, session.address].append(session)
    wrong = []
    known = every(truth.sessions)
    for key in sorted(known.keys() | mine.keys()):
        sessions = sorted(mine.get(key, ()), key=lambda each: each.session_start_time)
        if len(sessions) != len(known.get(key, ())):
            wrong.append(f"{key}: {len(sessions)} sessions for {len(known.get(key, ()))}")
            continue
        for session, is_so in zip(sessions, known.get(key, ()), strict=True):
            wrong += [f"{key} {each}" for each in of_session(session, is_so, late=late)]
    return wrong


def of_session(told: SessionPayload, known: SessionTruth, *, late: int = NEAR) -> Iterator[str]:
    """What is wrong with one session.

    *late*: microseconds by which what happened was told late at most: a wrap-up that was cut short less before its
    limit may have been ended by the limit.
    """
    rounded = PER_CALL * (known.calls + 1)
    calls, talk, wait = known.calls, known.talk / SECOND, known.wait / SECOND
    wrap_up, over = known.wrap_up / SECOND, known.nearly(late) / SECOND
    start, end = _seconds(told.session_start_time), _seconds(told.session_end_time or told.as_of)
    hours = (end - start) / 3600
    exact: dict[str, tuple[float, float, float]] = {
        "number_of_calls": (told.number_of_calls, calls, 0),
        "total_talk_time": (told.total_talk_time, talk, rounded),
        "average_talk_time": (told.average_talk_time, talk / max(1, calls), 2 * PER_CALL),
        "longest_time_to_answer": (told.longest_time_to_answer, known.longest_wait / SECOND, 2 * PER_CALL),
        "average_time_to_answer": (told.average_time_to_answer, wait / max(1, calls), 2 * PER_CALL),
        "calls_missed": (told.asterisk.calls_missed, known.missed, 0),
        "session_duration": (told.session_duration, end - start, 4 * PER_CALL),
        "complete": (told.complete, True, 0),
    }
    if hours > 0.01:  # else a millisecond shows in the fourth decimal
        exact["acd_call_rate"] = (told.acd_call_rate, calls / hours, 0.0001 + 0.001 / 3600 / hours * calls / hours)
    if known.ended is not None:
        exact["session_end_time"] = (end, known.ended / SECOND, 2 * PER_CALL)
    yield from _unequal(exact)
    # One that was there before the gateway began with the whole second that its LoginTime says.
    if not -1.001 < start - known.began / SECOND < 2 * PER_CALL:
        yield f"session_start_time: {start} for {known.began / SECOND}"
    if (known.ended is None) is not (told.session_end_time is None):
        yield f"session_end_time: {told.session_end_time} for {known.ended}"
    yield from _between("total_wrap_up_time", told.total_wrap_up_time, wrap_up, over, rounded)
    yield from _between("total_call_time", told.total_call_time, talk + wrap_up, over, 2 * rounded)
    averages = {
        "average_wrap_up_time": (told.average_wrap_up_time, told.total_wrap_up_time),
        "average_call_time": (told.average_call_time, told.total_call_time),
    }
    yield from _unequal(
        {name: (average, total / max(1, calls), 2 * PER_CALL) for name, (average, total) in averages.items()}
    )


def of_agents(told: Iterable[AgentPayload], truth: Truth, *, since: int, late: int = NEAR) -> list[str]:
    """What is wrong with agents whose measurement period has all of their sessions.

    Args:
        told: The last word on each.
        truth: The books.
        since: Microseconds since 1970: of sessions that were there before, only the whole second of the login was told.
        late: As of ``of_session``.
    """
    sessions: dict[str, list[SessionTruth]] = defaultdict(list)
    for each in truth.sessions:
        sessions[each.agent].append(each)
    agents = {agent.agent: agent for agent in told}
    wrong = [f"{name}: not known" for name in sessions.keys() - agents.keys()]
    for name, agent in agents.items():
        mine = sessions[name]
        calls, talk = sum(each.calls for each in mine), sum(each.talk for each in mine) / SECOND
        wrap_up, over = sum(each.wrap_up for each in mine) / SECOND, sum(each.nearly(late) for each in mine) / SECOND
        rounded = PER_CALL * (calls + 1)
        least, most = _agent_hour(mine, since=since, until=round(_seconds(agent.as_of) * SECOND))
        exact = {
            "number_of_acd_calls": (agent.number_of_acd_calls, calls, 0),
            "number_of_incoming_calls": (agent.number_of_incoming_calls, 0, 0),
            "number_of_outgoing_calls": (agent.number_of_outgoing_calls, 0, 0),
            "total_acd_talk_time": (agent.total_acd_talk_time, talk, rounded),
            "complete": (agent.complete, True, 0),
            "sessions": (len(agent.sessions), sum(each.ended is None for each in mine), 0),
        }
        wrong += [f"{name} {each}" for each in _unequal(exact)]
        wrong += [
            f"{name} {each}"
            for each in (
                *_between("total_wrap_up_time", agent.total_wrap_up_time, wrap_up, over, rounded),
                *_between("total_acd_call_time", agent.total_acd_call_time, talk + wrap_up, over, 2 * rounded),
            )
        ]
        if least > 1:  # below a second there is no rate
            rate = calls * 3600 / most
            apart = calls * 3600 / least - rate
            wrong += [
                f"{name} {each}" for each in _between("overall_call_rate", agent.overall_call_rate, rate, apart, 0.0001)
            ]
    return wrong


def _agent_hour(sessions: Sequence[SessionTruth], *, since: int, until: int) -> tuple[float, float]:
    """Seconds with a session that was not NOT_READY: at least, and at most, for whoever sees it since *since*."""
    times = sorted(time for session in sessions for time in session.active(until))
    before = 1.001 if any(session.began < since for session in sessions) else 0.0
    rounded = 2 * PER_CALL * (2 * len(times) + 1)
    seen = [(max(begin, since), end) for begin, end in times if end > since]
    return _union(seen) / SECOND - rounded, _union(times) / SECOND + before + rounded


def _union(times: Iterable[tuple[int, int]]) -> int:
    """How long it was in any of them, which are sorted."""
    total = reached = 0
    for begin, end in times:
        total += max(0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def of_queues(told: Iterable[QueuePayload], truth: Truth) -> list[str]:
    """What is wrong with queues whose measurement period has all of their callers, who have all left."""
    return [f"{queue.queue} {wrong}" for queue in told for wrong in of_queue(queue, truth.queues[queue.queue])]


def of_queue(told: QueuePayload, known: QueueTruth) -> list[str]:
    """What is wrong with one queue."""
    left = known.answered + known.abandoned + known.timed_out
    percent = 100 * known.in_time / known.answered if known.answered else 0.0
    return _unequal(
        {
            "answered": (told.answered, known.answered, 0),
            "total_calls_abandoned": (told.total_calls_abandoned, known.abandoned, 0),
            "total_calls_queued": (told.total_calls_queued, known.joined, 0),
            "total_calls_flowed_in": (told.total_calls_flowed_in, known.flowed_in, 0),
            "total_calls_flowed_out": (told.total_calls_flowed_out, known.timed_out, 0),
            "final_disposition": (told.final_disposition, known.timed_out, 0),
            "current_calls_queued": (told.current_calls_queued, 0, 0),
            "current_longest_wait_time": (told.current_longest_wait_time, 0, 0),
            "longest_ever_wait_time": (told.longest_ever_wait_time, known.longest_wait / SECOND, 2 * PER_CALL),
            "average_wait_time": (told.average_wait_time, known.waited / SECOND / max(1, left), 2 * PER_CALL),
            "answered_in_time": (told.service_level.answered_in_time, known.in_time, 0),
            "threshold": (told.service_level.threshold or 0, SERVICE_LEVEL, 0),
            "service_level": (told.service_level.percent, percent, 0.051),
        }
    )


def of_metrics(samples: Mapping[str, float], truth: Truth) -> list[str]:
    """What is wrong with the counters of queues on ``/metrics``."""
    wrong = []
    for name, known in truth.queues.items():
        counters = {
            "calls_queued": known.joined,
            "calls_answered": known.answered,
            "calls_answered_in_time": known.in_time,
            "calls_abandoned": known.abandoned,
            "calls_flowed_in": known.flowed_in,
            "calls_flowed_out": known.timed_out,
            "calls_handled": sum(each.calls for each in truth.sessions if each.queue == name),
            "calls_missed": sum(each.missed for each in truth.sessions if each.queue == name),
        }
        told = {each: samples.get(f'cti_queue_{each}_total{{queue="{name}"}}', -1.0) for each in counters}
        wrong += [f"{name} {each}" for each in _unequal({key: (told[key], counters[key], 0) for key in counters})]
    return wrong


def _unequal(figures: Mapping[str, tuple[float, float, float]]) -> list[str]:
    """Those that are not as they should be: told, true, and how much they may differ."""
    return [
        f"{name}: {told} for {is_so}" for name, (told, is_so, apart) in figures.items() if abs(told - is_so) > apart
    ]


def _between(name: str, told: float, least: float, over: float, rounded: float) -> Iterator[str]:
    if not least - rounded <= told <= least + over + rounded:
        yield f"{name}: {told} for {least} to {least + over}"


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
