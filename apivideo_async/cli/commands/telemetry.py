"""Exports traces and metrics of a command if the environment names a receiver."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..session import Session

__all__ = ["tracing"]


@asynccontextmanager
async def tracing(session: Session) -> AsyncIterator[None]:
    """Export spans and metrics with OTLP while the block runs, if ``OTEL_*`` name a receiver."""
    try:
        from ...telemetry.spans import exporting, requested
    except ModuleNotFoundError:
        # The extra is not installed. The variables may be meant for other programs.
        yield
        return
    if not requested():
        yield
        return
    session.terminal.say("traces and metrics are exported with OTLP/HTTP")
    async with exporting():
        yield
