"""The server of ``/healthz``, ``/readyz`` and ``/metrics``."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from attrs import frozen

from ..errors import LedgerError
from ..observing import add_observer
from .prometheus import Metrics

__all__ = ["serving"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

TEXT = "text/plain; version=0.0.4; charset=utf-8"


@frozen
class _Handlers:
    metrics: Metrics
    draining: Callable[[], bool]

    async def healthz(self, _: web.Request) -> web.Response:
        """The event loop runs. Nothing else is checked: a restart would not help."""
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.Response:
        """The ledger can be read, and the process takes new items."""
        if self.draining():
            return web.Response(status=503, text="draining\n")
        try:
            await self.metrics.refresh()
        except (LedgerError, TimeoutError):
            return web.Response(status=503, text="the ledger cannot be read\n")
        return web.Response(text="ok\n")

    async def show_metrics(self, _: web.Request) -> web.Response:
        try:
            await self.metrics.refresh()
        except (LedgerError, TimeoutError):
            # The counters of this process are still right; the gauges are the latest known ones.
            log.debug("the ledger could not be read for /metrics")
        return web.Response(body=self.metrics.text(), headers={"Content-Type": TEXT})


@asynccontextmanager
async def serving(
    metrics: Metrics, host: str, port: int, draining: Callable[[], bool] = lambda: False
) -> AsyncIterator[int]:
    """Listen while the block runs; yield the port. Raises ``OSError`` if that is not possible."""
    handlers = _Handlers(metrics, draining)
    app = web.Application()
    app.router.add_get("/healthz", handlers.healthz)
    app.router.add_get("/readyz", handlers.readyz)
    app.router.add_get("/metrics", handlers.show_metrics)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
    await runner.setup()
    remove = add_observer(metrics)
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        remove()
        await runner.cleanup()
