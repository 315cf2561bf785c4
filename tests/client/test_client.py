"""The client against a live gateway: what it shows, tells and asks."""

import asyncio
import gc
import json
import ssl
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from gateway.client import (
    AgentEvent,
    CallRecord,
    CommandFailedError,
    EventStream,
    GatewayClient,
    Hole,
    MqttAuthenticationError,
    MqttConnectionError,
    NoAnswerError,
    PictureChanged,
    SessionEvent,
)
from gateway.contract.files import examples
from tests.broker import Broker, free_port
from tests.mqtt.proxy import Proxy
from tests.service.live import ALICE, BOB, TOPICS, Live

SESSIONS = 1000
WITHIN = 30.0  # seconds; nothing here takes one, unless it is broken


def client_of(broker: Broker, **changes: object) -> GatewayClient:
    """A client of the gateway under test."""
    return GatewayClient(broker.host, broker.port, **{"base": TOPICS.base, **changes})  # type: ignore[arg-type]


async def next_of(stream: EventStream, kind: type) -> object:
    """The next event of a kind."""
    async with asyncio.timeout(WITHIN):
        async for event in stream:
            if isinstance(event, kind):
                return event
    raise AssertionError("the stream ended")


@pytest.mark.usefixtures("gateway")
async def test_inside_there_is_the_whole_picture(broker: Broker) -> None:
    """On entering every session, agent, group and queue is there, as typed models, and the picture is current."""
    async with client_of(broker) as client:
        assert client.current, client.why_not_current
        assert client.base == TOPICS.base
        assert sorted((each.group, each.agent, each.address) for each in client.sessions()) == [
            ("Support", "Alice", ALICE),
            ("sales", "Alice", ALICE),
            ("sales", "Bob", BOB),
        ]
        assert [each.agent for each in client.sessions(group="Support")] == ["Alice"]
        assert len(client.sessions(agent="Alice")) == 2
        assert sorted(each.agent for each in client.agents()) == ["Alice", "Bob"]
        assert sorted(each.group for each in client.groups()) == ["Support", "sales"]
        assert sorted(each.queue for each in client.queues()) == ["Support", "sales"]
        session, agent, queue = client.session("sales", "Bob", BOB), client.agent("Bob"), client.queue("sales")
        assert session is not None
        assert (session.state, session.asterisk.penalty) == ("READY", 2)
        assert agent is not None
        assert agent.sessions[0].address == BOB
        assert queue is not None
        assert queue.agents.READY == 2
        assert client.session("sales", "Carol", "PJSIP/1003") is None
        assert client.info is not None
        assert client.info.sessions == 3
        assert client.asterisk is not None
        assert client.asterisk.link == "up"
        with pytest.raises(ValidationError):
            session.state = "NOT_READY"


@pytest.mark.usefixtures("gateway")
async def test_only_what_is_wanted_is_subscribed_to(broker: Broker) -> None:
    """A program that wants queues alone is sent nothing else, but always knows whether the picture is current."""
    async with client_of(broker, wants=["queues"]) as client:
        assert len(client.queues()) == 2
        assert client.sessions() == []
        assert client.current


async def test_events_are_told_in_order_and_typed(broker: Broker, gateway: Live) -> None:
    """What happens is told as typed events in the order of seq, call records among them; the picture follows."""
    async with client_of(broker) as client:
        told = client.events()
        await gateway.call("Support", ALICE, "Alice")
        gateway.asterisk.send_event("Hangup", Channel=f"{ALICE}-1", Uniqueid="1.11", Linkedid="1.1", Cause=16)
        busy = await next_of(told, SessionEvent)
        assert isinstance(busy, SessionEvent)
        assert (busy.event, busy.session.group, busy.previous and busy.previous.state) == ("BUSY", "Support", "READY")
        agent = await next_of(told, AgentEvent)
        assert isinstance(agent, AgentEvent)
        assert (agent.event, agent.agent.agent) == ("BUSY_ACD", "Alice")
        record = await next_of(told, CallRecord)
        assert isinstance(record, CallRecord)
        assert (record.uniqueid, record.agent) == ("1.1", "Alice")
        assert busy.seq < agent.seq < record.seq
        await client.until(lambda: bool(client.sessions(group="Support")[0].number_of_calls), timeout=WITHIN)


