"""put_MeasurementPeriod, and what an agent's topic shows, over a real broker and a real socket."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.service.live import ALICE, TOPICS, Live, live, pbx

AGENT = f"{TOPICS.agent('Alice')}/measurement_period"
QUEUE = f"{TOPICS.queue('sales')}/measurement_period"
YEAR = 31_536_000


async def shown(gateway: Live, condition: Callable[[Any], bool] = bool) -> Any:
    """What Alice's topic shows when it first shows what fulfils the condition."""
    return (await gateway.client.wait_for(lambda m: m.topic == "agent/Alice" and condition(m.json))).json


def ends(agent: Any) -> datetime:
    """When the window of an agent ends."""
    return datetime.fromisoformat(agent["measurement_period"]["to"])


def length(period: Any) -> float:
    """Seconds from the begin to the end of a period as it is shown."""
    begin, end = (datetime.fromisoformat(period[key]) for key in ("from", "to"))
    return (end - begin).total_seconds()


async def test_an_agent_is_shown(gateway: Live) -> None:
    """An agent's topic has its state, its figures in the local day, and its sessions."""
    agent = await shown(gateway)
    assert (agent["agent"], agent["state"], agent["state_value"]) == ("Alice", "READY", 1)
    assert {each["group"]: (each["address"], each["state"]) for each in agent["sessions"]} == {
        "Support": (ALICE, "READY"),
        "sales": (ALICE, "READY"),
    }
    figures = ("number_of_acd_calls", "number_of_incoming_calls", "number_of_outgoing_calls", "total_acd_talk_time")
    assert [agent[each] for each in figures] == [0, 0, 0, 0.0]
    assert agent["measurement_period"]["seconds"] == length(agent["measurement_period"])
    assert agent["measurement_period"]["seconds"] in (23 * 3600, 24 * 3600, 25 * 3600)


async def test_the_period_of_an_agent(gateway: Live) -> None:
    """It is answered as changed, also where it is set to what it was, and is shown with a window that begins now."""
    await gateway.call("sales", ALICE, "Alice")
    await set_to_an_hour(gateway, "1")
    await set_to_an_hour(gateway, "2")


async def set_to_an_hour(gateway: Live, number: str) -> None:
    """Set Alice's period, and wait until it is shown."""
    earliest = datetime.now(UTC) + timedelta(seconds=3599.9)
    answer = await gateway.ask(AGENT, {"seconds": 3600, "id": number})
    assert (answer["id"], answer["status"], answer["code"], answer["changed"]) == (number, "ok", None, True)
    agent = await shown(gateway, lambda agent: earliest < ends(agent) < earliest + timedelta(minutes=1))
    assert (agent["measurement_period"]["seconds"], length(agent["measurement_period"])) == (3600, 3600)


async def test_the_period_of_a_queue(gateway: Live) -> None:
    """A queue's is set in whatever case its name is written."""
    assert (await gateway.ask(QUEUE, {"seconds": YEAR, "id": "a"}))["code"] is None
    other_case = f"{TOPICS.queue('SALES')}/measurement_period"
    assert (await gateway.ask(other_case, {"seconds": 1}))["changed"] is True


@pytest.mark.parametrize(
    "seconds", ["0", "-1", "true", "false", "3600.0", "1e3", "2147483648", '"3600"', "null", "[1]", "1" * 400]
)
@pytest.mark.parametrize("topic", [AGENT, QUEUE])
async def test_what_is_no_period(gateway: Live, topic: str, seconds: str) -> None:
    """Only a whole number of seconds above zero is one; the answer says which key is wrong."""
    answer = await gateway.ask(topic, f'{{"seconds": {seconds}, "id": "a"}}')
    assert (answer["code"], answer["changed"]) == ("BAD_PAYLOAD", False)
    assert "seconds" in answer["message"] or "integer string" in answer["message"]


