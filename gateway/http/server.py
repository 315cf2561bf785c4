"""The HTTP server: ``/metrics``, ``/healthz``, and a folder of files where there is one."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from gateway.http.center_metrics import CenterMetrics
from gateway.http.gateway_metrics import GatewayMetrics
from gateway.http.health import Health, read_health
from gateway.http.sources import Sources

_log = logging.getLogger(__name__)
_faults = logging.getLogger(f"{__name__}.faults")

MOST_BYTES: Final = 1024
"""Of a request's body: none of the pages takes any."""

LEAVE_WITHIN: Final = 0.2
"""Seconds that requests under way are given at the end."""


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether the library tells of a fault of the gateway's, and not of somebody who speaks no HTTP."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_faults.addFilter(_is_ours)


class Address(Protocol):
    """Where to listen."""

    @property
    def host(self) -> str:
        """A name, or an address (IPv6 without its brackets)."""

    @property
    def port(self) -> int:
        """A TCP port."""


def metrics_of(sources: Sources) -> CollectorRegistry:
    """The registry of one gateway. The library's own, which is global, stays as it is."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(GatewayMetrics(sources))
    registry.register(CenterMetrics(sources))
    return registry


def application(
    metrics: CollectorRegistry, health: Callable[[], Health], *, files: Path | None = None
) -> web.Application:
    """The pages.

    Args:
        metrics: What ``/metrics`` shows.
        health: What ``/healthz`` says.
        files: A folder whose files are served as they are, its ``index.html`` as ``/``: the wallboard's place. None: no
            such pages.
    """
    app = web.Application(client_max_size=MOST_BYTES)

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(metrics),
            headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"},
        )

    async def show_health(_: web.Request) -> web.Response:
        found = health()
        return web.json_response(
            found.as_json(),
            status=200 if found.is_good else 503,
            headers={"Cache-Control": "no-store"},
            dumps=lambda body: json.dumps(body, indent=2) + "\n",
        )

    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/healthz", show_health)
    if files is not None and files.is_dir():
        index = files / "index.html"

        async def show_index(_: web.Request) -> web.FileResponse:
            return web.FileResponse(index)

        app.router.add_get("/", show_index)
        app.router.add_static("/", files)
    return app


class HttpServer:
    """Serves the pages of one gateway.

    Args:
        listen: Where.
        sources: What ``/metrics`` and ``/healthz`` read.
        files: See ``application``.
    """

    def __init__(self, listen: Address, sources: Sources, *, files: Path | None = None) -> None:
        self._listen = listen
        self._sources = sources
        self._files = files

    async def run(self) -> None:
        """Serve until cancelled. Where it cannot listen, that is logged, and the gateway does without."""
        sources = self._sources
        app = application(
            metrics_of(sources),
            lambda: read_health(sources.picture, sources.broker, sources.ledger),
            files=self._files,
        )
        runner = web.AppRunner(app, access_log=None, logger=_faults, shutdown_timeout=LEAVE_WITHIN)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._listen.host, self._listen.port).start()
        except OSError as error:
            _log.warning(
                "nothing is served over HTTP: %s port %d cannot be used: %s",
                self._listen.host,
                self._listen.port,
                error.strerror or error,
            )
        else:
            _log.info("HTTP on %s port %d: /metrics and /healthz", self._listen.host, self._listen.port)
        try:
            await asyncio.get_running_loop().create_future()  # until cancelled
        finally:
            await runner.cleanup()
