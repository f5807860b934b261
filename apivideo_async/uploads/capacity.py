"""Capacity for chunks in flight, of one upload or of several uploads that share it."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager

from ..config import UploadOptions
from ..rate_limit.fair_queue import FairQueue
from .adaptive import LIMITED_WIDTH, AdaptiveConcurrency

__all__ = ["Capacity", "affordable"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

FIRST_WIDTH = 8
"""Initial number of chunks in flight with ``concurrency="auto"``."""


CHECK = 1.0
"""Seconds between two searches for stuck sources while chunks wait."""
PLENTY = 64
"""Files that a process may open for each wanted chunk or upload, above which they are not counted.
"""


_noted_limits: set[int] = set()
"""Limits of open files that have been logged: once in a process, not for every upload."""


class Capacity:
    """A limit of chunks in flight, fixed or adaptive. Waiting uploads are served in turn.

    Chunks whose source does not answer (a disk that hangs) do not count while others wait.
    Otherwise one such upload would stop all others that share the capacity.
    """

    def __init__(
        self,
        width: int | AdaptiveConcurrency,
        limit_rate: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._width = width
        self._limit_rate = limit_rate
        self._taken = 0
        self._holders: dict[object, Callable[[], bool]] = {}
        """For each chunk in flight: whether its source is stuck."""
        self._check: asyncio.TimerHandle | None = None
        # A caller that was cancelled after its admission returns the capacity.
        self._queue: FairQueue[None] = FairQueue(self._admit, lambda _: self._release())

    @classmethod
    def of(
        cls,
        options: UploadOptions,
        uploads: int = 1,
        limit_rate: Callable[[], int | None] = lambda: None,
    ) -> "Capacity":
        """Create the capacity that ``uploads`` uploads share: at least one chunk for each.

        ``limit_rate`` returns the bandwidth limit, with which few connections suffice. If the
        process may open few files, the capacity is lower (``affordable``).
        """
        if options.concurrency != "auto":
            return cls(affordable(max(options.concurrency, uploads)))
        most = affordable(max(options.max_concurrency, uploads))
        first, limited = (min(most, max(width, uploads)) for width in (FIRST_WIDTH, LIMITED_WIDTH))
        return cls(AdaptiveConcurrency(first, most, limited), limit_rate)

    @property
    def width(self) -> int:
        """Current limit of chunks in flight."""
        return self._width if isinstance(self._width, int) else self._width.width

    @asynccontextmanager
    async def hold(
        self, flow: Hashable = None, stuck: Callable[[], bool] = lambda: False
    ) -> AsyncIterator[None]:
        """Wait for capacity and hold it in the block. Uploads (``flow``) are served in turn.

        ``stuck`` returns True while the source of the chunk does not answer.
        """
        await self._queue.wait(flow)
        holder = object()
        self._holders[holder] = stuck
        try:
            yield
        finally:
            del self._holders[holder]
            self._release()

    def _release(self) -> None:
        self._taken -= 1
        self._admit()

    def _admit(self) -> None:
        self._follow_limit()
        while (self._taken < self.width or self._lent()) and self._queue.admit(None):
            self._taken += 1
        if len(self._queue) and self._check is None:
            self._check = asyncio.get_running_loop().call_later(CHECK, self._admit_again)

    def _lent(self) -> bool:
        """True if there is capacity without the chunks whose sources are stuck."""
        if not len(self._queue):
            return False
        return self._taken - sum(stuck() for stuck in self._holders.values()) < self.width

    def _admit_again(self) -> None:
        self._check = None
        self._admit()

    def _follow_limit(self) -> None:
        if isinstance(self._width, AdaptiveConcurrency):
            now = asyncio.get_running_loop().time()
            self._width.follow_limit(self._limit_rate(), now)

    def count_sent(self, size: int, now: float) -> None:
        """Count sent bytes; a negative number subtracts those of a failed attempt."""
        self._follow_limit()
        # A larger width admits waiting chunks at once.
        if isinstance(self._width, AdaptiveConcurrency) and self._width.count_sent(
            size, now, in_flight=self._taken
        ):
            self._admit()

    def ended(self, started: float, now: float, *, failed: bool) -> None:
        """Count a finished attempt that began at ``started`` (loop time)."""
        if isinstance(self._width, AdaptiveConcurrency):
            # The attempt that ended still holds its capacity, so it is subtracted. The width can
            # only shrink here, so no waiting chunk can start.
            self._width.ended(started, now, failed=failed, in_flight=self._taken - 1)


def affordable(wanted: int) -> int:
    """Return ``wanted`` chunks or uploads, or fewer if the process may open few further files.

    Each chunk in flight needs a connection, and each upload an open file. Both together get half of
    the descriptors that are left (``ulimit -n``); the rest of the program has the other half.
    """
    limit = _descriptor_limit()
    # Count the open files only if the limit is not far away.
    if limit is None or limit > PLENTY * wanted:
        return wanted
    try:
        left = limit - len(os.listdir("/dev/fd"))  # noqa: PTH208 (quicker)
    except FileNotFoundError:
        left = limit
    except OSError:
        left = 0  # There is none left to list the others.
    most = max(1, left // 4)
    if most < wanted and limit not in _noted_limits:
        _noted_limits.add(limit)
        log.warning(
            "at most %d of %d uploads or chunks run at once, because the process may open only %d "
            "more files (ulimit -n %d)",
            most,
            wanted,
            left,
            limit,
            extra={"event": "concurrency_reduced"},
        )
    return min(wanted, most)


def _descriptor_limit() -> int | None:
    try:
        import resource
    except ImportError:
        return None  # Windows
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit
