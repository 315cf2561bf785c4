"""How a session goes on: each function takes a session and a fact, and returns the next session and what to tell.

Every function is an assignment: a fact told again changes nothing and tells nothing. A fact is told with the instant
at which it happened; one that is older than the session's last event counts exactly, and is told as of that event.
"""

from dataclasses import replace

from gateway.domain.call import Call, CallKey
from gateway.domain.member import Member
from gateway.domain.session import (
    REMEMBERED,
    AgentSession,
    Cause,
    Gap,
    Occasion,
    Previous,
    Rules,
    SessionEvent,
    WrapUp,
)
from gateway.domain.state import EVENT_OF_STATE, AgentSessionEvent, AgentSessionState, check_transition, steps

Next = tuple[AgentSession, tuple[SessionEvent, ...]]


def begin(
    session_id: str,
    agent: str,
    member: Member,
    rules: Rules,
    occasion: Occasion,
    *,
    start_time: int,
    wrap_up_limit: int | None,
    calls: tuple[Call, ...] = (),
    gaps: tuple[Gap, ...] = (),
    told: tuple[tuple[str, ...], ...] = (),
) -> Next:
    """A session that begins with *member*, first seen at ``occasion.at``, logged in since *start_time*.

    *told*: keys of what an earlier session of the member counted, or still talks in.

    Its first state is what Asterisk says. NEW_SESSION alone tells it.
    """
    session = AgentSession(
        session_id=session_id,
        agent=agent,
        group=member.queue,
        address=member.interface,
        member=member,
        rules=rules,
        start_time=start_time,
        state=AgentSessionState.NOT_READY,
        state_since=occasion.at,
        wrap_up_limit=wrap_up_limit,
        unseen=max(0, occasion.at - start_time),
        changed_at=occasion.at,
        calls=calls,
        gaps=gaps,
        # Whether a pause was set before a call that was found open nobody tells; in it is the likelier.
        wrap_up_asked=bool(calls) and member.paused,
        paused_since=occasion.at,
        told=told,
    )
    state, reason = session.due_state()
    session = replace(session, state=state, reason=reason)
    return session, (SessionEvent(AgentSessionEvent.NEW_SESSION, occasion, None, session),)


def advance(session: AgentSession, now: int) -> Next:
    """Let time pass: a wrap-up whose deadline has come is over, at the deadline exactly."""
    deadline = session.deadline
    if deadline is None or now < deadline:
        return session, ()
    return _settle(session, _end_wrap_up(session, deadline), Occasion(deadline, Cause.TIMER))


def observe(session: AgentSession, member: Member, occasion: Occasion, *, pause_told: bool = False) -> Next:
    """The member as Asterisk tells it now.

    *pause_told*: by the event of a pause or unpause, also of one that changed nothing; in a wrap-up, an unpause is
    the wish to be READY.
    """
    if session.end_time is not None:
        return session, ()
    session, events = advance(session, occasion.at)
    was = session.member
    if member.paused and not member.reason_told and was.paused:
        member = replace(member, paused_reason=was.paused_reason)
    after = replace(session, member=member, wrap_up_asked=_asks_for_wrap_up(session, member, pause_told=pause_told))
    if member.paused and (not was.paused or was.paused_reason != member.paused_reason):
        after = replace(after, paused_since=occasion.at)
    if session.calls and session.paused_for_wrap_up and not after.paused_for_wrap_up:
        after = replace(after, asked_until=occasion.at)
    if session.wrap_up is not None and session.state is AgentSessionState.BUSY_WRAPUP:
        after = _observe_in_wrap_up(session, after, occasion.at, pause_told=pause_told)
    return _join(events, _settle(session, after, occasion))


def _asks_for_wrap_up(session: AgentSession, member: Member, *, pause_told: bool) -> bool:
    """Whether the pause in force was set, or set again, in a call or in its wrap-up; a new reason decides anew."""
    was = session.member
    if not member.paused:
        return False
    in_call = bool(session.calls) or session.wrap_up is not None
    if was.paused and was.paused_reason == member.paused_reason:
        return session.wrap_up_asked or (pause_told and in_call)
    return in_call


