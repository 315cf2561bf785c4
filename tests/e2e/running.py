"""A gateway as a process between a real Asterisk and a real broker, with a subscriber beside it."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiomqtt

from tests.broker import Broker
from tests.contract import validation
from tests.lab import gateway_process
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import BASE, GatewayProcess, Settings
from tests.lab.subscriber import Received, Subscriber

PROMPT: Final = 1.0
"""Seconds within which a gateway answers that has nothing else to do."""


@dataclass(slots=True)
class Running:
    """The gateway and who listens to it.

    Attributes:
        asking: What `aiomqtt.Client` takes for a client that may ask the gateway, as not every subscriber may.
    """

    gateway: GatewayProcess
    subscriber: Subscriber
    asking: Mapping[str, Any]
    _ids: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def messages(self) -> list[Received]:
        """Everything published so far."""
        return self.subscriber.messages

    @property
    def log(self) -> str:
        """Everything the gateway has logged."""
        return self.gateway.log.read_text(encoding="utf-8", errors="replace")

    async def told_all(self) -> None:
        """Wait until all is heard that the gateway had to tell when it was asked: "nothing more came" is said then.

        Asked for its health, it answers behind all events, and shows the health behind all that was to be shown.
        """
        async with aiomqtt.Client(**self.asking) as client:
            while True:
                since, asked = len(self.messages), f"all told {next(self._ids)}"
                request = json.dumps({"request": "health", "id": asked})
                await client.publish(f"{BASE}/bridge/request", request, qos=1)
                answer = await self.subscriber.wait_for(
                    lambda m, asked=asked: m.topic == "bridge/request/response" and m.json["id"] == asked,  # type: ignore[misc]
                    since=since,
                )
                if answer.json["status"] == "ok":
                    break
                await asyncio.sleep(0.1)  # it has been started just now, or has commands enough
        await self.subscriber.wait_for(lambda m: m.topic == "bridge/health", since=since)

    def check_log(self) -> None:
        """One line a fact, and no traceback for anything that anybody outside can do."""
        assert "Traceback" not in self.log, self.log
        for line in self.log.splitlines():
            assert line.startswith(("DEBUG", "INFO", "WARNING", "ERROR")), line


@asynccontextmanager
async def running(
    asterisk: Asterisk,
    broker: Broker,
    directory: Path,
    *,
    wrap_up: Mapping[str, int],
    changes: Settings | None = None,
    environment: Mapping[str, str] | None = None,
    subscriber: Subscriber | None = None,
    module: str = "gateway",
) -> AsyncIterator[Running]:
    """Start the gateway, wait until its picture is current, and stop it in order at the end.

    All that was published until then is held against the schemas of the contract.

    Args:
        asterisk: A started one.
        broker: Likewise.
        directory: Where configuration, store and logs go.
        wrap_up: Seconds by queue.
        changes: Over the lab's configuration.
        environment: Over this process's.
        subscriber: Who listens, not yet connected; one of everything if None.
        module: What is run as the gateway.
    """
    text = gateway_process.config_text(
        asterisk, broker.port, directory / "gateway.db", wrap_up=wrap_up, changes=changes
    )
    listener = subscriber or Subscriber(broker.port, BASE)
    login = (changes or {}).get("mqtt", {})
    asking = {"hostname": broker.host, "port": broker.port, "protocol": aiomqtt.ProtocolVersion.V5}
    asking |= {key: login.get(key) for key in ("username", "password")}
    process = GatewayProcess(text, directory, environment=environment, module=module)
    async with listener, process as gateway:
        await gateway.current(listener)
        try:
            yield Running(gateway, listener, asking)
            validation.check(listener.messages)
        finally:
            # For whoever has to find out why a test failed.
            lines = (f"{message.topic}\t{message.payload.decode()}\n" for message in listener.messages)
            (directory / "messages.log").write_text("".join(lines), encoding="utf-8")


async def settled(running_: Running, *, quiet: float = 1.5) -> None:
    """Wait until nothing of the stream has come for *quiet* seconds, and the gateway has nothing more to tell or show.

    One that answers late was held up, and may not yet have read all that happened: it is given that time again.
    """
    loop = asyncio.get_running_loop()
    while True:
        place = len(running_.messages)
        try:
            await running_.subscriber.wait_for(_is_of_stream, since=place, within=quiet)
        except TimeoutError:
            asked = loop.time()
            await running_.told_all()
            if loop.time() - asked < PROMPT and not any(map(_is_of_stream, running_.messages[place:])):
                return


def _is_of_stream(message: Received) -> bool:
    return message.topic.endswith("/event") or message.topic.startswith("call/")
