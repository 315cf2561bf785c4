"""What becomes of a message on a command topic, up to the moment it is carried out; and of its answer."""

import json

import pytest

from gateway.service.answers import Code, CommandError, Result
from tests.service.support import AGENT_SET, CREATE, LIMIT, SET, TOPICS, Bench, inbound

KEYS = {"id", "status", "code", "message", "changed", "state", "at"}


async def test_a_command_is_carried_out_and_answered(bench: Bench) -> None:
    """An answer has every key of the contract, null where there is nothing."""
    answer = await bench.answer({"state": "READY", "id": "42"})
    assert len(bench.carried) == 1
    at = answer.pop("at")
    assert at == bench.sent_at(0)
    assert answer == {"id": "42", "status": "ok", "code": None, "message": None, "changed": True, "state": "READY"}


@pytest.mark.parametrize("payload", ["READY", " READY\n", '"READY"', b"NOT_READY"])
async def test_plain_text_sets_a_state(bench: Bench, payload: str | bytes) -> None:
    """The bare state is enough, with white space around it or as a JSON string; its answer has the id null."""
    answer = await bench.answer(payload)
    assert (answer["status"], answer["id"]) == ("ok", None)


@pytest.mark.parametrize("command_id", ["", "x", "é" * 64, 0, -1, 2**80])
async def test_an_id_is_echoed_as_sent(bench: Bench, command_id: str | int) -> None:
    """String or integer, it comes back as it was."""
    answer = await bench.answer({"state": "READY", "id": command_id})
    assert answer["id"] == command_id
    assert type(answer["id"]) is type(command_id)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (SET, b"\xff"),
        (SET, b" "),
        (SET, "ready"),
        (SET, "{"),
        (SET, {"state": "READY", "x": 1}),
        (SET, {"state": 1}),
        (SET, {"state": "READY", "reason": "a|b"}),
        (SET, {"state": "READY", "reason": "a\nb"}),
        (SET, {"state": "READY", "reason": "é" * 40}),
        (SET, {"state": "READY", "id": "é" * 65}),
        (SET, {"state": "READY", "id": "a\nb"}),
        (SET, {"state": "READY", "id": True}),
        (SET, {"state": "READY", "sent_at": 1_795_333_716}),
        (SET, {"state": "READY", "sent_at": "1795333716"}),
        (SET, {"state": "READY", "sent_at": "2026-11-22T07:48:36"}),
        (SET, json.dumps({"state": "READY"}) + " " * 16_384),
        (AGENT_SET, "[]"),
        (CREATE, "READY"),
        (CREATE, {"group": "support"}),
        (CREATE, {"group": "support", "address": "PJSIP/1", "state": "BUSY_WRAPUP"}),
        (CREATE, {"group": "support", "address": "PJSIP/1;x"}),
        (CREATE, {"group": "support", "address": "PJSIP/1", "penalty": "1"}),
        (f"{TOPICS.agent('Doe, Jane')}/create_session", {"group": "support", "address": "PJSIP/1"}),
        (f"{TOPICS.agent(' Jane')}/create_session", {"group": "support", "address": "PJSIP/1"}),
        (f"{TOPICS.agent('x' * 80)}/create_session", {"group": "support", "address": "PJSIP/1"}),
        (f"{TOPICS.agent('x' * 80)}/set", "READY"),
        (f"{TOPICS.agent(chr(10))}/set", "READY"),
        (TOPICS.session_set("a\rb", "Alice", "PJSIP/1001"), "READY"),
        (TOPICS.session_set("support", "Alice", "x" * 80), "READY"),
        (TOPICS.bridge_request, "resync"),
        (TOPICS.bridge_request, {"request": "restart"}),
    ],
)
async def test_what_cannot_be_understood_is_bad_payload(bench: Bench, topic: str, payload: object) -> None:
    """It is answered, says what is wrong, and nothing is done."""
    answer = await bench.answer(payload, topic)
    assert answer["code"] == "BAD_PAYLOAD"
    assert answer["message"]
    assert bench.carried == []


@pytest.mark.parametrize("topic", [SET, TOPICS.session_set("support", "Doe, Jane", "PJSIP/1|;")])
async def test_names_that_asterisk_has_may_be_named(bench: Bench, topic: str) -> None:
    """What must not be given to Asterisk anew may yet be the name of what is there."""
    assert (await bench.answer("READY", topic))["status"] == "ok"


