"""Writes the queue_log of a center that is busy as people are: shifts, breaks, noon, callers who give up.

``python -m tests.replay.center FILE [lines]`` writes one to try ``cti-gateway replay`` with; ten million lines are a
year, and some 600 MB.
"""

import random
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

DAY = 86_400
MONDAY = 1_767_571_200  # 2026-01-05, midnight UTC
REASONS = ("lunch", "break", "training", "back-office", "wrapup")
WEIGHTS = [(9, 1.0), (10, 1.3), (11, 1.2), (12, 0.6), (13, 0.8), (14, 1.2), (15, 1.1), (16, 0.9), (17, 0.5)]

Line = tuple[int, int, str]


class Center:
    """A center whose agents each work in one or two queues.

    Args:
        seed: Tells one year from another.
        agents: How many there are; each is in on four days of five.
        queues: How many there are.
        lines_a_day: About how many lines a weekday has.
    """

    def __init__(self, seed: int = 1, *, agents: int = 200, queues: int = 20, lines_a_day: int = 38_400) -> None:
        self._chance = random.Random(seed)
        self._agents = [(f"Agent {n}", f"PJSIP/{1000 + n}") for n in range(agents)]
        self._queues = [f"queue{n}" for n in range(queues)]
        self._calls = lines_a_day // 4
        self._order = count()
        self._channel = count(1)
        self._lines: list[Line] = []

    def day(self, midnight: int) -> Iterator[bytes]:
        """The lines of one day, in order."""
        self._lines = []
        if (midnight - MONDAY) // DAY % 7 < 5:
            self._add(midnight + 2 * 3600, "NONE|NONE|NONE|CONFIGRELOAD|")
            here = [each for each in self._agents if self._chance.random() < 0.8]
            shifts = [self._shift(midnight, name, interface) for name, interface in here]
            self._talk(midnight, shifts)
        for _, _, line in sorted(self._lines):
            yield line.encode()

    def _add(self, time: int, rest: str) -> None:
        self._lines.append((time, next(self._order), f"{time}|{rest}"))

    def _shift(self, midnight: int, name: str, interface: str) -> tuple[str, list[str], int, int]:
        chance = self._chance
        number = int(name.split()[1])
        queues = [self._queues[number % len(self._queues)], self._queues[(number * 7 + 3) % len(self._queues)]]
        begin = midnight + 7 * 3600 + chance.randrange(7200)
        end = begin + 8 * 3600 + chance.randrange(3600)
        for queue in queues:
            self._add(begin, f"MANAGER|{queue}|{interface}|ADDMEMBER|")
            self._add(end, f"MANAGER|{queue}|{interface}|REMOVEMEMBER|")
        for _ in range(4):
            pause = chance.randrange(begin + 600, end - 3600)
            reason = chance.choice(REASONS)
            for queue in queues:
                self._add(pause, f"NONE|{queue}|{name}|PAUSE|{reason}")
                self._add(pause + 300 + chance.randrange(1500), f"NONE|{queue}|{name}|UNPAUSE|")
        return name, queues, begin, end

    def _talk(self, midnight: int, shifts: list[tuple[str, list[str], int, int]]) -> None:
        chance = self._chance
        hours, weights = zip(*WEIGHTS, strict=True)
        for hour in chance.choices(hours, weights, k=self._calls):
            time = midnight + hour * 3600 + chance.randrange(3600)
            name, queues, begin, end = chance.choice(shifts)
            if not begin < time < end - 900:
                continue
            queue, caller = chance.choice(queues), f"{time}.{next(self._channel)}"
            self._add(time, f"{caller}|{queue}|NONE|ENTERQUEUE||0301{chance.randrange(10**6):06}|1")
            if chance.random() < 0.08:
                wait = chance.randrange(5, 180)
                self._add(time + wait, f"{caller}|{queue}|NONE|ABANDON|1|1|{wait}")
                continue
            wait, ring = min(600, int(chance.expovariate(1 / 25))), chance.randrange(1, 12)
            if chance.random() < 0.4:
                wait += 15
                others = [
                    each for each in chance.sample(shifts, 12) if queue in each[1] and each[2] < time < each[3] - 900
                ]
                for other, *_ in others[:1]:
                    self._add(time + wait, f"{caller}|{queue}|{other}|RINGNOANSWER|15000")
            answered, talk = time + wait + ring, 10 + int(chance.expovariate(1 / 170))
            who = "COMPLETECALLER" if chance.random() < 0.6 else "COMPLETEAGENT"
            self._add(answered, f"{caller}|{queue}|{name}|CONNECT|{wait + ring}|{time}.{next(self._channel)}|{ring}")
            self._add(answered + talk, f"{caller}|{queue}|{name}|{who}|{wait + ring}|{talk}|1")


def write(path: Path, lines: int, center: Center | None = None) -> int:
    """Write at least that many lines; returns how many there are."""
    center, written, midnight = center or Center(), 0, MONDAY
    with path.open("wb") as file:
        while written < lines:
            day = list(center.day(midnight))
            file.write(b"".join(line + b"\n" for line in day))
            written += len(day)
            midnight += DAY
    return written


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000))
