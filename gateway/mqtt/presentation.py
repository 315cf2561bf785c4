"""How the session model fills the messages of the contract."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from gateway.domain.call import Call
from gateway.domain.facts import CallRecord
from gateway.domain.instant import SECOND
from gateway.domain.session import AgentSession, SessionEvent
from gateway.mqtt.payloads import (
    CONTRACT,
    AsteriskMemberPayload,
    CallRecordPayload,
    CurrentCallPayload,
    GapPayload,
    PreviousPayload,
    SessionEventPayload,
    SessionPayload,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Wall = Callable[[int], int]
"""Turns an instant into a time of day, microseconds since the epoch."""


def time_of_day(wall: int) -> str:
    """Microseconds since the epoch as RFC 3339, rounded to milliseconds."""
    second, millisecond = divmod((wall + 500) // 1000, 1000)
    return f"{_whole_second(second)}.{millisecond:03d}Z"


@lru_cache(maxsize=4096)  # most are told again and again, with every snapshot that has them
def _whole_second(second: int) -> str:
    return f"{_EPOCH + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}"


def seconds(duration: float) -> float:
    """Microseconds as seconds, rounded to milliseconds."""
    return round(duration / SECOND, 3) if duration else 0.0


def _seconds_or_none(duration: int | None) -> float | None:
    return None if duration is None else seconds(duration)


class Presentation:
    """Fills the models from the session model.

    Args:
        node: The node's name.
        stream: The stream's UUID.
        wall: Turns instants into times of day.
        publish_caller_id: Whether caller numbers and names may be told.

    Attributes:
        node: The node's name.
        stream: The stream's UUID.
        publish_caller_id: Whether caller numbers and names may be told.
    """

    def __init__(self, *, node: str, stream: str, wall: Wall, publish_caller_id: bool) -> None:
        self.node = node
        self.stream = stream
        self._wall = wall
        self.publish_caller_id = publish_caller_id

    def session(self, session: AgentSession, *, seq: int | None, now: int) -> SessionPayload:
        """The session as of *now*, an instant; *seq* of the last event it includes."""
        figures, member = session.figures, session.member
        pending = session.pending_state
        return SessionPayload(
            contract=CONTRACT,
            stream=self.stream,
            seq=seq,
            node=self.node,
            as_of=self.at(now),
            session_id=session.session_id,
            agent=session.agent,
            group=session.group,
            address=session.address,
            state=session.state.name,
            state_value=session.state.value,
            state_since=self.at(session.state_since),
            reason=session.reason,
            pending_state=None if pending is None else pending.name,
            session_start_time=self.at(session.start_time),
            session_end_time=self._at_or_none(session.end_time),
            session_duration=seconds(session.duration(now)),
            number_of_calls=figures.number_of_calls,
            total_talk_time=seconds(figures.total_talk_time),
            average_talk_time=seconds(figures.average_talk_time),
            total_wrap_up_time=seconds(figures.total_wrap_up_time),
            average_wrap_up_time=seconds(figures.average_wrap_up_time),
            total_call_time=seconds(figures.total_call_time),
            average_call_time=seconds(figures.average_call_time),
            average_time_to_answer=seconds(figures.average_time_to_answer),
            longest_time_to_answer=seconds(figures.longest_time_to_answer),
            acd_call_rate=session.acd_call_rate(now),
            complete=session.complete,
            gaps=[GapPayload(from_=self.at(gap.begin), to=self.at(gap.end), why=gap.why) for gap in session.gaps],
            current_call=self._current_call(session.calls[0]) if session.calls else None,
            asterisk=AsteriskMemberPayload(
                membership=member.membership,
                state_interface=member.state_interface,
                penalty=member.penalty,
                paused=member.paused,
                paused_reason=member.paused_reason,
                device_state=member.device_state.name,
                available=session.available(now),
                wrap_up_limit=_seconds_or_none(session.wrap_up_limit),
                calls_missed=figures.calls_missed,
                average_ring_time=seconds(figures.average_ring_time),
                longest_ring_time=seconds(figures.longest_ring_time),
            ),
        )

    def session_event(self, event: SessionEvent, *, seq: int, previous_seq: int | None) -> SessionEventPayload:
        """A session event; the session in it is as of the event."""
        at, previous = event.occasion.at, event.previous
        return SessionEventPayload(
            stream=self.stream,
            seq=seq,
            previous_seq=previous_seq,
            event="UPDATE" if event.event is None else event.event.name,
            event_value=None if event.event is None else event.event.value,
            at=self.at(at),
            cause=event.occasion.cause.value,
            command_id=event.occasion.command_id,
            previous=None
            if previous is None
            else PreviousPayload(state=previous.state.name, since=self.at(previous.since), reason=previous.reason),
            session=self.session(event.session, seq=seq, now=at),
        )

    def call_record(self, record: CallRecord, *, seq: int, previous_seq: int | None) -> CallRecordPayload:
        """A call record."""
        session, call = record.session, record.call
        return CallRecordPayload(
            stream=self.stream,
            seq=seq,
            previous_seq=previous_seq,
            node=self.node,
            group=session.group,
            agent=session.agent,
            address=session.address,
            session_id=session.session_id,
            uniqueid=call.key.uniqueid,
            linkedid=call.linkedid,
            caller_number=call.caller_number if self.publish_caller_id else None,
            caller_name=call.caller_name if self.publish_caller_id else None,
            queued_at=self._at_or_none(call.queued_at),
            offered_at=self._at_or_none(call.offered_at),
            answered_at=self._at_or_none(call.answered_at),
            ended_at=self.at(record.ended_at),
            time_to_answer=_seconds_or_none(call.time_to_answer),
            ring_time=_seconds_or_none(call.ring_time),
            talk_time=_seconds_or_none(record.talk_time),
            ended_by=None if record.ended_by is None else record.ended_by.value,
            transferred_to=record.transferred_to,
            cause=record.occasion.cause.value,
        )

    def at(self, instant: int) -> str:
        """An instant as a time of day."""
        return time_of_day(self._wall(instant))

    def _at_or_none(self, instant: int | None) -> str | None:
        return None if instant is None else self.at(instant)

    def _current_call(self, call: Call) -> CurrentCallPayload:
        return CurrentCallPayload(
            uniqueid=call.key.uniqueid,
            linkedid=call.linkedid,
            caller_number=call.caller_number if self.publish_caller_id else None,
            caller_name=call.caller_name if self.publish_caller_id else None,
            answered_at=self._at_or_none(call.answered_at),
            time_to_answer=_seconds_or_none(call.time_to_answer),
            ring_time=_seconds_or_none(call.ring_time),
        )
