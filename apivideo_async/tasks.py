"""Additions to asyncio: long timers, waits, cancellation, callbacks, ignored failures."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

__all__ = ["Alarm", "ignore_failure", "keeping_cancellation", "notify", "wait_event"]

T = TypeVar("T")


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
        # Late by more than half of the time: the process was stopped, or the event loop blocked.
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


@contextmanager
def keeping_cancellation() -> Iterator[None]:
    """Raise ``CancelledError`` at the end of the block if a library in the block has ignored it.

    ``asyncio.wait_for`` of Python 3.11 ignores a cancellation that comes in the same moment as the
    result. A task that is cancelled once would then never end.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


async def notify(callback: Callable[[T], Awaitable[None] | None] | None, value: T) -> None:
    """Call a plain or async function with ``value`` and wait for its end. None: do nothing."""
    if callback is not None and inspect.isawaitable(result := callback(value)):
        await result


def ignore_failure(future: "asyncio.Future[Any]") -> None:
    """Retrieve the exception, so that asyncio does not log it if all waiters were cancelled."""
    if not future.cancelled():
        future.exception()
