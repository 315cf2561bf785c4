"""How the client connects, is lost, comes back and leaves. On a real Mosquitto."""

import asyncio
import gc
import logging
import ssl
import subprocess
from pathlib import Path

import pytest

from gateway.errors import MqttAuthenticationError
from gateway.mqtt.client import MqttClient, Retained
from gateway.mqtt.retry import TakeoverCounter
from tests.broker import Broker, free_port
from tests.mqtt.proxy import Proxy
from tests.mqtt.recorder import TOPICS, Recorder, Subscriber, client_of, eventually, retained_on, running, settings_for

STATE = TOPICS.bridge_state
REFUSED = "not authorised"  # what Mosquitto logs of a login that it refuses
PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Texts of what was logged from WARNING on."""
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


@PROTOCOLS
async def test_an_abrupt_end_leaves_the_will(broker: Broker, protocol: str) -> None:
    """When the connection breaks the broker says offline for us, retained; back again we say online."""
    async with (
        Subscriber(broker, STATE) as subscriber,
        Proxy(broker) as proxy,
        running(settings_for(broker, port=proxy.port, protocol=protocol)) as run,
    ):
        await run.client.drain()
        proxy.drop()
        await run.recorder.until_told("connected", 2)
        await run.client.drain()
        await subscriber.until(lambda: len(subscriber.seen) >= 3)
        assert subscriber.payloads == [b"online", b"offline", b"online"]
        assert await retained_on(broker, STATE) == {STATE: b"online"}


@PROTOCOLS
@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_an_orderly_end_says_offline(broker: Broker, protocol: str, how: str) -> None:
    """Stopped or cancelled, the client publishes offline after what it was asked before, and says DISCONNECT."""
    async with Subscriber(broker) as subscriber, running(settings_for(broker, protocol=protocol)) as run:
        run.client.send(TOPICS.bridge_event, b"last words")
        await run.client.drain()
        if how == "stop":
            run.client.stop()
            await run.task
        else:
            await run.end()
            assert run.task.cancelled()
        await subscriber.until_seen(STATE, b"offline")
        assert subscriber.payloads == [b"online", b"last words", b"offline"]
        assert await retained_on(broker, STATE) == {STATE: b"offline"}
        assert run.recorder.count("disconnected") == 1
        await eventually(lambda: "Client gateway disconnected." in broker.log)


async def test_the_orderly_end_is_bounded(broker: Broker) -> None:
    """With a frozen broker the end takes no longer than its time-out."""
    async with running(settings_for(broker, stop_timeout=0.2)) as run:
        await run.client.drain()
        broker.freeze()
        async with asyncio.timeout(5):
            await run.end()
        broker.thaw()


async def test_the_end_may_come_while_connecting(broker: Broker) -> None:
    """Cancelled while it waits for a CONNACK that never comes, it ends at once and leaves no connection behind."""
    broker.freeze()
    async with running(settings_for(broker), wait=False) as run:
        await asyncio.sleep(0.1)  # into the wait for the CONNACK, which nothing tells
        async with asyncio.timeout(2):
            await run.end()
    broker.thaw()
    async with client_of(broker, "probe"):
        pass  # Mosquitto has by now dealt with what came before
    assert run.recorder.told == []


async def test_cancelled_at_any_step_nothing_is_left(broker: Broker) -> None:
    """Cancelled after any number of the loop's steps, no task and no socket of the client remain."""
    before = asyncio.all_tasks()
    for steps in range(0, 120, 3):
        async with running(settings_for(broker), wait=False) as run:
            for _ in range(steps):
                await asyncio.sleep(0)
            await run.end()
    await eventually(lambda: asyncio.all_tasks() == before)


