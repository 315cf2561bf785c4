"""From events to memberships: which were open when, and the facts that belong to each."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tests.lab import tap
from tests.lab.oracle.calls import Call
from tests.lab.oracle.timeline import Fact, Session
from tests.lab.wire import Message

GRACE: Final = 60_000_000  # microseconds after a restart in which a member may come back and continue
_Membership = tuple[str, str]  # queue, interface


class _Register:
    """Walks through the events once, with the memberships that are open."""

    def __init__(self, wrap_up: Mapping[str, int]) -> None:
        self.sessions: list[Session] = []
        self._wrap_up = wrap_up
        self._open: dict[_Membership, Session] = {}
        self._limbo: dict[_Membership, int] = {}  # lost with an Asterisk: when
        self._listed: set[_Membership] = set()
        self._booted = 0
        self._last = 0
        self._order = 0
        self._handlers: dict[str, Callable[[Message], None]] = {
            "QueueMemberAdded": self._member_added,
            "QueueMemberRemoved": lambda e: self._removed((e["Queue"], e["Interface"]), e.time, exact=True),
            "QueueMemberPause": self._paused,
            "QueueMemberStatus": lambda e: self._note(e, Fact(e.time, self._order, "device", text=e["Status"])),
            "AgentRingNoAnswer": lambda e: self._note(e, Fact(e.time, self._order, "missed")),
            "QueueMember": self._in_list,
            "QueueStatusComplete": lambda e: self._list_ends(e.time),
            tap.LOST: self._asterisk_gone,
            tap.OPENED: self._asterisk_back,
        }

    def take(self, event: Message) -> None:
        self._order += 1
        if handler := self._handlers.get(event.event):
            handler(event)
        if "Timestamp" in event:
            self._last = event.time

    def finish(self, until: int) -> None:
        """End those that did not come back in time."""
        for membership, lost in self._limbo.items() if until - self._booted > GRACE else ():
            self._removed(membership, lost, exact=False)

    def _member_added(self, event: Message) -> None:
        self._added(event, event["Interface"], event["MemberName"], event.time, exact=True)

    def _paused(self, event: Message) -> None:
        reason = event.get("PausedReason", "")
        self._note(event, Fact(event.time, self._order, "paused", paused=event["Paused"] == "1", text=reason))

    def _asterisk_gone(self, _: Message) -> None:
        self._limbo = dict.fromkeys(self._open, self._last)

    def _asterisk_back(self, event: Message) -> None:
        self._booted = event.time

    def _added(self, event: Message, interface: str, name: str, started: int, *, exact: bool) -> None:
        membership = (event["Queue"], interface)
        if self._limbo.pop(membership, None) is not None:
            self._now(membership, event)
            return
        session = Session(
            queue=event["Queue"],
            name=name,
            interface=interface,
            started=started,
            wrap_up=int(event.get("Wrapuptime", "0")) * 1_000_000 or self._wrap_up.get(event["Queue"], 0) * 1_000_000,
            paused=event["Paused"] == "1",
            pause_reason=event.get("PausedReason", ""),
            device=event["Status"],
            exact=exact,
        )
        self.sessions.append(session)
        self._open[membership] = session

    def _removed(self, membership: _Membership, time: int, *, exact: bool) -> None:
        session = self._open.pop(membership, None)
        if session is not None:
            session.ended = time
            session.exact = session.exact and exact
            session.facts.append(Fact(time, self._order, "removed", exact=exact))

    def _note(self, event: Message, fact: Fact) -> None:
        session = self._open.get((event["Queue"], event["Interface"]))
        if session is not None:
            session.facts.append(fact)

    def _in_list(self, event: Message) -> None:
        membership = (event["Queue"], event["Location"])
        self._listed.add(membership)
        if membership in self._limbo:
            del self._limbo[membership]
            self._now(membership, event)
        elif membership not in self._open:
            login = int(event.get("LoginTime", "0")) * 1_000_000
            self._added(event, event["Location"], event["Name"], login or event.time, exact=bool(login))

    def _now(self, membership: _Membership, event: Message) -> None:
        """A member that came back after a restart: what it is now was not told by an event."""
        paused = event["Paused"] == "1"
        session = self._open[membership]
        reason = event.get("PausedReason", "")
        session.facts += [
            Fact(event.time, self._order, "paused", paused=paused, text=reason, exact=False),
            Fact(event.time, self._order, "device", text=event["Status"], exact=False),
        ]

    def _list_ends(self, time: int) -> None:
        for membership in [m for m in self._open if m not in self._listed]:
            lost = self._limbo.get(membership)
            if lost is None:
                self._removed(membership, time, exact=False)
            elif time - self._booted > GRACE:
                del self._limbo[membership]
                self._removed(membership, lost, exact=False)
        self._listed.clear()


def find(
    events: Iterable[Message], calls: Iterable[Call], wrap_up: Mapping[str, int], until: int
) -> tuple[list[Session], list[Call]]:
    """Return every membership in the order of its beginning with its calls and facts, and the calls of none.

    A call belongs to the session open at its answer. A member who is logged out while it rings may answer all the same:
    that call belongs to no session.

    Args:
        events: The tap's.
        calls: As `tests.lab.oracle.calls.follow` found them.
        wrap_up: Seconds of each queue; a queue that is not named has none.
        until: Moment up to which time passes, in microseconds.
    """
    register = _Register(wrap_up)
    for event in events:
        register.take(event)
    register.finish(until)
    orphans = []
    for call in calls:
        session = _open_at(register.sessions, call)
        if session is None:
            orphans.append(call)
            continue
        session.calls.append(call)
        session.facts.append(Fact(call.answered, -1, "answered"))
        if call.ended is not None:
            session.facts.append(Fact(call.ended, -1, "ended call"))
    return register.sessions, orphans


def _open_at(sessions: list[Session], call: Call) -> Session | None:
    for session in sessions:
        begun = (session.queue, session.interface) == (call.queue, call.interface) and session.started <= call.answered
        if begun and (session.ended is None or call.answered < session.ended):
            return session
    return None
