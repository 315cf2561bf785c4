"""Whatever comes in, nothing breaks: AMI bytes, MQTT commands, configuration and queue_log, mangled at random.

Each failure names its case: CTI_GATEWAY_FUZZ_SEED with that number begins there.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from gateway.ami.framing import AmiDecoder
from gateway.clock import Arrival
from gateway.config import load_config
from gateway.errors import AmiError, AmiProtocolError, ConfigError
from gateway.mqtt.interface import Inbound
from gateway.mqtt.topics import Topics, decode_level, encode_level
from gateway.queue_log.parse import Entry, parse, parse_without_caller
from tests.ami import recordings
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker
from tests.domain.support import ALICE, EPOCH
from tests.mqtt.recorder import eventually
from tests.queue_log.gaps import desk_with, recover
from tests.security.mutants import SECONDS, Chance, cases, in_pieces, mutated
from tests.service.live import ALICE as PHONE
from tests.service.live import BOB, TOPICS, Live, live, pbx

ROOT: Final = Path(__file__).parent.parent.parent
BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
LONGEST: Final = 60.0
"""Seconds that the slow parts of a test may take beside the fuzzing."""

pytestmark = pytest.mark.timeout(SECONDS + 2 * LONGEST)


@pytest.fixture(scope="module")
def corpus() -> list[bytes]:
    """Messages that real Asterisks sent, and some of what they answer."""
    return [message.raw for name in recordings.names() for message in recordings.read(name)][::3]


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk with two queues."""
    async with pbx() as running:
        yield running


def about(chance: Chance) -> str:
    """Say which case it is."""
    return f"CTI_GATEWAY_FUZZ_SEED={chance.number}"


def test_any_ami_bytes_are_messages_or_a_protocol_error(corpus: list[bytes]) -> None:
    """The decoder gives whole messages or refuses the stream, the same however TCP cuts it."""
    for chance in cases():
        data = BANNER + b"".join(mutated(chance, chance.choice(corpus), corpus) for _ in range(chance.randint(1, 6)))
        whole, cut = decoded([data]), decoded(list(in_pieces(chance, data)))
        assert whole == cut, about(chance)


def decoded(pieces: Sequence[bytes]) -> tuple[list[dict[str, str]], bool]:
    """Return the headers of all messages, and whether the stream was refused."""
    decoder, found = AmiDecoder(max_message_size=4000), list[dict[str, str]]()
    try:
        for piece in pieces:
            found += [message.fields for message in decoder.receive_data(piece, Arrival(0, 0))]
            if decoder.failure is not None:
                return found, True
    except AmiProtocolError:
        return found, True
    return found, False


