"""Logs statements that wait for long, and the database sessions that hold their locks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from attrs import define

from ..tasks import Alarm

__all__ = ["Delays"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

SLOW = 2.0
"""Seconds after which a wait is logged."""
EXPLAIN_TIMEOUT = 1.0
"""Maximum seconds for finding the session that holds the lock."""


@define(eq=False)
class _Delay:
    operation: str
    began: float
    pid: int | None = None
    """The server process that executes the statement; None while there is no connection."""


class Delays:
    """Logs the first of several concurrent long waits, and later the end of the last one.

    ``explain`` gets the server process of a waiting statement, and returns the reason of the wait.
    """

    def __init__(self, explain: Callable[[int], Awaitable[str]]) -> None:
        self._explain = explain
        self._slow: set[_Delay] = set()
        """Statements that have waited longer than ``SLOW``."""
        self._warned = False
        """True if a warning was logged that needs a closing message."""
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def watched(self, operation: str) -> Iterator[_Delay]:
        """Watch one operation. The caller sets ``pid`` of the result once it is known."""
        loop = asyncio.get_running_loop()
        delay = _Delay(operation, loop.time())
        # A timer instead of a comparison at the end: a wait that never ends is logged as well.
        alarm = Alarm(SLOW, lambda: self._add(delay))
        try:
            yield delay
        except BaseException:
            # The caller logs or raises the error, so there is no closing message.
            self._slow.discard(delay)
            raise
        finally:
            alarm.cancel()
        if delay in self._slow:
            self._slow.remove(delay)
            if self._warned and not self._slow:
                self._warned = False
                log.warning(
                    "the database responds again: %s took %.1f s",
                    operation,
                    loop.time() - delay.began,
                    extra={"event": "database_wait_ended"},
                )

    def _add(self, delay: _Delay) -> None:
        first = not self._slow
        self._slow.add(delay)
        if first:
            task = asyncio.create_task(self._warn(delay))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _warn(self, delay: _Delay) -> None:
        reason = ""
        if delay.pid is not None:
            try:
                async with asyncio.timeout(EXPLAIN_TIMEOUT):
                    reason = await self._explain(delay.pid)
            # The driver may raise anything. The wait is then logged without the reason.
            except Exception as error:
                log.debug("the reason of a wait is not known: %r", error)
        # The wait ended while the reason was determined.
        if not self._slow:
            return
        self._warned = True
        log.warning(
            "%s has waited %.1f s for the database: %s",
            delay.operation,
            asyncio.get_running_loop().time() - delay.began,
            reason or "no response",
            extra={"event": "database_wait"},
        )

    async def aclose(self) -> None:
        """Cancel the background tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