@pytest.mark.parametrize("payload", ["{}", '{"second": 5}', '{"seconds": 5, "from": "now"}', "3600", ""])
async def test_what_is_no_command(gateway: Live, payload: str) -> None:
    """The key must be there, and no other; an empty payload is no command at all, and has no answer."""
    if payload:
        assert (await gateway.ask(AGENT, payload))["code"] == "BAD_PAYLOAD"
    else:
        await gateway.send(AGENT, payload)
    assert (await gateway.ask(AGENT, {"seconds": 5, "id": "after"}))["id"] == "after"


async def test_who_is_not_there(gateway: Live) -> None:
    """An agent or a queue that does not exist has no period; an agent's name has to be written as it is."""
    for topic, code in (
        (f"{TOPICS.agent('Nobody')}/measurement_period", "UNKNOWN_AGENT"),
        (f"{TOPICS.agent('alice')}/measurement_period", "UNKNOWN_AGENT"),
        (f"{TOPICS.queue('nowhere')}/measurement_period", "UNKNOWN_QUEUE"),
    ):
        answer = await gateway.ask(topic, {"seconds": 60})
        assert (answer["code"], answer["changed"]) == (code, False)


async def test_policy(broker: Broker) -> None:
    """The right is measurement_period, and a queue's group has to be allowed."""
    async with pbx() as asterisk, live(broker, asterisk, allow=("set",)) as gateway:
        assert (await gateway.ask(AGENT, {"seconds": 60}))["code"] == "FORBIDDEN"
        assert (await gateway.ask(QUEUE, {"seconds": 0}))["code"] == "BAD_PAYLOAD"
    async with pbx() as asterisk, live(broker, asterisk, groups=("Sup*",)) as gateway:
        assert (await gateway.ask(AGENT, {"seconds": 60}))["code"] is None
        assert (await gateway.ask(QUEUE, {"seconds": 60}))["code"] == "FORBIDDEN"


async def test_a_window_ends_by_itself(gateway: Live) -> None:
    """When the period is over the next is shown at once, though nothing happens."""
    assert (await gateway.ask(AGENT, {"seconds": 1}))["code"] is None
    over: set[str] = set()

    def follows_another(agent: Any) -> bool:
        """Whether its window begins where one that was shown ended: on a machine that stalls one may be passed over."""
        if agent["measurement_period"]["seconds"] == 1:
            over.add(agent["measurement_period"]["to"])
        return agent["measurement_period"]["from"] in over

    second = await shown(gateway, follows_another)
    assert length(second["measurement_period"]) == 1


async def test_agent_events(gateway: Live) -> None:
    """One event for each change of the agent's state, by name and number, with the agent after it."""
    await gateway.ask(f"{TOPICS.agent('Alice')}/set", {"state": "NOT_READY", "id": "x"})
    told = await gateway.client.wait_for(lambda m: m.topic == "agent/Alice/event" and m.json["event"] == "NOT_READY")
    event = told.json
    assert (event["event"], event["event_value"], event["cause"], event["command_id"]) == (
        "NOT_READY",
        0,
        "command",
        "x",
    )
    assert event["previous"]["state"] == "READY"
    assert event["agent"]["state"] == "NOT_READY"
    assert event["agent"]["seq"] == event["seq"]
    assert {each["state"] for each in event["agent"]["sessions"]} == {"NOT_READY"}
    snapshot = await shown(gateway, lambda agent: agent["state"] == "NOT_READY")
    assert snapshot["seq"] == event["seq"]


async def test_what_is_kept_over_a_restart(broker: Broker, tmp_path: Path) -> None:
    """Figures, the period that was set, and what the topic shows are there again after the gateway was restarted."""
    store = tmp_path / "gateway.db"
    async with pbx() as asterisk:
        async with live(broker, asterisk, store=store) as gateway:
            await gateway.ask(AGENT, {"seconds": 7200})
            await gateway.call("sales", ALICE, "Alice")
            gateway.asterisk.send_event("Hangup", Uniqueid="1.11")
            before = await shown(gateway, lambda agent: agent["number_of_acd_calls"] == 1)
        async with live(broker, asterisk, store=store) as again:
            after = await shown(again, lambda agent: agent["as_of"] > before["as_of"])
    for key in ("number_of_acd_calls", "total_acd_talk_time", "measurement_period"):
        assert after[key] == before[key]