async def test_a_mad_asterisk_breaks_nothing(
    broker: Broker, asterisk: ScriptedAsterisk, corpus: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever Asterisk sends, the gateway has no fault of its own to tell, and works with the next good word."""
    of_ours = [raw.replace(b"Local/a1@agents/n", PHONE.encode()).replace(b"support", b"Support") for raw in corpus]
    with caplog.at_level(logging.WARNING, logger="gateway"):
        async with live(broker, asterisk, max_age=3600) as gateway:
            for chance in cases():
                if asterisk.sessions:
                    asterisk.send(b"".join(mutated(chance, chance.choice(of_ours), of_ours) for _ in range(10)))
                with suppress(AmiError):
                    # Answered behind all that was sent, if the link stands: the next case waits for this one.
                    await gateway.gateway.ami.ping()
                await asyncio.sleep(0)
                assert faults(caplog) == [], about(chance)
            picture = gateway.gateway.picture
            losses = picture.losses
            asterisk.abort_sessions()
            await eventually(lambda: picture.losses > losses or not picture.current, LONGEST)
            await eventually(lambda: picture.current, LONGEST)
            set_topic = TOPICS.session_set("Support", "Alice", PHONE)
            answer = await gateway.ask(set_topic, {"state": "NOT_READY", "id": "last"})
            assert answer["status"] == "ok", answer
    assert faults(caplog) == []


async def test_any_command_is_answered_once_and_breaks_nothing(
    broker: Broker, asterisk: ScriptedAsterisk, caplog: pytest.LogCaptureFixture
) -> None:
    """Any bytes on any command topic have an answer each, and Asterisk is never sent a line that was not meant."""
    topics = [
        TOPICS.session_set("sales", "Bob", BOB),
        f"{TOPICS.agent('Alice')}/set",
        f"{TOPICS.agent('New')}/create_session",
    ]
    topics += [
        f"{TOPICS.queue('sales')}/measurement_period",
        f"{TOPICS.agent('Bob')}/measurement_period",
        TOPICS.bridge_request,
    ]
    seeds = [
        json.dumps(each).encode()
        for each in (
            {"state": "NOT_READY", "reason": "lunch", "id": "1"},
            {"state": "READY", "sent_at": "2026-11-22T07:00:00.123Z"},
            {"group": "Support", "address": "PJSIP/9", "state": "NOT_READY", "reason": "x", "penalty": 1},
            {"seconds": 60, "id": 5},
            {"request": "health"},
        )
    ] + [b"READY", b"SESSION_ENDED", b'"NOT_READY"']
    with caplog.at_level(logging.WARNING, logger="gateway"):
        async with live(broker, asterisk, timeout=0.3, max_in_flight=1000, max_per_second=100_000) as gateway:
            commander, sent = gateway.gateway.commander, 0
            for chance in cases():
                payload = mutated(chance, chance.choice(seeds), seeds)
                if payload:
                    sent += 1
                    commander.receive(Inbound(mangled(chance, chance.choice(topics)), payload))
                if not sent % 50:
                    await asyncio.sleep(0)
                assert faults(caplog) == [], about(chance)
            await answered(gateway, sent)
            await gateway.client.publish("fuzz/end", b"")
            await gateway.client.wait_for(lambda m: m.topic == "fuzz/end", since=sent)
            assert sum(m.topic.endswith("/response") for m in gateway.client.messages) == sent
    names = {action.name for action in asterisk.actions}
    assert names <= {
        *(
            "Challenge",
            "Login",
            "Logoff",
            "Ping",
            "QueuePause",
            "QueueAdd",
            "QueueRemove",
            "QueueStatus",
            "QueueSummary",
        ),
        *("CoreStatus", "CoreSettings", "CoreShowChannels", "GetConfig", "Events", "Getvar", "Agents"),
    }
    for action in asterisk.actions:
        assert len(action.headers) < 12


async def answered(gateway: Live, count: int) -> None:
    """Wait until so many answers have come."""
    place = 0
    for _ in range(count):
        message = await gateway.client.wait_for(lambda m: m.topic.endswith("/response"), since=place, within=LONGEST)
        place = gateway.client.messages.index(message, place) + 1


def mangled(chance: Chance, topic: str) -> str:
    """Return a command's topic, now and then with names that nobody has."""
    if chance.random() < 0.7:
        return topic
    levels = topic.split("/")
    if len(levels) < 5:  # bridge/request has no names in it
        return topic
    place = chance.randrange(3, len(levels) - 1)
    name = mutated(chance, levels[place].encode(), (b"Alice", b"%2F")).decode("utf-8", "replace")
    levels[place] = encode_level(name) if name else levels[place]
    return "/".join(levels)


def test_any_configuration_is_one_or_a_clear_mistake(tmp_path: Path) -> None:
    """A mangled sample is a configuration or a ConfigError of whole lines, which tells no password."""
    sample = (ROOT / "config" / "gateway.example.toml").read_bytes()
    lines = [b"[asterisk]", b'password = "Zx9-secret"', *(line for line in sample.splitlines() if b"=" in line)]
    path = tmp_path / "gateway.toml"
    for chance in cases():
        chosen = [b"\n".join(chance.sample(lines, chance.randint(1, 12))), b"[asterisk]", lines[1]]
        path.write_bytes(mutated(chance, b"\n".join(chosen), lines))
        said = mistakes_in(path)
        assert "Zx9-secret" not in said, about(chance)
        assert all(line.strip() for line in said.splitlines())


def mistakes_in(path: Path) -> str:
    """Return what is wrong with a configuration, "" for one that can be used."""
    try:
        load_config(path, {})
    except ConfigError as error:
        return str(error)
    return ""


def test_any_queue_log_is_read() -> None:
    """Mangled lines of real logs are entries or nothing, and what is recovered from them breaks no rule of TAPI."""
    folder = recordings.FOLDER
    lines = [line for path in sorted(folder.glob("*.queue_log")) for line in path.read_bytes().splitlines()]
    start = min(int(line.split(b"|")[0]) for line in lines if line[:1].isdigit())
    bob = replace(ALICE, interface="PJSIP/1002", member_name="Bob Baker")
    for chance in cases():
        block = [mutated(chance, line, lines) for line in chance.sample(lines, chance.randint(1, 40))]
        entries = list(moved(filter(None, map(parse, block)), start))
        for line in block:
            parse_without_caller(line)
        desk = desk_with(ALICE, bob)
        desk.answer(80, "a")
        recover(desk, sorted(entries, key=lambda entry: entry.time), 90, 400, present=[ALICE, bob])


def moved(entries: Iterator[Entry], start: int) -> Iterator[Entry]:
    """Yield the entries as of the desk's time, and some as of its agents."""
    for entry in entries:
        offset = min(max(entry.time - start, 0), 300)
        agent = {"Alice": ALICE.member_name}.get(entry.agent, entry.agent)
        yield entry._replace(time=EPOCH + 95 + offset, agent=agent)


def test_any_topic_is_understood_or_not_ours() -> None:
    """No topic raises, and a level that can be decoded is the encoding of one name."""
    topics = Topics("cti", "pbx1")
    for chance in cases():
        text = mutated(chance, b"cti/pbx1/session/Support/Alice/PJSIP%2F1001/set", (b"agent/+/set",)).decode(
            "utf-8", "replace"
        )
        address = topics.parse_command(text)
        if address is not None and address.agent:
            assert decode_level(encode_level(address.agent)) == address.agent


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the gateway told of mistakes of its own."""
    return [
        record.getMessage() + str(record.exc_info)
        for record in caplog.records
        if record.name.startswith("gateway") and (record.exc_info or record.levelno >= logging.ERROR)
    ]