async def test_the_id_of_a_bad_command_is_echoed(bench: Bench) -> None:
    """The sender can tell which of its commands was wrong."""
    assert (await bench.answer({"state": "?", "id": 7}))["id"] == 7
    assert (await bench.answer({"state": "READY", "id": "a\tb"}))["id"] == "a\tb"
    assert (await bench.answer({"state": "READY", "id": 1.5}))["id"] is None


async def test_an_empty_payload_is_ignored(bench: Bench) -> None:
    """It clears a retained message, and is no command."""
    bench.commander.receive(inbound(b""))
    bench.commander.receive(inbound(b"", retained=True))
    assert await bench.settled() == []


@pytest.mark.parametrize(
    "topic",
    [
        "cti/pbx1/session/support/Alice/PJSIP%2F1001",
        "cti/pbx1/session/support/Alice/set",
        "cti/pbx2/agent/Alice/set",
        "cti/pbx1/agent/Alice/set/response",
    ],
)
async def test_what_is_no_command_of_this_gateway_is_ignored(bench: Bench, topic: str) -> None:
    """Other topics are not answered."""
    bench.commander.receive(inbound("READY", topic))
    assert await bench.settled() == []
    assert bench.carried == []


@pytest.mark.parametrize("topic", ["cti/pbx1/agent/%ff/set", "cti/pbx1/session/support/a%zz/x/set"])
async def test_a_name_that_cannot_be_read_is_answered(bench: Bench, topic: str) -> None:
    """Who sends a command to a level that stands for no name is told so, beside that topic."""
    answer = await bench.answer("READY", topic)
    assert answer["code"] == "BAD_PAYLOAD"
    assert bench.carried == []


async def test_codes_are_looked_for_in_the_order_of_the_contract(bench: Bench) -> None:
    """A command that everything speaks against is refused for the first reason; each mended shows the next."""
    bench.gate.clear()
    for number in range(LIMIT):
        bench.commander.receive(inbound({"state": "READY", "id": number}))
    await bench.settled()
    bench.forbidden = CommandError(Code.FORBIDDEN, "not allowed here")
    bench.current = False
    old = bench.sent_at(-60)
    assert (await bench.answer({"state": "?", "id": 0, "sent_at": old}))["code"] == "STALE"
    assert (await bench.answer({"state": "NOT_READY", "id": 0, "sent_at": old}))["code"] == "STALE"
    assert (await bench.answer({"state": "?", "id": 0}))["code"] == "BAD_PAYLOAD"
    assert (await bench.answer({"state": "NOT_READY", "id": 0}))["code"] == "BAD_PAYLOAD"
    assert (await bench.answer({"state": "NOT_READY", "id": "a"}))["code"] == "FORBIDDEN"
    bench.forbidden = None
    assert (await bench.answer({"state": "NOT_READY", "id": "b"}))["code"] == "BUSY"
    bench.gate.set()
    await bench.settled()
    assert (await bench.answer({"state": "NOT_READY", "id": "c"}))["code"] == "LINK_DOWN"
    bench.current = True
    assert (await bench.answer({"state": "NOT_READY", "id": "d"}))["code"] is None
    assert len(bench.carried) == LIMIT + 1


@pytest.mark.parametrize("code", list(Code)[5:])
async def test_a_failure_of_carrying_out_is_told(bench: Bench, code: Code) -> None:
    """Code, words and state of whoever carries it out are the answer's."""
    bench.result = CommandError(code, "so it is", state="NOT_READY")
    answer = await bench.answer("READY")
    assert (answer["status"], answer["code"], answer["message"]) == ("error", code.value, "so it is")
    assert (answer["changed"], answer["state"]) == (False, "NOT_READY")


