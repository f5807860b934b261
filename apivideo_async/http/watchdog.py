"""Ends a request that makes no progress.

While the body is sent, progress means bytes that left this machine, or this process where the
system does not count them. The number is checked once in ``stall`` seconds, so the check costs
nothing per block. A wait for the bandwidth limit is not a stall. When the body is sent, the
response must arrive within ``response`` seconds of the last byte that left a buffer of the system.
"""

import asyncio
import errno
from collections.abc import Callable
from typing import Any

from ..config import Timeouts
from .multipart import MultipartBody
from .outage import Outage

__all__ = ["Watchdog"]

CHECK = 1.0
"""Seconds between two checks whether buffers of the system still empty."""


class Watchdog:
    """An async context manager. Its ``TimeoutError`` says what made no progress.

    ``outage`` may end the request earlier, with a ``ConnectionError`` (see ``outage``).
    """

    def __init__(self, timeouts: Timeouts, body: MultipartBody | None, outage: Outage) -> None:
        self._timeouts = timeouts
        self._body = body
        self._outage = outage
        self._received = False
        self._lost = False
        self._deadline = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._left = -1
        self._since = 0.0
        """Time of the last byte that left, while the response is awaited."""
        self._reason = ""

    async def __aenter__(self) -> "Watchdog":
        self._loop = asyncio.get_running_loop()
        await self._deadline.__aenter__()
        self._outage.begin(self, self._loop.time())
        if self._body is None:
            # Opening the connection has a limit of its own, which is added.
            self._arm(self._timeouts.connect + self._timeouts.response, self._expire_response)
        else:
            self._body.on_written = self.await_response
            self._arm(self._timeouts.stall, self._check_progress)
        return self

    async def __aexit__(self, *failure: Any) -> None:
        self._outage.end(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._body is not None:
            # Otherwise the two objects would refer to each other, and keep a buffered chunk in
            # memory until the garbage collector runs.
            self._body.on_written = None
            self._body = None
        try:
            await self._deadline.__aexit__(*failure)
        except TimeoutError as expired:
            if self._lost:
                raise ConnectionAbortedError(errno.ENETRESET, "") from expired
            raise TimeoutError(self._reason) from expired

    def progress(self) -> int | None:
        """Return how many bytes left this machine; None: the request waits for something else."""
        body = self._body
        if body is None:
            return int(self._received)
        if body.reading or not body.started or body.throttled:
            return None
        return body.left_machine() + self._received

    def lose(self) -> None:
        """End the request, because its connection is dead."""
        self._lost = True
        self._expire("the connection was lost in an outage")

    def headers_arrived(self) -> None:
        """Count the headers of the response as progress, and start the time limit of its body."""
        self._received = True
        self.await_response()

    def await_response(self) -> None:
        """Start the time limit of the response: the body is sent, or the headers have arrived."""
        # Without a body, the limit runs from the start of the request, because another timer for
        # each request would cost too much.
        if self._body is not None:
            self._left, self._since = self._body.left_machine(), self._loop.time()
            self._arm(min(CHECK, self._timeouts.response), self._check_response)

    def _arm(self, seconds: float, check: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, check)

    def _check_progress(self) -> None:
        body = self._body
        # A body that has not started waits for a connection, which has a limit of its own. One that
        # waits for the bandwidth limit has nothing to send.
        if body is not None and body.started and not body.throttled:
            left = body.left_machine()
            if left == self._left:
                failed = "the source returned no byte" if body.reading else "no byte was sent"
                self._expire(f"{failed} for {self._timeouts.stall:g} s")
                return
            self._left = left
        self._arm(self._timeouts.stall, self._check_progress)

    def _check_response(self) -> None:
        # On a slow line, the last bytes of the body leave the machine long after they were written.
        left, now = self._body.left_machine() if self._body is not None else 0, self._loop.time()
        if left != self._left:
            self._left, self._since = left, now
        rest = self._since + self._timeouts.response - now
        if rest > 0:
            self._arm(min(CHECK, rest), self._check_response)
        else:
            self._expire_response()

    def _expire_response(self) -> None:
        self._expire(f"no response within {self._timeouts.response:g} s")

    def _expire(self, reason: str) -> None:
        self._reason = reason
        self._deadline.reschedule(self._loop.time())
