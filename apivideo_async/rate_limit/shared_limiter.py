"""One request budget for all workers of an account. ``shared_window`` contains the rules.

Theory of operation. The state of the budget is in a database. A lane has one task, which makes
*exchanges* with the database: an exchange reports the outcome of earlier requests and asks for
permission to start the waiting ones. A request therefore waits at most two round trips longer than
with a local limiter. While the class has no limit, there are no exchanges. While the database
cannot be used, requests wait and the reports are kept.
"""

import asyncio
import logging
import math
import random
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from attrs import evolve

from ..errors import ConfigurationError
from ..protocol.request import LimitClass, Request
from ..protocol.response import Response
from ..tasks import Alarm, wait_event
from .headers import RateLimitHeaders
from .limiter import SCARCE_SECONDS, Lane, Limiter
from .shared_window import UNCOUNTED, Exchange, Grant, Outcome, Report, exchange
from .window import Window

__all__ = ["Budget", "shared_limiter"]

T = TypeVar("T")

log: logging.Logger = logging.getLogger("apivideo_async.rate_limit")

REPORT_DELAY = 0.01
"""Seconds that a report waits for others: the next request is often ready a moment later."""
FIRST_RECHECK = 0.02
"""Seconds until a worker checks whether the responses of others made room. It grows."""
LONGEST_RECHECK = 1.0
FREE_SECONDS = 2.0
"""Seconds for which a class without limits is used without another exchange."""
JITTER = 0.005
"""Seconds. A random part of it separates workers that wait for the same moment."""
FIRST_PAUSE = 0.1
"""Seconds until an exchange that failed is repeated. The pause doubles with each failure."""
LONGEST_PAUSE = 5.0
SLOW = 2.0
"""Seconds without an answer from the database after which the wait is logged."""
TTL = 6.0
"""Seconds without an exchange after which a worker counts as gone.

Until then, the requests that were granted to it count as in flight. If a frozen worker fills the
window with them, the other workers wait for it.
"""
CLOSE_SECONDS = 5.0
"""Seconds for the last exchanges of a limiter that is closed."""
CLOSED = "the limiter is closed: no more requests can be sent"


class Budget(Protocol):
    """Stores the states of the classes for all workers of an account."""

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


