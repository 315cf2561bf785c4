"""The run itself: a simulated Asterisk, a broker on the shipped sample, the gateway as users run it, and a client."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import aiohttp

from gateway.client import GatewayClient
from gateway.simulate.agenda import SECOND
from gateway.simulate.simulation import Plan, Simulation
from gateway.simulate.truth import NEAR
from tests.bench.lines import ROOT
from tests.bench.process import cpu_seconds
from tests.broker import SampleBroker, free_port
from tests.http.page import samples
from tests.one_o_clock import zone
from tests.simulate import judge
from tests.simulate.running import ACCOUNT, running
from tests.soak.watch import Growth, Heard, Sample, growth, look, loud_lines

NODE: Final = "soak"
RETENTION: Final = 3600
"""Seconds of the simulated day for which an ended session is still told."""
CURRENT_WITHIN: Final = 60.0
SETTLED_WITHIN: Final = 30.0
STOP_WITHIN: Final = 15.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of it.

    Attributes:
        faults: What is not as it should be; empty: nothing.
        hours: Of the simulated time.
        seconds: That it took.
        callers: Who called.
        calls: That were answered.
        sessions: That there were.
        samples: Looks at the process.
        growth: Of its memory; None where the run was too short to say.
        cpu: Seconds of processor time that the gateway took.
        store: Bytes of its file at the end.
        handled: Events that it took from Asterisk.
        lag: The longest round trip of a Ping that it told, in seconds.
        late: By how much the simulator told something late, or the gateway took it, at most; in seconds.
    """

    faults: list[str]
    hours: float
    seconds: float
    callers: int
    calls: int
    sessions: int
    samples: list[Sample]
    growth: Growth | None
    cpu: float
    store: int
    handled: int
    lag: float
    late: float


