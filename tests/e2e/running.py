"""A gateway as a process between a real Asterisk and a real broker, with a subscriber beside it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.broker import Broker
from tests.contract import validation
from tests.lab import gateway_process
from tests.lab.asterisk import Asterisk
from tests.lab.gateway_process import BASE, GatewayProcess, Settings
from tests.lab.subscriber import Received, Subscriber


@dataclass(slots=True)
class Running:
    """The gateway and who listens to it."""

    gateway: GatewayProcess
    subscriber: Subscriber

    @property
    def messages(self) -> list[Received]:
        """Everything published so far."""
        return self.subscriber.messages

    @property
    def log(self) -> str:
        """Everything the gateway has logged."""
        return self.gateway.log.read_text(encoding="utf-8", errors="replace")

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
    process = GatewayProcess(text, directory, environment=environment, module=module)
    async with listener, process as gateway:
        await gateway.current(listener)
        try:
            yield Running(gateway, listener)
            validation.check(listener.messages)
        finally:
            # For whoever has to find out why a test failed.
            lines = (f"{message.topic}\t{message.payload.decode()}\n" for message in listener.messages)
            (directory / "messages.log").write_text("".join(lines), encoding="utf-8")


async def settled(running_: Running, *, quiet: float = 1.5) -> None:
    """Wait until nothing of the stream has come for *quiet* seconds: nothing else tells that all was told."""
    while True:
        place = len(running_.messages)
        try:
            await running_.subscriber.wait_for(
                lambda m: m.topic.endswith("/event") or m.topic.startswith("call/"), since=place, within=quiet
            )
        except TimeoutError:
            return
