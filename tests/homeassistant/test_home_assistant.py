"""A real Home Assistant finds the gateway's queues and agents, shows them as they are, and pauses agents."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.ami.queue_model import Member
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.homeassistant.conftest import FirstSight
from tests.homeassistant.running import WITHIN, HomeAssistant, State, Watch
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import GatewayProcess, config_text
from tests.lab.subscriber import Subscriber
from tests.service.live import ALICE, Live, live

REASONS: Final = ("lunch", 'Kaffee "kurz" \\ {{ 1 }} - 茶')
SWITCHED_ON: Final = {"discovery": True, "pause_reasons": REASONS}
NUMBER: Final = "5550199"
FIRST: Final = "1795000000.77"
SECOND: Final = "1795000000.88"
CALLER: Final = {"CallerIDNum": NUMBER, "CallerIDName": "Zsofia Secret", "Queue": "Support"}
PAUSE: Final = "select.agent_alice_pause"
DEVICES: Final = {"CTI gateway pbx1", "Queue Support", "Queue sales", "Agent Alice", "Agent Bob"}
SHOWN: Final = ("unit_of_measurement", "device_class", "state_class", "options", "icon")
"""What of a component is shown as it is."""


#: The first of them installs Home Assistant where it is not yet.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def no_complaints(home_assistant: HomeAssistant) -> Any:
    """Whatever happens, Home Assistant has nothing to complain of."""
    before = len(home_assistant.complaints())
    yield
    assert home_assistant.complaints()[before:] == []


async def until_figures(watch: Watch, figures: Mapping[str, float]) -> None:
    """Wait until sensors show these numbers."""
    await watch.until(lambda states: all(number(states, name) == figure for name, figure in figures.items()))


def number(states: Mapping[str, State], name: str) -> float | None:
    """What a sensor shows; None where there is none yet, or it shows no number."""
    try:
        return float(states[f"sensor.{name}"]["state"])
    except (KeyError, ValueError):
        return None


async def found(watch: Watch) -> None:
    """Wait until Alice is found, and shown as she is."""
    await watch.until_state(PAUSE, "Not paused")
    await watch.until_state("sensor.agent_alice_state", "READY")
    await watch.until_state("sensor.queue_support_callers_waiting", "0")


async def test_every_entity_is_what_it_was_told_to_be(broker: Broker, asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """Each component of each device is an entity with its name, unit, device class and state class, and a state."""
    async with (
        Subscriber(broker.port, "homeassistant") as told,
        live(broker, asterisk, home_assistant=SWITCHED_ON) as running,
    ):
        await found(watch)
        await watch.until_state("sensor.cti_gateway_pbx1_asterisk_link", "up")
        devices = await watch.until_devices(lambda there: there.keys() == DEVICES)
        hub = devices.pop("CTI gateway pbx1")
        assert {each["via_device_id"] for each in devices.values()} == {hub["id"]}
        await running.gateway.mqtt.drain()
        await told.publish("mark", b"all told")
        await told.wait_for(lambda m: m.topic == "mark")
        configs = [
            message.json
            for topic, message in told.latest.items()
            if topic.startswith("device/cti__pbx1/") and message.payload
        ]
        assert {config["device"]["name"] for config in configs} == DEVICES
        for config in configs:
            device = (devices | {"CTI gateway pbx1": hub})[config["device"]["name"]]
            # It takes them one after the other, and their states after that.
            deadline = time.monotonic() + WITHIN
            while wrong := await differences(watch, device, config["components"].values()):
                assert time.monotonic() < deadline, wrong
                await asyncio.sleep(0.05)


async def differences(watch: Watch, device: Any, components: Iterable[Any]) -> list[object]:
    """In what the entities of a device are not what they were told to be."""
    entities = {each["unique_id"]: each for each in await watch.entities(device)}
    components = list(components)
    if set(entities) != {each["unique_id"] for each in components}:
        return [sorted(entities)]
    found: list[object] = []
    for component in components:
        entity = entities[component["unique_id"]]
        name, state = entity["entity_id"], watch.states.get(entity["entity_id"])
        if state is None:
            found.append(name)
            continue
        is_known = component["name"] not in {"Reason", "Service level", "AMI lag"}  # of which there is nothing yet
        shown = {key: state["attributes"].get(key) for key in SHOWN}
        pairs: dict[str, tuple[object, object]] = {
            "platform": (name.partition(".")[0], component["platform"]),
            "name": (state["attributes"]["friendly_name"], f"{device['name']} {component['name']}"),
            "category": (entity["entity_category"], component.get("entity_category")),
            "attributes": (shown, {key: component.get(key) for key in SHOWN}),
            "reset": ("last_reset" in state["attributes"], "last_reset_value_template" in component),
            "state": (state["state"] in {"unavailable", *(["unknown"] if is_known else [])}, False),
        }
        found += [(name, key, is_, told) for key, (is_, told) in pairs.items() if is_ != told]
    return found


async def test_figures_follow_what_happens(broker: Broker, asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """A caller who waits and is answered, and one who hangs up, are seen in queue and agent, but not who they are."""
    async with live(broker, asterisk, home_assistant=SWITCHED_ON) as running:
        await found(watch)
        asterisk.send_event("QueueCallerJoin", Uniqueid=FIRST, Linkedid=FIRST, Position=1, Count=1, **CALLER)
        asterisk.send_event("QueueCallerJoin", Uniqueid=SECOND, Linkedid=SECOND, Position=2, Count=2, **CALLER)
        await watch.until_state("sensor.queue_support_callers_waiting", "2")
        asterisk.send_event("QueueCallerLeave", Uniqueid=FIRST, Linkedid=FIRST, Position=1, Count=1, **CALLER)
        leg = {"Interface": ALICE, "MemberName": "Alice", "DestUniqueid": f"{FIRST}1"}
        asterisk.send_event("AgentConnect", Uniqueid=FIRST, Linkedid=FIRST, HoldTime=1, RingTime=1, **leg, **CALLER)
        await watch.until_state("sensor.agent_alice_state", "BUSY_ACD")
        await watch.until_state("binary_sensor.agent_alice_on_a_call", "on")
        await watch.until_state("sensor.queue_support_callers_waiting", "1")
        await until_figures(watch, {"queue_support_agents_on_a_call": 1, "queue_support_agents_ready": 0})
        asterisk.send_event("HangupRequest", Uniqueid=SECOND, Linkedid=SECOND)
        asterisk.send_event("QueueCallerAbandon", Uniqueid=SECOND, Position=1, HoldTime=2, **CALLER)
        asterisk.send_event("QueueCallerLeave", Uniqueid=SECOND, Linkedid=SECOND, Position=1, Count=0, **CALLER)
        await watch.until_state("sensor.queue_support_calls_abandoned", "1")
        asterisk.send_event(
            "AgentComplete", Uniqueid=FIRST, Linkedid=FIRST, HoldTime=1, TalkTime=3, Reason="caller", **leg, **CALLER
        )
        await watch.until_state("sensor.agent_alice_queue_calls", "1")
        await watch.until_state("binary_sensor.agent_alice_on_a_call", "off")
        await watch.until_state("sensor.queue_support_agents_on_a_call", "0")
        agent = (
            await running.client.wait_for(lambda m: m.topic == "agent/Alice" and m.json["number_of_acd_calls"] == 1)
        ).json
        queue = (
            await running.client.wait_for(
                lambda m: (
                    m.topic == "queue/Support"
                    and (m.json["answered"], m.json["total_calls_abandoned"], m.json["current_calls_queued"])
                    == (1, 1, 0)
                )
            )
        ).json
        shown = {
            "queue_support_calls_queued": queue["total_calls_queued"],
            "queue_support_calls_answered": queue["answered"],
            "queue_support_average_wait": queue["average_wait_time"],
            "queue_support_longest_wait": queue["longest_ever_wait_time"],
            "agent_alice_talk_time": agent["total_acd_talk_time"],
            "agent_alice_call_time": agent["total_acd_call_time"],
        }
        await until_figures(watch, shown)
        assert (queue["total_calls_queued"], queue["answered"], agent["total_acd_talk_time"] > 0) == (2, 1, True)
        reset = watch.states["sensor.queue_support_calls_answered"]["attributes"]["last_reset"]
        assert reset[:19] == queue["measurement_period"]["from"][:19]
        everything = json.dumps(watch.states)
        assert "sensor.queue_support_calls_answered" in everything
        assert not any(each in everything for each in (NUMBER, "Zsofia", FIRST))


async def test_a_measurement_period_that_begins_anew_is_told_as_that(
    broker: Broker, asterisk: ScriptedAsterisk, watch: Watch
) -> None:
    """A figure that falls to zero says that it was reset, and when, so that nobody takes it for one that went down."""
    async with live(broker, asterisk, home_assistant=SWITCHED_ON) as running:
        await found(watch)
        asterisk.send_event("QueueCallerJoin", Uniqueid=FIRST, Linkedid=FIRST, Position=1, Count=1, **CALLER)
        before = await watch.until_state("sensor.queue_support_calls_queued", "1")
        answer = await running.ask("cti/pbx1/queue/Support/measurement_period", {"seconds": 3600})
        assert answer["status"] == "ok"
        after = await watch.until_state("sensor.queue_support_calls_queued", "0")
        assert after["attributes"]["last_reset"] > before["attributes"]["last_reset"]


async def choose(watch: Watch, option: str) -> None:
    """Choose an option of Alice's select, as on a page."""
    await watch.call("select", "select_option", PAUSE, option=option)