async def test_it_waits_for_a_broker_that_comes_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a broker it tries again and again, warns once, and tells when it got there."""
    caplog.set_level(logging.DEBUG, "gateway.mqtt")
    broker = Broker(tmp_path / "b", port=free_port())
    async with running(settings_for(broker), wait=False) as run:
        await eventually(lambda: sum("no connection" in each.getMessage() for each in caplog.records) >= 3)
        with broker:
            await run.recorder.until_told("connected")
            assert len(warnings_in(caplog)) == 1
            assert any(each.levelno == logging.INFO and "connected" in each.getMessage() for each in caplog.records)
            await run.end()
    assert not any(each.exc_info for each in caplog.records)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "", "a" * 300, "x..y"])
async def test_an_impossible_host_is_no_connection(host: str, broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """A name that cannot be resolved is a warning and another try, not a crash."""
    async with running(settings_for(broker, host=host), wait=False) as run:
        await eventually(lambda: bool(warnings_in(caplog)))
        assert not run.task.done()
    assert not any(each.exc_info for each in caplog.records)


@PROTOCOLS
async def test_a_refused_login_is_an_error_if_none_ever_succeeded(tmp_path: Path, protocol: str) -> None:
    """A wrong password ends the first start, and the error does not hold the password."""
    with Broker(tmp_path / "b", users={"gateway": "right"}) as broker:
        settings = settings_for(broker, username="gateway", password="wrong-word", protocol=protocol)
        with pytest.raises(MqttAuthenticationError) as caught:
            await MqttClient(settings, TOPICS, Recorder()).run()
        assert "wrong-word" not in f"{caught.value!r} {settings!r}"


async def test_a_refused_login_is_tried_again_if_one_succeeded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a login that was accepted, a refusal is waited out, warned of once, and not fatal."""
    with Broker(tmp_path / "b", users={"gateway": "right"}) as broker:
        settings = settings_for(broker, username="gateway", password="right", login_retry=0.05)
        async with running(settings) as run:
            broker.stop()
            broker.users = {"gateway": "another"}
            broker.start()
            refused = broker.log.count(REFUSED)
            await eventually(lambda: broker.log.count(REFUSED) >= refused + 3)
            assert not run.task.done()
            broker.stop()
            broker.users = {"gateway": "right"}
            broker.start()
            await run.recorder.until_told("connected", 2)
    assert sum("login is refused" in each for each in warnings_in(caplog)) == 1


async def test_a_known_login_is_tried_again_from_the_start(tmp_path: Path) -> None:
    """Told that a login succeeded in an earlier life, a refusal is not fatal at the first try either."""
    with Broker(tmp_path / "b", users={"gateway": "right"}) as broker:
        settings = settings_for(broker, username="gateway", password="wrong", login_retry=0.05)
        async with running(settings, wait=False, login_ever_succeeded=True) as run:
            await eventually(lambda: broker.log.count(REFUSED) >= 2)
            assert not run.task.done()


async def test_an_old_broker_is_spoken_to_in_its_version(broker: Broker) -> None:
    """Only after a CONNACK that refuses MQTT 5 does it speak 3.1.1, and MQTT 5 is tried anew at each connection."""
    async with Proxy(broker) as proxy, Subscriber(broker) as subscriber:
        proxy.only_311 = True
        async with running(settings_for(broker, port=proxy.port)) as run:
            run.recorder.contents[TOPICS.queue("q")] = Retained(b"1", expiry=10)
            run.client.refresh(TOPICS.queue("q"))
            run.client.send(TOPICS.bridge_event, b"answer", correlation_data=b"left out")
            await subscriber.until_seen(TOPICS.bridge_event, b"answer")
            assert proxy.levels == [5, 4]
            proxy.only_311 = False
            proxy.drop()
            await run.recorder.until_told("connected", 2)
            assert proxy.levels == [5, 4, 5]
        assert [each[1] for each in run.recorder.told if each[0] == "connected"] == ["3.1.1", "5"]


