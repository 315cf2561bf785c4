"""The wallboard as the samples set it up: Debian's nginx and Mosquitto on the files that are shipped, and a browser."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiomqtt
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.wallboard import FILES
from tests.broker import SampleBroker, free_port
from tests.security.certificates import issue
from tests.unpacked import program
from tests.wallboard.center import a_busy_day
from tests.wallboard.conftest import OpenBoard
from tests.wallboard.seen import dialog, sign_in, standing

pytestmark = pytest.mark.asyncio(loop_scope="package")

SAMPLE = Path(__file__).parents[2] / "deploy" / "nginx" / "wallboard.conf"

#: What Debian's own nginx.conf has around the sites; the folders are the test's.
MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; text/css css; text/javascript js; application/json json; }}
    include {folder}/site.conf;
}}
"""


@pytest.fixture
def sample_broker(tmp_path: Path) -> Iterator[SampleBroker]:
    """A Mosquitto on the samples."""
    with SampleBroker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def website(sample_broker: SampleBroker, tmp_path: Path) -> Iterator[str]:
    """The address of the page at an nginx on the sample; its ports and paths are the test's."""
    port, certificate = free_port(), issue(tmp_path / "certificate")
    text = SAMPLE.read_text()
    for usual, own in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/wall.example.pem", certificate.chain),
        ("/etc/ssl/private/wall.example.key", certificate.key),
        ("root /var/www/wallboard;", f"root {FILES};"),
        ("127.0.0.1:9001", f"127.0.0.1:{sample_broker.websocket_port}"),
    ):
        assert usual in text
        text = text.replace(usual, str(own))
    (tmp_path / "site.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text(MAIN.format(folder=tmp_path))
    command = [os.fspath(program("nginx", "usr/sbin/nginx")), "-p", os.fspath(tmp_path), "-c", f"{tmp_path}/nginx.conf"]
    checked = subprocess.run([*command, "-t", "-q"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    process = subprocess.Popen(command)
    try:
        until_it_listens(port)
        yield f"https://127.0.0.1:{port}/"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def until_it_listens(port: int) -> None:
    """Wait until somebody takes connections on a port."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.01)  # it tells nobody
        else:
            return


@pytest_asyncio.fixture(loop_scope="package")
async def open_board(browser: Browser, website: str) -> AsyncIterator[OpenBoard]:
    """Opens pages there, which find the broker by themselves."""
    async with AsyncExitStack() as stack:
        opener = OpenBoard(browser, website, "", stack)
        yield opener
    assert opener.problems == []


async def test_a_supervisor_elsewhere_pauses_an_agent(open_board: OpenBoard, sample_broker: SampleBroker) -> None:
    """By https and the web server's /mqtt a supervisor sees the center and the command goes to the gateway's broker."""
    gateway = aiomqtt.Client(
        sample_broker.host,
        sample_broker.port,
        username="cti-gateway",
        password=sample_broker.USERS["cti-gateway"],
        protocol=aiomqtt.ProtocolVersion.V5,
    )
    async with gateway:
        await a_busy_day(gateway).open()
        await gateway.subscribe("cti/+/agent/+/set", qos=1)
        page = await open_board()
        await expect(standing(page)).to_contain_text("The broker wants a user and a password.")
        await sign_in(page, "supervisor", sample_broker.USERS["supervisor"])
        await expect(standing(page)).to_have_text("")
        await expect(page.locator(".person")).to_have_count(24)
        opened = await dialog(page, "Ben Okafor")
        await opened.get_by_role("button", name="Pause", exact=True).click()
        async for message in gateway.messages:
            assert message.topic.value == "cti/pbx1/agent/Ben Okafor/set"
            assert isinstance(message.payload, bytes)
            assert re.search(rb'"state": ?"NOT_READY"', message.payload)
            break