def _observe_in_wrap_up(before: AgentSession, after: AgentSession, at: int, *, pause_told: bool) -> AgentSession:
    """A new pause, or a new reason, ends a wrap-up at once; an unpause ends only what nobody enforces."""
    was, now = before.member, after.member
    if now.paused:
        is_new = not was.paused or was.paused_reason != now.paused_reason
        after = replace(after, ready_asked=False)
        return _end_wrap_up(after, at) if is_new and not after.paused_for_wrap_up else after
    deadline = after.wrap_up.deadline if after.wrap_up else None
    if deadline is None or deadline <= at:
        return _end_wrap_up(after, at)
    return replace(after, ready_asked=True) if pause_told or was.paused else after


def limit_wrap_up(session: AgentSession, wrap_up_limit: int | None) -> AgentSession:
    """Take over what is now known of the enforced wrap-up; one that runs keeps its deadline."""
    return session if session.wrap_up_limit == wrap_up_limit else replace(session, wrap_up_limit=wrap_up_limit)


def answer(session: AgentSession, call: Call, occasion: Occasion) -> Next:
    """Agent and caller are bridged. READY is told first where TAPI knows no direct step into a call."""
    known = next((each for each in session.calls if each.key == call.key), None)
    if known is not None and known.answered_at is None:
        # A list had shown the call before its event came with the times.
        return replace(session, calls=tuple(call if each is known else each for each in session.calls)), ()
    if session.end_time is not None or known is not None or call.key in session.told:
        return session, ()
    session, events = advance(session, occasion.at)
    if session.wrap_up is not None:
        session = _end_wrap_up(session, occasion.at)
    for step in steps(session.state, AgentSessionState.BUSY_ON_CALL)[:-1]:
        session, event = _enter(session, step, None, occasion)
        events = (*events, event)
    return _join(events, _settle(session, replace(session, calls=(*session.calls, call)), occasion))


def end_call(session: AgentSession, key: CallKey, occasion: Occasion) -> Next:
    """The agent's talking in call *key* ended at ``occasion.at``: it is handled now, and counts.

    In a session that has ended meanwhile it counts all the same. It brings no wrap-up there, but for what lay before
    the logout where the end of the talk was told after it.
    """
    call = next((each for each in session.calls if each.key == key), None)
    if call is None:
        return session, ()
    began = call.found_at if call.answered_at is None else call.answered_at
    talk_time = 0 if began is None else max(0, occasion.at - began)
    after = replace(
        _remember(session, key),
        calls=tuple(each for each in session.calls if each is not call),
        last_call_end=max(session.last_call_end, occasion.at),
        figures=session.figures.with_call(
            talk_time=talk_time, time_to_answer=call.time_to_answer, ring_time=call.ring_time
        ),
    )
    cut = _cut_before_told(after)
    if cut is not None:
        after = _count_wrap_up(after, cut)
    elif not after.calls and after.end_time is None:
        after = _begin_wrap_up(after)
    return _settle(session, after, occasion)


def miss_call(session: AgentSession, attempt: tuple[str, ...], occasion: Occasion) -> Next:
    """The agent was rung and did not answer; *attempt* tells this ringing from every other."""
    if session.end_time is not None or attempt in session.told:
        return session, ()
    session, events = advance(session, occasion.at)
    figures = replace(session.figures, calls_missed=session.figures.calls_missed + 1)
    return _join(events, _settle(session, replace(_remember(session, attempt), figures=figures), occasion))


def end(session: AgentSession, occasion: Occasion) -> Next:
    """The logout. A call still being talked stays open: it counts into this session when it ends."""
    if session.end_time is not None:
        return session, ()
    session, events = advance(session, occasion.at)
    at = max(occasion.at, session.changed_at, session.start_time)
    after = _end_wrap_up(session, at) if session.wrap_up is not None else session
    gaps = tuple(replace(gap, end=min(gap.end, at)) for gap in session.gaps if gap.begin < at)
    after = replace(after, end_time=at, gaps=gaps)
    after = replace(after, final_rate=after.acd_call_rate(at))
    return _join(events, _settle(session, after, replace(occasion, at=at)))


def note_gap(session: AgentSession, gap: Gap) -> AgentSession:
    """Part of the session was not seen. Nothing is told for it: the snapshots say it from now on."""
    begin_, end_ = max(gap.begin, session.start_time), gap.end
    if session.end_time is not None or end_ <= begin_ or any(_covers(each, begin_, end_) for each in session.gaps):
        return session
    return replace(session, gaps=(*session.gaps, Gap(begin_, end_, gap.why)))


