"""Commands that are too old, or may be: they are not carried out."""

import pytest

from tests.service.support import Bench, inbound


@pytest.mark.parametrize(
    ("seconds", "stale"), [(-10.001, True), (-10, False), (-1, False), (0, False), (10, False), (10.001, True)]
)
async def test_a_command_is_stale_when_it_is_old_or_of_the_future(bench: Bench, seconds: float, *, stale: bool) -> None:
    """Either way by more than ``max_age``."""
    answer = await bench.answer({"state": "READY", "sent_at": bench.sent_at(seconds)})
    assert (answer["code"] == "STALE") is stale
    assert len(bench.carried) == (not stale)


@pytest.mark.parametrize("sent_at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_times_at_the_ends_of_the_calendar_are_times(bench: Bench, sent_at: str) -> None:
    """They are old, or of the future, and harm nothing."""
    assert (await bench.answer({"state": "READY", "sent_at": sent_at}))["code"] == "STALE"


@pytest.mark.parametrize("payload", ["READY", {"state": "READY"}, "nonsense", {"state": "READY", "x": 1}])
async def test_what_may_have_waited_is_stale_without_a_time(bench: Bench, payload: object) -> None:
    """On a resumed session only what says when it was sent can be young enough."""
    assert (await bench.answer(payload, resumed=True))["code"] == "STALE"
    young = {"state": "READY", "sent_at": bench.sent_at(-3)}
    assert (await bench.answer(young, resumed=True))["status"] == "ok"


async def test_a_retained_command_is_stale_once_a_start(bench: Bench) -> None:
    """The replays of later connections bring no second answer, and none is ever carried out."""
    assert (await bench.answer({"state": "READY", "id": 5}, retained=True, replayed=True))["code"] == "STALE"
    bench.commander.receive(inbound({"state": "READY", "id": 5}, retained=True, replayed=True))
    assert len(await bench.settled()) == 1
    for _ in range(2):
        answer = await bench.answer({"state": "READY", "id": 5}, retained=True)
        assert (answer["code"], answer["id"]) == ("STALE", 5)
    assert (await bench.answer(b"\xff", retained=True))["code"] == "STALE"
    assert bench.carried == []
    assert (await bench.answer({"state": "READY", "id": 5}))["status"] == "ok"
