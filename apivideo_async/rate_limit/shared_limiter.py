"""One request budget for all workers of an account. ``shared_window`` contains the rules.

Theory of operation. The state of the budget is in a database. A lane queues the requests of its
process, as in ``limiter``. It has one task, which makes *exchanges* with the database: an exchange
reports the outcome of earlier requests and asks for permission to start the waiting ones. A request
therefore waits for at most two round trips more than with the limiter of one process, and requests
that wait together share these. While the class has no limit, there are no exchanges.

If the database cannot be used, requests wait until it is available again, and the reports are kept.
"""

import asyncio
import logging
import math
import random
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from attrs import evolve

from ..errors import ConfigurationError
from ..protocol.request import LimitClass, Request
from ..protocol.response import Response
from .alarm import Alarm
from .fair_queue import FairQueue
from .limiter import SCARCE, Limiter
from .shared_window import UNCOUNTED, Exchange, Grant, Report, exchange
from .window import Window, read_headers

__all__ = ["Budget", "shared_limiter"]

T = TypeVar("T")

log: logging.Logger = logging.getLogger("apivideo_async.rate_limit")

LINGER = 0.01
"""Seconds that a report waits for others: the next request is often ready a moment later."""
LOOK_AGAIN = 0.02, 1.0
"""Seconds, first and longest, until a worker checks whether the responses of others made room."""
FREE = 2.0
"""Seconds for which a class without limits is used without another exchange."""
JITTER = 0.005
"""Seconds. A random part of it separates workers that wait for the same moment."""
PAUSE = 0.1, 5.0
"""Seconds, first and longest, until an exchange that failed is repeated."""
SLOW = 2.0
"""Seconds without an answer from the database after which the wait is logged."""
TTL = 6.0
"""Seconds without an exchange after which a worker counts as gone.

Until then, the requests that were granted to it count as in flight. If a frozen worker fills the
window with them, the other workers wait for it.
"""
PARTING = 5.0
"""Seconds for the last exchanges of a limiter that is closed."""
CLOSED = "the limiter is closed: nothing can be sent any more"


class Budget(Protocol):
    """The storage of the states of the classes, shared by all workers of an account."""

    async def change(
        self, name: str, step: Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]
    ) -> T:
        """Replace the state ``name`` atomically. Returns the result of ``step``.

        ``step`` takes the state and the time, and returns the new state and a result. It must be
        pure, because it may be called several times. The state consists of JSON values and is None
        at first. The time is the database's clock in seconds; no other change happens between that
        time and the storage of the new state. After any exception, the state may or may not have
        been changed.
        """
        ...