async def test_a_fault_of_the_gateway_is_answered_too(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Even what should never happen leaves no command, and no repeat of it, without an answer."""
    bench.result = ValueError("a fault of ours")
    answer = await bench.answer({"state": "READY", "id": 1})
    assert answer["code"] == "TIMEOUT"
    assert await bench.answer({"state": "READY", "id": 1}) == answer
    assert "a fault of ours" in caplog.text


async def test_bridge_requests_need_no_picture(bench: Bench) -> None:
    """Whoever asks for the gateway's health wants it above all when Asterisk is away."""
    bench.current = False
    assert (await bench.answer({"request": "health"}, TOPICS.bridge_request))["status"] == "ok"


async def test_answers_go_where_the_sender_says(bench: Bench) -> None:
    """To the Response Topic with the Correlation Data, refusals too."""
    for payload in ("READY", "nonsense"):
        bench.commander.receive(inbound(payload, response_topic="my/answers", correlation_data=b"\x00\xff"))
    sent = await bench.settled()
    assert [(each.topic, each.correlation_data) for each in sent] == [("my/answers", b"\x00\xff")] * 2


async def test_a_command_that_cannot_be_answered_harms_nothing(bench: Bench) -> None:
    """A topic without room for its ``/response`` costs its own answer, and no more."""
    bench.commander.receive(inbound("READY", f"{TOPICS.base}/agent/{'x' * 65_510}/set"))
    assert await bench.settled() == []
    assert (await bench.answer("READY"))["status"] == "ok"


async def test_answers_are_counted_by_code(bench: Bench) -> None:
    """``bridge/health`` tells how many commands were answered; a repeat's answer is no new one."""
    await bench.answer({"state": "READY", "id": 1})
    await bench.answer({"state": "READY", "id": 1})
    await bench.answer("nonsense")
    assert bench.commander.answered == {"ok": 1, "BAD_PAYLOAD": 1}


async def test_one_command_over_the_limit_is_busy(bench: Bench) -> None:
    """As many as the limit may run; the next can be sent again when one has ended."""
    bench.gate.clear()
    for _ in range(LIMIT):
        bench.commander.receive(inbound("READY"))
    assert (await bench.answer("READY"))["code"] == "BUSY"
    bench.gate.set()
    assert len(await bench.settled()) == 1 + LIMIT
    assert (await bench.answer("READY"))["status"] == "ok"


async def test_commands_that_come_too_fast_are_busy(bench: Bench) -> None:
    """A second's worth may come at once, however soon each is done; then one for each that comes back with time."""
    bench.commander.per_second = 4
    assert [(await bench.answer("READY"))["code"] for _ in range(6)] == [None] * 4 + ["BUSY"] * 2
    bench.clock.move(0.24)
    assert (await bench.answer("READY"))["code"] == "BUSY"
    bench.clock.move(0.01)
    assert [(await bench.answer("READY"))["code"] for _ in range(2)] == [None, "BUSY"]
    bench.clock.move(3600)
    assert [(await bench.answer("READY"))["code"] for _ in range(5)] == [None] * 4 + ["BUSY"]
    assert len(bench.carried) == 9


async def test_a_command_that_means_many_actions_counts_for_each(bench: Bench) -> None:
    """It is carried out if there is a place at all; the next waits until all are made up for."""
    bench.commander.per_second = 4
    bench.weight = 10
    assert (await bench.answer("READY", AGENT_SET))["code"] is None
    bench.weight = 1
    bench.clock.move(1.74)
    assert (await bench.answer("READY"))["code"] == "BUSY"
    bench.clock.move(0.01)
    assert (await bench.answer("READY"))["code"] is None


async def test_what_runs_at_the_stop_is_answered_once(bench: Bench) -> None:
    """Whether it has been begun or not, it is TIMEOUT, to the repeats too."""
    bench.gate.clear()
    bench.commander.receive(inbound({"state": "READY", "id": 1}))
    bench.commander.receive(inbound({"state": "READY", "id": 1}))
    await bench.settled()
    bench.commander.receive(inbound({"state": "NOT_READY", "id": 2}))
    await bench.commander.stop()
    assert [(each.json["id"], each.json["code"]) for each in bench.publisher.sent] == [
        (1, "TIMEOUT"),
        (1, "TIMEOUT"),
        (2, "TIMEOUT"),
    ]
    assert len(bench.carried) == 1


async def test_nothing_is_begun_after_the_stop(bench: Bench) -> None:
    """A command that still arrives is told that there is no link for it."""
    await bench.commander.stop()
    assert (await bench.answer("READY"))["code"] == "LINK_DOWN"
    assert (await bench.answer({"request": "health"}, TOPICS.bridge_request))["code"] == "LINK_DOWN"
    assert bench.carried == []


async def test_every_answer_has_the_same_keys(bench: Bench) -> None:
    """An agent's has ``sessions`` besides."""
    assert set(await bench.answer("READY")) == KEYS
    assert set(await bench.answer("nonsense")) == KEYS
    bench.result = Result(sessions=())
    assert set(await bench.answer("READY", AGENT_SET)) == KEYS | {"sessions"}
