"""What is looked at while it runs: the process's memory and files, its health, and all that it tells."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from gateway.client import EventStream
from gateway.client.news import Hole, Overrun, PictureChanged
from gateway.mqtt.payloads import CallRecordPayload, SessionEventPayload, SessionPayload
from tests.bench.process import resident_bytes

MIB: Final = 1024 * 1024
ENOUGH: Final = 40
LONG: Final = 20.0
"""Samples, and hours of the simulated time, from which on it can be said whether memory grows: before, what is
remembered of the last calls of each session is still growing to its bound."""
MOST_GROWTH: Final = 0.05
SLACK: Final = 2 * MIB


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the gateway's process.

    Attributes:
        at: Hours of the simulated time since the start.
        resident: Bytes of memory.
        files: Open file descriptors.
        healthy: Whether ``/healthz`` was 200.
    """

    at: float
    resident: int
    files: int
    healthy: bool


def look(pid: int, *, at: float, healthy: bool) -> Sample:
    """Take one."""
    return Sample(at, resident_bytes(pid), len(list(Path(f"/proc/{pid}/fd").iterdir())), healthy)


@dataclass(frozen=True, slots=True)
class Growth:
    """The medians of the second and of the last quarter of a run: its first quarter is the warming up."""

    before: float
    after: float

    @property
    def is_flat(self) -> bool:
        """Whether the one is hardly more than the other."""
        return self.after <= self.before * (1 + MOST_GROWTH) + SLACK


def growth(samples: Sequence[Sample]) -> Growth | None:
    """How memory grew; None where the run was too short to say."""
    if len(samples) < ENOUGH or samples[-1].at < LONG:
        return None
    quarter = len(samples) // 4
    resident = [sample.resident for sample in samples]
    return Growth(median(resident[quarter : 2 * quarter]), median(resident[-quarter:]))


@dataclass(slots=True)
class Heard:
    """What a subscriber has been told.

    Attributes:
        sessions: The last word on each session, by ``session_id``.
        calls: Call records.
        counts: Events by kind and name.
        faults: Holes in the stream, and times at which the picture was not current.
    """

    sessions: dict[str, SessionPayload] = field(default_factory=dict)
    calls: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    async def listen(self, events: EventStream) -> None:
        """Take them all, until the client is closed."""
        async for event in events:
            match event:
                case SessionEventPayload():
                    self.sessions[event.session.session_id] = event.session
                    self.counts[f"session {event.event}"] += 1
                case CallRecordPayload():
                    self.calls += 1
                case Hole() | Overrun():
                    self.faults.append(str(event))
                case PictureChanged(current=False):
                    self.faults.append(f"the picture was not current: {event.why}")
                case _:
                    pass

    def see(self, sessions: Iterable[SessionPayload]) -> None:
        """Take what is retained as the last word."""
        self.sessions.update({each.session_id: each for each in sessions})


def loud_lines(log: Path) -> list[str]:
    """What the gateway logged above INFO, and what is no line of its log at all, as a traceback is."""
    loud = []
    for line in log.read_text("utf-8", "replace").splitlines():
        try:
            level = json.loads(line)["level"]
        except (ValueError, KeyError, TypeError):
            level = "not a line"
        if level not in {"debug", "info"}:
            loud.append(line)
    return loud
