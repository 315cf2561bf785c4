"""A real Node-RED, told what to do as its own editor tells it."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from tests.broker import free_port
from tests.npm import installed

SOURCE: Final = Path(__file__).parent
WITHIN: Final = 60.0  # seconds that anything may take, also its start on a machine that is busy

#: On this machine alone, and silent to the outside.
SETTINGS: Final = {
    "uiHost": "127.0.0.1",
    "flowFile": "flows.json",
    "credentialSecret": "a test's",
    "telemetry": {"enabled": False, "updateNotification": False},
}

Answer = tuple[int, Any]
"""Status and content."""


@contextmanager
def node_red(folder: Path) -> Iterator[str]:
    """Run one with an empty flow and yield its address."""
    port = free_port()
    settings = folder / "settings.js"
    settings.write_text(f"module.exports = {json.dumps({**SETTINGS, 'uiPort': port})};\n")
    command = ["node", os.fspath(installed(SOURCE) / "node_modules/node-red/red.js")]
    command += ["--userDir", os.fspath(folder), "--settings", os.fspath(settings)]
    with (folder / "node-red.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


class Editor:
    """What the editor and a browser do: deploy a flow, press an inject node's button, ask for a page."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session = aiohttp.ClientSession()

    async def __aenter__(self) -> Self:
        """Return when it answers."""
        async with asyncio.timeout(WITHIN):
            while True:
                try:
                    await self.get("/flows")
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)  # it is starting, and tells nobody when it has
                else:
                    return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str) -> Any:
        """The JSON at a path; None where there is nothing."""
        async with self._session.get(self.address + path) as answer:
            return await answer.json() if answer.status == 200 else None

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """Post JSON; returns status and content of the answer, which is JSON or nothing."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.post(self.address + path, json=body, headers=named) as answer:
            text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text

    async def deploy(self, flow: list[dict[str, Any]]) -> None:
        """Put a flow in the place of the one there was."""
        status, said = await self.post("/flows", {"flows": flow}, Node_RED_API_Version="v2")
        assert status == 200, said
        assert (await self.get("/flows/state"))["state"] == "start"  # "stop" where it knows no such node

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Ask until there is an answer that is as wanted, and return it."""
        async with asyncio.timeout(WITHIN):
            # A page is asked, it does not tell; and after a deployment it is not there at once.
            while (found := await self.get(path)) is None or not holds(found):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return found
