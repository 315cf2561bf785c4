"""A recorded conversation watched all through, and watched with a hole in it that the queue_log of the time fills."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from gateway.ami.framing import AmiDecoder
from gateway.ami.lists import QueueList
from gateway.ami.message import AmiMessage, Arrival
from gateway.ami.text import timestamp
from gateway.ami.translate import Translator
from gateway.domain.callcenter import CallCenter
from gateway.domain.facts import (
    AsteriskRestarted,
    CallAnswered,
    CallEnded,
    CallMissed,
    CallRecord,
    Fact,
    MembersListed,
    Outcome,
    TimePassed,
)
from gateway.domain.handler import AgentHandler
from gateway.domain.instant import SECOND
from gateway.domain.member import Member
from gateway.domain.session import AgentSession, Cause, Occasion, Rules, SessionEvent
from gateway.queue_log.known import Heard
from gateway.queue_log.parse import Entry, parse
from gateway.queue_log.recover import Gap, Recovery
from gateway.queue_log.survey import Survey
from gateway.timeline import Timeline
from tests.ami.recordings import FOLDER, read

WRAP_UP: Final = 2 * SECOND
HEARD_FOR: Final = round(1.3 * SECOND)
"""How long after the login the log is read."""

HEARD: Final = {
    "AgentConnect": "CONNECT",
    "AgentComplete": "COMPLETE",
    "AgentRingNoAnswer": "RINGNOANSWER",
    "QueueMemberAdded": "ADDMEMBER",
    "QueueMemberRemoved": "REMOVEMEMBER",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """Messages with their arrival, and the log's lines."""

    messages: Sequence[AmiMessage]
    log: Sequence[Entry]

    @property
    def span(self) -> tuple[int, int]:
        """Arrival of the first and of the last message."""
        return self.messages[0].arrival.wall, self.messages[-1].arrival.wall


def tour(name: str) -> Recorded:
    """One of the recordings among the tests' data."""
    decoder = AmiDecoder()
    messages: list[AmiMessage] = []
    recorded = list(read(name))
    decoder.receive_data(b"Asterisk Call Manager/11.0.0\r\n", Arrival(0, 0))
    for each in recorded:
        wall = round(each.arrival * SECOND)
        messages += decoder.receive_data(each.raw, Arrival(wall, wall))
    lines = (FOLDER / name).with_suffix(".queue_log").read_bytes().splitlines()
    return Recorded(messages, [entry for entry in map(parse, lines) if entry is not None])


class Watcher:
    """Hears messages, and keeps what follows.

    Attributes:
        handler: The model.
        told: Everything it told.
    """

    def __init__(self, begin: int) -> None:
        self.timeline = Timeline(steady=begin, wall=begin)
        numbers = iter(range(1_000_000))
        self.handler = AgentHandler(Rules(), "member_name", lambda _: f"{next(numbers):06d}")
        self.center = CallCenter(self.handler)
        self.translator = Translator(self.timeline, "queue")
        self.told: list[Outcome] = []
        self._lists: list[QueueList] = []

    def hear(self, messages: Iterable[AmiMessage]) -> None:
        """Take messages in order."""
        for message in messages:
            now = message.arrival.wall
            if self._lists or message.event == "QueueParams":
                self._take_list(message, now)
            elif not message.action_id:
                for fact in self.translator.receive(message):
                    self.apply(fact)
            self.pass_time(now)

    def pass_time(self, now: int) -> None:
        """Let timers run out."""
        for fact in self.translator.advance(now):
            self.apply(fact)
        self.apply(TimePassed(now))

    def lose(self, now: int) -> None:
        """Hear nothing any more; a list that was being sent is no list."""
        self.pass_time(now)
        self._lists = []

    def apply(self, fact: Fact) -> None:
        """Take a fact."""
        self.told += self.center.apply(fact)

    def list_members(self, members: Iterable[Member], now: int) -> None:
        """Take a list of all queues."""
        by_queue: dict[str, list[Member]] = {queue: [] for queue in self.handler.queues()}
        for member in members:
            by_queue.setdefault(member.queue, []).append(member)
        for _ in range(2):
            for queue, here in by_queue.items():
                self.apply(MembersListed(queue, tuple(here), Occasion(now, Cause.RESYNC)))

    def _take_list(self, message: AmiMessage, now: int) -> None:
        if message.event == "QueueParams":
            self.handler.add_queue(message.fields["queue"], limit=WRAP_UP)
            self._lists.append(QueueList())
        if message.event == "QueueStatusComplete":
            for each in self._lists:
                assert each.name is not None
                self.apply(MembersListed(each.name, tuple(each.members), Occasion(now, Cause.RESYNC)))
            self._lists = []
        elif self._lists:
            self._lists[-1].add(message, self.timeline.from_wall)

    @property
    def sessions(self) -> dict[tuple[str, str], list[AgentSession]]:
        """Every session there was, by queue and interface, as it is or was last told."""
        last = {
            each.session.session_id: each.session for each in self.told if isinstance(each, SessionEvent | CallRecord)
        }
        last |= {each.session_id: each for each in (*self.handler.ended(), *self.handler.sessions())}
        found: dict[tuple[str, str], list[AgentSession]] = defaultdict(list)
        for session in sorted(last.values(), key=lambda each: each.start_time):
            found[session.group, session.address].append(session)
        return found


