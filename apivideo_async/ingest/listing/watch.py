"""Watching a folder: every file that is there or arrives, once, when it is complete.

Nobody tells when a file is complete, so a file is given when its size and time have stood still for ``settle`` seconds.
What the system reports (inotify and its kin, through watchfiles) only says where to look; it may be lost when a burst
overflows the queue, or when a new folder is filled before it is watched. So the folder is listed again after every
burst, for every new folder, and every ``RELIST`` seconds; where the system reports nothing (network folders, a limit on
watches), listing alone does it.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

from ...uploads.sources.threads import in_thread
from ..items import Item, Strategy
from .changes import listed, told
from .problems import OnProblem
from .selection import Selection
from .settling import Settling

__all__ = ["watch_folder"]

RELIST: Final = 60.0
"""Seconds between two listings, at least."""
BURST: Final = 5_000
"""Changes reported at once, from which on some may have been lost: the system's queue often holds 16,384."""
TICK: Final = 1.0
"""Seconds between two looks, at most."""
QUICKEST: Final = 0.02


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
    """Give the files that are there, then new ones; a file that is written again later is a new item.

    ``polling``: list the folder every few seconds in place of being told; None: only where the system cannot tell.
    Ends when ``stop`` is set. ``on_problem`` is told of unreadable folders and files; without it they are logged. A
    hundred bytes of memory are kept for each file that was given. Raises ``SourceError`` when the folder is missing
    or unreadable, ``ConfigurationError`` when watchfiles is needed and not installed.
    """
    folder, stop = Path(await in_thread(os.path.realpath, root)), stop or asyncio.Event()
    tick = min(TICK, max(QUICKEST, settle / 4))
    settling = Settling(folder, settle, Selection(patterns), strategy, on_problem)
    reports = listed(stop, tick) if polling else told(folder, stop, tick, or_listed=polling is None)
    relist = -RELIST
    async with aclosing(reports):
        async for changes in reports:
            if changes is None or len(changes) >= BURST or time.monotonic() - relist >= RELIST:
                async with aclosing(settling.relist()) as complete:
                    async for item in complete:
                        yield item
                relist = time.monotonic()
            else:
                await settling.look(changes)
            for item in await settling.settled():
                yield item
