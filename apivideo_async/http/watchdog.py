"""Ends an exchange that stands still.

While a body goes out, what counts is bytes that left the process: what was written minus what still waits in the
transport's buffer. Looked at once per ``stall`` seconds at most, so it costs nothing per block. When the body is
out, the answer has ``response`` seconds.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

from ..config import Timeouts
from .multipart import MultipartBody

__all__ = ["Watchdog"]


class Watchdog:
    """An async context manager around one exchange; raises ``TimeoutError`` that says what did not move."""

    def __init__(self, timeouts: Timeouts, body: MultipartBody | None) -> None:
        self._timeouts = timeouts
        self._body = body
        self._deadline = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._moved = -1
        self._reason = ""

    async def __aenter__(self) -> "Watchdog":
        self._loop = asyncio.get_running_loop()
        await self._deadline.__aenter__()
        if self._body is None:
            # Opening the connection has its own limit; both must fit.
            self._arm(self._timeouts.connect + self._timeouts.response, self._too_late)
        else:
            self._body.on_written = self.answering
            self._arm(self._timeouts.stall, self._look)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._body is not None:
            # Else the two would keep each other, and a buffered chunk, until the garbage collector comes by.
            self._body.on_written, self._body = None, None
        try:
            await self._deadline.__aexit__(kind, error, trace)
        except TimeoutError as expired:
            raise TimeoutError(self._reason) from expired

    def answering(self) -> None:
        """The body is out, or the head of the answer is here: what is missing has ``response`` seconds.

        Without a body the clock runs from the start, and goes on: a timer more for each request would cost more than
        it tells.
        """
        if self._body is not None:
            self._arm(self._timeouts.response, self._too_late)

    def _arm(self, seconds: float, what: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, what)

    def _look(self) -> None:
        body = self._body
        # A body that has not begun waits for a connection, which has its own limit.
        if body is not None and body.started:
            moved = body.left_process()
            if moved == self._moved:
                what = "the source gave no byte" if body.reading else "no byte went out"
                self._expire(f"{what} for {self._timeouts.stall:g} s")
                return
            self._moved = moved
        self._arm(self._timeouts.stall, self._look)

    def _too_late(self) -> None:
        self._expire(f"no answer within {self._timeouts.response:g} s")

    def _expire(self, reason: str) -> None:
        self._reason = reason
        self._deadline.reschedule(self._loop.time())
