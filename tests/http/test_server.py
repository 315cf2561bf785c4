"""The server itself: where it listens, what it serves, and that nothing of it ends the gateway."""

import asyncio
import logging
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.http.health import Health
from gateway.http.server import application
from tests.ami.scripted_asterisk import ScriptedAsterisk
from tests.broker import Broker, free_port
from tests.http.page import Pages
from tests.service.live import live

GOOD = Health(link="up", current=True, link_error=None, connected=True, store_failure=None)


async def test_a_port_in_use_is_a_warning_and_the_gateway_runs_on(
    broker: Broker, asterisk: ScriptedAsterisk, caplog: pytest.LogCaptureFixture
) -> None:
    """With the port taken, the picture still becomes current, and one line says what is missing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with live(broker, asterisk, listen=f"127.0.0.1:{port}") as gateway:
            assert gateway.gateway.picture.current
    told = [record for record in caplog.records if record.name == "gateway.http.server"]
    assert [record.levelno for record in told] == [logging.WARNING]
    assert f"127.0.0.1 port {port} cannot be used: " in told[0].getMessage()


async def test_off_is_off(broker: Broker, asterisk: ScriptedAsterisk) -> None:
    """Without an address nothing is served."""
    async with live(broker, asterisk, listen="") as gateway:
        assert gateway.gateway.http is None


async def test_pages_of_a_gateway(pages: Pages) -> None:
    """The types are Prometheus' and JSON's, what is not there is 404, and nobody may write."""
    assert (await pages.get("/metrics"))[:2] == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert (await pages.get("/healthz"))[:2] == (200, "application/json; charset=utf-8")
    status, kind, body = await pages.get("/")
    assert (status, kind.partition(";")[0]) == (200, "text/html")
    assert "<html" in body
    assert (await pages.get("/nothing"))[0] == 404
    async with pages.session.post(f"{pages.base}/healthz", data=b"x") as answer:
        assert answer.status == 405


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x00\xa5\x01\x00", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"\0" * 50, b"G"]
)
async def test_garbage_costs_a_connection_and_no_line_in_the_log(
    pages: Pages, port: int, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever speaks no HTTP is refused, quietly, and the next one is served."""
    caplog.set_level(logging.INFO)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(garbage)
    writer.write_eof()
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert (await pages.health())[0] == 200
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_folder_of_files_is_served_beside_the_pages(tmp_path: Path) -> None:
    """The folder's index is the first page, its files are there by name, nothing above it is, and the pages stay."""
    files = tmp_path / "files"
    (files / "assets").mkdir(parents=True)
    (files / "index.html").write_text("<p>board</p>")
    (files / "assets" / "a.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    app = application(CollectorRegistry(), lambda: GOOD, files=files)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession() as session:
        pages = Pages(session, f"http://127.0.0.1:{port}")
        assert (await pages.get("/"))[0::2] == (200, "<p>board</p>")
        assert (await pages.get("/assets/a.js"))[2] == "1"
        assert (await pages.get("/healthz"))[0] == 200
        for path in ("/../secret", "/%2e%2e/secret", "/assets/../../secret", "/assets/"):
            assert (await pages.get(path))[0] in {403, 404}
    await runner.cleanup()
