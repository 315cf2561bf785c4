"""Rests between lists, and turns for others."""

import asyncio
from itertools import count

import pytest

from gateway.ami.message import AmiMessage, Arrival
from gateway.domain.instant import SECOND
from gateway.domain.member import Member
from gateway.service.pacing import LONGEST_REST, SLICE, Pace, Slices
from gateway.service.recovery import DAY, begin_of_first_gap

DYNAMIC = Member("support", "PJSIP/1001", "Alice", "PJSIP/1001")


@pytest.mark.parametrize(("took", "rested"), [(0.02, 0.04), (0.0, 0.0), (LONGEST_REST * 10, LONGEST_REST)])
async def test_asterisk_rests_in_proportion(took: float, rested: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the time at which its answer came, not by when it was read; and never for long."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def ask() -> list[AmiMessage]:
        return [AmiMessage({}, Arrival(0, at)) for at in (7, 7 + round(took * SECOND))]

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await Pace(2.0).keep(ask)
    assert slept == ([pytest.approx(rested)] if rested else [])


async def test_long_work_gives_others_their_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants the loop meanwhile has it some milliseconds later."""
    others, now = 0, 100.0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other(), name="other")
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    slices = Slices()
    for _ in range(40):
        now += SLICE * 0.126  # over its end at the eighth
        await slices.turn()
    task.cancel()
    assert others == 5


@pytest.mark.parametrize("whole", [True, False])
async def test_work_that_must_be_whole_is_ended_before_it_is_cancelled(whole: bool) -> None:  # noqa: FBT001
    """All other work stops at its next turn."""
    done = 0
    started = asyncio.Event()

    async def work() -> bool:
        nonlocal done
        slices = Slices()
        loop = asyncio.get_running_loop()
        for number in count(1):
            begin = loop.time()
            while loop.time() - begin < SLICE:
                pass
            started.set()
            await slices.turn(whole=lambda: whole)
            done = number
            if number == 5:
                break
        return slices.cancelled

    task = asyncio.create_task(work(), name="work")
    await started.wait()
    task.cancel()
    if whole:
        assert await task
        assert done == 5
    else:
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done < 5


@pytest.mark.parametrize(
    ("logins", "begin"),
    [
        ([], None),
        ([2 * DAY - 5], 2 * DAY - 5),
        ([2 * DAY - 5, 2 * DAY - 500], 2 * DAY - 500),
        ([2 * DAY - 5, 7], DAY),
        ([2 * DAY - 5, None], DAY),
        ([2 * DAY + 3], 2 * DAY),
    ],
)
def test_the_first_gap_begins_with_the_earliest_login(logins: list[int | None], begin: int | None) -> None:
    """A day ago at most; where Asterisk does not tell a dynamic member's login, the log is read for it."""
    present = [Member("support", "PJSIP/1001", "Alice", "PJSIP/1001", login_time=each) for each in logins]
    static = Member("support", "PJSIP/1002", "Bob", "PJSIP/1002", membership="static")
    assert begin_of_first_gap([*present, static], 2 * DAY) == begin
