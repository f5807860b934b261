"""Watches a folder: yields each file, existing or new, once, when it is complete.

Theory of operation. No system reports that a file is complete. A file is therefore yielded when its
size and modification time have stayed the same for ``settle`` seconds (``settling``).

Notifications of the operating system (through watchfiles) show where to look. They can be lost when
a burst overflows the queue, or when a new folder is filled before it is watched. The folder is
therefore listed again after every burst and every ``RELIST`` seconds, and every new folder is
listed. Where the system sends no notifications (network folders, a limit on watches), repeated
listing replaces them.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import define

from ...errors import ConfigurationError, SourceError
from ...tasks import wait_event
from ...uploads.sources.threads import in_thread
from ..items import Item, Strategy
from .selection import OnProblem, Selection, log, log_problem
from .settling import Settling

__all__ = ["Changes", "notified_changes", "watch_folder"]

Changes: TypeAlias = frozenset[str] | None
"""Paths that changed (possibly none), or None: the whole folder must be listed."""

RELIST: Final = 60.0
"""Minimum seconds between two periodic listings of the whole folder."""
BURST: Final = 5_000
"""Changes in one report from which some may be lost. The system's queue often holds 16,384."""
MAX_INTERVAL: Final = 1.0
"""Maximum seconds between two checks."""
MIN_INTERVAL: Final = 0.02
"""Minimum seconds between two checks."""
MIN_DEBOUNCE: Final = 50
"""Minimum milliseconds during which notifications are collected."""


async def watch_folder(
    root: str | os.PathLike[str],
    *,
    settle: float = 5.0,
    polling: bool | None = None,
    stop: asyncio.Event | None = None,
    patterns: Sequence[str] = (),
    strategy: Strategy = "stream",
    on_problem: OnProblem | None = None,
) -> AsyncGenerator[Item, None]:
    """Yield the files in a folder, then new ones. A file that is rewritten later is a new item.

    ``polling``: True lists the folder repeatedly and uses no notifications; None does so only where
    the system sends none; False raises ``SourceError`` there. The generator ends when ``stop`` is
    set. ``on_problem`` is called for unreadable folders and files; without it they are logged.
    About 100 bytes of memory are kept for each yielded file. Raises ``SourceError`` when the folder
    is missing or unreadable, and ``ConfigurationError`` when watchfiles is needed and not
    installed.
    """
    folder, stop = Path(await in_thread(os.path.realpath, root)), stop or asyncio.Event()
    # A quarter of the settle time, so that a settled file is yielded soon.
    interval = min(MAX_INTERVAL, max(MIN_INTERVAL, settle / 4))
    settling = Settling(folder, settle, Selection(patterns), strategy, on_problem or log_problem)
    if polling:
        reports = _periodic_changes(stop, interval)
    else:
        reports = notified_changes(folder, stop, interval, fallback=polling is None)
    # Makes the first report list the whole folder.
    listed_at = -RELIST
    async with aclosing(reports):
        async for changes in reports:
            if changes is None or len(changes) >= BURST or time.monotonic() - listed_at >= RELIST:
                async with aclosing(settling.relist()) as complete:
                    async for item in complete:
                        yield item
                listed_at = time.monotonic()
            else:
                # The notifications are complete, so only the changed paths are examined.
                await settling.examine(changes)
            for item in await settling.take_settled():
                yield item


async def _periodic_changes(stop: asyncio.Event, interval: float) -> AsyncGenerator[Changes, None]:
    while not stop.is_set():
        yield None
        await wait_event(stop, interval)


async def notified_changes(
    folder: Path, stop: asyncio.Event, interval: float, *, fallback: bool
) -> AsyncGenerator[Changes, None]:
    """Yield the changes that the system reports, or an empty set after ``interval`` seconds.

    Where the system sends no notifications, the folder is listed repeatedly with ``fallback``;
    otherwise ``SourceError`` is raised. Raises ``ConfigurationError`` without watchfiles.
    """
    try:
        from watchfiles import awatch
    except ImportError:
        raise ConfigurationError(
            "watching needs watchfiles: pip install 'apivideo-async[watch]', or list the folder "
            "with polling=True"
        ) from None
    milliseconds = max(1, round(interval * 1000))
    stop_event: Any = _StopEvent(stop)
    reports = awatch(
        folder,
        # Disables the filter of watchfiles for hidden files and others; ``selection`` decides.
        watch_filter=None,
        step=min(MIN_DEBOUNCE, milliseconds),
        debounce=max(MIN_DEBOUNCE, milliseconds),
        stop_event=stop_event,
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
        if not fallback:
            raise SourceError(
                f"{folder} cannot be watched ({error}): use polling", cause="unsupported"
            ) from error
        log.warning(
            "the system does not report changes of %s (%s): the folder is listed every %g s",
            folder,
            error,
            interval,
            extra={"event": "watch_fallback", "folder": str(folder), "error": error},
        )
        async with aclosing(_periodic_changes(stop, interval)) as listings:
            async for listing in listings:
                yield listing


@define
class _StopEvent:
    """A stop event for ``awatch``, which sets it on cancellation. The caller's stays unset."""

    _stop: asyncio.Event
    _cancelled: bool = False

    def is_set(self) -> bool:
        return self._cancelled or self._stop.is_set()

    def set(self) -> None:
        self._cancelled = True
