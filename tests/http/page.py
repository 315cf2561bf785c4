"""What a gateway serves, as a client reads it."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

WITHIN = 60.0  # seconds, also on a machine that is busy


@dataclass(frozen=True)
class Pages:
    """The pages below *base*."""

    session: aiohttp.ClientSession
    base: str

    async def until_served(self) -> None:
        """Wait until there is a server: the picture may be current sooner."""
        async with asyncio.timeout(WITHIN):
            while True:
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    await self.health()
                    return
                await asyncio.sleep(0.02)  # it tells nobody

    async def get(self, path: str) -> tuple[int, str, str]:
        """Status, type and body of a page."""
        async with self.session.get(f"{self.base}{path}") as answer:
            return answer.status, answer.headers.get("Content-Type", ""), await answer.text()

    async def health(self) -> tuple[int, Any]:
        """Status and body of ``/healthz``."""
        async with self.session.get(f"{self.base}/healthz") as answer:
            return answer.status, await answer.json()

    async def metrics(self) -> dict[str, float]:
        """Every sample of ``/metrics``, by ``name{label="value"}`` with the labels sorted."""
        return samples(await self.text())

    async def text(self) -> str:
        """``/metrics`` as it is."""
        status, _, body = await self.get("/metrics")
        assert status == 200
        return body

    async def until_health(self, holds: Callable[[int, Any], bool]) -> tuple[int, Any]:
        """Ask for the health until *holds*: a page tells nobody of its changes, so it is asked again and again."""
        async with asyncio.timeout(WITHIN):
            while not holds(*(found := await self.health())):  # noqa: ASYNC110  a page has no event to wait for
                await asyncio.sleep(0.02)
        return found

    async def until_metrics(self, holds: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """The same of the metrics."""
        async with asyncio.timeout(WITHIN):
            while not holds(found := await self.metrics()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return found


def samples(text: str) -> dict[str, float]:
    """The samples of a scrape."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found
