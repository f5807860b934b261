"""Logs statements that wait for long, and the database session that holds the lock."""

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
EXPLAIN = 1.0
"""Maximum seconds for finding the session that holds the lock."""


@define(eq=False)
class _Delay:
    """A statement that is being executed."""

    what: str
    began: float
    pid: int | None = None
    """The server process that executes the statement; None while there is no connection."""


class Delays:
    """Logs a warning when a wait becomes long, and another when no wait is long any more.

    Only the first of several concurrent long waits is logged. ``explain`` is called with the server
    process that executes the statement, and returns the reason of the wait.
    """

    def __init__(self, explain: Callable[[int], Awaitable[str]]) -> None:
        self._explain = explain
        self._long: set[_Delay] = set()
        """Statements that have waited longer than ``SLOW``."""
        self._told = False
        """True if a warning was logged that needs a closing message."""
        self._explaining: set[asyncio.Task[None]] = set()

    @contextmanager
    def watched(self, what: str) -> Iterator[_Delay]:
        """Watch one operation. ``what`` is its name in the log."""
        loop = asyncio.get_running_loop()
        delay = _Delay(what, loop.time())
        # A timer instead of a comparison at the end: a wait that never ends is logged as well.
        alarm = Alarm(SLOW, lambda: self._begin(delay))
        try:
            yield delay
        except BaseException:
            # The caller logs or raises the error, so there is no closing message.
            self._long.discard(delay)
            raise
        finally:
            alarm.cancel()
        if delay in self._long:
            self._long.remove(delay)
            if self._told and not self._long:
                self._told = False
                log.warning(
                    "the database answers again: %s took %.1f s",
                    delay.what,
                    loop.time() - delay.began,
                )

    def _begin(self, delay: _Delay) -> None:
        """Record a long wait and, if it is the only one, log it."""
        first = not self._long
        self._long.add(delay)
        if first:
            task = asyncio.create_task(self._tell(delay))
            self._explaining.add(task)
            task.add_done_callback(self._explaining.discard)

    async def _tell(self, delay: _Delay) -> None:
        """Log a long wait with its reason."""
        reason = ""
        if delay.pid is not None:
            try:
                async with asyncio.timeout(EXPLAIN):
                    reason = await self._explain(delay.pid)
            # The driver may raise anything. The wait is then logged without the reason.
            except Exception as error:
                log.debug("the reason of a wait is not known: %r", error)
        # The wait ended while the reason was determined.
        if not self._long:
            return
        self._told = True
        waited = asyncio.get_running_loop().time() - delay.began
        log.warning(
            "%s waits for the database since %.1f s: %s", delay.what, waited, reason or "no answer"
        )

    async def aclose(self) -> None:
        """Cancel the background tasks."""
        for task in self._explaining:
            task.cancel()
        await asyncio.gather(*self._explaining, return_exceptions=True)
