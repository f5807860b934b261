"""Ends a request that makes no progress.

While the body is sent, progress means bytes that left this process: written bytes minus those in
the buffer of the transport. The number is checked once in ``stall`` seconds, so the check costs
nothing per block. When the body is sent, the response must arrive within ``response`` seconds.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

from ..config import Timeouts
from .multipart import MultipartBody

__all__ = ["Watchdog"]


class Watchdog:
    """An async context manager around one request.

    Raises ``TimeoutError`` with a text that says what made no progress.
    """

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
            # Opening the connection has a limit of its own, which is added.
            self._arm(self._timeouts.connect + self._timeouts.response, self._too_late)
        else:
            self._body.on_written = self.answering
            self._arm(self._timeouts.stall, self._look)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._body is not None:
            # Otherwise the two objects would refer to each other, and keep a buffered chunk in
            # memory until the garbage collector runs.
            self._body.on_written, self._body = None, None
        try:
            await self._deadline.__aexit__(kind, error, trace)
        except TimeoutError as expired:
            raise TimeoutError(self._reason) from expired

    def answering(self) -> None:
        """Start the time limit of the response.

        Called when the body is sent, and when the response headers have arrived. Without a body,
        the limit runs from the start of the request, because another timer for each request would
        cost too much.
        """
        if self._body is not None:
            self._arm(self._timeouts.response, self._too_late)

    def _arm(self, seconds: float, what: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, what)

    def _look(self) -> None:
        body = self._body
        # A body that has not started waits for a connection, which has a limit of its own.
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