def _covers(gap: Gap, begin_: int, end_: int) -> bool:
    return gap.begin <= begin_ and end_ <= gap.end


def _cut_before_told(session: AgentSession) -> int | None:
    """When the wrap-up after the last end of a talk was over because of a call or the logout; None if neither came.

    Both may be known before the end of the talk is.
    """
    began = session.last_call_end
    cuts = [] if session.end_time is None or session.end_time <= began else [session.end_time]
    for call in session.calls:
        if call.answered_at is None or call.answered_at <= began:
            return None  # talked when the other ended: no wrap-up began
        cuts.append(call.answered_at)
    return min(cuts, default=None)


def _count_wrap_up(session: AgentSession, cut: int) -> AgentSession:
    """After the last end of a talk: the wrap-up that was over at *cut* at the latest, and of which nothing was told."""
    ends = _begin_wrap_up(replace(session, calls=(), end_time=None))
    if ends.wrap_up is not None:
        deadline = ends.deadline
        ends = _end_wrap_up(ends, cut if deadline is None else min(cut, deadline))
    most = session.figures.total_wrap_up_time + cut - session.last_call_end
    total = min(ends.figures.total_wrap_up_time, most)
    return replace(session, figures=replace(session.figures, total_wrap_up_time=total))


def _begin_wrap_up(session: AgentSession) -> AgentSession:
    """After the last call: as long as Asterisk enforces, and while a pause asks for it.

    Where the end of the talk was told late, part of it may be over: a wish for it may have been taken back since, and
    a pause may have cut it, or come when it was over.
    """
    began = session.last_call_end
    deadline = began + session.wrap_up_limit if session.wrap_up_limit else None
    over = max(deadline or began, session.asked_until)
    paused_since = session.paused_since
    if session.member.paused and paused_since > began:
        if paused_since >= over:
            session = replace(session, wrap_up_asked=False)
        if not session.paused_for_wrap_up:
            return _end_wrap_up(replace(session, wrap_up=WrapUp(began, deadline)), min(paused_since, over))
    if session.paused_for_wrap_up or over == deadline:
        return replace(session, wrap_up=WrapUp(began, deadline))
    return _end_wrap_up(replace(session, wrap_up=WrapUp(began, deadline)), over)


def _end_wrap_up(session: AgentSession, at: int) -> AgentSession:
    if session.wrap_up is None:
        return session
    figures = session.figures
    total = figures.total_wrap_up_time + max(0, at - session.wrap_up.began)
    return replace(session, wrap_up=None, ready_asked=False, figures=replace(figures, total_wrap_up_time=total))


def _remember(session: AgentSession, key: tuple[str, ...]) -> AgentSession:
    return replace(session, told=(*session.told[1 - REMEMBERED :], key))


def _settle(before: AgentSession, after: AgentSession, occasion: Occasion) -> Next:
    """Give *after* the state that is due, and tell what changed since *before*."""
    state, reason = after.due_state()
    if state is not after.state:
        check_transition(after.state, state)
        after, event = _enter(after, state, reason, occasion)
        return after, (event,)
    if reason != after.reason:
        after = replace(after, reason=reason)
    told = (before.reason, before.pending_state, before.figures)
    if told == (after.reason, after.pending_state, after.figures):
        return after, ()
    at = max(occasion.at, before.changed_at)
    after = replace(after, changed_at=at)
    previous = Previous(before.state, before.state_since, before.reason)
    return after, (SessionEvent(None, replace(occasion, at=at), previous, after),)


def _enter(
    session: AgentSession, state: AgentSessionState, reason: str | None, occasion: Occasion
) -> tuple[AgentSession, SessionEvent]:
    """Step into *state*, and account the time in the state that is left."""
    at = max(occasion.at, session.changed_at)
    spent = list(session.time_in_state)
    spent[session.state] += at - session.state_since
    entered = replace(session, state=state, state_since=at, reason=reason, changed_at=at, time_in_state=tuple(spent))
    previous = Previous(session.state, session.state_since, session.reason)
    return entered, SessionEvent(EVENT_OF_STATE[state], replace(occasion, at=at), previous, entered)


def _join(events: tuple[SessionEvent, ...], then: Next) -> Next:
    return then[0], (*events, *then[1])
