"""Whatever a commander sends, Asterisk is asked nothing but what the gateway means, and each command has its answer."""

import asyncio
import itertools
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.mqtt.interface import Inbound
from gateway.mqtt.topics import encode_level
from tests.ami.scripted_asterisk import ReceivedAction, ScriptedAsterisk
from tests.broker import Broker
from tests.service.live import ALICE, BOB, TOPICS, Live, live

HEADERS = {
    "QueuePause": {"Queue", "Interface", "Paused", "Reason"},
    "QueueRemove": {"Queue", "Interface"},
    "QueueAdd": {"Queue", "Interface", "Penalty", "Paused", "MemberName", "StateInterface", "Reason"},
    "QueueStatus": {"Queue"},
    "QueueSummary": set[str](),
    "CoreShowChannels": set[str](),
    "GetConfig": {"Filename"},
    "Ping": set[str](),
}
"""All that may be asked once the picture is made."""
CHANGING = {"QueuePause", "QueueRemove", "QueueAdd"}

INJECTIONS = (
    *("\r\n\r\nAction: Originate\r\n", "\nPaused: false", "\rReason: x", "\0", "x\0y", "\r", "\n", "\r\n\r\n"),
    *(": ", "Action: Originate", "x: y", "|", ",", ";", "a|b;c,d", "%0d%0a", "%00", "%", "%2", "%zz", "%ff", "%0A"),
    *("+", "#", "/", "a/b", "$SYS", "..", "\u2028", "\u0085", "\ufeff", "\ufffe", "\U0001f4de", "é" * 40, "é" * 39),
    *(
        " ",
        "  x",
        "x ",
        "\t",
        "\x1b[2J",
        "x" * 79,
        "x" * 80,
        "x" * 1100,
        "${SHELL(id)}",
        "Local/1@out/n",
        "&",
        "=",
        '"',
    ),
    *("lunch", "wrapup", "Alice", "Bob", "Support", "sales", "SALES", ALICE, BOB, ALICE.lower(), "\\", "\\r\\n"),
)
text = st.one_of(
    st.sampled_from(INJECTIONS),
    st.builds("{}{}{}".format, st.sampled_from(("", "x", "Alice")), st.sampled_from(INJECTIONS), st.text(max_size=5)),
    st.text(max_size=20),
)
surrogates = st.sampled_from(("\ud800", "x\udfff"))
states = st.sampled_from(("READY", "NOT_READY", "BUSY_WRAPUP", "BUSY_ON_CALL", "SESSION_ENDED"))
anything: st.SearchStrategy[Any] = st.one_of(text, surrogates, st.none(), st.booleans(), st.integers(), st.just([]))


@st.composite
def mostly(draw: st.DrawFn, good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any] = anything) -> Any:
    """What gets far, more often than not."""
    return draw(bad if draw(st.integers(0, 7)) == 5 else good)


def accepted(value: str) -> bool:
    """Whether a text may be a reason or a name in Asterisk."""
    return len(value.encode()) <= 79 and not any(char in "|,;" or not char.isprintable() for char in value)


odd = text.filter(accepted)
"""What a command may hold, however it looks."""


def fields(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects with the keys of a command, of which ``state``, ``group``, ``address`` and ``request`` are due."""
    due = {"state", "group", "address", "request"} - ({"state"} if "group" in strategies else set())
    strategies["id"] = mostly(st.one_of(odd, st.integers()))
    known = st.fixed_dictionaries(
        {key: value for key, value in strategies.items() if key in due},
        optional={key: value for key, value in strategies.items() if key not in due},
    )
    stray = st.dictionaries(st.sampled_from(("sent_at", "x", "Paused", "reason\r\n")), anything, min_size=1, max_size=1)
    return mostly(known, st.builds(lambda one, other: one | other, known, stray))


set_state = fields(state=mostly(states), reason=mostly(odd, text))
create = fields(
    group=mostly(st.sampled_from(("Support", "sales", "SALES")), text),
    address=mostly(odd, text),
    state=mostly(st.sampled_from(("READY", "NOT_READY"))),
    reason=mostly(odd, text),
    penalty=mostly(st.integers(0, 9)),
    state_interface=mostly(odd, text),
)
request = fields(request=mostly(st.sampled_from(("resync", "health")), text))
raw = st.one_of(
    st.binary(max_size=40), st.sampled_from((b"x" * 16_385, b"\xff{}", b"READY", b"NOT_READY")), text.map(str.encode)
)


@st.composite
def level(draw: st.DrawFn, *good: str) -> str:
    """One level of a topic: a good name, or an odd or hostile one, encoded; or hostile text as it is."""
    name = draw(mostly(st.sampled_from(good), text))
    raw_level = draw(st.integers(0, 19)) == 11 or not name
    return str(name) if raw_level else encode_level(name)


@st.composite
def commands(draw: st.DrawFn) -> tuple[str, bytes]:
    """Topic and payload of something like a command."""
    kind = draw(st.sampled_from(("session", "session", "agent", "create", "create", "bridge")))
    if kind == "session":
        # Most have a session to meet: Alice in either queue.
        names = "/".join((draw(level("Support", "sales")), draw(level("Alice")), draw(level(ALICE))))
        topic, model = f"session/{names}/set", set_state
    elif kind == "agent":
        topic, model = f"agent/{draw(level('Alice', 'Bob'))}/set", set_state
    elif kind == "create":
        agent = draw(mostly(odd.filter(bool).map(encode_level), level("Alice", "Bob")))
        topic, model = f"agent/{agent}/create_session", create
    else:
        topic, model = "bridge/request", request
    payload = draw(mostly(model.map(lambda value: json.dumps(value).encode()), raw))
    return f"{TOPICS.base}/{topic}", payload


@dataclass(repr=False)
class Everything:
    """Hears every topic of the broker, and counts answers by their Correlation Data."""

    client: aiomqtt.Client
    answers: Counter[bytes] = field(default_factory=Counter)
    contents: dict[bytes, Any] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Run until cancelled."""
        async for message in self.client.messages:
            correlation = getattr(message.properties, "CorrelationData", None)
            # The command comes by here too, with the same Correlation Data.
            if correlation is None or b'"status":' not in bytes(message.payload):
                continue
            self.answers[correlation] += 1
            self.contents[correlation] = json.loads(bytes(message.payload))
            assert not message.retain
            self.news.set()

    async def answer(self, correlation: bytes) -> Any:
        """Wait for the answer to that command."""
        async with asyncio.timeout(60):
            while correlation not in self.contents:
                self.news.clear()
                await self.news.wait()
        return self.contents[correlation]


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk) -> AsyncIterator[Live]:
    """A gateway that may do everything."""
    async with live(broker, asterisk, timeout=0.3, max_age=3600, max_per_second=10_000) as running:
        yield running


