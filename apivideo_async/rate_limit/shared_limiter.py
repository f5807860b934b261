"""One request budget for all workers of an account: the rules are in ``shared_window``, the state is in a database.

A lane queues the requests of its process as the limiter does, and has one task, which exchanges with the database: what
came of requests since the last time, for leave to start those that wait. So a request waits for at most two round trips
more than with a limiter of its own, and those that wait together share them. While a class has no limit there are none.

When the database cannot be used, requests wait until it is back, and what there is to tell is kept.
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
from .fair_queue import Turns
from .limiter import SCARCE, Limiter
from .shared_window import UNCOUNTED, Exchange, Grant, Report, exchange
from .window import Window, read_headers

__all__ = ["Budget", "shared_limiter"]

T = TypeVar("T")

log: logging.Logger = logging.getLogger("apivideo_async.rate_limit")

LINGER = 0.01
"""Seconds that a report waits for company: the next request often asks a moment later."""
LOOK_AGAIN = 0.02, 1.0
"""Seconds, at first and at most, until it is asked again whether an answer to another worker made room."""
FREE = 2.0
"""Seconds for which a class without limits is taken for one."""
JITTER = 0.005
"""Seconds by which workers that wait for the same moment come apart."""
PAUSE = 0.1, 5.0
"""Seconds, at first and at most, until a database that failed is tried again."""
SLOW = 2.0
"""Seconds without an answer from the database after which the wait is logged."""
TTL = 6.0
"""Seconds without an exchange after which a worker counts as gone. Until then the requests that it was granted count as
in flight, and if it is frozen and they fill the window, the other workers wait for them."""
PARTING = 5.0
"""Seconds for the last exchange."""
CLOSED = "the limiter is closed: nothing can be sent any more"


class Budget(Protocol):
    """Where the state of the classes is kept, for all workers that share an account."""

    async def change(self, name: str, step: Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]) -> T:
        """Replace one state: atomically, ``step`` gets it and the time, and returns the new one and a result.

        The state is None at first, and of JSON values. The time is the database's clock in seconds; no other change
        happens between that time and the new state. ``step`` is pure and may be called again. After any exception
        the state may or may not have been changed.
        """
        ...


class _SharedLane:
    """The queue of one class in one of several processes."""

    def __init__(self, name: LimitClass, budget: Budget, owner: str, reserve: float, ttl: float) -> None:
        self.name = name
        self.refused = 0
        self.window: Window = Window(reserve=reserve)
        self._budget = budget
        self._usual = Exchange(owner=owner, number=0, sent=0.0, ttl=ttl, reserve=reserve)
        self._waiting: Turns[asyncio.Future[float]] = Turns()
        self._wanted = 0
        self._in_flight = 0
        self._reports: list[Report] = []
        self._pending: Exchange | None = None
        self._number = 0
        self._heard, self._clock = -math.inf, 0.0
        self._ask_at = self._free_until = self._scarce_until = -math.inf
        self._look_again, self._pause = LOOK_AGAIN[0], 0.0
        self._troubled = False
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def spare(self) -> int | None:
        return 0 if self._wanted or asyncio.get_running_loop().time() < self._scarce_until else self.left()

    def left(self) -> int | None:
        return self.window.spare(self._clock + asyncio.get_running_loop().time() - self._heard)

    def enter_at_once(self) -> float | None:
        return UNCOUNTED if asyncio.get_running_loop().time() < self._free_until else None

    async def enter(self, request: Request) -> float:
        """Wait until a request may start. Raises ``ConfigurationError`` when the limiter is closed."""
        if self._closed:
            raise ConfigurationError(CLOSED)
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.push(turn, request.flow, request.priority)
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
                self.withdrawn(turn.result())
            raise

    def answered(self, response: Response, started: float) -> None:
        headers, refused = read_headers(response.headers), response.status == 429
        if refused:
            self._free_until = -math.inf
            log.warning("%s: refused; all workers wait %s s", self.name, headers.retry_after if headers else "some")
        if started != UNCOUNTED or refused or headers is not None:
            self._report(Report("answered", started, asyncio.get_running_loop().time(), headers, refused))

    def withdrawn(self, started: float) -> None:
        if started != UNCOUNTED:
            self._report(Report("withdrawn", started, asyncio.get_running_loop().time()))

    def abandoned(self, started: float) -> None:
        if started != UNCOUNTED:
            self._report(Report("abandoned", started, asyncio.get_running_loop().time()))

    async def aclose(self) -> None:
        """Tell what there is to tell, and leave; requests that still wait raise ``ConfigurationError``."""
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
        """When to talk to the database next."""
        if self._pending is not None:
            return self._ask_at
        due = self._ask_at if self._wanted else math.inf
        if self._reports:
            due = min(due, self._reports[0].ended + LINGER)
        if self._in_flight:
            due = min(due, self._heard + self._usual.ttl / 3)
        return due

    async def _exchange(self, *, leaving: bool = False) -> None:
        """Exchange once; what was not answered goes again as it was, until it is."""
        loop = asyncio.get_running_loop()
        if self._pending is None:
            self._number += 1
            reports, self._reports = tuple(self._reports), []
            self._pending = evolve(
                self._usual, number=self._number, reports=reports, wanted=self._wanted, leaving=leaving
            )
        given = self._pending = evolve(self._pending, sent=loop.time())
        alarm = Alarm(SLOW, lambda: self._complain("no answer yet"))
        try:
            grant = await self._budget.change(self.name, partial(exchange, given=given))
        except Exception as error:  # Whatever a driver raises: a task that ends here would hold up everybody for ever.
            self._failed(error)
            return
        finally:
            alarm.cancel()
        self._pending = None
        self._take(grant, given.wanted, loop.time())

    def _complain(self, why: object) -> None:
        """Log once that the budget cannot be used, until it can be used again."""
        if not self._troubled:
            self._troubled = True
            log.warning("%s: requests wait, because the shared budget cannot be used: %s", self.name, why)

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
        self._look_again = LOOK_AGAIN[0] if grant.count else min(self._look_again * 1.5, LOOK_AGAIN[1])
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
                self.withdrawn(grant.now)
        while grant.free and (turn := self._next()):
            turn.set_result(UNCOUNTED)

    def _next(self) -> asyncio.Future[float] | None:
        """Take who is next of those that still wait."""
        while self._waiting:
            turn = self._waiting.pop()
            if not turn.done():
                self._wanted -= 1
                return turn
        return None


def shared_limiter(budget: Budget, owner: str, reserve: float = 0.0, ttl: float = TTL) -> Limiter:
    """Make the limiter of one of several processes that share a key; close it after the client.

    ``owner`` names the process in the database; a process that starts again may have the same name. One that was not
    heard of for ``ttl`` seconds counts as gone: what it had in flight is no longer waited for.
    """
    unique = f"{owner}:{uuid.uuid4().hex[:12]}"
    return Limiter(reserve, lambda name: _SharedLane(name, budget, unique, reserve, ttl))
