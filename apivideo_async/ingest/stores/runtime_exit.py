"""Delays the end of the interpreter while a thread of obstore's runtime executes Python code.

The problem. obstore delivers each result from a thread of its own, which calls
``loop.call_soon_threadsafe``. This call releases the GIL while it writes to a socket to wake the
event loop. The program may use the result and end before the thread gets the GIL back. Up to Python
3.13, a thread that requests the GIL during the shutdown is ended with ``pthread_exit``, which
aborts the process (status 134) if it is a Rust thread.

The solution. An ``atexit`` function, which runs before the shutdown begins, waits until no thread
is inside that call. The thread of a cancelled call only asks whether the future was cancelled,
which cannot be detected in this way. After a cancellation, the function therefore waits ``GRACE``.
"""

import asyncio
import atexit
import functools
import sys
import time
from collections.abc import Awaitable
from typing import Final, TypeVar

__all__ = ["await_obstore", "wait_at_exit"]

T = TypeVar("T")

MAX_DELAY: Final = 5.0
"""Maximum seconds by which the exit is delayed."""
GRACE: Final = 0.25
"""Seconds in which the runtime notices a cancellation."""
PAUSE: Final = 0.001
"""Seconds between two checks."""

_grace_end: float = float("-inf")
"""Time by which the runtime has noticed the latest cancellation, on the monotonic clock."""


@functools.cache
def wait_at_exit() -> None:
    """Register the ``atexit`` function. Further calls do nothing."""
    atexit.register(_wait)


async def await_obstore(awaitable: Awaitable[T]) -> T:
    """Await a call of obstore. Every call must be awaited through this function."""
    global _grace_end
    try:
        return await awaitable
    except asyncio.CancelledError:
        _grace_end = time.monotonic() + GRACE
        raise


def _wait() -> None:
    deadline = time.monotonic() + MAX_DELAY
    while (_delivering() or time.monotonic() < _grace_end) and time.monotonic() < deadline:
        time.sleep(PAUSE)


def _delivering() -> bool:
    """Return True while a thread that Python did not start is in ``call_soon_threadsafe``."""
    # The documented way to inspect other threads, although the name is private.
    for frame in sys._current_frames().values():  # noqa: SLF001
        # The outermost frame of a thread that Python started is never this method.
        while frame.f_back is not None:
            frame = frame.f_back
        if frame.f_code.co_name == "call_soon_threadsafe":
            return True
    return False
