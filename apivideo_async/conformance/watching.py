"""Repeats a query until its result is as expected, and measures how long this takes."""

import asyncio
from collections.abc import Awaitable, Callable

from attrs import frozen

__all__ = ["Watched", "watch"]

FIRST_PAUSE = 0.05
GROWTH = 1.5
"""Factor of each pause. Ten times the delay takes six queries more."""


@frozen
class Watched:
    """The result. Times are in seconds since the start."""

    absent: float | None
    """When the last query without the expected result was sent; None: the first one had it."""
    seen: float | None
    """When the expected result was received; None: not in time."""

    @property
    def at_once(self) -> bool:
        """True if the first query had the expected result."""
        return self.absent is None

    @property
    def delay(self) -> float:
        """Upper bound of the delay, 0 if there was none. The whole time if it did not end."""
        return 0.0 if self.absent is None else self.seen or self.absent

    @property
    def value(self) -> str | None:
        """The delay as the value of a quirk; None if it did not end."""
        return None if self.seen is None else f"{max(0.1, self.seen):.1f}"

    def __str__(self) -> str:
        if self.absent is None:
            return "at once"
        if self.seen is None:
            return f"not within {self.absent:.1f} s"
        return f"after {self.absent:.1f} to {self.seen:.1f} s"


async def watch(
    look: Callable[[], Awaitable[bool]], limit: float, *, since: float | None = None
) -> Watched:
    """Call ``look`` until it returns True, or ``limit`` seconds are over.

    ``since`` is the time of the event loop at which the time starts, by default now.
    """
    clock = asyncio.get_running_loop().time
    start = clock()
    began = start if since is None else since
    absent, pause = None, FIRST_PAUSE
    while True:
        sent = clock()
        if await look():
            return Watched(absent, clock() - began)
        absent = sent - began
        left = start + limit - clock()
        if left <= 0:
            return Watched(absent, None)
        await asyncio.sleep(min(pause, left))
        pause *= GROWTH
