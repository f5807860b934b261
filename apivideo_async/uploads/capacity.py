"""Capacity for chunks in flight, of one upload or of several uploads that share it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager

from ..config import UploadOptions
from ..rate_limit.fair_queue import FairQueue
from .adaptive import LIMITED_WIDTH, AdaptiveConcurrency

__all__ = ["Capacity"]

FIRST_WIDTH = 8
"""Initial number of chunks in flight with ``concurrency="auto"``."""


class Capacity:
    """A limit of chunks in flight, fixed or adaptive. Waiting uploads are served in turn."""

    def __init__(
        self,
        width: int | AdaptiveConcurrency,
        limit_rate: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._width = width
        self._limit_rate = limit_rate
        self._taken = 0
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

        ``limit_rate`` returns the bandwidth limit, with which few connections suffice.
        """
        if options.concurrency != "auto":
            return cls(max(options.concurrency, uploads))
        first, most, limited = (
            max(width, uploads) for width in (FIRST_WIDTH, options.max_concurrency, LIMITED_WIDTH)
        )
        return cls(AdaptiveConcurrency(first, most, limited), limit_rate)

    @property
    def width(self) -> int:
        """Current limit of chunks in flight."""
        return self._width if isinstance(self._width, int) else self._width.width

    @asynccontextmanager
    async def hold(self, flow: Hashable = None) -> AsyncIterator[None]:
        """Wait for capacity and hold it in the block. Uploads (``flow``) are served in turn."""
        await self._queue.wait(flow)
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        self._taken -= 1
        self._admit()

    def _admit(self) -> None:
        self._follow_limit()
        while self._taken < self.width and self._queue.admit(None):
            self._taken += 1

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
