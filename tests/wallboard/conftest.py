"""Fixtures of the wallboard's tests: one Chromium for all, a broker with WebSockets for each, with users and rights."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.broker import Broker, free_port
from tests.conftest import REQUIRE
from tests.wallboard.chromium import ChromiumUnavailableError, chromium, ensure_chromium, served

PATIENCE = 60_000  # milliseconds that anything may take on a machine that is busy
expect.set_options(timeout=PATIENCE)

USERS = {"wallboard": "two", "supervisor": "four", "stranger": "five"}
ACL = """
topic readwrite #

user wallboard
topic read cti/#

user supervisor
topic read cti/#
topic write cti/+/session/+/+/+/set
topic write cti/+/agent/+/set
topic write cti/+/agent/+/create_session

user stranger
topic read elsewhere/#
"""
"""Who gives no name is the gateway."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install Chromium if any chosen test needs it, or say in one sentence why that cannot be."""
    needing = [item for item in session.items if "open_board" in getattr(item, "fixturenames", ())]
    if not needing or session.config.option.collectonly:
        return
    try:
        ensure_chromium()
    except ChromiumUnavailableError as error:
        if os.environ.get(REQUIRE) == "require":
            raise pytest.UsageError(str(error)) from error
        for item in needing:
            item.add_marker(pytest.mark.skip(reason=str(error)))


@dataclass
class WebBroker:
    """A broker for programs and for pages.

    Attributes:
        broker: The broker.
        url: Where pages reach it.
    """

    broker: Broker
    url: str


@dataclass
class OpenBoard:
    """Opens pages, and knows what went wrong in them."""

    browser: Browser
    site: str
    url: str
    stack: AsyncExitStack
    problems: list[str] = field(default_factory=list)

    async def __call__(
        self, *, width: int = 1920, height: int = 1080, dark: bool = True, broker: str | None = None, **query: str
    ) -> Page:
        """Open the board on the broker, or on one at another address."""
        pairs = {"broker": broker or self.url, **query}  # no broker: the page's own guess
        address = f"{self.site}?{'&'.join(f'{key}={value}' for key, value in pairs.items())}"
        return await self.at(address, width=width, height=height, dark=dark)

    async def at(self, address: str, *, width: int = 1920, height: int = 1080, dark: bool = True) -> Page:
        """Open whatever board there is at an address."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            reduced_motion="reduce",
            ignore_https_errors=True,  # the certificates are the tests' own
        )
        self.stack.push_async_callback(context.close)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self._note(message.type, message.text))
        await page.goto(address)
        return page

    def _note(self, kind: str, text: str) -> None:
        # A browser tells every connection that fails; the page's own words about it are what the tests look at.
        if kind in {"error", "warning"} and "WebSocket connection to" not in text:
            self.problems.append(text)


@pytest.fixture(scope="package")
def site() -> Iterator[str]:
    """The address of the page on a plain web server."""
    with served() as address:
        yield address


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests."""
    async with chromium() as running:
        yield running


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebBroker]:
    """A broker of this test's own."""
    port = free_port()
    settings = (f"listener {port} 127.0.0.1", "protocol websockets", "allow_anonymous true")
    with Broker(tmp_path / "broker", persistence=True, users=USERS, acl=ACL, settings=settings) as running:
        yield WebBroker(running, f"ws://127.0.0.1:{port}")


@pytest_asyncio.fixture(loop_scope="package")
async def open_board(browser: Browser, site: str, web: WebBroker) -> AsyncIterator[OpenBoard]:
    """Opens pages on this test's broker. No page may have said anything on its console in the end."""
    async with AsyncExitStack() as stack:
        opener = OpenBoard(browser, site, web.url, stack)
        yield opener
    assert opener.problems == []


@pytest_asyncio.fixture(loop_scope="package")
async def client(web: WebBroker) -> AsyncIterator[aiomqtt.Client]:
    """A client of this test's broker that may do everything."""
    protocol = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client(web.broker.host, web.broker.port, protocol=protocol) as connected:
        yield connected
