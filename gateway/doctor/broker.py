"""What the broker lets the gateway do, and what it keeps: tried out on topics of the doctor's own.

The probes are empty messages, which remove what is not there: on topics of a session, agent, group and queue called
``cti-gateway-doctor``, and below ``bridge/doctor``. A wildcard subscriber sees some twenty of them. Commands that are
empty are ignored by every gateway.
"""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from gateway.doctor.findings import Finding, note, ok, problem, unknown
from gateway.mqtt.discovery.names import DiscoveryTopics
from gateway.mqtt.interface import MEBIBYTE, MqttSettings
from gateway.mqtt.probe import Probe, open_probe
from gateway.mqtt.topics import Topics, response_topic

NAME: Final = "cti-gateway-doctor"
QUICK: Final = 3.0
"""Seconds in which a broker hands on what it took, a busy one too; only what does not come is waited for so long."""

LEVELS: Final = 11
COPIES: Final = 2**LEVELS
"""How many messages wait for the doctor's own client when one is published: it has so many filters that match."""

LARGEST: Final = MEBIBYTE // 4
"""Bytes that a message may well have: an agent of many sessions, or what ``bridge/info`` lists."""

DROPPED: Final = "$SYS/broker/publish/messages/dropped"
_SHOWN: Final = 4  # topics named in a finding
_KEPT: Final = 30  # seconds for which the doctor's own session is kept


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker, the topics there, those for Home Assistant if it is told, and the user the rights are of."""

    settings: MqttSettings
    topics: Topics
    discovery: DiscoveryTopics | None = None

    @property
    def user(self) -> str:
        """The user, as an ACL file names it."""
        return f"user {self.settings.username}" if self.settings.username else "anonymous users"


def client_settings(settings: MqttSettings) -> MqttSettings:
    """Those of the gateway, as a client of the doctor's own."""
    return replace(settings, client_id=f"{NAME}-{uuid4().hex[:12]}", session_expiry=_KEPT)


def written(topics: Topics) -> dict[str, str]:
    """Topics to try writing to, each with the filter that grants all of its kind."""
    base = topics.base
    session, agent, queue = topics.session(NAME, NAME, NAME), topics.agent(NAME), topics.queue(NAME)
    return {
        session: f"{base}/session/+/+/+",
        topics.session_event(NAME, NAME, NAME): f"{base}/session/+/+/+/event",
        topics.call(NAME, NAME, NAME): f"{base}/call/+/+/+",
        agent: f"{base}/agent/+",
        topics.agent_event(NAME): f"{base}/agent/+/event",
        topics.group(NAME): f"{base}/group/+",
        topics.group_event(NAME): f"{base}/group/+/event",
        queue: f"{base}/queue/+",
        topics.queue_event(NAME): f"{base}/queue/+/event",
        response_topic(topics.session_set(NAME, NAME, NAME)): f"{base}/session/+/+/+/set/response",
        response_topic(f"{agent}/set"): f"{base}/agent/+/set/response",
        response_topic(f"{agent}/create_session"): f"{base}/agent/+/create_session/response",
        response_topic(f"{agent}/measurement_period"): f"{base}/agent/+/measurement_period/response",
        response_topic(f"{queue}/measurement_period"): f"{base}/queue/+/measurement_period/response",
    }


def read(topics: Topics) -> dict[str, str]:
    """Topics to try reading from, each with the filter that grants all of its kind."""
    base, agent = topics.base, topics.agent(NAME)
    return {
        topics.session(NAME, NAME, NAME): f"{base}/session/+/+/+",
        topics.session_set(NAME, NAME, NAME): f"{base}/session/+/+/+/set",
        agent: f"{base}/agent/+",
        f"{agent}/set": f"{base}/agent/+/set",
        f"{agent}/create_session": f"{base}/agent/+/create_session",
        f"{agent}/measurement_period": f"{base}/agent/+/measurement_period",
        topics.group(NAME): f"{base}/group/+",
        topics.queue(NAME): f"{base}/queue/+",
        f"{topics.queue(NAME)}/measurement_period": f"{base}/queue/+/measurement_period",
        topics.bridge_request: topics.bridge_request,
    }


async def of_broker(broker: Broker, probe: Probe) -> AsyncIterator[Finding]:
    """Try rights, retained messages and limits over *probe*, which is connected.

    Raises:
        MqttConnectionError: The connection is lost, which some brokers do instead of refusing.
    """
    for finding in of_connack(probe):
        yield finding
    async for finding in _rights(broker, probe):
        yield finding
    if probe.retain_available:
        yield await _retain(broker, probe)
    yield await _queue_limit(broker, probe)
    async for finding in _dropped(probe):
        yield finding


def of_connack(probe: Probe) -> Iterator[Finding]:
    """What the broker said of its limits when it took the connection."""
    if not probe.retain_available:
        yield problem(
            "retained messages",
            "the broker keeps none: clients would know no session until its next change",
            "mosquitto.conf: retain_available true",
        )
    if probe.maximum_qos < 1:
        yield problem(
            "quality of service", "the broker takes QoS 0 alone: messages get lost", "mosquitto.conf: max_qos 2"
        )
    size = probe.maximum_packet_size
    if size is not None and size < LARGEST:
        yield problem(
            "size of messages",
            f"the broker takes {size} bytes at most; what lists many sessions is larger",
            f"mosquitto.conf: message_size_limit 0, max_packet_size {LARGEST} or none",
        )


