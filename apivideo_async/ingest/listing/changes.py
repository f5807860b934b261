"""When to look at a folder: because the system reports a change, or because some time has passed."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError, SourceError

__all__ = ["Report", "listed", "told"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

Report = frozenset[str] | None
"""Paths that changed, perhaps none; None: everything is to be looked at."""

SHORTEST_DEBOUNCE = 50
"""Milliseconds for which reports are collected."""


async def listed(stop: asyncio.Event, pause: float) -> AsyncGenerator[Report, None]:
    """Have everything looked at, again and again."""
    while not stop.is_set():
        yield None
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            continue


async def told(folder: Path, stop: asyncio.Event, tick: float, *, or_listed: bool) -> AsyncGenerator[Report, None]:
    """Pass on what the system reports, at least every ``tick`` seconds.

    ``or_listed``: go on with listing where the system cannot report. Raises ``ConfigurationError`` without watchfiles.
    """
    try:
        from watchfiles import awatch
    except ImportError:
        raise ConfigurationError(
            "watching needs watchfiles: pip install 'apivideo-async[watch]', or list the folder with polling=True"
        ) from None
    milliseconds = max(1, round(tick * 1000))
    ending: Any = _Ending(stop)
    reports = awatch(
        folder,
        watch_filter=None,
        step=min(SHORTEST_DEBOUNCE, milliseconds),
        debounce=max(SHORTEST_DEBOUNCE, milliseconds),
        stop_event=ending,
        rust_timeout=milliseconds,
        yield_on_timeout=True,
        force_polling=False,
        ignore_permission_denied=True,
    )
    try:
        async with aclosing(reports):
            async for changes in reports:
                yield frozenset(path for _, path in changes)
    except (OSError, RuntimeError) as error:
        if not or_listed:
            raise SourceError(f"{folder} cannot be watched ({error}): use polling", cause="unsupported") from error
        log.warning("the system does not report changes of %s (%s): it is listed again and again", folder, error)
        async with aclosing(listed(stop, tick)) as looks:
            async for look in looks:
                yield look


class _Ending:
    """What ``awatch`` asks whether to end. When it is cancelled it sets it, which must not reach the caller's event."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._cancelled = False

    def is_set(self) -> bool:
        return self._cancelled or self._stop.is_set()

    def set(self) -> None:
        self._cancelled = True
