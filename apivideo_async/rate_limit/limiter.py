"""Makes requests wait until their budget allows them: the rules are in ``protocol.rate_limit``.

One limiter per client, shared by its copies, or several clients with the same one. Requests of a class start in the
order of their priority; those of different uploads take turns, and polls come last. A lane is the queue of one class;
lanes from elsewhere let several processes share a budget (``ingest.budget``).
"""

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Protocol

from ..errors import ApiTimeoutError
from ..protocol.request import LimitClass, Request
from ..protocol.response import Response
from .fair_queue import Turns
from .window import RequestBudget, Window, read_headers

__all__ = ["SCARCE", "Lane", "Limiter", "Permit", "RequestBudget"]

log: logging.Logger = logging.getLogger("apivideo_async.rate_limit")

SCARCE = 60.0
"""Seconds for which a budget counts as scarce once somebody had to wait for it: one window.

See service.md#rate-limit-headers.
"""


class Lane(Protocol):
    """The queue of one class. A request is told apart by when it started, on a clock that only the lane reads."""

    refused: int
    """Answers of 429 so far."""

    @property
    def window(self) -> Window:
        """The state of the budget, as it was known last."""
        ...

    def spare(self) -> int | None:
        """Requests that may start now; 0 while the budget is what everybody waits for, None when it is not known."""
        ...

    def left(self) -> int | None:
        """Requests that are left of the window; None when that is not known."""
        ...

    def enter_at_once(self) -> float | None:
        """Start when nobody waits and there is budget, and tell the time; None means to ``enter``."""
        ...

    async def enter(self, request: Request) -> float:
        """Wait until a request may start, and tell the time. Cancelled, it leaves nothing behind."""
        ...

    def answered(self, response: Response, started: float) -> None:
        """Learn from an answer."""
        ...

    def withdrawn(self, started: float) -> None:
        """Take back a request: nothing was sent."""
        ...

    def abandoned(self, started: float) -> None:
        """Count a request that ended without an answer."""
        ...

    async def aclose(self) -> None:
        """End what runs in the background."""
        ...


class Permit:
    """The right to send one request; told what came of it, so that the window learns."""

    def __init__(self, lane: Lane | None, started: float) -> None:
        self._lane = lane
        self._started = started
        self._answered = False

    def answered(self, response: Response) -> None:
        """Learn from the headers of an answer, whatever its status."""
        if self._lane is None or self._answered:
            return
        self._answered = True
        self._lane.refused += response.status == 429
        self._lane.answered(response, self._started)

    def withdraw(self) -> None:
        """Give the place back: nothing was sent."""
        if self._lane is not None:
            self._answered = True
            self._lane.withdrawn(self._started)

    def close(self) -> None:
        """Count a request that ended without an answer."""
        if self._lane is not None and not self._answered:
            self._answered = True
            self._lane.abandoned(self._started)


class _Lane:
    """The queue of one class in one process."""

    def __init__(self, name: LimitClass, reserve: float) -> None:
        self.name = name
        self.refused = 0
        self.window: Window = Window(reserve=reserve)
        self._waiting: Turns[asyncio.Future[None]] = Turns()
        self._timer: asyncio.TimerHandle | None = None
        self._scarce_until = -math.inf

    def spare(self) -> int | None:
        return 0 if self._waiting or asyncio.get_running_loop().time() < self._scarce_until else self.left()

    def left(self) -> int | None:
        return self.window.spare(asyncio.get_running_loop().time())

    def enter_at_once(self) -> float | None:
        """Most requests start at once, and then nothing is set up for waiting."""
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
            if turn.done() and not turn.cancelled():
                self.window.withdraw()
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
        """Let in as many as the window allows, and look again when it resets."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting:
            turn = self._waiting.peek()
            if turn.done():
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
            return  # An answer will come, and wakes us.
        log.debug("%s: budget spent, %d waiting %.1f s", self.name, len(self._waiting), wait)
        self._scarce_until = max(self._scarce_until, loop.time() + wait + SCARCE)
        self._timer = loop.call_later(wait, self._wake)


class Limiter:
    """The three budgets of one API key; ``lanes`` makes the queue of a class, by default for this process alone."""

    def __init__(self, reserve: float = 0.0, lanes: Callable[[LimitClass], Lane] | None = None) -> None:
        make = lanes or (lambda name: _Lane(name, reserve))
        self._lanes = {name: make(name) for name in ("uploads", "writes", "reads")}  # type: dict[LimitClass, Lane]

    async def permit(self, request: Request, longest: float | None) -> Permit:
        """Wait for a turn, at most ``longest`` seconds if given; close the permit when the request has ended."""
        if request.limit_class is None:
            return Permit(None, 0.0)
        lane = self._lanes[request.limit_class]
        started = lane.enter_at_once()
        return Permit(lane, await self._queue(lane, request, longest) if started is None else started)

    async def _queue(self, lane: Lane, request: Request, longest: float | None) -> float:
        try:
            async with asyncio.timeout(longest):
                return await lane.enter(request)
        except TimeoutError as expired:
            error = ApiTimeoutError(
                f"{request.operation}: no request budget within {longest:g} s "
                f"(limit {lane.window.limit} per window); raise RetryPolicy.rate_limit_seconds or send less",
                delivery="not_sent",
                request=request.summary,
            )
            error.retryable = False  # The wait was the retry.
            raise error from expired

    def budget(self, name: LimitClass) -> RequestBudget:
        """Tell what is known of a budget."""
        lane = self._lanes[name]
        return RequestBudget(name, lane.window.limit, lane.left(), lane.refused)

    def spare(self, name: LimitClass) -> int | None:
        """Requests that may start now; 0 while requests have to wait, None when no answer told the limit yet."""
        return self._lanes[name].spare()

    def window(self, name: LimitClass) -> Window:
        """Show the state of one budget."""
        return self._lanes[name].window

    async def aclose(self) -> None:
        """End what runs in the background; only a limiter with lanes from elsewhere needs it."""
        await asyncio.gather(*(lane.aclose() for lane in self._lanes.values()))
