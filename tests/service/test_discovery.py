"""What the gateway has retained for Home Assistant: there when it is wanted, gone when it is not, and only its own."""

import asyncio
import re
import textwrap
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import aiomqtt
import pytest

from gateway.config import HomeAssistantConfig
from tests.ami.queue_model import Member
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.lab.subscriber import Subscriber
from tests.service.live import live

OURS: Final = "device/cti__pbx1"
ALL: Final = {
    f"{OURS}/{each}/config" for each in ("gateway", "queue__Support", "queue__sales", "agent__Alice", "agent__Bob")
}
FOREIGN: Final = (
    "device/cti__pbx10/agent__Alice/config",
    "device/cti__pbx2/queue__gone/config",
    "device/0x00158d/config",
    "sensor/cti__pbx1/agent__Alice/config",
    "sensor/cti__pbx1__agent__Alice/config",
    "status",
)
BOBS_SESSION: Final = "session/sales/Bob/PJSIP%2F1002"
THEIRS: Final = b'{"name": "somebody else\'s"}'


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto."""
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
async def told(broker: Broker) -> AsyncIterator[Subscriber]:
    """All that is published under Home Assistant's prefix."""
    async with Subscriber(broker.port, "homeassistant") as subscribed:
        yield subscribed


async def retained(broker: Broker, base: str = "homeassistant") -> dict[str, bytes]:
    """What a new subscriber is told below a prefix."""
    async with Subscriber(broker.port, base) as subscriber:
        await subscriber.publish("mark", b"all told")
        await subscriber.wait_for(lambda m: m.topic == "mark")
        return {each.topic: each.payload for each in subscriber.messages if each.retained}