def last_pauses(running: Live) -> list[tuple[str, str, str]]:
    """The last two actions that paused Alice, or let her go on: one for each of her queues."""
    asked = [fields for _, fields in running.asked("QueuePause")][-2:]
    return sorted((each["Queue"], each["Paused"], each.get("Reason", "")) for each in asked)


async def test_the_select_pauses_in_asterisk_and_shows_what_is_so(
    broker: Broker, asterisk: ScriptedAsterisk, watch: Watch
) -> None:
    """Each option does in all queues of the agent what it says, and only what Asterisk tells is shown."""
    async with live(broker, asterisk, home_assistant=SWITCHED_ON) as running:
        await found(watch)
        assert watch.states[PAUSE]["attributes"]["options"] == ["Not paused", "Paused", *REASONS]
        for reason in REASONS:
            await choose(watch, reason)
            await watch.until_state(PAUSE, reason)
            assert last_pauses(running) == [("Support", "true", reason), ("sales", "true", reason)]
            await watch.until_state("sensor.agent_alice_state", "NOT_READY")
            await watch.until_state("sensor.agent_alice_reason", reason)
        await choose(watch, "Paused")
        await watch.until_state(PAUSE, "Paused")
        await watch.until_state("sensor.agent_alice_reason", "unknown")
        await choose(watch, "Not paused")
        await found(watch)
        assert [each[1] for each in last_pauses(running)] == ["false", "false"]


