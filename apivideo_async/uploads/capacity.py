"""Room for chunks in flight: of one upload, or of several that share it."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from ..config import UploadOptions
from ..rate_limit.fair_queue import Turns
from .adaptive import Tuner

__all__ = ["Slots"]

FIRST_WIDTH = 8
"""Chunks in flight that ``concurrency="auto"`` begins with."""


class Slots:
    """At most ``width`` chunks hold a slot at once; when a tuner says how many, what they move changes it."""

    def __init__(self, width: int | Tuner) -> None:
        self._width = width
        self._taken = 0
        self._waiting: Turns[asyncio.Future[None]] = Turns()

    @classmethod
    def of(cls, options: UploadOptions, uploads: int = 1) -> "Slots":
        """Make room for one upload with these options, or for so many uploads together."""
        if options.concurrency != "auto":
            return cls(max(options.concurrency, uploads))
        return cls(Tuner(max(FIRST_WIDTH, uploads), max(options.max_concurrency, uploads)))

    @property
    def width(self) -> int:
        """How many there are now."""
        return self._width if isinstance(self._width, int) else self._width.width

    @asynccontextmanager
    async def slot(self, flow: Hashable = None) -> AsyncIterator[None]:
        """Wait for a slot and hold it. Those who wait take turns by ``flow``."""
        await self._take(flow)
        try:
            yield
        finally:
            self._taken -= 1
            self._fill()

    async def _take(self, flow: Hashable) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.push(turn, flow)
        self._fill()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._taken -= 1
                self._fill()
            raise

    def _fill(self) -> None:
        while self._waiting and self._taken < self.width:
            turn = self._waiting.pop()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)

    def moved(self, size: int, now: float) -> None:
        """Count bytes that went out; negative when an attempt was lost with them."""
        if isinstance(self._width, Tuner) and self._width.moved(size, now, in_flight=self._taken):
            self._fill()

    def ended(self, started: float, now: float, *, failed: bool) -> None:
        """Count an attempt that began at ``started``."""
        if isinstance(self._width, Tuner):
            self._width.ended(started, now, failed=failed, in_flight=self._taken - 1)
