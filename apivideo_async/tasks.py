"""Additions to asyncio: a timer for long waits, waits for events, failures that are ignored."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["Alarm", "ignore_failure", "wait_event"]


class Alarm:
    """Calls ``action`` after ``seconds``, unless it is cancelled before.

    When a process continues after a stop (SIGSTOP, a suspended machine), all its timers are due at
    once, although the awaited event may have happened during the stop. A timer that fires late is
    therefore started again.
    """

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._seconds = seconds
        self._action = action
        self._start()

    def _start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._fire)

    def _fire(self) -> None:
        # Late by more than half of the time: the process was stopped, or the event loop was
        # blocked.
        if asyncio.get_running_loop().time() - self._timer.when() > self._seconds / 2:
            self._start()
        else:
            self._action()

    def cancel(self) -> None:
        """Stop the timer."""
        self._timer.cancel()


async def wait_event(event: asyncio.Event, seconds: float | None) -> None:
    """Wait until ``event`` is set, for at most ``seconds``; None sets no limit."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def ignore_failure(future: "asyncio.Future[Any]") -> None:
    """Retrieve the exception of a future that is done, so that asyncio does not log it.

    For ``add_done_callback``. All waiters of the future may have been cancelled.
    """
    if not future.cancelled():
        future.exception()
