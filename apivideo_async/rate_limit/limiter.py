"""Delays requests until their budget allows them. ``window`` contains the rules.

A client has one limiter, which its copies and other clients may share. Each class of requests has a
lane, which is its queue. Requests start in the order of their priority, and those of different
uploads take turns. With the lanes of ``shared_limiter``, several processes share a budget.
"""

import asyncio
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from attrs import define

from ..errors import ApiTimeoutError, ConfigurationError
from ..protocol.request import LimitClass, Request
from ..protocol.response import Response
from .fair_queue import FairQueue
from .headers import RateLimitHeaders, read_headers
from .window import RequestBudget, Window

__all__ = ["Lane", "Limiter", "Permit", "RequestBudget"]

log: logging.Logger = logging.getLogger("apivideo_async.rate_limit")

SCARCE_SECONDS = 60.0
"""Seconds for which a budget is scarce after a wait: one window (service.md#rate-limit-headers)."""


class Lane(ABC):
    """The queue of one class of requests. Start times are on a clock that only the lane reads."""

    def __init__(self, name: LimitClass, reserve: float) -> None:
        self.name = name
        self.refused: int = 0
        """Number of 429 responses so far."""
        self.window: Window = Window(reserve=reserve)
        self._queue: FairQueue[float] = FairQueue(self._serve, self.withdrawn)
        self._scarce_until = -math.inf
        self._logged: set[str] = set()

    def spare(self) -> int | None:
        """Return how many may start: None if unknown, 0 if one waits or waited within a window."""
        scarce = self._queue or asyncio.get_running_loop().time() < self._scarce_until
        return 0 if scarce else self.left()

    @abstractmethod
    def left(self) -> int | None:
        """Return how many requests the window has left; None if this is not known."""

    @abstractmethod
    def enter_at_once(self) -> float | None:
        """Start a request and return its start time; None if it must wait in ``enter``."""

    async def enter(self, request: Request) -> float:
        """Wait until the request may start. Returns its start time, which its outcome must name."""
        return await self._queue.wait(request.flow, request.priority)

    @abstractmethod
    def answered(self, response: Response, started: float) -> None:
        """Update the window from a response, and count a 429."""

    @abstractmethod
    def withdrawn(self, started: float) -> None:
        """Take back a request that was not sent."""

    @abstractmethod
    def abandoned(self, started: float) -> None:
        """Count a request that ended without a response."""

    @abstractmethod
    async def aclose(self) -> None:
        """End background tasks and timers."""

    @abstractmethod
    def _serve(self) -> None:
        """Admit waiting requests, or arrange for their admission."""

    def _count_refusal(self) -> None:
        # A method of the base class: pyright infers no type for an attribute that a subclass
        # increments.
        self.refused += 1

    def _read(self, response: Response) -> RateLimitHeaders | None:
        return read_headers(response.headers, time.time())

    def _log_quirks(self) -> None:
        """Log one warning for each quirk that the window has found."""
        for quirk in self.window.noticed.keys() - self._logged:
            self._logged.add(quirk)
            fields = {"quirk": quirk, "limit_class": self.name}
            log.warning(
                "the service differs from the assumptions (%s, %s): %s. The client adapts; see "
                "docs/conformance.md",
                *fields.values(),
                self.window.noticed[quirk],
                extra={"event": "quirk", **fields},
            )

    def _log_wait(self, waiting: int, delay: float) -> None:
        fields = {"limit_class": self.name, "waiting": waiting, "delay": delay}
        log.debug(
            "%s: budget spent, %d requests wait %.3f s",
            *fields.values(),
            extra={"event": "budget_wait", **fields},
        )


