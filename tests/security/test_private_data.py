"""What must not be told anywhere: callers, where they are switched off by one key; and secrets, ever."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.broker import Broker, free_port
from tests.e2e.running import Running, running, settled
from tests.lab import pbx
from tests.lab.asterisk import Asterisk
from tests.lab.driver import Driver
from tests.lab.gateway_process import GatewayProcess, config_text
from tests.security.test_tls import listening

NUMBER, NAME = "5550100777", "Quentin Quasimodo"
OTHER_NUMBER, OTHER_NAME = "5550100888", "Xaver Xylander"
BROKER_PASSWORD = "Zx9-broker-password-Qq7"

pytestmark = pytest.mark.lab


@pytest.fixture
def asterisk_version() -> str:
    """One version is enough: what is told of callers does not differ between them."""
    return "22"


@asynccontextmanager
async def gateway_between(
    asterisk: Asterisk, broker: Broker, directory: Path, port: int, changes: Mapping[str, Mapping[str, Any]]
) -> AsyncIterator[Running]:
    """Run a gateway that logs all it can and serves its figures over HTTP."""
    tables = {"http": {"listen": f"127.0.0.1:{port}"}, **changes}
    async with running(
        asterisk, broker, directory, wrap_up=pbx.wrap_up(), changes=tables, module="tests.security.loud"
    ) as gateway:
        yield gateway


async def over_http(port: int) -> bytes:
    """Return everything that the gateway serves."""

    def read() -> bytes:
        found = b""
        for page in ("metrics", "healthz"):
            with urlopen(f"http://127.0.0.1:{port}/{page}", timeout=60) as answer:
                found += answer.read()
        return found

    await listening(port)  # the picture may be current before
    return await asyncio.to_thread(read)


def on_disk(directory: Path) -> bytes:
    """Return the bytes of every file of the gateway's: store, its logs, and its own log."""
    files = [*directory.glob("gateway.db*"), directory / "gateway.log"]
    return b"\0".join(path.read_bytes() for path in files if path.exists())


async def calls_of_all_kinds(driver: Driver) -> None:
    """Let one caller wait and give up, and one wait, be offered and talk."""
    lost = await driver.call("empty", patience=0.6, number=NUMBER, name=NAME)
    await driver.wait_for("QueueCallerAbandon", Uniqueid=lost.uniqueid)
    caller = await driver.call("support", ring=0.3, talk=1.2, number=NUMBER, name=NAME)
    await driver.answered(caller)


@pytest.mark.parametrize("publish", [False, True])
async def test_one_key_switches_callers_off_everywhere(asterisk: Asterisk, tmp_path: Path, publish: bool) -> None:  # noqa: FBT001
    """With publish_caller_id off no topic, log line, figure or file has a caller's number or name, also after a loss.

    With it on they are published, which shows that the search finds what is there.
    """
    port = free_port()
    changes = {"mqtt": {"publish_caller_id": publish}}
    seen: list[bytes] = []
    with Broker(tmp_path / "broker", persistence=True) as broker:
        async with Driver(asterisk) as driver:
            async with gateway_between(asterisk, broker, tmp_path, port, changes) as gateway:
                await calls_of_all_kinds(driver)
                seen += [await over_http(port), on_disk(tmp_path)]
                await gateway.subscriber.wait_for(lambda m: m.topic.startswith("call/support/"))
                await settled(gateway)
                seen += [m.topic.encode() + b" " + m.payload for m in gateway.messages]
            # What comes from the queue_log, where nobody watched.
            other = await driver.call("support", ring=0.2, talk=0.5, number=OTHER_NUMBER, name=OTHER_NAME)
            await driver.completed(await driver.answered(other))
            await driver.call("empty", number=OTHER_NUMBER, name=OTHER_NAME)
            async with gateway_between(asterisk, broker, tmp_path, port, changes) as gateway:
                await gateway.subscriber.wait_for(lambda m: m.topic.startswith("call/support/"))
                await settled(gateway)
                seen += [await over_http(port), on_disk(tmp_path)]
                seen += [m.topic.encode() + b" " + m.payload for m in gateway.messages]
        broker.stop()
        seen += [on_disk(tmp_path)]
    for word in (NUMBER, NAME, OTHER_NUMBER):
        found = [each for each in seen if word.encode() in each]
        assert bool(found) is publish, (word, [around(each, word) for each in found][:5])
    assert not any(OTHER_NAME.encode() in each for each in seen if not publish)


def around(data: bytes, word: str) -> bytes:
    """Return what stands around a word, for whoever has to find out where it came from."""
    place = data.find(word.encode())
    return data[max(0, place - 150) : place + 60]


async def test_no_secret_is_told_anywhere(asterisk: Asterisk, tmp_path: Path) -> None:
    """Neither password is in a log, a message, a figure, a file, the list of processes, nor could be in a core dump."""
    port = free_port()
    changes = {"mqtt": {"username": "cti-gateway", "password": BROKER_PASSWORD}}
    acl = "topic read #\nuser cti-gateway\ntopic readwrite #\n"
    users = {"cti-gateway": BROKER_PASSWORD}
    settings = ["allow_anonymous true"]
    with Broker(tmp_path / "broker", users=users, acl=acl, settings=settings) as broker:
        async with gateway_between(asterisk, broker, tmp_path, port, changes) as gateway, Driver(asterisk) as driver:
            await driver.completed(await driver.answered(await driver.call("support", talk=0.6)))
            process = Path("/proc", str(gateway.gateway.pid))
            limits = {line[:26].strip(): line[26:].split() for line in (process / "limits").read_text().splitlines()}
            assert limits["Max core file size"][:2] == ["0", "0"]
            seen = [await over_http(port), (process / "cmdline").read_bytes(), (process / "environ").read_bytes()]
            seen += [json.dumps([m.topic, m.payload.decode()]).encode() for m in gateway.messages]
        seen += [on_disk(tmp_path)]
    for secret in (BROKER_PASSWORD, pbx.GATEWAY.secret):
        assert not [around(each, secret) for each in seen if secret.encode() in each]


@pytest.mark.parametrize("link", ["asterisk", "mqtt"])
async def test_a_refused_login_does_not_tell_the_password(asterisk: Asterisk, tmp_path: Path, link: str) -> None:
    """The gateway says who refused whom and ends; what it tried is not in the text."""
    wrong = "Wr0ng-but-still-a-secret"
    with Broker(tmp_path / "broker", users={"cti-gateway": BROKER_PASSWORD}) as broker:
        right = {"asterisk": {}, "mqtt": {"username": "cti-gateway", "password": BROKER_PASSWORD}}
        text = config_text(
            *(asterisk, broker.port, tmp_path / "gateway.db"),
            wrap_up={},
            changes={**right, link: {**right[link], "password": wrong}},
        )
        process = GatewayProcess(text, tmp_path, module="tests.security.loud")
        await process.start()
        async with asyncio.timeout(60):
            assert await process.ended() in {4, 5}
    log = process.log.read_text()
    assert "refused the login" in log
    assert wrong not in log
    assert BROKER_PASSWORD not in log
