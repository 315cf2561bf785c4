"""Random histories of a small call centre, and a plain second reckoning of what each session must add up to.

Time is whole milliseconds after the beginning, so that no two things happen at once.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from hypothesis import strategies as st

from gateway.domain import facts
from gateway.domain.call import Call, CallKey
from gateway.domain.facts import SessionFact
from gateway.domain.member import DeviceState, Member
from gateway.domain.session import Occasion
from tests.domain.support import at

WRAP_UP: Final = {"support": 15_000, "sales": None, "tech": 1_000}  # milliseconds by queue
MANUAL: Final = frozenset({"wrapup", "wrap-up", "acw"})
LATE: Final = 200
REASONS: Final = (None, "lunch", "meeting", "wrapup", "acw")
PLACES: Final = (("support", "PJSIP/1"), ("support", "PJSIP/2"), ("sales", "PJSIP/1"), ("tech", "PJSIP/2"))
DEVICES: Final = tuple(DeviceState)


def instant(milliseconds: int) -> int:
    """An instant of the history."""
    return at(milliseconds / 1000)


class Note(NamedTuple):
    """One line of a session's true story: when, what, and of which call or with which reason."""

    at: int
    what: str
    about: str | None = None
    waited: int | None = None


@dataclass(slots=True)
class Story:
    """The true story of one session, in the order of its telling."""

    queue: str
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class Totals:
    """What a session must show in the end, in the unit of its story's times."""

    calls: int = 0
    talk: int = 0
    wrap_up: int = 0
    waits: list[int] = field(default_factory=list)
    missed: int = 0


def reckon(story: Story, now: int, limit: int | None) -> Totals:  # noqa: C901 - one plain walk
    """Add up a session's story as the rules say, wrap-ups that have ended by *now* included; one unit for all times."""
    totals = Totals()
    answered: dict[str | None, Note] = {}
    paused, reason, manual, ended = False, None, False, False
    wrap_up: int | None = None  # since when

    def cut(end: int) -> None:
        nonlocal wrap_up
        if wrap_up is not None:
            totals.wrap_up += end - wrap_up
            wrap_up = None

    for note in (*sorted(story.notes, key=lambda note: note.at), Note(now, "now")):
        if wrap_up is not None and limit is not None and not manual and wrap_up + limit <= note.at:
            cut(wrap_up + limit)
        in_call = bool(answered) or wrap_up is not None
        match note.what:
            case "answered":
                cut(note.at)
                answered[note.about] = note
            case "call over":
                begun = answered.pop(note.about)
                totals.calls += 1
                totals.talk += note.at - begun.at
                totals.waits += [] if begun.waited is None else [begun.waited]
                if not answered and not ended and (limit or manual):
                    wrap_up = note.at
            case "paused":
                new = not paused or reason != note.about
                manual = note.about in MANUAL and (in_call if new else manual or in_call)
                paused, reason = True, note.about
                if new and not manual:
                    cut(note.at)
            case "unpaused":
                paused = manual = False
                if wrap_up is not None and (limit is None or wrap_up + limit <= note.at):
                    cut(note.at)
            case "missed":
                totals.missed += 1
            case "logged out":
                cut(note.at)
                ended = True
    return totals


@dataclass(slots=True)
class _Place:
    """One membership as it truly is."""

    member: Member
    story: Story | None = None
    calls: list[tuple[str, Story]] = field(default_factory=list)


@dataclass(slots=True)
class History:
    """What happened.

    Attributes:
        facts: In the order of their telling, each with the millisecond at which it is told.
        stories: The sessions, in the order of their beginning.
    """

    facts: list[tuple[int, SessionFact]] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)


