"""Figures in a real InfluxDB, by a real Prometheus that is set up as the page for operators says."""

import asyncio
import os
import re
import signal
import subprocess
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker, free_port
from tests.http.page import WITHIN
from tests.http.test_prometheus import prometheus
from tests.service.live import Live, live, pbx
from tests.unpacked import program

PAGE = Path(__file__).parents[2] / "deploy" / "docs" / "influxdb.md"
CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{inner}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
"""


def block(kind: str) -> str:
    """A block of the page that says that it is checked."""
    found = re.search(rf"<!-- checked by .*? -->\n *```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return textwrap.dedent(found[1])


class InfluxDB:
    """A running InfluxDB."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self.port = port

    async def ask(self, query: str) -> list[Any]:
        """The series that a query gives."""
        asked = {"db": "cti", "q": query}
        async with self._session.post(f"http://127.0.0.1:{self.port}/query", data=asked) as answer:
            body = await answer.json()
        assert "error" not in body, body
        (result,) = body["results"]
        assert "error" not in result, result
        series: list[Any] = result.get("series", [])
        return series

    async def until(self, query: str) -> list[Any]:
        """Ask until there is anything, and return it."""
        async with asyncio.timeout(WITHIN):
            while True:
                try:
                    if found := await self.ask(query):
                        return found
                except aiohttp.ClientConnectionError:
                    pass
                await asyncio.sleep(0.05)  # nothing tells when something was written


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[int]:
    """One that is started; its port."""
    port, inner = free_port(), free_port()
    configuration = tmp_path / "influxdb.conf"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, port=port, inner=inner))
    with (tmp_path / "influxdb.log").open("wb") as log:
        command = [os.fspath(program("influxdb", "usr/bin/influxd")), "run", "-config", os.fspath(configuration)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield port
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.fixture
async def influxdb(influxd: int) -> AsyncIterator[InfluxDB]:
    """One that answers, with an empty database."""
    async with aiohttp.ClientSession() as session:
        running = InfluxDB(session, influxd)
        await running.until("SHOW DATABASES")
        await running.ask("CREATE DATABASE cti")
        yield running


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    """A scripted Asterisk 22 with two queues."""
    async with pbx() as running:
        yield running


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto."""
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def port() -> int:
    """A port for the gateway's pages."""
    return free_port()


@pytest.fixture
async def gateway(broker: Broker, asterisk: ScriptedAsterisk, port: int) -> AsyncIterator[Live]:
    """A gateway between the two."""
    async with live(broker, asterisk, listen=f"127.0.0.1:{port}") as running:
        yield running


async def test_what_prometheus_scrapes_is_in_influxdb(
    influxdb: InfluxDB, gateway: Live, port: int, tmp_path: Path
) -> None:
    """The page's lines bring the queues' figures into InfluxDB, and its query finds them; other metrics stay away."""
    caller = {"Queue": "Support", "Uniqueid": "1.1", "Linkedid": "1.1", "Position": 1, "Count": 1}
    gateway.asterisk.send_event("QueueCallerJoin", CallerIDNum="5550199", CallerIDName="Jo", **caller)
    lines = block("yaml")
    assert "127.0.0.1:8086" in lines
    async with prometheus(tmp_path, port, more=lines.replace("8086", str(influxdb.port))):
        waiting = 'SELECT last("value") FROM "cti_queue_callers_waiting" WHERE "queue" = \'Support\' AND "value" = 1'
        await influxdb.until(waiting)
        (means,) = await influxdb.until(block("sql"))
        assert 0 < max(value for _, value in means["values"] if value is not None) <= 1
        (measurements,) = await influxdb.ask("SHOW MEASUREMENTS")
        names = {name for (name,) in measurements["values"]}
        assert {"cti_queue_callers_waiting", "cti_queue_sessions", "cti_gateway_picture_current"} <= names
        assert all(name.startswith("cti_") for name in names)
