"""Faults planted in a real broker: each is found, and the doctor says what to change."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from gateway.doctor.findings import Verdict
from gateway.domain.session import Rules
from gateway.store.store import Store
from tests.broker import Broker
from tests.doctor.visit import Report, settings, visit

USERS = {"cti-gateway": "right-password"}
LOGIN: dict[str, Any] = {"username": "cti-gateway", "password": "right-password"}
TWIN = 6.0  # seconds, a third of which a twin has for being heard, also on a machine that is busy
RULES = Rules(wrap_up_reasons=frozenset(), unreachable_is_not_ready=True)


async def look(broker: Broker, directory: Path, listen: float = 0.2, **mqtt: Any) -> Report:
    """Let the doctor look at a broker; there is no Asterisk."""
    return await visit(settings(None, broker.port, directory, mqtt=mqtt), listen=listen)


def lines(directory: Path, *conf: str) -> Broker:
    """Return a broker with these lines in its configuration, the last of a kind counts."""
    return Broker(directory / "broker", settings=conf)


async def test_nothing_is_wrong_with_a_good_broker(broker: Broker, tmp_path: Path) -> None:
    """With every right, retained messages and long queues there is no problem, and nothing is left behind."""
    report = await look(broker, tmp_path)
    assert report.problems == {"Asterisk", "queue_log"}
    assert report.verdict("messages kept for slow clients") is Verdict.OK
    assert await retained(broker) == []


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_wrong_password_is_told_as_such(tmp_path: Path, protocol: str) -> None:
    """A refused login is a problem of its own, and the password is not told."""
    with Broker(tmp_path / "broker", users=USERS) as broker:
        report = await look(broker, tmp_path, username="cti-gateway", password="wrong-password", protocol=protocol)
    assert "mosquitto_passwd" in report.problem("broker login")
    assert "wrong-password" not in str(report)


async def test_nobody_there_is_told(tmp_path: Path) -> None:
    """Where no broker listens, host and port are what to look at."""
    report = await visit(settings(None, 1, tmp_path))
    assert "host, port and tls" in report.problem("broker")


async def test_a_broker_that_keeps_nothing_is_found(tmp_path: Path) -> None:
    """A broker without retained messages is told by its own word, and its other checks go on."""
    with lines(tmp_path, "retain_available false") as broker:
        report = await look(broker, tmp_path)
    assert "retain_available true" in report.problem("retained messages")
    assert report.verdict("rights to publish") is Verdict.OK


@pytest.mark.parametrize(
    ("acl", "check", "change", "protocol"),
    [
        (["readwrite cti/#"], "", "", "5"),
        (["readwrite cti/#"], "", "", "3.1.1"),
        (
            ["read cti/#", "write cti/lab/bridge/#", "write cti/lab/session/#"],
            "rights to publish",
            "cti/lab/agent/+",
            "5",
        ),
        (["write cti/#"], "rights to read", "topic read cti/lab/session/+/+/+/set", "5"),
        (["readwrite cti/lab/session/#"], "rights to publish", "topic write cti/lab/queue/+", "5"),
        (["readwrite cti/lab/session/#"], "rights to read", "topic read cti/lab/queue/+", "3.1.1"),
    ],
)
async def test_a_missing_right_is_found(
    tmp_path: Path, acl: Sequence[str], check: str, change: str, protocol: str
) -> None:
    """A topic that the gateway's user may not write or read is named, with the line for the ACL."""
    text = "user cti-gateway\n" + "".join(f"topic {line}\n" for line in acl)
    with Broker(tmp_path / "broker", users=USERS, acl=text) as broker:
        report = await look(broker, tmp_path, protocol=protocol, **LOGIN)
    mqtt = report.problems - {"Asterisk", "queue_log"}
    if not check:
        assert mqtt == set()
    else:  # MQTT 3.1.1 tells of no refusal: what does not come back is all that is seen there
        assert change in report.problem(check)
        assert "the broker's ACL, user cti-gateway" in report.problem(check)


