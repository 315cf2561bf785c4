"""A running Home Assistant with its MQTT integration, set up and watched by its own interfaces."""

import asyncio
import itertools
import re
import signal
import subprocess
import textwrap
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

import aiohttp

from tests.broker import Broker, free_port
from tests.homeassistant.installed import program

START: Final = 180.0  # seconds; it takes ten where nothing else runs
WITHIN: Final = 60.0  # seconds in which what must come does, also on a machine that is busy

State = dict[str, Any]

#: Who complains in its log of what is no business of the gateway's: that it may install nothing, that the machine lacks
#: a library for pictures and a faster compression.
_OTHERS: Final = frozenset({"homeassistant.bootstrap", "aiohttp_fast_zlib", "homeassistant.components.camera.img_util"})

#: What it says on a machine that is busy.
_SLOW: Final = "is taking over 10 seconds"

PAGE: Final = Path(__file__).parent.parent.parent / "deploy" / "docs" / "home-assistant.md"


def configuration(port: int) -> str:
    """Return a configuration file: where to listen, and the automation of our page, which need not wait for an hour."""
    automation = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert automation is not None
    assert automation[1].count('"01:00:00"') == 1
    quick = automation[1].replace('"01:00:00"', "{milliseconds: 200}")
    return f"http: {{server_host: 127.0.0.1, server_port: {port}}}\nautomation:\n{textwrap.indent(quick, '  ')}"


class HomeAssistant:
    """One instance: its process, and how to log in to it.

    Args:
        folder: Where its configuration is, and all that it keeps.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self.url = ""

    async def start(self) -> None:
        """Start it and wait until it answers."""
        hass = await asyncio.to_thread(program)
        if not self.url:
            port = free_port()
            self.url = f"http://127.0.0.1:{port}"
            self._folder.mkdir()
            (self._folder / "configuration.yaml").write_text(configuration(port), encoding="utf-8")
        self._launch(hass)
        async with aiohttp.ClientSession() as session:
            await self._until_it_answers(session)

    async def set_up(self, broker: Broker) -> None:
        """Make the first user, and give it the MQTT integration with *broker*, as its pages do."""
        client = f"{self.url}/"
        async with aiohttp.ClientSession() as session:
            user = {"name": "Test", "username": "test", "password": "test", "language": "en", "client_id": client}
            code = (await self._post(session, "api/onboarding/users", json=user))["auth_code"]
            grant = {"grant_type": "authorization_code", "code": code, "client_id": client}
            self._token = (await self._post(session, "auth/token", data=grant))["access_token"]
            flows = "api/config/config_entries/flow"
            flow = await self._post(session, flows, json={"handler": "mqtt"})
            assert flow["step_id"] == "broker", flow
            answer = {"broker": broker.host, "port": broker.port}
            done = await self._post(session, f"{flows}/{flow['flow_id']}", json=answer)
            assert done["type"] == "create_entry", done

    def stop(self) -> None:
        """End it in an orderly way, so that it keeps what it knows."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def complaints(self) -> list[str]:
        """The warnings and errors in its log that may be about the gateway."""
        logs = (self._folder / f"home-assistant.log{each}" for each in (".1", ""))  # of the start before, and of this
        log = "".join(each.read_text(errors="replace") for each in logs if each.exists())
        found = re.findall(r"(?m)^\S+ \S+ (?:WARNING|ERROR|CRITICAL) \([^)]*\) \[([^]]*)\](.*(?:\n(?!\d{4}-).*)*)", log)
        return [f"{logger}: {text}" for logger, text in found if logger not in _OTHERS and _SLOW not in text]

    @asynccontextmanager
    async def watch(self) -> AsyncIterator["Watch"]:
        """Log in and see all its states as they change."""
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{self.url}/api/websocket") as socket:
            assert (await socket.receive_json())["type"] == "auth_required"
            await socket.send_json({"type": "auth", "access_token": self._token})
            assert (await socket.receive_json())["type"] == "auth_ok"
            async with Watch(socket) as watch:
                yield watch

    def _launch(self, hass: Path) -> None:
        with (self._folder / "output.log").open("ab") as output:
            command: list[str | Path] = [hass, "--config", self._folder, "--skip-pip"]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    async def _post(self, session: aiohttp.ClientSession, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with session.post(f"{self.url}/{path}", headers=headers, **body) as answer:
            assert answer.status == 200, (path, answer.status, await answer.text())
            return await answer.json()

    async def _until_it_answers(self, session: aiohttp.ClientSession) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                async with session.get(f"{self.url}/manifest.json") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)  # it has no way of saying that it is ready
        raise AssertionError(f"Home Assistant did not start:\n{(self._folder / 'output.log').read_text()}")