async def leave(broker: Broker, topics: tuple[str, ...], base: str = "homeassistant") -> None:
    """Have messages retained, as others do."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for topic in topics:
            await client.publish(f"{base}/{topic}", THEIRS, qos=1, retain=True)


async def until_left(broker: Broker, topics: set[str], base: str = "homeassistant") -> None:
    """Wait until nothing else is retained below a prefix."""
    async with Subscriber(broker.port, base) as subscriber:
        async with asyncio.timeout(30):
            while {topic for topic, each in subscriber.latest.items() if each.payload} != topics:
                await subscriber.wait_for(lambda _: True, since=len(subscriber.messages))


async def test_nobody_is_told_of_anything_unless_that_is_wanted(
    broker: Broker, asterisk: ScriptedAsterisk, told: Subscriber
) -> None:
    """By default nothing is published there, nor is anything that is there touched."""
    await leave(broker, (f"{OURS}/agent__gone/config",))
    async with live(broker, asterisk) as running, asyncio.timeout(30):
        while not running.gateway.mqtt._searched:  # noqa: ASYNC110  nothing tells that it has looked
            await asyncio.sleep(0.05)
    assert [each.topic for each in told.messages] == [f"{OURS}/agent__gone/config"]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_is_ours_and_not_known_is_removed_and_nothing_else(
    broker: Broker, asterisk: ScriptedAsterisk, protocol: str
) -> None:
    """After a start the devices of who is gone go, and those of other gateways and of other makers stay."""
    await leave(broker, (*FOREIGN, f"{OURS}/agent__gone/config", f"{OURS}/queue__gone/config"))
    async with live(broker, asterisk, protocol=protocol, home_assistant={"discovery": True}):
        await until_left(broker, ALL | set(FOREIGN))
    left = await retained(broker)
    assert set(left) == ALL | set(FOREIGN)
    assert {left[each] for each in FOREIGN} == {THEIRS}


async def test_a_device_is_told_of_once(broker: Broker, asterisk: ScriptedAsterisk, told: Subscriber) -> None:
    """What happens in a queue, and time that passes, send no device again; who goes is removed by an empty message."""
    async with live(
        broker, asterisk, session={"statistics_interval": 0.2}, home_assistant={"discovery": True}
    ) as running:
        await told.wait_for(lambda _: {each.topic for each in told.messages} == ALL)
        since = len(running.client.messages)
        await running.call("sales", "PJSIP/1002", "Bob")
        for _ in range(2):  # each is sent again with the time that passes
            message = await running.client.wait_for(lambda m: m.topic == BOBS_SESSION, since=since)
            since = running.client.messages.index(message) + 1
        assert sorted(each.topic for each in told.messages) == sorted(f"{each}" for each in ALL)
        asterisk.send_events(asterisk.model.add("sales", "PJSIP/1003", membername="Carol"))
        await told.wait_for(lambda m: m.topic == f"{OURS}/agent__Carol/config" and bool(m.payload))
        asterisk.send_events(asterisk.model.remove("sales", "PJSIP/1003"))
        gone = await told.wait_for(lambda m: m.topic == f"{OURS}/agent__Carol/config" and not m.payload)
        assert told.messages[-1] is gone


async def test_the_patterns_choose(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """Only what matches is told of, queues without regard to case; what did, and does not any more, is removed."""
    async with live(broker, asterisk, home_assistant={"discovery": True}):
        await until_left(broker, ALL)
    wanted = {"discovery": True, "queues": ["SUPP*"], "agents": ["B?b"]}
    async with live(broker, asterisk, home_assistant=wanted):
        await until_left(broker, {f"{OURS}/{each}/config" for each in ("gateway", "queue__Support", "agent__Bob")})


async def test_a_name_that_makes_no_topic_harms_no_other(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """It is refused by whoever tells of agents, and is no device."""
    asterisk.model.add_queue("broken", Member("broken", "J\udcf6rg", "PJSIP/1003"))
    async with live(broker, asterisk, home_assistant={"discovery": True}):
        await until_left(broker, ALL | {f"{OURS}/queue__broken/config"})


async def test_another_prefix_moves_the_devices(broker: Broker, asterisk: ScriptedAsterisk, tmp_path: Path) -> None:
    """What was told under the prefixes of the past is removed there, also after a start in between that was cut off."""
    store = tmp_path / "gateway.db"

    async def run(**home_assistant: Any) -> None:
        async with live(broker, asterisk, store=store, home_assistant=home_assistant):
            await until_left(broker, ALL, str(home_assistant["prefix"]))

    await leave(broker, FOREIGN, "one")
    await run(discovery=True, prefix="two/levels")
    await run(discovery=True, prefix="three")
    await until_left(broker, set(), "two")
    await leave(broker, (f"{OURS}/agent__Alice/config",), "two/levels")
    async with live(broker, asterisk, store=store):
        await until_left(broker, set(), "two")
        await until_left(broker, set(), "three")
    assert set(await retained(broker, "one")) == set(FOREIGN)


async def test_agents_of_an_earlier_life_are_told_of_at_once(
    broker: Broker, asterisk: ScriptedAsterisk, tmp_path: Path
) -> None:
    """A start without Asterisk has the devices that were there, which say by their availability that all is old."""
    store = tmp_path / "gateway.db"
    async with live(broker, asterisk, store=store):
        pass
    async with live(broker, asterisk, store=store, home_assistant={"discovery": True}) as running:
        shown = running.gateway.mqtt._listener.retained_topics()
        assert {topic.removeprefix("homeassistant/") for topic in shown} >= ALL
        await until_left(broker, ALL)


PAGE: Final = Path(__file__).parent.parent.parent / "deploy" / "docs" / "home-assistant.md"


def block(kind: str) -> str:
    """The first example of a kind on our page."""
    found = re.search(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return textwrap.dedent(found[1])


def test_the_keys_of_our_page_are_keys() -> None:
    """What it says to write into the configuration is understood, and switches discovery on."""
    found = HomeAssistantConfig.model_validate(tomllib.loads(block("toml"))["home_assistant"])
    assert found.discovery
    assert found.pause_reasons == ("lunch", "training")


async def test_removing_by_hand_as_our_page_says(broker: Broker) -> None:
    """The two commands remove what the gateway had told, and nothing of others."""
    await leave(broker, (*FOREIGN, *ALL))
    script = re.sub(r"\b(mosquitto_[a-z]+) ", rf"\1 -p {broker.port} ", block("sh"))
    process = await asyncio.create_subprocess_exec("sh", "-c", script)
    await process.wait()
    assert set(await retained(broker)) == set(FOREIGN)
