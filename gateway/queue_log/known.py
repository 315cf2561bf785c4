"""What of the log was told over AMI already: before contact was lost, and since it was regained. Sans-I/O.

The log has whole seconds, and Asterisk's events come some time behind their lines, so that around both ends of a gap
a line's time does not say on which side it is. What the sessions hold says it at the one end, and what came since
at the other.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from gateway.domain.call import Call, CallKey
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import fold
from gateway.domain.session import AgentSession
from gateway.queue_log.parse import Entry

FromWall = Callable[[int], int]
"""Turns a time of day, microseconds since the epoch, into an instant."""

LAG: Final = 10 * SECOND
"""How far Asterisk's events may be behind their lines: a loaded one is late."""

LOG_LATE: Final = SECOND // 10
"""How far a line may be behind its event: that of a login and of an attempt is written after the event was sent."""

ENDS: Final = frozenset({"COMPLETEAGENT", "COMPLETECALLER", "BLINDTRANSFER", "ATTENDEDTRANSFER"})
"""Events that end a call."""

PAUSES: Final = frozenset({"PAUSE", "UNPAUSE"})
LOGINS: Final = frozenset({"ADDMEMBER", "REMOVEMEMBER"})

REASON_BYTES: Final = 79
"""What Asterisk keeps of a pause reason; the log has all of it."""


def reason_of(entry: Entry) -> str | None:
    """The reason of a pause as Asterisk keeps it."""
    return entry.text(0).encode()[:REASON_BYTES].decode("utf-8", "replace") or None


class Before:
    """Sifts the lines around the loss of contact.

    Args:
        handler: The model as it was then.
        begin: Instant of the last contact.
        from_wall: Makes instants.
    """

    def __init__(self, handler: AgentHandler, begin: int, from_wall: FromWall) -> None:
        self._begin = begin
        self._from_wall = from_wall
        self._open: dict[str, list[AgentSession]] = {}
        self._all: dict[str, list[AgentSession]] = {}
        for session in handler.sessions():
            self._open.setdefault(fold(session.group), []).append(session)
            self._all.setdefault(fold(session.group), []).append(session)
        for session in handler.ended():
            self._all.setdefault(fold(session.group), []).append(session)

    def sift(self, entries: Sequence[Entry]) -> set[int]:
        """Which of the lines, by number, were told; or must have been, had they been of any session."""
        groups: dict[tuple[str, ...], list[int]] = {}
        known: set[int] = set()
        for number, entry in enumerate(entries):
            if entry.event in PAUSES or entry.event in LOGINS:
                kind = "pause" if entry.event in PAUSES else "login"
                groups.setdefault((kind, fold(entry.queue), entry.agent), []).append(number)
            elif entry.event == "RINGNOANSWER":
                groups.setdefault(("missed", fold(entry.queue), entry.agent, entry.callid), []).append(number)
            elif self._is_known(entry):
                known.add(number)
        for (kind, queue, agent, *_), numbers in groups.items():
            lines = [entries[number] for number in numbers]
            match kind:
                case "pause":
                    known.update(numbers[: self._pauses_known(queue, agent, lines)])
                case "login":
                    known.update(numbers[: self._logins_known(queue, agent, lines)])
                case _:
                    known.update(numbers[each] for each in self._misses_known(queue, agent, lines))
        return known

    def is_old(self, entry: Entry) -> bool:
        """Whether an event of that time must have come before contact was lost."""
        return self._at(entry) + SECOND + LAG < self._begin

    def call(self, queue: str, key: CallKey) -> Call | bool:
        """A call of the queue as the sessions know it: open, or (True) counted, or (False) not at all."""
        for session in self._all.get(fold(queue), ()):
            for call in session.calls:
                if call.key == key:
                    return call
            if key in session.told:
                return True
        return False

    def counted(self, queue: str, agent: str, callid: str) -> tuple[str, CallKey] | None:
        """Interface and key of the newest call that a session of that name counted of that caller."""
        for session in self._sessions(queue, agent):
            for told in reversed(session.told):
                if len(told) == len(CallKey._fields) and told[0] == callid:
                    return session.address, CallKey(*told)
        return None

    def _at(self, entry: Entry) -> int:
        return self._from_wall(entry.time * SECOND)

    def _sessions(self, queue: str, agent: str) -> list[AgentSession]:
        return [each for each in self._all.get(fold(queue), ()) if each.member.member_name == agent]

    def _is_known(self, entry: Entry) -> bool:
        match entry.event:
            case "CONNECT":
                call = self.call(entry.queue, CallKey(entry.callid, entry.text(1)))
                if isinstance(call, Call):
                    return call.answered_at is not None
                return call or self.is_old(entry)
            case event if event in ENDS:
                # Of an older one AMI told too; if the call is open all the same, its agent goes on talking.
                return self._at(entry) + 2 * SECOND < self._begin
            case "QUEUESTART" | "PENALTY":
                return self._at(entry) + SECOND <= self._begin
        return False

    def _pauses_known(self, queue: str, agent: str, lines: Sequence[Entry]) -> int:
        """How many of these lines were told: the most after which the member is as it is known."""
        old = sum(self.is_old(line) for line in lines)
        sessions = [each for each in self._open.get(queue, ()) if each.member.member_name == agent]
        if len(sessions) != 1:
            # None: nobody to change. Several of one name: what is clearly older was told, of whomever.
            return sum(self._at(line) + SECOND <= self._begin for line in lines) if sessions else old
        session = sessions[0]
        was = (session.member.paused, session.member.paused_reason if session.member.paused else None)
        for count in range(len(lines), old, -1):
            if _state(lines[count - 1]) == was and self._shows(session, lines[:count]):
                return count
        return old

    def _shows(self, session: AgentSession, lines: Sequence[Entry]) -> bool:
        """Whether the session bears the marks of these pauses."""
        last = lines[-1]
        if last.event == "UNPAUSE" and session.state_since >= self._at(last) - SECOND:
            return True
        changes = [
            line
            for number, line in enumerate(lines)
            if line.event == "PAUSE" and (number == 0 or _state(line) != _state(lines[number - 1]))
        ]
        return not changes or session.paused_since >= self._at(changes[-1]) - SECOND

    def _logins_known(self, queue: str, agent: str, lines: Sequence[Entry]) -> int:
        old = sum(self.is_old(line) for line in lines)
        sessions = [
            each
            for each in self._all.get(queue, ())
            if fold(each.address) == fold(agent) or each.member.member_name == agent
        ]
        is_present = any(each.end_time is None for each in sessions)
        for count in range(len(lines), old, -1):
            if (lines[count - 1].event == "ADDMEMBER") is is_present and self._bears(sessions, lines[:count]):
                return count
        return old

    def _bears(self, sessions: Iterable[AgentSession], lines: Sequence[Entry]) -> bool:
        """Whether one of the sessions began with the last of these logins, and ended with a logout behind it."""
        added = [self._at(line) - SECOND for line in lines if line.event == "ADDMEMBER"]
        began = added[-1] if added else 0
        if lines[-1].event == "ADDMEMBER":
            return any(each.end_time is None and each.start_time >= began for each in sessions)
        removed = self._at(lines[-1]) - SECOND
        ends = (each.end_time for each in sessions if each.start_time >= began)
        return any(end is not None and end >= removed for end in ends)

    def _misses_known(self, queue: str, agent: str, lines: Sequence[Entry]) -> list[int]:
        """Which of these lines were told: each told attempt stands for one line of about its time.

        Where a session kept no time with an attempt, it stands for the first line that is left.
        """
        told: list[int | None] = []
        for session in self._sessions(queue, agent):
            for key in session.told:
                if key[0] == "missed" and key[1] == lines[0].callid:
                    told += [int(key[3]) if len(key) > len(("missed", "uniqueid", "dest")) else None]
        told.sort(key=lambda at: at or 0)
        known = []
        for number, line in enumerate(lines):
            at = self._at(line)
            match_ = next((each for each in told if each is None or at - SECOND <= each <= at + SECOND + LAG), -1)
            if match_ != -1:
                told.remove(match_)
            if match_ != -1 or self.is_old(line):
                known.append(number)
        return known