async def test_a_command_is_answered(broker: Broker, gateway: Live) -> None:
    """set_state returns the ok answer; what follows is told, with the command's id, and shown."""
    async with client_of(broker) as client:
        told = client.events()
        answer = await client.set_state("Support", "Alice", ALICE, "NOT_READY", reason="lunch")
        assert (answer.status, answer.changed, answer.state) == ("ok", True, "NOT_READY")
        event = await next_of(told, SessionEvent)
        assert isinstance(event, SessionEvent)
        assert (event.cause, event.command_id, event.session.reason) == ("command", answer.id, "lunch")
        await client.until(lambda: client.sessions(group="Support")[0].reason == "lunch", timeout=WITHIN)
    assert gateway.asked("QueuePause") == [
        ("QueuePause", {"Queue": "Support", "Interface": ALICE, "Paused": "true", "Reason": "lunch"})
    ]


@pytest.mark.usefixtures("gateway")
async def test_every_command_has_a_method(broker: Broker) -> None:
    """Log in, pause an agent everywhere, set periods, resync and log out, each confirmed."""
    async with client_of(broker) as client:
        created = await client.create_session("Carol", "Support", "PJSIP/1003", state="NOT_READY", reason="training")
        assert created.state == "NOT_READY"
        await client.until(lambda: bool(client.sessions(agent="Carol")), timeout=WITHIN)
        everywhere = await client.agent_set_state("Alice", "NOT_READY", reason="meeting")
        assert sorted(each.group for each in everywhere.sessions or ()) == ["Support", "sales"]
        assert (await client.set_measurement_period(3600, queue="sales")).changed
        assert (await client.set_measurement_period(60, agent="Alice")).changed
        assert (await client.resync()).status == "ok"
        assert (await client.publish_health()).status == "ok"
        ended = await client.end_session("Support", "Carol", "PJSIP/1003")
        assert ended.state == "SESSION_ENDED"
        with pytest.raises(ValueError, match="an agent or a queue"):
            await client.set_measurement_period(60)


@pytest.mark.usefixtures("gateway")
async def test_a_command_that_fails_raises_its_answer(broker: Broker) -> None:
    """An error answer is an exception with the code; what the gateway would refuse unread does not leave."""
    async with client_of(broker) as client:
        with pytest.raises(CommandFailedError) as caught:
            await client.set_state("Support", "Nobody", "PJSIP/9", "READY")
        assert caught.value.code == "UNKNOWN_SESSION"
        with pytest.raises(ValueError, match="must not hold"):
            await client.set_state("Support", "Alice", ALICE, "NOT_READY", reason="a|b")


@pytest.mark.parametrize("changes", [{"protocol": "3.1.1"}, {"answers_on": "desk/7/answers"}])
@pytest.mark.usefixtures("gateway")
async def test_answers_come_by_other_ways_too(broker: Broker, changes: dict[str, str]) -> None:
    """MQTT 3.1.1, which has no Correlation Data, and a topic of the client's own serve as well."""
    async with client_of(broker, **changes) as client:
        answers = await asyncio.gather(
            client.set_state("sales", "Bob", BOB, "NOT_READY"),
            client.set_state("sales", "Alice", ALICE, "NOT_READY"),
            client.set_state("Support", "Alice", ALICE, "NOT_READY"),
        )
        assert [each.state for each in answers] == ["NOT_READY"] * 3
        assert len({each.id for each in answers}) == 3


async def test_no_gateway_no_answer(broker: Broker) -> None:
    """With nobody there the picture says so, and a command ends in NoAnswerError in time."""
    async with client_of(broker, timeout=0.2) as client:
        assert client.why_not_current == "nothing is known of a gateway under this base topic"
        with pytest.raises(NoAnswerError, match=r"no answer within 0\.2 s"):
            await client.resync()


