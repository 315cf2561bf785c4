"""The clock of Asterisk and of the gateway is set by an hour, forth and back, under load.

What that does to Asterisk itself is Asterisk's: whoever waits when the clock is set back waits an hour longer, so the
test hangs those calls up. ``CTI_GATEWAY_FAULTS=long`` in the environment tries it on every version.
"""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.broker import Broker
from tests.e2e.checks import check_all
from tests.e2e.load import versions, watched
from tests.e2e.running import running
from tests.lab import callcentre, oracle
from tests.lab.stepped import SteppedAsterisk
from tests.lab.subscriber import Received
from tests.lab.wire import Message

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

HOUR: Final = 3600
MEASURED: Final = 0.125
"""Seconds that a step may be measured wrong: how long a Ping was on its way is known, and not in which direction.

Half of the longest way that counts as a measurement; mostly it is a millisecond.
"""

TIME_OF_DAY: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class _Unstepped:
    """Takes the steps out again: a test lasts minutes, so whole hours that lie between two times are steps."""

    def __init__(self, reference: float) -> None:
        self._reference = int(reference)

    def microseconds(self, at: int) -> int:
        """A time in microseconds since 1970."""
        half, hour = HOUR * 500_000, HOUR * 1_000_000
        return (at - self._reference * 1_000_000 + half) % hour - half + self._reference * 1_000_000

    def duration(self, seconds: int) -> int:
        """A duration in seconds."""
        return (seconds + HOUR // 2) % HOUR - HOUR // 2

    def events(self, events: Iterable[Message]) -> list[Message]:
        """What the tap recorded."""
        events = list(events)
        for event in events:
            if event.at is not None:
                event.at = self.microseconds(event.at)
        return events

    def log(self, text: str) -> str:
        """Asterisk's queue_log, whose durations are differences of its clock."""
        lines = []
        for line in text.splitlines():
            at, callid, queue, agent, event, *data = line.split("|")
            at = str(self.microseconds(int(at) * 1_000_000) // 1_000_000)
            if event in ("COMPLETEAGENT", "COMPLETECALLER"):
                data = [str(self.duration(int(data[0]))), str(self.duration(int(data[1]))), *data[2:]]
            lines.append("|".join((at, callid, queue, agent, event, *data)))
        return "\n".join(lines)

    def messages(self, messages: Iterable[Received]) -> list[Received]:
        """What the gateway published."""
        return [replace(each, payload=TIME_OF_DAY.sub(self._text, each.payload)) for each in messages]

    def _text(self, match: re.Match[bytes]) -> bytes:
        at = round(datetime.fromisoformat(match[0].decode()).timestamp() * 1000) * 1000
        moved = datetime.fromtimestamp(self.microseconds(at) / 1e6, UTC)
        return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


@pytest.mark.parametrize("version", versions("22"))
async def test_the_clock_is_set_under_load(version: str, broker: Broker, tmp_path: Path) -> None:
    """Each step is told, and no figure, no state and no call shows it."""
    asterisk = SteppedAsterisk(version, queues=callcentre.queues_conf(), keep_logs=tmp_path / "asterisk")
    asterisk.prepare()
    async with (
        watched(asterisk, tmp_path) as lab,
        running(asterisk, broker, tmp_path, wrap_up=callcentre.WRAP_UP, environment=asterisk.environment) as gateway,
    ):
        clean = _Unstepped(datetime.now(UTC).timestamp())
        lab.open()
        await asyncio.sleep(5)
        for offset in (HOUR, 0):
            since = len(gateway.messages)
            asterisk.set_clock(offset)
            await gateway.subscriber.wait_for(_is_step, since=since)
            await asyncio.sleep(1)
            await lab.driver.command("channel request hangup all")
            # Asterisk takes calls that ended in what is now the future for a wrap-up that lasts until then.
            await lab.driver.command("queue reset stats")
            await asyncio.sleep(3)
        await lab.finish_calls(gateway)
        judgement = oracle.judge(
            clean.events(lab.tap.events), clean.log(asterisk.queue_log.read_text("utf-8")), callcentre.WRAP_UP
        )
        for call in judgement.calls:
            if call.completed is not None and _tells_nothing(call.completed):
                call.ended_by = None
        steps = [m.json["seconds"] for m in gateway.messages if _is_step(m)]
        assert steps == [pytest.approx(HOUR, abs=MEASURED), pytest.approx(-HOUR, abs=MEASURED)]
        wrong = max(
            abs(abs(each) - HOUR) for each in steps
        )  # by what is told, to the millisecond; the figures are as good as that
        found = check_all(clean.messages(gateway.messages), judgement, besides=wrong + 0.001)
        gateway.check_log()
    print(f"Asterisk {version}, clock set by {steps}: {found}")
    assert found["calls"] >= 5, "too little happened to prove anything"


def _tells_nothing(completed: Message) -> bool:
    """Whether an AgentComplete has no channel, as it has now and then, and a length that is off by the step.

    Nothing is left by which it could be known whose end it tells.
    """
    is_anonymous = not completed.get("Uniqueid") and not completed.get("DestUniqueid")
    return is_anonymous and abs(int(completed["TalkTime"])) > HOUR // 2


def _is_step(message: Received) -> bool:
    return message.topic == "bridge/event" and message.json["event"] == "CLOCK_STEPPED"