def _state(line: Entry) -> tuple[bool, str | None]:
    return (True, reason_of(line)) if line.event == "PAUSE" else (False, None)


class Heard(NamedTuple):
    """An event that came over AMI since contact was regained, by the name of its line.

    Attributes:
        at: When it happened, an instant.
        event: ``CONNECT`` (AgentConnect), ``COMPLETE`` (AgentComplete), ``RINGNOANSWER``, ``PAUSE`` or ``UNPAUSE``
            (QueueMemberPause), ``ADDMEMBER``, ``REMOVEMEMBER``.
        queue: Its header ``Queue``.
        member_name: Likewise.
        interface: Likewise.
    """

    at: int
    event: str
    queue: str
    member_name: str
    interface: str


def sift_end(entries: Sequence[Entry], heard: Iterable[Heard], end: int, from_wall: FromWall) -> set[int]:
    """Which of the lines, by number, AMI tells of since *end*, the instant of the login.

    To each event that came belongs the last line of its kind that is not later. Lines of later seconds are told over
    AMI too, if they have not come yet.
    """
    begins = [from_wall(entry.time * SECOND) for entry in entries]
    told: set[int] = set()
    for event in sorted(heard, reverse=True):
        for number in range(len(entries) - 1, -1, -1):
            if number not in told and begins[number] <= event.at + LOG_LATE and _is_line_of(event, entries[number]):
                told.add(number)
                break
    return told | {number for number, at in enumerate(begins) if at > end}


def _is_line_of(heard: Heard, entry: Entry) -> bool:
    event = "COMPLETE" if entry.event in ENDS else entry.event
    if heard.event != event or fold(heard.queue) != fold(entry.queue):
        return False
    if event in LOGINS:
        return fold(heard.interface) == fold(entry.agent) or heard.member_name == entry.agent
    return heard.member_name == entry.agent