async def test_a_pause_from_elsewhere_is_shown(broker: Broker, asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """A reason that is no option is ``Paused``; where the queues differ nothing is claimed."""
    async with live(broker, asterisk, home_assistant=SWITCHED_ON):
        await found(watch)
        asterisk.send_events(asterisk.model.pause(ALICE, "true", "Support", "coffee"))
        await watch.until_state(PAUSE, "unknown")
        await watch.until_state("sensor.agent_alice_reason", "coffee")
        asterisk.send_events(asterisk.model.pause(ALICE, "true", "sales", "coffee"))
        await watch.until_state(PAUSE, "Paused")
        asterisk.send_events(asterisk.model.pause(ALICE, "true", "", "lunch"))
        await watch.until_state(PAUSE, "lunch")


async def test_the_automation_of_our_page_does_what_it_says(
    broker: Broker, asterisk: ScriptedAsterisk, watch: Watch
) -> None:
    """Who is on ``training`` for so long is unpaused by it."""
    async with live(broker, asterisk, home_assistant={**SWITCHED_ON, "pause_reasons": ["training"]}) as running:
        await found(watch)
        since = len(watch.story[PAUSE])
        await choose(watch, "training")
        await watch.until_entered(PAUSE, "training", "Not paused", since=since)
        assert [each[1] for each in last_pauses(running)] == ["false", "false"]


async def test_a_pause_in_a_call_is_shown_before_the_call_is_over(
    broker: Broker, asterisk: ScriptedAsterisk, watch: Watch
) -> None:
    """It holds at once, for the time after the call."""
    async with live(broker, asterisk, home_assistant=SWITCHED_ON) as running:
        await found(watch)
        await running.call("Support", ALICE, "Alice")
        await watch.until_state("sensor.agent_alice_state", "BUSY_ACD")
        await choose(watch, "lunch")
        await watch.until_state(PAUSE, "lunch")
        assert watch.state("sensor.agent_alice_state") == "BUSY_ACD"


async def test_where_pausing_is_forbidden_there_is_no_select(
    broker: Broker, asterisk: ScriptedAsterisk, watch: Watch
) -> None:
    """It goes with the policy, also while the gateway runs, and comes back with it; so does each reason."""
    policy = {"groups": ["*"], "addresses": ["*"], "limit": 100, "per_second": 100}
    async with live(broker, asterisk, home_assistant=SWITCHED_ON, allow=[]) as running:
        await watch.until_state("sensor.agent_alice_state", "READY")
        await watch.until(lambda states: PAUSE not in states)
        running.gateway.tuning.set_policy(commands=["set"], reasons=["l*"], **policy)  # type: ignore[arg-type]
        assert (await watch.until_state(PAUSE, "Not paused"))["attributes"]["options"] == [
            "Not paused",
            "Paused",
            "lunch",
        ]
        running.gateway.tuning.set_policy(commands=[], reasons=["*"], **policy)  # type: ignore[arg-type]
        await watch.until(lambda states: PAUSE not in states)
        assert watch.state("sensor.agent_alice_state") == "READY"


async def test_what_is_not_known_is_not_shown(broker: Broker, asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """Without a link to Asterisk queues and agents are unavailable, and without the gateway all is."""
    async with live(broker, asterisk, home_assistant=SWITCHED_ON):
        await found(watch)
        asterisk.stop_listening()
        asterisk.close_sessions()
        await watch.until_state("sensor.agent_alice_state", "unavailable")
        await watch.until_state("sensor.queue_support_callers_waiting", "unavailable")
        await watch.until_state("sensor.cti_gateway_pbx1_asterisk_link", "down")
        await watch.until_state("binary_sensor.cti_gateway_pbx1_picture_current", "off")
        await asterisk.listen()
        await found(watch)
    await watch.until_state("sensor.agent_alice_state", "unavailable")
    await watch.until_state(PAUSE, "unavailable")
    await watch.until_state("sensor.cti_gateway_pbx1_asterisk_link", "unavailable")


async def test_an_agent_who_is_gone_is_no_device_any_more(
    broker: Broker, asterisk: ScriptedAsterisk, watch: Watch
) -> None:
    """And comes back as the same, when the agent does."""
    async with live(broker, asterisk, home_assistant=SWITCHED_ON):
        await watch.until_state("sensor.agent_bob_state", "READY")
        before = {each["unique_id"] for each in await watch.entities((await watch.devices())["Agent Bob"])}
        asterisk.send_events(asterisk.model.remove("sales", "PJSIP/1002"))
        await watch.until(lambda states: not any("agent_bob" in each for each in states))
        assert "Agent Alice" in await watch.until_devices(lambda there: "Agent Bob" not in there)
        asterisk.send_events(asterisk.model.add("sales", "PJSIP/1002", membername="Bob"))
        await watch.until_state("sensor.agent_bob_state", "READY")
        bob = (await watch.until_devices(lambda there: "Agent Bob" in there))["Agent Bob"]
        async with asyncio.timeout(WITHIN):
            while {each["unique_id"] for each in await watch.entities(bob)} != before:  # noqa: ASYNC110  it is not told
                await asyncio.sleep(0.05)


NAMES: Final = (
    'Anna "Änne" O\'Neil \\ {{ 7 }} {% if %}',
    "李雷",
    "Жю/1 + #%",
    "PJSIP/1009",
    "☎",
    "~",
    "n" * 79,
    "長" * 26,
)


async def test_names_of_any_script(broker: Broker, asterisk: ScriptedAsterisk, watch: Watch) -> None:
    """Whatever queues and agents are called, each is a device of its own under its own name, and works."""
    for number, name in enumerate(NAMES):
        asterisk.model.add_queue(name, Member(name, name, f"PJSIP/20{number}"))
    async with live(broker, asterisk, home_assistant=SWITCHED_ON) as running:
        await found(watch)
        expected = {f"{kind} {name}" for kind in ("Queue", "Agent") for name in NAMES}
        # Two agents and two queues are there besides.
        await watch.until(lambda states: sum("callers_waiting" in each for each in states) == len(NAMES) + 2)
        await watch.until(lambda states: sum(each.startswith("select.") for each in states) == len(NAMES) + 2)
        devices = await watch.until_devices(lambda there: expected <= set(there))
        for name in NAMES:
            found_of_both = await watch.entities(devices[f"Agent {name}"]) + await watch.entities(
                devices[f"Queue {name}"]
            )
            ids = {each["unique_id"].rpartition("__")[2]: each["entity_id"] for each in found_of_both}
            await watch.until_state(ids["waiting"], "0")
            await watch.until_state(ids["state"], "READY")
            await watch.call("select", "select_option", ids["pause"], option="lunch")
            await watch.until_state(ids["state"], "NOT_READY")
            await watch.until_state(ids["pause"], "lunch")
        assert len(running.asked("QueuePause")) == len(NAMES)


def test_a_new_one_finds_what_is_there(first_sight: FirstSight) -> None:
    """All devices are found by what is retained, in whatever order that comes, and there is nothing to complain of."""
    assert (first_sight.devices, first_sight.complaints) == (DEVICES, [])


async def test_one_that_was_restarted_finds_everything_by_itself(
    broker: Broker, asterisk: ScriptedAsterisk, home_assistant: HomeAssistant
) -> None:
    """It has all devices, though it is told of none again."""
    async with (
        live(broker, asterisk, home_assistant=SWITCHED_ON) as running,
        Subscriber(broker.port, "homeassistant", filters="device/#") as told,
    ):
        async with home_assistant.watch() as watch:
            await found(watch)
        await running.gateway.mqtt.drain()
        await told.publish("device/mark", b"all told")
        await told.wait_for(lambda m: m.topic == "device/mark")
        before = len(told.messages)
        await asyncio.to_thread(home_assistant.stop)
        await home_assistant.start()
        async with home_assistant.watch() as watch:
            await found(watch)
            await watch.until_devices(lambda there: "Agent Bob" in there)
        assert len(told.messages) == before > len(DEVICES)


async def test_switched_off_everything_is_gone(
    broker: Broker, asterisk: ScriptedAsterisk, watch: Watch, tmp_path: Path
) -> None:
    """The next start without it removes what was told, though Home Assistant is asked for nothing."""
    store = tmp_path / "gateway.db"
    async with live(broker, asterisk, store=store, home_assistant=SWITCHED_ON):
        await found(watch)
    async with live(broker, asterisk, store=store):
        await watch.until(lambda states: not any("agent_" in each or "cti_gateway" in each for each in states))
        await watch.until_devices(lambda there: not there)


@pytest.mark.lab
async def test_with_a_real_asterisk(broker: Broker, watch: Watch, tmp_path: Path) -> None:
    """The gateway as users run it: a pause from here is in Asterisk's queue_log, what happens there is shown here."""
    bob = "agent_bob_baker"
    wanted = {"home_assistant": {"discovery": True, "pause_reasons": ["lunch"]}}
    async with Asterisk("22", keep_logs=tmp_path / "asterisk") as asterisk, Driver(asterisk) as driver:
        text = config_text(asterisk, broker.port, tmp_path / "gateway.db", wrap_up=pbx.wrap_up(), changes=wanted)
        async with GatewayProcess(text, tmp_path) as gateway:
            await watch.until_state(f"select.{bob}_pause", "Not paused")
            await watch.call("select", "select_option", f"select.{bob}_pause", option="lunch")
            await watch.until_state(f"select.{bob}_pause", "lunch")
            for queue in ("support", "sales"):
                member = await driver.member(queue, pbx.BOB)
                assert member is not None
                assert (member["Paused"], member["PausedReason"]) == ("1", "lunch")
            assert asterisk.queue_log.read_text().count("|Bob Baker|PAUSE|lunch") == 2
            await driver.unpause(pbx.BOB)
            await watch.until_state(f"select.{bob}_pause", "Not paused")
            await driver.pause(pbx.EVA)
            since = len(watch.story[f"sensor.{bob}_state"])
            caller = await driver.call("sales", talk=1.0)
            await watch.until_entered(f"sensor.{bob}_state", "BUSY_ACD", since=since)
            await driver.completed(await driver.answered(caller))
            await until_figures(watch, {f"{bob}_queue_calls": 1})
            await watch.until(lambda states: 0.9 < (number(states, f"{bob}_talk_time") or 0) < 3)
            await gateway.kill()
            await watch.until_state(f"sensor.{bob}_state", "unavailable")
