"""Watches a folder: yields each file, existing or new, once, when it is complete.

Theory of operation. No system reports that a file is complete. A file is therefore yielded when its
size and modification time have stayed the same for ``settle`` seconds.

Notifications of the operating system (inotify and similar, through watchfiles) only show where to
look. They can be lost when a burst overflows the queue, or when a new folder is filled before it is
watched. The folder is therefore listed again after every burst, for every new folder, and every
``RELIST`` seconds. Where the system sends no notifications (network folders, a limit on watches),
repeated listing replaces them.
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
"""Minimum seconds between two periodic listings of the whole folder."""
BURST: Final = 5_000
"""Number of simultaneous changes from which some may have been lost. The system's queue often
holds 16,384."""
TICK: Final = 1.0
"""Maximum seconds between two checks."""
QUICKEST: Final = 0.02
"""Minimum seconds between two checks."""


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
    # A quarter of the settle time, so that a file is yielded soon after it has settled.
    tick = min(TICK, max(QUICKEST, settle / 4))
    settling = Settling(folder, settle, Selection(patterns), strategy, on_problem)
    reports = listed(stop, tick) if polling else told(folder, stop, tick, or_listed=polling is None)
    # Makes the first report list the whole folder.
    relist = -RELIST
    async with aclosing(reports):
        async for changes in reports:
            if changes is None or len(changes) >= BURST or time.monotonic() - relist >= RELIST:
                async with aclosing(settling.relist()) as complete:
                    async for item in complete:
                        yield item
                relist = time.monotonic()
            else:
                # The notifications are complete, so only the changed paths are examined.
                await settling.look(changes)
            for item in await settling.settled():
                yield item