@dataclass(slots=True)
class Soak:
    """One run.

    Attributes:
        plan: What is simulated; its callers come once the gateway is there.
        hours: How long, in the simulated time.
        directory: Where configuration, store and logs go.
        every: Seconds between two looks at the process.
        note: Is told how far it is.
    """

    plan: Plan
    hours: float
    directory: Path
    every: float
    note: Callable[[str], None]
    _heard: Heard = field(default_factory=Heard)
    _samples: list[Sample] = field(default_factory=list)
    _lag: float = 0.0
    _late: float = NEAR / SECOND
    _since: int = 0  # microseconds since 1970: when the gateway had its picture

    async def run(self) -> Verdict:
        """Run it, and judge."""
        self.directory.mkdir(parents=True, exist_ok=True)
        log, http = self.directory / "queue_log", free_port()
        # What came before the gateway would be known from the log alone, to the second.
        quiet = replace(self.plan, calls_per_hour=0)
        async with AsyncExitStack() as stack:
            broker = stack.enter_context(SampleBroker(self.directory / "broker"))
            simulation = await stack.enter_async_context(running(quiet, queue_log=log))
            config = self._write_config(simulation.server.port, broker, log, http)
            process = await stack.enter_async_context(_gateway(config, self.directory / "gateway.log"))
            client = await stack.enter_async_context(_client(broker))
            pages = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{http}"))
            await client.until(lambda: client.current and bool(client.queues()), timeout=CURRENT_WITHIN)
            listening = asyncio.create_task(self._heard.listen(client.events(limit=1_000_000)), name="soak.listen")
            stack.callback(listening.cancel)
            self.note("the picture is current: callers come")
            self._since = simulation.center.agenda.now
            began = time.monotonic()
            simulation.center.people.set_calls_per_hour(self.plan.calls_per_hour)
            await self._watch(simulation, process, client, pages)
            await simulation.finish()
            faults = await self._settled(simulation, client, pages)
            listening.cancel()  # that the gateway stops is no fault
            seconds, cpu = time.monotonic() - began, cpu_seconds(process.pid)
            handled = client.health.events_handled if client.health is not None else 0
            faults += await _stop(process)
        truth = simulation.center.truth
        # First of all that the link was lost: then what the log gave back is to the second.
        faults = self._told(sum(each.calls for each in truth.sessions)) + faults
        grown = growth(self._samples)
        if grown is not None and not grown.is_flat:
            faults.append(f"memory grew: {grown}")
        return Verdict(
            faults,
            hours=seconds * self.plan.speed / 3600,
            seconds=seconds,
            callers=sum(each.joined - each.flowed_in for each in truth.queues.values()),
            calls=sum(each.calls for each in truth.sessions),
            sessions=len(truth.sessions),
            samples=self._samples,
            growth=grown,
            cpu=cpu,
            store=(self.directory / "gateway.db").stat().st_size,
            handled=handled,
            lag=self._lag,
            late=self._late,
        )

    async def _watch(
        self,
        simulation: Simulation,
        process: asyncio.subprocess.Process,
        client: GatewayClient,
        pages: aiohttp.ClientSession,
    ) -> None:
        """Look at it again and again until the time is over.

        Raises:
            RuntimeError: The gateway ended by itself.
        """
        lasts, began, noted = self.hours * 3600 / self.plan.speed, time.monotonic(), 0.0
        while (gone := time.monotonic() - began) < lasts:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), min(self.every, lasts - gone))
                raise RuntimeError(f"the gateway ended: see {self.directory / 'gateway.log'}")
            hours = (time.monotonic() - began) * self.plan.speed / 3600
            async with pages.get("/healthz") as answer:
                healthy = answer.status == 200
            async with pages.get("/metrics") as answer:
                behind = samples(await answer.text()).get("cti_gateway_ami_lag_seconds", 0.0)
            sample = look(process.pid, at=hours, healthy=healthy)
            self._samples.append(sample)
            health = client.health
            self._lag = max(self._lag, (health and health.ami_lag) or 0.0)
            self._late = max(self._late, self._lag, behind, simulation.server.latest / SECOND)
            if hours - noted >= min(1.0, self.hours / 10):
                noted = hours
                now = simulation.center.standing()
                self.note(
                    f"{hours:5.2f} h: {now.joined} callers, {self._heard.calls} calls told, {now.waiting} waiting, "
                    f"{now.talking} talking; memory {sample.resident / 1e6:.1f} MB, {sample.files} files"
                )

    async def _settled(self, simulation: Simulation, client: GatewayClient, pages: aiohttp.ClientSession) -> list[str]:
        """What is wrong with the figures, once the last wrap-up was told."""
        truth, late = simulation.center.truth, round(self._late * SECOND)

        def queues_and_agents() -> list[str]:
            agents = judge.of_agents(client.agents(), truth, since=self._since, late=late)
            return judge.of_queues(client.queues(), truth) + agents

        with suppress(TimeoutError):
            await client.until(lambda: not queues_and_agents(), timeout=SETTLED_WITHIN)
        self._heard.see(client.sessions())
        async with pages.get("/metrics") as answer:
            metrics = judge.of_metrics(samples(await answer.text()), truth)
        await client.publish_health()
        faults = queues_and_agents() + judge.of_sessions(self._heard.sessions.values(), truth, late=late) + metrics
        health = client.health
        assert health is not None
        counters = {
            name: getattr(health, name)
            for name in ("ami_malformed", "publishes_refused", "names_refused", "completions_unmatched", "events_lost")
        }
        return faults + [f"bridge/health: {name} is {count}" for name, count in counters.items() if count]

    def _told(self, calls: int) -> list[str]:
        """What is wrong with what was told on the way."""
        faults = list(self._heard.faults)
        if self._heard.calls != calls:
            faults.append(f"{self._heard.calls} call records for {calls} calls")
        sick = sum(not sample.healthy for sample in self._samples)
        if sick:
            faults.append(f"/healthz was not 200 in {sick} of {len(self._samples)} looks")
        return faults + [f"log: {line}" for line in loud_lines(self.directory / "gateway.log")]

    def _write_config(self, port: int, broker: SampleBroker, log: Path, http: int) -> Path:
        tables: dict[str, dict[str, Any]] = {
            "asterisk": {"port": port, "username": ACCOUNT.username, "password": ACCOUNT.secret, "queue_log": str(log)},
            "mqtt": {"port": broker.port, "username": "cti-gateway", "password": broker.USERS["cti-gateway"]},
            "session": {"ended_retention": max(1, round(RETENTION / self.plan.speed))},
            "store": {"path": str(self.directory / "gateway.db")},
            "http": {"listen": f"127.0.0.1:{http}"},
        }
        lines = [f'node = "{NODE}"']
        for table, keys in tables.items():  # of these kinds, JSON is TOML
            lines += ["", f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        config = self.directory / "gateway.toml"
        config.write_text("\n".join([*lines, ""]), encoding="utf-8")
        config.chmod(0o600)
        return config


def _client(broker: SampleBroker) -> GatewayClient:
    return GatewayClient(
        "127.0.0.1", broker.port, node=NODE, username="cti-gateway", password=broker.USERS["cti-gateway"], timeout=30
    )


@asynccontextmanager
async def _gateway(config: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """``cti-gateway run``, in a time zone in which it is one o'clock: no midnight begins a measurement period anew."""
    command = ["-m", "gateway", "run", "--config", str(config), "--log-format", "json"]
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=ROOT,
            env={**os.environ, "TZ": zone()},
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _stop(process: asyncio.subprocess.Process) -> list[str]:
    """End it in order; says what was wrong with that."""
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    try:
        status = await asyncio.wait_for(process.wait(), STOP_WITHIN)
    except TimeoutError:
        return [f"it did not stop within {STOP_WITHIN:g} s"]
    took = time.monotonic() - began
    return [f"it stopped with status {status} after {took:.1f} s"] if status or took > 5 else []