class _Narrator:
    """Makes a history up."""

    def __init__(self, chance: random.Random) -> None:
        self.history = History()
        self._chance = chance
        self._now = 0
        self._calls = 0
        self._waiting: list[tuple[int, int, SessionFact]] = []  # told at, of which place, an end that is not told yet
        self._places = [
            _Place(Member(queue, phone, f"agent of {phone}", phone, device_state=DeviceState.NOT_INUSE))
            for queue, phone in PLACES
        ]

    def narrate(self, length: int) -> History:
        """Let so many things happen, and everything be told."""
        for _ in range(length):
            self._now += self._chance.choice((1, 20, 90, 150, 1_500, 8_000, 40_000))
            self._tell_due()
            self._happen()
        self._now += LATE
        self._tell_due()
        self._tell(facts.TimePassed(instant(self._now)))
        return self.history

    def _happen(self) -> None:
        number = self._chance.randrange(len(self._places))
        place = self._places[number]
        acts: list[Callable[[int, _Place], None]]
        if place.story is None:
            acts = [self._log_in, self._log_in, self._log_in, self._list, self._end_call]
        else:
            acts = [*[self._pause] * 3, *[self._unpause] * 2, *[self._answer] * 4, *[self._end_call] * 4]
            acts += [self._device, self._miss, self._list, self._pass_time, self._log_out]
        self._chance.choice(acts)(number, place)

    def _tell(self, fact: SessionFact) -> None:
        self.history.facts.append((self._now, fact))

    def _tell_due(self, place: int | None = None) -> None:
        """Tell the ends that are due, and all those of *place*."""
        for entry in sorted(self._waiting, key=lambda entry: entry[0]):
            told_at, of, fact = entry
            if told_at <= self._now or of == place:
                self._waiting.remove(entry)
                self.history.facts.append((min(told_at, self._now), fact))

    def _note(self, place: _Place, what: str, about: str | None = None) -> None:
        assert place.story is not None
        place.story.notes.append(Note(self._now, what, about))

    def _occasion(self) -> Occasion:
        return Occasion(instant(self._now))

    def _log_in(self, _: int, place: _Place) -> None:
        place.story = Story(place.member.queue)
        self.history.stories.append(place.story)
        place.member = replace(place.member, paused=False, paused_reason=None)
        self._tell(facts.MemberAdded(place.member, self._occasion()))

    def _log_out(self, number: int, place: _Place) -> None:
        self._tell_due(number)
        self._note(place, "logged out")
        place.story = None
        self._tell(facts.MemberRemoved(place.member.queue, place.member.interface, self._occasion()))

    def _pause(self, number: int, place: _Place) -> None:
        if any(of == number for _, of, _ in self._waiting) and self._chance.random() < 0.5:
            self._tell_due(number)
        reason = self._chance.choice(REASONS)
        self._note(place, "paused", reason)
        place.member = replace(place.member, paused=True, paused_reason=reason)
        self._tell(facts.MemberTold(place.member, self._occasion(), pause_told=True))
        # What is told after one such pause stands; of two, nobody can tell which came first.
        self._tell_due(number)

    def _unpause(self, number: int, place: _Place) -> None:
        self._tell_due(number)
        self._note(place, "unpaused")
        place.member = replace(place.member, paused=False, paused_reason=None)
        self._tell(facts.MemberTold(place.member, self._occasion(), pause_told=True))

    def _device(self, _: int, place: _Place) -> None:
        place.member = replace(place.member, device_state=self._chance.choice(DEVICES))
        self._tell(facts.MemberTold(place.member, self._occasion()))

    def _miss(self, _: int, place: _Place) -> None:
        self._calls += 1
        self._note(place, "missed")
        attempt = ("missed", f"{self._calls}.1", f"{self._calls}.2")
        self._tell(facts.CallMissed(place.member.queue, place.member.interface, attempt, self._occasion()))

    def _pass_time(self, _: int, __: _Place) -> None:
        self._tell(facts.TimePassed(instant(self._now)))

    def _list(self, _: int, place: _Place) -> None:
        here = [each for each in self._places if each.member.queue == place.member.queue and each.story is not None]
        self._tell(facts.MembersListed(place.member.queue, tuple(each.member for each in here), self._occasion()))

    def _answer(self, number: int, place: _Place) -> None:
        self._tell_due(number)
        assert place.story is not None
        self._calls += 1
        name = str(self._calls)
        waited = self._chance.choice((None, 0, 250, 12_000))
        place.story.notes.append(Note(self._now, "answered", name, waited))
        place.calls.append((name, place.story))
        call = Call(
            key=CallKey(f"{name}.1", f"{name}.2"),
            answered_at=instant(self._now),
            time_to_answer=None if waited is None else waited * 1000,
        )
        self._tell(facts.CallAnswered(place.member.queue, place.member.interface, call, self._occasion()))

    def _end_call(self, number: int, place: _Place) -> None:
        if not place.calls:
            return
        name, story = place.calls.pop(self._chance.randrange(len(place.calls)))
        story.notes.append(Note(self._now, "call over", name))
        key = CallKey(f"{name}.1", f"{name}.2")
        fact = facts.CallEnded(place.member.queue, place.member.interface, key, self._occasion())
        if self._chance.random() < 0.5:
            self._waiting.append((self._now + self._chance.randint(1, LATE), number, fact))
        else:
            self._tell(fact)


def histories(length: int = 80) -> st.SearchStrategy[History]:
    """Histories in which at most the end of a talk is told late, by up to 200 ms."""
    return st.builds(
        lambda chance, count: _Narrator(chance).narrate(count),
        st.randoms(use_true_random=False),
        st.integers(1, length),
    )


def disordered(history: History, chance: random.Random) -> Iterator[tuple[int, SessionFact]]:
    """The facts of a history, each told up to 200 ms later than it should be, and some told twice."""
    late = [(told_at + chance.randint(0, LATE), fact) for told_at, fact in history.facts]
    for told_at, fact in sorted(late, key=lambda each: each[0]):
        yield told_at, fact
        if chance.random() < 0.2:
            yield told_at, fact
