"""The bandwidth limit of a client: the bodies of its uploads take turns in sending slices."""

import asyncio
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

from ..errors import ConfigurationError
from .fair_queue import FairQueue
from .token_bucket import TokenBucket

__all__ = ["Bandwidth", "check_limit_rate"]


def check_limit_rate(limit_rate: Any) -> None:
    """Raise ``ConfigurationError`` unless the limit is None or a whole number above 0."""
    if limit_rate is not None and (type(limit_rate) is not int or limit_rate < 1):
        raise ConfigurationError(
            "limit_rate must be a whole number of bytes per second above 0, or None for no limit, "
            f"not {limit_rate!r}",
            option="limit_rate",
        )


class Bandwidth:
    """A limit in bytes per second that can be changed at any time. None: no limit.

    Each flow (upload) gets as many slices as every other, however many connections it has.
    """

    def __init__(self, limit_rate: int | None = None) -> None:
        check_limit_rate(limit_rate)
        self._limit_rate = limit_rate
        self._bucket: TokenBucket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """The event loop of the bodies that wait."""
        # A body that was cancelled after its admission returns the slice.
        self._queue: FairQueue[int] = FairQueue(self._admit, self._give_back)

    @property
    def limit_rate(self) -> int | None:
        """Bytes per second. May be set from any thread; bodies that wait follow at once."""
        return self._limit_rate

    @limit_rate.setter
    def limit_rate(self, limit_rate: int | None) -> None:
        check_limit_rate(limit_rate)
        self._limit_rate = limit_rate
        if self._loop is not None:
            with suppress(RuntimeError):  # The event loop is closed, so no body waits.
                self._loop.call_soon_threadsafe(self._admit)

    async def take(self, most: int, flow: Hashable = None) -> int:
        """Wait until bytes may be sent. Returns their number, from 1 to ``most``."""
        self._loop = asyncio.get_running_loop()
        size = await self._queue.wait(flow)
        if not size:
            # The limit was removed during the wait.
            return most
        if size > most:
            self._give_back(size - most)
        return min(size, most)

    def _give_back(self, size: int) -> None:
        if self._bucket is not None:
            self._bucket.give_back(size)
            self._admit()

    def _admit(self) -> None:
        """Admit as many bodies as the limit allows, and set a timer for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rate = self._limit_rate
        if rate is None:
            self._bucket = None
            while self._queue.admit(0):
                pass
            return
        now = asyncio.get_running_loop().time()
        if self._bucket is None:
            self._bucket = TokenBucket(rate, now)
        elif self._bucket.rate != rate:
            self._bucket.set_rate(rate, now)
        while self._queue:
            wait = self._bucket.wait(now)
            if wait > 0:
                self._timer = asyncio.get_running_loop().call_later(wait, self._admit)
                return
            size = self._bucket.take()
            if not self._queue.admit(size):
                self._bucket.give_back(size)
                return
