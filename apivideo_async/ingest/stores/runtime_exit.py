"""Keeps the interpreter from ending while a thread of obstore's runtime is still inside Python.

obstore delivers each result from a thread of its own, which calls ``loop.call_soon_threadsafe``. That call wakes the
event loop by writing to a socket and releases the GIL to do so. The program may then use the result and end before the
thread gets the GIL back. Up to Python 3.13 a thread that asks for the GIL of an interpreter that shuts down is ended
with ``pthread_exit``; unwinding a Rust thread in that way aborts the process (status 134), although all work is done.

So an ``atexit`` function, which runs before the shutdown begins, waits until no thread is inside that call. A cancelled
call shows nothing of the kind: its thread only asks whether the future was cancelled. After a cancellation the function
therefore waits until ``GRACE`` has passed.
"""

import asyncio
import atexit
import functools
import sys
import time
from collections.abc import Awaitable
from typing import Final, TypeVar

__all__ = ["answer_of", "wait_at_exit"]

T = TypeVar("T")

LONGEST: Final = 5.0
"""Seconds after which the exit goes on, whatever the threads do."""
GRACE: Final = 0.25
"""Seconds that the runtime has to notice a cancellation."""
PAUSE: Final = 0.001

_noticed: float = float("-inf")
"""The moment by which the runtime has noticed the last cancellation, on the monotonic clock."""


@functools.cache
def wait_at_exit() -> None:
    """Register the wait; further calls do nothing."""
    atexit.register(_wait)


async def answer_of(awaitable: Awaitable[T]) -> T:
    """Await a call of obstore. Every one of them has to pass through here."""
    global _noticed
    try:
        return await awaitable
    except asyncio.CancelledError:
        _noticed = time.monotonic() + GRACE
        raise


def _wait() -> None:
    deadline = time.monotonic() + LONGEST
    while (_delivering() or time.monotonic() < _noticed) and time.monotonic() < deadline:
        time.sleep(PAUSE)


def _delivering() -> bool:
    """Return True while a thread that Python did not start is inside ``call_soon_threadsafe``."""
    for frame in sys._current_frames().values():  # noqa: SLF001  The documented way to look at other threads.
        while frame.f_back is not None:
            frame = frame.f_back
        if frame.f_code.co_name == "call_soon_threadsafe":
            return True
    return False
