"""Tells the caller about progress without ever slowing a chunk down."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from .progress import UploadProgress

__all__ = ["OnProgress", "Reporter"]

OnProgress: TypeAlias = Callable[[UploadProgress], Awaitable[None] | None]
"""A plain or async function; what it raises ends the upload (which can be resumed)."""

INTERVAL = 0.1
"""Seconds between two calls at least."""


class Reporter:
    """Calls back at most ten times a second, one call at a time, and once more at the end."""

    def __init__(self, read: Callable[[], UploadProgress], callback: OnProgress | None) -> None:
        self._read = read
        self._callback = callback
        self._changed = asyncio.Event()

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return self._callback is not None

    def touch(self) -> None:
        """Note that something changed."""
        self._changed.set()

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.tell()
            await asyncio.sleep(INTERVAL)

    async def tell(self) -> None:
        """Report now."""
        if self._callback is not None:
            answer = self._callback(self._read())
            if inspect.isawaitable(answer):
                await answer