@pytest.mark.usefixtures("gateway")
async def test_a_broken_connection_is_made_again(broker: Broker) -> None:
    """Over a restart of the broker the client says that its picture is not current, then that it is, and works on."""
    async with client_of(broker, random=lambda: 0.1) as client:
        told = client.events()
        broker.stop()
        lost = await next_of(told, PictureChanged)  # the will of the gateway may be the first to say so
        assert isinstance(lost, PictureChanged)
        assert not lost.current
        await client.until(lambda: not client.connected, timeout=WITHIN)
        assert client.why_not_current == "there is no connection to the broker"
        with pytest.raises(MqttConnectionError):
            await client.resync()
        broker.start()
        await client.until(lambda: client.current, timeout=WITHIN)
        assert len(client.sessions()) == 3
        assert (await client.set_state("sales", "Bob", BOB, "NOT_READY")).changed


async def test_what_went_while_away_is_gone(broker: Broker) -> None:
    """A session whose retained message went during a loss is not shown after it."""
    async with client_of(broker) as other, client_of(broker, random=lambda: 0.1) as client:
        publish(other, "session/a/b/c", example())
        await client.until(lambda: len(client.sessions()) == 1, timeout=WITHIN)
        broker.persistence = False
        broker.stop()
        await client.until(lambda: not client.connected, timeout=WITHIN)
        (broker.directory / "mosquitto.db").unlink()
        broker.start()
        await client.until(lambda: client.connected, timeout=WITHIN)
        assert client.sessions() == []


async def test_a_gateway_that_stops_is_told_in_words(broker: Broker, gateway: Live) -> None:
    """Whoever looks at the picture is told when Asterisk is gone."""
    async with client_of(broker) as client:
        told = client.events()
        await gateway.asterisk.stop()
        changed = await next_of(told, PictureChanged)
        assert isinstance(changed, PictureChanged)
        assert not changed.current
        await client.until(lambda: client.why_not_current == "the gateway has no link to Asterisk", timeout=WITHIN)


def example() -> bytes:
    """A session's message, as a later gateway might send it: with a key and a state that nobody knows yet."""
    return json.dumps({**examples()["session"], "state": "ON_THE_MOON", "weather": {"sun": True}}).encode()


def publish(client: GatewayClient, topic: str, payload: bytes) -> None:
    """Publish a retained message over a client's own connection."""
    client._link.connection.publish_now(f"{client.base}/{topic}", payload, retain=True)


async def test_what_a_later_gateway_adds_is_ignored(broker: Broker) -> None:
    """A key or a word that this client does not know changes nothing for it; what is no such message is left out."""
    async with client_of(broker) as other, client_of(broker) as client:
        publish(other, "session/a/b/nothing", b'{"state": 1}')
        publish(other, "session/a/b/c", example())
        await client.until(lambda: bool(client.sessions()), timeout=WITHIN)
        (session,) = client.sessions()
        assert session.state == "ON_THE_MOON"


async def test_a_large_center_is_there_on_entering(tmp_path: Path) -> None:
    """All retained messages have come when the client is entered, though the broker sends twenty at a time."""
    with Broker(tmp_path / "narrow", settings=["max_inflight_messages 20"]) as broker:
        async with client_of(broker) as other:
            for number in range(SESSIONS):
                publish(other, f"session/a/b/{number}", example())
            publish(other, "bridge/state", b"offline")
            await other.until(lambda: len(other.sessions()) == SESSIONS, timeout=WITHIN)
        async with client_of(broker) as client:
            assert len(client.sessions()) == SESSIONS
            assert client.why_not_current == "the gateway is not running"


async def test_a_refused_login_is_told_apart(tmp_path: Path) -> None:
    """A wrong password and a broker that is not there are two exceptions."""
    with Broker(tmp_path / "closed", users={"desk": "right"}) as broker:
        with pytest.raises(MqttAuthenticationError):
            async with client_of(broker, username="desk", password="wrong"):
                pass
        async with client_of(broker, username="desk", password="right") as client:
            assert client.connected
    with pytest.raises(MqttConnectionError):
        async with GatewayClient("127.0.0.1", free_port(), node="pbx1"):
            pass


