"""Commands that come twice: nothing is done twice, and each is answered."""

from gateway.service.answers import Result
from tests.service.support import AGENT_SET, LIMIT, SET, Bench, inbound


async def test_a_repeat_gets_the_same_answer_and_does_nothing(bench: Bench) -> None:
    """The same topic, id and bytes within a minute bring the very same bytes, wherever they are wanted."""
    bench.commander.receive(inbound({"state": "READY", "id": "1"}, response_topic="a", correlation_data=b"1"))
    await bench.settled()
    bench.clock.move(59)
    bench.result = Result(changed=False, state="NOT_READY")
    bench.commander.receive(inbound({"state": "READY", "id": "1"}, response_topic="b", correlation_data=b"2"))
    first, second = await bench.settled()
    assert first.payload == second.payload
    assert [(each.topic, each.correlation_data) for each in (first, second)] == [("a", b"1"), ("b", b"2")]
    assert len(bench.carried) == 1
    bench.clock.move(1)
    assert (await bench.answer({"state": "READY", "id": "1"}))["state"] == "NOT_READY"
    assert len(bench.carried) == 2


async def test_a_repeat_of_a_command_that_runs_waits_for_its_answer(bench: Bench) -> None:
    """It is not done twice, and each gets the one answer when it is there."""
    bench.gate.clear()
    for _ in range(LIMIT + 2):
        bench.commander.receive(inbound({"state": "READY", "id": 1}))
    assert await bench.settled() == []
    bench.gate.set()
    sent = await bench.settled()
    assert len(sent) == LIMIT + 2
    assert len({each.payload for each in sent}) == 1
    assert len(bench.carried) == 1


async def test_a_repeat_is_a_repeat_even_when_it_has_grown_old(bench: Bench) -> None:
    """The answer to a command is not another because its repeat came late; nor is a refusal."""
    payload = {"state": "READY", "id": 1, "sent_at": bench.sent_at(0)}
    answer = await bench.answer(payload)
    early = {"state": "READY", "id": 2, "sent_at": bench.sent_at(15)}
    refusal = await bench.answer(early)
    assert refusal["code"] == "STALE"
    bench.clock.move(15)
    assert await bench.answer(payload) == answer
    assert await bench.answer(early) == refusal
    assert len(bench.carried) == 1


async def test_a_known_id_with_another_payload_is_bad(bench: Bench) -> None:
    """Bytes count, not meaning; and the first command's answer stays what its repeats get."""
    first = await bench.answer({"state": "READY", "id": 1})
    bad = await bench.answer('{"state":"READY","id":1}')
    assert (bad["code"], bad["id"]) == ("BAD_PAYLOAD", 1)
    assert await bench.answer({"state": "READY", "id": 1}) == first
    assert len(bench.carried) == 1


async def test_the_same_id_elsewhere_or_of_another_kind_is_another_command(bench: Bench) -> None:
    """Ids belong to a topic, and the number 1 is not the string "1"."""
    for topic, command_id in ((SET, 1), (SET, "1"), (AGENT_SET, 1)):
        assert (await bench.answer({"state": "READY", "id": command_id}, topic))["status"] == "ok"
    assert len(bench.carried) == 3


async def test_commands_without_an_id_are_never_repeats(bench: Bench) -> None:
    """The same plain text twice is two commands."""
    for _ in range(2):
        assert (await bench.answer("READY"))["status"] == "ok"
    assert len(bench.carried) == 2


async def test_what_the_broker_delivers_twice_is_one_command(bench: Bench) -> None:
    """A lost acknowledgement brings a command again: it is neither done nor answered a second time."""
    await bench.answer("READY")
    bench.commander.receive(inbound("READY", resumed=True, duplicate=True))
    assert len(await bench.settled()) == 1
    assert len(bench.carried) == 1