@pytest.mark.parametrize("right", ["readwrite", "write", "read", "none"])
async def test_the_rights_for_home_assistant_are_tried_where_it_is_told(tmp_path: Path, right: str) -> None:
    """Only with discovery, and the line that is missing is the one that grants the gateway's own devices."""
    line = "homeassistant/device/cti__lab/+/config"
    text = "user cti-gateway\ntopic readwrite cti/#\n" + (f"topic {right} {line}\n" if right != "none" else "")
    with Broker(tmp_path / "broker", users=USERS, acl=text) as broker:
        quiet = await look(broker, tmp_path, **LOGIN)
        report = await visit(settings(None, broker.port, tmp_path, mqtt=LOGIN, home_assistant={"discovery": True}))
    mqtt = {"rights to publish", "rights to read"}
    assert not quiet.problems & mqtt
    if right == "readwrite":
        assert not report.problems & mqtt
    elif right == "write":
        assert f"topic read {line}" in report.problem("rights to read")
    else:
        assert f"topic write {line}" in report.problem("rights to publish")


@pytest.mark.parametrize("limit", [1000, 100])
async def test_a_short_queue_is_measured(tmp_path: Path, limit: int) -> None:
    """How many messages a broker keeps for a client that is away is counted, not believed."""
    with lines(tmp_path, f"max_queued_messages {limit}") as broker:
        report = await look(broker, tmp_path)
    text = report.problem("messages kept for slow clients")
    assert int(text.partition(";")[0]) in range(limit, limit + 25)
    assert "max_queued_messages 100000" in text


async def test_a_small_packet_limit_is_found(tmp_path: Path) -> None:
    """A broker that takes no message of the size of a large agent's is told."""
    with lines(tmp_path, "max_packet_size 20000") as broker:
        report = await look(broker, tmp_path)
    assert "20000 bytes" in report.problem("size of messages")


@pytest.mark.parametrize("ours", ["none", "other", "same"])
async def test_a_twin_is_found(broker: Broker, tmp_path: Path, ours: str) -> None:
    """A gateway that is online under the base is a twin, unless it runs on the store that is configured here."""
    stream = "00000000-0000-4000-8000-000000000001"
    store = Store(tmp_path / "gateway.db", synchronous="normal")
    if ours != "none":
        saved = store.open(RULES)
        stream = saved.stream if ours == "same" else stream
    await online(broker, stream)
    try:
        report = await look(broker, tmp_path, TWIN)
    finally:
        if ours != "none":
            store.close()
    check = "another gateway on this base"
    if ours == "same":
        assert report.verdict(check) is Verdict.OK
        # The file is closed and the broker still says online: what is there runs on a copy.
        assert "copy of the store" in (await look(broker, tmp_path, TWIN)).problem(check)
    else:
        assert "another node" in report.problem(check)


async def test_two_that_take_the_connection_from_each_other_are_found(broker: Broker, tmp_path: Path) -> None:
    """Two gateways in turns under one base are seen while the doctor looks, whosever store is here."""
    config = settings(None, broker.port, tmp_path)
    done = asyncio.Event()

    async def swap() -> None:
        number = 0
        while not done.is_set():
            number += 1
            await online(broker, f"stream {number % 2}")
            await asyncio.sleep(0.05)

    task = asyncio.create_task(swap(), name="twins")
    report = await visit(config, listen=2)
    done.set()
    await task
    assert "from each other" in report.problem("another gateway on this base")


async def online(broker: Broker, stream: str) -> None:
    """Say what a gateway of *stream* that is online says."""
    async with aiomqtt.Client(broker.host, broker.port) as client:
        info = {"stream": stream, "started_at": f"of {stream}"}
        await client.publish("cti/lab/bridge/info", json.dumps(info), qos=1, retain=True)
        await client.publish("cti/lab/bridge/state", "online", qos=1, retain=True)


async def retained(broker: Broker) -> list[str]:
    """Return the topics of everything that is retained."""
    found: list[str] = []
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe("cti/#", qos=1)
        await client.subscribe("end", qos=1)
        await client.publish("end", "", qos=1)
        async for message in client.messages:
            if message.topic.value == "end":
                return found
            found.append(message.topic.value)
    return found