class Watch:
    """A connection to its WebSocket interface.

    Attributes:
        states: The state of each entity, as it is now, by the entity's id.
        story: The states that each entity has entered since, one after the other.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None
        self.states: dict[str, State] = {}
        self.story: dict[str, list[str]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read(), name="homeassistant.watch")
        await self.ask("subscribe_events", event_type="state_changed")
        self.states = {each["entity_id"]: each for each in await self.ask("get_states")} | self.states
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def ask(self, kind: str, **more: Any) -> Any:
        """Ask for something and return the result."""
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        await self._socket.send_json({"id": number, "type": kind, **more})
        async with asyncio.timeout(WITHIN):
            return await answer

    async def call(self, domain: str, service: str, entity: str, **data: Any) -> None:
        """Call a service for an entity, as somebody does who touches it on a page."""
        await self.ask("call_service", domain=domain, service=service, service_data=data, target={"entity_id": entity})

    async def until(self, holds: Callable[[dict[str, State]], bool], within: float = WITHIN) -> None:
        """Wait until the states are as wanted."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: holds(self.states))
        except TimeoutError:
            raise AssertionError({key: each["state"] for key, each in sorted(self.states.items())}) from None

    async def until_state(self, entity: str, state: str) -> State:
        """Wait until an entity has a state, and return all that is known of it."""
        try:
            await self.until(lambda states: entity in states and states[entity]["state"] == state)
        except AssertionError:
            raise AssertionError((entity, state, self.states.get(entity), sorted(self.states))) from None
        return self.states[entity]

    async def until_entered(self, entity: str, *states: str, since: int = 0) -> None:
        """Wait until an entity has entered these states, one behind the other, from that place in its story on."""

        def entered(_states: dict[str, State]) -> bool:
            story = iter(self.story[entity][since:])
            return all(state in story for state in states)

        await self.until(entered)

    def state(self, entity: str) -> str:
        """The state of an entity."""
        text: str = self.states[entity]["state"]
        return text

    async def until_devices(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask for the devices until they are as wanted: who waits for the states of their entities may be too early."""
        async with asyncio.timeout(WITHIN):
            while not holds(found := await self.devices()):  # noqa: ASYNC110  it is not told
                await asyncio.sleep(0.05)
        return found

    async def devices(self) -> dict[str, Any]:
        """The devices of the gateway, by their name."""
        found = await self.ask("config/device_registry/list")
        return {each["name"]: each for each in found if each["manufacturer"] == "cti-gateway"}

    async def entities(self, device: Any) -> list[Any]:
        """What the registry has of a device."""
        found = await self.ask("config/entity_registry/list")
        return [each for each in found if each["device_id"] == device["id"]]

    async def _read(self) -> None:
        async for message in self._socket:
            told = message.json()
            if told["type"] == "event":
                await self._take(told["event"]["data"])
            elif told["type"] == "result":
                answer = self._answers.pop(told["id"])
                if told["success"]:
                    answer.set_result(told["result"])
                else:
                    answer.set_exception(AssertionError(told["error"]))

    async def _take(self, change: Any) -> None:
        async with self._changed:
            if change["new_state"] is None:
                self.states.pop(change["entity_id"], None)
            else:
                self.states[change["entity_id"]] = change["new_state"]
                self.story[change["entity_id"]].append(change["new_state"]["state"])
            self._changed.notify_all()
