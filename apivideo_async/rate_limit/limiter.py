"""Delays requests until their budget allows them. ``window`` contains the rules.

A client has one limiter, which its copies share. Several clients may share one too. Each class of
requests has a lane, which is its queue. In a lane, requests start in the order of their priority,
and those of different uploads are served in turn; polling has the lowest priority. With the lanes
of ``shared_limiter``, several processes share a budget.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Protocol

from ..errors import ApiTimeoutError
from ..protocol.request import LimitClass, Request
from ..protocol.response import Response
from .fair_queue import FairQueue
from .window import RequestBudget, Window, read_headers

__all__ = ["SCARCE", "Lane", "Limiter", "Permit", "RequestBudget"]

log: logging.Logger = logging.getLogger("apivideo_async.rate_limit")

SCARCE = 60.0
"""Seconds for which a budget counts as scarce after a request had to wait: one window.

See service.md#rate-limit-headers.
"""


class Lane(Protocol):
    """The queue of one class of requests.

    A request is identified by its start time, on a clock that only the lane reads.
    """

    refused: int
    """Number of 429 responses so far."""

    @property
    def window(self) -> Window:
        """The last known state of the window."""
        ...

    def spare(self) -> int | None:
        """Return how many requests may start now; None if this is not known.

        The result is 0 while requests wait for the budget, or had to wait recently.
        """
        ...

    def left(self) -> int | None:
        """Return how many requests the window has left; None if this is not known."""
        ...

    def enter_at_once(self) -> float | None:
        """Start a request if none waits and the window has room. Returns its start time.

        None: the caller must call ``enter``.
        """
        ...

    async def enter(self, request: Request) -> float:
        """Wait until the request may start. Returns its start time.

        A cancelled call uses no budget.
        """
        ...

    def answered(self, response: Response, started: float) -> None:
        """Update the window from a response."""
        ...

    def withdrawn(self, started: float) -> None:
        """Take back a request that was not sent."""
        ...

    def abandoned(self, started: float) -> None:
        """Count a request that ended without a response."""
        ...

    async def aclose(self) -> None:
        """End background tasks and timers."""
        ...


class Permit:
    """Permission to send one request.

    The caller reports the outcome with one of the methods, so that the window is updated. Only the
    first report counts.
    """

    def __init__(self, lane: Lane | None, started: float) -> None:
        self._lane = lane
        self._started = started
        self._answered = False

    def answered(self, response: Response) -> None:
        """Report a response of any status, and update the window from its headers."""
        if self._lane is None or self._answered:
            return
        self._answered = True
        self._lane.refused += response.status == 429
        self._lane.answered(response, self._started)

    def withdraw(self) -> None:
        """Report that the request was not sent."""
        if self._lane is not None:
            self._answered = True
            self._lane.withdrawn(self._started)

    def close(self) -> None:
        """Report that the request ended without a response. Does nothing after another report."""
        if self._lane is not None and not self._answered:
            self._answered = True
            self._lane.abandoned(self._started)


class _Lane:
    """The queue of one class in one process."""

    def __init__(self, name: LimitClass, reserve: float) -> None:
        self.name = name
        self.refused = 0
        self.window: Window = Window(reserve=reserve)
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()
        self._timer: asyncio.TimerHandle | None = None
        self._scarce_until = -math.inf

    def spare(self) -> int | None:
        return (
            0
            if self._waiting or asyncio.get_running_loop().time() < self._scarce_until
            else self.left()
        )

    def left(self) -> int | None:
        return self.window.spare(asyncio.get_running_loop().time())

    def enter_at_once(self) -> float | None:
        """Start a request without a future or a timer, which most requests do not need."""
        now = asyncio.get_running_loop().time()
        if self._waiting or self.window.wait(now) > 0:
            return None
        self.window.start()
        return now

    async def enter(self, request: Request) -> float:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.push(turn, request.flow, request.priority)
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            # The request was granted in the same iteration of the event loop in which it was
            # cancelled. The grant is taken back.
            if turn.done() and not turn.cancelled():
                self.window.withdraw()
            # The entry at the head may have changed, so check whether another request may start.
            self._wake()
            raise
        return loop.time()

    def answered(self, response: Response, started: float) -> None:
        now = asyncio.get_running_loop().time()
        headers = read_headers(response.headers)
        self.window.answered(headers, started, now)
        if response.status == 429:
            self.window.refused(headers.retry_after if headers else None, now)
            log.warning("%s: refused, next request in %.1f s", self.name, self.window.wait(now))
        self._wake()

    def withdrawn(self, started: float) -> None:
        self.window.withdraw()
        self._wake()

    def abandoned(self, started: float) -> None:
        self.window.abandon()
        self._wake()

    async def aclose(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        """Start as many waiting requests as the window allows, and set a timer for its reset."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            turn = self._waiting.peek()
            if turn.done():
                # The request was cancelled while it waited.
                self._waiting.pop()
                continue
            wait = self.window.wait(loop.time())
            if wait > 0:
                self._look_again(loop, wait)
                return
            self._waiting.pop()
            self.window.start()
            turn.set_result(None)

    def _look_again(self, loop: asyncio.AbstractEventLoop, wait: float) -> None:
        if wait == math.inf:
            return  # Only a response can make room. It calls _wake.
        log.debug("%s: budget spent, %d waiting %.1f s", self.name, len(self._waiting), wait)
        self._scarce_until = max(self._scarce_until, loop.time() + wait + SCARCE)
        self._timer = loop.call_later(wait, self._wake)