async def test_a_refused_command_is_told_at_once(tmp_path: Path) -> None:
    """Without the right to send a command the broker's refusal is what is raised, before any time is up."""
    with Broker(tmp_path / "closed", users={"wall": "x"}, acl="user wall\ntopic read cti/#\n") as broker:
        async with client_of(broker, username="wall", password="x", timeout=WITHIN) as client:
            with pytest.raises(NoAnswerError, match="the broker refuses the command"):
                await client.resync()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # paho leaves a socket whose handshake failed
async def test_tls_is_verified(tmp_path: Path) -> None:
    """A broker whose certificate the system does not know is refused; with its authority's it is taken."""
    authority = trustme.CA()
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(key)
    for part in certificate.cert_chain_pems:
        part.write_to_path(chain, append=True)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with Broker(tmp_path / "tls", tls=(chain, key)) as broker:
        async with client_of(broker, tls=context) as client:
            assert client.connected
        with pytest.raises(MqttConnectionError):
            async with client_of(broker, tls=True):
                pass
        gc.collect()


def test_a_base_topic_or_a_node() -> None:
    """A gateway is named by its base topic or by its node; by neither is a mistake."""
    assert GatewayClient("h", base="acme/cti/PBX%2F1").base == "acme/cti/PBX%2F1"
    assert GatewayClient("h", prefix="acme/cti", node="PBX/1").base == "acme/cti/PBX%2F1"
    with pytest.raises(ValueError, match="give the base topic"):
        GatewayClient("h")


async def busy_while_away(client: GatewayClient, proxy: Proxy, gateway: Live) -> EventStream:
    """Let a call begin while the client's connection is gone, and end when it is back; returns what it was told."""
    told = client.events()
    proxy.away = True
    proxy.drop()
    await client.until(lambda: not client.connected, timeout=WITHIN)
    await gateway.call("sales", BOB, "Bob")
    await gateway.client.wait_for(
        lambda m: m.topic == "session/sales/Bob/PJSIP%2F1002" and m.json["state"] == "BUSY_ON_CALL"
    )
    proxy.away = False
    await client.until(lambda: client.current, timeout=WITHIN)
    gateway.asterisk.send_event("Hangup", Channel=f"{BOB}-1", Uniqueid="1.11", Linkedid="1.1", Cause=16)
    return told


async def test_what_is_missed_is_told_as_a_hole(broker: Broker, gateway: Live) -> None:
    """An event told while the connection was gone is missed; the next on its topic shows it, the picture has it."""
    async with (
        Proxy(broker) as proxy,
        GatewayClient(broker.host, proxy.port, base=TOPICS.base, random=lambda: 0.1) as client,
    ):
        told = await busy_while_away(client, proxy, gateway)
        session = client.session("sales", "Bob", BOB)
        assert session is not None
        assert session.state == "BUSY_ON_CALL"
        hole = await next_of(told, Hole)
        assert isinstance(hole, Hole)
        assert hole.topic.startswith(("session/sales/Bob/", "agent/Bob/", "queue/sales/"))


async def test_a_session_at_the_broker_misses_nothing(broker: Broker, gateway: Live) -> None:
    """With a session expiry the broker keeps what is told meanwhile: all events come, and there is no hole."""
    async with (
        Proxy(broker) as proxy,
        GatewayClient(
            broker.host,
            proxy.port,
            base=TOPICS.base,
            random=lambda: 0.1,
            client_id="desk-7",
            session_expiry=60,
        ) as client,
    ):
        told = await busy_while_away(client, proxy, gateway)
        seen = []
        async with asyncio.timeout(WITHIN):
            async for event in told:
                assert not isinstance(event, Hole)
                if isinstance(event, SessionEvent):
                    seen.append(event.event)
                if seen[-1:] == ["READY"]:
                    break
        assert seen == ["BUSY", "READY"]
