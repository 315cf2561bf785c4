"""The sample AMI user on a real Asterisk: that Asterisk takes it, and what it lets the gateway see and do."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.lab import pbx, wire
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver

SAMPLE = Path(__file__).parent.parent / "deploy" / "asterisk" / "manager.d" / "cti-gateway.conf"
SECRET = "a long random text"

#: What a call and a pause are known by, without what only some of them bring.
NEEDED = {
    *("QueueMemberPause", "QueueMemberStatus", "QueueCallerJoin", "AgentCalled", "AgentConnect", "AgentComplete"),
    *("BridgeEnter", "BridgeLeave", "Hangup"),
}

pytestmark = pytest.mark.lab


def include_sample(asterisk: Asterisk, *, secret: str) -> None:
    """Give a prepared Asterisk the sample as an operator would, *secret* in the place of the commented line."""
    etc = asterisk.home / "etc"
    (etc / "manager.d").mkdir()
    text = SAMPLE.read_text()
    assert f";secret = {SECRET}\n" in text
    (etc / "manager.d" / SAMPLE.name).write_text(text.replace(f";secret = {SECRET}\n", secret))
    with (etc / "manager.conf").open("a") as manager:
        manager.write('\n#include "manager.d/*.conf"\n')


@pytest.fixture
async def asterisk(asterisk_version: str) -> AsyncIterator[Asterisk]:
    """An Asterisk whose own configuration has no time stamps, with the sample included."""
    asterisk = Asterisk(asterisk_version, timestamps=False)
    asterisk.prepare()
    include_sample(asterisk, secret=f"secret = {SECRET}\n")
    async with asterisk:
        yield asterisk


class Reader:
    """The sample's user, logged in.

    Attributes:
        events: What it was sent.
        link: Its connection.
    """

    def __init__(self) -> None:
        self.events: list[wire.Message] = []
        self.link = wire.Link(self._take)
        self._seen = asyncio.Event()
        self._reason = ""

    async def paused_for(self, reason: str) -> None:
        """Wait until a pause with this reason has been told."""
        self._reason = reason
        self._seen.clear()
        if not any(event.get("PausedReason") == reason for event in self.events):
            async with asyncio.timeout(15):
                await self._seen.wait()

    def _take(self, message: wire.Message) -> None:
        self.events.append(message)
        if message.get("PausedReason") == self._reason:
            self._seen.set()


@pytest.fixture
async def reader(asterisk: Asterisk) -> AsyncIterator[Reader]:
    """The sample's user, logged in on loopback."""
    reader = Reader()
    await reader.link.open(asterisk.port, "cti-gateway", SECRET)
    yield reader
    await reader.link.close()


async def test_user_sees_all_of_a_call_with_its_times_and_nothing_it_does_not_need(
    asterisk: Asterisk, reader: Reader
) -> None:
    """Of a call and a pause the sample's user is sent each event that counts, stamped, and no flood of others."""
    async with Driver(asterisk) as driver:
        await driver.pause(pbx.ALICE, reason="first")
        await reader.paused_for("first")
        await driver.unpause(pbx.ALICE)
        since, start = driver.mark(), len(reader.events)
        await driver.call("support", talk=0.3)
        await driver.wait_for("AgentComplete", since=since)
        await driver.idle()
        await driver.pause(pbx.ALICE, reason="last")
        await reader.paused_for("last")
        await driver.wait_for("QueueMemberPause", since=since, PausedReason="last")
        told = Counter(event.event for name in NEEDED for event in driver.seen(name, since=since))
    seen = Counter(event.event for event in reader.events[start:])
    assert set(told) >= NEEDED
    assert {name: seen[name] for name in NEEDED - {"QueueMemberPause"}} == {
        name: told[name] for name in NEEDED - {"QueueMemberPause"}
    }
    assert all(event.at is not None for event in reader.events if event.event in NEEDED)
    assert not {"DeviceStateChange", "NewCallerid", "NewConnectedLine", "Newexten", "VarSet"} & set(seen)
    assert reader.link.booted.is_set()


async def test_user_may_do_what_the_gateway_does_and_nothing_else(reader: Reader) -> None:
    """Queue members may be managed and Asterisk asked about itself; calls, commands and files are out of reach."""
    for action in ("CoreSettings", "CoreStatus", "CoreShowChannels", "QueueStatus", "Ping"):
        await reader.link.ask(action)
    await reader.link.ask("QueuePause", Interface=pbx.ALICE.interface, Paused="true", Reason="sample")
    for action, headers in (
        ("Originate", {"Channel": "Local/1@x", "Application": "Wait"}),
        ("Command", {"Command": "core show version"}),
        ("GetConfig", {"Filename": "manager.conf"}),
        ("Redirect", {"Channel": "x", "Exten": "1", "Context": "x", "Priority": "1"}),
        ("Setvar", {"Variable": "x", "Value": "1"}),
    ):
        with pytest.raises(wire.ActionRefusedError, match="Permission denied"):
            await reader.link.ask(action, **headers)


async def test_sample_as_it_is_lets_nobody_in(asterisk_version: str) -> None:
    """Until an operator gives it a secret, no login as the sample's user succeeds."""
    asterisk = Asterisk(asterisk_version)
    asterisk.prepare()
    include_sample(asterisk, secret="")
    async with asterisk:
        for secret in ("", SECRET, "cti-gateway"):
            link = wire.Link()
            with pytest.raises((wire.ActionRefusedError, wire.LinkLostError)):
                await link.open(asterisk.port, "cti-gateway", secret)
            await link.close()
