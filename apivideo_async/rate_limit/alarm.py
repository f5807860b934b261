"""A timer for waits that take too long, which ignores time in which this process did not run."""

import asyncio
from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """Calls ``ring`` after so many seconds, unless it is cancelled first.

    A process that was stopped (SIGSTOP, a suspended machine) finds all its timers due at once when it goes on, although
    what it waits for may have happened long ago. A timer that fires late is therefore started again.
    """

    def __init__(self, seconds: float, ring: Callable[[], object]) -> None:
        self._seconds = seconds
        self._ring = ring
        self._start()

    def _start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._fire)

    def _fire(self) -> None:
        if asyncio.get_running_loop().time() - self._timer.when() > self._seconds / 2:
            self._start()
        else:
            self._ring()

    def cancel(self) -> None:
        """Stop the timer."""
        self._timer.cancel()
