"""What is over goes into the store: sessions, their calls, and the time not ready or wrapping up."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gateway.domain.facts import CallRecord, Fact, Outcome
from gateway.domain.instant import HOUR
from gateway.domain.session import AgentSession, SessionEvent
from gateway.domain.state import AgentSessionState
from gateway.store.contents import Batch, Saved
from gateway.store.ended import Archive, ArchivedCall, ArchivedSession, Spell

FORGET_EVERY: Final = 5 * HOUR // 60
"""Microseconds between two goes at what is too old."""

_NOT_READY: Final = AgentSessionState.NOT_READY
_WRAPUP: Final = AgentSessionState.BUSY_WRAPUP


class Archivist:
    """A book of the call center that tells nothing, and a part of what is kept.

    Args:
        wall: Turns an instant into a time of day.
        keep: Microseconds for which what is over is kept; 0: nothing is.
    """

    def __init__(self, wall: Callable[[int], int], *, keep: int) -> None:
        self._wall = wall
        self._keep = keep
        self._not_ready: dict[str, tuple[int, str | None]] = {}
        self._archive = Archive()
        self._latest = self._forgot_at = 0

    def apply(self, _fact: Fact, sessions: Sequence[Outcome], at: int) -> list[Outcome]:
        """Note what a fact ended; there is nothing to tell."""
        self._latest = max(self._latest, at)
        if self._keep:
            for each in sessions:
                if isinstance(each, SessionEvent):
                    self._note_event(each)
                elif isinstance(each, CallRecord):
                    self._note_call(each)
        return []

    def next_deadline(self) -> None:
        """Time alone ends nothing here."""
        return

    def collect(self, batch: Batch) -> None:
        """Hand over what is over since the last time; now and then, also that something may be forgotten."""
        if self._latest >= self._forgot_at + FORGET_EVERY:
            self._forgot_at = self._latest
            self._archive.forget_before = self._wall(self._latest) - self._keep
        if self._archive:
            _add(batch.archive, self._archive)
            self._archive = Archive()

    def restore(self, saved: Saved) -> None:
        """Go on with the sessions that are not ready."""
        self._restore(saved.sessions)

    def _restore(self, sessions: Iterable[AgentSession]) -> None:
        for session in sessions:
            if session.state is _NOT_READY:
                self._not_ready[session.session_id] = (not_ready_since(session), session.reason)

    def _note_event(self, event: SessionEvent) -> None:
        session, at, previous = event.session, event.occasion.at, event.previous
        if previous is not None and previous.state is _WRAPUP and session.state is not _WRAPUP:
            self._spell(session, _WRAPUP, previous.since, at, None)
        known = self._not_ready.get(session.session_id)
        if session.state is _NOT_READY:
            if known is None or known[1] != session.reason:
                self._not_ready[session.session_id] = (at, session.reason)
        elif known is not None:
            del self._not_ready[session.session_id]
        if known is not None and (session.state is not _NOT_READY or known[1] != session.reason):
            self._spell(session, _NOT_READY, known[0], at, known[1])
        if session.end_time is not None:
            self._archive.sessions[session.session_id] = self._ended(session, session.end_time)

    def _spell(self, session: AgentSession, state: AgentSessionState, begin: int, end: int, reason: str | None) -> None:
        if end > begin:
            spell = Spell(session.session_id, state.value, self._wall(begin), self._wall(end), reason)
            self._archive.spells.append(spell)

    def _ended(self, session: AgentSession, end: int) -> ArchivedSession:
        return ArchivedSession(
            session.session_id,
            session.agent,
            session.group,
            session.address,
            self._wall(session.start_time),
            self._wall(session.first_seen),
            self._wall(end),
            session.unseen_time(end),
            session.figures,
            session.time_in_state,
        )

    def _note_call(self, record: CallRecord) -> None:
        call = record.call
        began = call.found_at if call.answered_at is None else call.answered_at
        self._archive.calls.append(
            ArchivedCall(
                record.session.session_id,
                call.key.uniqueid,
                call.key.dest_uniqueid,
                self._wall(record.ended_at if began is None else min(began, record.ended_at)),
                self._wall(record.ended_at),
                record.talk_time,
                call.time_to_answer,
                call.ring_time,
            )
        )


def not_ready_since(session: AgentSession) -> int:
    """Since when a session that is NOT_READY has been so for its reason, as far as it tells by itself.

    Another reason of before, if there was one, has its own end in the archive, and that is later then.
    """
    return max(session.state_since, session.paused_since) if session.member.paused else session.state_since


def _add(to: Archive, more: Archive) -> None:
    to.sessions.update(more.sessions)
    to.spells += more.spells
    to.calls += more.calls
    to.forget_before = more.forget_before or to.forget_before
