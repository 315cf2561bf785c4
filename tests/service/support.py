"""What the tests of commands share: a clock moved by hand, a publisher that keeps all, a commander on a bench."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from gateway.clock import Arrival
from gateway.mqtt.commands import Command
from gateway.mqtt.interface import Inbound
from gateway.mqtt.topics import CommandAddress, Topics
from gateway.service.answers import CommandError, Result
from gateway.service.commander import Commander

TOPICS = Topics("cti", "pbx1")
SET = TOPICS.session_set("support", "Alice", "PJSIP/1001")
AGENT_SET = f"{TOPICS.agent('Alice')}/set"
CREATE = f"{TOPICS.agent('Alice')}/create_session"
LIMIT = 3
PER_SECOND = 1000
START = Arrival(wall=1_795_333_716_000_000, steady=5_000_000)


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, start: Arrival = START) -> None:
        self._now = start

    def now(self) -> Arrival:
        """Both clocks."""
        return self._now

    def move(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        by = round(seconds * 1_000_000)
        self._now = Arrival(self._now.wall + by, self._now.steady + by)


@dataclass(frozen=True)
class Sent:
    """An answer, as it was handed to the broker's client."""

    topic: str
    payload: bytes
    correlation_data: bytes | None

    @property
    def json(self) -> Any:
        """Its content."""
        return json.loads(self.payload)


class RecordingPublisher:
    """Keeps every message, and how many are not yet taken."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def send(
        self, topic: str, payload: bytes, *, seq: int | None = None, correlation_data: bytes | None = None
    ) -> None:
        """Keep it."""
        assert seq is None, "an answer is no event of the stream"
        self.sent.append(Sent(topic, payload, correlation_data))

    def refresh(self, topic: str, *, requeue: bool = False) -> None:
        """No answer is retained."""
        raise AssertionError((topic, requeue))


@dataclass
class Bench:
    """A commander whose surroundings a test holds in its hand.

    Attributes:
        carried: The commands that were passed on.
        gate: Closed, it keeps them under way.
        result: What becomes of them.
        forbidden: What the policy says to all.
        current: Whether there is a picture.
        weight: How many a command counts for.
    """

    carried: list[Command] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    result: Result | Exception = field(default_factory=lambda: Result(changed=True, state="READY"))
    forbidden: CommandError | None = None
    current: bool = True
    weight: int = 1
    clock: FakeClock = field(default_factory=FakeClock)
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)

    def __post_init__(self) -> None:
        self.gate.set()
        self.commander = Commander(
            TOPICS,
            self.publisher,
            self.clock,
            self._carry,
            refusal=lambda _address, _command: self.forbidden,
            is_current=lambda: self.current,
            max_age=10_000_000,
            limit=LIMIT,
            per_second=PER_SECOND,
            weight=lambda _address: self.weight,
        )

    async def _carry(self, _address: CommandAddress, command: Command) -> Result:
        self.carried.append(command)
        await self.gate.wait()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def settled(self) -> list[Sent]:
        """Let everything run that can, and return what was answered."""
        for _ in range(5):
            await asyncio.sleep(0)
        return self.publisher.sent

    async def answer(self, payload: object, topic: str = SET, **marks: Any) -> Any:
        """Send one command and return its one answer."""
        before = len(self.publisher.sent)
        self.commander.receive(inbound(payload, topic, **marks))
        sent = (await self.settled())[before:]
        assert len(sent) == 1, sent
        assert sent[0].topic == f"{topic}/response"
        return sent[0].json

    def sent_at(self, seconds: float) -> str:
        """The time of day *seconds* from now, as a sender writes it."""
        wall = (self.clock.now().wall + round(seconds * 1_000_000)) // 1000
        minutes, millis = divmod(wall, 60_000)
        # 2026-11-22T07:48 is minute 29922228 of the epoch; an offset in minutes writes any other.
        assert abs(minutes - 29_922_228) < 600
        offset = minutes - 29_922_228
        hours, rest = divmod(7 * 60 + 48 + offset, 60)
        return f"2026-11-22T{hours:02}:{rest:02}:{millis // 1000:02}.{millis % 1000:03}Z"


def inbound(payload: object, topic: str = SET, **marks: Any) -> Inbound:
    """A message; a payload that is neither bytes nor text is JSON."""
    if not isinstance(payload, bytes):
        payload = (payload if isinstance(payload, str) else json.dumps(payload)).encode()
    return Inbound(topic, payload, **marks)
