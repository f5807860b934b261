"""A timer for long waits that ignores the time in which this process was stopped."""

import asyncio
from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """Calls ``ring`` after ``seconds``, unless it is cancelled before.

    When a process continues after a stop (SIGSTOP, a suspended machine), all its timers are due at
    once, although the awaited event may have happened during the stop. A timer that fires late is
    therefore started again.
    """

    def __init__(self, seconds: float, ring: Callable[[], object]) -> None:
        self._seconds = seconds
        self._ring = ring
        self._start()

    def _start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._fire)

    def _fire(self) -> None:
        # Late by more than half of the time: the process was stopped, or the event loop was
        # blocked.
        if asyncio.get_running_loop().time() - self._timer.when() > self._seconds / 2:
            self._start()
        else:
            self._ring()

    def cancel(self) -> None:
        """Stop the timer."""
        self._timer.cancel()
