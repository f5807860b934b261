"""Calls the progress callback of the caller without delaying chunks."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from .progress import UploadProgress

__all__ = ["OnProgress", "Reporter"]

OnProgress: TypeAlias = Callable[[UploadProgress], Awaitable[None] | None]
"""A plain or async function that receives the progress.

An exception of the function ends the upload, which can be resumed later.
"""

INTERVAL = 0.1
"""Minimum number of seconds between two calls."""


class Reporter:
    """Calls the callback at most ten times a second, one call at a time, and once at the end."""

    def __init__(self, read: Callable[[], UploadProgress], callback: OnProgress | None) -> None:
        self._read = read
        self._callback = callback
        self._changed = asyncio.Event()

    @property
    def wanted(self) -> bool:
        """True if there is a callback."""
        return self._callback is not None

    def touch(self) -> None:
        """Record that the progress changed."""
        self._changed.set()

    async def run(self) -> None:
        """Report changes until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.tell()
            # Changes during this pause are reported together in the next call.
            await asyncio.sleep(INTERVAL)

    async def tell(self) -> None:
        """Call the callback now, and await its result if it is awaitable."""
        if self._callback is not None:
            answer = self._callback(self._read())
            if inspect.isawaitable(answer):
                await answer