async def test_mqtt_5_alone_means_that(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """Set to 5, a broker that refuses it is no connection."""
    async with Proxy(broker) as proxy:
        proxy.only_311 = True
        async with running(settings_for(broker, port=proxy.port, protocol="5"), wait=False) as run:
            await eventually(lambda: len(proxy.levels) >= 3)
            assert set(proxy.levels) == {5}
            assert run.recorder.told == []
    assert any("Unsupported protocol version" in each for each in warnings_in(caplog))


async def test_a_broker_that_closes_at_once_is_not_taken_for_an_old_one(broker: Broker) -> None:
    """A connection closed without a CONNACK is a failure like any other."""
    broker.freeze()
    async with Proxy(broker) as proxy, running(settings_for(broker, port=proxy.port), wait=False) as run:
        while len(proxy.levels) < 3:
            await asyncio.sleep(0.01)  # until the CONNECT is there
            proxy.drop()
        assert set(proxy.levels) == {5}
        broker.thaw()
        await run.recorder.until_told("connected")


@PROTOCOLS
async def test_a_twin_is_told_and_left_alone(broker: Broker, protocol: str) -> None:
    """Taken over three times within seconds, the client says so and waits before the next try."""
    settings = settings_for(broker, protocol=protocol, twin_wait=0.5)
    async with running(settings) as run:
        for takeover in range(1, 4):
            await run.recorder.until_told("connected", takeover)
            await run.client.drain()
            since = asyncio.get_running_loop().time()
            async with client_of(broker, "gateway"):
                await run.recorder.until_told("disconnected", takeover)
        await run.recorder.until_told("twin")
        assert "gateway" in str(run.recorder.told[-1])
        assert run.recorder.count("connected") == 3
        await run.recorder.until_told("connected", 4)
        assert asyncio.get_running_loop().time() - since >= 0.5
        assert run.recorder.count("twin") == 1
        assert run.recorder.count("set_aside") == 0


async def test_a_takeover_that_is_said_is_believed(broker: Broker) -> None:
    """MQTT 5's word for a takeover counts also with messages under way, and those are not to blame."""
    settings = {"twin_wait": 0.05}
    async with Proxy(broker) as proxy, running(settings_for(broker, port=proxy.port, **settings)) as run:
        await run.client.drain()
        proxy.swallow_pubacks = True
        for takeover in range(1, 4):
            await run.recorder.until_told("connected", takeover)
            run.client.send(TOPICS.bridge_event, b"under way")
            await eventually(lambda: run.client._outbox.under_way > 0)
            proxy.disconnect_all(0x8E)
        await run.recorder.until_told("twin")
        assert "taken over" in str(run.recorder.told[-1])
        proxy.swallow_pubacks = False
        await run.recorder.until_told("connected", 4)
        await run.client.drain()
        assert run.recorder.count("set_aside") == 0


@PROTOCOLS
async def test_what_is_retained_of_an_earlier_life_is_found(broker: Broker, protocol: str) -> None:
    """After a start each retained message of the model and of the bridge is told once; others and live ones are not."""
    old = [
        TOPICS.bridge_info,
        TOPICS.session("g", "a", "PJSIP/1"),
        TOPICS.agent("a"),
        TOPICS.group("g"),
        *(TOPICS.queue(f"q{number}") for number in range(300)),
    ]
    async with client_of(broker, "earlier") as earlier:
        for topic in [*old, TOPICS.call("g", "a", "x"), "cti/other/queue/q"]:
            await earlier.publish(topic, b"x", qos=1, retain=True)
    recorder = Recorder()
    recorder.contents = {TOPICS.queue("new"): Retained(b"1")}
    async with running(settings_for(broker, protocol=protocol), recorder) as run:
        assert len(recorder.found) == len(old), "not all was told before mqtt_connected"
        run.client.refresh(TOPICS.queue("new"))
        await run.client.drain()
        await eventually(lambda: run.client._searched)
        async with client_of(broker, "other") as other:
            await other.publish(TOPICS.agent("late"), b"x", qos=1, retain=True)
        assert sorted(recorder.found) == sorted(old)


async def test_a_resumed_search_is_done_again(broker: Broker) -> None:
    """Cut off before it was through, the search is made again on the next connection; once through, never again."""
    async with client_of(broker, "earlier") as earlier:
        await earlier.publish(TOPICS.agent("a"), b"x", qos=1, retain=True)
    async with Proxy(broker) as proxy, running(settings_for(broker, port=proxy.port)) as run:
        await run.recorder.until_told("found")
        proxy.drop()
        await run.recorder.until_told("found", 2)


# paho leaves the socket of a failed handshake to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_tls_is_checked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Over TLS everything works with the right authority, and with a wrong one there is no connection."""
    certificate, key = make_certificate(tmp_path)
    with Broker(tmp_path / "b", tls=(certificate, key)) as broker:
        async with running(settings_for(broker, tls=ssl.create_default_context(), port=broker.port), wait=False) as run:
            await eventually(lambda: bool(warnings_in(caplog)))
            assert "certificate verify failed" in warnings_in(caplog)[0]
            assert run.recorder.told == []
        gc.collect()
        context = ssl.create_default_context(cafile=str(certificate))
        async with running(settings_for(broker, tls=context)) as run:
            for number in range(500):
                run.client.send(TOPICS.bridge_event, b"%d" % number * 100)
            await run.client.drain()


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Make a throw-away certificate for 127.0.0.1 that signs itself; return it and its key."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return certificate, key


def test_three_takeovers_within_seconds_are_a_twin() -> None:
    """Two are not, nor three over a longer time; and after a twin the count begins again."""
    counter = TakeoverCounter()
    assert [counter.is_twin(at) for at in (0, 6, 12, 13, 14, 15, 16)] == [False, False, False, True, False, False, True]
