"""Logs statements that wait for long: what waits, and which session of the database holds the lock."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from attrs import define

from ..rate_limit.alarm import Alarm

__all__ = ["Delays"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

SLOW = 2.0
"""Seconds after which a wait is logged."""
EXPLAIN = 1.0
"""Seconds for finding out what holds a statement up."""


@define(eq=False)
class _Delay:
    what: str
    began: float
    pid: int | None = None
    """The server's process that executes the statement; None while there is no connection."""


class Delays:
    """Logs one warning when the first wait becomes long, and one when no wait is long any more.

    ``explain`` is called with the server's process that a statement waits in, and returns what it waits for.
    """

    def __init__(self, explain: Callable[[int], Awaitable[str]]) -> None:
        self._explain = explain
        self._long: set[_Delay] = set()
        self._told = False
        self._explaining: set[asyncio.Task[None]] = set()

    @contextmanager
    def watched(self, what: str) -> Iterator[_Delay]:
        """Watch one piece of work; ``what`` is its name in the log."""
        loop = asyncio.get_running_loop()
        delay = _Delay(what, loop.time())
        alarm = Alarm(SLOW, lambda: self._begin(delay))
        try:
            yield delay
        except BaseException:
            self._long.discard(delay)  # The caller logs or raises the failure.
            raise
        finally:
            alarm.cancel()
        if delay in self._long:
            self._long.remove(delay)
            if self._told and not self._long:
                self._told = False
                log.warning("the database answers again: %s took %.1f s", delay.what, loop.time() - delay.began)

    def _begin(self, delay: _Delay) -> None:
        first = not self._long
        self._long.add(delay)
        if first:
            task = asyncio.create_task(self._tell(delay))
            self._explaining.add(task)
            task.add_done_callback(self._explaining.discard)

    async def _tell(self, delay: _Delay) -> None:
        reason = ""
        if delay.pid is not None:
            try:
                async with asyncio.timeout(EXPLAIN):
                    reason = await self._explain(delay.pid)
            except Exception as error:  # Whatever the driver raises: without the reason, the wait is still logged.
                log.debug("the reason of a wait is not known: %r", error)
        if not self._long:
            return
        self._told = True
        waited = asyncio.get_running_loop().time() - delay.began
        log.warning("%s waits for the database since %.1f s: %s", delay.what, waited, reason or "no answer")

    async def aclose(self) -> None:
        """End what runs in the background."""
        for task in self._explaining:
            task.cancel()
        await asyncio.gather(*self._explaining, return_exceptions=True)