class SharedLane(Lane):
    def __init__(
        self, name: LimitClass, reserve: float, *, budget: Budget, owner: str, ttl: float
    ) -> None:
        super().__init__(name, reserve)
        self._budget = budget
        # The last exchange. While it is pending (sent and not answered), it is repeated with the
        # same number, by which ``exchange`` recognises that it was applied already.
        self._last = Exchange(owner=owner, number=0, sent=0.0, ttl=ttl, reserve=reserve)
        self._pending = False
        self._reports: list[Report] = []
        self._in_flight = 0
        # The time of the last answer on this process's clock, and on that of the database.
        self._answered_at = -math.inf
        self._database_time = 0.0
        self._exchange_at = -math.inf
        self._free_until = -math.inf
        self._recheck = FIRST_RECHECK
        self._pause = 0.0
        self._failing = False
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def left(self) -> int | None:
        age = asyncio.get_running_loop().time() - self._answered_at
        return self.window.spare(self._database_time + age)

    def enter_at_once(self) -> float | None:
        return UNCOUNTED if asyncio.get_running_loop().time() < self._free_until else None

    async def enter(self, request: Request) -> float:
        if self._closed:
            raise ConfigurationError(CLOSED)
        return await super().enter(request)

    def answered(self, response: Response, started: float) -> None:
        headers, refused = self._read(response), response.status == 429
        if refused:
            self._count_refusal()
            self._free_until = -math.inf
            told = headers.wait if headers else None
            wait = "a few seconds" if told is None else f"{told:g} s"
            log.warning("%s: refused; all workers wait %s", self.name, wait)
        # Uncounted requests matter only if the response has a limit.
        limited = headers is not None and (headers.limit, headers.remaining) != (None, None)
        if started != UNCOUNTED or refused or limited:
            self._report("answered", started, headers, refused=refused)

    def withdrawn(self, started: float) -> None:
        if started != UNCOUNTED:
            self._report("withdrawn", started)

    def abandoned(self, started: float) -> None:
        if started != UNCOUNTED:
            self._report("abandoned", started)

    async def aclose(self) -> None:
        """Report the last outcomes and leave. Waiting requests raise ``ConfigurationError``."""
        self._closed = True
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        self._queue.reject_all(lambda: ConfigurationError(CLOSED))
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                # An unanswered exchange must be repeated first, so that its reports are not lost.
                if self._pending:
                    await self._exchange()
                if not self._pending:
                    await self._exchange(leaving=True)
        except TimeoutError:
            log.warning(
                "%s: the limiter was closed without a last exchange: the shared budget "
                "does not answer",
                self.name,
            )

    def _report(
        self,
        outcome: Outcome,
        started: float,
        headers: RateLimitHeaders | None = None,
        *,
        refused: bool = False,
    ) -> None:
        self._in_flight -= started != UNCOUNTED
        now = asyncio.get_running_loop().time()
        self._reports.append(Report(outcome, started, now, headers, refused))
        self._wake()

    def _serve(self) -> None:
        # Otherwise the time of the next exchange is set already.
        if len(self._queue) == 1 and not self._pending:
            self._exchange_at = -math.inf
        self._wake()

    def _wake(self) -> None:
        if self._closed:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        self._changed.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while (wait := self._due() - loop.time()) > 0:
                self._changed.clear()
                await wait_event(self._changed, wait if wait < math.inf else None)
            await self._exchange()

    def _due(self) -> float:
        """Return the time of the next exchange on the clock of the event loop."""
        if self._pending:
            return self._exchange_at
        due = self._exchange_at if self._queue else math.inf
        if self._reports:
            due = min(due, self._reports[0].ended + REPORT_DELAY)
        # Regular exchanges show that this worker is alive, so its requests stay counted.
        if self._in_flight:
            due = min(due, self._answered_at + self._last.ttl / 3)
        return due

    async def _exchange(self, *, leaving: bool = False) -> None:
        """Make one exchange. An exchange without an answer is repeated by the next call."""
        loop = asyncio.get_running_loop()
        if not self._pending:
            self._last = evolve(
                self._last,
                number=self._last.number + 1,
                reports=tuple(self._reports),
                wanted=len(self._queue),
                leaving=leaving,
            )
            self._reports = []
            self._pending = True
        # ``sent`` is updated, because the ages of the reports are computed from it.
        given = self._last = evolve(self._last, sent=loop.time())
        alarm = Alarm(SLOW, lambda: self._warn("no answer yet"))
        try:
            grant = await self._budget.change(self.name, partial(exchange, given=given))
        except Exception as error:  # Drivers raise any type; the task must not end.
            self._warn(repr(error))
            self._pause = min(self._pause * 2, LONGEST_PAUSE) or FIRST_PAUSE
            self._exchange_at = loop.time() + self._pause
            return
        finally:
            alarm.cancel()
        self._pending = False
        self._apply(grant, given.wanted, loop.time())

    def _warn(self, why: str) -> None:
        """Log once that the budget cannot be used. ``_apply`` logs when it can be used again."""
        if not self._failing:
            self._failing = True
            log.warning(
                "%s: requests wait, because the shared budget cannot be used: %s", self.name, why
            )

    def _apply(self, grant: Grant, wanted: int, now: float) -> None:
        if self._failing:
            log.warning("%s: the shared budget can be used again", self.name)
        self._failing = False
        self._pause = 0.0
        self.window: Window = grant.window
        self._log_quirks()
        self._answered_at = now
        self._database_time = grant.now
        self._free_until = now + FREE_SECONDS if grant.free else -math.inf
        self._admit(grant)
        if grant.wait <= 0:
            self._exchange_at = -math.inf
            self._recheck = FIRST_RECHECK
            return
        # If other workers have requests in flight, check more often than the window resets: their
        # responses may make room earlier. The interval grows while nothing is granted.
        self._recheck = FIRST_RECHECK if grant.count else min(self._recheck * 1.5, LONGEST_RECHECK)
        if grant.wait < math.inf:
            self._scarce_until = max(self._scarce_until, now + grant.wait + SCARCE_SECONDS)
        wait = min(grant.wait, self._recheck) if grant.sooner else grant.wait
        self._exchange_at = now + wait + random.uniform(0, JITTER)  # noqa: S311
        self._log_wait(wanted - grant.count, wait)

    def _admit(self, grant: Grant) -> None:
        self._in_flight += grant.count
        for _ in range(grant.count):
            if not self._queue.admit(grant.now):
                # The request was cancelled during the exchange, so its grant is returned.
                self.withdrawn(grant.now)
        while grant.free and self._queue.admit(UNCOUNTED):
            pass


def shared_limiter(budget: Budget, owner: str, reserve: float = 0.0, ttl: float = TTL) -> Limiter:
    """Return the limiter of one of several processes that share a key. Close it after the client.

    ``owner`` is the name of the process in the database; a process that restarts may use the same
    name. The requests of a process without an exchange for ``ttl`` seconds are not counted.
    """
    unique = f"{owner}:{uuid.uuid4().hex[:12]}"
    return Limiter(reserve, partial(SharedLane, budget=budget, owner=unique, ttl=ttl))
