"""Debian's own Chromium, driven by Playwright, and the page served as any web server would."""

import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright

from gateway.wallboard import FILES

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
INSTALL: Final = (
    ("apt-get", "update", "-qq"),
    ("apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"),
)


class ChromiumUnavailableError(Exception):
    """There is no Chromium, and it cannot be installed; the text says what to do."""


def find_chromium() -> str | None:
    """Its path; None if it is not there."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def ensure_chromium() -> str:
    """Its path; it is installed where it is missing, on Debian and as root.

    Raises:
        ChromiumUnavailableError: It is not there, and apt cannot bring it.
    """
    if path := find_chromium():
        return path
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ChromiumUnavailableError("no Chromium found: apt-get install chromium")
    for command in INSTALL:
        done = subprocess.run(
            command, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ChromiumUnavailableError(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    if path := find_chromium():
        return path
    raise ChromiumUnavailableError("apt-get installed chromium, and it is not on PATH")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
        )
        try:
            yield browser
        finally:
            await browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def served(folder: Path = FILES) -> Iterator[str]:
    """Serve the page from Python's plain file server; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=os.fspath(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="page")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
