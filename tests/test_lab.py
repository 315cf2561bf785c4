"""Promises of the lab itself: that what the other tests lean on is there and does what it says."""

import pytest

from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.tap import LOST, Tap

pytestmark = pytest.mark.lab


async def test_the_agent_ends_a_call_when_told_to(asterisk: Asterisk, tap: Tap, driver: Driver) -> None:
    """A call lasts as long as its caller was told, and the agent hangs up first."""
    caller = await driver.call("support", talk=1.0)
    connect = await driver.answered(caller)
    complete = await driver.completed(connect)
    assert complete["Reason"] == "agent"
    assert 950_000 < complete.time - connect.time < 2_000_000  # an Asterisk that has to wait for its turn is late
    await tap.snapshot()
    assert [m["Uniqueid"] for m in tap.events if m.event == "AgentConnect"] == [caller.uniqueid]
    assert f"|{caller.uniqueid}|support|{connect['MemberName']}|CONNECT|" in asterisk.queue_log.read_text("utf-8")


async def test_the_caller_ends_a_call_when_told_to(driver: Driver) -> None:
    """A caller may be the one who hangs up, after the talk."""
    caller = await driver.call("sales", talk=0.6, ends="caller")
    complete = await driver.completed(await driver.answered(caller))
    assert complete["Reason"] == "caller"


async def test_a_caller_gives_up(driver: Driver) -> None:
    """A caller without an agent leaves when its patience ends."""
    caller = await driver.call("empty", patience=0.5)
    await driver.wait_for("QueueCallerAbandon", Uniqueid=caller.uniqueid)


async def test_the_device_follows_the_phone(driver: Driver) -> None:
    """A hinted member rings, is in use and is free again, as its phone is."""
    await driver.add("empty", pbx.EVA)
    since = driver.mark()
    await driver.call("empty", ring=0.3, talk=0.6)
    for status in ("6", "2", "1"):
        event = await driver.wait_for("QueueMemberStatus", since=since, Queue="empty", Status=status)
        since = event.index


@pytest.mark.parametrize("reply", ["busy", "never"])
async def test_an_agent_does_not_answer(driver: Driver, reply: str) -> None:
    """A busy phone is passed over at once and a deaf one after the ring time-out, which pauses it in ``auto``."""
    await driver.set_reply("a4", "busy" if reply == "busy" else "never")
    await driver.call("auto", patience=5)
    missed = await driver.wait_for("AgentRingNoAnswer")
    if reply == "busy":  # in whole seconds of a clock that may come to a full one meanwhile
        assert missed["RingTime"] in {"0", "1000"}
    else:
        assert missed["RingTime"] == "3000"
        pause = await driver.wait_for("QueueMemberPause", Queue="auto")
        assert pause["PausedReason"] == "Auto-Pause"


async def test_a_changed_file_is_read_by_a_reload(asterisk: Asterisk, driver: Driver) -> None:
    """New static members come with the reload of a rewritten queues.conf."""
    carol = pbx.Member("Carol", "a9")
    asterisk.rewrite_queues(pbx.queues_conf([pbx.Queue("support", members=(carol,))]))
    await asterisk.reload_queues()
    assert await driver.member("support", carol) is not None
    assert await driver.member("support", pbx.ALICE) is None


async def test_the_tap_lives_through_a_restart(asterisk: Asterisk, tap: Tap, driver: Driver) -> None:
    """After ``core restart now`` the same process is back and the recording goes on."""
    pid = asterisk.pid
    await asterisk.restart()
    await tap.ready()
    await driver.open()
    caller = await driver.call("support", talk=0.6)
    await driver.completed(await driver.answered(caller))
    await tap.snapshot()
    assert asterisk.pid == pid
    assert [m.event for m in tap.events].count(LOST) == 1
    assert any(m.event == "AgentComplete" for m in tap.events)


async def test_a_killed_asterisk_comes_back_on_its_port(asterisk: Asterisk, driver: Driver) -> None:
    """SIGKILL ends every connection at once; started again it listens on the same port."""
    port = asterisk.port
    await asterisk.kill()
    await driver.lost.wait()
    await asterisk.start()
    await driver.open()
    assert asterisk.port == port
    assert await driver.queue_status("support")