class _SharedLane:
    """The queue of one class in one of several processes."""

    def __init__(
        self, name: LimitClass, budget: Budget, owner: str, reserve: float, ttl: float
    ) -> None:
        self.name = name
        self.refused = 0
        self.window: Window = Window(reserve=reserve)
        self._budget = budget
        self._usual = Exchange(owner=owner, number=0, sent=0.0, ttl=ttl, reserve=reserve)
        self._waiting: FairQueue[asyncio.Future[float]] = FairQueue()
        self._wanted = 0
        self._in_flight = 0
        self._reports: list[Report] = []
        # The exchange that was sent and is not answered yet. It is repeated with the same number,
        # by which ``exchange`` recognises that it was applied already.
        self._pending: Exchange | None = None
        self._number = 0
        # The time of the last exchange on this process's clock, and on that of the database.
        self._heard, self._clock = -math.inf, 0.0
        self._ask_at = self._free_until = self._scarce_until = -math.inf
        self._look_again, self._pause = LOOK_AGAIN[0], 0.0
        self._troubled = False
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def spare(self) -> int | None:
        return (
            0
            if self._wanted or asyncio.get_running_loop().time() < self._scarce_until
            else self.left()
        )

    def left(self) -> int | None:
        return self.window.spare(self._clock + asyncio.get_running_loop().time() - self._heard)

    def enter_at_once(self) -> float | None:
        return UNCOUNTED if asyncio.get_running_loop().time() < self._free_until else None

    async def enter(self, request: Request) -> float:
        """Wait until a request may start. Returns its start time.

        Raises ``ConfigurationError`` if the limiter is closed.
        """
        if self._closed:
            raise ConfigurationError(CLOSED)
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.push(turn, request.flow, request.priority)
        # If requests are waiting or an exchange is under way, the next exchange is due already.
        if not self._wanted and self._pending is None:
            self._ask_at = -math.inf
        self._wanted += 1
        self._wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._wanted -= 1
            elif turn.exception() is None:
                # The request was granted before the cancellation, so the grant is returned.
                self.withdrawn(turn.result())
            raise

    def answered(self, response: Response, started: float) -> None:
        headers, refused = read_headers(response.headers), response.status == 429
        if refused:
            self._free_until = -math.inf
            log.warning(
                "%s: refused; all workers wait %s s",
                self.name,
                headers.retry_after if headers else "some",
            )
        # Requests that no exchange granted are not counted, so their outcome matters only if the
        # response has a limit.
        if started != UNCOUNTED or refused or headers is not None:
            self._report(
                Report("answered", started, asyncio.get_running_loop().time(), headers, refused)
            )

    def withdrawn(self, started: float) -> None:
        if started != UNCOUNTED:
            self._report(Report("withdrawn", started, asyncio.get_running_loop().time()))

    def abandoned(self, started: float) -> None:
        if started != UNCOUNTED:
            self._report(Report("abandoned", started, asyncio.get_running_loop().time()))

    async def aclose(self) -> None:
        """Report the last outcomes and leave. Waiting requests raise ``ConfigurationError``."""
        self._closed = True
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        while turn := self._next():
            turn.set_exception(ConfigurationError(CLOSED))
        try:
            async with asyncio.timeout(PARTING):
                # An unanswered exchange must be repeated first, so that its reports are not lost.
                if self._pending is not None:
                    await self._exchange()
                if self._pending is None:
                    await self._exchange(leaving=True)
        except TimeoutError:
            log.warning("%s: left without a word: the shared budget does not answer", self.name)

    def _report(self, report: Report) -> None:
        self._in_flight -= report.started != UNCOUNTED
        self._reports.append(report)
        self._wake()

    def _wake(self) -> None:
        if self._closed:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        self._news.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while (wait := self._due() - loop.time()) > 0:
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait if wait < math.inf else None):
                        await self._news.wait()
            await self._exchange()

    def _due(self) -> float:
        """Return the time of the next exchange on the clock of the event loop."""
        if self._pending is not None:
            return self._ask_at
        due = self._ask_at if self._wanted else math.inf
        if self._reports:
            due = min(due, self._reports[0].ended + LINGER)
        # Regular exchanges show that this worker is alive, so that its requests stay counted.
        if self._in_flight:
            due = min(due, self._heard + self._usual.ttl / 3)
        return due

    async def _exchange(self, *, leaving: bool = False) -> None:
        """Make one exchange. An exchange without an answer is repeated by the next call."""
        loop = asyncio.get_running_loop()
        if self._pending is None:
            self._number += 1
            reports, self._reports = tuple(self._reports), []
            self._pending = evolve(
                self._usual,
                number=self._number,
                reports=reports,
                wanted=self._wanted,
                leaving=leaving,
            )
        # ``sent`` is updated, because the ages of the reports are computed from it.
        given = self._pending = evolve(self._pending, sent=loop.time())
        alarm = Alarm(SLOW, lambda: self._complain("no answer yet"))
        try:
            grant = await self._budget.change(self.name, partial(exchange, given=given))
        except Exception as error:  # Drivers raise any type; the task must not end.
            self._failed(error)
            return
        finally:
            alarm.cancel()
        self._pending = None
        self._take(grant, given.wanted, loop.time())

    def _complain(self, why: object) -> None:
        """Log once that the budget cannot be used. ``_take`` logs when it can be used again."""
        if not self._troubled:
            self._troubled = True
            log.warning(
                "%s: requests wait, because the shared budget cannot be used: %s", self.name, why
            )

    def _failed(self, error: Exception) -> None:
        self._complain(repr(error))
        self._pause = min(self._pause * 2, PAUSE[1]) or PAUSE[0]
        self._ask_at = asyncio.get_running_loop().time() + self._pause

    def _take(self, grant: Grant, wanted: int, now: float) -> None:
        if self._troubled:
            log.warning("%s: the shared budget can be used again", self.name)
        self._troubled, self._pause = False, 0.0
        self.window, self._heard, self._clock = grant.window, now, grant.now
        self._free_until = now + FREE if grant.free else -math.inf
        self._let_in(grant)
        if grant.wait <= 0:
            self._ask_at, self._look_again = -math.inf, LOOK_AGAIN[0]
            return
        # If other workers have requests in flight, check more often than the window resets: their
        # responses may make room earlier. The interval grows while nothing is granted.
        self._look_again = (
            LOOK_AGAIN[0] if grant.count else min(self._look_again * 1.5, LOOK_AGAIN[1])
        )
        if grant.wait < math.inf:
            self._scarce_until = max(self._scarce_until, now + grant.wait + SCARCE)
        wait = min(grant.wait, self._look_again) if grant.sooner else grant.wait
        self._ask_at = now + wait + random.uniform(0, JITTER)  # noqa: S311
        log.debug("%s: budget spent, %d waiting %.3f s", self.name, wanted - grant.count, wait)

    def _let_in(self, grant: Grant) -> None:
        self._in_flight += grant.count
        for _ in range(grant.count):
            if turn := self._next():
                turn.set_result(grant.now)
            else:
                # The request was cancelled during the exchange, so its grant is returned.
                self.withdrawn(grant.now)
        while grant.free and (turn := self._next()):
            turn.set_result(UNCOUNTED)

    def _next(self) -> asyncio.Future[float] | None:
        """Remove and return the next request that still waits."""
        while self._waiting:
            turn = self._waiting.pop()
            if not turn.done():
                self._wanted -= 1
                return turn
        return None


def shared_limiter(budget: Budget, owner: str, reserve: float = 0.0, ttl: float = TTL) -> Limiter:
    """Return the limiter of one of several processes that share a key.

    Close it after the client. ``owner`` is the name of the process in the database; a process that
    restarts may use the same name. A process that makes no exchange for ``ttl`` seconds counts as
    gone, and its requests no longer count as in flight.
    """
    unique = f"{owner}:{uuid.uuid4().hex[:12]}"
    return Limiter(reserve, lambda name: _SharedLane(name, budget, unique, reserve, ttl))