class Limiter:
    """The three request budgets of an API key.

    ``reserve`` is the share of each budget that is left to others. ``lanes`` makes the queue of a
    class; by default, the queue is of this process only.
    """

    def __init__(
        self, reserve: float = 0.0, lanes: Callable[[LimitClass], Lane] | None = None
    ) -> None:
        make = lanes or (lambda name: _Lane(name, reserve))
        self._lanes = {name: make(name) for name in ("uploads", "writes", "reads")}  # type: dict[LimitClass, Lane]

    async def permit(self, request: Request, longest: float | None) -> Permit:
        """Wait until the request may be sent, at most ``longest`` seconds (None: no limit).

        The caller closes the permit when the request has ended. Raises ``ApiTimeoutError`` if the
        time is over.
        """
        if request.limit_class is None:
            return Permit(None, 0.0)
        lane = self._lanes[request.limit_class]
        started = lane.enter_at_once()
        return Permit(
            lane, await self._queue(lane, request, longest) if started is None else started
        )

    async def _queue(self, lane: Lane, request: Request, longest: float | None) -> float:
        try:
            async with asyncio.timeout(longest):
                return await lane.enter(request)
        except TimeoutError as expired:
            raise ApiTimeoutError(
                f"no request budget within {longest:g} s (limit {lane.window.limit} per window); "
                "raise RetryPolicy.rate_limit_seconds or send fewer requests",
                delivery="not_sent",
                retryable=False,  # The caller has waited as long as its policy allows.
                request=request.summary,
            ) from expired

    def budget(self, name: LimitClass) -> RequestBudget:
        """Return the known state of a request budget."""
        lane = self._lanes[name]
        return RequestBudget(name, lane.window.limit, lane.left(), lane.refused)

    def spare(self, name: LimitClass) -> int | None:
        """Return how many requests may start now.

        The result is 0 while requests have to wait, and None if no response had a limit yet.
        """
        return self._lanes[name].spare()

    def window(self, name: LimitClass) -> Window:
        """Return the state of one window."""
        return self._lanes[name].window

    async def aclose(self) -> None:
        """End background tasks and timers. Required for a limiter with shared lanes."""
        await asyncio.gather(*(lane.aclose() for lane in self._lanes.values()))
