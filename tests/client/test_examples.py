"""The examples for client authors run as they stand."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import SAMPLES, Broker
from tests.service.live import BOB, TOPICS, Live

ROOT = Path(__file__).parent.parent.parent
SCREEN_POP = ROOT / "deploy" / "examples" / "screen_pop.py"
PAGE = ROOT / "deploy" / "docs" / "clients.md"
WITHIN = 60.0  # seconds, also on a machine that is busy


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker with the sample's rights for an agent, Bob; who gives no name may do everything."""
    acl = f"topic readwrite #\n{(SAMPLES / 'acl').read_text()}"
    settings = ("allow_anonymous true",)
    with Broker(tmp_path / "mosquitto", users={"Bob": "six"}, acl=acl, settings=settings) as running:
        yield running


async def test_screen_pop_opens_the_callers_page(gateway: Live, broker: Broker, tmp_path: Path) -> None:
    """When the agent answers, the browser is opened at the caller's page; the agent's own rights do; Ctrl-C ends it."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/opened\n')
    browser.chmod(0o755)
    # The example connects to port 1883: the broker's is put in its place, and all else is as it stands.
    program = tmp_path / "screen_pop.py"
    text = SCREEN_POP.read_text(encoding="utf-8")
    assert "GatewayClient(broker, base=base" in text
    program.write_text(text.replace("GatewayClient(broker, base", f"GatewayClient(broker, {broker.port}, base"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, program, broker.host, TOPICS.base, "Bob", "https://crm.example.com/?phone={number}"),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "BROWSER": f"{browser} %s", "MQTT_USERNAME": "Bob", "MQTT_PASSWORD": "six"},
        # Started in the background, a shell's children ignore what Ctrl-C sends, and so would theirs.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    async with asyncio.timeout(WITHIN):
        assert await process.stdout.readline() == b"Bob: current\n"
        leg = {"Uniqueid": "1.1", "Linkedid": "1.1", "DestUniqueid": "1.11", "CallerIDNum": "+49 30 901820"}
        fields = {"Queue": "sales", "Interface": BOB, "MemberName": "Bob", "HoldTime": 1, "RingTime": 1}
        gateway.asterisk.send_event("AgentConnect", **fields, **leg)
        while not (tmp_path / "opened").exists():  # noqa: ASYNC110 - another process makes it, and tells nobody
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert (tmp_path / "opened").read_text() == "https://crm.example.com/?phone=%2B49%2030%20901820\n"


def test_screen_pop_is_short() -> None:
    """It is an example of what little is needed."""
    assert len(SCREEN_POP.read_text(encoding="utf-8").splitlines()) <= 30


def test_the_page_shows_what_python_understands() -> None:
    """The Python in the page for client authors compiles, and imports what there is."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        imports, _, rest = block.partition("\n\n")
        exec(compile(imports, "clients.md", "exec"), {})
        body = "".join(f"    {line}\n" for line in rest.splitlines())
        compile(f"async def example():\n{body}", "clients.md", "exec")
