"""The option ``--listen``: health checks and metrics of a command that runs for long."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import click
from attrs import frozen

from ...client import ApiVideoClient
from ...ingest.ledger.ledger import Ledger
from ..console.messages import explain_listen_error
from ..session import Session

__all__ = ["Address", "Monitor", "listen_option", "monitoring"]

LOOPBACK = "127.0.0.1"
LARGEST_PORT = 65_535


@frozen
class Address:
    """An address to listen on."""

    host: str
    port: int


class _AddressType(click.ParamType[Address]):
    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Address:
        if isinstance(value, Address):
            return value
        host, _, port = str(value).rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port) <= LARGEST_PORT):
            self.fail(f"{value!r} is not HOST:PORT, such as 127.0.0.1:9100", param, ctx)
        return Address(host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port))


listen_option: Callable[[Any], Any] = click.option(
    "--listen",
    type=_AddressType(),
    metavar="[HOST:]PORT",
    help="Serve /healthz, /readyz and /metrics (Prometheus) on this address. HOST is 127.0.0.1 by "
    "default. Anyone who can reach the address can read the metrics.",
)

Monitor: TypeAlias = Callable[[ApiVideoClient], ApiVideoClient]
"""Adds the request budget of a client to the metrics, and returns the client."""


@asynccontextmanager
async def monitoring(
    session: Session,
    listen: Address | None,
    ledger: Ledger,
    *,
    live_workers: Callable[[], Awaitable[int]] | None = None,
    draining: Callable[[], bool] = lambda: False,
) -> AsyncIterator[Monitor]:
    """Serve health checks and metrics while the block runs, if there is an address to listen on."""
    if listen is None:
        yield lambda client: client
        return
    try:
        from ...telemetry.prometheus import Metrics
        from ...telemetry.server import serving
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        raise click.ClickException(
            "--listen needs prometheus-client: pip install 'apivideo-async[metrics]'"
        ) from error
    metrics = Metrics(ledger, live_workers)

    def monitor(client: ApiVideoClient) -> ApiVideoClient:
        metrics.client = client
        return client

    server = serving(metrics, listen.host, listen.port, draining)
    try:
        port = await server.__aenter__()
    except OSError as error:
        reason = explain_listen_error(error, listen.host, listen.port)
        raise click.ClickException(reason.replace("--port", "port")) from error
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    session.terminal.say(f"metrics: http://{host}:{port}/metrics")
    try:
        yield monitor
    finally:
        await server.__aexit__(None, None, None)