@define
class Permit:
    """Permission to send one request: a context manager that reports the outcome to the lane.

    A block that ends without a response (``answered``) reports the request as withdrawn before
    ``sending``, and as abandoned afterwards.
    """

    _lane: Lane | None
    _started: float
    _sent: bool = False

    def sending(self) -> None:
        """Note that the request is about to leave this process."""
        self._sent = True

    def answered(self, response: Response) -> None:
        """Report a response of any status, and update the window from its headers."""
        if self._lane is not None:
            self._lane.answered(response, self._started)
            self._lane = None

    def close(self) -> None:
        """Report the end of a request without a response. Does nothing after a report."""
        if self._lane is not None:
            report = self._lane.abandoned if self._sent else self._lane.withdrawn
            self._lane = None
            report(self._started)

    def __enter__(self) -> "Permit":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LocalLane(Lane):
    _timer: asyncio.TimerHandle | None = None

    def left(self) -> int | None:
        return self.window.spare(asyncio.get_running_loop().time())

    def enter_at_once(self) -> float | None:
        # Without a future or a timer, which most requests do not need.
        now = asyncio.get_running_loop().time()
        if self._queue or self.window.wait(now) > 0:
            return None
        self.window.start(now)
        return now

    def answered(self, response: Response, started: float) -> None:
        now = asyncio.get_running_loop().time()
        refused = response.status == 429
        self.window.answered(self._read(response), started, now, refused=refused)
        if refused:
            self._count_refusal()
            log.warning("%s: refused, next request in %.1f s", self.name, self.window.wait(now))
        self._log_quirks()
        self._serve()

    def withdrawn(self, started: float) -> None:
        self.window.withdraw(started)
        self._serve()

    def abandoned(self, started: float) -> None:
        self.window.abandon()
        self._serve()

    async def aclose(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _serve(self) -> None:
        """Start as many waiting requests as the window allows, and set a timer for its reset."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._queue:
            return
        loop = asyncio.get_running_loop()
        while (wait := self.window.wait(loop.time())) <= 0:
            now = loop.time()
            if not self._queue.admit(now):
                return
            self.window.start(now)
        # If the wait is infinite, only a response can make room. It calls this method.
        if self._queue and wait < math.inf:
            self._log_wait(len(self._queue), wait)
            self._scarce_until = max(self._scarce_until, loop.time() + wait + SCARCE_SECONDS)
            self._timer = loop.call_later(wait, self._serve)


class Limiter:
    """The three request budgets of an API key.

    ``reserve`` is the share of each budget that is left to others. ``make_lane`` creates the queue
    of a class; by default, the queue is of this process only.
    """

    def __init__(
        self, reserve: float = 0.0, make_lane: Callable[[LimitClass, float], Lane] = LocalLane
    ) -> None:
        classes: tuple[LimitClass, ...] = ("uploads", "writes", "reads")
        self._lanes: dict[LimitClass, Lane] = {name: make_lane(name, reserve) for name in classes}

    async def permit(self, request: Request, longest: float | None) -> Permit:
        """Wait until the request may be sent, at most ``longest`` seconds (None: no limit).

        The caller sends the request in a ``with`` block of the permit. Raises ``ApiTimeoutError``
        if the time is over.
        """
        if request.limit_class is None:
            return Permit(None, 0.0)
        lane = self._lanes[request.limit_class]
        started = lane.enter_at_once()
        if started is None:
            started = await self._wait(lane, request, longest)
        return Permit(lane, started)

    async def _wait(self, lane: Lane, request: Request, longest: float | None) -> float:
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
        if name not in tuple(self._lanes):  # A list, for example, cannot be looked up.
            raise ConfigurationError(
                f"the class of a request budget is one of {', '.join(self._lanes)}",
                option="limit_class",
            )
        lane = self._lanes[name]
        return RequestBudget(name, lane.window.limit, lane.left(), lane.refused)

    def spare(self, name: LimitClass) -> int | None:
        """Return how many requests may start now. See ``Lane.spare``."""
        return self._lanes[name].spare()

    def window(self, name: LimitClass) -> Window:
        """Return the state of one window."""
        return self._lanes[name].window

    async def aclose(self) -> None:
        """End background tasks and timers. Required for a limiter with shared lanes."""
        await asyncio.gather(*(lane.aclose() for lane in self._lanes.values()))