@pytest.fixture
async def everything(broker: Broker) -> AsyncIterator[Everything]:
    """A client that hears and may publish everything."""
    quick = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    version = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client(broker.host, broker.port, protocol=version, socket_options=quick) as client:
        await client.subscribe("#", qos=1)
        listener = Everything(client)
        task = asyncio.create_task(listener.read(), name="everything")
        yield listener
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def publishable(topic: str) -> bool:
    """Whether a broker takes a message on *topic*, to say nothing of an echo of it."""
    try:
        return 0 < len(topic.encode()) < 65_000 and not any(
            encode_level(char) != char for char in topic if char not in "/%"
        )
    except ValueError:
        return False


def check_action(action: ReceivedAction) -> None:
    """One action with the headers we know, each once and on a line of its own."""
    assert action.name in HEADERS, action.raw
    names = [name for name, _ in action.headers]
    assert names[:2] == ["Action", "ActionID"]
    assert set(names[2:]) <= HEADERS[action.name], action.raw
    assert len(set(names)) == len(names), action.raw
    lines = action.raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert len(lines) == len(names), action.raw
    for line in lines:
        assert b": " in line
        assert not {*line} & {*b"\r\n\0"}, action.raw


numbers = itertools.count()


@settings(
    max_examples=400,
    report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    command=commands(),
    response_topic=st.one_of(st.none(), text, st.just("cti/pbx1/bridge/state"), st.just("my/answers")),
    correlation=st.binary(max_size=20),
)
async def test_no_command_asks_more_of_asterisk_than_it_may(
    gateway: Live, everything: Everything, command: tuple[str, bytes], response_topic: str | None, correlation: bytes
) -> None:
    """Only known actions with known headers arrive, one for each session; and every command has exactly one answer."""
    topic, payload = command
    correlation += b"-%d" % next(numbers)
    done = len(gateway.asterisk.actions)
    if publishable(topic) and (response_topic is None or publishable(response_topic)):
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.CorrelationData = correlation
        if response_topic is not None:
            properties.ResponseTopic = response_topic
        await everything.client.publish(topic, payload, qos=1, properties=properties)
    else:  # no broker that keeps to the protocol lets it pass
        inbound = Inbound(topic, payload, response_topic=response_topic, correlation_data=correlation)
        gateway.gateway.commander.receive(inbound)
    is_command = TOPICS.parse_command(topic) is not None and payload != b""
    answer: dict[str, Any] = {}
    if is_command and (publishable(topic) or response_topic == "my/answers"):
        answer = await everything.answer(correlation)
        assert set(answer) >= {"id", "status", "code", "message", "changed", "state", "at"}
    actions = gateway.asterisk.actions[done:]
    for action in actions:
        check_action(action)
    changing = sum(action.name in CHANGING for action in actions)
    assert changing <= len(answer.get("sessions", [None]))
    # An answer too many would come behind this one's: every example looks at all before it.
    assert max(everything.answers.values(), default=0) <= 1
    assert is_command or correlation not in everything.answers


async def test_the_above_was_worth_something(gateway: Live, everything: Everything) -> None:
    """Hostile text that is no more than odd does reach Asterisk, as one value."""
    odd = 'Action: Originate "${X}" %0d%0a & \\r\\n = é'
    assert (await gateway.ask(TOPICS.session_set("sales", "Alice", ALICE), {"state": "NOT_READY", "reason": odd}))[
        "status"
    ] == "ok"
    assert gateway.asked()[-1][1]["Reason"] == odd
    assert gateway.events()[-1]["session"]["reason"] == odd
    assert not everything.answers
