"""Decides when a watched folder is checked: on notifications of the system, or periodically."""

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
"""Paths that changed (possibly none), or None: the whole folder must be listed."""

SHORTEST_DEBOUNCE = 50
"""Minimum milliseconds during which notifications are collected."""


async def listed(stop: asyncio.Event, pause: float) -> AsyncGenerator[Report, None]:
    """Request a listing of the whole folder every ``pause`` seconds, until ``stop`` is set."""
    while not stop.is_set():
        yield None
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            continue


async def told(
    folder: Path, stop: asyncio.Event, tick: float, *, or_listed: bool
) -> AsyncGenerator[Report, None]:
    """Yield the changes that the system reports, or an empty set after ``tick`` seconds.

    ``or_listed``: fall back to repeated listing where the system sends no notifications. Otherwise
    this raises ``SourceError``. Raises ``ConfigurationError`` when watchfiles is not installed.
    """
    try:
        from watchfiles import awatch
    except ImportError:
        raise ConfigurationError(
            "watching needs watchfiles: pip install 'apivideo-async[watch]', or list the folder with polling=True"
        ) from None
    milliseconds = max(1, round(tick * 1000))
    # ``watch_filter=None`` below disables the filter of watchfiles for hidden files and others;
    # ``selection`` decides instead.
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
            raise SourceError(
                f"{folder} cannot be watched ({error}): use polling", cause="unsupported"
            ) from error
        log.warning(
            "the system does not report changes of %s (%s): it is listed again and again",
            folder,
            error,
        )
        async with aclosing(listed(stop, tick)) as looks:
            async for look in looks:
                yield look


class _Ending:
    """A stop event for ``awatch``, separate from the caller's event.

    ``awatch`` sets its stop event when it is cancelled. This must not set the event of the caller.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._cancelled = False

    def is_set(self) -> bool:
        return self._cancelled or self._stop.is_set()

    def set(self) -> None:
        self._cancelled = True