def watched(recorded: Recorded) -> Watcher:
    """Somebody who heard all of it."""
    watcher = Watcher(recorded.span[0])
    watcher.hear(recorded.messages)
    watcher.pass_time(recorded.span[1] + 60 * SECOND)
    return watcher


@dataclass(slots=True)
class Holed:
    """Somebody who heard all but the messages from *lost* to *regained*, and then read the log."""

    watcher: Watcher
    recovery: Recovery
    facts: list[Fact]


def with_a_hole(recorded: Recorded, lost: int, regained: int, *, parts: int = 50, heard: bool = True) -> Holed:
    """Lose what lies between two arrivals, recover it, and hear the rest."""
    before = [each for each in recorded.messages if each.arrival.wall <= lost]
    hidden = [each for each in recorded.messages if lost < each.arrival.wall <= regained]
    after = [each for each in recorded.messages if each.arrival.wall > regained]
    truth = Watcher(recorded.span[0])
    truth.hear([*before, *hidden])
    truth.pass_time(regained)
    watcher = Watcher(recorded.span[0])
    watcher.hear(before)
    watcher.lose(lost)
    until = regained + HEARD_FOR
    entries = [each for each in recorded.log if each.time * SECOND <= until]
    survey = Survey()
    survey.take(entries)
    wanted = survey.queues_to_list(watcher.handler)
    present = [each.member for each in truth.handler.sessions()]
    recovery = Recovery(
        watcher.handler,
        Gap(lost, regained),
        watcher.timeline.from_wall,
        survey,
        present=[each for each in present if each.queue in wanted],
        heard=[each for each in map(heard_of, after) if each and each.at <= until] if heard else (),
    )
    facts: list[Fact] = []
    for start in range(0, len(entries), parts):
        part = recovery.take(entries[start : start + parts])
        for fact in part:
            watcher.apply(fact)
        facts += part
    part = recovery.finish()
    for fact in part:
        watcher.apply(fact)
    facts += part
    _hand_over(watcher, truth, recovery, lost)
    watcher.list_members(present, regained)
    watcher.hear(after)
    watcher.pass_time(recorded.span[1] + 60 * SECOND)
    return Holed(watcher, recovery, facts)


def _hand_over(watcher: Watcher, truth: Watcher, recovery: Recovery, lost: int) -> None:
    """What follows calls over AMI learns which ended and which began, and which channels there are."""
    calls = watcher.translator.calls
    ended = {(queue, interface, key) for queue, interface, key in recovery.calls.ended}
    over = [each for each in calls.open_calls() if (each.queue, each.interface, each.key) in ended]
    for fact in calls.end_unseen(over, lost):
        watcher.apply(fact)
    calls.bridges = deepcopy(truth.translator.calls.bridges)
    watcher.translator.callers = deepcopy(truth.translator.callers)
    for open_ in recovery.calls.open:
        calls.connect(open_.queue, open_.interface, open_.call)


def heard_of(message: AmiMessage) -> Heard | None:
    """What the log must not tell again."""
    at = timestamp(message.fields.get("timestamp"))
    event = HEARD.get(message.event)
    if message.event == "QueueMemberPause":
        event = "PAUSE" if message.fields["paused"] == "1" else "UNPAUSE"
    if at is None or event is None:
        return None
    return Heard(at, event, message.fields["queue"], message.fields["membername"], message.fields["interface"])


def kinds(facts: Iterable[Fact]) -> Iterator[str]:
    """The names of facts that say something of a call or a restart."""
    for fact in facts:
        if isinstance(fact, CallAnswered | CallEnded | CallMissed | AsteriskRestarted):
            yield type(fact).__name__