async def _rights(broker: Broker, probe: Probe) -> AsyncIterator[Finding]:
    devices = {} if broker.discovery is None else {broker.discovery.topic("agent", NAME): broker.discovery.filters()[0]}
    readable, writable = read(broker.topics) | devices, written(broker.topics) | devices
    refused = {each: readable[each] for each in await probe.subscribe_or_not([*readable])}
    unwritten: dict[str, str] = {}
    snapshots = {topic for topic in writable if broker.topics.is_retained(topic) or topic in devices}
    heard_before = len(probe.received)
    sent: set[str] = set()
    for topic in {**writable, **readable}:
        refusal = await probe.publish_and_wait(topic, b"", retain=topic in snapshots and probe.retain_available)
        if refusal is None:
            sent.add(topic)
        elif topic in writable:
            unwritten[topic] = writable[topic]
    expected = sent & set(readable) - set(refused)
    await probe.until(heard_before + len(expected), within=QUICK)
    heard = {message.topic for message in probe.received[heard_before:]}
    unheard = {topic: readable[topic] for topic in expected - heard}
    # Under 3.1.1 a refusal is not told: what was dropped on its way is not heard by who may read it.
    silent = probe.version != "5" and bool(unheard)
    unread = {**refused, **unheard}
    if unwritten:
        lines = "; ".join(f"topic write {each}" for each in sorted(unwritten.values()))
        yield problem(
            "rights to publish", f"refused on {_some(unwritten)}", f"the broker's ACL, {broker.user}: {lines}"
        )
    elif probe.version == "5":
        yield ok("rights to publish", f"on {len(writable)} kinds of topics")
    elif not silent:
        yield note(
            "rights to publish", "MQTT 3.1.1 tells of no refusal", 'gateway.toml [mqtt]: protocol = "auto" or "5"'
        )
    if unread:
        lines = "; ".join(f"topic read {each}" for each in sorted(unread.values()))
        what = "what was published did not come back from" if silent else "nothing comes from"
        yield problem("rights to read", f"{what} {_some(unread)}", f"the broker's ACL, {broker.user}: {lines}")
    untried = set(readable) - sent - set(refused)
    if untried:
        yield note("rights to read", f"cannot be tried without the right to publish on {_some(untried)}")
    elif not unread:
        yield ok("rights to read", f"on {len(readable)} kinds of topics, commands among them")


async def _retain(broker: Broker, probe: Probe) -> Finding:
    check = "retained messages"
    topic = f"{broker.topics.base}/bridge/doctor/{probe.identifier}"
    refusal = await probe.publish_and_wait(topic, b"kept", retain=True)
    if refusal is not None:
        return problem(
            check,
            f"refused on bridge/...: {refusal}",
            f"the broker's ACL, {broker.user}: topic write {broker.topics.base}/bridge/#",
        )
    try:
        before = len(probe.received)
        if await probe.subscribe_or_not([topic]):
            return _unread_bridge(broker, check)
        await probe.until(before + 1, within=QUICK)
        kept = [message for message in probe.received[before:] if message.topic == topic]
    finally:
        await probe.publish_and_wait(topic, b"", retain=True)
    if any(message.retained for message in kept):
        return ok(check, "are kept, and told to a new subscriber")
    return _unread_bridge(broker, check)


def _unread_bridge(broker: Broker, check: str) -> Finding:
    return problem(
        check,
        "what is retained is not told to a new subscriber: the broker keeps none, or it may not be read",
        f"the broker's ACL, {broker.user}: topic read {broker.topics.base}/bridge/#, "
        "and mosquitto.conf: retain_available true",
    )


async def _queue_limit(broker: Broker, probe: Probe) -> Finding:
    """How many messages wait for a client that is away: one message that many filters of one client match."""
    check = "messages kept for slow clients"
    advice = "mosquitto.conf: max_queued_messages 100000"
    if probe.version != "5":
        return unknown(check, "cannot be tried with MQTT 3.1.1", advice)
    settings = client_settings(broker.settings)
    stem = f"{broker.topics.base}/bridge/doctor/{settings.client_id}"
    names = [f"{number}" for number in range(LEVELS)]
    filters = [f"{stem}/{'/'.join(each)}" for each in itertools.product(*(("+", name) for name in names))]
    away = await open_probe(settings)
    try:
        refused = await away.subscribe_or_not(filters)
    finally:
        await away.close()
    if refused:
        return unknown(check, "the broker refuses so many subscriptions", advice)
    if (refusal := await probe.publish_and_wait("/".join((stem, *names)), b"")) is not None:
        return unknown(check, f"the right to publish below bridge/ is missing: {refusal}", advice)
    back = await open_probe(replace(settings, session_expiry=0))
    try:
        await back.until(COPIES, within=QUICK)
    finally:
        await back.close()
    kept = len(back.received)
    if kept >= COPIES:
        return ok(check, f"{COPIES} and more, as far as was tried")
    if kept <= 1:
        return unknown(check, "the broker keeps nothing, or tells each client once", advice)
    return problem(check, f"{kept}; those past it are dropped, and a hole in seq is the only sign", advice)


async def _dropped(probe: Probe) -> AsyncIterator[Finding]:
    """What the broker itself counts, if the user may see that."""
    before = len(probe.received)
    if await probe.subscribe_or_not([DROPPED]):
        return
    await probe.until(before + 1, within=QUICK / 15)
    for message in probe.received[before:]:
        text = message.payload.decode("ascii", "replace")
        if message.topic == DROPPED and text.isdigit() and text != "0":
            yield note(
                "messages dropped",
                f"{text} since the broker's start, for whatever client",
                "mosquitto.conf: max_queued_messages 100000, or quicker clients",
            )


def _some(topics: "dict[str, str] | set[str]") -> str:
    ordered = sorted(topics.values() if isinstance(topics, dict) else topics)
    return ", ".join(ordered[:_SHOWN]) + (f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else "")
